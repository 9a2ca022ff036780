//! A job: the data, the features, the model, when to score, when to train, what may go wrong.
//!
//! A `Job` can only be had from [`parse`], so every field is already checked and every default is
//! already filled in. Where the file came from and whether its data exist is not known here.

/// The codes of problems, each explained.
pub mod code;
/// From the text of a job file to a [`Job`], or to every problem in it.
pub mod parse;
/// What watches and governs a model.
pub mod policy;
/// A problem in a file, with its place.
pub mod problem;
/// The JSON Schema of a job file, from the same table of keys that the parser reads.
pub mod schema;
/// `[train.search]`.
pub mod search;
/// When a job runs and within which limits.
pub mod timing;

/// From checked values to a job.
mod build;
/// From bytes to a table of TOML.
pub(crate) mod document;
/// Every key that a file may hold.
pub(crate) mod keys;
/// What a text opens and does not close.
mod nesting;
/// Where the outputs of jobs lie to one another.
mod outputs;
/// Which texts may be paths.
mod path;
/// From a table of TOML to checked values.
pub(crate) mod reader;
/// What the keys of a job must be together.
pub(crate) mod rules;
/// A table after its keys were checked one by one.
pub(crate) mod section;
/// What a text must be, by the shape that its key asks for.
mod text;
/// How a user's words are quoted, and which known name they come nearest to.
mod words;

use std::fmt;

use jiff::SignedDuration;

use crate::domain::identity::JobName;
use crate::domain::job::policy::{
    DriftSpec, GateSpec, GatesSpec, RetrainSpec, RolloutStrategy, WatchSpec,
};
use crate::domain::job::search::SearchSpec;
use crate::domain::job::timing::{Limits, Timing};
use crate::domain::run::{RunKind, named};
use crate::domain::schedule::Schedule;
use crate::domain::template::Template;

/// One job file, parsed and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Also the name of the model.
    pub name: JobName,
    /// What the job is for.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// False: no schedule, by hand only.
    pub enabled: bool,
    /// When to score; without one, on demand only.
    pub schedule: Option<Schedule>,
    /// What becomes of ticks that are late, missed or overlapping.
    pub timing: Timing,
    /// Within which limits the daemon lets a run work.
    pub limits: Limits,
    /// The data, for scoring and training alike.
    pub data: DataSpec,
    /// Which columns the model sees, and how.
    pub features: FeaturesSpec,
    /// What is learned, and by which method.
    pub model: ModelSpec,
    /// What is scored, and where the scores go.
    pub score: ScoreSpec,
    /// What a version is trained and evaluated on.
    pub train: TrainSpec,
    /// In the order of the file.
    pub checks: Vec<CheckSpec>,
    /// How the data are compared with a reference.
    pub drift: DriftSpec,
    /// When a new version is trained by itself; `None`: by hand and from CI only.
    pub retrain: Option<RetrainSpec>,
    /// What a candidate must show, in the order of the file; never empty.
    pub gates: Vec<GateSpec>,
    /// What holds for all gates together.
    pub gates_together: GatesSpec,
    /// How a blessed candidate becomes champion.
    pub rollout: RolloutStrategy,
    /// What is watched after a promotion.
    pub watch: WatchSpec,
}

impl Job {
    /// Its schedule for a kind of run: `[schedule]`, or `[retrain].cron`.
    pub fn schedule_of(&self, kind: RunKind) -> Option<&Schedule> {
        match kind {
            RunKind::Score => self.schedule.as_ref(),
            RunKind::Train => self.retrain.as_ref()?.cron.as_ref(),
        }
    }
}

/// `[data]`: one definition for scoring and training, so that they cannot skew.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSpec {
    /// Glob or template, relative to the project root or absolute below one of the `data_roots`.
    pub source: Template,
    /// Only where the extension does not say.
    pub format: Option<FileFormat>,
    /// String or integer column, unique within a tick; without it ids are `<relative path>#<row>`.
    pub id: Option<String>,
    /// Date or datetime column.
    pub time: Option<String>,
    /// The column to learn; required to train.
    pub label: Option<String>,
    /// How much a row counts in training; never a feature, and not needed to score.
    pub weight: Option<String>,
}

/// A file format that tables are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object on each line.
    Ndjson,
    /// Apache Arrow IPC, also called Feather.
    Ipc,
}

/// `[features]`: which columns the model sees, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturesSpec {
    /// Which columns are features.
    pub selection: FeatureSelection,
    /// What stands in for a missing number.
    pub impute_numeric: NumericImpute,
    /// What stands in for a missing category.
    pub impute_categorical: CategoricalImpute,
    /// Whether numbers are standardised.
    pub scale: Scale,
    /// One-hot columns per categorical feature; the rest and unseen ones go to `__other__`.
    pub categories_max: usize,
}

/// Which columns are features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureSelection {
    /// Every column but id, time, label, and hive keys, typed by the file.
    All,
    /// As `All`, without these.
    Except(Vec<String>),
    /// These and no others.
    Only {
        /// Used as numbers.
        numeric: Vec<String>,
        /// Used as categories.
        categorical: Vec<String>,
    },
}

/// What stands in for a number that is null, NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumericImpute {
    /// The median, for kinds that need a number; kinds that do not are told that it is missing.
    Auto,
    /// The median of the training rows.
    Median,
    /// The mean of the training rows.
    Mean,
    /// This number.
    Value(f64),
}

/// What stands in for a category that is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategoricalImpute {
    /// A category of its own, `__missing__`.
    Missing,
    /// The most frequent category.
    Mode,
}

/// Whether numbers are brought to mean 0 and standard deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// `standard` where the kind needs it: every kind that is fitted by a solver.
    Auto,
    /// They are, whatever the kind.
    Standard,
    /// They are not.
    None,
}

/// `[model]`: what is learned, and by which method.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// What is predicted.
    pub task: Task,
    /// The kind, with its parameters.
    pub params: ModelParams,
    /// Binary: the class whose probability is the score; `None` is the one that sorts last.
    pub positive: Option<String>,
    /// Whether classes count alike in training, however many rows they have.
    pub class_weight: ClassWeight,
    /// How probabilities are calibrated, if they are; never for a regression.
    pub calibrate: Option<Calibrate>,
}

/// How probabilities are brought to what comes true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibrate {
    /// By a map that never falls, of any shape.
    Isotonic,
    /// By a sigmoid of the log odds.
    Platt,
}

/// How much the rows of a class count in training, beside the weights of the rows themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassWeight {
    /// Each row counts as it is.
    None,
    /// A row counts `n / (classes · rows of its class)`, so that every class counts as much as another.
    Balanced,
}

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// The probability of one of two classes.
    Binary,
    /// The probability of each of several classes.
    Multiclass,
    /// A number.
    Regression,
}

/// The kind of a model with its `[model].params`, defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ModelParams {
    /// `alpha`: the weight of the L2 penalty, ½·alpha·‖w‖² beside the *sum* of the log losses; it is
    /// scikit-learn's `1 / C`. The intercept is not penalised.
    Logistic {
        /// The weight of the penalty, 0 or more; 0 is no penalty.
        alpha: f64,
        /// When the solver gives up.
        iterations_max: u64,
        /// When the solver has converged.
        tolerance: f64,
    },
    /// Follow the regularised leader, proximal (`McMahan` and others, 2013): the weight with sum of gradients z and of their squares n is
    /// `−(z − sign(z)·l1) / ((beta + √n) / alpha + l2)`, or 0 up to |z| = l1. The intercept is not penalised.
    Ftrl {
        /// The learning rate, above 0.
        alpha: f64,
        /// What holds the first steps back, 0 or more.
        beta: f64,
        /// The weight of the L1 penalty, 0 or more.
        l1: f64,
        /// The weight of the L2 penalty, 0 or more.
        l2: f64,
    },
    /// Ordinary least squares with an intercept.
    Linear,
    /// Minimises `1/(2n)·‖y − Xw‖² + alpha·l1_ratio·‖w‖₁ + ½·alpha·(1 − l1_ratio)·‖w‖²`.
    ElasticNet {
        /// The weight of both penalties, 0 or more.
        alpha: f64,
        /// The share of the L1 penalty, 0 to 1.
        l1_ratio: f64,
        /// When the solver gives up.
        iterations_max: u32,
        /// When the solver has converged.
        tolerance: f64,
    },
    /// `var_smoothing`: the share of the largest feature variance that is added to every variance.
    GaussianNb {
        /// The share, 0 to 1.
        var_smoothing: f64,
    },
    /// One tree, whose leaves say the class shares or the mean of their rows.
    DecisionTree {
        /// Most splits from the root to a leaf.
        depth_max: u32,
        /// Fewest rows of a leaf.
        leaf_rows_min: u32,
    },
    /// Trees on rows drawn with replacement, averaged.
    RandomForest {
        /// How many trees.
        trees: u32,
        /// Most splits from the root to a leaf.
        depth_max: u32,
        /// Fewest rows of a leaf; `None` is 1, or more where there are many rows.
        leaf_rows_min: Option<u32>,
        /// The share of columns that each split may use, above 0 to 1; `None` is the square root of their
        /// number for classes, and all of them for values.
        columns: Option<f64>,
    },
    /// Trees that each mend what those before them left wrong.
    GradientBoosting {
        /// Most rounds.
        iterations_max: u32,
        /// What each tree is shrunk by, above 0 to 1.
        learning_rate: f64,
        /// Most leaves of a tree.
        leaves_max: u32,
        /// Most splits from the root to a leaf.
        depth_max: u32,
        /// Fewest rows of a leaf.
        leaf_rows_min: u32,
        /// Added to the second derivatives of a leaf.
        l2: f64,
        /// The share of rows that is held out to tell when to stop; 0 for none.
        validation: f64,
        /// Rounds without a gain after which growing ends.
        patience: u32,
    },
    /// Predicts the class shares, or the mean.
    Dummy,
}

/// `[score]`: what is scored, and where the scores go.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreSpec {
    /// Given explicitly, no time filter is applied; `None` is `data.source`, filtered by `data.time`.
    pub input: Option<Template>,
    /// A folder, relative to the project root. Always holds a field of the tick.
    pub output: Template,
    /// Copied beside the id.
    pub columns: Vec<String>,
    /// Binary: adds the column `decision`.
    pub threshold: Option<f64>,
    /// Share of rows, 0 to 1, that may be set aside before the run fails.
    pub quarantine_max: f64,
}

/// `[train]`: what a version is trained on, and how it is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// A template expands over all past intervals; `None` is `data.source`.
    pub input: Option<Template>,
    /// Back from the tick, by `data.time`; `None` is everything.
    pub window: Option<SignedDuration>,
    /// Where the file does not say: by time if there is `data.time`, else random, a test of 0.2.
    pub split: Split,
    /// Fewer rows are not trained on.
    pub rows_min: u64,
    /// The seed of everything random.
    pub seed: u64,
    /// What is tried before a version is fitted; `None`: nothing but the parameters of the file.
    pub search: Option<SearchSpec>,
}

/// How rows are divided into those a version is fitted on and those it is evaluated on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Split {
    /// The newest rows are the test; rows within `gap` before them are used for neither.
    Time {
        /// How much is held out.
        test: TestSize,
        /// How much before the test is used for neither.
        gap: SignedDuration,
    },
    /// A row is in the test if a stable hash of (seed, id) falls below this share.
    Random {
        /// The share that is held out, above 0 and below 1.
        test: f64,
    },
}

/// How much a split by time holds out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TestSize {
    /// The newest share of the rows, 0 to 1; rows of equal time stay on one side.
    Share(f64),
    /// The rows within this span before the newest row.
    Span(SignedDuration),
}

/// `[[check]]`: one expectation of the data that are scored.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckSpec {
    /// `None` for expectations of the whole table.
    pub column: Option<String>,
    /// What is expected.
    pub expectation: Expectation,
    /// What follows if it is not so.
    pub then: CheckAction,
}

/// What a check expects. The first five are judged row by row, the rest on the table's profile.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// There is a value.
    NotNull,
    /// The number lies in the range, ends included; nulls pass, NaN fails.
    Between {
        /// The lower end; may be minus infinity.
        min: f64,
        /// The upper end; may be infinity.
        max: f64,
    },
    /// Values as text; a number matches if it prints so. Nulls pass.
    InSet(Vec<String>),
    /// A regular expression that the whole value must match. Nulls pass.
    Matches(String),
    /// No value occurs twice within the run; of equal values all but the first fail. Nulls pass.
    Unique,
    /// Share of nulls, 0 to 1.
    NullsMax(f64),
    /// The mean lies in the range, ends included.
    MeanBetween {
        /// The lower end; may be minus infinity.
        min: f64,
        /// The upper end; may be infinity.
        max: f64,
    },
    /// At least as many rows.
    RowsMin(u64),
    /// At most as many rows.
    RowsMax(u64),
    /// The newest `data.time` is at most this much older than the tick.
    FreshWithin(SignedDuration),
}

impl Expectation {
    /// The name of the expectation in TOML, JSON and messages.
    pub fn id(&self) -> &'static str {
        match self {
            Self::NotNull => "not_null",
            Self::Between { .. } => "between",
            Self::InSet(_) => "in_set",
            Self::Matches(_) => "matches",
            Self::Unique => "unique",
            Self::NullsMax(_) => "nulls_max",
            Self::MeanBetween { .. } => "mean_between",
            Self::RowsMin(_) => "rows_min",
            Self::RowsMax(_) => "rows_max",
            Self::FreshWithin(_) => "fresh_within",
        }
    }

    /// Whether single rows can fail it (and so be set aside).
    pub fn is_per_row(&self) -> bool {
        matches!(
            self,
            Self::NotNull | Self::Between { .. } | Self::InSet(_) | Self::Matches(_) | Self::Unique
        )
    }
}

/// What happens when a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckAction {
    /// Nothing is published.
    Fail,
    /// It is told, and changes nothing.
    Warn,
    /// The row is set aside; only for expectations that are judged row by row.
    Quarantine,
}

named!(Task { Binary => "binary", Multiclass => "multiclass", Regression => "regression" });

named!(Calibrate { Isotonic => "isotonic", Platt => "platt" });

named!(FileFormat { Parquet => "parquet", Csv => "csv", Ndjson => "ndjson", Ipc => "ipc" });

impl ScoreSpec {
    /// From this probability on a row is decided for the positive class.
    pub fn decision_threshold(&self) -> f64 {
        self.threshold.unwrap_or(0.5)
    }
}

impl ModelParams {
    /// The name of the kind in TOML, JSON and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Logistic { .. } => "logistic",
            Self::Linear => "linear",
            Self::ElasticNet { .. } => "elastic_net",
            Self::GaussianNb { .. } => "gaussian_nb",
            Self::DecisionTree { .. } => "decision_tree",
            Self::RandomForest { .. } => "random_forest",
            Self::GradientBoosting { .. } => "gradient_boosting",
            Self::Ftrl { .. } => "ftrl",
            Self::Dummy => "dummy",
        }
    }
}

impl FileFormat {
    /// The format that a file's extension stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "ipc" | "arrow" | "feather" => Some(Self::Ipc),
            _ => None,
        }
    }
}
