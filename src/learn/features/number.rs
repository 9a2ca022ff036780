//! Numeric columns: what stands in for a missing number, and the scale.
//!
//! A null, NaN or infinity is missing. The stand-in is learned first and counts as a value when the
//! scale is learned, as in scikit-learn's `SimpleImputer` followed by `StandardScaler`.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::domain::frame::{Cells, Numbers};
use crate::domain::job::NumericImpute;
use crate::learn::features::{FeatureError, Scaling};

/// The largest magnitude of a transformed number: its square, and sums of those, are far from overflow.
///
/// Training refuses columns that reach it; when scoring, a number beyond it counts as being at it.
const MAGNITUDE_MAX: f64 = 1e100;

/// `(value or stand-in − centre) / spread`, within ±1e100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumberTransform {
    /// Stands in for a missing number.
    pub fill: f64,
    /// The mean over the training rows; 0 where numbers are not scaled.
    pub centre: f64,
    /// The standard deviation over the training rows; 1 where numbers are not scaled or all the same.
    pub spread: f64,
    /// The value that every training row has (counting the stand-in), if there is one.
    pub constant: Option<f64>,
}

impl NumberTransform {
    /// Learns from the training rows of the column called `name`.
    pub fn fit(
        name: &str,
        cells: &Cells<'_>,
        impute: NumericImpute,
        scaling: Scaling,
    ) -> Result<Self, FeatureError> {
        let rows = cells.len();
        let no_values = || FeatureError::NoValues { column: name.to_owned(), rows };
        let Cells::Number(numbers) = cells else { return Err(no_values()) };
        let known = |row| numbers.value(row).filter(|value| value.is_finite());
        let mut known: Vec<f64> = (0..rows).filter_map(known).collect();
        if known.is_empty() {
            return Err(no_values());
        }
        let largest = known.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        if largest > MAGNITUDE_MAX {
            let largest = format!("{largest:e}");
            return Err(FeatureError::TooLarge { column: name.to_owned(), largest });
        }
        let mean = mean(&known);
        let missing = rows - known.len();
        let first = known[0];
        let all_same = all_equal(&known);
        let fill = match impute {
            NumericImpute::Mean if all_same => first,
            NumericImpute::Mean => mean,
            NumericImpute::Auto | NumericImpute::Median => median(&mut known),
            NumericImpute::Value(value) => value,
        };
        let constant = (all_same && (missing == 0 || all_equal(&[fill, first]))).then_some(first);
        let mut out = Self { fill, centre: 0.0, spread: 1.0, constant };
        if let Scaling::Standard = scaling {
            let filled_mean = mean + (fill - mean) * (missing as f64 / rows as f64);
            out.centre = constant.unwrap_or(filled_mean);
            if constant.is_none() {
                out.spread = spread(&known, fill, missing, filled_mean);
            }
        }
        Ok(out)
    }

    /// Transforms `rows` of a column into `out`, which has as many places.
    pub fn apply(&self, numbers: &Numbers<'_>, rows: Range<usize>, out: &mut [f64]) {
        let Self { fill, centre, spread, .. } = *self;
        let values = &numbers.values[rows.clone()];
        for (place, value) in out.iter_mut().zip(values) {
            let value = if value.is_finite() { *value } else { fill };
            *place = ((value - centre) / spread).clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX);
        }
        if let Some(nulls) = numbers.nulls.get(rows) {
            for (place, _) in out.iter_mut().zip(nulls).filter(|(_, is_null)| **is_null) {
                *place = self.filled();
            }
        }
    }

    /// As [`Self::apply`]; a column of text is one of nulls, which is all that it can be here.
    pub fn apply_cells(&self, cells: &Cells<'_>, rows: Range<usize>, out: &mut [f64]) {
        match cells {
            Cells::Number(numbers) => self.apply(numbers, rows, out),
            Cells::Text(_) => out.fill(self.filled()),
        }
    }

    /// What a missing number becomes.
    pub fn filled(&self) -> f64 {
        ((self.fill - self.centre) / self.spread).clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX)
    }

    /// Whether all parts are finite and the spread can be divided by.
    pub fn is_sound(&self) -> bool {
        let finite = [self.fill, self.centre, self.spread].iter().all(|part| part.is_finite());
        finite && self.spread > 0.0
    }
}

/// A number as it is, within ±1e100; NaN for what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RawNumber {
    /// The value that every training row has, if there is one.
    pub constant: Option<f64>,
}

impl RawNumber {
    /// Learns from the training rows of the column called `name`.
    pub fn fit(name: &str, cells: &Cells<'_>) -> Result<Self, FeatureError> {
        let fitted = NumberTransform::fit(name, cells, NumericImpute::Median, Scaling::None)?;
        let Cells::Number(numbers) = cells else { return Ok(Self { constant: None }) };
        let is_known = |row| numbers.value(row).is_some_and(f64::is_finite);
        let is_complete = (0..cells.len()).all(is_known);
        Ok(Self { constant: fitted.constant.filter(|_| is_complete) })
    }

    /// Writes `rows` of a column into `out`, which has as many places; text is nulls, as in
    /// [`NumberTransform::apply_cells`].
    pub fn apply_cells(cells: &Cells<'_>, rows: Range<usize>, out: &mut [f64]) {
        let Cells::Number(numbers) = cells else { return out.fill(f64::NAN) };
        for (place, value) in out.iter_mut().zip(&numbers.values[rows.clone()]) {
            let is_known = value.is_finite();
            *place = if is_known { value.clamp(-MAGNITUDE_MAX, MAGNITUDE_MAX) } else { f64::NAN };
        }
        if let Some(nulls) = numbers.nulls.get(rows) {
            for (place, _) in out.iter_mut().zip(nulls).filter(|(_, is_null)| **is_null) {
                *place = f64::NAN;
            }
        }
    }
}

/// Whether all values are the same; 0 and −0 are.
pub(crate) fn all_equal(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0].partial_cmp(&pair[1]).is_some_and(Ordering::is_eq))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean of the two middle values, or the middle one.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        lower / 2.0 + *upper / 2.0
    } else {
        *upper
    }
}

/// The population standard deviation about `centre` of `known` and of `missing` times `fill`.
///
/// 0 (all values so close to each other that the squares underflow) becomes 1, like a constant.
fn spread(known: &[f64], fill: f64, missing: usize, centre: f64) -> f64 {
    let squares: f64 = known.iter().map(|value| (value - centre).powi(2)).sum();
    let filled = (fill - centre).powi(2) * missing as f64;
    let variance = (squares + filled) / (known.len() + missing) as f64;
    if variance > 0.0 { variance.sqrt() } else { 1.0 }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;

    fn cells(values: &[Option<f64>]) -> Cells<'static> {
        Cells::Number(Numbers {
            values: values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            nulls: values.iter().map(Option::is_none).collect(),
        })
    }

    const VALUES: &[Option<f64>] =
        &[Some(1.0), None, Some(f64::NAN), Some(2.0), Some(f64::INFINITY), Some(9.0), Some(4.0)];

    #[track_caller]
    fn check(impute: NumericImpute, fill: f64, centre: f64, spread: f64) {
        let found = NumberTransform::fit("x", &cells(VALUES), impute, Scaling::Standard).unwrap();
        for (found, wanted) in [(found.fill, fill), (found.centre, centre), (found.spread, spread)]
        {
            assert!((found - wanted).abs() < 1e-14, "found {found}, wanted {wanted}");
        }
    }

    #[test]
    fn missing_numbers_are_filled_and_then_count() {
        check(NumericImpute::Median, 3.0, 25.0 / 7.0, (278.0f64 / 49.0).sqrt());
        check(NumericImpute::Mean, 4.0, 4.0, (38.0f64 / 7.0).sqrt());
        check(NumericImpute::Value(0.0), 0.0, 16.0 / 7.0, (458.0f64 / 49.0).sqrt());
    }

    #[test]
    fn every_cell_becomes_finite() {
        let cells = cells(VALUES);
        let Cells::Number(numbers) = &cells else { panic!("wanted numbers") };
        let fitted =
            NumberTransform::fit("x", &cells, NumericImpute::Median, Scaling::None).unwrap();
        let mut out = [0.0; 5];
        fitted.apply(numbers, 1..6, &mut out);
        assert_eq!(out, [3.0, 3.0, 2.0, 3.0, 9.0]);
    }

    #[test]
    fn what_is_missing_can_stay_missing() {
        let mixed = cells(VALUES);
        assert_eq!(RawNumber::fit("x", &mixed), Ok(RawNumber { constant: None }));
        let mut out = [0.0; 6];
        RawNumber::apply_cells(&mixed, 1..7, &mut out);
        let found = out.map(|value| (!value.is_nan()).then_some(value));
        assert_eq!(found, [None, None, Some(2.0), None, Some(9.0), Some(4.0)]);
        let absurd = cells(&[Some(f64::MAX), Some(-0.0)]);
        RawNumber::apply_cells(&absurd, 0..2, &mut out[..2]);
        assert_eq!(out[..2], [MAGNITUDE_MAX, 0.0]);
        RawNumber::apply_cells(&Cells::text(vec![None; 2]), 0..2, &mut out[..2]);
        assert!(out[..2].iter().all(|value| value.is_nan()));
        let (same, gap) = (cells(&[Some(5.0), Some(5.0)]), cells(&[Some(5.0), None]));
        assert_eq!(RawNumber::fit("x", &same), Ok(RawNumber { constant: Some(5.0) }));
        assert_eq!(RawNumber::fit("x", &gap), Ok(RawNumber { constant: None }));
        assert!(RawNumber::fit("x", &cells(&[None])).is_err());
    }

    #[test]
    fn absurd_numbers_stay_within_bounds() {
        let cells = cells(&[Some(1.0), Some(1.0 + 1e-9)]);
        let fitted =
            NumberTransform::fit("x", &cells, NumericImpute::Median, Scaling::Standard).unwrap();
        let mut out = [0.0; 2];
        let absurd = Numbers { values: vec![f64::MAX, f64::MIN].into(), nulls: Vec::new() };
        fitted.apply(&absurd, 0..2, &mut out);
        assert_eq!(out, [MAGNITUDE_MAX, -MAGNITUDE_MAX]);
    }

    #[test]
    fn a_constant_is_told_and_scaled_to_zero() {
        for value in [5.0, 0.1, 1e100, 0.0] {
            let cells = cells(&[Some(value), None, Some(value), Some(value)]);
            for impute in [NumericImpute::Median, NumericImpute::Mean] {
                let found = NumberTransform::fit("x", &cells, impute, Scaling::Standard).unwrap();
                assert_eq!((found.constant, found.filled()), (Some(value), 0.0));
            }
        }
        let mixed = cells(&[Some(5.0), None]);
        let zero = NumericImpute::Value(0.0);
        let found = NumberTransform::fit("x", &mixed, zero, Scaling::Standard).unwrap();
        assert_eq!((found.constant, found.spread), (None, 2.5));
        let found =
            NumberTransform::fit("x", &cells(&[Some(5.0)]), zero, Scaling::Standard).unwrap();
        assert_eq!((found.constant, found.fill, found.filled()), (Some(5.0), 0.0, -5.0));
    }

    #[test]
    fn nothing_to_learn_from_is_an_error_by_name() {
        let fit = |cells: &Cells<'_>| {
            let told = NumberTransform::fit("x", cells, NumericImpute::Median, Scaling::Standard);
            told.map_err(|error| error.to_string())
        };
        let wanted = "column `x` has no usable value in 2 training rows; \
                      leave it out by `features.exclude`";
        assert_eq!(fit(&cells(&[None, Some(f64::NAN)])), Err(wanted.to_owned()));
        assert_eq!(fit(&Cells::text(vec![None, None])), Err(wanted.to_owned()));
        let told = fit(&cells(&[Some(1.0), Some(-1e200)])).unwrap_err();
        assert!(told.starts_with("the values of column `x` are too large"), "{told}");
        assert!(told.contains("(up to 1e200)"), "{told}");
    }

    #[test]
    fn the_middle_is_found_without_overflow() {
        assert_eq!(median(&mut [f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}
