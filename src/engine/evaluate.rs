//! Metrics and paired comparisons of any table of predictions, without a job and without a project.
//!
//! The table holds a label and a score a row, or a score a class. What is computed is what training
//! computes of held-out rows, and what a gate computes of two models. Nothing is recorded, and
//! nothing is decided.

/// The rows of each value of a column.
mod groups;
/// The columns that are needed, in memory.
mod rows;

use crate::adapters::dataset::named_files;
use crate::domain::job::Task;
use crate::engine::error::RunError;
use crate::learn::compare::{CompareError, Comparison, Options, Truth, compare};
use crate::learn::metric::fairness::{Disparity, Rates};
use crate::learn::metric::{self, METRICS, Metric, MetricError, MetricValues, Resampling};

pub(super) use rows::no_such_column;
use rows::{Rows, Target};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct EvaluateRequest {
    /// Paths or globs, anywhere on disk.
    pub files: Vec<String>,
    /// What was predicted.
    pub task: Task,
    /// The column of what came true; rows without a value are left out.
    pub label: String,
    /// The column of scores; of a multiclass task the beginning of `<score>_<class>`.
    pub score: String,
    /// The scores of a baseline, named in the same way.
    pub against: Option<String>,
    /// Metrics are also given for each value of this column.
    pub group: Option<String>,
    /// Rows of the same id are resampled together; without it every row is independent.
    pub id: Option<String>,
    /// The positive class of a binary task; without it the one that sorts last.
    pub positive: Option<String>,
    /// A row is decided positive at or above this probability.
    pub threshold: f64,
    /// One-sided, of the comparisons; above 0.5 and below 1.
    pub confidence: f64,
    /// Makes resampling repeatable.
    pub seed: u64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Labelled rows.
    pub rows: u64,
    /// Rows that were left out.
    pub rows_without_label: u64,
    /// The positive class of a binary task.
    pub positive: Option<String>,
    /// The metrics of the score, with two-sided intervals at 95 %.
    pub metrics: MetricValues,
    /// The score against the baseline by each metric of the task; empty without a baseline.
    pub comparisons: Vec<MetricComparison>,
    /// The metrics for each value of the group column, by value, nulls last.
    pub groups: Vec<Group>,
    /// How decisions differ between the groups of a binary task.
    pub disparity: Option<Disparity>,
}

/// A comparison by one metric, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricComparison {
    /// What was compared by.
    pub metric: &'static Metric,
    /// What was found.
    pub found: Result<Comparison, CompareError>,
}

/// The rows of one value of the group column.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The value as text; `None` for nulls.
    pub value: Option<String>,
    /// Labelled rows.
    pub rows: u64,
    /// Their metrics.
    pub metrics: MetricValues,
    /// How they were decided; `None` unless the task is binary.
    pub rates: Option<Rates>,
}

/// Reads the predictions and judges them.
pub fn evaluate(request: &EvaluateRequest) -> Result<Evaluation, RunError> {
    let files = named_files(&request.files).map_err(RunError::data("find the files"))?;
    let rows = Rows::read(request, &files)?;
    let failed = RunError::data("evaluate");
    let resampling = Resampling::new(&rows.ids, request.seed);
    let metrics = metrics(request, &rows.target, &rows.score, &resampling).map_err(failed)?;
    let mut comparisons = Vec::new();
    if let Some(against) = &rows.against {
        // What is wrong with the baseline as a whole is told once, not by every metric.
        self::metrics(request, &rows.target, against, &resampling)
            .map_err(RunError::data("evaluate the baseline"))?;
        comparisons = compare_all(request, &rows, against);
    }
    let groups = groups::evaluate(request, &rows)?;
    let rates: Vec<Rates> = groups.iter().filter_map(|group| group.rates).collect();
    Ok(Evaluation {
        rows: rows.target.len() as u64,
        rows_without_label: rows.without_label,
        positive: rows.positive.clone(),
        metrics,
        comparisons,
        disparity: (!rates.is_empty()).then(|| Disparity::of(&rates)),
        groups,
    })
}

/// Every metric of the scores in `columns`.
fn metrics(
    request: &EvaluateRequest,
    target: &Target,
    columns: &[Vec<f64>],
    resampling: &Resampling,
) -> Result<MetricValues, MetricError> {
    match target {
        Target::Binary(truth) => metric::binary(truth, &columns[0], request.threshold, resampling),
        Target::Multiclass(truth) => metric::multiclass(truth, columns, resampling),
        Target::Regression(truth) => metric::regression(truth, &columns[0], resampling),
    }
}

/// The comparison that a gate would make, by each metric of the task.
fn compare_all(
    request: &EvaluateRequest,
    rows: &Rows,
    against: &[Vec<f64>],
) -> Vec<MetricComparison> {
    let truth = match &rows.target {
        Target::Binary(truth) => Truth::Binary { truth, threshold: request.threshold },
        Target::Multiclass(truth) => Truth::Multiclass(truth),
        Target::Regression(truth) => Truth::Regression(truth),
    };
    let candidate: Vec<&[f64]> = rows.score.iter().map(Vec::as_slice).collect();
    let baseline: Vec<&[f64]> = against.iter().map(Vec::as_slice).collect();
    let options = Options { confidence: request.confidence, seed: request.seed, ids: &rows.ids };
    METRICS
        .iter()
        .copied()
        .filter(|metric| metric.tasks.contains(&request.task))
        .map(|metric| {
            let found = compare(metric, truth, &candidate, &baseline, &options);
            MetricComparison { metric, found }
        })
        .collect()
}
