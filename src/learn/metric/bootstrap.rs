//! Confidence intervals by resampling rows, for metrics without a formula.
//!
//! The Poisson bootstrap (Hanley and MacGibbon, 2006): in each replicate every row has an independent
//! weight, Poisson distributed with mean 1, which for more than a few rows is what drawing with
//! replacement gives, and needs no memory. Every replicate has a generator of its own, seeded from the
//! seed, the metric and the number of the replicate, so threads make no difference.

use rand::{RngCore as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::domain::registry::MetricValue;

/// Replicates of each interval.
pub const REPLICATES: u32 = 500;

/// Fewest replicates in which the metric must be defined.
const REPLICATES_MIN: usize = 100;

const BLOCK_ROWS: usize = 256;

/// Cumulative probabilities of the Poisson distribution with mean 1, in units of 2^-16: a 16-bit number
/// stands for as many events as there are thresholds that it reaches. Their mean is exactly 1.
const THRESHOLDS: [u16; 8] = [24_109, 48_219, 60_273, 64_292, 65_296, 65_497, 65_531, 65_535];

/// The weights of rows: equal ones for the value of a metric, drawn ones for a replicate.
#[derive(Debug, Clone)]
pub enum Weights {
    /// Every row has weight 1.
    Equal,
    /// Every row has a weight of its own.
    Drawn(Xoshiro256PlusPlus),
}

impl Weights {
    fn drawn(seed: u64, metric: &str, replicate: u32) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        hasher.update(&replicate.to_le_bytes());
        hasher.update(metric.as_bytes());
        Self::Drawn(Xoshiro256PlusPlus::from_seed(*hasher.finalize().as_bytes()))
    }

    /// Calls `take` with every row from 0 to `rows` and its weight.
    pub fn for_each(&mut self, rows: usize, mut take: impl FnMut(usize, f64)) {
        let Self::Drawn(random) = self else {
            for row in 0..rows {
                take(row, 1.0);
            }
            return;
        };
        let mut bytes = [0_u8; 2 * BLOCK_ROWS];
        let mut numbers = [0_u16; BLOCK_ROWS];
        for first in (0..rows).step_by(BLOCK_ROWS) {
            random.fill_bytes(&mut bytes);
            for (number, pair) in numbers.iter_mut().zip(bytes.chunks_exact(2)) {
                *number = u16::from_le_bytes([pair[0], pair[1]]);
            }
            // Threshold by threshold and without overflow checks (a weight is 8 at most), so that many
            // rows are compared at once.
            let mut weights = [0_u16; BLOCK_ROWS];
            for threshold in THRESHOLDS {
                for (weight, number) in weights.iter_mut().zip(&numbers) {
                    *weight = weight.wrapping_add(u16::from(*number >= threshold));
                }
            }
            let last = rows.min(first + BLOCK_ROWS);
            for (row, weight) in (first..last).zip(&weights) {
                take(row, f64::from(*weight));
            }
        }
    }
}

/// `statistic` of the rows, with its 2.5 % and 97.5 % percentiles over [`REPLICATES`] replicates.
///
/// `statistic` returns `None` where the metric is not defined; if that is so in most replicates, there is
/// no interval.
pub fn estimate(
    seed: u64,
    metric: &str,
    statistic: impl Fn(&mut Weights) -> Option<f64> + Sync,
) -> Option<MetricValue> {
    let value = statistic(&mut Weights::Equal)?;
    let (low, high) = percentiles(seed, metric, statistic).unzip();
    Some(MetricValue { value, low, high })
}

fn percentiles(
    seed: u64,
    metric: &str,
    statistic: impl Fn(&mut Weights) -> Option<f64> + Sync,
) -> Option<(f64, f64)> {
    let replicates = (0..REPLICATES).into_par_iter();
    let values: Vec<Option<f64>> = replicates
        .map(|replicate| statistic(&mut Weights::drawn(seed, metric, replicate)))
        .collect();
    let mut values: Vec<f64> = values.into_iter().flatten().filter(|x| x.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    (values.len() >= REPLICATES_MIN)
        .then(|| (percentile(&values, 25, 1000), percentile(&values, 975, 1000)))
}

/// The value at `share / whole` of the way through ascending values, interpolated.
fn percentile(sorted: &[f64], share: usize, whole: usize) -> f64 {
    let place = (sorted.len() - 1) * share;
    let (below, rest) = (place / whole, place % whole);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (rest as f64 / whole as f64)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use super::*;
    use crate::learn::metric::interval;

    fn mean(values: &[f64], seed: u64) -> Option<MetricValue> {
        estimate(seed, "mean", |weights| {
            let (mut sum, mut total) = (0.0, 0.0);
            weights.for_each(values.len(), |row, weight| {
                sum += weight * values[row];
                total += weight;
            });
            (total > 0.0).then(|| sum / total)
        })
    }

    #[test]
    fn weights_are_poisson_with_mean_one() {
        let mut counts = [0_u32; 9];
        let mut weights = Weights::drawn(1, "test", 0);
        weights.for_each(1_000_000, |_, weight| {
            let place = (0..9_u32).position(|count| f64::from(count) == weight).unwrap();
            counts[place] += 1;
        });
        let wanted = [0.367_879, 0.367_879, 0.183_940, 0.061_313, 0.015_328];
        for (count, wanted) in counts.iter().zip(wanted) {
            let found = f64::from(*count) / 1e6;
            assert!((found - wanted).abs() < 0.002, "{found} {wanted}");
        }
        let rest = THRESHOLDS.iter().map(|step| 65_536 - u32::from(*step)).sum::<u32>();
        assert_eq!(rest, 65_536);
    }

    #[test]
    fn the_interval_of_a_mean_is_near_the_normal_one() {
        let values: Vec<f64> = (0..1000).map(|n| f64::from(n * 7919 % 1000).sqrt()).collect();
        let wanted = interval::mean(&values).unwrap();
        let found = mean(&values, 7).unwrap();
        let width = wanted.high.unwrap() - wanted.low.unwrap();
        let apart = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() / width;
        assert!((found.value - wanted.value).abs() < 1e-9);
        assert!(apart(found.low, wanted.low) < 0.1, "{found:?} {wanted:?}");
        assert!(apart(found.high, wanted.high) < 0.1, "{found:?} {wanted:?}");
    }

    #[test]
    fn threads_make_no_difference_and_seeds_do() {
        let values: Vec<f64> = (0..300).map(|n| f64::from(n % 17)).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mean(&values, 3))
        };
        assert!(on(1).unwrap().low.is_some());
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(8));
        assert_ne!(mean(&values, 4), on(1));
    }

    #[test]
    fn a_metric_that_is_rarely_defined_has_no_interval() {
        let rarely = |weights: &mut Weights| matches!(weights, Weights::Equal).then_some(0.5);
        let wanted = MetricValue { value: 0.5, low: None, high: None };
        assert_eq!(estimate(1, "rarely", rarely), Some(wanted));
        assert_eq!(estimate(1, "never", |_| None), None);
        assert_eq!(percentiles(1, "nan", |_| Some(f64::NAN)), None);
    }

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(percentile(&[0.0, 10.0], 25, 1000), 0.25);
        assert_eq!(percentile(&[5.0], 975, 1000), 5.0);
    }
}
