//! The decisions that a correction changes: what was published before, and what is now.
//!
//! The file appears with the first such row: a correction that changes no decision has none.

use std::path::Path;

use polars::prelude::{Column, DataType, Field};

use super::batch::Batch;
use super::error::DatasetError;
use super::picked::PickedWriter;
use super::staged_parquet::Written;
use super::table::Table;

const DECISIONS: [&str; 2] = ["decision_before", "decision_after"];
const SCORES: [&str; 2] = ["score_before", "score_after"];

/// Writes the rows whose decision changed.
pub struct ChangesWriter<'t>(PickedWriter<'t>);

/// What was said of the rows of a batch, before and after; one entry a row everywhere.
#[derive(Debug, Clone, Copy)]
pub struct ChangedRows<'a> {
    /// Whether the decision of a row changed; the others are left out.
    pub is_changed: &'a [bool],
    /// Decisions as text, before and after.
    pub decisions: (&'a [&'a str], &'a [&'a str]),
    /// Scores, before and after; NaN where there is not one score a row.
    pub scores: (&'a [f64], &'a [f64]),
}

impl<'t> ChangesWriter<'t> {
    /// Will create the file at `path` with the id, both decisions and both scores of each changed row.
    pub fn new(path: &Path, id: Option<&str>, table: &'t Table) -> Self {
        let decisions = DECISIONS.map(|name| Field::new(name.into(), DataType::String));
        let scores = SCORES.map(|name| Field::new(name.into(), DataType::Float64));
        let added = decisions.into_iter().chain(scores).collect();
        Self(PickedWriter::new(path, id, Vec::new(), added, table))
    }

    /// Adds the changed rows of a batch.
    ///
    /// # Panics
    /// If there is not one entry for each row of the batch.
    pub fn write(&mut self, batch: &Batch, rows: &ChangedRows<'_>) -> Result<(), DatasetError> {
        let added = vec![
            Column::new(DECISIONS[0].into(), rows.decisions.0),
            Column::new(DECISIONS[1].into(), rows.decisions.1),
            Column::new(SCORES[0].into(), rows.scores.0),
            Column::new(SCORES[1].into(), rows.scores.1),
        ];
        self.0.write(batch, rows.is_changed, added)
    }

    /// Waits until everything is on disk; `None` if no decision changed.
    pub fn finish(self) -> Result<Option<Written>, DatasetError> {
        self.0.finish()
    }
}
