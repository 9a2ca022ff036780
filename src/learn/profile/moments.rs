//! Count, mean, spread and range of finite numbers, exact enough to be merged in any grouping.
//!
//! Values come in blocks; each block is summed in eight lanes in a fixed order, so that the result does
//! not depend on the machine's vector width or on threads. Blocks combine by the pairwise formula of
//! Chan, Golub and LeVeque (1979), which does not cancel as a sum of squares would.

use serde::{Deserialize, Serialize};

use super::float;

/// Running moments of finite values.
///
/// Values whose sum exceeds the range of an f64 give an infinite or NaN mean, never a panic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many values.
    pub count: u64,
    /// Their mean; 0 if there is none.
    #[serde(with = "float")]
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    #[serde(with = "float")]
    pub m2: f64,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
}

const LANES: usize = 8;

impl Moments {
    /// The moments of one block of finite values.
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let count = values.len() as f64;
        let rough = sum(values) / count;
        let Spread { drift, squares, min, max } = Spread::around(rough, values);
        let m2 = squares - drift * drift / count;
        Self {
            count: values.len() as u64,
            mean: rough + drift / count,
            m2: if m2 < 0.0 { 0.0 } else { m2 }, // keeps NaN
            min: Some(min),
            max: Some(max),
        }
    }

    /// Takes in the values that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (before, added) = (self.count as f64, other.count as f64);
        let both = before + added;
        let delta = other.mean - self.mean;
        self.mean += delta * (added / both);
        self.m2 += other.m2 + delta * delta * (before * (added / both));
        self.count = self.count.saturating_add(other.count);
        self.min = smaller(self.min, other.min);
        self.max = smaller(self.max.map(|max| -max), other.max.map(|max| -max)).map(|max| -max);
    }

    /// Variance with divisor n, as numpy's `var`; at least 0, larger is more spread.
    pub fn variance_population(&self) -> Option<f64> {
        (self.count > 0).then(|| self.m2 / self.count as f64)
    }

    /// Variance with divisor n - 1; at least 0, larger is more spread.
    pub fn variance_sample(&self) -> Option<f64> {
        (self.count > 1).then(|| self.m2 / (self.count - 1) as f64)
    }
}

fn smaller(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (known, None) | (None, known) => known,
    }
}

fn sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Sums of the deviations from a middle and of their squares, and the ends of the values.
struct Spread {
    drift: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn around(middle: f64, values: &[f64]) -> Self {
        let (chunks, rest) = values.as_chunks::<LANES>();
        let (mut drift, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        for chunk in chunks {
            for lane in 0..LANES {
                let (value, deviation) = (chunk[lane], chunk[lane] - middle);
                drift[lane] += deviation;
                squares[lane] += deviation * deviation;
                low[lane] = if value < low[lane] { value } else { low[lane] };
                high[lane] = if value > high[lane] { value } else { high[lane] };
            }
        }
        let deviations = || rest.iter().map(|value| value - middle);
        Self {
            drift: drift.iter().sum::<f64>() + deviations().sum::<f64>(),
            squares: squares.iter().sum::<f64>() + deviations().map(|d| d * d).sum::<f64>(),
            min: rest.iter().copied().chain(low).fold(f64::INFINITY, f64::min),
            max: rest.iter().copied().chain(high).fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_large_offset_does_not_cancel() {
        let values: Vec<f64> = (0..1000).map(|n| 1e9 + f64::from(n % 2)).collect();
        let found = Moments::of(&values);
        assert_eq!(found.mean, 1e9 + 0.5);
        assert_eq!(found.variance_population(), Some(0.25));
        let mut pieces = Moments::default();
        for piece in values.chunks(7) {
            pieces.merge(&Moments::of(piece));
        }
        assert!((pieces.m2 - found.m2).abs() < 1e-5, "{} {}", pieces.m2, found.m2);
    }

    #[test]
    fn nothing_is_not_zero() {
        let none = Moments::of(&[]);
        assert_eq!((none.count, none.min, none.variance_population()), (0, None, None));
        assert_eq!(Moments::of(&[3.0]).variance_sample(), None);
    }

    #[test]
    fn values_beyond_the_range_of_sums_do_not_panic() {
        let found = Moments::of(&[f64::MAX, f64::MAX, -f64::MAX]);
        assert_eq!((found.min, found.max), (Some(-f64::MAX), Some(f64::MAX)));
        assert!(!found.m2.is_finite());
    }

    proptest! {
        #[test]
        fn merging_is_associative_up_to_rounding(
            values in proptest::collection::vec(-1e6..1e6, 0..200),
            cuts in (0_usize..200, 0_usize..200),
        ) {
            let first = cuts.0.min(cuts.1).min(values.len());
            let second = cuts.0.max(cuts.1).min(values.len());
            let parts = [&values[..first], &values[first..second], &values[second..]];
            let [a, b, c] = parts.map(Moments::of);
            let mut left = a;
            left.merge(&b);
            left.merge(&c);
            let mut right = b;
            right.merge(&c);
            let mut all = a;
            all.merge(&right);
            let whole = Moments::of(&values);
            for found in [left, all] {
                prop_assert_eq!((found.count, found.min, found.max), (whole.count, whole.min, whole.max));
                prop_assert!((found.mean - whole.mean).abs() <= 1e-8);
                prop_assert!((found.m2 - whole.m2).abs() <= 1e-9 * (1.0 + whole.m2));
            }
        }
    }
}
