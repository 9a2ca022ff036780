//! A model version: everything that is needed to score as it was trained, and to judge today's data.
//!
//! Plain data, written and read by [`Artifact::encode`] and [`Artifact::decode`]; what is decoded has been
//! checked to fit together, so that scoring cannot run out of bounds. Where artifacts are kept is not
//! known here.

/// Artifacts as bytes.
mod codec;
/// Why a row has its score.
mod explain;
/// Batches into scores.
mod score;

use serde::{Deserialize, Serialize};

pub use self::codec::{ArtifactError, FORMAT_VERSION};
pub use self::explain::{Contribution, ExplainedOutput, Explanation, FeatureValue};
pub use self::score::{ScoreError, Scores};
pub(super) use self::score::{predict, predict_calibrated, scored};
use crate::domain::job::Task;
use crate::domain::table::TableSchema;
use crate::learn::features::{FittedFeatures, Transform};
use crate::learn::importance::Importance;
use crate::learn::model::{Calibration, Kind, Model};
use crate::learn::profile::ReferenceProfile;
use crate::learn::split::FittedRows;

/// A model version.
#[derive(Debug)]
pub struct Artifact {
    /// What it was trained on.
    pub facts: TrainingFacts,
    /// The columns of the training table, with their types.
    pub schema: TableSchema,
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
    /// What brings its probabilities to what comes true; `None` if they are as the model says.
    pub calibration: Option<Calibration>,
    /// The training table, for comparison with the data of each run.
    pub reference: ReferenceProfile,
    /// The scores of the rows held out, for comparison with the scores of each run.
    pub score_reference: Option<ReferenceProfile>,
    /// How much each feature moves the score; `None` if that was not or could not be measured.
    pub importance: Option<Importance>,
}

/// What a version was trained on. Nothing here depends on when or where the training ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingFacts {
    /// The name of the model, which is that of its job.
    pub model: String,
    /// The tick of the train run, as RFC 3339 text.
    pub tick: String,
    /// Rows it was fitted on.
    pub rows: u64,
    /// Rows it was evaluated on.
    pub rows_test: u64,
    /// The first and last time among the rows, in microseconds since 1970-01-01 UTC, if rows have times.
    pub interval_micros: Option<(i64, i64)>,
    /// Which of the rows it was fitted on.
    pub fitted: FittedRows,
    /// SHA-256 over the names and contents of the files that were read.
    pub data_sha256: [u8; 32],
    /// SHA-256 of the job file.
    pub job_sha256: [u8; 32],
    /// `train.seed`.
    pub seed: u64,
    /// The libraries whose versions may matter, by name.
    pub versions: Vec<(String, String)>,
}

/// A weight of a linear model, in units of the column as it is in the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// Multiclass: the class whose log probability it adds to.
    pub class: Option<String>,
    /// The matrix column, or `(intercept)`.
    pub column: String,
    /// What one unit of the column adds to the value or the log odds.
    pub value: f64,
}

/// The name of the coefficient that no column belongs to.
pub const INTERCEPT: &str = "(intercept)";

impl Artifact {
    /// The class whose probability is the score; `None` unless the task is binary.
    pub fn positive_class(&self) -> Option<&str> {
        let binary = self.task == Task::Binary;
        self.classes.get(self.positive).map(String::as_str).filter(|_| binary)
    }

    /// The share of the feature in column `name` in all that moves the score, 0 to 1; `None` if it is not
    /// known, or the column is no feature.
    pub fn importance_of(&self, name: &str) -> Option<f64> {
        let place = self.features.columns().position(|column| column == name)?;
        self.importance.as_ref()?.shares().get(place).copied()
    }

    /// The kind, and after a `+` how it is calibrated: `gaussian_nb+isotonic`.
    pub fn method(&self) -> String {
        let kind = self.kind.id();
        match &self.calibration {
            None => kind.to_owned(),
            Some(calibration) => format!("{kind}+{}", calibration.method()),
        }
    }

    /// How many outputs the model has.
    pub fn outputs(&self) -> usize {
        outputs(self.task, self.classes.len())
    }

    /// The intercept and the weight of each matrix column on the original scale of the columns, for each
    /// output; empty if the kind has no weights.
    ///
    /// Of a scaled column `(x − centre) / spread` the weight is divided by the spread, and the intercept
    /// takes up the rest, so that coefficients of versions can be compared though their scales differ.
    pub fn coefficients(&self) -> Vec<Coefficient> {
        let Some(outputs) = self.model.weights() else { return Vec::new() };
        let names = self.features.names();
        let mut out = Vec::new();
        for (output, (intercept, weights)) in outputs.into_iter().enumerate() {
            let class = self.classes.get(output).filter(|_| self.task == Task::Multiclass);
            let (intercept, weights) = self.unscaled(intercept, weights);
            let columns = std::iter::once(INTERCEPT).chain(names.iter().map(String::as_str));
            let values = std::iter::once(intercept).chain(weights);
            out.extend(columns.zip(values).map(|(column, value)| Coefficient {
                class: class.cloned(),
                column: column.to_owned(),
                value,
            }));
        }
        out
    }

    fn unscaled(&self, mut intercept: f64, mut weights: Vec<f64>) -> (f64, Vec<f64>) {
        let columns = self.features.fitted().iter();
        let slots = self.features.slots();
        for (column, first) in columns.zip(slots.iter().map(|slot| slot.first())) {
            if let Transform::Number(number) = &column.transform {
                weights[first] /= number.spread;
                intercept -= weights[first] * number.centre;
            }
        }
        (intercept, weights)
    }
}

/// How many outputs a model has.
pub(super) fn outputs(task: Task, classes: usize) -> usize {
    match task {
        Task::Binary | Task::Regression => 1,
        Task::Multiclass => classes,
    }
}
