//! Records and fields of csv files, checked more strictly than polars does.
//!
//! polars fills short rows with nulls, drops surplus fields when it reads only some columns, and reads
//! on to the next quote when one is missing. All of that would turn a damaged file into wrong numbers,
//! so a file is only read if every record has one field for each name of the header.

use std::collections::HashSet;
use std::io::BufRead;
use std::ops::Range;

use super::evidence::Evidence;
use super::{Expected, Probe, read_line};
use crate::adapters::dataset::error::{DatasetError, Place};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// What stands between the separators, without the quotes around it.
    content: Range<usize>,
    is_quoted: bool,
}

/// Reads the whole file, infers the types of its columns and counts its rows.
pub(super) fn probe(
    file: &str,
    mut reader: impl BufRead,
    expected: Expected<'_>,
) -> Result<Probe, DatasetError> {
    let mut record = Vec::new();
    let mut fields = Vec::new();
    let names = header(file, &mut reader, &mut record, &mut fields)?;
    let mut found = vec![Evidence::default(); names.len()];
    let mut row = 1;
    while read_record(file, &mut reader, &mut record, row)? {
        split(&record, &mut fields)
            .map_err(|problem| DatasetError::content(file, Place::row(row), problem))?;
        if fields.len() != names.len() {
            let problem = format!("has {} fields, wanted {}", fields.len(), names.len());
            let problem =
                if record.is_empty() { "is blank; remove it".to_owned() } else { problem };
            return Err(DatasetError::content(file, Place::row(row), problem));
        }
        for ((field, evidence), name) in fields.iter().zip(&mut found).zip(&names) {
            let text = std::str::from_utf8(&record[field.content.clone()]).map_err(|_| {
                DatasetError::content(
                    file,
                    Place::cell(row, name),
                    "is not UTF-8; convert the file",
                )
            })?;
            evidence.observe_text(row, text);
        }
        row += 1;
    }
    let columns = expected.columns(file, names.into_iter().zip(found))?;
    Ok(Probe::of_whole(columns, Some(row - 1)))
}

/// The names of the columns: the first line that is not blank.
fn header(
    file: &str,
    reader: &mut impl BufRead,
    record: &mut Vec<u8>,
    fields: &mut Vec<Field>,
) -> Result<Vec<String>, DatasetError> {
    let wrong = |problem: String| DatasetError::content(file, Place::file(), problem);
    loop {
        if !read_record(file, reader, record, 0)? {
            return Err(wrong("is empty, wanted a header with the names of the columns".into()));
        }
        if record.starts_with(BYTE_ORDER_MARK) {
            record.drain(..BYTE_ORDER_MARK.len());
        }
        if !record.is_empty() {
            break;
        }
    }
    split(record, fields).map_err(|problem| wrong(format!("its header {problem}")))?;
    let mut names = Vec::with_capacity(fields.len());
    let mut seen = HashSet::new();
    for (position, field) in (1..).zip(fields.iter()) {
        let name = std::str::from_utf8(&record[field.content.clone()])
            .map_err(|_| wrong(format!("the name of column {position} is not UTF-8")))?;
        let name = if field.is_quoted { name.replace("\"\"", "\"") } else { name.to_owned() };
        if name.is_empty() {
            return Err(wrong(format!("column {position} of the header has no name")));
        }
        if !seen.insert(name.clone()) {
            return Err(DatasetError::content(file, Place::column(&name), "occurs twice"));
        }
        names.push(name);
    }
    Ok(names)
}

/// Reads the next record into `record`, without its line end; false at the end of the file.
fn read_record(
    file: &str,
    reader: &mut impl BufRead,
    record: &mut Vec<u8>,
    row: u64,
) -> Result<bool, DatasetError> {
    record.clear();
    let mut is_quote_open = false;
    loop {
        let checked = record.len();
        if !read_line(reader, record, file, row)? {
            if is_quote_open {
                let problem = "opens a quote that is never closed";
                return Err(DatasetError::content(file, Place::row(row), problem));
            }
            return Ok(checked > 0);
        }
        is_quote_open =
            record[checked..].iter().fold(is_quote_open, |is_open, byte| is_open ^ (*byte == b'"'));
        if !is_quote_open {
            let end = record.strip_suffix(b"\n").unwrap_or(record);
            let end = end.strip_suffix(b"\r").unwrap_or(end).len();
            record.truncate(end);
            return Ok(true);
        }
    }
}

/// Cuts a record into its fields; the error is the rest of a sentence about the record.
fn split(record: &[u8], fields: &mut Vec<Field>) -> Result<(), &'static str> {
    fields.clear();
    let mut start = 0;
    loop {
        let end = if record.get(start) == Some(&b'"') {
            let content = start + 1..closing_quote(record, start + 1)?;
            let end = content.end + 1;
            fields.push(Field { content, is_quoted: true });
            end
        } else {
            let rest = &record[start..];
            let end = start + rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
            if record[start..end].contains(&b'"') {
                return Err("has a quote inside of a field; quote the whole field and double it");
            }
            fields.push(Field { content: start..end, is_quoted: false });
            end
        };
        match record.get(end) {
            None => return Ok(()),
            Some(b',') => start = end + 1,
            Some(_) => return Err("has text behind a closing quote"),
        }
    }
}

/// Where the quoted field that starts at `from` closes.
fn closing_quote(record: &[u8], from: usize) -> Result<usize, &'static str> {
    let mut at = from;
    while let Some(offset) = record[at..].iter().position(|byte| *byte == b'"') {
        at += offset;
        if record.get(at + 1) != Some(&b'"') {
            return Ok(at);
        }
        at += 2;
    }
    Err("opens a quote that is never closed")
}

#[cfg(test)]
mod tests {
    use polars::prelude::DataType;

    use super::*;
    use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};

    fn probed(text: &[u8]) -> Result<Probe, DatasetError> {
        probe("t.csv", text, Expected::default())
    }

    #[track_caller]
    fn check_refused(text: &[u8], expect: &str) {
        let told = probed(text).unwrap_err().to_string();
        assert!(told.contains(expect), "{told}");
    }

    #[test]
    fn columns_and_rows_are_learned() {
        let text = "\u{feff}\r\nid,\"na\"\"me\",when,none\r\n1,\"a,\nb\",2026-01-05,\r\n2,c,,\r\n";
        let found = probed(text.as_bytes()).unwrap();
        let columns: Vec<_> =
            found.columns.iter().map(|column| (column.name.as_str(), &column.dtype)).collect();
        assert_eq!(
            columns,
            [
                ("id", &DataType::Int64),
                ("na\"me", &DataType::String),
                ("when", &DataType::Date),
                ("none", &DataType::Null),
            ]
        );
        assert_eq!(found.rows, Some(2));
        assert_eq!(probed(b"a,b\n").unwrap().rows, Some(0));
        assert_eq!(probed(b"a\n1").unwrap().rows, Some(1));
        assert_eq!(probed(b"a\n1\n\n3\n").unwrap().rows, Some(3));
    }

    #[test]
    fn damaged_files_are_refused_with_the_place() {
        check_refused(b"", "`t.csv`: is empty");
        check_refused(b"\n\r\n", "`t.csv`: is empty");
        check_refused(b"a,b\n1,2\n3\n", "`t.csv`, row 2: has 1 fields, wanted 2");
        check_refused(b"a,b\n1,2,3\n", "row 1: has 3 fields, wanted 2");
        check_refused(b"a,b\n1,2\n\n3,4\n", "row 2: is blank");
        check_refused(b"a,b\n1,\"x\n2,y\n3,z\n", "row 1: opens a quote that is never closed");
        check_refused(b"a,b\n1,5\" pipe\n2,6\" pipe\n", "row 1: has a quote inside of a field");
        check_refused(b"a,b\n1,\"x\"y\n", "row 1: has text behind a closing quote");
        check_refused(b"a,b,a\n1,2,3\n", "`t.csv`, column `a`: occurs twice");
        check_refused(b"a,,b\n1,2,3\n", "column 2 of the header has no name");
        check_refused(b"a,b\n1,\xff\xfe\n", "`t.csv`, row 1, column `b`: is not UTF-8");
        check_refused(b"a,\xff\n1,2\n", "the name of column 2 is not UTF-8");
        let mut endless = b"a,b\n1,\"".to_vec();
        endless.resize(20 << 20, b'x');
        check_refused(&endless, "row 1: is longer than 16 MiB");
    }

    #[test]
    fn a_value_that_breaks_the_pinned_type_is_named() {
        let column = |name: &str, kind| ColumnSchema { name: name.into(), kind };
        let pinned = TableSchema {
            columns: vec![column("age", ColumnType::Integer), column("zip", ColumnType::Text)],
        };
        let expected = Expected { id: None, pinned: Some(&pinned) };
        let found = probe("t.csv", &b"zip,age\n01234,7\n99999,8.5\n"[..], expected).unwrap();
        let types: Vec<_> = found.columns.iter().map(|column| &column.dtype).collect();
        assert_eq!(types, [&DataType::String, &DataType::Float64]);
        let told = probe("t.csv", &b"zip,age\n1,7\n2,old\n"[..], expected).unwrap_err().to_string();
        assert_eq!(told, "`t.csv`, row 2, column `age`: wanted integer, found `old`");
    }
}
