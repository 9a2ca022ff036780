//! The scores of a run, as the parquet file that readers follow the manifest to.
//!
//! One row for each row that was scored, in the order of the input: id, copied columns, scores,
//! decision, model version. The file has all of its columns even if it has no rows.

use std::collections::HashSet;
use std::path::Path;

use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, Field, NewChunkedArray as _, PlSmallStr, Schema,
};

use super::batch::{Batch, MADE_UP_ID};
use super::error::DatasetError;
use super::id::IdSet;
use super::staged_parquet::{StagedParquet, Written};
use super::table::Table;

const PREDICTION: &str = "prediction";
const DECISION: &str = "decision";
const MODEL_VERSION: &str = "model_version";

/// Which columns a part has.
#[derive(Debug, Clone, Default)]
pub struct PartLayout {
    /// The id column of the source; `None` writes `<relative path>#<row>` as `id`.
    pub id: Option<String>,
    /// Columns of the source that are copied.
    pub copied: Vec<String>,
    /// `score`, or `score_<class>` for each class.
    pub scores: Vec<String>,
    /// Whether there is a column `prediction` with the name of a class.
    pub with_prediction: bool,
    /// Whether there is a column `decision`.
    pub with_decision: bool,
    /// The version of the model, the same in every row.
    pub model_version: String,
}

/// What a model says about the rows of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct PartRows<'a> {
    /// One flag a row, false for those that are set aside; `None` keeps all.
    pub keep: Option<&'a [bool]>,
    /// For each score column one value a row.
    pub scores: &'a [&'a [f64]],
    /// One class a row; needed if the layout says so.
    pub prediction: Option<&'a [&'a str]>,
    /// One decision a row; needed if the layout says so.
    pub decision: Option<&'a [bool]>,
}

/// Writes a part.
pub struct PartWriter {
    file: StagedParquet,
    layout: PartLayout,
    /// The copied columns without the id column.
    copied: Vec<String>,
    id_set: IdSet,
}

impl PartWriter {
    /// Creates the file at `path`, which must not exist; `table` says the types of the source columns.
    pub fn create(path: &Path, layout: PartLayout, table: &Table) -> Result<Self, DatasetError> {
        let copied: Vec<String> = without(&layout.copied, layout.id.as_deref());
        let mut fields = source_fields(layout.id.as_deref(), &copied, table)?;
        let mut add = |name: &str, dtype: DataType| fields.push(Field::new(name.into(), dtype));
        layout.scores.iter().for_each(|name| add(name, DataType::Float64));
        if layout.with_prediction {
            add(PREDICTION, DataType::String);
        }
        if layout.with_decision {
            add(DECISION, DataType::Boolean);
        }
        add(MODEL_VERSION, DataType::String);
        let mut schema = schema_of(fields)?;
        // The same in every row, and among the others only so that none of them has its name.
        schema.shift_remove(MODEL_VERSION);
        let version = &layout.model_version;
        let file = StagedParquet::create_with_text(path, schema, MODEL_VERSION, version)?;
        Ok(Self { file, layout, copied, id_set: IdSet::default() })
    }

    /// Adds the rows of a batch, without those that are set aside.
    ///
    /// # Panics
    /// If the columns of `rows` are not those of the layout, or not as long as the batch.
    pub fn write(&mut self, batch: &Batch, rows: &PartRows<'_>) -> Result<(), DatasetError> {
        let length = batch.rows();
        assert_eq!(rows.scores.len(), self.layout.scores.len(), "one slice for each score column");
        assert_eq!(rows.prediction.is_some(), self.layout.with_prediction, "as the layout says");
        assert_eq!(rows.decision.is_some(), self.layout.with_decision, "as the layout says");
        let mut columns = source_columns(batch, &self.copied)?;
        for (name, scores) in self.layout.scores.iter().zip(rows.scores) {
            columns.push(Column::new(name.into(), *scores));
        }
        if let Some(prediction) = rows.prediction {
            columns.push(Column::new(PREDICTION.into(), prediction));
        }
        if let Some(decision) = rows.decision {
            columns.push(Column::new(DECISION.into(), decision));
        }
        let hashes = batch.id_hashes();
        match rows.keep {
            None => self.id_set.extend(hashes),
            Some(keep) => {
                assert_eq!(keep.len(), length, "one flag a row");
                let kept = hashes.iter().zip(keep).filter(|(_, keep)| **keep);
                kept.for_each(|(hash, _)| self.id_set.add(*hash));
                columns = kept_rows(batch, columns, keep)?;
            }
        }
        self.file.write(columns)
    }

    /// Waits until everything is on disk.
    pub fn finish(self) -> Result<Written, DatasetError> {
        self.file.finish(self.id_set)
    }
}

/// `names` without the id column, which is written anyway.
pub(super) fn without(names: &[String], id: Option<&str>) -> Vec<String> {
    names.iter().filter(|name| Some(name.as_str()) != id).cloned().collect()
}

/// The id and the copied columns of an output file.
pub(super) fn source_fields(
    id: Option<&str>,
    copied: &[String],
    table: &Table,
) -> Result<Vec<Field>, DatasetError> {
    let mut out = Vec::with_capacity(copied.len() + 1);
    if id.is_none() {
        out.push(Field::new(MADE_UP_ID.into(), DataType::String));
    }
    for name in id.into_iter().chain(copied.iter().map(String::as_str)) {
        let dtype = match &table.column(name)?.dtype {
            // Parquet has no type for a column without values.
            DataType::Null => DataType::String,
            known => known.clone(),
        };
        out.push(Field::new(name.into(), dtype));
    }
    Ok(out)
}

/// A schema in which no name occurs twice.
pub(super) fn schema_of(fields: Vec<Field>) -> Result<Schema, DatasetError> {
    let mut seen = HashSet::new();
    for field in &fields {
        if !seen.insert(field.name().clone()) {
            let problem =
                "would be in the output twice; rename it or leave it out of score.columns";
            return Err(DatasetError::column(field.name(), problem));
        }
    }
    Ok(Schema::from_iter(fields))
}

/// The id and the copied columns of a batch.
pub(super) fn source_columns(
    batch: &Batch,
    copied: &[String],
) -> Result<Vec<Column>, DatasetError> {
    let mut out = Vec::with_capacity(copied.len() + 5);
    out.push(typed(&batch.id_column()?, batch)?);
    for name in copied {
        out.push(typed(batch.column(name)?, batch)?);
    }
    Ok(out)
}

fn typed(column: &Column, batch: &Batch) -> Result<Column, DatasetError> {
    if *column.dtype() != DataType::Null {
        return Ok(column.clone());
    }
    column.cast(&DataType::String).map_err(DatasetError::polars("copy rows of", batch.file()))
}

/// The rows of `columns` whose flag is true.
pub(super) fn kept_rows(
    batch: &Batch,
    columns: Vec<Column>,
    keep: &[bool],
) -> Result<Vec<Column>, DatasetError> {
    let wrong = || DatasetError::polars("copy rows of", batch.file());
    let mask = BooleanChunked::from_slice(PlSmallStr::EMPTY, keep);
    let all = DataFrame::new(batch.rows(), columns).map_err(wrong())?;
    Ok(all.filter(&mask).map_err(wrong())?.into_columns())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::dataset::fixture::{Folder, read};
    use crate::adapters::dataset::{QuarantineWriter, ScanRequest, integer_id_hash};
    use crate::domain::table::ColumnType;

    const CSV: &str = "id,city,x\n1,Bern,0.5\n2,,1.5\n3,Ulm,2.5\n";

    fn layout(id: Option<&str>) -> PartLayout {
        PartLayout {
            id: id.map(str::to_owned),
            copied: vec!["city".into(), "id".into()],
            scores: vec!["score".into()],
            with_decision: true,
            model_version: "v3".into(),
            ..PartLayout::default()
        }
    }

    /// Writes the rows of `table` but the second, scored by their `x`; sets the second aside.
    fn write(table: &Table, folder: &Folder, id: Option<&str>) -> (Written, Option<Written>) {
        let mut part = PartWriter::create(&folder.path("part.parquet"), layout(id), table).unwrap();
        let aside = folder.path("aside.parquet");
        let mut quarantine = QuarantineWriter::new(&aside, id, &["city".into()], table);
        let columns = ["city".into(), "x".into(), "id".into()];
        let request = ScanRequest { columns: &columns, id, time: None, batch_rows: 10 };
        let scanned = table.scan(&request, |batch| {
            let scores = [0.1, 0.2, 0.3];
            let rows = PartRows {
                keep: Some(&[true, false, true]),
                scores: &[&scores],
                decision: Some(&[true, true, false]),
                prediction: None,
            };
            part.write(&batch, &rows)?;
            quarantine.write(&batch, &[None, Some("city is null"), None])
        });
        scanned.unwrap();
        (part.finish().unwrap(), quarantine.finish().unwrap())
    }

    fn columns(table: &Table) -> Vec<String> {
        let columns = table.schema().columns.iter();
        columns.map(|column| format!("{} {}", column.name, column.kind)).collect()
    }

    #[test]
    fn a_part_and_a_quarantine_hold_every_row_once() {
        let folder = Folder::with(&[("t.csv", CSV)]);
        let table = folder.table("t.csv", Some("id")).unwrap();
        let (part, quarantine) = write(&table, &folder, Some("id"));
        let quarantine = quarantine.unwrap();
        assert_eq!((part.rows, quarantine.rows), (2, 1));
        let mut both = part.id_set;
        both.merge(&quarantine.id_set);
        let mut all = IdSet::default();
        all.extend(&[1, 2, 3].map(integer_id_hash));
        assert_eq!(both, all);

        let read_back = folder.table("part.parquet", Some("id")).unwrap();
        assert_eq!(
            columns(&read_back),
            ["id integer", "city text", "score float", "decision boolean", "model_version text"]
        );
        let names = ["city", "score", "decision", "model_version"];
        let (lines, _) = read(&read_back, &names, Some("id"), None).unwrap();
        assert_eq!(lines, ["1|\"Bern\"|0.1|1|\"v3\"", "3|\"Ulm\"|0.3|0|\"v3\""]);
        let read_back = folder.table("aside.parquet", Some("id")).unwrap();
        let (lines, _) = read(&read_back, &["city", "reason"], Some("id"), None).unwrap();
        assert_eq!(lines, ["2|null|\"city is null\""]);
    }

    #[test]
    fn made_up_ids_are_text() {
        let folder = Folder::with(&[("t.csv", &CSV.replacen("id,", "key,", 1))]);
        let table = folder.table("t.csv", None).unwrap();
        let layout = PartLayout { copied: vec![], with_decision: false, ..layout(None) };
        let mut part = PartWriter::create(&folder.path("part.parquet"), layout, &table).unwrap();
        let request = ScanRequest { columns: &[], id: None, time: None, batch_rows: 10 };
        let scores = [0.1, 0.2, 0.3];
        let rows = PartRows { scores: &[&scores], ..PartRows::default() };
        table.scan(&request, |batch| part.write(&batch, &rows)).unwrap();
        part.finish().unwrap();
        let read_back = folder.table("part.parquet", Some("id")).unwrap();
        let (lines, _) = read(&read_back, &["score"], Some("id"), None).unwrap();
        assert_eq!(lines, ["t.csv#1|0.1", "t.csv#2|0.2", "t.csv#3|0.3"]);
    }

    #[test]
    fn no_rows_are_a_part_with_all_columns() {
        let folder = Folder::with(&[("t.csv", "id,city,x\n")]);
        let table = folder.table("t.csv", Some("id")).unwrap();
        let layout = PartLayout {
            scores: vec!["score_a".into(), "score_b".into()],
            with_prediction: true,
            ..layout(Some("id"))
        };
        let part = PartWriter::create(&folder.path("part.parquet"), layout, &table).unwrap();
        let written = part.finish().unwrap();
        assert_eq!((written.rows, written.id_set), (0, IdSet::default()));
        let read_back = folder.table("part.parquet", None).unwrap();
        let expect = [
            "id text",
            "city text",
            "score_a float",
            "score_b float",
            "prediction text",
            "decision boolean",
            "model_version text",
        ];
        assert_eq!(columns(&read_back), expect);
        let aside = folder.path("aside.parquet");
        let quarantine = QuarantineWriter::new(&aside, None, &[], &table);
        assert_eq!(quarantine.finish().unwrap(), None);
        assert!(!aside.exists());
    }

    #[test]
    fn a_column_that_would_be_written_twice_is_refused() {
        let folder = Folder::with(&[("t.csv", "score,id,when\n1,2,2026-01-05\n")]);
        let table = folder.table("t.csv", Some("id")).unwrap();
        let create = |id: Option<&str>, copied: &[&str]| {
            let copied = copied.iter().map(|name| (*name).to_owned()).collect();
            let layout = PartLayout { copied, ..layout(id) };
            PartWriter::create(&folder.path("part.parquet"), layout, &table)
        };
        for (id, copied, twice) in [
            (Some("id"), &["score"][..], "score"),
            (Some("id"), &["when", "when"], "when"),
            (None, &["id"], "id"),
        ] {
            let told = create(id, copied).err().map(|error| error.to_string()).unwrap();
            assert!(
                told.starts_with(&format!("column `{twice}` would be in the output twice")),
                "{told}"
            );
        }
        let told = create(Some("id"), &["town"]).err().map(|error| error.to_string());
        assert_eq!(told.as_deref(), Some("column `town` is not in `t.csv`"));
        assert!(!folder.path("part.parquet").exists());
        assert_eq!(table.schema().kind("when"), Some(ColumnType::Date));
    }
}
