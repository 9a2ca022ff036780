//! What a column of numbers holds: nulls, NaN and infinities each as their own kind, and the moments of
//! the rest.
//!
//! Every value is counted exactly once, and nothing is dropped in silence. Comparing two columns is the
//! business of `drift`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::moments::Moments;
use crate::domain::frame::Numbers;

/// Counts by kind of value, and the moments of the finite ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberFacts {
    /// All rows: `nulls + nans + infinities_above + infinities_below + finite.count`.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Rows with NaN.
    pub nans: u64,
    /// Rows with positive infinity.
    pub infinities_above: u64,
    /// Rows with negative infinity.
    pub infinities_below: u64,
    /// The moments of the finite values.
    pub finite: Moments,
}

/// Rows looked at together: small enough to stay in the first-level cache beside a grid.
const BLOCK_ROWS: usize = 2048;

impl NumberFacts {
    /// The facts of a whole column, and its finite values in ascending order.
    pub fn sorted(numbers: &Numbers<'_>) -> (Self, Vec<f64>) {
        let mut facts = Self::default();
        let mut sorted = Vec::with_capacity(numbers.values.len());
        facts.add(numbers, |finite| sorted.extend_from_slice(finite));
        sorted.par_sort_unstable_by(f64::total_cmp);
        (facts, sorted)
    }

    /// Takes in `numbers`, and hands their finite values to `on_finite`, block by block in order.
    pub(super) fn add(&mut self, numbers: &Numbers<'_>, mut on_finite: impl FnMut(&[f64])) {
        let mut kept = [0.0; BLOCK_ROWS];
        for (at, block) in numbers.values.chunks(BLOCK_ROWS).enumerate() {
            let first = at * BLOCK_ROWS;
            let nulls = numbers.nulls.get(first..first + block.len()).unwrap_or(&[]);
            self.rows += block.len() as u64;
            let plain = if nulls.contains(&true) { None } else { moments_if_finite(block) };
            let (finite, moments) = if let Some(moments) = plain {
                (block, moments)
            } else {
                let length = self.set_apart(block, nulls, &mut kept);
                (&kept[..length], Moments::of(&kept[..length]))
            };
            self.finite.merge(&moments);
            on_finite(finite);
        }
    }

    /// Counts what is not finite, copies what is into `kept`, and returns how many were copied.
    fn set_apart(&mut self, block: &[f64], nulls: &[bool], kept: &mut [f64; BLOCK_ROWS]) -> usize {
        let mut length = 0;
        for (row, value) in block.iter().enumerate() {
            if nulls.get(row).copied().unwrap_or(false) {
                self.nulls += 1;
            } else if value.is_finite() {
                kept[length] = *value;
                length += 1;
            } else if value.is_nan() {
                self.nans += 1;
            } else if *value > 0.0 {
                self.infinities_above += 1;
            } else {
                self.infinities_below += 1;
            }
        }
        length
    }

    /// Takes in the values that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.nulls = self.nulls.saturating_add(other.nulls);
        self.nans = self.nans.saturating_add(other.nans);
        self.infinities_above = self.infinities_above.saturating_add(other.infinities_above);
        self.infinities_below = self.infinities_below.saturating_add(other.infinities_below);
        self.finite.merge(&other.finite);
    }
}

/// The moments of `values`; `None` if one may be NaN or infinite, because the mean is not finite then.
fn moments_if_finite(values: &[f64]) -> Option<Moments> {
    Some(Moments::of(values)).filter(|moments| moments.mean.is_finite())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn every_kind_is_counted_once() {
        let cycle = [1.0, f64::NAN, f64::INFINITY, 2.0, f64::NEG_INFINITY, f64::NAN, 3.0];
        let values: Vec<f64> = cycle.iter().copied().cycle().take(7 * 1000).collect();
        let nulls: Vec<bool> = (0..values.len()).map(|row| row % 7 == 5 || row % 7 == 6).collect();
        let numbers = Numbers { values: Cow::Owned(values), nulls };
        let mut facts = NumberFacts::default();
        let mut seen = Vec::new();
        facts.add(&numbers, |finite| seen.extend_from_slice(finite));
        assert_eq!((facts.rows, facts.nulls, facts.nans), (7000, 2000, 1000));
        assert_eq!((facts.infinities_above, facts.infinities_below), (1000, 1000));
        assert_eq!((facts.finite.count, facts.finite.mean), (2000, 1.5));
        assert_eq!(seen, [1.0, 2.0].repeat(1000));
    }

    #[test]
    fn a_null_is_a_null_whatever_stands_in_its_place() {
        for stand_in in [f64::NAN, 0.0, 1e9] {
            let numbers =
                Numbers { values: Cow::Owned(vec![stand_in, 5.0]), nulls: vec![true, false] };
            let mut facts = NumberFacts::default();
            facts.add(&numbers, |finite| assert_eq!(finite, [5.0]));
            assert_eq!((facts.nulls, facts.nans, facts.finite.count), (1, 0, 1));
        }
    }
}
