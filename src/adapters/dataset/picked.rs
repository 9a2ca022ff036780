//! Some rows of a table, with columns that say why: what a run sets aside, what a correction changes.
//!
//! The file appears with the first such row: without any there is none.

use std::path::{Path, PathBuf};

use polars::prelude::{Column, Field};

use super::batch::Batch;
use super::error::DatasetError;
use super::id::IdSet;
use super::part::{kept_rows, schema_of, source_columns, source_fields};
use super::staged_parquet::{StagedParquet, Written};
use super::table::Table;

/// Writes the rows that are picked.
pub(super) struct PickedWriter<'t> {
    path: PathBuf,
    table: &'t Table,
    id: Option<String>,
    columns: Vec<String>,
    added: Vec<Field>,
    file: Option<StagedParquet>,
    id_set: IdSet,
}

impl<'t> PickedWriter<'t> {
    /// Will create the file at `path` with the id, `columns` of the table, and those that are `added`.
    pub(super) fn new(
        path: &Path,
        id: Option<&str>,
        columns: Vec<String>,
        added: Vec<Field>,
        table: &'t Table,
    ) -> Self {
        Self {
            path: path.to_owned(),
            table,
            id: id.map(str::to_owned),
            columns,
            added,
            file: None,
            id_set: IdSet::default(),
        }
    }

    /// Adds the picked rows of a batch; `added` has one value for each of its rows, picked or not.
    ///
    /// # Panics
    /// If there is not one entry in `is_picked` for each row of the batch.
    pub(super) fn write(
        &mut self,
        batch: &Batch,
        is_picked: &[bool],
        added: Vec<Column>,
    ) -> Result<(), DatasetError> {
        assert_eq!(is_picked.len(), batch.rows(), "one entry a row");
        if !is_picked.contains(&true) {
            return Ok(());
        }
        let picked = batch.id_hashes().iter().zip(is_picked);
        picked.filter(|(_, picked)| **picked).for_each(|(hash, _)| self.id_set.add(*hash));
        let mut columns = source_columns(batch, &self.columns)?;
        columns.extend(added);
        let columns = kept_rows(batch, columns, is_picked)?;
        self.file()?.write(columns)
    }

    /// Waits until everything is on disk; `None` if no row was picked.
    pub(super) fn finish(self) -> Result<Option<Written>, DatasetError> {
        self.file.map(|file| file.finish(self.id_set)).transpose()
    }

    fn file(&mut self) -> Result<&mut StagedParquet, DatasetError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let mut fields = source_fields(self.id.as_deref(), &self.columns, self.table)?;
                fields.extend(self.added.iter().cloned());
                Ok(none.insert(StagedParquet::create(&self.path, schema_of(fields)?)?))
            }
        }
    }
}
