//! Sums as whole numbers: exact, and the same in any order.
//!
//! Before a tree is grown, each number that it adds up is turned into a whole multiple of a power of two,
//! chosen such that the sum over all rows just fits 64 bits. Histograms are then sums of integers: they do
//! not depend on the order of rows or the number of threads, a parent minus one child is the other child
//! to the last bit, and two means that are equal compare as equal. The unit is the largest number times
//! the rows, divided by 2⁶², which is finer than what a floating-point sum of as many rows loses.

use rayon::prelude::*;

/// Rows that are worked on at a time.
pub(in crate::learn::model) const CHUNK_ROWS: usize = 16_384;

/// What one row adds to the histograms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::learn::model) struct RowTerm {
    /// Its gradient, or its weight times its value.
    pub(in crate::learn::model) value: i64,
    /// Its second derivative, or its weight.
    pub(in crate::learn::model) weight: i64,
}

/// The sums over some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::learn::model) struct Sums {
    /// Of the values.
    pub(in crate::learn::model) value: i64,
    /// Of the weights.
    pub(in crate::learn::model) weight: i64,
    /// How many rows.
    pub(in crate::learn::model) rows: i64,
}

impl Sums {
    /// Counts one row more.
    #[inline]
    pub(in crate::learn::model) fn add_row(&mut self, term: RowTerm) {
        self.value = self.value.wrapping_add(term.value);
        self.weight = self.weight.wrapping_add(term.weight);
        self.rows = self.rows.wrapping_add(1);
    }

    /// The sums over both.
    #[inline]
    pub(in crate::learn::model) fn plus(self, other: Self) -> Self {
        Self {
            value: self.value.wrapping_add(other.value),
            weight: self.weight.wrapping_add(other.weight),
            rows: self.rows.wrapping_add(other.rows),
        }
    }

    /// The sums over the rest.
    #[inline]
    pub(in crate::learn::model) fn minus(self, part: Self) -> Self {
        Self {
            value: self.value.wrapping_sub(part.value),
            weight: self.weight.wrapping_sub(part.weight),
            rows: self.rows.wrapping_sub(part.rows),
        }
    }

    /// Whether the means of the values of both are the same, exactly.
    pub(in crate::learn::model) fn has_mean_of(self, other: Self) -> bool {
        i128::from(self.value) * i128::from(other.weight)
            == i128::from(other.value) * i128::from(self.weight)
    }
}

/// How many units are in 1: a power of two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::learn::model) struct Scale(f64);

impl Scale {
    /// A scale for `rows` numbers of at most `largest` in magnitude.
    pub(in crate::learn::model) fn new(largest: f64, rows: usize) -> Self {
        let total = largest * rows.max(1) as f64;
        if !(total > 0.0 && total.is_finite()) {
            return Self(1.0);
        }
        // Powers are kept in the range whose reciprocals are normal numbers too. Numbers below 1e-282 lose digits
        // by that, and keep their order.
        let power = (61.0 - total.log2().ceil()).clamp(-1_000.0, 1_000.0);
        Self(power.exp2())
    }

    /// The number in units, cut off towards 0.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "that is what is wanted, and it saturates")]
    pub(in crate::learn::model) fn units(self, number: f64) -> i64 {
        (number * self.0) as i64
    }

    /// How many units are in 1.
    pub(in crate::learn::model) fn one(self) -> f64 {
        self.0
    }

    /// Units as a number.
    pub(in crate::learn::model) fn number(self, units: i64) -> f64 {
        units as f64 / self.0
    }
}

/// The largest magnitude.
pub(in crate::learn::model) fn largest(numbers: &[f64]) -> f64 {
    let of =
        |chunk: &[f64]| chunk.iter().fold(0.0, |largest: f64, number| largest.max(number.abs()));
    numbers.par_chunks(CHUNK_ROWS).map(of).reduce(|| 0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_all_rows_fit() {
        for (largest, rows) in [(1.0, 1), (0.25, 1 << 30), (1e300, 1_000), (1e-280, 7), (3.0, 5)] {
            let scale = Scale::new(largest, rows);
            let units = i128::from(scale.units(largest)) * rows as i128;
            assert!(units <= i128::from(i64::MAX), "{largest} x {rows}");
            let back = scale.number(scale.units(largest));
            assert!((back / largest - 1.0).abs() < 1e-9, "{largest} x {rows}: {back}");
        }
        assert_eq!(Scale::new(0.0, 5).units(0.0), 0);
        assert_eq!(Scale::new(f64::INFINITY, 5).units(1.0), 1);
    }

    #[test]
    fn counts_are_exact_beyond_what_32_bit_floats_hold() {
        let rows = (1u32 << 24) + 2;
        let scale = Scale::new(1.0, rows as usize);
        let mut sums = Sums::default();
        let term = RowTerm { value: scale.units(1.0), weight: scale.units(1.0) };
        (0..rows).for_each(|_| sums.add_row(term));
        assert_eq!((sums.rows, scale.number(sums.weight)), (i64::from(rows), f64::from(rows)));
    }

    #[test]
    fn equal_means_are_told_exactly() {
        let sums = |value, weight| Sums { value, weight, rows: 1 };
        assert!(sums(1 << 60, 3 << 60).has_mean_of(sums(1, 3)));
        assert!(!sums((1 << 60) + 1, 3 << 60).has_mean_of(sums(1, 3)));
        assert_eq!(sums(5, 7).plus(sums(1, 2)).minus(sums(1, 2)), sums(5, 7));
        assert_eq!(largest(&[1.0, -3.0, 2.0]).to_bits(), 3.0f64.to_bits());
    }
}
