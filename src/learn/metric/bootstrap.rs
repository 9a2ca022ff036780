//! Confidence intervals by resampling rows, for metrics without a formula.
//!
//! The Poisson bootstrap (Hanley and MacGibbon, 2006): in each replicate every unit has an independent
//! weight, Poisson distributed with mean 1, which for more than a few units is what drawing with
//! replacement gives. A unit is a row, or all rows of one id. Every replicate has a generator of its own,
//! seeded from the seed, the metric and the number of the replicate, so threads make no difference.

/// Which rows are drawn together, and the intervals that follow.
pub mod resampling;
/// What is drawn: rows, or groups of them.
pub mod units;

use rand::{RngCore as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use units::Units;

use super::interval;
use crate::domain::registry::MetricValue;

/// Replicates of the interval of a metric.
pub const REPLICATES: u32 = 500;

/// Fewest replicates in which the metric must be defined.
const REPLICATES_MIN: usize = 100;

const BLOCK_UNITS: usize = 256;

/// Cumulative probabilities of the Poisson distribution with mean 1, in units of 2^-16: a 16-bit number
/// stands for as many events as there are thresholds that it reaches. Their mean is exactly 1.
const THRESHOLDS: [u16; 8] = [24_109, 48_219, 60_273, 64_292, 65_296, 65_497, 65_531, 65_535];

/// Draws of the same units again and again.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    /// Makes the draws repeatable.
    pub seed: u64,
    /// The metric they are for: two metrics are not resampled alike.
    pub metric: &'a str,
    /// How many there are.
    pub replicates: u32,
    /// What is drawn.
    pub units: &'a Units,
}

impl Draws<'_> {
    /// The values of `statistic` over all replicates, ascending, without those where it is not defined.
    ///
    /// `statistic` is given the weight of each row, 0 to 8.
    pub fn values(&self, statistic: impl Fn(&[u8]) -> Option<f64> + Sync) -> Vec<f64> {
        let buffers = || (vec![0; self.units.count()], vec![0; self.units.rows()]);
        let found: Vec<Option<f64>> = (0..self.replicates)
            .into_par_iter()
            .map_init(buffers, |(drawn, of_rows), replicate| {
                fill(&mut self.random(replicate), drawn);
                statistic(self.units.spread(drawn, of_rows))
            })
            .collect();
        let mut values: Vec<f64> = found.into_iter().flatten().filter(|x| x.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    fn random(&self, replicate: u32) -> Xoshiro256PlusPlus {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&replicate.to_le_bytes());
        hasher.update(self.metric.as_bytes());
        Xoshiro256PlusPlus::from_seed(*hasher.finalize().as_bytes())
    }
}

/// Draws a weight for each unit.
fn fill(random: &mut Xoshiro256PlusPlus, weights: &mut [u8]) {
    let mut bytes = [0_u8; 2 * BLOCK_UNITS];
    let mut numbers = [0_u16; BLOCK_UNITS];
    for block in weights.chunks_mut(BLOCK_UNITS) {
        random.fill_bytes(&mut bytes);
        for (number, pair) in numbers.iter_mut().zip(bytes.chunks_exact(2)) {
            *number = u16::from_le_bytes([pair[0], pair[1]]);
        }
        // Threshold by threshold and without overflow checks (a weight is 8 at most), so that many units
        // are compared at once.
        let mut counts = [0_u16; BLOCK_UNITS];
        for threshold in THRESHOLDS {
            for (count, number) in counts.iter_mut().zip(&numbers) {
                *count = count.wrapping_add(u16::from(*number >= threshold));
            }
        }
        for (weight, count) in block.iter_mut().zip(&counts) {
            *weight = count.to_le_bytes()[0];
        }
    }
}

/// `statistic` of `rows` rows, with its 2.5 % and 97.5 % percentiles over [`REPLICATES`] replicates.
///
/// `statistic` is given the weight of each row, and returns `None` where the metric is not defined; if
/// that is so in most replicates, there is no interval.
pub fn estimate(
    seed: u64,
    metric: &str,
    rows: usize,
    statistic: impl Fn(&[u8]) -> Option<f64> + Sync,
) -> Option<MetricValue> {
    let value = statistic(&vec![1; rows])?;
    let units = Units::Rows(rows);
    let draws = Draws { seed, metric, replicates: REPLICATES, units: &units };
    let values = draws.values(statistic);
    let has_interval = values.len() >= REPLICATES_MIN;
    let bound = |share: f64| has_interval.then(|| percentile(&values, share));
    Some(MetricValue { value, low: bound(0.025), high: bound(0.975) })
}

/// The value at `share` (0 to 1) of the way through ascending values, interpolated.
///
/// Panics if there is no value.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = last as f64 * share;
    let below = interval::rank(place).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use super::*;

    fn mean(values: &[f64], seed: u64) -> Option<MetricValue> {
        estimate(seed, "mean", values.len(), |weights| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (value, weight) in values.iter().zip(weights) {
                sum += f64::from(*weight) * value;
                total += f64::from(*weight);
            }
            (total > 0.0).then(|| sum / total)
        })
    }

    #[test]
    fn weights_are_poisson_with_mean_one() {
        let mut counts = [0_u32; 9];
        let units = Units::Rows(1_000_000);
        let draws = Draws { seed: 1, metric: "test", replicates: 1, units: &units };
        let mut weights = vec![0; 1_000_000];
        fill(&mut draws.random(0), &mut weights);
        for weight in weights {
            counts[usize::from(weight)] += 1;
        }
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
        let rarely = |weights: &[u8]| weights.iter().all(|weight| *weight == 1).then_some(0.5);
        let wanted = MetricValue { value: 0.5, low: None, high: None };
        assert_eq!(estimate(1, "rarely", 50, rarely), Some(wanted));
        assert_eq!(estimate(1, "never", 50, |_| None), None);
        assert_eq!(estimate(1, "nan", 50, |_| Some(f64::NAN)).unwrap().low, None);
    }

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(percentile(&[0.0, 10.0], 0.025), 0.25);
        assert_eq!(percentile(&[5.0], 0.975), 5.0);
    }
}
