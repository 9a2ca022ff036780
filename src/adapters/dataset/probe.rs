//! What one file says about its columns and rows, before any row is used.
//!
//! Columnar formats say it in their metadata. Text formats do not: their files are read once in full, in
//! constant memory, which settles the type of every column, counts the rows, and finds whatever cannot
//! be read together with its place. How several files make one table is not decided here.

/// Metadata of parquet and ipc files.
mod columnar;
/// Records and fields of csv files.
mod csv;
/// The type of a column, from its values.
mod evidence;
/// Objects of ndjson files.
mod ndjson;

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::DataType;

use crate::domain::job::FileFormat;
use crate::domain::table::{ColumnType, TableSchema};

use self::evidence::Evidence;
use super::discover::SourceFile;
use super::error::{DatasetError, Place};

/// Longest line of a text file.
const LINE_BYTES_MAX: u64 = 16 << 20;
const BUFFER_BYTES: usize = 1 << 18;

/// The columns and rows of a file.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    /// In the order of the file.
    pub(super) columns: Arc<[ProbedColumn]>,
    /// `None` where only a scan can tell.
    pub(super) rows: Option<u64>,
    /// Rows that are read in one go, one range behind the other; empty where polars needs no bounds.
    pub(super) segments: Vec<Range<u64>>,
    /// Rows of the pieces in which polars hands over what it has decoded, where that is known.
    pub(super) piece_rows: Option<u64>,
    /// Rows of the smallest row group (but for the last one, which has what is left) and of the largest; `None` where
    /// there are none that could be read one by one.
    pub(super) group_rows: Option<(u64, u64)>,
}

impl Probe {
    /// Of a file that says nothing of parts.
    fn of_whole(columns: Arc<[ProbedColumn]>, rows: Option<u64>) -> Self {
        let (segments, piece_rows, group_rows) = (Vec::new(), None, None);
        Self { columns, rows, segments, piece_rows, group_rows }
    }

    /// How many rows a batch of the file has if about `wanted` are wanted: a batch that is one piece need not be
    /// put together from two, which would copy every value.
    pub(super) fn batch_rows(&self, wanted: usize) -> usize {
        let piece = self.piece_rows.and_then(|rows| usize::try_from(rows).ok());
        piece.filter(|rows| (wanted / 2..=wanted / 4 * 5).contains(rows)).unwrap_or(wanted)
    }

    /// Whether its row groups can be batches where batches of about `wanted` rows are wanted. They may be larger, as
    /// those of most programs are: what is made of a batch besides its columns is a fraction of these.
    pub(super) fn has_groups_of(&self, wanted: usize) -> bool {
        const TIMES_MAX: u64 = 8;
        let wanted = wanted as u64;
        let fits = |(least, most)| least >= wanted / 2 && most <= wanted.saturating_mul(TIMES_MAX);
        self.group_rows.is_some_and(fits)
    }
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProbedColumn {
    pub(super) name: String,
    /// The type its values have once they are read.
    pub(super) dtype: DataType,
}

/// What is known about a table before its files are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected<'a> {
    /// The id column: its values are never rewritten, so `007` is text.
    pub(super) id: Option<&'a str>,
    /// The types that a model version was trained on; columns of text formats are read with them.
    pub(super) pinned: Option<&'a TableSchema>,
}

impl Probe {
    /// The type of `column`, if the file has it.
    pub(super) fn dtype(&self, column: &str) -> Option<&DataType> {
        self.columns.iter().find(|known| known.name == column).map(|known| &known.dtype)
    }
}

impl Expected<'_> {
    fn settle(&self, name: &str, evidence: &Evidence) -> Result<DataType, String> {
        let pinned = self.pinned.and_then(|pinned| pinned.kind(name));
        if self.id == Some(name) {
            // A column without values has no type of its own: it takes the one of the other nights.
            return match pinned {
                Some(ColumnType::Integer) if evidence.is_empty() => Ok(DataType::Int64),
                _ => evidence.verbatim_type(),
            };
        }
        match pinned {
            Some(wanted) => evidence.type_as(wanted),
            None => evidence.natural_type(),
        }
    }

    /// The columns of a text file, or an error that names the value which does not fit.
    fn columns(
        &self,
        file: &str,
        found: impl IntoIterator<Item = (String, Evidence)>,
    ) -> Result<Arc<[ProbedColumn]>, DatasetError> {
        let settled =
            found.into_iter().map(|(name, evidence)| match self.settle(&name, &evidence) {
                Ok(dtype) => Ok(ProbedColumn { name, dtype }),
                Err(problem) => {
                    let place = Place { row: evidence.narrowed_at(), column: Some(name) };
                    Err(DatasetError::content(file, place, problem))
                }
            });
        settled.collect()
    }
}

/// Learns the columns and rows of `file`, which is `source`, opened.
pub(super) fn probe(
    source: &SourceFile,
    file: &File,
    expected: Expected<'_>,
) -> Result<Probe, DatasetError> {
    let name = source.relative.as_str();
    let reader = BufReader::with_capacity(BUFFER_BYTES, file);
    match source.format {
        FileFormat::Csv => csv::probe(name, reader, expected),
        FileFormat::Ndjson => ndjson::probe(name, reader, expected),
        FileFormat::Parquet => columnar::probe_parquet(name, file),
        FileFormat::Ipc => columnar::probe_ipc(name, file),
    }
}

/// How nightshift calls a polars type.
pub(super) fn column_type(dtype: &DataType) -> ColumnType {
    match dtype {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Decimal(..) => ColumnType::Decimal,
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => ColumnType::Text,
        DataType::Date => ColumnType::Date,
        DataType::Datetime(..) => ColumnType::Datetime,
        DataType::Time | DataType::Duration(..) => ColumnType::Time,
        DataType::Null => ColumnType::Empty,
        other if other.is_integer() => ColumnType::Integer,
        other if other.is_float() => ColumnType::Float,
        _ => ColumnType::Nested,
    }
}

/// Appends the next line of `reader` to `line`, its `\n` included; false at the end of the file.
fn read_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    file: &str,
    row: u64,
) -> Result<bool, DatasetError> {
    let left = LINE_BYTES_MAX.saturating_sub(line.len() as u64);
    let read =
        reader.take(left + 1).read_until(b'\n', line).map_err(DatasetError::io("read", file))?;
    if line.len() as u64 > LINE_BYTES_MAX {
        let problem = format!("is longer than {} MiB; is a quote missing", LINE_BYTES_MAX >> 20);
        return Err(DatasetError::content(file, Place::row(row), problem));
    }
    Ok(read > 0)
}
