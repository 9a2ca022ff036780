//! Several files as one table: the columns they have together, and the type each column is read with.
//!
//! Every file is looked at before any row is used, so that a column which one file types differently is
//! an error at once. A column that some files do not have is null there; who opens the table decides
//! what that means. Reading the rows is the job of `scan`.

/// One type for the values of two files.
mod unify;

use std::collections::HashMap;
use std::sync::Arc;

use polars::prelude::DataType;

use super::discover::SourceFile;
use super::error::DatasetError;
use super::iso::{self, Instant};
use super::probe::{self, Expected, Probe, ProbedColumn, column_type};
use crate::domain::job::FileFormat;
use crate::domain::table::{ColumnSchema, TableSchema};

/// Most columns missing in files that are listed one by one.
const ABSENT_MAX: usize = 1_000;

/// The files of a table and the schema they share.
#[derive(Debug)]
pub struct Table {
    files: Vec<SourceFile>,
    /// Of each file, in the same order.
    pub(super) probes: Vec<Probe>,
    pub(super) columns: Vec<TableColumn>,
    schema: TableSchema,
    hive_keys: Vec<String>,
    absent: Vec<AbsentColumn>,
}

/// A column that a file of the table does not have; its values are null there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentColumn {
    /// The name of the column.
    pub column: String,
    /// The file, relative to its root.
    pub file: String,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// What its values are brought to in every file.
    pub(super) dtype: DataType,
    /// Whether it comes from the names of folders.
    pub(super) is_hive: bool,
}

impl Table {
    /// Learns the columns of `files`; `id` is the id column, if there is one.
    pub fn open(files: &[SourceFile], id: Option<&str>) -> Result<Self, DatasetError> {
        Self::open_expecting(files, Expected { id, pinned: None })
    }

    /// As [`Self::open`], with the columns of text formats read as `pinned` says.
    ///
    /// A value of a text file that does not fit its pinned type is an error. Other departures from
    /// `pinned` are not: see [`TableSchema::differences`].
    pub fn open_pinned(
        files: &[SourceFile],
        id: Option<&str>,
        pinned: &TableSchema,
    ) -> Result<Self, DatasetError> {
        Self::open_expecting(files, Expected { id, pinned: Some(pinned) })
    }

    fn open_expecting(files: &[SourceFile], expected: Expected<'_>) -> Result<Self, DatasetError> {
        let mut probes: Vec<Probe> = Vec::with_capacity(files.len());
        for source in files {
            let file = source.open()?;
            let mut found = probe::probe(source, &file, expected)?;
            source.check_unchanged(&file)?;
            // Files of one table mostly have the same columns: keep those once.
            if let Some(last) = probes.last().filter(|last| last.columns == found.columns) {
                found.columns = Arc::clone(&last.columns);
            }
            probes.push(found);
        }
        let hive = hive_columns(files);
        let mut columns = Unified::new(files, &probes, expected.id).columns()?;
        columns.retain(|column| !hive.iter().any(|key| key.name == column.name));
        columns.extend(hive);
        let shown = |column: &TableColumn| ColumnSchema {
            name: column.name.clone(),
            kind: column_type(&column.dtype),
        };
        Ok(Self {
            schema: TableSchema { columns: columns.iter().map(shown).collect() },
            hive_keys: columns
                .iter()
                .filter(|key| key.is_hive)
                .map(|key| key.name.clone())
                .collect(),
            absent: absent_columns(files, &probes, &columns),
            files: files.to_vec(),
            probes,
            columns,
        })
    }

    /// The columns in the order of the first file, then those of later files, then the hive keys.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The columns that come from the names of folders; they win over columns of the same name.
    pub fn hive_keys(&self) -> &[String] {
        &self.hive_keys
    }

    /// The columns that some files do not have; at most a thousand are listed.
    pub fn absent(&self) -> &[AbsentColumn] {
        &self.absent
    }

    /// How many rows all files have, before any filter; `None` if a file does not say.
    pub fn rows_hint(&self) -> Option<u64> {
        self.probes.iter().map(|probe| probe.rows).sum()
    }

    /// The column called `name`, or an error that a reader can act on.
    pub(super) fn column(&self, name: &str) -> Result<&TableColumn, DatasetError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| {
            let files = match self.files.as_slice() {
                [] => "the input, which has no files".to_owned(),
                [one] => format!("`{}`", one.relative),
                [first, rest @ ..] => format!("`{}` and {} more files", first.relative, rest.len()),
            };
            DatasetError::column(name, format!("is not in {files}"))
        })
    }
}

/// The hive keys of all files, in order of appearance, each typed by all of its values.
fn hive_columns(files: &[SourceFile]) -> Vec<TableColumn> {
    let mut names: Vec<&str> = Vec::new();
    for (key, _) in files.iter().flat_map(|file| &file.hive) {
        if !names.contains(&key.as_str()) {
            names.push(key);
        }
    }
    let columns = names.into_iter().map(|name| {
        let values = || {
            let pairs = files.iter().flat_map(|file| &file.hive);
            pairs.filter(move |(key, _)| key == name).filter_map(|(_, value)| value.as_deref())
        };
        let dtype = if values().next().is_none() {
            DataType::String
        } else if values().all(|value| value.parse::<i64>().is_ok()) {
            DataType::Int64
        } else if values().all(|value| matches!(iso::parse(value), Some(Instant::Date(_)))) {
            DataType::Date
        } else {
            DataType::String
        };
        TableColumn { name: name.to_owned(), dtype, is_hive: true }
    });
    columns.collect()
}

fn absent_columns(
    files: &[SourceFile],
    probes: &[Probe],
    columns: &[TableColumn],
) -> Vec<AbsentColumn> {
    let mut out = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    let mut known: Option<&Arc<[ProbedColumn]>> = None;
    for (file, probe) in files.iter().zip(probes) {
        if known.is_none_or(|known| !Arc::ptr_eq(known, &probe.columns)) {
            let has: std::collections::HashSet<&str> =
                probe.columns.iter().map(|column| column.name.as_str()).collect();
            let wanted = columns.iter().filter(|column| !column.is_hive);
            missing = wanted
                .map(|column| column.name.as_str())
                .filter(|name| !has.contains(name))
                .collect();
            known = Some(&probe.columns);
        }
        let absent = missing.iter().map(|column| AbsentColumn {
            column: (*column).to_owned(),
            file: file.relative.clone(),
        });
        out.extend(absent.take(ABSENT_MAX - out.len()));
    }
    out
}

/// The columns of several files on their way to one type each.
struct Unified<'a> {
    files: &'a [SourceFile],
    probes: &'a [Probe],
    id: Option<&'a str>,
}

impl<'a> Unified<'a> {
    fn new(files: &'a [SourceFile], probes: &'a [Probe], id: Option<&'a str>) -> Self {
        Self { files, probes, id }
    }

    fn columns(&self) -> Result<Vec<TableColumn>, DatasetError> {
        // The type of each column so far, and the file that it comes from.
        let mut out: Vec<(TableColumn, usize)> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        for (file, probe) in self.probes.iter().enumerate() {
            let repeats = file > 0 && Arc::ptr_eq(&probe.columns, &self.probes[file - 1].columns);
            if repeats {
                continue;
            }
            for found in probe.columns.iter() {
                let dtype = unify::read_type(&found.dtype);
                let Some(position) = positions.get(found.name.as_str()) else {
                    positions.insert(&found.name, out.len());
                    let name = found.name.clone();
                    out.push((TableColumn { name, dtype, is_hive: false }, file));
                    continue;
                };
                let (column, from) = &mut out[*position];
                let both = self.unify(column, &dtype, file, *from)?;
                if column.dtype == DataType::Null {
                    *from = file;
                }
                column.dtype = both;
            }
        }
        Ok(out.into_iter().map(|(column, _)| column).collect())
    }

    fn unify(
        &self,
        column: &TableColumn,
        found: &DataType,
        file: usize,
        from: usize,
    ) -> Result<DataType, DatasetError> {
        if let Some(both) = unify::unify(&column.dtype, found) {
            return Ok(both);
        }
        let is_text_file =
            |file: usize| matches!(self.files[file].format, FileFormat::Csv | FileFormat::Ndjson);
        // The integers of an id column print as they were written, see `Evidence::verbatim_type`.
        if self.id == Some(column.name.as_str()) && is_text_file(file) && is_text_file(from) {
            return Ok(DataType::String);
        }
        let problem = format!(
            "is {} in `{}` but {} in `{}`; make the files agree, or read them as two jobs",
            unify::shown(&column.dtype),
            self.files[from].relative,
            unify::shown(found),
            self.files[file].relative,
        );
        Err(DatasetError::column(&column.name, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::dataset::fixture::Folder;
    use crate::domain::table::ColumnType;

    fn shown(table: &Table) -> Vec<String> {
        let columns = table.schema().columns.iter();
        columns.map(|column| format!("{} {}", column.name, column.kind)).collect()
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], id: Option<&str>, expect: &[&str]) -> Table {
        let folder = Folder::with(files);
        let table = Table::open(&folder.files("**/*"), id).unwrap();
        assert_eq!(shown(&table), expect);
        table
    }

    #[test]
    fn columns_of_all_files_are_united() {
        let files = [
            ("a.csv", "x,y,z\n1,,a\n"),
            ("b.csv", "y,x,w\n2026-01-05,2.5,true\n"),
            ("c.ndjson", "{\"x\": true}\n"),
        ];
        let table = check(&files, None, &["x float", "y date", "z text", "w boolean"]);
        let absent: Vec<_> =
            table.absent().iter().map(|a| format!("{} {}", a.column, a.file)).collect();
        assert_eq!(absent, ["w a.csv", "z b.csv", "y c.ndjson", "z c.ndjson", "w c.ndjson"]);
        assert_eq!(table.rows_hint(), Some(3));
    }

    #[test]
    fn hive_keys_become_typed_columns() {
        let files = [
            ("day=2026-01-05/n=1/city=a/x.csv", "v,n\n1,9\n"),
            ("day=2026-01-06/n=2/city=7/x.csv", "v,n\n1,9\n"),
        ];
        let expect = ["v integer", "day date", "n integer", "city text"];
        let table = check(&files, None, &expect);
        assert_eq!(table.hive_keys(), ["day", "n", "city"]);
    }

    #[test]
    fn files_that_disagree_are_named() {
        let folder = Folder::with(&[
            ("a.csv", "x,y\n,1\n"),
            ("b.csv", "x,y\n5,1\n"),
            ("c.csv", "x,y\nfive,1\n"),
        ]);
        let told = Table::open(&folder.files("*.csv"), None).unwrap_err().to_string();
        assert!(told.starts_with("column `x` is integer in `b.csv` but text in `c.csv`"), "{told}");
    }

    #[test]
    fn ids_of_two_csv_files_may_be_numbers_here_and_text_there() {
        let files = [("a.csv", "id\n1\n"), ("b.csv", "id\nx1\n"), ("c.csv", "id\n01\n")];
        check(&files, Some("id"), &["id text"]);
    }

    #[test]
    fn a_pinned_type_wins_over_what_the_values_look_like() {
        let folder = Folder::with(&[("a.csv", "zip,n\n12345,1\n"), ("b.csv", "zip,n\n,\n")]);
        let pinned = TableSchema {
            columns: vec![ColumnSchema { name: "zip".into(), kind: ColumnType::Text }],
        };
        let table = Table::open_pinned(&folder.files("*.csv"), None, &pinned).unwrap();
        assert_eq!(shown(&table), ["zip text", "n integer"]);
    }

    #[test]
    fn an_unknown_column_is_told_with_the_files() {
        let folder = Folder::with(&[("a.csv", "x\n1\n"), ("b.csv", "x\n1\n")]);
        let table = Table::open(&folder.files("*.csv"), None).unwrap();
        let told = table.column("y").unwrap_err().to_string();
        assert_eq!(told, "column `y` is not in `a.csv` and 1 more files");
    }
}
