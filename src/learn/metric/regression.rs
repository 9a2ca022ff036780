//! Metrics of predicted numbers.
//!
//! There is no mean absolute percentage error: it divides by the label, so one label of 0 makes it
//! infinite (or, with the usual floor under the divisor, any large number), and it rewards predicting too
//! little. `mae` and `bias` say the same in the unit of the label.

use super::catalog::{BIAS, MAE, MEDIAN_ABSOLUTE_ERROR, R2, RMSE};
use super::{MetricError, MetricValues, bootstrap, interval, put, require_even, require_finite};
use crate::domain::registry::MetricValue;
use crate::learn::profile::moments::Moments;

/// Every metric of `predicted` that is defined on these rows.
///
/// The seed makes the resampled interval of `r2` repeatable.
pub fn regression(
    truth: &[f64],
    predicted: &[f64],
    seed: u64,
) -> Result<MetricValues, MetricError> {
    require_even(truth.len(), predicted.len())?;
    require_finite(truth)?;
    require_finite(predicted)?;
    let errors: Vec<f64> =
        predicted.iter().zip(truth).map(|(found, wanted)| found - wanted).collect();
    let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
    let mut distances: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    let mut out = MetricValues::new();
    let found = [
        (&RMSE, interval::root_of_mean(&squares)),
        (&MAE, interval::mean(&distances).map(interval::not_below_zero)),
        (&R2, explained(truth, &squares, seed)),
        (&BIAS, interval::mean(&errors)),
        (&MEDIAN_ABSOLUTE_ERROR, interval::median(&mut distances)),
    ];
    for (metric, value) in found {
        if let Some(value) = value {
            put(&mut out, metric, value);
        }
    }
    Ok(out)
}

/// The coefficient of determination, up to 1, larger is better; `None` if the label is constant.
fn explained(truth: &[f64], squares: &[f64], seed: u64) -> Option<MetricValue> {
    let moments = Moments::of(truth);
    if moments.min == moments.max {
        return None;
    }
    // Labels are taken about their mean, so that the sum of squares does not cancel.
    bootstrap::estimate(seed, R2.id, |weights| {
        let (mut rows, mut lost, mut sum, mut sum_of_squares) = (0.0, 0.0, 0.0, 0.0);
        weights.for_each(truth.len(), |row, weight| {
            let label = truth[row] - moments.mean;
            rows += weight;
            lost += weight * squares[row];
            sum += weight * label;
            sum_of_squares += weight * label * label;
        });
        let spread = sum_of_squares - sum * sum / rows;
        (spread > 0.0).then(|| 1.0 - lost / spread)
    })
}
