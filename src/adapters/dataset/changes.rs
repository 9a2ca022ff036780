//! The decisions that a correction changes: what was published before, and what is now.
//!
//! The file appears with the first such row: a correction that changes no decision has none.

use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataType, Field};

use super::batch::Batch;
use super::error::DatasetError;
use super::id::IdSet;
use super::part::{kept_rows, schema_of, source_columns, source_fields};
use super::staged_parquet::{StagedParquet, Written};
use super::table::Table;

const COLUMNS: [&str; 4] = ["decision_before", "decision_after", "score_before", "score_after"];

/// Writes the rows whose decision changed.
pub struct ChangesWriter<'t> {
    path: PathBuf,
    table: &'t Table,
    id: Option<String>,
    file: Option<StagedParquet>,
    id_set: IdSet,
}

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
        let id = id.map(str::to_owned);
        Self { path: path.to_owned(), table, id, file: None, id_set: IdSet::default() }
    }

    /// Adds the changed rows of a batch.
    ///
    /// # Panics
    /// If there is not one entry for each row of the batch.
    pub fn write(&mut self, batch: &Batch, rows: &ChangedRows<'_>) -> Result<(), DatasetError> {
        assert_eq!(rows.is_changed.len(), batch.rows(), "one entry a row");
        if !rows.is_changed.contains(&true) {
            return Ok(());
        }
        let changed = batch.id_hashes().iter().zip(rows.is_changed);
        changed.filter(|(_, changed)| **changed).for_each(|(hash, _)| self.id_set.add(*hash));
        let mut columns = source_columns(batch, &[])?;
        let [decision_before, decision_after, score_before, score_after] = COLUMNS;
        columns.push(Column::new(decision_before.into(), rows.decisions.0));
        columns.push(Column::new(decision_after.into(), rows.decisions.1));
        columns.push(Column::new(score_before.into(), rows.scores.0));
        columns.push(Column::new(score_after.into(), rows.scores.1));
        let columns = kept_rows(batch, columns, rows.is_changed)?;
        self.file()?.write(columns)
    }

    /// Waits until everything is on disk; `None` if no decision changed.
    pub fn finish(self) -> Result<Option<Written>, DatasetError> {
        self.file.map(|file| file.finish(self.id_set)).transpose()
    }

    fn file(&mut self) -> Result<&mut StagedParquet, DatasetError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let mut fields = source_fields(self.id.as_deref(), &[], self.table)?;
                let types =
                    [DataType::String, DataType::String, DataType::Float64, DataType::Float64];
                let added = COLUMNS.iter().zip(types);
                fields.extend(added.map(|(name, dtype)| Field::new((*name).into(), dtype)));
                Ok(none.insert(StagedParquet::create(&self.path, schema_of(fields)?)?))
            }
        }
    }
}
