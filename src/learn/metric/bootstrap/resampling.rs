//! Which rows are independent of each other, and how intervals know it.
//!
//! The formulas of intervals take rows for independent. Where ids repeat they would take the same customer for
//! several, so every interval is then one of percentiles over draws of whole ids. Values are the same
//! either way.

use super::units::{UNITS_MIN, Units};
use super::{Draws, REPLICATES, REPLICATES_MIN, percentile};
use crate::domain::registry::MetricValue;
use crate::learn::metric::statistic::Statistic;
use crate::learn::metric::{Metric, MetricError, RestsOn, interval};

/// What is drawn to find intervals, and the seed that makes it repeatable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resampling {
    units: Units,
    seed: u64,
}

impl Resampling {
    /// Of rows with these ids; rows of one id are drawn together.
    pub fn new(ids: &[u64], seed: u64) -> Self {
        Self { units: Units::of(ids), seed }
    }

    /// Of this many independent rows.
    pub fn of_rows(rows: usize, seed: u64) -> Self {
        Self { units: Units::Rows(rows), seed }
    }

    /// What makes draws repeatable.
    pub(in crate::learn::metric) fn seed(&self) -> u64 {
        self.seed
    }

    /// Checks that there is an id for each of `rows` rows.
    pub(in crate::learn::metric) fn check(&self, rows: usize) -> Result<(), MetricError> {
        let ids = self.units.rows();
        if ids == rows { Ok(()) } else { Err(MetricError::Ids { rows, ids }) }
    }

    /// `found`, a metric of independent rows, with an interval that knows which of them go together; `statistic`
    /// prepares the metric for other weights.
    pub(in crate::learn::metric) fn together(
        &self,
        metric: &Metric,
        found: MetricValue,
        statistic: impl FnOnce() -> Option<Statistic>,
    ) -> MetricValue {
        if matches!(self.units, Units::Rows(_)) {
            return found;
        }
        let statistic = match statistic() {
            // It is too high on few rows, and resampling adds to that.
            None | Some(Statistic::Calibration(_)) => return found,
            Some(statistic) => statistic,
        };
        let silent = MetricValue { low: None, high: None, ..found };
        if self.units.count() < UNITS_MIN {
            return silent;
        }
        let (seed, metric_id, units) = (self.seed, metric.id, &self.units);
        let draws = Draws { seed, metric: metric_id, replicates: REPLICATES, units };
        let values = draws.values(|weights| statistic.of(weights));
        if values.len() < REPLICATES_MIN {
            return silent;
        }
        let (low, high) = (percentile(&values, 0.025), percentile(&values, 0.975));
        let out = MetricValue { low: Some(low), high: Some(high), ..found };
        let is_share = metric.rests_on == RestsOn::EachClass || metric.id == "accuracy";
        if is_share { interval::with_width(out, units.count()) } else { out }
    }
}

#[cfg(test)]
mod tests {
    use crate::learn::metric::{MetricValues, binary, multiclass, regression};

    use super::*;

    const ROWS: usize = 120;
    const COPIES: usize = 10;

    /// A number from 0 to 1 for each row.
    fn noise(salt: usize) -> Vec<f64> {
        (0..ROWS).map(|row| ((row + 1) * salt * 7_919 % 997) as f64 / 997.0).collect()
    }

    fn copies<T: Copy>(values: &[T]) -> Vec<T> {
        values.iter().flat_map(|value| [*value; COPIES]).collect()
    }

    /// Every metric of the rows, of the same rows ten times over, and of those with the ids they had.
    fn check(of: impl Fn(usize, &Resampling) -> MetricValues) {
        let alone: Vec<u64> = (0..ROWS as u64).collect();
        let once = of(1, &Resampling::new(&alone, 7));
        let repeated = of(COPIES, &Resampling::new(&copies(&alone), 7));
        assert_eq!(once.keys().collect::<Vec<_>>(), repeated.keys().collect::<Vec<_>>());
        for (id, found) in &repeated {
            let (before, now) = (once[id], found);
            assert!((before.value - now.value).abs() < 1e-9, "{id}: {before:?} {now:?}");
            let width = |found: &MetricValue| Some(found.high? - found.low?);
            match (width(&before), width(now)) {
                // Copies say nothing new: a formula of rows would say a third.
                (Some(wanted), Some(width)) => {
                    let ratio = width / wanted;
                    assert!((0.7..1.45).contains(&ratio), "{id}: {ratio}, {before:?} {now:?}");
                }
                (wanted, found) => assert_eq!((wanted, found), (None, None), "{id}"),
            }
        }
    }

    #[test]
    fn copies_of_rows_narrow_no_interval() {
        let (score, other) = (noise(3), noise(11));
        let mixed: Vec<f64> =
            score.iter().zip(&other).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        let truth: Vec<bool> = mixed.iter().map(|x| *x > 0.5).collect();
        let times = |count: usize, values: &[f64]| {
            if count == 1 { values.to_vec() } else { copies(values) }
        };
        check(|count, by| {
            let truth = if count == 1 { truth.clone() } else { copies(&truth) };
            binary(&truth, &times(count, &score), 0.5, by).unwrap()
        });
        let class: Vec<u32> =
            mixed.iter().map(|x| u32::from(*x > 0.4) + u32::from(*x > 0.6)).collect();
        check(|count, by| {
            let class = if count == 1 { class.clone() } else { copies(&class) };
            let score = times(count, &score);
            let low: Vec<f64> = score.iter().map(|p| (1.0 - p) * (1.0 - p)).collect();
            let high: Vec<f64> = score.iter().map(|p| p * p).collect();
            let rest = low.iter().zip(&high).map(|(low, high)| 1.0 - low - high).collect();
            multiclass(&class, &[low, rest, high], by).unwrap()
        });
        check(|count, by| regression(&times(count, &mixed), &times(count, &score), by).unwrap());
    }

    #[test]
    fn few_ids_have_no_interval_and_perfect_ones_a_width() {
        let truth: Vec<bool> = (0..40).map(|row| row % 2 == 0).collect();
        let score: Vec<f64> = truth.iter().map(|yes| if *yes { 0.8 } else { 0.2 }).collect();
        let ids = |per_id: u64| -> Vec<u64> { (0..40).map(|row| row / per_id).collect() };
        let few = binary(&truth, &score, 0.5, &Resampling::new(&ids(5), 1)).unwrap();
        assert!(few.values().all(|found| found.low.is_none()), "{few:?}");
        let found = binary(&truth, &score, 0.5, &Resampling::new(&ids(2), 1)).unwrap();
        for id in ["roc_auc", "pr_auc", "accuracy", "recall"] {
            assert!(found[id].low.unwrap() < 0.9 && found[id].high == Some(1.0), "{id}: {found:?}");
        }
        let wanted = MetricError::Ids { rows: 40, ids: 39 };
        let found = binary(&truth, &score, 0.5, &Resampling::of_rows(39, 1));
        assert_eq!(found, Err(wanted));
        assert_eq!(wanted.to_string(), "39 ids for 40 labelled rows");
    }
}
