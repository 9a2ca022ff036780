//! Products of columns with each other, and what they tell.
//!
//! The matrix of correlations of the columns says which column is a sum of others (those coefficients
//! would be arbitrary), and how a solver's coordinates should be turned so that it needs few iterations.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ShapeBuilder as _};

use crate::learn::features::Design;
use crate::learn::model::coordinates::Coordinate;
use crate::learn::model::{kernel, lanes};

/// Lanes of the sum: each holds a whole matrix, so there are few.
const LANES_MAX: usize = 8;

/// The share of a column's variance that is left after regression on the columns before it (1 − R²)
/// at or below which it counts as a sum of them.
const TOLERANCE: f64 = 1e-10;

/// A column that is a sum of columns before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alias {
    /// The place of the column among those given.
    pub(super) place: usize,
    /// The places of the columns that it is a sum of.
    pub(super) of: Vec<usize>,
}

/// The correlations of `columns` (which vary) over every `stride`-th row.
///
/// Range −1 to 1 off the diagonal; the diagonal is about 1 where the stride is 1. Rows count by their
/// weights: each is multiplied by the root of its own.
pub(super) fn correlations(
    design: &Design,
    coordinates: &[Coordinate],
    columns: &[usize],
    stride: usize,
) -> Array2<f64> {
    let width = columns.len();
    let stride = stride.max(1);
    let zero = || (Array2::<f64>::zeros((width, width)), Vec::new());
    let add_block = |(total, scratch): &mut (Array2<f64>, Vec<f64>),
                     rows: std::ops::Range<usize>| {
        let first = rows.start.next_multiple_of(stride);
        let taken = rows.end.saturating_sub(first).div_ceil(stride);
        scratch.clear();
        for column in columns {
            let Coordinate { centre, spread } = coordinates[*column];
            let values = design.column(*column);
            let scaled = (0..taken).map(|step| (values[first + step * stride] - centre) / spread);
            match design.weights() {
                None => scratch.extend(scaled),
                Some(weights) => scratch.extend(
                    scaled.enumerate().map(|(step, z)| z * weights[first + step * stride].sqrt()),
                ),
            }
        }
        if let Ok(block) = ArrayView2::from_shape((taken, width).f(), scratch.as_slice()) {
            general_mat_mul(1.0, &block.t(), &block, 1.0, total);
        }
    };
    let (total, _) =
        lanes::sum(design.rows(), LANES_MAX, zero, add_block, |out, lane| out.0 += &lane.0);
    total / (design.rows().div_ceil(stride).max(1) as f64)
}

/// For each of `columns` its mean product with `target`, both centred, the column at spread 1. Where rows
/// have weights, `target` holds them as factors.
pub(super) fn products(
    design: &Design,
    coordinates: &[Coordinate],
    columns: &[usize],
    target: &[f64],
) -> Vec<f64> {
    let zero = || vec![0.0; columns.len()];
    let add_block = |out: &mut Vec<f64>, rows: std::ops::Range<usize>| {
        for (out, column) in out.iter_mut().zip(columns) {
            let Coordinate { centre, spread } = coordinates[*column];
            let values = &design.column(*column)[rows.clone()];
            *out += kernel::dot(&target[rows.clone()], values, centre) / spread;
        }
    };
    let add_lane = |out: &mut Vec<f64>, lane: Vec<f64>| {
        out.iter_mut().zip(lane).for_each(|(out, lane)| *out += lane);
    };
    let mut out = lanes::sum(design.rows(), LANES_MAX, zero, add_block, add_lane);
    for product in &mut out {
        *product /= design.rows() as f64;
    }
    out
}

/// The columns that are sums of columns before them, by their correlations.
///
/// A Cholesky factorisation that skips a column whose remaining variance is at most [`TOLERANCE`] of its
/// own, the rule of R's `lm` (which compares norms with 1e-7) at the precision that products allow.
pub(super) fn aliases(correlations: &Array2<f64>) -> Vec<Alias> {
    let width = correlations.nrows();
    let mut lower = Array2::<f64>::zeros((width, width));
    let mut kept: Vec<usize> = Vec::new();
    let mut out = Vec::new();
    for place in 0..width {
        // The row of the factor: its entries are the products with the orthogonalised kept columns.
        for step in 0..kept.len() {
            let before = kept[step];
            let known: f64 =
                (0..step).map(|other| lower[[place, other]] * lower[[before, other]]).sum();
            lower[[place, step]] = (correlations[[place, before]] - known) / lower[[before, step]];
        }
        let explained: f64 = (0..kept.len()).map(|step| lower[[place, step]].powi(2)).sum();
        let own = correlations[[place, place]];
        let left = own - explained;
        if left > TOLERANCE * own {
            lower[[place, kept.len()]] = left.sqrt();
            kept.push(place);
        } else {
            out.push(Alias { place, of: parts(&lower, &kept, place) });
        }
    }
    out
}

/// The kept columns that `place` is a sum of, by back substitution.
fn parts(lower: &Array2<f64>, kept: &[usize], place: usize) -> Vec<usize> {
    let mut weights = vec![0.0; kept.len()];
    for step in (0..kept.len()).rev() {
        let later: f64 =
            (step + 1..kept.len()).map(|other| lower[[kept[other], step]] * weights[other]).sum();
        weights[step] = (lower[[place, step]] - later) / lower[[kept[step], step]];
    }
    let counts = |(step, weight): (usize, &f64)| (weight.abs() > 1e-4).then_some(kept[step]);
    weights.iter().enumerate().filter_map(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::coordinates::{coordinates, varying};

    fn noise(seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        (0..5_000).map(|_| next()).collect()
    }

    fn design(columns: &[Vec<f64>]) -> (Design, Vec<Coordinate>, Vec<usize>) {
        let design = Design::from_columns(columns);
        let coordinates = coordinates(&design).unwrap();
        let columns = varying(&coordinates);
        (design, coordinates, columns)
    }

    #[test]
    fn copies_and_sums_are_found_and_near_copies_are_not() {
        let (a, b, c, d) = (noise(1), noise(2), noise(3), noise(4));
        let copy = a.iter().map(|value| 10.0 - 3e-3 * value).collect();
        let sum = a.iter().zip(&c).map(|(a, c)| 2.0 * a - c).collect();
        let near = a.iter().zip(&d).map(|(a, d)| a + 1e-4 * d).collect();
        let (design, coordinates, columns) = design(&[a, b, copy, c, sum, near]);
        let found = aliases(&correlations(&design, &coordinates, &columns, 1));
        assert_eq!(found, [Alias { place: 2, of: vec![0] }, Alias { place: 4, of: vec![0, 3] }]);
    }

    #[test]
    fn correlations_are_those_of_the_definition() {
        let (a, b) = (noise(1), noise(2));
        let mixed: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 1e3 + a + b).collect();
        let (design, coordinates, columns) = design(&[a, mixed.clone()]);
        let found = correlations(&design, &coordinates, &columns, 1);
        assert!((found[[0, 0]] - 1.0).abs() < 1e-12 && (found[[1, 1]] - 1.0).abs() < 1e-9);
        assert!((found[[0, 1]] - 0.5f64.sqrt()).abs() < 0.02, "{}", found[[0, 1]]);
        let sampled = correlations(&design, &coordinates, &columns, 7);
        assert!((sampled[[0, 1]] - found[[0, 1]]).abs() < 0.05, "{}", sampled[[0, 1]]);
        let centred: Vec<f64> = mixed.iter().map(|value| value - coordinates[1].centre).collect();
        let with_itself = products(&design, &coordinates, &columns, &centred);
        assert!((with_itself[1] - coordinates[1].spread).abs() < 1e-12);
    }
}
