//! The rows that a run sets aside, with the reason for each.
//!
//! The file appears with the first such row: a run without any has no quarantine.

use std::path::Path;

use polars::prelude::{Column, DataType, Field};

use super::batch::Batch;
use super::error::DatasetError;
use super::part::without;
use super::picked::PickedWriter;
use super::staged_parquet::Written;
use super::table::Table;

const REASON: &str = "reason";

/// Writes the rows that are set aside.
pub struct QuarantineWriter<'t>(PickedWriter<'t>);

impl<'t> QuarantineWriter<'t> {
    /// Will create the file at `path` with the id, `columns` and a reason for each row.
    pub fn new(path: &Path, id: Option<&str>, columns: &[String], table: &'t Table) -> Self {
        let added = vec![Field::new(REASON.into(), DataType::String)];
        Self(PickedWriter::new(path, id, without(columns, id), added, table))
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
        let is_aside: Vec<bool> = reasons.iter().map(Option::is_some).collect();
        let reasons: Vec<Option<&str>> =
            reasons.iter().map(|reason| reason.as_ref().map(AsRef::as_ref)).collect();
        self.0.write(batch, &is_aside, vec![Column::new(REASON.into(), reasons)])
    }

    /// Waits until everything is on disk; `None` if no row was set aside.
    pub fn finish(self) -> Result<Option<Written>, DatasetError> {
        self.0.finish()
    }
}
