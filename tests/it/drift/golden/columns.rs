//! The files of a comparison as columns in memory, and the same rows as tables that the command line reads.
//!
//! Codes that peers take for categories are numbers in the files, and one comparison splits the rows of a
//! table; such rows are written as csv, with a letter before each code, and every other file is read as it
//! is.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nightshift::adapters::dataset::{ScanRequest, Table, named_files};
use nightshift::domain::frame::{Cells, Numbers};
use nightshift::learn::drift::ColumnPair;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// One column of one side.
pub(super) enum Column {
    Number(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

/// Both sides of a comparison.
pub(super) struct Comparison {
    files: [Vec<PathBuf>; 2],
    /// Name, reference, current; in the order of the golden file.
    columns: Vec<(String, [Column; 2])>,
    /// Columns that the command line cannot be given as they are.
    rewritten: Vec<bool>,
}

impl Column {
    fn cells(&self) -> Cells<'_> {
        match self {
            Self::Number(values) => Cells::Number(Numbers {
                values: Cow::Owned(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect()),
                nulls: values.iter().map(Option::is_none).collect(),
            }),
            Self::Text(values) => Cells::text(values.iter().map(Option::as_deref)),
        }
    }

    /// This column as the reference of `now`.
    pub(super) fn pair(&self, now: &Self) -> ColumnPair<'static> {
        ColumnPair::of(&self.cells(), &now.cells()).unwrap()
    }

    /// The numbers from the smallest to the largest.
    pub(super) fn sorted(&self) -> Vec<f64> {
        let Self::Number(values) = self else { panic!("wanted numbers") };
        let mut out: Vec<f64> = values.iter().flatten().copied().collect();
        out.sort_unstable_by(f64::total_cmp);
        out
    }

    /// Codes as the names of categories.
    fn named(self) -> Self {
        match self {
            Self::Number(values) => {
                let name = |value: Option<f64>| value.map(|value| format!("c{value}"));
                Self::Text(values.into_iter().map(name).collect())
            }
            Self::Text(values) => Self::Text(values),
        }
    }

    fn keep(self, wanted: impl Fn(u64) -> bool) -> Self {
        fn rows<T>(values: Vec<T>, wanted: impl Fn(u64) -> bool) -> Vec<T> {
            (0..).zip(values).filter(|(row, _)| wanted(*row)).map(|(_, value)| value).collect()
        }
        match self {
            Self::Number(values) => Self::Number(rows(values, wanted)),
            Self::Text(values) => Self::Text(rows(values, wanted)),
        }
    }

    fn field(&self, row: usize) -> String {
        match self {
            Self::Number(values) => values[row].map(|value| value.to_string()),
            Self::Text(values) => values[row].clone(),
        }
        .unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.cells().len()
    }
}

impl Comparison {
    /// Reads the files that `wanted` names below `data`.
    pub(super) fn read(data: &Path, wanted: &Value) -> Self {
        let files = ["reference_files", "current_files"].map(|key| {
            let names = wanted[key].as_array().unwrap().iter();
            names.map(|name| data.join(name.as_str().unwrap())).collect::<Vec<PathBuf>>()
        });
        let is_split = !wanted["split"].is_null();
        let kinds = wanted["columns"].as_object().unwrap();
        let names: Vec<String> = kinds.keys().cloned().collect();
        let [before, now] = [read(&files[0], &names), read(&files[1], &names)];
        let mut columns = Vec::new();
        let mut rewritten = Vec::new();
        for ((name, before), now) in names.into_iter().zip(before).zip(now) {
            let is_code = kinds[&name]["kind"] != "numeric" && matches!(before, Column::Number(_));
            let sides = if is_split {
                // The only split there is: "(i*2654435761 mod 2^32) < 2^31 (0-based i)".
                assert!(
                    wanted["split"].as_str().unwrap().contains("(i*2654435761 mod 2^32) < 2^31")
                );
                let is_reference = |row: u64| row * 2_654_435_761 % (1 << 32) < 1 << 31;
                [before.keep(is_reference), now.keep(|row| !is_reference(row))]
            } else {
                [before, now]
            };
            for (side, key) in sides.iter().zip(["n_ref", "n_cur"]) {
                assert_eq!(side.len() as u64, wanted[key].as_u64().unwrap(), "{name}");
            }
            columns.push((name, if is_code { sides.map(Column::named) } else { sides }));
            rewritten.push(is_code || is_split);
        }
        Self { files, columns, rewritten }
    }

    /// Reference and current of the column called `name`.
    pub(super) fn column(&self, name: &str) -> (&Column, &Column) {
        let (_, [before, now]) = self.columns.iter().find(|(found, _)| found == name).unwrap();
        (before, now)
    }

    /// What `nightshift drift` says of all columns, in one document or two.
    pub(super) fn compare(&self, sandbox: &Sandbox) -> Vec<Value> {
        let texts = |side: usize| -> Vec<String> {
            self.files[side].iter().map(|path| path.display().to_string()).collect()
        };
        let written = ["before.csv", "now.csv"].map(|name| vec![format!("data/{name}")]);
        for (side, [file]) in written.iter().map(|files| [&files[0]]).enumerate() {
            sandbox.write(file, self.table(side));
        }
        let [before, now] = written;
        let mut out = Vec::new();
        for (is_rewritten, [before, now]) in [(false, [texts(0), texts(1)]), (true, [before, now])]
        {
            let chosen = self.columns.iter().zip(&self.rewritten);
            let chosen = chosen.filter(|(_, rewritten)| **rewritten == is_rewritten);
            let names: Vec<&str> = chosen.map(|((name, _), _)| name.as_str()).collect();
            if names.is_empty() {
                continue;
            }
            let mut line = vec!["drift", "--exit-zero", "--output", "json", "--reference"];
            line.extend(before.iter().map(String::as_str));
            line.push("--current");
            line.extend(now.iter().map(String::as_str));
            line.extend(names.iter().flat_map(|name| ["--column", name]));
            out.push(sandbox.run(line).expect(0).json());
        }
        out
    }

    /// The columns of one side that are rewritten, as csv.
    fn table(&self, side: usize) -> String {
        let chosen = self.columns.iter().zip(&self.rewritten).filter(|(_, rewritten)| **rewritten);
        let (names, columns): (Vec<&str>, Vec<&Column>) =
            chosen.map(|((name, sides), _)| (name.as_str(), &sides[side])).unzip();
        let mut out = names.join(",");
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            let fields: Vec<String> = columns.iter().map(|column| column.field(row)).collect();
            write!(out, "\n{}", fields.join(",")).unwrap();
        }
        out.push('\n');
        out
    }
}

fn read(files: &[PathBuf], names: &[String]) -> Vec<Column> {
    let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let table = Table::open(&named_files(&files).unwrap(), None).unwrap();
    let request = ScanRequest { columns: names, id: None, time: None, batch_rows: 100_000 };
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let is_numeric = |name: &String| table.schema().kind(name).unwrap().is_numeric();
    let mut out: Vec<Column> =
        names
            .iter()
            .map(|name| {
                if is_numeric(name) { Column::Number(Vec::new()) } else { Column::Text(Vec::new()) }
            })
            .collect();
    let done = table.scan(&request, |batch| {
        for (out, found) in out.iter_mut().zip(batch.frame(&asked).unwrap().columns) {
            match (out, found.cells) {
                (Column::Number(out), Cells::Number(found)) => {
                    out.extend((0..found.values.len()).map(|row| found.value(row)));
                }
                (Column::Text(out), Cells::Text(found)) => {
                    out.extend(found.iter().map(|text| text.map(str::to_owned)));
                }
                _ => panic!("a column changed its form"),
            }
        }
        Ok::<(), std::fmt::Error>(())
    });
    done.unwrap();
    out
}
