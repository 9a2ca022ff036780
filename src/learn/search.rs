//! Parameters that are tried out: each trial is fitted on folds, and judged on the rows left out.
//!
//! Trials are judged one after the other and the folds of a trial side by side, so that memory is that of a
//! few fits. A value depends on the rows, the job and the trial alone; how many trials there is time for
//! is the caller's to say.

use rayon::prelude::*;

use crate::domain::job::search::SearchSpec;
use crate::domain::job::{Job, ModelSpec, Task};
use crate::learn::artifact::Scores;
use crate::learn::compare::{Truth, measure};
use crate::learn::features::FeatureColumn;
use crate::learn::fit::{Examples, Fitted, fit_examples};
use crate::learn::folds::Fold;
use crate::learn::metric::Metric;
use crate::learn::model::Labels;
use crate::learn::table::TrainingTable;

/// The rows that a version would be fitted on, and the folds among them.
#[derive(Debug, Clone, Copy)]
pub struct SearchRows<'a> {
    /// The features.
    pub columns: &'a [FeatureColumn],
    /// All rows that were read.
    pub table: &'a TrainingTable,
    /// Those to fit on.
    pub examples: &'a Examples,
    /// Places among the examples.
    pub folds: &'a [Fold],
}

/// What a trial was worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// The metric on each fold.
    Judged(Vec<f64>),
    /// It could not be fitted or judged, and why.
    Failed(String),
    /// There was no time for it.
    OutOfTime,
}

impl Tried {
    /// The mean over the folds; `None` if there is none.
    pub fn mean(&self) -> Option<f64> {
        let Self::Judged(values) = self else { return None };
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Judges every trial by `metric`, in order, as long as `has_time` says so before each.
pub fn try_all(
    job: &Job,
    search: &SearchSpec,
    metric: &'static Metric,
    rows: &SearchRows<'_>,
    has_time: impl Fn() -> bool,
) -> Vec<Tried> {
    let judge = |model: &ModelSpec| {
        let job = Job { model: model.clone(), ..job.clone() };
        let values = rows.folds.par_iter().map(|fold| judge(&job, metric, rows, fold));
        match values.collect::<Result<Vec<f64>, String>>() {
            Ok(values) => Tried::Judged(values),
            Err(reason) => Tried::Failed(reason),
        }
    };
    let trials = search.trials.iter();
    trials.map(|trial| if has_time() { judge(&trial.model) } else { Tried::OutOfTime }).collect()
}

/// The place of the best trial by its mean, the first of equals; `None` if none could be judged.
pub fn best(tried: &[Tried], metric: &'static Metric) -> Option<usize> {
    let judged = tried.iter().enumerate().filter_map(|(place, tried)| Some((place, tried.mean()?)));
    let better = |best: (usize, f64), next: (usize, f64)| {
        if metric.direction.gain(next.1, best.1) > 0.0 { next } else { best }
    };
    judged.reduce(better).map(|(place, _)| place)
}

/// The metric of a model that was fitted on one side of a fold, on the other.
fn judge(
    job: &Job,
    metric: &'static Metric,
    rows: &SearchRows<'_>,
    fold: &Fold,
) -> Result<f64, String> {
    let (train, test) = (rows.examples.gather(&fold.train), rows.examples.gather(&fold.test));
    let fitted = fit_examples(job, rows.columns, rows.table, &train);
    let fitted = fitted.map_err(|error| error.to_string())?;
    measured(job, metric, &fitted, rows.table, &test)
}

/// The metric of a fitted model on rows of `table`.
pub(super) fn measured(
    job: &Job,
    metric: &'static Metric,
    fitted: &Fitted,
    table: &TrainingTable,
    test: &Examples,
) -> Result<f64, String> {
    let scores = fitted.score(&table.frame(&test.rows)).map_err(|error| error.to_string())?;
    let columns = scores.columns();
    let found = match (&test.labels, &scores, fitted.task) {
        (Labels::Values(values), Scores::Value(_), Task::Regression) => {
            measure(metric, Truth::Regression(values), &columns)
        }
        (Labels::Classes { index, .. }, Scores::Value(_), Task::Binary) => {
            let truth: Vec<bool> =
                index.iter().map(|class| *class as usize == fitted.positive).collect();
            let threshold = job.score.decision_threshold();
            measure(metric, Truth::Binary { truth: &truth, threshold }, &columns)
        }
        (Labels::Classes { index, .. }, ..) => measure(metric, Truth::Multiclass(index), &columns),
        _ => return Err("labels and scores are not of one task".to_owned()),
    };
    found.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::metric::find;

    #[test]
    fn the_best_trial_is_the_first_of_equals_in_the_direction_of_the_metric() {
        let tried = [
            Tried::Failed("no".to_owned()),
            Tried::Judged(vec![0.7, 0.9]),
            Tried::Judged(vec![0.8, 0.8]),
            Tried::Judged(vec![0.1, 0.2]),
            Tried::OutOfTime,
        ];
        assert_eq!(best(&tried, find("roc_auc").unwrap()), Some(1));
        assert_eq!(best(&tried, find("log_loss").unwrap()), Some(3));
        assert_eq!(best(&tried[..1], find("log_loss").unwrap()), None);
    }
}
