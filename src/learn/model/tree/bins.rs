//! Values to codes: what trees are grown on, and what they are walked by.
//!
//! A number becomes the count of cuts below it, plus 1; a category its code, plus 1; whatever is missing
//! becomes 0. Growing and predicting use this one function, so that they cannot disagree about a value
//! that equals a cut: it is on the left. With few distinct values each has a bin of its own, and a cut is
//! the middle between neighbours; with many, bins hold about as many rows each.

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How many codes there are.
pub(in crate::learn::model) const CODES: usize = 256;
/// The code of what is missing.
pub(in crate::learn::model) const MISSING: u8 = 0;
/// Most cuts of a column: its codes are 1 to 255.
pub(in crate::learn::model) const CUTS_MAX: usize = 254;
/// Most categories of a column.
pub(in crate::learn::model) const CATEGORIES_MAX: usize = 255;

/// Values that are coded at a time.
const SIDE_BY_SIDE: usize = 8;

/// Rows that cuts are placed by; more are sampled.
const ROWS_MAX: usize = 200_000;

/// What is to be learned from: one column, in which NaN is missing.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct Feature<'a> {
    /// One for each row: the number, or the code of a category.
    pub(in crate::learn::model) values: &'a [f64],
    /// How many categories there are, if it is one.
    pub(in crate::learn::model) categories: Option<usize>,
}

/// How the values of a column become codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::learn::model) enum Cuts {
    /// Numbers, cut at these values, which ascend.
    Numbers(Vec<f64>),
    /// Categories, of which there are so many.
    Categories(u16),
}

/// Columns as codes, one after the other.
#[derive(Debug)]
pub(in crate::learn::model) struct Binned {
    /// How the columns became codes.
    pub(in crate::learn::model) cuts: Vec<Cuts>,
    /// The codes of each column.
    pub(in crate::learn::model) columns: Vec<Vec<u8>>,
}

impl Binned {
    /// Places cuts and codes the columns; `seed` draws the rows that cuts are placed by.
    pub(in crate::learn::model) fn fit(features: &[Feature<'_>], seed: u64) -> Self {
        let fit = |feature: &Feature<'_>| {
            let cuts = Cuts::fit(feature, seed);
            let mut codes = vec![MISSING; feature.values.len()];
            cuts.table().codes(feature.values, &mut codes);
            (cuts, codes)
        };
        let (cuts, columns) = features.par_iter().map(fit).unzip();
        Self { cuts, columns }
    }
}

impl Cuts {
    fn fit(feature: &Feature<'_>, seed: u64) -> Self {
        match feature.categories {
            Some(count) => Self::Categories(u16::try_from(count).unwrap_or(u16::MAX)),
            None => Self::Numbers(place(&mut sample(feature.values, seed))),
        }
    }

    /// The largest code that is not missing.
    pub(in crate::learn::model) fn code_max(&self) -> u8 {
        let codes = match self {
            Self::Numbers(cuts) => cuts.len() + 1,
            Self::Categories(count) => usize::from(*count),
        };
        u8::try_from(codes).unwrap_or(u8::MAX)
    }

    /// Whether these are categories.
    pub(in crate::learn::model) fn is_category(&self) -> bool {
        matches!(self, Self::Categories(_))
    }

    /// Whether the parts could have been fitted: what is read from a file need not be.
    pub(in crate::learn::model) fn is_sound(&self) -> bool {
        match self {
            Self::Numbers(cuts) => {
                cuts.len() <= CUTS_MAX
                    && cuts.iter().all(|cut| cut.is_finite())
                    && cuts.is_sorted_by(|a, b| a < b)
            }
            Self::Categories(count) => usize::from(*count) <= CATEGORIES_MAX,
        }
    }

    /// The form that many values are coded with.
    pub(in crate::learn::model) fn table(&self) -> CodeTable {
        match self {
            Self::Numbers(cuts) => {
                let mut padded = [f64::INFINITY; CODES];
                padded.iter_mut().zip(cuts).for_each(|(place, cut)| *place = *cut);
                CodeTable::Numbers(Box::new(padded))
            }
            Self::Categories(count) => CodeTable::Categories(u32::from(*count)),
        }
    }
}

/// Cuts, padded to a length that is searched without branches.
#[derive(Debug)]
pub(in crate::learn::model) enum CodeTable {
    /// The cuts, then infinities.
    Numbers(Box<[f64; CODES]>),
    /// How many categories there are.
    Categories(u32),
}

impl CodeTable {
    /// Writes the codes of `values` into `out`, which has as many places.
    pub(in crate::learn::model) fn codes(&self, values: &[f64], out: &mut [u8]) {
        match self {
            Self::Numbers(cuts) => {
                let (chunks, rest) = values.as_chunks::<SIDE_BY_SIDE>();
                let (codes, codes_rest) = out.as_chunks_mut::<SIDE_BY_SIDE>();
                codes
                    .iter_mut()
                    .zip(chunks)
                    .for_each(|(codes, values)| *codes = numbers(cuts, values));
                for (code, value) in codes_rest.iter_mut().zip(rest) {
                    [*code] = numbers(cuts, &[*value]);
                }
            }
            Self::Categories(count) => {
                for (code, value) in out.iter_mut().zip(values) {
                    // A NaN is not below the count.
                    *code = if *value < f64::from(*count) { category(*value) } else { MISSING };
                }
            }
        }
    }

    /// As [`Self::codes`] for codes of categories as blocks have them.
    pub(in crate::learn::model) fn categories(&self, values: &[u32], out: &mut [u8]) {
        let Self::Categories(count) = self else { return out.fill(MISSING) };
        for (code, value) in out.iter_mut().zip(values) {
            *code = if value < count { category(f64::from(*value)) } else { MISSING };
        }
    }
}

/// The code of a category, of which there are at most 255.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
fn category(value: f64) -> u8 {
    (value as u8).saturating_add(1)
}

/// One more than the count of cuts below each value; 0 for NaN.
///
/// By halving, all values at a time and without branches, so that the processor waits for none of them.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "eight steps count up to 255")]
fn numbers<const N: usize>(cuts: &[f64; CODES], values: &[f64; N]) -> [u8; N] {
    let mut below = [0usize; N];
    for power in (0..8).rev() {
        for (below, value) in below.iter_mut().zip(values) {
            let place = (*below + (1 << power) - 1) & (CODES - 1);
            *below += usize::from(cuts[place] < *value) << power;
        }
    }
    let mut out = [MISSING; N];
    for ((out, below), value) in out.iter_mut().zip(below).zip(values) {
        *out = (below as u8).wrapping_add(1).wrapping_mul(u8::from(!value.is_nan()));
    }
    out
}

/// The values that are not missing, or enough of them: one at random of each of [`ROWS_MAX`] stretches.
fn sample(values: &[f64], seed: u64) -> Vec<f64> {
    let known = |value: &f64| !value.is_nan();
    if values.len() <= ROWS_MAX {
        return values.iter().copied().filter(known).collect();
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let start = |stretch: usize| stretch * values.len() / ROWS_MAX;
    (0..ROWS_MAX)
        .map(|stretch| values[random.gen_range(start(stretch)..start(stretch + 1))])
        .filter(known)
        .collect()
}

/// Places cuts between values.
fn place(values: &mut [f64]) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for value in values.iter() {
        match distinct.last_mut() {
            Some((last, count)) if *last >= *value => *count += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    if distinct.len() <= CUTS_MAX + 1 {
        return distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    let (mut rows_left, mut bins_left, mut rows) = (values.len(), CUTS_MAX + 1, 0);
    let mut cuts = Vec::with_capacity(CUTS_MAX);
    for pair in distinct.windows(2) {
        let [(value, count), (next, next_count)] = [pair[0], pair[1]];
        rows += count;
        let wanted = rows_left.div_ceil(bins_left);
        // A value that fills a bin has it to itself.
        if (rows >= wanted || next_count >= wanted) && bins_left > 1 {
            cuts.push(between(value, next));
            (rows_left, bins_left, rows) = (rows_left - rows, bins_left - 1, 0);
        }
    }
    cuts
}

/// The middle of two values, or the smaller one if nothing is between them.
fn between(smaller: f64, larger: f64) -> f64 {
    let middle = smaller / 2.0 + larger / 2.0;
    if smaller <= middle && middle < larger { middle } else { smaller }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(values: &[f64]) -> Cuts {
        Cuts::fit(&Feature { values, categories: None }, 7)
    }

    fn codes(cuts: &Cuts, values: &[f64]) -> Vec<u8> {
        let mut out = vec![0; values.len()];
        cuts.table().codes(values, &mut out);
        out
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let cuts = fit(&[3.0, 1.0, f64::NAN, -0.0, 0.0, 1.0]);
        assert_eq!(cuts, Cuts::Numbers(vec![0.5, 2.0]));
        assert!(cuts.is_sound() && cuts.code_max() == 3);
        let asked = [f64::NAN, f64::MIN, 0.5, 0.5f64.next_up(), 2.0, 2.1, f64::MAX, f64::INFINITY];
        assert_eq!(codes(&cuts, &asked), [0, 1, 1, 2, 2, 3, 3, 3]);
        let all: Vec<f64> = (0..255).map(f64::from).collect();
        assert_eq!(codes(&fit(&all), &all), (1..=255).collect::<Vec<u8>>());
        assert_eq!(fit(&[f64::NAN]), Cuts::Numbers(Vec::new()));
        assert!(between(f64::MIN, f64::MAX).abs() < 1e-300, "nothing overflows");
    }

    #[test]
    fn many_values_share_bins_of_about_as_many_rows() {
        // Half of the rows have one value, which must not use up the bins of the others.
        let values: Vec<f64> =
            (0..20_000u32).map(|row| if row % 2 == 0 { 0.0 } else { f64::from(row) }).collect();
        let cuts = fit(&values);
        let mut rows = [0usize; CODES];
        for code in codes(&cuts, &values) {
            rows[usize::from(code)] += 1;
        }
        assert!(cuts.is_sound() && cuts.code_max() > 250, "{}", cuts.code_max());
        assert_eq!((rows[0], rows[1]), (0, 10_000));
        assert!(rows[2..].iter().all(|rows| *rows <= 41), "{rows:?}");
    }

    #[test]
    fn long_columns_are_sampled_all_along() {
        let values: Vec<f64> = (0..450_000).map(f64::from).collect();
        let cuts = fit(&values);
        let mut rows = [0usize; CODES];
        for code in codes(&cuts, &values) {
            rows[usize::from(code)] += 1;
        }
        assert!(rows[1..].iter().all(|rows| (1_600..2_000).contains(rows)), "{rows:?}");
        assert_eq!(cuts, fit(&values), "the same seed draws the same rows");
    }

    #[test]
    fn categories_keep_their_codes() {
        let cuts = Cuts::fit(&Feature { values: &[], categories: Some(255) }, 7);
        assert!(cuts.is_sound() && cuts.is_category() && cuts.code_max() == 255);
        assert_eq!(codes(&cuts, &[0.0, 254.0, 255.0, f64::NAN]), [1, 255, 0, 0]);
        let mut out = [9; 4];
        cuts.table().categories(&[0, 254, 255, u32::MAX], &mut out);
        assert_eq!(out, [1, 255, 0, 0]);
        assert!(!Cuts::Categories(256).is_sound());
    }
}
