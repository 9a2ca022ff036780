//! The numbers of rows in their file, counted from 1. Most batches have them one behind the other.

use polars::prelude::IdxCa;

/// The numbers of the rows of a batch.
#[derive(Debug)]
pub(super) enum RowNumbers {
    /// One behind the other.
    From(u64),
    /// One a row: some were left out.
    Each(Vec<u64>),
}

impl RowNumbers {
    /// Of ascending places, counted from 0.
    pub(super) fn of(places: &IdxCa) -> Self {
        let place = |row: usize| places.get(row).map_or(0, u64::from);
        let (first, rows) = (place(0), places.len());
        if place(rows.saturating_sub(1)) - first < rows as u64 {
            return Self::From(first + 1);
        }
        Self::Each((0..rows).map(|row| place(row) + 1).collect())
    }

    /// The number of a row of the batch.
    pub(super) fn get(&self, row: usize) -> u64 {
        match self {
            Self::From(first) => first + row as u64,
            Self::Each(numbers) => numbers[row],
        }
    }
}
