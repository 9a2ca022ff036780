//! The profile of a table that went through the scoring pass.
//!
//! Each column is counted on the grid or the categories of its reference and carries a mark of them, so
//! that counts made against different references are never mixed. Columns without a reference have
//! counts by kind, moments and their most frequent texts only.

use serde::{Deserialize, Serialize};

use super::count::GridCounts;
use super::number::NumberFacts;
use super::reference::ReferenceColumn;
use super::sample::Sample;
use super::text::TextCounts;
use super::{CellKind, ColumnFacts, ProfileError};

/// A table, column by column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Rows of the table.
    pub rows: u64,
    /// The columns of the reference in its order, then those without one.
    pub columns: Vec<CurrentColumn>,
    /// Rows of the table, for references made later.
    pub sample: Sample,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurrentColumn {
    /// The name of the column.
    pub name: String,
    /// A mark of the grid or categories it was counted on; `None` without a reference.
    pub mark: Option<u64>,
    /// What it holds.
    pub cells: CurrentCells,
}

/// What a column of a table holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CurrentCells {
    /// Numbers; without a reference there are no counts.
    Number {
        /// Counts by kind, and moments.
        facts: NumberFacts,
        /// Counts on the grid of the reference.
        counts: Option<GridCounts>,
    },
    /// Texts.
    Text(TextCounts),
    /// The column has no reference and was in no batch.
    Unseen,
}

impl TableProfile {
    /// The profile as bytes, without its sample of rows.
    pub fn encode_counts(&self) -> Result<Vec<u8>, postcard::Error> {
        let Self { rows, columns, sample: _ } = self;
        let counts = Self { rows: *rows, columns: columns.clone(), sample: Sample::default() };
        postcard::to_stdvec(&counts)
    }

    /// What [`Self::encode_counts`] has written.
    pub fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&CurrentColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Takes in the rows that `other` has seen; an error leaves `self` as it was.
    ///
    /// Counts merge exactly and in any grouping, means and sums up to rounding, most frequent texts
    /// within the bound they state.
    pub fn merge(&mut self, other: &Self) -> Result<(), ProfileError> {
        let mut merged = self.clone();
        if merged.columns.len() != other.columns.len() || !merged.sample.merge(&other.sample) {
            return Err(ProfileError::Foreign { column: None });
        }
        for (column, more) in merged.columns.iter_mut().zip(&other.columns) {
            column.merge(more)?;
        }
        merged.rows = merged.rows.saturating_add(other.rows);
        *self = merged;
        Ok(())
    }
}

impl CurrentColumn {
    /// What every column can be asked.
    pub fn facts(&self) -> ColumnFacts {
        match &self.cells {
            CurrentCells::Number { facts, .. } => ColumnFacts::from(facts),
            CurrentCells::Text(counts) => {
                ColumnFacts { rows: counts.rows, nulls: counts.nulls, ..ColumnFacts::default() }
            }
            CurrentCells::Unseen => ColumnFacts::default(),
        }
    }

    /// Whether it holds numbers or texts; `None` if it was in no batch.
    pub fn kind(&self) -> Option<CellKind> {
        match &self.cells {
            CurrentCells::Number { .. } => Some(CellKind::Number),
            CurrentCells::Text(_) => Some(CellKind::Text),
            CurrentCells::Unseen => None,
        }
    }

    /// Whether it was counted on the grid or the categories of `reference`.
    pub fn is_counted_on(&self, reference: &ReferenceColumn) -> bool {
        self.mark == Some(reference.mark())
    }

    fn merge(&mut self, other: &Self) -> Result<(), ProfileError> {
        let foreign = || ProfileError::Foreign { column: Some(other.name.clone()) };
        if self.name != other.name || self.mark != other.mark {
            return Err(foreign());
        }
        let merged = match (&mut self.cells, &other.cells) {
            (
                CurrentCells::Number { facts, counts },
                CurrentCells::Number { facts: more, counts: more_counts },
            ) => {
                facts.merge(more);
                match (counts, more_counts) {
                    (Some(counts), Some(more)) => counts.merge(more),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                }
            }
            (CurrentCells::Text(counts), CurrentCells::Text(more)) => counts.merge(more),
            (_, CurrentCells::Unseen) => true,
            (unseen @ CurrentCells::Unseen, known) => {
                *unseen = known.clone();
                true
            }
            (CurrentCells::Number { .. }, CurrentCells::Text(_))
            | (CurrentCells::Text(_), CurrentCells::Number { .. }) => false,
        };
        if merged { Ok(()) } else { Err(foreign()) }
    }
}
