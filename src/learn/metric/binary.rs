//! Metrics of probabilities of a positive class, and of the decisions at a threshold.
//!
//! A decision is positive at or above the threshold. Probabilities are used as they are; only log loss
//! clips them, at the distance from 0 and 1 that scikit-learn uses.

use super::bootstrap::resampling::Resampling;
use super::calibration::Calibration;
use super::catalog::{ACCURACY, BRIER, ECE, F1, LOG_LOSS, PR_AUC, PRECISION, RECALL, ROC_AUC};
use super::ranking::Ranking;
use super::statistic::Statistic;
use super::{MetricError, MetricValues, interval, put, require_even, require_probabilities};
use crate::domain::registry::MetricValue;

/// How many rows were decided how, by what came true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Positive rows decided positive.
    pub true_positives: u64,
    /// Negative rows decided positive.
    pub false_positives: u64,
    /// Negative rows decided negative.
    pub true_negatives: u64,
    /// Positive rows decided negative.
    pub false_negatives: u64,
}

/// Every metric of `probability` that is defined on these rows.
///
/// Where ids repeat, all intervals are resampled.
pub fn binary(
    truth: &[bool],
    probability: &[f64],
    threshold: f64,
    resampling: &Resampling,
) -> Result<MetricValues, MetricError> {
    check(truth, probability)?;
    resampling.check(truth.len())?;
    let plain = |value| MetricValue { value, low: None, high: None };
    let mut out = MetricValues::new();
    let ranking = Ranking::new(probability, |row| truth[row]);
    let confusion = Confusion::at(threshold, truth, probability);
    let losses = |loss| per_row(loss, truth, probability);
    let found = [
        (&ROC_AUC, ranking.roc_auc()),
        (&PR_AUC, ranking.average_precision(resampling.seed())),
        (&LOG_LOSS, interval::mean(&losses(log_loss)).map(interval::not_below_zero)),
        (&BRIER, interval::mean(&losses(squared_error)).map(interval::within_unit)),
        (&ECE, Calibration::new(truth, probability).error().map(plain)),
        (&ACCURACY, confusion.accuracy()),
        (&PRECISION, confusion.precision()),
        (&RECALL, confusion.recall()),
        (&F1, confusion.f1()),
    ];
    for (metric, value) in found {
        if let Some(value) = value {
            let again = || Statistic::binary(metric, truth, threshold, probability);
            put(&mut out, metric, resampling.together(metric, value, again));
        }
    }
    Ok(out)
}

/// Checks that there is a probability for each truth.
pub(in crate::learn) fn check(truth: &[bool], probability: &[f64]) -> Result<(), MetricError> {
    require_even(truth.len(), probability.len())?;
    require_probabilities(probability)
}

/// What a probability costs that was given to an outcome, in nats, clipped as in scikit-learn.
pub fn log_loss(came_true: bool, probability: f64) -> f64 {
    let p = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    if came_true { -p.ln() } else { -(-p).ln_1p() }
}

/// The loss of each row.
pub(super) fn per_row(loss: fn(bool, f64) -> f64, truth: &[bool], probability: &[f64]) -> Vec<f64> {
    truth.iter().zip(probability).map(|(truth, p)| loss(*truth, *p)).collect()
}

pub(super) fn squared_error(came_true: bool, probability: f64) -> f64 {
    let distance = probability - f64::from(u8::from(came_true));
    distance * distance
}

impl Confusion {
    /// Counts the decisions at `threshold`.
    pub fn at(threshold: f64, truth: &[bool], probability: &[f64]) -> Self {
        let mut out = Self::default();
        for (truth, probability) in truth.iter().zip(probability) {
            let cell = match (*truth, *probability >= threshold) {
                (true, true) => &mut out.true_positives,
                (false, true) => &mut out.false_positives,
                (false, false) => &mut out.true_negatives,
                (true, false) => &mut out.false_negatives,
            };
            *cell += 1;
        }
        out
    }

    /// The share of right decisions.
    pub fn accuracy(&self) -> Option<MetricValue> {
        let right = self.true_positives + self.true_negatives;
        interval::share(right, right + self.false_positives + self.false_negatives)
    }

    /// The share of positives among positive decisions.
    pub fn precision(&self) -> Option<MetricValue> {
        interval::share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of positives that were decided positive.
    pub fn recall(&self) -> Option<MetricValue> {
        interval::share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// F1, with the interval of J = TP / (TP + FP + FN), of which it is an increasing function.
    pub fn f1(&self) -> Option<MetricValue> {
        let from_share = |share: f64| 2.0 * share / (1.0 + share);
        let rows = self.true_positives + self.false_positives + self.false_negatives;
        let share = interval::share(self.true_positives, rows)?;
        Some(MetricValue {
            value: 2.0 * self.true_positives as f64 / (rows + self.true_positives) as f64,
            low: share.low.map(from_share),
            high: share.high.map(from_share),
        })
    }
}
