//! Metadata of parquet and ipc files.
//!
//! A parquet footer says how much memory it needs, so its length is checked before it is read.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use polars::prelude::{IpcReader, ParquetReader, Schema, SchemaExt as _, SerReader as _};

use super::{Probe, ProbedColumn};
use crate::adapters::dataset::error::{DatasetError, Place};

/// Largest parquet footer that is read: room for 10,000 columns in a hundred row groups.
const FOOTER_BYTES_MAX: u64 = 256 << 20;
/// Magic number, and the length of the footer before it.
const PARQUET_TAIL_BYTES: u64 = 8;
const PARQUET_MAGIC: &[u8] = b"PAR1";
const IPC_MAGIC: &[u8] = b"ARROW1";
/// Decoded size of the row groups that are read in one go.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// Rows of the pieces that polars cuts a row group into, about.
const PIECE_ROWS: u64 = 100_000;
/// Most columns, nested ones counted one by one, of a file whose row groups are read one by one: polars looks at all of
/// them for each that it decodes.
const GROUPED_COLUMNS_MAX: usize = 256;
const READ: &str = "read the schema of";

/// The columns and rows that the footer of a parquet file names.
pub(super) fn probe_parquet(name: &str, file: &File) -> Result<Probe, DatasetError> {
    check_footer(name, file)?;
    let file = file.try_clone().map_err(DatasetError::io("read", name))?;
    DatasetError::guard(READ, name, || {
        let mut reader = ParquetReader::new(file);
        let metadata = reader.get_metadata().map_err(DatasetError::polars(READ, name))?.clone();
        let fields = metadata.schema_descr.fields();
        let mut names = Vec::with_capacity(fields.len());
        for field in fields {
            names.push(field.name());
        }
        check_unique(name, &names)?;
        let schema = reader.schema().map_err(DatasetError::polars(READ, name))?;
        let columns = columns(name, &Schema::from_arrow_schema(schema.as_ref()))?;
        let groups = metadata.row_groups.iter();
        let groups: Vec<(u64, u64)> =
            groups.map(|group| (group.num_rows() as u64, group.total_byte_size() as u64)).collect();
        let rows = groups.iter().map(|(rows, _)| *rows).sum();
        if metadata.num_rows as u64 != rows {
            let problem = format!("says it has {} rows, its parts have {rows}", metadata.num_rows);
            return Err(DatasetError::content(name, Place::file(), problem));
        }
        let piece_rows = groups.first().map(|(rows, _)| piece_rows(*rows));
        let is_narrow = metadata.schema_descr.columns().len() <= GROUPED_COLUMNS_MAX;
        let group_rows = group_rows(&groups).filter(|_| is_narrow);
        let segments = segments(&groups);
        Ok(Probe { columns, rows: Some(rows), segments, piece_rows, group_rows })
    })
}

/// The columns that the footer of an ipc file names.
pub(super) fn probe_ipc(name: &str, file: &File) -> Result<Probe, DatasetError> {
    let mut file = file.try_clone().map_err(DatasetError::io("read", name))?;
    let mut magic = [0; 6];
    let is_ipc = file.seek(SeekFrom::Start(0)).is_ok() && file.read_exact(&mut magic).is_ok();
    if !is_ipc || magic != IPC_MAGIC {
        let problem = "is no Arrow ipc file (the stream format is not read)";
        return Err(DatasetError::content(name, Place::file(), problem));
    }
    DatasetError::guard(READ, name, || {
        let schema = IpcReader::new(file).schema().map_err(DatasetError::polars(READ, name))?;
        let columns = columns(name, &Schema::from_arrow_schema(schema.as_ref()))?;
        Ok(Probe::of_whole(columns, None))
    })
}

/// Checks the end of a parquet file: the magic number, and that the footer fits in the file.
fn check_footer(name: &str, mut file: &File) -> Result<(), DatasetError> {
    let wrong = |problem: String| DatasetError::content(name, Place::file(), problem);
    let size_bytes = file.metadata().map_err(DatasetError::io("read", name))?.len();
    if size_bytes < PARQUET_TAIL_BYTES + PARQUET_MAGIC.len() as u64 {
        return Err(wrong(format!("is no parquet file: it has {size_bytes} bytes")));
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(size_bytes - PARQUET_TAIL_BYTES))
        .and_then(|_| file.read_exact(&mut tail))
        .map_err(DatasetError::io("read", name))?;
    let [l0, l1, l2, l3, magic @ ..] = tail;
    if magic != PARQUET_MAGIC {
        return Err(wrong("is no parquet file, or it is cut off: its end is not `PAR1`".into()));
    }
    let footer_bytes = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if footer_bytes > FOOTER_BYTES_MAX || footer_bytes + PARQUET_TAIL_BYTES > size_bytes {
        return Err(wrong(format!("has a footer of {footer_bytes} bytes, more than it can have")));
    }
    Ok(())
}

/// Cuts a file into ranges of whole row groups, of at most [`SEGMENT_BYTES_MAX`] where a group allows.
///
/// polars starts to decode up to 16 row groups ahead of the reader, and only an environment variable
/// could tell it not to. What it is not asked for, it cannot decode.
fn segments(groups: &[(u64, u64)]) -> Vec<Range<u64>> {
    let mut out: Vec<Range<u64>> = Vec::new();
    let mut last_bytes = 0;
    let mut start = 0;
    for (rows, bytes) in groups {
        let end = start + rows;
        match out.last_mut() {
            Some(last) if last_bytes + bytes <= SEGMENT_BYTES_MAX => {
                last.end = end;
                last_bytes += bytes;
            }
            _ => {
                out.push(start..end);
                last_bytes = *bytes;
            }
        }
        start = end;
    }
    out
}

/// Rows of the equal pieces in which polars hands over a row group of `group` rows: as it does unless an
/// environment variable tells it otherwise, which costs time and changes nothing else.
fn piece_rows(group: u64) -> u64 {
    let pieces = if 2 * group > 3 * PIECE_ROWS { (group / PIECE_ROWS).max(2) } else { 1 };
    group.div_ceil(pieces)
}

/// Rows of the smallest of `groups`, the last one left out (`u64::MAX` if there is no other), and of the largest.
fn group_rows(groups: &[(u64, u64)]) -> Option<(u64, u64)> {
    let most = groups.iter().map(|(rows, _)| *rows).max()?;
    let whole = groups.iter().rev().skip(1).map(|(rows, _)| *rows);
    Some((whole.min().unwrap_or(u64::MAX), most))
}

fn check_unique(name: &str, columns: &[&str]) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    for column in columns {
        if !seen.insert(column) {
            return Err(DatasetError::content(name, Place::column(column), "occurs twice"));
        }
    }
    Ok(())
}

fn columns(name: &str, schema: &Schema) -> Result<std::sync::Arc<[ProbedColumn]>, DatasetError> {
    if schema.is_empty() {
        return Err(DatasetError::content(name, Place::file(), "has no columns"));
    }
    let columns = schema
        .iter()
        .map(|(column, dtype)| ProbedColumn { name: column.to_string(), dtype: dtype.clone() });
    Ok(columns.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_whole_groups_one_behind_the_other() {
        const MIB: u64 = 1 << 20;
        let check = |groups: &[(u64, u64)], expect: &[Range<u64>]| {
            assert_eq!(segments(groups), expect, "{groups:?}");
        };
        check(&[], &[]);
        check(&[(10, 1), (5, 1), (7, 1), (1, 500 * MIB)], &[0..22, 22..23]);
        check(&[(10, 50 * MIB), (5, 14 * MIB), (7, 1)], &[0..15, 15..22]);
        check(&[(10, 500 * MIB), (5, 500 * MIB)], &[0..10, 10..15]);
        check(&[(10, 1), (0, 1), (5, 500 * MIB), (3, 1)], &[0..10, 10..15, 15..18]);
    }

    #[test]
    fn the_last_row_group_may_be_small() {
        let check = |groups: &[u64], expect: Option<(u64, u64)>| {
            let groups: Vec<(u64, u64)> = groups.iter().map(|rows| (*rows, 1)).collect();
            assert_eq!(group_rows(&groups), expect, "{groups:?}");
        };
        check(&[], None);
        check(&[7], Some((u64::MAX, 7)));
        check(&[9, 8, 1], Some((8, 9)));
        check(&[9, 8, 100], Some((8, 100)));
    }

    #[test]
    fn row_groups_come_in_equal_pieces() {
        let pieces = [(10, 10), (150_000, 150_000), (150_001, 75_001), (250_000, 125_000)];
        for (group, piece) in pieces.into_iter().chain([(262_144, 131_072), (1_000_000, 100_000)]) {
            assert_eq!(piece_rows(group), piece, "{group}");
        }
    }
}
