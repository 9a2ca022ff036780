//! Objects of ndjson files: one a line, each value of the type that its column has everywhere.
//!
//! A key that a line does not have is a null there. Blank lines are no rows.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::BufRead;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};

use super::evidence::Evidence;
use super::{Expected, Probe, read_line};
use crate::adapters::dataset::error::{DatasetError, Place};

/// Most columns of a file: every key that is ever seen makes one.
const COLUMNS_MAX: usize = 100_000;

/// Reads the whole file, infers the types of its columns and counts its rows.
pub(super) fn probe(
    file: &str,
    mut reader: impl BufRead,
    expected: Expected<'_>,
) -> Result<Probe, DatasetError> {
    let mut line = Vec::new();
    let mut columns = Columns::default();
    let mut row = 0;
    loop {
        line.clear();
        if !read_line(&mut reader, &mut line, file, row + 1)? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        row += 1;
        let mut parser = serde_json::Deserializer::from_slice(&line);
        let parsed = Object { columns: &mut columns, row }.deserialize(&mut parser);
        parsed.and_then(|()| parser.end()).map_err(|error| {
            let problem = format!("wanted one JSON object, found none: {error}");
            DatasetError::content(file, Place::row(row), problem)
        })?;
    }
    if columns.found.is_empty() {
        let problem = "holds no value, wanted one JSON object a line";
        return Err(DatasetError::content(file, Place::file(), problem));
    }
    let columns = expected.columns(file, columns.found)?;
    Ok(Probe::of_whole(columns, Some(row)))
}

/// The columns seen so far, in order of appearance.
#[derive(Default)]
struct Columns {
    found: Vec<(String, Evidence)>,
    positions: HashMap<String, usize>,
}

impl Columns {
    /// Where `name` is, added if it is new; `None` if there are too many.
    fn position(&mut self, name: &str) -> Option<usize> {
        if let Some(position) = self.positions.get(name) {
            return Some(*position);
        }
        let position = self.found.len();
        self.positions.insert(name.to_owned(), position);
        self.found.push((name.to_owned(), Evidence::default()));
        (position < COLUMNS_MAX).then_some(position)
    }
}

/// Reads one object into the columns, without building it.
struct Object<'a> {
    columns: &'a mut Columns,
    row: u64,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let Some(position) = self.columns.position(&name) else {
                return Err(A::Error::custom(format!("more than {COLUMNS_MAX} different keys")));
            };
            if !seen.insert(position) {
                return Err(A::Error::custom(format!("the key `{name}` occurs twice")));
            }
            self.columns.found[position].1.observe_json(self.row, &value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::DataType;

    use super::*;

    fn probed(text: &str) -> Result<Probe, DatasetError> {
        probe("t.ndjson", text.as_bytes(), Expected::default())
    }

    #[track_caller]
    fn check_refused(text: &str, expect: &str) {
        let told = probed(text).unwrap_err().to_string();
        assert!(told.contains(expect), "{told}");
    }

    #[test]
    fn columns_and_rows_are_learned() {
        let text = "{\"a\":1,\"b\":\"x\"}\n\n{\"b\":null,\"c\":true,\"a\":2.5}\r\n{}";
        let found = probed(text).unwrap();
        let columns: Vec<_> =
            found.columns.iter().map(|column| (column.name.as_str(), &column.dtype)).collect();
        assert_eq!(
            columns,
            [("a", &DataType::Float64), ("b", &DataType::String), ("c", &DataType::Boolean)]
        );
        assert_eq!(found.rows, Some(3));
    }

    #[test]
    fn damaged_files_are_refused_with_the_place() {
        check_refused("", "`t.ndjson`: holds no value");
        check_refused("{\"a\":1}\n{\"a\":", "row 2: wanted one JSON object");
        check_refused("[1,2]\n", "row 1: wanted one JSON object");
        check_refused("{\"a\":1}{\"a\":2}\n", "row 1: wanted one JSON object");
        check_refused("{\"a\":1,\"a\":2}\n", "the key `a` occurs twice");
        check_refused("{\"a\":1}\n{\"a\":\"x\"}\n", "row 2, column `a`: wanted the type");
        check_refused(&format!("{{\"a\":{}1{}}}", "[".repeat(9_999), "]".repeat(9_999)), "row 1");
    }
}
