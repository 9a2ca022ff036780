//! The profile of the training table: the yardstick on which later tables are counted.
//!
//! Made once, from all rows, and never changed; it is stored inside the model version. The profile of the
//! score column is made by the same code from the scores of held-out rows, because scores of rows that
//! the model was fitted on would make every later night look drifted.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::count::{GridCounts, GridTally};
use super::grid::{self, Deciles, Grid};
use super::number::NumberFacts;
use super::sample::{Sample, SampleTally};
use super::text::TextReference;
use super::{CellKind, ColumnFacts, ProfileError};
use crate::domain::frame::{Cells, Frame, Numbers};

/// A training table, column by column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceProfile {
    /// Rows of the table.
    pub rows: u64,
    /// Its columns, in their order.
    pub columns: Vec<ReferenceColumn>,
    /// Rows of the table, for references made later.
    pub sample: Sample,
}

/// One column of a training table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceColumn {
    /// The name of the column.
    pub name: String,
    /// What it holds.
    pub cells: ReferenceCells,
}

/// What a column of a training table holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReferenceCells {
    /// Numbers.
    Number(Box<NumberReference>),
    /// Texts.
    Text(TextReference),
}

/// A column of numbers at training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberReference {
    /// Counts by kind, and moments.
    pub facts: NumberFacts,
    /// The deciles of the finite values; `None` if there are none. Neighbours may be equal.
    pub deciles: Option<Deciles>,
    /// The values on which later columns are counted; the deciles are among them.
    pub grid: Grid,
    /// The column's own counts on its grid.
    pub counts: GridCounts,
}

/// Most grid values over all columns: beyond 2,000 columns each has fewer.
const GRID_VALUES_MAX: usize = 2_000_000;

/// Fewest values on the grid of a column with more distinct ones.
const GRID_VALUES_MIN: usize = 100;

impl ReferenceProfile {
    /// Profiles a whole table.
    ///
    /// Of a text column the `categories_max` most frequent texts are known by name. `id_hashes` has one
    /// hash for each row and decides which rows are sampled.
    pub fn of(
        frame: &Frame<'_>,
        id_hashes: &[u64],
        categories_max: usize,
    ) -> Result<Self, ProfileError> {
        super::require_even(frame, id_hashes)?;
        let affordable = GRID_VALUES_MAX / frame.columns.len().max(1);
        let values_max = affordable.clamp(GRID_VALUES_MIN, Grid::VALUES_MAX);
        let profile = |cells: &Cells<'_>| match cells {
            Cells::Number(numbers) => {
                ReferenceCells::Number(Box::new(NumberReference::of(numbers, values_max)))
            }
            Cells::Text(texts) => ReferenceCells::Text(TextReference::of(texts, categories_max)),
        };
        let columns = frame.columns.par_iter().map(|column| ReferenceColumn {
            name: column.name.to_owned(),
            cells: profile(&column.cells),
        });
        let columns = columns.collect();
        let mut sample = SampleTally::new(frame.columns.iter().map(|column| column.name));
        let cells: Vec<_> = frame.columns.iter().map(|column| Some(&column.cells)).collect();
        sample.add(id_hashes, &cells);
        Ok(Self { rows: frame.rows as u64, columns, sample: sample.finish() })
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&ReferenceColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl ReferenceColumn {
    /// Whether it holds numbers or texts.
    pub fn kind(&self) -> CellKind {
        match self.cells {
            ReferenceCells::Number(_) => CellKind::Number,
            ReferenceCells::Text(_) => CellKind::Text,
        }
    }

    /// What every column can be asked.
    pub fn facts(&self) -> ColumnFacts {
        match &self.cells {
            ReferenceCells::Number(number) => ColumnFacts::from(&number.facts),
            ReferenceCells::Text(text) => {
                ColumnFacts { rows: text.rows, nulls: text.nulls, ..ColumnFacts::default() }
            }
        }
    }

    /// A hash of what later columns are counted on: the grid, or the categories.
    pub(super) fn mark(&self) -> u64 {
        match &self.cells {
            ReferenceCells::Number(number) => number.grid.mark(),
            ReferenceCells::Text(text) => text.mark(),
        }
    }
}

impl NumberReference {
    fn of(numbers: &Numbers<'_>, values_max: usize) -> Self {
        let (facts, sorted) = NumberFacts::sorted(numbers);
        let deciles = grid::deciles(&sorted);
        let grid = Grid::choose(&sorted, deciles.as_ref(), values_max);
        let mut tally = GridTally::new(&grid);
        tally.add(&sorted);
        Self { facts, deciles, grid, counts: tally.finish() }
    }

    /// The largest share of the finite values between two neighbouring grid points, 0 to 1.
    ///
    /// A Kolmogorov-Smirnov statistic computed on the grid is too small by no more than this; it is 0,
    /// and the statistic exact, when all distinct values are on the grid.
    pub fn share_between_points_max(&self) -> f64 {
        let most = self.counts.between().iter().copied().max().unwrap_or(0);
        if most == 0 { 0.0 } else { most as f64 / self.facts.finite.count as f64 }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::FrameColumn;

    fn number_column(values: Vec<f64>) -> Frame<'static> {
        let rows = values.len();
        let cells = Cells::Number(Numbers { values: Cow::Owned(values), nulls: Vec::new() });
        Frame { rows, columns: vec![FrameColumn { name: "x", cells }] }
    }

    fn number_reference(values: Vec<f64>) -> NumberReference {
        let frame = number_column(values);
        let hashes: Vec<u64> = (0..frame.rows as u64).collect();
        let profile = ReferenceProfile::of(&frame, &hashes, 10).unwrap();
        match &profile.columns[0].cells {
            ReferenceCells::Number(number) => (**number).clone(),
            ReferenceCells::Text(_) => panic!("profiled as text"),
        }
    }

    #[test]
    fn every_finite_value_is_counted_on_the_grid() {
        let few = number_reference((0..5000).map(|n| f64::from(n % 700)).collect());
        assert_eq!(few.counts.total(), 5000);
        assert_eq!(few.share_between_points_max(), 0.0);
        let many = number_reference((0..50_000).map(f64::from).collect());
        assert_eq!(many.counts.total(), 50_000);
        let share = many.share_between_points_max();
        assert!(share > 0.0 && share <= 1.0 / 999.0, "{share}");
    }

    #[test]
    fn a_column_without_a_finite_value_has_an_empty_grid() {
        let none = number_reference(vec![f64::NAN, f64::INFINITY]);
        assert_eq!((none.deciles, none.grid.points()), (None, &[][..]));
        assert_eq!((none.facts.nans, none.facts.infinities_above), (1, 1));
        let empty = number_reference(Vec::new());
        assert_eq!((empty.facts.rows, empty.counts.total()), (0, 0));
    }

    #[test]
    fn ids_must_be_as_many_as_rows() {
        let found = ReferenceProfile::of(&number_column(vec![1.0, 2.0]), &[7], 10).unwrap_err();
        assert_eq!(found.to_string(), "column `id` has 1 rows in a frame of 2");
    }

    #[test]
    fn very_wide_tables_have_coarser_grids() {
        let values: Vec<f64> = (0..3000).map(f64::from).collect();
        let cells = Cells::Number(Numbers { values: Cow::Owned(values), nulls: Vec::new() });
        let names: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
        let columns =
            names.iter().take(4000).map(|name| FrameColumn { name, cells: cells.clone() });
        let frame = Frame { rows: 3000, columns: columns.collect() };
        let hashes: Vec<u64> = (0..3000).collect();
        let profile = ReferenceProfile::of(&frame, &hashes, 10).unwrap();
        assert_eq!(profile.sample.rows(), 500);
        let ReferenceCells::Number(number) = &profile.columns[0].cells else { panic!("no number") };
        assert!((500..=509).contains(&number.grid.points().len()));
    }
}
