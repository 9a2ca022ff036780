//! From rows with labels to a fitted model: features, matrix, estimator.
//!
//! The result depends on the rows, the job and the seed alone. Reading rows, splitting them and judging
//! the result are the caller's.

/// The maps of a model's probabilities to what comes true.
mod calibrate;
/// The rows that a model is fitted on.
mod examples;
/// Learning on from a version.
mod resume;

use std::borrow::Cow;

pub use self::calibrate::CalibrateError;
pub use self::examples::Examples;
pub use self::resume::{Resumed, learns_on, resume};
use crate::domain::frame::Frame;
use crate::domain::job::{Job, ModelParams, Scale, Task};
use crate::domain::table::TableSchema;
use crate::learn::artifact::{
    Artifact, ScoreError, Scores, TrainingFacts, outputs, predict, predict_calibrated, scored,
};
use crate::learn::features::{
    Block, Design, FeatureColumn, FeatureError, FittedFeatures, Form, Scaling,
};
use crate::learn::model::{
    Calibration, FitError, Kind, LabelError, Labels, Model, Target, Training, kind,
};
use crate::learn::profile::ReferenceProfile;
use crate::learn::table::TrainingTable;
use crate::learn::weights::WeightError;

/// What is told where rows should tell when to stop, and none can be held out.
const NOTHING_STOPS: &str = "no rows could be held out to tell when to stop, since too many are of one id or of \
                             one instant, so every round was grown";

/// What was fitted, and what a person should know about it.
#[derive(Debug)]
pub struct Fitted {
    /// How columns become a matrix.
    pub features: FittedFeatures,
    /// What is predicted.
    pub task: Task,
    /// The classes in their order; empty for a regression.
    pub classes: Vec<String>,
    /// Binary: the place in `classes` of the class whose probability is the score; otherwise 0.
    pub positive: usize,
    /// The kind of the model.
    pub kind: &'static dyn Kind,
    /// The fitted model.
    pub model: Box<dyn Model>,
    /// What brings its probabilities to what comes true, if the job asks for it.
    pub calibration: Option<Calibration>,
    /// One sentence each: columns that never vary, columns that duplicate others.
    pub warnings: Vec<String>,
}

/// Why nothing could be fitted.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The labels cannot be learned.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The columns cannot be used.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// The estimator failed.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weight(#[from] WeightError),
    /// The model was fitted and could not be calibrated.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// What is known of rows is not of the same rows.
    #[error("found {found} {what} for {rows} training rows, wanted one for each")]
    Ragged {
        /// Rows to fit on.
        rows: usize,
        /// `labels`, `ids`, `weights` or `times`.
        what: &'static str,
        /// How many of them were given.
        found: usize,
    },
}

/// Fits the model that `job` asks for to `rows` of `table`, whose labels are `labels` in that order.
pub fn fit(
    job: &Job,
    columns: &[FeatureColumn],
    table: &TrainingTable,
    rows: &[usize],
    labels: &Labels,
) -> Result<Fitted, TrainError> {
    fit_examples(job, columns, table, &Examples::plain(rows, labels))
}

/// As [`fit`], to rows that may have weights, ids and times; the model is calibrated if the job asks for it.
pub fn fit_examples(
    job: &Job,
    columns: &[FeatureColumn],
    table: &TrainingTable,
    examples: &Examples,
) -> Result<Fitted, TrainError> {
    examples.check()?;
    let examples = examples.that_count()?;
    let mut fitted = fit_once(job, columns, table, &examples)?;
    if let Some(method) = job.model.calibrate {
        calibrate::calibrate(method, (job, columns), table, &examples, &mut fitted)?;
    }
    Ok(fitted)
}

/// Fits features and model to rows of weights above 0.
fn fit_once(
    job: &Job,
    columns: &[FeatureColumn],
    table: &TrainingTable,
    examples: &Examples,
) -> Result<Fitted, TrainError> {
    let params = &job.model.params;
    let kind = kind_of(params, job.model.task)?;
    let examples = if kind.learns_in_order() {
        Cow::Owned(examples.in_order())
    } else {
        Cow::Borrowed(examples)
    };
    let Examples { rows, labels, .. } = examples.as_ref();
    labels.check_variety()?;
    let scaling = match job.features.scale {
        Scale::Auto => kind.scaling(),
        Scale::Standard => Scaling::Standard,
        Scale::None => Scaling::None,
    };
    let form = Form { encoding: kind.encoding(), scaling };
    let fitted = FittedFeatures::fit(columns, table, rows, &job.features, form)?;
    let (features, mut warnings) = (fitted.features, fitted.warnings);
    let weights = examples.row_weights(job.model.class_weight)?;
    let (task, seed) = (job.model.task, job.train.seed);
    let share = Some(kind.stopping_share(params, rows.len())).filter(|share| *share > 0.0);
    let parts = share.and_then(|share| examples.for_stopping(&job.train.split, seed, share));
    if share.is_some() && parts.is_none() {
        warnings.push(NOTHING_STOPS.to_owned());
    }
    let design = Design::build(&features, table, rows)?.weighted(weights).parted(parts);
    let (learned, classes, positive) = match labels {
        Labels::Values(values) if task == Task::Regression => {
            let training = Training::new(&design, Target::Values(values));
            (kind.fit(params, &training, seed)?, Vec::new(), 0)
        }
        Labels::Classes { names, index } if task != Task::Regression => {
            let positive = positive_of(job, names)?;
            let index = positive_last(task, positive, index);
            let target = match task {
                Task::Binary => Target::binary(&index),
                _ => Target::multiclass(&index, names.len()),
            };
            let learned = kind.fit(params, &Training::new(&design, target), seed)?;
            (learned, names.clone(), positive)
        }
        _ => return Err(FitError::Unfit { kind: kind.id() }.into()),
    };
    check_finite(learned.model.as_ref(), &design)?;
    warnings.extend(learned.warnings);
    let (model, calibration) = (learned.model, None);
    Ok(Fitted { features, task, classes, positive, kind, model, calibration, warnings })
}

impl Fitted {
    /// Scores the rows of `frame`.
    pub fn score(&self, frame: &Frame<'_>) -> Result<Scores, ScoreError> {
        let outputs = outputs(self.task, self.classes.len());
        let predicted = |block: &Block, out: &mut [f64]| {
            predict_calibrated(self.model.as_ref(), self.calibration.as_ref(), block, out);
        };
        scored(self.task, predict(&self.features, outputs, frame, &predicted)?)
    }

    /// A version made of what was fitted; scores and importances can be filled in later.
    pub fn into_artifact(
        self,
        facts: TrainingFacts,
        schema: TableSchema,
        reference: ReferenceProfile,
    ) -> Artifact {
        let Self { features, task, classes, positive, kind, model, calibration, warnings: _ } =
            self;
        let (score_reference, importance) = (None, None);
        Artifact {
            facts,
            schema,
            features,
            task,
            classes,
            positive,
            kind,
            model,
            calibration,
            reference,
            score_reference,
            importance,
        }
    }
}

fn kind_of(params: &ModelParams, task: Task) -> Result<&'static dyn Kind, FitError> {
    let found = kind(params.kind()).filter(|kind| kind.tasks().contains(&task));
    found.ok_or(FitError::Unfit { kind: params.kind() })
}

/// A weight that overflowed on its way back to the scale of its column is not a model.
fn check_finite(model: &dyn Model, design: &Design) -> Result<(), FitError> {
    for (intercept, weights) in model.weights().unwrap_or_default() {
        let strange = weights.iter().position(|weight| !weight.is_finite());
        let place = strange.or((!intercept.is_finite()).then_some(0));
        if let Some(column) = place.and_then(|place| design.names().get(place)) {
            return Err(FitError::NotFinite { column: column.clone() });
        }
    }
    Ok(())
}

/// The place of the positive class, the last one unless the job names another; 0 for other tasks.
fn positive_of(job: &Job, names: &[String]) -> Result<usize, LabelError> {
    match (job.model.task, names, &job.model.positive) {
        (Task::Binary, [first, second], Some(positive)) => {
            names.iter().position(|name| name == positive).ok_or_else(|| LabelError::NoSuchClass {
                positive: positive.clone(),
                first: first.clone(),
                second: second.clone(),
            })
        }
        (Task::Binary, _, None) => Ok(1),
        _ => Ok(0),
    }
}

/// Kinds take class 1 of two as the positive one.
fn positive_last(task: Task, positive: usize, index: &[u32]) -> Vec<u32> {
    if task == Task::Binary && positive == 0 {
        index.iter().map(|class| 1 - *class).collect()
    } else {
        index.to_vec()
    }
}

/// The same bytes at any number of threads.
#[cfg(test)]
mod determinism;
/// Fitted models against scikit-learn's.
#[cfg(test)]
mod oracle;
/// Kinds made of trees against scikit-learn's.
#[cfg(test)]
mod oracle_trees;
/// A table to fit to.
#[cfg(test)]
pub(crate) mod sample;
/// Which rows tell when to stop.
#[cfg(test)]
mod stopping;

#[cfg(test)]
mod tests {
    use super::sample::Sample;
    use super::*;
    use crate::domain::frame::{Cells, FrameColumn, Numbers};
    use crate::learn::features::{BatchError, choose};

    fn try_fit(job: &Job, rows: &[usize], labels: &Labels) -> Result<Fitted, TrainError> {
        let mut table = TrainingTable::new(&Sample::schema());
        table.push(&Sample::new(50).frame()).unwrap();
        let columns = choose(&job.features, &Sample::schema(), &[]).unwrap();
        fit(job, &columns, &table, rows, labels)
    }

    #[track_caller]
    fn check_error(job: &Job, rows: &[usize], labels: &Labels, wanted: &str) {
        assert_eq!(try_fit(job, rows, labels).unwrap_err().to_string(), wanted);
    }

    fn classes(index: &[u32]) -> Labels {
        let names = vec!["no".to_owned(), "yes".to_owned()];
        Labels::Classes { names, index: index.to_vec() }
    }

    #[test]
    fn what_cannot_be_learned_says_why() {
        let binary = Sample::job("two", "binary", "logistic");
        let one_class = "all 3 rows to train on are of class `yes`, wanted at least two classes";
        check_error(&binary, &[1, 2, 3], &classes(&[1, 1, 1]), one_class);
        check_error(
            &binary,
            &[1, 2],
            &classes(&[0, 1, 1]),
            "found 3 labels for 2 training rows, wanted one for each",
        );
        let mut positive = binary.clone();
        positive.model.positive = Some("Yes".to_owned());
        check_error(
            &positive,
            &[1, 2, 3],
            &classes(&[0, 1, 1]),
            "the positive class `Yes` does not occur, found `no` and `yes`",
        );
        let linear = Sample::job("value", "regression", "linear");
        let constant = Labels::Values(vec![2.0; 3]);
        let wanted = "the label is 2 in all 3 rows to train on, wanted one that varies";
        check_error(&linear, &[1, 2, 3], &constant, wanted);
        check_error(
            &linear,
            &[2, 3, 4],
            &Labels::Values(vec![1.0, 2.0, 3.0]),
            "kind `linear` needs more rows than matrix columns, found 3 rows and 6 columns; \
             use `elastic_net`, fewer features or more rows",
        );
        check_error(
            &linear,
            &[1, 2],
            &classes(&[0, 1]),
            "kind `linear` cannot be fitted to this task and these parameters",
        );
        // Rows 0 and 1 hold NaN and infinity.
        check_error(
            &binary,
            &[0, 1],
            &classes(&[0, 1]),
            "column `x1` has no usable value in 2 training rows; \
             leave it out by `features.exclude`",
        );
    }

    #[test]
    fn batches_that_do_not_fit_are_refused_by_name() {
        let artifact = Sample::new(500).artifact("two", "binary", "logistic");
        let numbers = |rows: usize| {
            Cells::Number(Numbers { values: vec![0.0; rows].into(), nulls: Vec::new() })
        };
        let frame = |columns: Vec<(&'static str, Cells<'static>)>| {
            let columns =
                columns.into_iter().map(|(name, cells)| FrameColumn { name, cells }).collect();
            artifact.score(&Frame { rows: 2, columns })
        };
        let missing = BatchError::MissingColumn { column: "x0".into() };
        assert_eq!(frame(Vec::new()), Err(ScoreError::Batch(missing)));
        let ragged = BatchError::Ragged { column: "x0".into(), wanted: 2, found: 1 };
        assert_eq!(frame(vec![("x0", numbers(1))]), Err(ScoreError::Batch(ragged)));
        let text = BatchError::Text { column: "x0".into() };
        let texts = Cells::text(vec![None, Some("1")]);
        assert_eq!(frame(vec![("x0", texts)]), Err(ScoreError::Batch(text)));
    }

    #[test]
    fn rows_of_nothing_known_are_scored() {
        let nulls = || Cells::text(vec![None, None]);
        let absurd = |value: f64| {
            Cells::Number(Numbers { values: vec![value; 2].into(), nulls: Vec::new() })
        };
        for (label, task, kind) in super::sample::FITS {
            let artifact = Sample::new(500).artifact(label, task, kind);
            for x in [f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, -0.0] {
                let cells = [absurd(x), absurd(-x), nulls(), absurd(1e9)];
                let names = ["x0", "x1", "city", "code"];
                let columns = names.into_iter().zip(cells);
                let columns = columns.map(|(name, cells)| FrameColumn { name, cells }).collect();
                let scores = artifact.score(&Frame { rows: 2, columns }).unwrap();
                let is_finite = |column: &&[f64]| column.iter().all(|score| score.is_finite());
                assert!(scores.columns().iter().all(is_finite), "{kind} of {x}");
            }
        }
    }
}
