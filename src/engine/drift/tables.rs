//! Drift between any two tables, without a job, a project or a model.
//!
//! Both tables are held in memory and every number is computed from their values, not from profiles, so
//! that nothing is rounded to a grid. A column is paired when its turn comes and forgotten afterwards. The
//! rule is the one that a job's nights are judged by; nothing is recorded.

use rayon::prelude::*;

use crate::adapters::dataset::{Batch, ScanRequest, Table, named_files};
use crate::domain::finding::Finding;
use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
use crate::engine::drift::separation;
use crate::engine::error::{Cause, RunError};
use crate::engine::evaluate::no_such_column;
use crate::engine::pass::BATCH_ROWS;
use crate::learn::drift::domain_classifier::{Side, rows_to_compare, separate};
use crate::learn::drift::judge::{Question, Rule};
use crate::learn::drift::{Cell, ColumnPair, DriftReport, DriftTest, Mismatch, Subject, judge};
use crate::learn::profile::CellKind;
use crate::learn::table::TrainingTable;

/// What is asked for.
#[derive(Clone)]
pub struct TablesRequest {
    /// Paths or globs of the table that is compared with, anywhere on disk.
    pub reference: Vec<String>,
    /// Paths or globs of the table that may have drifted.
    pub current: Vec<String>,
    /// The columns to compare; none means all of the reference.
    pub columns: Vec<String>,
    /// How effects are measured; of each column the first test that accepts it decides.
    pub tests: Vec<&'static dyn DriftTest>,
    /// The smallest effect that counts.
    pub floor: f64,
    /// What else a drifted column or table is.
    pub rule: Rule,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct TablesDrift {
    /// Every column, with its numbers.
    pub report: DriftReport,
    /// All columns together.
    pub separation: Finding,
    /// Rows of both tables.
    pub rows: Cell,
    /// Columns of the reference that no test can compare.
    pub left_out: Vec<String>,
}

/// A column of the reference, and what it meets.
struct Asked {
    name: String,
    /// Its type in the reference.
    wanted: ColumnType,
    /// The type as which both sides are kept, or why they cannot be compared.
    shared: Result<ColumnType, Mismatch>,
}

impl Asked {
    fn new(column: &ColumnSchema, current: &TableSchema) -> Self {
        let wanted = column.kind;
        let shared = match current.kind(&column.name) {
            None => Err(Mismatch::Missing),
            // A column without any value has no type of its own.
            Some(found) if wanted == ColumnType::Empty && found != ColumnType::Nested => Ok(found),
            Some(found) if found.can_stand_for(wanted) => Ok(wanted),
            Some(found) => Err(Mismatch::Unlike { wanted, found }),
        };
        Self { name: column.name.clone(), wanted, shared }
    }

    fn kind(&self) -> CellKind {
        let kept = self.shared.as_ref().unwrap_or(&self.wanted);
        if kept.is_numeric() { CellKind::Number } else { CellKind::Text }
    }
}

/// Reads both tables and compares them column by column.
pub fn compare_tables(request: &TablesRequest) -> Result<TablesDrift, RunError> {
    let (reference, current) = (open(&request.reference)?, open(&request.current)?);
    let (asked, left_out) = choose(request, reference.schema(), current.schema())?;
    let comparable = asked.iter().filter_map(|asked| {
        let kind = *asked.shared.as_ref().ok()?;
        Some(ColumnSchema { name: asked.name.clone(), kind })
    });
    let schema = TableSchema { columns: comparable.collect() };
    let (before, now) = (keep(&reference, &schema)?, keep(&current, &schema)?);
    let places = [&before, &now].map(|table| (0..table.rows()).collect::<Vec<usize>>());
    let questions = asked.par_iter().map(|asked| {
        let cells = || {
            let before = before.cells(&asked.name, &places[0])?;
            Some((before, now.cells(&asked.name, &places[1])?))
        };
        let pair = match (&asked.shared, cells()) {
            (Err(mismatch), _) => Err(*mismatch),
            (Ok(_), Some((before, now))) => ColumnPair::of(&before, &now),
            (Ok(_), None) => Err(Mismatch::Missing),
        };
        let tests = request.tests.clone();
        let (kind, floor) = (asked.kind(), request.floor);
        let (column, subject, importance) = (asked.name.clone(), Subject::Feature, None);
        Question { column, subject, importance, kind, pair, tests, floor }
    });
    let report = judge(questions, request.rule);
    let separation = told_apart(&before, &now, &request.rule);
    let rows = Cell { reference: before.rows() as u64, current: now.rows() as u64 };
    Ok(TablesDrift { report, separation, rows, left_out })
}

/// Whether a classifier tells the rows of the two apart.
fn told_apart(before: &TrainingTable, now: &TrainingTable, rule: &Rule) -> Finding {
    let [reference, current] = [before, now].map(|table| {
        let (places, id_hashes) = rows_to_compare(table.rows());
        let table_rows = table.rows() as u64;
        Side { frame: table.frame(&places), id_hashes: id_hashes.into(), table_rows }
    });
    let columns: Vec<&str> = reference.frame.columns.iter().map(|column| column.name).collect();
    let found = separate(&reference, &current, &columns, rule);
    separation::finding(found, rule.alpha, "those of the reference")
}

fn open(patterns: &[String]) -> Result<Table, RunError> {
    let files = named_files(patterns).map_err(RunError::data("find the files"))?;
    Table::open(&files, None).map_err(RunError::data("read"))
}

/// The columns that are compared, and those that nobody named and no test can compare.
fn choose(
    request: &TablesRequest,
    reference: &TableSchema,
    current: &TableSchema,
) -> Result<(Vec<Asked>, Vec<String>), RunError> {
    if let Some(name) = request.columns.iter().find(|name| reference.kind(name).is_none()) {
        return Err(no_such_column(name, reference));
    }
    let is_named = |name: &String| request.columns.is_empty() || request.columns.contains(name);
    let named = reference.columns.iter().filter(|column| is_named(&column.name));
    let (asked, left_out): (Vec<Asked>, Vec<Asked>) =
        named.map(|column| Asked::new(column, current)).partition(|asked| {
            let is_plain = asked.wanted != ColumnType::Nested;
            is_plain && request.tests.iter().any(|test| test.accepts(asked.kind()))
        });
    let wrong = |message: String| Err(RunError::new("choose the columns", Cause::Request, message));
    match (asked.is_empty(), left_out.first()) {
        (_, Some(first)) if !request.columns.is_empty() => {
            let (name, wanted) = (&first.name, first.wanted);
            wrong(format!("column `{name}` is {wanted}, which none of the tests compares"))
        }
        (true, _) => wrong("the reference has no column that a test compares".to_owned()),
        (false, _) => Ok((asked, left_out.into_iter().map(|asked| asked.name).collect())),
    }
}

/// The columns of `schema`, in memory; one without any value takes the type it has there.
fn keep(table: &Table, schema: &TableSchema) -> Result<TrainingTable, RunError> {
    let mut kept = TrainingTable::new(schema);
    let columns: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let scan = ScanRequest { columns: &columns, id: None, time: None, batch_rows: BATCH_ROWS };
    table.scan(&scan, |batch: Batch| {
        let frame = batch.frame(&names).map_err(RunError::table("read"))?;
        kept.push(&frame).map_err(RunError::data("keep the rows"))
    })?;
    Ok(kept)
}
