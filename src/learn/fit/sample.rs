//! A made-up table with everything that features can be, for tests of what happens after fitting.
//!
//! Its columns follow from the row number alone, so that a test can ask for any number of rows. It has
//! nulls, NaN and infinities, an offset that costs digits, and an empty category.

use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use crate::domain::job::Job;
use crate::domain::job::parse::parse;
use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
use crate::learn::artifact::{Artifact, TrainingFacts};
use crate::learn::features::choose;
use crate::learn::fit::{Examples, fit_examples};
use crate::learn::model::read_labels;
use crate::learn::profile::ReferenceProfile;
use crate::learn::split::FittedRows;
use crate::learn::table::TrainingTable;
use crate::learn::weights::read_weights;

/// Columns `x0`, `x1` (with nulls, NaN and infinities), `city` (text with nulls), `code` (integers) and the
/// labels `two`, `three` and `value`, which depend on them.
pub(crate) struct Sample {
    names: Vec<&'static str>,
    numbers: Vec<Numbers<'static>>,
    city: Vec<Option<&'static str>>,
}

/// The kinds of models with a task that each can do.
pub(crate) const FITS: &[(&str, &str, &str)] = &[
    ("two", "binary", "logistic"),
    ("three", "multiclass", "logistic"),
    ("value", "regression", "linear"),
    ("value", "regression", "elastic_net"),
    ("two", "multiclass", "logistic"),
    ("two", "binary", "gaussian_nb"),
    ("two", "multiclass", "gaussian_nb"),
    ("three", "multiclass", "gaussian_nb"),
    ("two", "binary", "decision_tree"),
    ("three", "multiclass", "decision_tree"),
    ("value", "regression", "decision_tree"),
    ("two", "binary", "random_forest"),
    ("three", "multiclass", "random_forest"),
    ("value", "regression", "random_forest"),
    ("two", "binary", "gradient_boosting"),
    ("two", "multiclass", "gradient_boosting"),
    ("three", "multiclass", "gradient_boosting"),
    ("value", "regression", "gradient_boosting"),
    ("two", "binary", "ftrl"),
    ("two", "binary", "dummy"),
    ("three", "multiclass", "dummy"),
    ("value", "regression", "dummy"),
];

impl Sample {
    pub(crate) fn new(rows: u32) -> Self {
        let noise = |row: u32, salt: u32| {
            let mixed = (row ^ salt.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
            f64::from((mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35)) / f64::from(u32::MAX)
        };
        let x0 = |row| 1e6 + 100.0 * noise(row, 1);
        let x1 = |row: u32| match row % 19 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            _ => noise(row, 2),
        };
        let code = |row: u32| f64::from(row % 7 % 4);
        let signal = move |row| {
            (x0(row) - 1e6) / 50.0 + f64::from(row % 3) + code(row) / 2.0 + noise(row, 3)
        };
        let column = |of: &dyn Fn(u32) -> f64| Numbers {
            values: (0..rows).map(of).collect(),
            nulls: Vec::new(),
        };
        let mut with_nulls = column(&x1);
        with_nulls.nulls = (0..rows).map(|row| row % 23 == 5).collect();
        let numbers = vec![
            column(&x0),
            with_nulls,
            column(&code),
            column(&|row| f64::from(u8::from(signal(row) > 2.9))),
            column(&|row| signal(row).floor().clamp(1.0, 3.0)),
            column(&|row| signal(row) * 10.0),
        ];
        let city = |row: u32| match row % 3 {
            _ if row % 29 == 3 => None,
            0 => Some("Aachen"),
            1 => Some(""),
            _ => Some("a city with a rather long name"),
        };
        Self {
            names: vec!["x0", "x1", "code", "two", "three", "value"],
            numbers,
            city: (0..rows).map(city).collect(),
        }
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        let numbers = self
            .names
            .iter()
            .zip(&self.numbers)
            .map(|(name, numbers)| FrameColumn { name, cells: Cells::Number(numbers.clone()) });
        let city = FrameColumn { name: "city", cells: Cells::text(self.city.clone()) };
        Frame { rows: self.city.len(), columns: numbers.chain([city]).collect() }
    }

    pub(crate) fn schema() -> TableSchema {
        let column =
            |(name, kind): (&str, ColumnType)| ColumnSchema { name: name.to_owned(), kind };
        let columns = [
            ("x0", ColumnType::Float),
            ("x1", ColumnType::Float),
            ("code", ColumnType::Integer),
            ("two", ColumnType::Boolean),
            ("three", ColumnType::Integer),
            ("value", ColumnType::Float),
            ("city", ColumnType::Text),
        ];
        TableSchema { columns: columns.into_iter().map(column).collect() }
    }

    pub(crate) fn job(label: &str, task: &str, kind: &str) -> Job {
        let text = format!(
            "name = \"sample\"\n[data]\nsource = \"data/*.csv\"\nlabel = \"{label}\"\n\
             [features]\nnumeric = [\"x0\", \"x1\"]\ncategorical = [\"city\", \"code\"]\n\
             [model]\ntask = \"{task}\"\nkind = \"{kind}\"\n[score]\noutput = \"scores/sample\"\n"
        );
        parse("sample.toml", text.as_bytes()).unwrap()
    }

    /// An artifact fitted to all rows.
    pub(crate) fn artifact(&self, label: &str, task: &str, kind: &str) -> Artifact {
        self.artifact_of(&Self::job(label, task, kind))
    }

    /// An artifact of a job that was made by [`Sample::job`] and changed, fitted to all rows.
    pub(crate) fn artifact_of(&self, job: &Job) -> Artifact {
        let label = job.data.label.as_deref().unwrap();
        let mut table = TrainingTable::new(&Self::schema());
        table.push(&self.frame()).unwrap();
        let rows: Vec<usize> = (0..table.rows()).collect();
        let labels =
            read_labels(job.model.task, &table.cells(label, &rows).unwrap()).unwrap().labels;
        let columns = choose(&job.features, &Self::schema(), &[label]).unwrap();
        let weights = job.data.weight.as_ref().map(|column| table.cells(column, &rows).unwrap());
        let weights = weights.map(|cells| read_weights(&cells, &rows).unwrap());
        let examples = Examples { weights, ..Examples::plain(&rows, &labels) };
        let fitted = fit_examples(job, &columns, &table, &examples).unwrap();
        let facts = TrainingFacts {
            model: "sample".to_owned(),
            tick: "2026-01-05T00:00:00Z".to_owned(),
            rows: rows.len() as u64,
            rows_test: 0,
            interval_micros: Some((-1, 1)),
            fitted: FittedRows { span_micros: Some((-1, 1)), random: Some((7, 0.2)) },
            data_sha256: [1; 32],
            job_sha256: [2; 32],
            seed: 7,
            versions: vec![("nightshift".to_owned(), "0.1.0".to_owned())],
        };
        fitted.into_artifact(facts, Self::schema(), ReferenceProfile::default())
    }
}
