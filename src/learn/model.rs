//! Models: how a kind is fitted and read back ([`Kind`]), and how a model predicts ([`Model`]).
//!
//! Every kind stands behind linfa's traits: its parameters are a `ParamGuard`, and the checked
//! parameters `Fit` a [`Training`] set. linfa's own estimators do the work wherever they are right; each
//! file says where they are not, and its tests show it. A fitted model is plain arrays, never NaN or
//! infinite. Fitting gives the same bytes at any number of threads: rows are summed in fixed lanes,
//! which are added up in order.

/// Probabilities brought to what comes true.
mod calibration;
/// The mean and spread of matrix columns, as solvers want them.
mod coordinates;
/// One tree.
mod decision_tree;
/// The class shares, or the mean: what every other kind must beat.
mod dummy;
/// Least squares with L1 and L2 penalties.
mod elastic_net;
/// Logistic regression that learns row by row.
mod ftrl;
/// Gaussian naive Bayes.
mod gaussian_nb;
/// Trees that each mend what those before them left wrong.
mod gradient_boosting;
/// Products of columns with each other, and what they tell.
mod gram;
/// Sums and products along columns.
mod kernel;
/// What is learned: classes or values.
mod label;
/// The parts of rows that are summed on their own, whatever the number of threads.
mod lanes;
/// Ordinary least squares.
mod linear;
/// Binary and multinomial logistic regression.
mod logistic;
/// Trees on rows drawn with replacement, averaged.
mod random_forest;
/// What a prediction is the sum of.
mod terms;
/// How trees are grown, kept and walked.
mod tree;
/// A weighted sum of columns: the fitted state of all linear kinds.
mod weighted_sum;
/// What weights mean, whatever the kind.
#[cfg(test)]
mod weighting;

use std::ops::RangeInclusive;

use linfa::DatasetBase;

pub use self::calibration::{CALIBRATIONS, Calibration};
pub use self::label::{CLASSES_MAX, LabelError, Labels, ReadLabels, read_labels};
pub use self::terms::{OutputTerms, TermScale, Terms};
use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Block, Design, Encoding, Scaling, Slot};

/// The kinds, in suggested reading order.
pub static KINDS: &[&dyn Kind] = &[
    &logistic::Logistic,
    &linear::Linear,
    &elastic_net::ElasticNet,
    &gaussian_nb::GaussianNb,
    &decision_tree::DecisionTree,
    &random_forest::RandomForest,
    &gradient_boosting::GradientBoosting,
    &ftrl::Ftrl,
    &dummy::Dummy,
];

/// The kind called `id`.
pub fn kind(id: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.id() == id)
}

/// A way to learn: how a model is fitted, and how it is read back from an artifact.
pub trait Kind: std::fmt::Debug + Sync {
    /// The name in TOML, JSON and messages.
    fn id(&self) -> &'static str;

    /// Markdown: what it is, when to use it, its parameters, how to read it.
    fn explain(&self) -> &'static str;

    /// What it can predict.
    fn tasks(&self) -> &'static [Task];

    /// What `scale` means where the job file does not say.
    fn scaling(&self) -> Scaling;

    /// What becomes of categories and of what is missing before a model sees them.
    fn encoding(&self) -> Encoding {
        Encoding::Expanded
    }

    /// Fits a model; `params` are of this kind, and everything random is drawn from `seed`.
    fn fit(
        &self,
        params: &ModelParams,
        training: &Training<'_>,
        seed: u64,
    ) -> Result<FittedModel, FitError>;

    /// The share of rows, of so many, that tell when to stop and are not fitted to; 0 for none. Which rows they
    /// are is said by [`Design::parts`].
    fn stopping_share(&self, _params: &ModelParams, _rows: usize) -> f64 {
        0.0
    }

    /// Whether rows are learned one after the other, so that their order counts, and a model can learn on.
    fn learns_in_order(&self) -> bool {
        false
    }

    /// Learns on from `before`, a model of this kind for the same columns, so that the result is that of learning
    /// its rows and those of `training` at once; `None` if the kind or its parameters do not allow it.
    fn resume(
        &self,
        _params: &ModelParams,
        _before: &dyn Model,
        _training: &Training<'_>,
    ) -> Option<Result<FittedModel, FitError>> {
        None
    }

    /// Reads what [`Model::encode`] wrote, for a matrix with `slots`, or `None` if it does not fit.
    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>>;
}

/// A fitted model.
pub trait Model: std::fmt::Debug + Send + Sync {
    /// Predicts the rows of `block`, one output after the other, each `block.rows` long.
    ///
    /// Regression has one output, the value; binary one, the probability of class 1; multiclass one for
    /// each class.
    fn predict(&self, block: &Block, out: &mut [f64]);

    /// The fitted state as bytes.
    fn encode(&self) -> Result<Vec<u8>, postcard::Error>;

    /// For each output its intercept and one weight for each matrix column, if the kind has weights.
    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>>;

    /// What the prediction of the first row of `block`, which must exist, is the sum of.
    ///
    /// Of kinds that add up what each column says these are the summands themselves, of trees Shapley values.
    fn terms(&self, block: &Block) -> Terms;
}

/// The rows that a model is fitted on. How much each counts is said by [`Design::weights`].
pub type Training<'a> = DatasetBase<&'a Design, Target<'a>>;

/// What is to be learned, one entry for each row of the design.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The class of each row.
    Classes(ClassTarget<'a>),
    /// The value of each row, finite.
    Values(&'a [f64]),
}

/// The class of each row.
#[derive(Debug, Clone, Copy)]
pub struct ClassTarget<'a> {
    /// One for each row, below `count`.
    pub index: &'a [u32],
    /// How many classes there are.
    pub count: usize,
    /// How many outputs the model shall have: one for each class, or only the probability of class 1.
    pub outputs: usize,
}

impl<'a> Target<'a> {
    /// Two classes, of which 1 is the positive one.
    pub fn binary(index: &'a [u32]) -> Self {
        Self::Classes(ClassTarget { index, count: 2, outputs: 1 })
    }

    /// Any number of classes with a probability each.
    pub fn multiclass(index: &'a [u32], count: usize) -> Self {
        Self::Classes(ClassTarget { index, count, outputs: count })
    }

    /// How many outputs the model shall have.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Values(_) => 1,
            Self::Classes(target) => target.outputs,
        }
    }
}

/// A fitted model, and what a person should know about it.
#[derive(Debug)]
pub struct FittedModel {
    /// The model.
    pub model: Box<dyn Model>,
    /// One sentence each, such as a column that is a copy of another.
    pub warnings: Vec<String>,
}

/// Why no model could be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The kind does not predict what the task asks for, or got parameters of another kind.
    #[error("kind `{kind}` cannot be fitted to this task and these parameters")]
    Unfit {
        /// The kind.
        kind: &'static str,
    },
    /// A parameter is out of its range.
    #[error("parameter `{name}` of kind `{kind}` is {found}, wanted {wanted}")]
    Parameter {
        /// The kind.
        kind: &'static str,
        /// The parameter.
        name: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        wanted: &'static str,
    },
    /// There are not enough rows for the columns.
    #[error(
        "kind `{kind}` needs more rows than matrix columns, found {rows} rows and {columns} columns; use `elastic_net`, fewer features or more rows"
    )]
    TooFewRows {
        /// The kind.
        kind: &'static str,
        /// Rows to fit on.
        rows: usize,
        /// Columns of the matrix that vary.
        columns: usize,
    },
    /// The model would be too large for the kind.
    #[error(
        "kind `{kind}` would need {found} {what}, at most {max} are supported; name fewer columns or lower `features.max_categories`"
    )]
    TooLarge {
        /// The kind.
        kind: &'static str,
        /// `matrix columns` or `weights`.
        what: &'static str,
        /// How many it would need.
        found: usize,
        /// How many it may have.
        max: usize,
    },
    /// The trees would have too many nodes to be kept.
    #[error(
        "kind `{kind}` grew more than {max} nodes in all; lower `max_depth` or the number of trees, or raise `min_samples_leaf`"
    )]
    TooManyNodes {
        /// The kind.
        kind: &'static str,
        /// How many it may have.
        max: usize,
    },
    /// A column holds numbers that are not finite.
    #[error(
        "column `{column}` holds numbers too large to compute with; leave it out by `features.exclude` or set `features.scale`"
    )]
    NotFinite {
        /// The name of the matrix column.
        column: String,
    },
    /// The solver did not reach its goal.
    #[error(
        "kind `{kind}` did not converge in {iterations} iterations: {measure} is {found:.3e}, wanted at most {wanted:.3e}; {remedy}"
    )]
    NotConverged {
        /// The kind.
        kind: &'static str,
        /// Iterations made.
        iterations: u64,
        /// What is measured.
        measure: &'static str,
        /// What it is.
        found: f64,
        /// What was asked for.
        wanted: f64,
        /// What to do.
        remedy: &'static str,
    },
    /// Two classes cannot be told apart because a column has no variance in one of them.
    #[error("column `{column}` does not vary within a class; set `var_smoothing` above 0")]
    NoVariance {
        /// The name of the matrix column.
        column: String,
    },
    /// linfa refused.
    #[error("kind `{kind}` could not be fitted")]
    Estimator {
        /// The kind.
        kind: &'static str,
        /// What linfa said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<linfa::Error> for FitError {
    fn from(error: linfa::Error) -> Self {
        Self::Estimator { kind: "linfa", source: Box::new(error) }
    }
}

/// Every finite number above 0.
const ABOVE_ZERO: RangeInclusive<f64> = f64::from_bits(1)..=f64::MAX;

/// Every finite number from 0 on.
const FROM_ZERO: RangeInclusive<f64> = 0.0..=f64::MAX;

/// Checks that the parameter `name` is in `range`; NaN is not.
fn check_range(
    kind: &'static str,
    name: &'static str,
    found: f64,
    range: RangeInclusive<f64>,
    wanted: &'static str,
) -> Result<(), FitError> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(FitError::Parameter { kind, name, found, wanted })
}

/// Wraps what linfa says about an estimator of `kind`.
fn estimator_error<E>(kind: &'static str) -> impl FnOnce(E) -> FitError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| FitError::Estimator { kind, source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_a_unique_name_and_explained() {
        for listed in KINDS {
            let found = kind(listed.id()).unwrap();
            assert!(std::ptr::addr_eq(*listed, found), "{} is listed twice", listed.id());
            assert!(listed.explain().starts_with(&format!("# {}", listed.id())), "{}", listed.id());
            assert!(!listed.tasks().is_empty());
        }
        assert!(kind("onnx").is_none());
    }
}
