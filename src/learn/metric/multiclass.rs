//! Metrics of probabilities of several classes.
//!
//! The decision is the likeliest class, the first of equals. Classes without a row or a prediction take no
//! part in averages where that is usual, and make the metric undefined where it is not.

use super::binary::log_loss;
use super::bootstrap::resampling::Resampling;
use super::catalog::{ACCURACY, BRIER, F1_MACRO, LOG_LOSS, ROC_AUC};
use super::ranking::Ranking;
use super::statistic::Statistic;
use super::{
    MetricError, MetricValues, bootstrap, interval, put, require_even, require_probabilities,
};
use crate::domain::registry::MetricValue;

/// Every metric of `probability`, one column per class, that is defined on these rows.
///
/// `truth` holds indices of classes. Where ids repeat, all intervals are resampled.
pub fn multiclass(
    truth: &[u32],
    probability: &[impl AsRef<[f64]>],
    resampling: &Resampling,
) -> Result<MetricValues, MetricError> {
    let probability: Vec<&[f64]> = probability.iter().map(AsRef::as_ref).collect();
    let classes = probability.len();
    let truth = check(truth, &probability)?;
    resampling.check(truth.len())?;
    let decisions = decisions(&probability, truth.len());
    let right = truth.iter().zip(&decisions).filter(|(truth, decision)| truth == decision).count();
    let losses = losses(&truth, &probability);
    let squares = squared_errors(&truth, &probability);
    let rows = truth.len();
    let mean_f1 = MeanF1 { truth, decisions, classes };
    let f1 =
        bootstrap::estimate(resampling.seed(), F1_MACRO.id, rows, |weights| mean_f1.of(weights));
    let found = [
        (&LOG_LOSS, interval::mean(&losses).map(interval::not_below_zero)),
        (&ACCURACY, interval::share(right as u64, rows as u64)),
        (&F1_MACRO, f1.map(|found| interval::with_width(found, mean_f1.rows_of_rarest()))),
        (&ROC_AUC, one_against_rest(&mean_f1.truth, &probability)),
        (&BRIER, interval::mean(&squares).map(interval::not_below_zero)),
    ];
    let mut out = MetricValues::new();
    for (metric, value) in found {
        if let Some(value) = value {
            let again = || Statistic::multiclass(metric, &mean_f1.truth, &probability);
            put(&mut out, metric, resampling.together(metric, value, again));
        }
    }
    Ok(out)
}

/// The classes of the rows as places among the columns of probabilities.
pub(in crate::learn) fn check(
    truth: &[u32],
    probability: &[&[f64]],
) -> Result<Vec<usize>, MetricError> {
    for column in probability {
        require_even(truth.len(), column.len())?;
        require_probabilities(column)?;
    }
    let classes = probability.len();
    let checked = truth.iter().enumerate().map(|(row, class)| {
        let place = usize::try_from(*class).ok().filter(|place| *place < classes);
        place.ok_or(MetricError::NoSuchClass { row, found: *class, classes })
    });
    checked.collect()
}

/// The likeliest class of each row, the first of equals.
pub(super) fn decisions(probability: &[&[f64]], rows: usize) -> Vec<usize> {
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

/// For each row what the probability of its class costs, in nats.
pub(super) fn losses(truth: &[usize], probability: &[&[f64]]) -> Vec<f64> {
    let rows = truth.iter().enumerate();
    rows.map(|(row, class)| log_loss(true, probability[*class][row])).collect()
}

/// For each row the squared distances of all probabilities from the outcome, summed (Brier, 1950).
pub(super) fn squared_errors(truth: &[usize], probability: &[&[f64]]) -> Vec<f64> {
    let mut out = vec![0.0; truth.len()];
    for (class, column) in probability.iter().enumerate() {
        for (row, p) in column.iter().enumerate() {
            let distance = p - f64::from(u8::from(truth[row] == class));
            out[row] += distance * distance;
        }
    }
    out
}

/// The mean over the classes of the area under the ROC curve of each against the rest, 0 to 1; `None` if
/// a class has no row.
///
/// The mean area is a sum of the influences of the rows, which gives its variance; where that is 0 although
/// scores differ, the rows of the rarest class say how much is left open.
fn one_against_rest(truth: &[usize], probability: &[&[f64]]) -> Option<MetricValue> {
    let areas = MeanArea::new(truth, probability);
    let (area, influence) = areas.influence()?;
    let error = interval::error_of_classes(truth, &influence, probability.len());
    let found = interval::within_unit(interval::around(area, error));
    let rarest = areas.rankings.iter().filter_map(Ranking::rows_alike).min();
    Some(rarest.map_or(found, |rows| interval::with_width(found, rows)))
}

/// What the mean over the classes of their F1 needs to know of each row.
#[derive(Debug, Clone)]
pub struct MeanF1 {
    /// For each row its class.
    pub truth: Vec<usize>,
    /// For each row the class that was decided.
    pub decisions: Vec<usize>,
    /// How many classes there are.
    pub classes: usize,
}

impl MeanF1 {
    /// How many rows the rarest class has of those that occur.
    fn rows_of_rarest(&self) -> usize {
        let mut rows = vec![0; self.classes];
        for class in &self.truth {
            rows[*class] += 1;
        }
        rows.into_iter().filter(|rows| *rows > 0).min().unwrap_or(0)
    }

    /// The mean over the classes that occur or are predicted of their F1, 0 to 1, of rows with weights.
    pub fn of(&self, weights: &[u8]) -> Option<f64> {
        // For each class twice its right decisions, and its rows plus its decisions.
        let mut right = vec![0.0; self.classes];
        let mut both = vec![0.0; self.classes];
        for ((came_true, decided), weight) in self.truth.iter().zip(&self.decisions).zip(weights) {
            let weight = f64::from(*weight);
            both[*came_true] += weight;
            both[*decided] += weight;
            right[*came_true] += if came_true == decided { 2.0 * weight } else { 0.0 };
        }
        let scores = right.iter().zip(&both).filter(|(_, both)| **both > 0.0);
        let (sum, count) = scores
            .fold((0.0, 0_u32), |(sum, count), (right, both)| (sum + right / both, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// The rows in the order of each class's probability.
#[derive(Debug, Clone)]
pub struct MeanArea {
    rankings: Vec<Ranking>,
    rows: usize,
}

impl MeanArea {
    /// Sorts rows by the probability of each class, which are finite.
    pub fn new(truth: &[usize], probability: &[&[f64]]) -> Self {
        let classes = probability.iter().enumerate();
        let rankings =
            classes.map(|(class, column)| Ranking::new(column, |row| truth[row] == class));
        Self { rankings: rankings.collect(), rows: truth.len() }
    }

    /// The mean area with the influence of each row on it; `None` if a class has no row, or there are
    /// fewer than two.
    pub fn influence(&self) -> Option<(f64, Vec<f64>)> {
        let mut influence = vec![0.0; self.rows];
        let mut sum = 0.0;
        for ranking in &self.rankings {
            let area = ranking.area()?;
            ranking.add_influence(area, &mut influence);
            sum += area;
        }
        let classes = self.rankings.len() as f64;
        for pull in &mut influence {
            *pull /= classes;
        }
        (self.rankings.len() > 1).then(|| (sum / classes, influence))
    }

    /// The mean area of rows with weights; `None` if a class has none.
    pub fn of(&self, weights: &[u8]) -> Option<f64> {
        let mut sum = 0.0;
        for ranking in &self.rankings {
            sum += ranking.area_of(weights)?;
        }
        (self.rankings.len() > 1).then(|| sum / self.rankings.len() as f64)
    }
}
