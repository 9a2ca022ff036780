//! Metrics of predicted numbers.
//!
//! There is no mean absolute percentage error: it divides by the label, so one label of 0 makes it
//! infinite (or, with the usual floor under the divisor, any large number), and it rewards predicting too
//! little. `mae` and `bias` say the same in the unit of the label.

use super::bootstrap::resampling::Resampling;
use super::catalog::{BIAS, MAE, MEDIAN_ABSOLUTE_ERROR, R2, RMSE};
use super::statistic::Statistic;
use super::{MetricError, MetricValues, bootstrap, interval, put, require_even, require_finite};
use crate::domain::registry::MetricValue;
use crate::learn::profile::moments::Moments;

/// Every metric of `predicted` that is defined on these rows.
///
/// Where ids repeat, all intervals are resampled.
pub fn regression(
    truth: &[f64],
    predicted: &[f64],
    resampling: &Resampling,
) -> Result<MetricValues, MetricError> {
    check(truth, predicted)?;
    resampling.check(truth.len())?;
    let errors = errors(truth, predicted);
    let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
    let mut distances: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    let mut out = MetricValues::new();
    let found = [
        (&RMSE, interval::root_of_mean(&squares)),
        (&MAE, interval::mean(&distances).map(interval::not_below_zero)),
        (&R2, explained(truth, &squares, resampling.seed())),
        (&BIAS, interval::mean(&errors)),
        (&MEDIAN_ABSOLUTE_ERROR, interval::median(&mut distances)),
    ];
    for (metric, value) in found {
        if let Some(value) = value {
            let again = || Statistic::regression(metric, truth, predicted);
            put(&mut out, metric, resampling.together(metric, value, again));
        }
    }
    Ok(out)
}

/// Checks that there is a finite prediction for each finite label.
pub(in crate::learn) fn check(truth: &[f64], predicted: &[f64]) -> Result<(), MetricError> {
    require_even(truth.len(), predicted.len())?;
    require_finite(truth)?;
    require_finite(predicted)
}

/// For each row by how much the prediction is too large.
pub(super) fn errors(truth: &[f64], predicted: &[f64]) -> Vec<f64> {
    predicted.iter().zip(truth).map(|(found, wanted)| found - wanted).collect()
}

/// The coefficient of determination, up to 1, larger is better; `None` if the label is constant.
fn explained(truth: &[f64], squares: &[f64], seed: u64) -> Option<MetricValue> {
    let explained = Explained::new(truth, squares.to_vec())?;
    bootstrap::estimate(seed, R2.id, truth.len(), |weights| explained.of(weights))
}

/// What the coefficient of determination needs to know of each row.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Labels about their mean, so that the sum of their squares does not cancel.
    labels: Vec<f64>,
    /// Squared errors.
    squares: Vec<f64>,
}

impl Explained {
    /// Prepares the rows; `None` if the label is constant.
    pub fn new(truth: &[f64], squares: Vec<f64>) -> Option<Self> {
        let moments = Moments::of(truth);
        let labels = truth.iter().map(|label| label - moments.mean).collect();
        (moments.min != moments.max).then_some(Self { labels, squares })
    }

    /// The coefficient of the rows as they are.
    pub fn value(&self) -> Option<f64> {
        self.of(&vec![1; self.labels.len()])
    }

    /// The coefficient of rows with weights; `None` if the label is constant among them.
    pub fn of(&self, weights: &[u8]) -> Option<f64> {
        let (mut rows, mut lost, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0, 0.0);
        for ((label, square), weight) in self.labels.iter().zip(&self.squares).zip(weights) {
            let weight = f64::from(*weight);
            rows += weight;
            lost += weight * square;
            sum += weight * label;
            sum_of_squares += weight * label * label;
        }
        let spread = sum_of_squares - sum * sum / rows;
        (spread > 0.0).then(|| 1.0 - lost / spread)
    }
}
