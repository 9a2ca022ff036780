//! Ready-made files for the tests of this module.

use std::path::PathBuf;

use polars::prelude::{Column, DataFrame, IpcWriter, ParquetWriter, SerWriter as _};

use super::{
    DatasetError, Roots, ScanError, ScanReceipt, ScanRequest, SourceFile, Table, TimeFilter,
    discover,
};
use crate::domain::frame::Cells;

/// A folder that is its own project.
pub(super) struct Folder {
    keep: tempfile::TempDir,
    roots: Roots,
}

impl Folder {
    /// A folder with text files.
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let roots = Roots::new(keep.path(), &[]).unwrap();
        let out = Self { keep, roots };
        for (name, text) in files {
            out.write(name, text.as_bytes());
        }
        out
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.keep.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(super) fn write_parquet(&self, name: &str, columns: Vec<Column>) {
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        let file = std::fs::File::create(self.path(name)).unwrap();
        ParquetWriter::new(file).with_row_group_size(Some(1_000)).finish(&mut frame).unwrap();
    }

    pub(super) fn write_ipc(&self, name: &str, columns: Vec<Column>) {
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        let file = std::fs::File::create(self.path(name)).unwrap();
        IpcWriter::new(file).finish(&mut frame).unwrap();
    }

    pub(super) fn files(&self, pattern: &str) -> Vec<SourceFile> {
        discover(&self.roots, pattern, None).unwrap()
    }

    pub(super) fn table(&self, pattern: &str, id: Option<&str>) -> Result<Table, DatasetError> {
        Table::open(&self.files(pattern), id)
    }
}

/// Reads some columns of a table into one line for each row: the id, then the values.
pub(super) fn read(
    table: &Table,
    columns: &[&str],
    id: Option<&str>,
    time: Option<&TimeFilter>,
) -> Result<(Vec<String>, ScanReceipt), DatasetError> {
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let request = ScanRequest { columns: &names, id, time, batch_rows: 1_000 };
    let mut lines = Vec::new();
    let scanned = table.scan(&request, |batch| {
        let frame = batch.frame(columns)?;
        for row in 0..batch.rows() {
            let mut line = batch.id_text(row);
            for column in &frame.columns {
                line.push('|');
                line.push_str(&shown(&column.cells, row));
            }
            lines.push(line);
        }
        Ok(())
    });
    match scanned {
        Ok(receipt) => Ok((lines, receipt)),
        Err(ScanError::Dataset(error) | ScanError::Callback(error)) => Err(error),
    }
}

fn shown(cells: &Cells<'_>, row: usize) -> String {
    match cells {
        Cells::Number(numbers) => {
            numbers.value(row).map_or("null".into(), |value| value.to_string())
        }
        Cells::Text(texts) => texts.value(row).map_or("null".into(), |text| format!("{text:?}")),
    }
}

/// The whole chain of causes of an error.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
