//! What a table holds, in a size that does not depend on its number of rows.
//!
//! A [`ReferenceProfile`] is made once, from the whole training table, and is part of a model version. A
//! [`TableProfile`] is made in the scoring pass, batch by batch, by counting every column on the values
//! and categories of the reference. The two together answer whether a column drifted, exactly or to one
//! part in a thousand, without going back to the data. Profiles of parts of a table merge into the
//! profile of the table. Judging them is the business of `check` and `drift`.

/// Counts on a grid.
pub mod count;
/// A profile of a table, counted against a reference.
pub mod current;
mod float;
/// Values of the reference on which other columns are counted.
pub mod grid;
/// Mean, spread and range.
pub mod moments;
/// Columns of numbers: counts by kind of value.
pub mod number;
/// Where values lie on a grid.
mod place;
/// Makes a [`TableProfile`] in the scoring pass.
pub mod profiler;
/// A profile of the training table.
pub mod reference;
/// A uniform sample of rows.
pub mod sample;
/// Columns of texts: counts by category.
pub mod text;
/// The most frequent texts of a stream.
pub mod top;
mod word;

use std::fmt;

pub use current::{CurrentCells, CurrentColumn, TableProfile};
pub use profiler::Profiler;
pub use reference::{NumberReference, ReferenceCells, ReferenceColumn, ReferenceProfile};

use crate::domain::frame::{Cells, Frame};
use number::NumberFacts;

/// The two kinds of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// A column of numbers.
    Number,
    /// A column of texts.
    Text,
}

/// What every column can be asked, whatever its kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ColumnFacts {
    /// Rows in which the column was there.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// Rows with NaN; 0 for texts.
    pub nans: u64,
    /// Rows with an infinity of either sign; 0 for texts.
    pub infinities: u64,
    /// The mean of the finite values, if there are any.
    pub mean: Option<f64>,
    /// The smallest finite value.
    pub min: Option<f64>,
    /// The largest finite value.
    pub max: Option<f64>,
}

/// Why a profile cannot be made or merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileError {
    /// A column is of another kind than it was.
    Retyped {
        /// The name of the column.
        column: String,
        /// The kind it has in the reference, or had in an earlier batch.
        wanted: CellKind,
        /// The kind it has now.
        found: CellKind,
    },
    /// A column or the ids have another number of rows than the frame.
    Uneven {
        /// The name of the column, or `id`.
        column: String,
        /// Rows of the frame.
        wanted: usize,
        /// Rows of the column.
        found: usize,
    },
    /// Two profiles that were counted against different references, or have different columns.
    Foreign {
        /// The first column that differs; `None` if the lists of columns differ.
        column: Option<String>,
    },
}

impl ColumnFacts {
    /// Rows whose value is null, NaN or infinite.
    pub fn missing(&self) -> u64 {
        self.nulls.saturating_add(self.nans).saturating_add(self.infinities)
    }

    /// Nulls as a share of the rows, 0 to 1; `None` without rows.
    pub fn null_share(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.nulls as f64 / self.rows as f64)
    }
}

impl From<&NumberFacts> for ColumnFacts {
    fn from(facts: &NumberFacts) -> Self {
        Self {
            rows: facts.rows,
            nulls: facts.nulls,
            nans: facts.nans,
            infinities: facts.infinities_above.saturating_add(facts.infinities_below),
            mean: (facts.finite.count > 0).then_some(facts.finite.mean),
            min: facts.finite.min,
            max: facts.finite.max,
        }
    }
}

impl CellKind {
    fn of(cells: &Cells<'_>) -> Self {
        match cells {
            Cells::Number(_) => Self::Number,
            Cells::Text(_) => Self::Text,
        }
    }
}

impl fmt::Display for CellKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "numbers",
            Self::Text => "texts",
        })
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retyped { column, wanted, found } => {
                write!(f, "column `{column}` holds {found}, wanted {wanted} as before")
            }
            Self::Uneven { column, wanted, found } => {
                write!(f, "column `{column}` has {found} rows in a frame of {wanted}")
            }
            Self::Foreign { column: Some(column) } => {
                write!(f, "column `{column}` was counted against another reference")
            }
            Self::Foreign { column: None } => f.write_str("the profiles have different columns"),
        }
    }
}

impl std::error::Error for ProfileError {}

/// The first eight bytes of a hash.
fn first_word(hash: &blake3::Hash) -> u64 {
    let bytes = hash.as_bytes().iter().take(8);
    bytes.rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// Checks that ids and columns have as many rows as the frame says.
fn require_even(frame: &Frame<'_>, id_hashes: &[u64]) -> Result<(), ProfileError> {
    let lengths = frame.columns.iter().map(|column| (column.name, column.cells.len()));
    let mut lengths = lengths.chain([("id", id_hashes.len())]);
    lengths.try_for_each(|(column, found)| require_length(column, frame.rows, found))
}

/// Checks that a column has as many rows as are wanted.
fn require_length(column: &str, wanted: usize, found: usize) -> Result<(), ProfileError> {
    if found == wanted {
        return Ok(());
    }
    Err(ProfileError::Uneven { column: column.to_owned(), wanted, found })
}

#[cfg(test)]
mod tests {
    //! Two profiles say all that drift tests will ask, without the data.

    use std::borrow::Cow;

    use rand::{Rng as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::count::GridCounts;
    use super::*;
    use crate::domain::frame::{FrameColumn, Numbers};

    /// A column at training and the counts of a later one.
    struct Pair {
        reference: NumberReference,
        current: GridCounts,
    }

    fn pair(before: &[f64], tonight: &[f64]) -> Pair {
        let frame = |values: &[f64]| {
            let values = Cow::Owned(values.to_vec());
            let cells = Cells::Number(Numbers { values, nulls: Vec::new() });
            Frame { rows: cells.len(), columns: vec![FrameColumn { name: "x", cells }] }
        };
        let hashes = |values: &[f64]| (0..values.len() as u64).collect::<Vec<_>>();
        let profile = ReferenceProfile::of(&frame(before), &hashes(before), 10).unwrap();
        let mut profiler = Profiler::new(&profile, &[]);
        profiler.update(&frame(tonight), &hashes(tonight)).unwrap();
        let current = profiler.finish().columns.remove(0);
        assert!(current.is_counted_on(&profile.columns[0]));
        match (profile.columns[0].cells.clone(), current.cells) {
            (
                ReferenceCells::Number(reference),
                CurrentCells::Number { counts: Some(counts), .. },
            ) => Pair { reference: *reference, current: counts },
            other => panic!("numbers wanted, found {other:?}"),
        }
    }

    /// The vectors of the statistics document; scipy gives the numbers that are wanted below.
    fn document_pair() -> Pair {
        let before: Vec<f64> = (0..1000_u32).map(|i| f64::from((37 * i) % 1000) / 10.0).collect();
        let tonight: Vec<f64> = before[..400].iter().map(|value| value + 5.0).collect();
        pair(&before, &tonight)
    }

    #[track_caller]
    fn near(found: f64, wanted: f64, slack: f64) {
        assert!((found - wanted).abs() <= slack, "{found} is not {wanted}");
    }

    /// Kolmogorov-Smirnov from raw values: the largest distance of the two empirical distributions.
    fn ks_of_values(a: &[f64], b: &[f64]) -> f64 {
        let share = |values: &[f64], x: f64| {
            values.iter().filter(|value| **value <= x).count() as f64 / values.len() as f64
        };
        a.iter().chain(b).map(|x| (share(a, *x) - share(b, *x)).abs()).fold(0.0, f64::max)
    }

    /// The same from profiles: at each grid point the distance just below it and on it.
    fn ks_of_profiles(pair: &Pair) -> f64 {
        let (reference, current) = (&pair.reference.counts, &pair.current);
        let (n, m) = (reference.total() as f64, current.total() as f64);
        let steps = reference.cumulative().zip(current.cumulative());
        let distances = steps.map(|((below, upto), (below_now, upto_now))| {
            let on = (upto as f64 / n - upto_now as f64 / m).abs();
            on.max((below as f64 / n - below_now as f64 / m).abs())
        });
        distances.fold(0.0, f64::max)
    }

    #[test]
    fn ks_is_exact_when_all_values_are_on_the_grid() {
        near(ks_of_profiles(&document_pair()), 0.0705, 1e-12);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(8);
        for _ in 0..50 {
            let levels = random.gen_range(1..900);
            let mut draw = |count: u32, shift: f64| -> Vec<f64> {
                (0..count).map(|_| f64::from(random.gen_range(0..levels)) / 3.0 + shift).collect()
            };
            let (before, tonight) = (draw(700, 0.0), draw(300, 0.25));
            let pair = pair(&before, &tonight);
            near(pair.reference.share_between_points_max(), 0.0, 0.0);
            near(ks_of_profiles(&pair), ks_of_values(&before, &tonight), 1e-12);
        }
    }

    #[test]
    fn beyond_the_grid_ks_is_short_by_no_more_than_is_said() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
        let before: Vec<f64> = (0..6000).map(|_| random.r#gen::<f64>()).collect();
        let tonight: Vec<f64> = (0..900).map(|_| random.r#gen::<f64>().powf(1.1)).collect();
        let pair = pair(&before, &tonight);
        let (found, wanted) = (ks_of_profiles(&pair), ks_of_values(&before, &tonight));
        let slack = pair.reference.share_between_points_max();
        assert!(slack > 0.0 && slack <= 0.0012, "{slack}");
        assert!(found <= wanted + 1e-12 && wanted <= found + slack, "{found} {wanted} {slack}");
    }

    #[test]
    fn decile_psi_follows_from_the_counts() {
        let Pair { reference, current } = document_pair();
        let deciles = reference.deciles.unwrap();
        let shares = |counts: &GridCounts| {
            let points = reference.grid.points().iter().zip(counts.cumulative());
            let edges: Vec<u64> = points
                .filter(|(point, _)| deciles.contains(point))
                .map(|(_, (_, upto))| upto)
                .chain([counts.total()])
                .collect();
            let from = [0].into_iter().chain(edges.clone());
            let rows = edges.iter().zip(from).map(|(upto, below)| (upto - below) as f64);
            rows.map(|rows| (rows / counts.total() as f64).max(1e-4)).collect::<Vec<_>>()
        };
        let (before, tonight) = (shares(&reference.counts), shares(&current));
        let psi: f64 = before.iter().zip(&tonight).map(|(r, c)| (c - r) * (c / r).ln()).sum();
        near(psi, 0.078_962_441_4, 1e-10);
    }

    #[test]
    fn the_wasserstein_distance_follows_from_counts_and_sums() {
        let Pair { reference, current } = document_pair();
        let points = reference.grid.points();
        let (n, m) = (reference.counts.total() as f64, current.total() as f64);
        // Between two points the reference's distribution is flat and the current one's area is known.
        let steps = reference.counts.cumulative().zip(current.cumulative());
        let inside = points.windows(2).zip(steps).enumerate().map(|(cell, (ends, (old, now)))| {
            let (flat, width) = (old.1 as f64 / n, ends[1] - ends[0]);
            let rise = current.between()[cell + 1] as f64 * ends[1] - current.sums()[cell + 1];
            (now.1 as f64 / m * width + rise / m - flat * width).abs()
        });
        let last = points.len();
        let behind = current.sums()[last] - current.between()[last] as f64 * points[last - 1];
        let distance = inside.sum::<f64>() + behind / m;
        let spread = reference.facts.finite.variance_population().unwrap().sqrt();
        near(distance / spread, 0.188_793_632_4, 1e-10);
    }
}
