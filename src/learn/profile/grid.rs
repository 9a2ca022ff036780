//! The grid: at most a thousand values of the reference (and its deciles) on which any later column is
//! counted.
//!
//! Points are finite, strictly increasing and never change after training. All distinct values are on
//! the grid if they fit, so that a step function of the reference is known exactly; else order
//! statistics at equal spacing, so that between two points lies at most one thousandth of the rows,
//! rounded up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Strictly increasing finite values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Grid {
    points: Vec<f64>,
}

/// Why a list of numbers is no grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridError {
    /// More points than any grid has.
    TooLong {
        /// How many there are.
        found: usize,
    },
    /// A point is not finite or not above the one before it.
    NotIncreasing {
        /// The place of the point.
        index: usize,
    },
}

/// The nine values that cut the finite values of a column into ten parts, in order.
pub type Deciles = [f64; 9];

impl Grid {
    /// Most values that are taken from the column.
    pub const VALUES_MAX: usize = 1000;

    /// Most points: the values and nine deciles that lie between values.
    pub const POINTS_MAX: usize = Self::VALUES_MAX + 9;

    /// Chooses the points for a column from its finite values in ascending order.
    ///
    /// `values_max` is at most [`Grid::VALUES_MAX`]; less only for tables of very many columns.
    pub(super) fn choose(sorted: &[f64], deciles: Option<&Deciles>, values_max: usize) -> Self {
        let values_max = values_max.clamp(2, Self::VALUES_MAX);
        // Ascending values are equal where they do not rise.
        let distinct = sorted.chunk_by(|a, b| a >= b).map(|equal| equal[0]);
        let mut points: Vec<f64> = distinct.take(values_max + 1).collect();
        if points.len() > values_max {
            let last = sorted.len() - 1;
            let step = last as f64 / (values_max - 1) as f64;
            points = (0..values_max).map(|n| sorted[nearest(n as f64 * step).min(last)]).collect();
        }
        points.extend(deciles.into_iter().flatten().filter(|edge| edge.is_finite()));
        for point in &mut points {
            *point += 0.0; // -0.0 becomes 0.0
        }
        points.sort_unstable_by(f64::total_cmp);
        points.dedup();
        Self { points }
    }

    /// The points in ascending order.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// A hash of the points: two grids with the same mark count alike.
    pub fn mark(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for point in &self.points {
            hasher.update(&point.to_bits().to_le_bytes());
        }
        super::first_word(&hasher.finalize())
    }
}

/// The deciles of ascending values, interpolated as numpy's `quantile(.., method="linear")` does.
pub fn deciles(sorted: &[f64]) -> Option<Deciles> {
    let last = sorted.len().checked_sub(1)?;
    let mut out = [0.0; 9];
    for (n, edge) in out.iter_mut().enumerate() {
        let place = last as f64 * ((n + 1) as f64 / 10.0);
        let below = floor(place).min(last);
        let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
        *edge = between(a, b, place - below as f64);
    }
    Some(out)
}

/// The value at share `t` of the way from `a` to `b`, in the two forms that numpy uses.
fn between(a: f64, b: f64, t: f64) -> f64 {
    let span = b - a;
    if span == 0.0 {
        a
    } else if !span.is_finite() {
        a * (1.0 - t) + b * t
    } else if t >= 0.5 {
        b - span * (1.0 - t)
    } else {
        a + span * t
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a slice: not negative, and below 2^53 as slices are"
)]
fn floor(place: f64) -> usize {
    place.floor() as usize
}

fn nearest(place: f64) -> usize {
    floor(place + 0.5)
}

impl TryFrom<Vec<f64>> for Grid {
    type Error = GridError;

    fn try_from(points: Vec<f64>) -> Result<Self, GridError> {
        if points.len() > Self::POINTS_MAX {
            return Err(GridError::TooLong { found: points.len() });
        }
        let mut before = f64::NEG_INFINITY;
        for (index, point) in points.iter().enumerate() {
            if !point.is_finite() || *point <= before {
                return Err(GridError::NotIncreasing { index });
            }
            before = *point;
        }
        Ok(Self { points })
    }
}

impl From<Grid> for Vec<f64> {
    fn from(grid: Grid) -> Self {
        grid.points
    }
}

impl fmt::Display for GridError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { found } => {
                write!(f, "a grid has {found} points, wanted at most {}", Grid::POINTS_MAX)
            }
            Self::NotIncreasing { index } => {
                write!(f, "grid point {index} is not finite or not above the one before it")
            }
        }
    }
}

impl std::error::Error for GridError {}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sorted: &[f64], points: &[f64]) {
        let found = Grid::choose(sorted, None, Grid::VALUES_MAX);
        assert_eq!(found.points(), points);
    }

    #[test]
    fn few_values_are_all_on_the_grid() {
        check(&[], &[]);
        check(&[7.0; 30], &[7.0]);
        check(&[-0.0, 0.0, 5.0, 5.0, 5.0], &[0.0, 5.0]);
    }

    #[test]
    fn deciles_between_values_are_points_as_well() {
        let sorted = [0.0, 8.0];
        let grid = Grid::choose(&sorted, deciles(&sorted).as_ref(), Grid::VALUES_MAX);
        assert_eq!(grid.points().len(), 11);
        assert_eq!(grid.points()[5], 4.0);
    }

    #[test]
    fn many_values_are_spaced_by_rank() {
        let sorted: Vec<f64> = (0..100_000).map(f64::from).collect();
        let grid = Grid::choose(&sorted, None, Grid::VALUES_MAX);
        assert_eq!(grid.points().len(), 1000);
        assert_eq!((grid.points()[0], grid.points()[999]), (0.0, 99_999.0));
        let widest = grid.points().windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(widest <= 101.0, "{widest}");
    }

    #[test]
    fn a_lump_of_ties_does_not_crowd_out_the_rest() {
        let mut sorted = vec![0.0; 90_000];
        sorted.extend((1..=10_000).map(f64::from));
        let grid = Grid::choose(&sorted, None, Grid::VALUES_MAX);
        assert!((100..=102).contains(&grid.points().len()), "{}", grid.points().len());
        assert_eq!(grid.points().last(), Some(&10_000.0));
    }

    #[test]
    fn deciles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16, 32], numpy.arange(1, 10) / 10)
        let found = deciles(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]).unwrap();
        assert_eq!(found, [1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0]);
        assert_eq!(deciles(&[]), None);
        assert_eq!(deciles(&[3.0]), Some([3.0; 9]));
        let wide = deciles(&[-f64::MAX, f64::MAX]).unwrap();
        assert!(wide.iter().all(|edge| edge.is_finite()), "{wide:?}");
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        let refused = |points: Vec<f64>| Grid::try_from(points).unwrap_err();
        assert_eq!(refused(vec![1.0, 1.0]), GridError::NotIncreasing { index: 1 });
        assert_eq!(refused(vec![f64::NAN]), GridError::NotIncreasing { index: 0 });
        assert_eq!(refused(vec![0.0, f64::INFINITY]), GridError::NotIncreasing { index: 1 });
        assert_eq!(refused(vec![0.0; 2000]), GridError::TooLong { found: 2000 });
        assert!(serde_json::from_str::<Grid>("[2.0, 1.0]").is_err());
    }
}
