//! The candidate and the champion on the same rows: what every gate looks at.
//!
//! Rows are named by their place among those held out; a gate picks the places it is about. What the
//! numbers mean is not said here.

use crate::domain::identity::Version;
use crate::domain::job::{Job, Task};
use crate::engine::error::{Cause, RunError};
use crate::learn::artifact::{Artifact, Scores};
use crate::learn::compare::lack::lack;
use crate::learn::compare::{self, CompareError, Comparison, Options, Truth};
use crate::learn::metric::{self, Metric, MetricValues, Resampling};
use crate::learn::model::Labels;

use super::obstacle::Obstacle;

/// Rows that the candidate was not fitted on, with its scores.
pub struct HeldOut<'a> {
    /// The candidate.
    pub artifact: &'a Artifact,
    /// What is true of each row.
    pub labels: &'a Labels,
    /// What the candidate says of each row.
    pub scores: &'a Scores,
    /// One id hash a row.
    pub ids: &'a [u64],
}

/// The champion on the same rows.
pub struct Baseline<'a> {
    /// Which version it is.
    pub version: Version,
    /// The version itself.
    pub artifact: &'a Artifact,
    /// What it says of each row; `None` if it cannot score them.
    pub scores: Option<Scores>,
    /// Why it cannot.
    pub obstacle: Option<String>,
}

/// Everything that gates look at.
pub struct Evidence<'a> {
    /// The job.
    pub job: &'a Job,
    /// The candidate on the rows held out.
    pub held_out: HeldOut<'a>,
    /// The champion on the same rows; `None` without a champion.
    pub baseline: Option<Baseline<'a>>,
    /// The places of rows that neither was fitted on.
    pub fair: Vec<usize>,
    /// What a constant predictor says of every row, one number a column.
    pub constant: Vec<f64>,
    /// What the label of the row before says, where rows have times; NaN for the first row.
    pub last_value: Option<Vec<f64>>,
    /// For each slice column of a gate the value of each row.
    pub slices: Vec<(String, Vec<Option<String>>)>,
}

impl HeldOut<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Every metric of the candidate on the rows at `places`.
    pub fn metrics(&self, job: &Job, places: &[usize]) -> Result<MetricValues, RunError> {
        let columns = gather(&self.scores.columns(), places);
        let truth = OwnedTruth::of(job, self.artifact, &self.labels.gather(places))?;
        let ids: Vec<u64> = places.iter().map(|place| self.ids[*place]).collect();
        let resampling = Resampling::new(&ids, job.train.seed);
        let found = match (&truth, columns.as_slice()) {
            (OwnedTruth::Regression(truth), [predicted]) => {
                metric::regression(truth, predicted, &resampling)
            }
            (OwnedTruth::Binary { truth, threshold }, [probability]) => {
                metric::binary(truth, probability, *threshold, &resampling)
            }
            (OwnedTruth::Multiclass(truth), columns) => {
                metric::multiclass(truth, columns, &resampling)
            }
            _ => return Err(mismatch()),
        };
        found.map_err(RunError::data("evaluate"))
    }
}

/// Truth in the form that metrics and comparisons ask for.
enum OwnedTruth {
    Binary { truth: Vec<bool>, threshold: f64 },
    Multiclass(Vec<u32>),
    Regression(Vec<f64>),
}

impl OwnedTruth {
    fn of(job: &Job, artifact: &Artifact, labels: &Labels) -> Result<Self, RunError> {
        Ok(match (labels, job.model.task) {
            (Labels::Values(values), Task::Regression) => Self::Regression(values.clone()),
            (Labels::Classes { index, .. }, Task::Binary) => {
                let positive = u32::try_from(artifact.positive).unwrap_or(u32::MAX);
                let truth = index.iter().map(|class| *class == positive).collect();
                let threshold = job.score.decision_threshold();
                Self::Binary { truth, threshold }
            }
            (Labels::Classes { index, .. }, Task::Multiclass) => Self::Multiclass(index.clone()),
            _ => return Err(mismatch()),
        })
    }

    fn borrowed(&self) -> Truth<'_> {
        match self {
            Self::Binary { truth, threshold } => Truth::Binary { truth, threshold: *threshold },
            Self::Multiclass(truth) => Truth::Multiclass(truth),
            Self::Regression(truth) => Truth::Regression(truth),
        }
    }
}

fn mismatch() -> RunError {
    let message = "scores and labels are not of one task; this is a bug";
    RunError::new("evaluate", Cause::Other, message)
}

impl Evidence<'_> {
    /// Compares candidate and champion by `metric` on the rows at `places`, or says why that is impossible.
    pub fn compare(
        &self,
        metric: &'static Metric,
        places: &[usize],
        confidence: f64,
    ) -> Result<Comparison, Obstacle> {
        let columns = self.columns_of_baseline()?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        self.against(metric, &columns, places, confidence)
    }

    /// The champion's value of `metric` on the rows at `places`, or why it has none.
    pub fn of_baseline(&self, metric: &'static Metric, places: &[usize]) -> Result<f64, Obstacle> {
        let columns = self.columns_of_baseline()?;
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let columns = gather(&columns, places);
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        compare::measure(metric, self.truth(places)?.borrowed(), &columns).map_err(Obstacle::from)
    }

    /// What the rows at `places` lack for a comparison by `metric`, whatever was predicted.
    pub fn lack(&self, metric: &'static Metric, places: &[usize]) -> Option<CompareError> {
        let truth = self.truth(places).ok()?;
        let classes = self.held_out.artifact.classes.len();
        lack(metric, truth.borrowed(), classes, &self.ids(places))
    }

    fn columns_of_baseline(&self) -> Result<Vec<Vec<f64>>, Obstacle> {
        let Some(baseline) = &self.baseline else {
            return Err(Obstacle::new("there is no champion".to_owned()));
        };
        baseline.columns(self.held_out.artifact).map_err(Obstacle::new)
    }

    fn truth(&self, places: &[usize]) -> Result<OwnedTruth, Obstacle> {
        let HeldOut { artifact, labels, .. } = &self.held_out;
        OwnedTruth::of(self.job, artifact, &labels.gather(places))
            .map_err(|error| Obstacle::new(error.chain()))
    }

    fn ids(&self, places: &[usize]) -> Vec<u64> {
        places.iter().map(|place| self.held_out.ids[*place]).collect()
    }

    /// Compares the candidate with any columns of scores on the rows at `places`.
    pub fn against(
        &self,
        metric: &'static Metric,
        baseline: &[&[f64]],
        places: &[usize],
        confidence: f64,
    ) -> Result<Comparison, Obstacle> {
        let (truth, ids) = (self.truth(places)?, self.ids(places));
        let options = Options { confidence, seed: self.job.train.seed, ids: &ids };
        let (ours, theirs) =
            (gather(&self.held_out.scores.columns(), places), gather(baseline, places));
        let ours: Vec<&[f64]> = ours.iter().map(Vec::as_slice).collect();
        let theirs: Vec<&[f64]> = theirs.iter().map(Vec::as_slice).collect();
        compare::compare(metric, truth.borrowed(), &ours, &theirs, &options).map_err(Obstacle::from)
    }
}

impl Baseline<'_> {
    /// The champion's scores in the order of the candidate's classes; a class that it does not know has
    /// probability 0.
    fn columns(&self, candidate: &Artifact) -> Result<Vec<Vec<f64>>, String> {
        let Some(scores) = &self.scores else {
            let obstacle = self.obstacle.as_deref().unwrap_or("it has no scores");
            return Err(format!("{} cannot score these rows: {obstacle}", self.version));
        };
        if self.artifact.task != candidate.task {
            let (ours, theirs) = (candidate.task, self.artifact.task);
            return Err(format!(
                "{} is of the task {theirs}, the candidate of {ours}",
                self.version
            ));
        }
        if self.artifact.positive_class() != candidate.positive_class() {
            return Err(format!("{} has another positive class", self.version));
        }
        match scores {
            Scores::Value(values) => Ok(vec![values.clone()]),
            Scores::Classes(columns) => {
                let place = |class: &String| self.artifact.classes.iter().position(|c| c == class);
                let column = |class| match place(class) {
                    Some(place) => columns[place].clone(),
                    None => vec![0.0; columns.first().map_or(0, Vec::len)],
                };
                Ok(candidate.classes.iter().map(column).collect())
            }
        }
    }
}

/// The values of each column at `places`.
fn gather(columns: &[&[f64]], places: &[usize]) -> Vec<Vec<f64>> {
    let pick = |column: &&[f64]| places.iter().map(|place| column[*place]).collect();
    columns.iter().map(pick).collect()
}
