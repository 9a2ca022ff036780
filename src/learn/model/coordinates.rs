//! The mean and spread of matrix columns, as solvers want them, each row counting by its weight.
//!
//! A solver that sees columns of mean 0 and standard deviation 1 needs few iterations and loses no digits.
//! Whether the *features* are scaled is the job's choice, since penalties act on them; solvers work in
//! these coordinates all the same, and weights are mapped back: `w = v / spread`,
//! `intercept = b − Σ w · centre`.

use rayon::prelude::*;

use crate::learn::features::{Design, all_equal};
use crate::learn::model::FitError;

/// The mean and population standard deviation of one matrix column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coordinate {
    pub(super) centre: f64,
    /// 0 for a column that never varies.
    pub(super) spread: f64,
}

/// The coordinates of every column of `design`, or the name of a column that cannot be computed with.
pub(super) fn coordinates(design: &Design) -> Result<Vec<Coordinate>, FitError> {
    let columns = (0..design.width()).into_par_iter();
    let measured: Vec<Coordinate> = columns.map(|column| measure(design, column)).collect();
    let is_sound = |found: &Coordinate| found.centre.is_finite() && found.spread.is_finite();
    match measured.iter().position(|found| !is_sound(found)) {
        Some(column) => Err(FitError::NotFinite { column: design.names()[column].clone() }),
        None => Ok(measured),
    }
}

/// The columns that vary.
pub(super) fn varying(coordinates: &[Coordinate]) -> Vec<usize> {
    (0..coordinates.len()).filter(|column| coordinates[*column].spread > 0.0).collect()
}

/// The intercept that belongs to `weights` where a solver found `intercept` on centred columns.
pub(super) fn shift(intercept: f64, weights: &[f64], coordinates: &[Coordinate]) -> f64 {
    let moved = weights.iter().zip(coordinates).map(|(weight, at)| weight * at.centre);
    intercept - moved.sum::<f64>()
}

fn measure(design: &Design, column: usize) -> Coordinate {
    let values = design.column(column);
    let first = values.first().copied().unwrap_or_default();
    if all_equal(values) {
        return Coordinate { centre: first, spread: 0.0 };
    }
    let centre = design.mean(values);
    let deviation = |value: &f64| (value - centre).powi(2);
    let squares: f64 = match design.weights() {
        None => values.iter().map(deviation).sum(),
        Some(weights) => values.iter().zip(weights).map(|(value, by)| by * deviation(value)).sum(),
    };
    let variance = squares / values.len() as f64;
    Coordinate { centre, spread: variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_measured_and_constants_marked() {
        let design = Design::from_columns(&[
            vec![1e9, 1e9 + 2.0, 1e9 + 4.0],
            vec![0.1, 0.1, 0.1],
            vec![-1e-8, 0.0, 1e-8],
        ]);
        let found = coordinates(&design).unwrap();
        assert_eq!(found[1], Coordinate { centre: 0.1, spread: 0.0 });
        assert!((found[0].spread - (8.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((found[2].spread - (2.0f64 / 3.0).sqrt() * 1e-8).abs() < 1e-20);
        assert_eq!(varying(&found), [0, 2]);
    }

    #[test]
    fn what_cannot_be_computed_with_is_an_error_by_name() {
        for strange in [f64::NAN, f64::INFINITY, 1e200] {
            let design = Design::from_columns(&[vec![1.0, 2.0], vec![strange, 0.0]]);
            let told = coordinates(&design).unwrap_err().to_string();
            assert!(told.starts_with("column `x1` holds numbers too large"), "{told}");
        }
    }
}
