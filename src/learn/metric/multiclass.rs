//! Metrics of probabilities of several classes.
//!
//! The decision is the likeliest class, the first of equals. Classes without a row or a prediction take no
//! part in averages where that is usual, and make the metric undefined where it is not.

use super::binary::log_loss;
use super::catalog::{ACCURACY, BRIER, F1_MACRO, LOG_LOSS, ROC_AUC};
use super::ranking::Ranking;
use super::{
    MetricError, MetricValues, bootstrap, interval, put, require_even, require_probabilities,
};
use crate::domain::registry::MetricValue;

/// Every metric of `probability`, one column per class, that is defined on these rows.
///
/// `truth` holds indices of classes. The seed makes the resampled interval of `f1_macro` repeatable.
pub fn multiclass(
    truth: &[u32],
    probability: &[Vec<f64>],
    seed: u64,
) -> Result<MetricValues, MetricError> {
    for column in probability {
        require_even(truth.len(), column.len())?;
        require_probabilities(column)?;
    }
    let classes = probability.len();
    let truth = indices(truth, classes)?;
    let decisions = decisions(probability, truth.len());
    let right = truth.iter().zip(&decisions).filter(|(truth, decision)| truth == decision).count();
    let losses: Vec<f64> = truth
        .iter()
        .enumerate()
        .map(|(row, class)| log_loss(true, probability[*class][row]))
        .collect();
    let squares = squared_errors(&truth, probability);
    let found = [
        (&LOG_LOSS, interval::mean(&losses).map(interval::not_below_zero)),
        (&ACCURACY, interval::share(right as u64, truth.len() as u64)),
        (&F1_MACRO, f1_macro(&truth, &decisions, classes, seed)),
        (&ROC_AUC, one_against_rest(&truth, probability)),
        (&BRIER, interval::mean(&squares).map(interval::not_below_zero)),
    ];
    let mut out = MetricValues::new();
    for (metric, value) in found {
        if let Some(value) = value {
            put(&mut out, metric, value);
        }
    }
    Ok(out)
}

fn indices(truth: &[u32], classes: usize) -> Result<Vec<usize>, MetricError> {
    let checked = truth.iter().enumerate().map(|(row, class)| {
        let place = usize::try_from(*class).ok().filter(|place| *place < classes);
        place.ok_or(MetricError::NoSuchClass { row, found: *class, classes })
    });
    checked.collect()
}

/// The likeliest class of each row, the first of equals.
fn decisions(probability: &[Vec<f64>], rows: usize) -> Vec<usize> {
    let mut out = vec![0; rows];
    let mut highest = vec![f64::NEG_INFINITY; rows];
    for (class, column) in probability.iter().enumerate() {
        for (row, p) in column.iter().enumerate() {
            if *p > highest[row] {
                highest[row] = *p;
                out[row] = class;
            }
        }
    }
    out
}

/// For each row the squared distances of all probabilities from the outcome, summed (Brier, 1950).
fn squared_errors(truth: &[usize], probability: &[Vec<f64>]) -> Vec<f64> {
    let mut out = vec![0.0; truth.len()];
    for (class, column) in probability.iter().enumerate() {
        for (row, p) in column.iter().enumerate() {
            let distance = p - f64::from(u8::from(truth[row] == class));
            out[row] += distance * distance;
        }
    }
    out
}

/// The mean over the classes that occur or are predicted of their F1, 0 to 1.
fn f1_macro(
    truth: &[usize],
    decisions: &[usize],
    classes: usize,
    seed: u64,
) -> Option<MetricValue> {
    bootstrap::estimate(seed, F1_MACRO.id, |weights| {
        // For each class twice its right decisions, and its rows plus its decisions.
        let mut right = vec![0.0; classes];
        let mut both = vec![0.0; classes];
        weights.for_each(truth.len(), |row, weight| {
            let (came_true, decided) = (truth[row], decisions[row]);
            both[came_true] += weight;
            both[decided] += weight;
            right[came_true] += if came_true == decided { 2.0 * weight } else { 0.0 };
        });
        let scores = right.iter().zip(&both).filter(|(_, both)| **both > 0.0);
        let (sum, count) = scores
            .fold((0.0, 0_u32), |(sum, count), (right, both)| (sum + right / both, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    })
}

/// The mean over the classes of the area under the ROC curve of each against the rest, 0 to 1; `None` if
/// a class has no row.
///
/// The rows of each class are an independent sample, and the mean area is a sum of their influences, so
/// its variance is the sum over the classes of n / (n - 1) times the squared influences about their mean.
/// For two classes this is the variance of `DeLong` et al. (1988).
fn one_against_rest(truth: &[usize], probability: &[Vec<f64>]) -> Option<MetricValue> {
    let classes = probability.len();
    let mut influence = vec![0.0; truth.len()];
    let mut sum = 0.0;
    for (class, column) in probability.iter().enumerate() {
        let ranking = Ranking::new(column, |row| truth[row] == class);
        let area = ranking.area()?;
        ranking.add_influence(area, &mut influence);
        sum += area;
    }
    if classes < 2 {
        return None;
    }
    let mut rows = vec![0.0; classes];
    let mut means = vec![0.0; classes];
    for (class, pull) in truth.iter().zip(&influence) {
        rows[*class] += 1.0;
        means[*class] += pull;
    }
    for (mean, rows) in means.iter_mut().zip(&rows) {
        *mean /= rows;
    }
    let mut squares = vec![0.0; classes];
    for (class, pull) in truth.iter().zip(&influence) {
        squares[*class] += (pull - means[*class]) * (pull - means[*class]);
    }
    let parts = squares.iter().zip(&rows).map(|(squares, rows)| squares * rows / (rows - 1.0));
    let error = parts.sum::<f64>().sqrt() / classes as f64;
    let has_spread = rows.iter().all(|rows| *rows > 1.0);
    let found = interval::around(sum / classes as f64, has_spread.then_some(error));
    Some(interval::within_unit(found))
}
