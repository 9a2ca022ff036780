//! The rows that a run sets aside, with the reason for each.
//!
//! The file appears with the first such row: a run without any has no quarantine.

use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataType, Field};

use super::batch::Batch;
use super::error::DatasetError;
use super::id::IdSet;
use super::part::{kept_rows, schema_of, source_columns, source_fields, without};
use super::staged_parquet::{StagedParquet, Written};
use super::table::Table;

const REASON: &str = "reason";

/// Writes the rows that are set aside.
pub struct QuarantineWriter<'t> {
    path: PathBuf,
    table: &'t Table,
    id: Option<String>,
    columns: Vec<String>,
    file: Option<StagedParquet>,
    id_set: IdSet,
}

impl<'t> QuarantineWriter<'t> {
    /// Will create the file at `path` with the id, `columns` and a reason for each row.
    pub fn new(path: &Path, id: Option<&str>, columns: &[String], table: &'t Table) -> Self {
        Self {
            path: path.to_owned(),
            table,
            id: id.map(str::to_owned),
            columns: without(columns, id),
            file: None,
            id_set: IdSet::default(),
        }
    }

    /// Adds the rows of a batch that have a reason to be set aside.
    ///
    /// # Panics
    /// If there is not one entry in `reasons` for each row of the batch.
    pub fn write(
        &mut self,
        batch: &Batch,
        reasons: &[Option<impl AsRef<str>>],
    ) -> Result<(), DatasetError> {
        assert_eq!(reasons.len(), batch.rows(), "one entry a row");
        let is_aside: Vec<bool> = reasons.iter().map(Option::is_some).collect();
        if !is_aside.contains(&true) {
            return Ok(());
        }
        let aside = batch.id_hashes().iter().zip(&is_aside).filter(|(_, is_aside)| **is_aside);
        aside.for_each(|(hash, _)| self.id_set.add(*hash));
        let mut columns = source_columns(batch, &self.columns)?;
        let reasons: Vec<Option<&str>> =
            reasons.iter().map(|reason| reason.as_ref().map(AsRef::as_ref)).collect();
        columns.push(Column::new(REASON.into(), reasons));
        let columns = kept_rows(batch, columns, &is_aside)?;
        self.file()?.write(columns)
    }

    /// Waits until everything is on disk; `None` if no row was set aside.
    pub fn finish(self) -> Result<Option<Written>, DatasetError> {
        self.file.map(|file| file.finish(self.id_set)).transpose()
    }

    fn file(&mut self) -> Result<&mut StagedParquet, DatasetError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                let mut fields = source_fields(self.id.as_deref(), &self.columns, self.table)?;
                fields.push(Field::new(REASON.into(), DataType::String));
                Ok(none.insert(StagedParquet::create(&self.path, schema_of(fields)?)?))
            }
        }
    }
}
