//! One metric of one model's predictions, prepared so that a bootstrap can ask for it again and again.
//!
//! Losses are computed and scores sorted once; a replicate then takes one pass over the rows. Without
//! weights the value is, bit for bit, that of the function that computes all metrics of the task: a test
//! of `compare` holds the two together.

use super::binary::{self, Confusion};
use super::calibration::Calibration;
use super::catalog::Metric;
use super::multiclass::{self, MeanArea, MeanF1};
use super::ranking::Ranking;
use super::regression::{self, Explained};
use crate::domain::registry::MetricValue;
use crate::learn::profile::moments::Moments;

/// A metric that is left to be computed on rows with weights.
#[derive(Debug, Clone)]
pub enum Statistic {
    /// The mean of one number a row.
    Mean(Vec<f64>),
    /// The root of the mean of one number a row.
    RootOfMean(Vec<f64>),
    /// The median of one number a row.
    Median(Ascending),
    /// The area under the ROC curve.
    Area(Ranking),
    /// Its mean over the classes.
    MeanArea(MeanArea),
    /// Average precision.
    AveragePrecision(Ranking),
    /// The expected calibration error.
    Calibration(Calibration),
    /// A share of decisions.
    Decisions {
        /// For each row its cell of the confusion table, 0 to 3.
        cells: Vec<u8>,
        /// Which share.
        share: fn(&Confusion) -> Option<MetricValue>,
    },
    /// The mean F1 of the classes.
    MeanF1(MeanF1),
    /// The coefficient of determination; `None` if the label is constant.
    Explained(Option<Explained>),
}

/// Numbers of rows, by size.
#[derive(Debug, Clone)]
pub struct Ascending {
    values: Vec<f64>,
    rows: Vec<usize>,
}

/// Cells of the confusion table.
const CELLS: usize = 4;

impl Statistic {
    /// Prepares a metric of probabilities of a positive class, which have been checked; `None` if it is
    /// not a metric of this task.
    pub fn binary(
        metric: &Metric,
        truth: &[bool],
        threshold: f64,
        probability: &[f64],
    ) -> Option<Self> {
        let ranking = || Ranking::new(probability, |row| truth[row]);
        let losses = |loss| Self::Mean(binary::per_row(loss, truth, probability));
        let decisions = |share| {
            let rows = truth.iter().zip(probability);
            let cells = rows.map(|(truth, p)| cell(*truth, *p >= threshold)).collect();
            Self::Decisions { cells, share }
        };
        Some(match metric.id {
            "roc_auc" => Self::Area(ranking()),
            "pr_auc" => Self::AveragePrecision(ranking()),
            "log_loss" => losses(binary::log_loss),
            "brier" => losses(binary::squared_error),
            "ece" => Self::Calibration(Calibration::new(truth, probability)),
            "accuracy" => decisions(Confusion::accuracy),
            "precision" => decisions(Confusion::precision),
            "recall" => decisions(Confusion::recall),
            "f1" => decisions(Confusion::f1),
            _ => return None,
        })
    }

    /// Prepares a metric of probabilities of several classes, which have been checked; `None` if it is not
    /// a metric of this task.
    pub fn multiclass(metric: &Metric, truth: &[usize], probability: &[&[f64]]) -> Option<Self> {
        let decisions = || multiclass::decisions(probability, truth.len());
        Some(match metric.id {
            "roc_auc" => Self::MeanArea(MeanArea::new(truth, probability)),
            "log_loss" => Self::Mean(multiclass::losses(truth, probability)),
            "brier" => Self::Mean(multiclass::squared_errors(truth, probability)),
            "accuracy" => {
                // Right and wrong are all there is, so that one column of the table will do.
                let rows = truth.iter().zip(decisions());
                let cells = rows.map(|(class, decided)| cell(*class == decided, true)).collect();
                Self::Decisions { cells, share: Confusion::accuracy }
            }
            "f1_macro" => Self::MeanF1(MeanF1 {
                truth: truth.to_vec(),
                decisions: decisions(),
                classes: probability.len(),
            }),
            _ => return None,
        })
    }

    /// Prepares a metric of predicted numbers, which have been checked; `None` if it is not a metric of
    /// this task.
    pub fn regression(metric: &Metric, truth: &[f64], predicted: &[f64]) -> Option<Self> {
        let mut errors = regression::errors(truth, predicted);
        if metric.id == "bias" {
            return Some(Self::Mean(errors));
        }
        let is_squared = matches!(metric.id, "rmse" | "r2");
        for error in &mut errors {
            *error = if is_squared { *error * *error } else { error.abs() };
        }
        Some(match metric.id {
            "rmse" => Self::RootOfMean(errors),
            "mae" => Self::Mean(errors),
            "median_absolute_error" => Self::Median(Ascending::new(&errors)),
            "r2" => Self::Explained(Explained::new(truth, errors)),
            _ => return None,
        })
    }

    /// The value; `None` if the metric is not defined on these rows.
    pub fn value(&self) -> Option<f64> {
        let mean = |values: &[f64]| (!values.is_empty()).then(|| Moments::of(values).mean);
        let found = match self {
            Self::Mean(values) => mean(values),
            Self::RootOfMean(values) => mean(values).map(f64::sqrt),
            Self::Median(sorted) => sorted.of(&vec![1; sorted.rows.len()]),
            Self::Area(ranking) => ranking.area(),
            Self::MeanArea(area) => area.influence().map(|(area, _)| area),
            Self::AveragePrecision(ranking) => {
                ranking.average_precision_of(&vec![1; ranking.rows()])
            }
            Self::Calibration(calibration) => calibration.error(),
            Self::Decisions { cells, .. } => self.of(&vec![1; cells.len()]),
            Self::MeanF1(f1) => f1.of(&vec![1; f1.truth.len()]),
            Self::Explained(explained) => explained.as_ref().and_then(Explained::value),
        };
        found.filter(|value| value.is_finite())
    }

    /// The area under the ROC curve with the influence of each row on it; `None` for metrics that do not go by
    /// the order of scores, and if a class has no row.
    pub fn influence(&self) -> Option<(f64, Vec<f64>)> {
        match self {
            Self::Area(ranking) | Self::AveragePrecision(ranking) => {
                let mut influence = vec![0.0; ranking.rows()];
                let area = ranking.area()?;
                ranking.add_influence(area, &mut influence);
                Some((area, influence))
            }
            Self::MeanArea(area) => area.influence(),
            _ => None,
        }
    }

    /// For each row whether it was decided right; `None` for metrics that are no share of decisions.
    pub fn right(&self) -> Option<Vec<bool>> {
        let Self::Decisions { cells, .. } = self else { return None };
        Some(
            cells
                .iter()
                .map(|found| [cell(false, false), cell(true, true)].contains(found))
                .collect(),
        )
    }

    /// The value on rows with weights; `None` if the metric is not defined on them.
    pub fn of(&self, weights: &[u8]) -> Option<f64> {
        match self {
            Self::Mean(values) => weighted_mean(values, weights),
            Self::RootOfMean(values) => weighted_mean(values, weights).map(f64::sqrt),
            Self::Median(sorted) => sorted.of(weights),
            Self::Area(ranking) => ranking.area_of(weights),
            Self::MeanArea(area) => area.of(weights),
            Self::AveragePrecision(ranking) => ranking.average_precision_of(weights),
            Self::Calibration(calibration) => calibration.of(weights),
            Self::Decisions { cells, share } => {
                let mut counts = [0; CELLS];
                for (cell, weight) in cells.iter().zip(weights) {
                    counts[usize::from(*cell)] += u64::from(*weight);
                }
                let [true_negatives, false_positives, false_negatives, true_positives] = counts;
                let confusion =
                    Confusion { true_positives, false_positives, true_negatives, false_negatives };
                share(&confusion).map(|share| share.value)
            }
            Self::MeanF1(f1) => f1.of(weights),
            Self::Explained(explained) => explained.as_ref()?.of(weights),
        }
    }
}

/// The cell of a decision: negatives first, and among them those decided negative.
fn cell(came_true: bool, decided: bool) -> u8 {
    2 * u8::from(came_true) + u8::from(decided)
}

impl Ascending {
    /// Sorts the finite values of rows.
    pub fn new(values: &[f64]) -> Self {
        let mut rows: Vec<usize> = (0..values.len()).collect();
        rows.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
        Self { values: rows.iter().map(|row| values[*row]).collect(), rows }
    }

    /// The median of rows with weights, the mean of the two middle values if their count is even; `None`
    /// if they have none.
    fn of(&self, weights: &[u8]) -> Option<f64> {
        let total = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>();
        let (mut seen, mut lower) = (0, None);
        for (value, row) in self.values.iter().zip(&self.rows) {
            seen += u64::from(weights[*row]);
            if lower.is_none() && 2 * seen >= total && seen > 0 {
                lower = Some(*value);
            }
            if 2 * seen > total {
                return lower.map(|lower| lower + (value - lower) / 2.0);
            }
        }
        None
    }
}

/// The mean of values with weights, `None` without any; in eight lanes, so that rows are added side by
/// side.
fn weighted_mean(values: &[f64], weights: &[u8]) -> Option<f64> {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (values, weights) in values.chunks(LANES).zip(weights.chunks(LANES)) {
        for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += value * f64::from(*weight);
        }
    }
    let total = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>();
    (total > 0).then(|| sums.iter().sum::<f64>() / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_row_repeated() {
        let values = [5.0, 1.0, 4.0, 2.0];
        let median = |weights: &[u8]| Ascending::new(&values).of(weights);
        assert_eq!(median(&[1, 1, 1, 1]), Some(3.0));
        assert_eq!(median(&[2, 1, 1, 1]), Some(4.0));
        assert_eq!(median(&[0, 3, 0, 2]), Some(1.0));
        assert_eq!(median(&[0, 2, 0, 2]), Some(1.5));
        assert_eq!(median(&[0, 0, 0, 0]), None);
        assert_eq!(weighted_mean(&values, &[2, 0, 1, 1]), Some(4.0));
        assert_eq!(weighted_mean(&values, &[0; 4]), None);
    }

    #[test]
    fn without_rows_nothing_is_defined() {
        for metric in crate::learn::metric::METRICS {
            for statistic in [
                Statistic::binary(metric, &[], 0.5, &[]),
                Statistic::multiclass(metric, &[], &[&[], &[]]),
                Statistic::regression(metric, &[], &[]),
            ] {
                assert_eq!(statistic.and_then(|found| found.value()), None, "{}", metric.id);
            }
        }
    }
}
