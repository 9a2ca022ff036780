//! How good predictions are, on any slice of rows, with a 95 % two-sided confidence interval where one is
//! known.
//!
//! A metric that is not defined on the rows at hand (the area under the ROC curve with one class only) is
//! left out, never NaN: who needs it finds it missing and fails closed. Predictions that are not finite are
//! an error, because a mean over the rest would flatter the model. Comparing two models on the same rows
//! is the business of `compare`.

/// Binary classification.
pub mod binary;
/// Intervals by resampling rows.
pub mod bootstrap;
/// Whether probabilities come true as often as they say.
pub mod calibration;
/// The table of metrics.
pub mod catalog;
/// How decisions differ between groups of rows.
pub mod fairness;
/// Intervals in closed form.
pub mod interval;
/// Classification into more than two classes.
pub mod multiclass;
/// Metrics that depend on the order of the scores alone.
pub mod ranking;
/// Regression.
pub mod regression;
/// One metric of one model, on rows with weights.
pub mod statistic;

use std::collections::BTreeMap;
use std::fmt;

pub use binary::binary;
pub use bootstrap::resampling::Resampling;
pub use catalog::{Direction, METRICS, Metric, RestsOn, find, first_metric};
pub use multiclass::multiclass;
pub use regression::regression;

use crate::domain::registry::MetricValue;

/// Values by the id of their metric.
pub type MetricValues = BTreeMap<&'static str, MetricValue>;

/// Why predictions cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricError {
    /// There are not as many predictions as truths.
    Uneven {
        /// How many truths there are.
        truths: usize,
        /// How many predictions there are.
        predictions: usize,
    },
    /// There is not one id a row.
    Ids {
        /// How many rows there are.
        rows: usize,
        /// How many ids there are.
        ids: usize,
    },
    /// A truth or a prediction is NaN or infinite.
    NotFinite {
        /// The first such row.
        row: usize,
        /// What stands there.
        found: f64,
    },
    /// A probability is not between 0 and 1.
    NoProbability {
        /// The first such row.
        row: usize,
        /// What stands there.
        found: f64,
    },
    /// A truth is a class without a column of probabilities.
    NoSuchClass {
        /// The first such row.
        row: usize,
        /// The index of its class.
        found: u32,
        /// How many classes there are.
        classes: usize,
    },
}

/// Adds a metric unless its value is beyond the range of an f64.
fn put(out: &mut MetricValues, metric: &'static Metric, found: MetricValue) {
    let keep = |bound: Option<f64>| bound.filter(|bound| bound.is_finite());
    if found.value.is_finite() {
        let (low, high) = (keep(found.low), keep(found.high));
        out.insert(metric.id, MetricValue { value: found.value, low, high });
    }
}

fn require_even(truths: usize, predictions: usize) -> Result<(), MetricError> {
    if truths == predictions { Ok(()) } else { Err(MetricError::Uneven { truths, predictions }) }
}

fn require_finite(values: &[f64]) -> Result<(), MetricError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(row) => Err(MetricError::NotFinite { row, found: values[row] }),
    }
}

/// Probabilities, a rounding error beyond 1 allowed.
fn require_probabilities(values: &[f64]) -> Result<(), MetricError> {
    const ROUNDING: f64 = 1e-9;
    require_finite(values)?;
    match values.iter().position(|value| *value < -ROUNDING || *value > 1.0 + ROUNDING) {
        None => Ok(()),
        Some(row) => Err(MetricError::NoProbability { row, found: values[row] }),
    }
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uneven { truths, predictions } => {
                write!(f, "{predictions} predictions for {truths} labelled rows")
            }
            Self::Ids { rows, ids } => write!(f, "{ids} ids for {rows} labelled rows"),
            Self::NotFinite { row, found } => {
                write!(f, "row {row} holds {found}, wanted a finite label and prediction")
            }
            Self::NoProbability { row, found } => {
                write!(f, "row {row} is scored {found}, wanted a probability from 0 to 1")
            }
            Self::NoSuchClass { row, found, classes } => {
                write!(f, "row {row} is of class {found}, wanted one of 0 to {classes} exclusive")
            }
        }
    }
}

impl std::error::Error for MetricError {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::domain::job::Task;

    /// Made by `data/oracle/make_metrics.py` with scikit-learn and scipy.
    #[derive(Deserialize)]
    struct Oracle {
        binary: Vec<Case<u8, Vec<f64>>>,
        multiclass: Vec<Case<u32, Vec<Vec<f64>>>>,
        regression: Vec<Case<f64, Vec<f64>>>,
    }

    #[derive(Deserialize)]
    struct Case<T, S> {
        name: String,
        truth: Vec<T>,
        score: S,
        #[serde(default)]
        threshold: f64,
        /// The value, and its bounds where their formula is ours as well.
        wanted: BTreeMap<String, Vec<f64>>,
    }

    fn rows(count: usize) -> Resampling {
        Resampling::of_rows(count, 1)
    }

    impl<T, S> Case<T, S> {
        fn rows(&self) -> Resampling {
            rows(self.truth.len())
        }

        #[track_caller]
        fn check(&self, found: &MetricValues) {
            let ids: Vec<&str> = self.wanted.keys().map(String::as_str).collect();
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), ids, "{}", self.name);
            for (id, wanted) in &self.wanted {
                let metric = found[id.as_str()];
                let bounds = [Some(metric.value), metric.low, metric.high];
                for (found, wanted) in bounds.iter().zip(wanted) {
                    let found = found.unwrap_or(f64::NAN);
                    let near = (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
                    assert!(near, "`{id}` of {}: {found}, wanted {wanted}", self.name);
                }
                if let (Some(low), Some(high)) = (metric.low, metric.high) {
                    let holds = low <= metric.value && metric.value <= high;
                    assert!(holds, "`{id}` of {}: {metric:?}", self.name);
                }
            }
        }
    }

    fn oracle() -> Oracle {
        serde_json::from_str(include_str!("../../data/oracle/metrics.json")).unwrap()
    }

    #[test]
    fn binary_metrics_are_those_of_scikit_learn() {
        for case in oracle().binary {
            let truth: Vec<bool> = case.truth.iter().map(|class| *class == 1).collect();
            case.check(&binary(&truth, &case.score, case.threshold, &case.rows()).unwrap());
        }
    }

    #[test]
    fn multiclass_metrics_are_those_of_scikit_learn() {
        for case in oracle().multiclass {
            case.check(&multiclass(&case.truth, &case.score, &case.rows()).unwrap());
        }
    }

    #[test]
    fn regression_metrics_are_those_of_scikit_learn() {
        for case in oracle().regression {
            case.check(&regression(&case.truth, &case.score, &case.rows()).unwrap());
        }
    }

    #[test]
    fn what_is_computed_for_a_task_is_what_the_table_says() {
        let truth = [true, false, true, false];
        let score = vec![0.9, 0.2, 0.4, 0.6];
        let columns = [score.iter().map(|p| 1.0 - p).collect(), score.clone()];
        let labels = [1.0, 2.0, 3.0, 5.0];
        for (task, found) in [
            (Task::Binary, binary(&truth, &score, 0.5, &rows(4))),
            (Task::Multiclass, multiclass(&[1, 0, 1, 0], &columns, &rows(4))),
            (Task::Regression, regression(&labels, &score, &rows(4))),
        ] {
            let found = found.unwrap();
            for metric in METRICS {
                let is_listed = metric.tasks.contains(&task);
                assert_eq!(found.contains_key(metric.id), is_listed, "{} of {task:?}", metric.id);
            }
            assert!(found.contains_key(first_metric(task).id));
        }
    }

    #[test]
    fn no_rows_have_no_metrics() {
        assert!(binary(&[], &[], 0.5, &rows(0)).unwrap().is_empty());
        assert!(multiclass(&[], &[vec![], Vec::new()], &rows(0)).unwrap().is_empty());
        assert!(multiclass(&[], &[] as &[Vec<f64>], &rows(0)).unwrap().is_empty());
        assert!(regression(&[], &[], &rows(0)).unwrap().is_empty());
    }

    #[test]
    fn one_class_has_no_ranking() {
        let found = binary(&[false; 3], &[0.1, 0.2, 0.3], 0.5, &rows(3)).unwrap();
        let ids: Vec<&str> = found.keys().copied().collect();
        assert_eq!(ids, ["accuracy", "brier", "ece", "log_loss"]);
    }

    #[test]
    fn predictions_that_cannot_be_judged_are_errors() {
        let message = |found: Result<MetricValues, MetricError>| found.unwrap_err().to_string();
        let nan = [0.5, f64::NAN];
        let wanted = "row 1 holds NaN, wanted a finite label and prediction";
        assert_eq!(message(binary(&[true, false], &nan, 0.5, &rows(2))), wanted);
        assert_eq!(message(multiclass(&[0, 0], &[nan.to_vec()], &rows(2))), wanted);
        assert_eq!(message(regression(&nan, &[1.0, 2.0], &rows(2))), wanted);
        assert_eq!(
            message(binary(&[true], &[1.5], 0.5, &rows(1))),
            "row 0 is scored 1.5, wanted a probability from 0 to 1"
        );
        assert_eq!(
            message(binary(&[true], &[], 0.5, &rows(1))),
            "0 predictions for 1 labelled rows"
        );
        assert_eq!(
            message(multiclass(&[0, 2], &[vec![0.5; 2], vec![0.5; 2]], &rows(2))),
            "row 1 is of class 2, wanted one of 0 to 2 exclusive"
        );
    }

    #[test]
    fn values_beyond_the_range_are_left_out() {
        let found = regression(&[f64::MAX, 0.0, 1.0], &[-f64::MAX, 0.0, 1.0], &rows(3)).unwrap();
        assert!(!found.contains_key("rmse"));
        assert!(found.values().all(|metric| metric.value.is_finite()), "{found:?}");
    }

    #[test]
    fn two_classes_one_against_the_rest_are_a_binary_task() {
        let case = &oracle().binary[0];
        let classes: Vec<u32> = case.truth.iter().map(|class| u32::from(*class)).collect();
        let truth: Vec<bool> = case.truth.iter().map(|class| *class == 1).collect();
        let columns = [case.score.iter().map(|p| 1.0 - p).collect(), case.score.clone()];
        let one = binary(&truth, &case.score, 0.5, &case.rows()).unwrap()["roc_auc"];
        let other = multiclass(&classes, &columns, &case.rows()).unwrap()["roc_auc"];
        let bounds =
            |metric: MetricValue| [metric.value, metric.low.unwrap(), metric.high.unwrap()];
        for (a, b) in bounds(one).iter().zip(bounds(other)) {
            assert!((a - b).abs() < 1e-12, "{one:?} {other:?}");
        }
    }
}
