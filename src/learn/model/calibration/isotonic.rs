//! Isotonic regression: the best map that never falls, piecewise linear between thresholds.
//!
//! Pool adjacent violators (Barlow, Bartholomew, Bremner and Brunk, *Statistical Inference under Order
//! Restrictions*, 1972) on the probabilities themselves, as scikit-learn does for kinds that have no decision
//! function: ties are averaged by weight, what lies between two thresholds is interpolated, what lies outside
//! gets the value of the nearest. Only the ends of each flat piece are kept.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Probabilities closer than this to the first of a group are ties, as in scikit-learn (the decimal
/// resolution of an f64): between them a slope would mean nothing.
const TIE: f64 = 1e-15;
/// Most thresholds: 1 MiB of a model file. Beyond, evenly spaced ones are kept, and the last.
const THRESHOLDS_MAX: usize = 1 << 16;

/// A map that never falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    /// Thresholds, increasing.
    x: Vec<f64>,
    /// The probability at each threshold, 0 to 1, never falling.
    y: Vec<f64>,
}

/// Neighbouring predictions that share one value.
#[derive(Debug, Clone, Copy)]
struct Pool {
    first: f64,
    last: f64,
    /// Sum of the weights of rows that came true.
    hits: f64,
    /// Sum of all weights.
    weight: f64,
}

impl Steps {
    /// The map of least weighted squared error, for finite predictions.
    pub(super) fn fit(predictions: &[f64], truth: &[bool], weights: Option<&[f64]>) -> Self {
        let mut rows: Vec<(f64, bool, f64)> = (0..predictions.len())
            .map(|row| {
                let weight = weights.map_or(1.0, |weights| weights[row]);
                (predictions[row], truth[row], weight)
            })
            .collect();
        // By everything that a row has, so that the order of rows cannot be seen in any sum.
        rows.par_sort_unstable_by(|a, b| {
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        let mut pools: Vec<Pool> = Vec::new();
        for group in rows.chunk_by_first(TIE) {
            let weight = group.iter().map(|row| row.2).sum();
            let hits = group.iter().map(|row| if row.1 { row.2 } else { 0.0 }).sum();
            let mut next = Pool { first: group[0].0, last: group[0].0, hits, weight };
            while let Some(before) = pools.pop_if(|before| before.mean() >= next.mean()) {
                next = before.joined(next);
            }
            pools.push(next);
        }
        Self::of(&pools)
    }

    fn of(pools: &[Pool]) -> Self {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for pool in pools {
            x.push(pool.first);
            y.push(pool.mean());
            if pool.last > pool.first {
                x.push(pool.last);
                y.push(pool.mean());
            }
        }
        let stride = x.len().div_ceil(THRESHOLDS_MAX - 1).max(1);
        if stride > 1 {
            let last = (x[x.len() - 1], y[y.len() - 1]);
            let thin =
                |values: &[f64]| values.iter().copied().step_by(stride).collect::<Vec<f64>>();
            (x, y) = (thin(&x), thin(&y));
            if x.last() != Some(&last.0) {
                x.push(last.0);
                y.push(last.1);
            }
        }
        Self { x, y }
    }

    /// Replaces each prediction by its probability.
    pub(super) fn apply(&self, values: &mut [f64]) {
        let (x, y) = (self.x.as_slice(), self.y.as_slice());
        let Some(last) = x.len().checked_sub(1).filter(|last| *last > 0) else {
            let only = y.first().copied().unwrap_or_default();
            values.iter_mut().filter(|value| !value.is_nan()).for_each(|value| *value = only);
            return;
        };
        for value in values {
            let above = x.partition_point(|threshold| *threshold <= *value).clamp(1, last);
            let (from, to) = (x[above - 1], x[above]);
            // A share of the way, which stays between 0 and 1 however close the thresholds are.
            let share = ((*value - from) / (to - from)).clamp(0.0, 1.0);
            let mapped = y[above - 1] + share * (y[above] - y[above - 1]);
            // Written so that a NaN stays one.
            *value = if mapped > y[above] { y[above] } else { mapped };
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        let Self { x, y } = self;
        (1..=THRESHOLDS_MAX).contains(&x.len())
            && x.len() == y.len()
            && x.iter().all(|threshold| threshold.is_finite())
            && y.iter().all(|share| (0.0..=1.0).contains(share))
            && x.windows(2).all(|pair| pair[0] < pair[1])
            && y.windows(2).all(|pair| pair[0] <= pair[1])
    }
}

impl Pool {
    /// 0 to 1: sums of the same weights in the same order never make the hits the larger one.
    fn mean(&self) -> f64 {
        self.hits / self.weight
    }

    fn joined(self, next: Self) -> Self {
        let (hits, weight) = (self.hits + next.hits, self.weight + next.weight);
        Self { first: self.first, last: next.last, hits, weight }
    }
}

/// Sorted rows in groups of ties.
trait Ties {
    /// Groups whose members are less than `within` above their first.
    fn chunk_by_first(&self, within: f64) -> impl Iterator<Item = &[(f64, bool, f64)]>;
}

impl Ties for [(f64, bool, f64)] {
    fn chunk_by_first(&self, within: f64) -> impl Iterator<Item = &[(f64, bool, f64)]> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let first = rest.first()?.0;
            let (group, after) = rest.split_at(rest.partition_point(|row| row.0 - first < within));
            rest = after;
            Some(group)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(predictions: &[f64], truth: &[u8], weights: Option<&[f64]>) -> (Vec<f64>, Vec<f64>) {
        let truth: Vec<bool> = truth.iter().map(|truth| *truth == 1).collect();
        let found = Steps::fit(predictions, &truth, weights);
        assert!(found.is_sound());
        (found.x, found.y)
    }

    #[test]
    fn violators_are_pooled_and_ties_averaged() {
        let found = steps(&[0.4, 0.1, 0.3, 0.2], &[1, 0, 0, 1], None);
        assert_eq!(found, (vec![0.1, 0.2, 0.3, 0.4], vec![0.0, 0.5, 0.5, 1.0]));
        let tied = steps(&[0.5, 0.5, 0.2, 0.2 + 1e-16], &[1, 0, 0, 0], Some(&[3.0, 1.0, 1.0, 1.0]));
        assert_eq!(tied, (vec![0.2, 0.5], vec![0.0, 0.75]));
        // The wrong way around: one flat piece.
        let flat = steps(&[0.1, 0.2, 0.3, 0.4], &[1, 1, 0, 0], None);
        assert_eq!(flat, (vec![0.1, 0.4], vec![0.5, 0.5]));
        assert_eq!(steps(&[0.3; 4], &[1, 0, 0, 0], None), (vec![0.3], vec![0.25]));
    }

    #[test]
    fn values_between_thresholds_are_interpolated_and_others_clipped() {
        let map = Steps { x: vec![0.2, 0.4, 0.8], y: vec![0.1, 0.3, 0.9] };
        let mut values = [0.0, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0];
        map.apply(&mut values);
        for (found, wanted) in values.iter().zip([0.1, 0.1, 0.2, 0.3, 0.6, 0.9, 0.9]) {
            assert!((found - wanted).abs() < 1e-15, "{values:?}");
        }
    }

    #[test]
    fn there_are_never_too_many_thresholds() {
        let pools: Vec<Pool> = (0..200_001)
            .map(|n| {
                let at = f64::from(n) / 200_001.0;
                Pool { first: at, last: at, hits: at, weight: 1.0 }
            })
            .collect();
        let found = Steps::of(&pools);
        assert!(found.is_sound() && found.x.len() > THRESHOLDS_MAX / 2);
        assert_eq!(found.x.last(), Some(&pools[200_000].first));
    }
}
