//! The rows that a version is trained on, read into memory: features, label, weights, ids and times.
//!
//! Only rows before the tick and within `train.window` are read. Splitting them, and dropping those
//! without a label, comes later.

use crate::adapters::dataset::{Batch, ScanRequest, Table, TimeFilter};
use crate::domain::finding::Finding;
use crate::domain::frame::Frame;
use crate::domain::job::Job;
use crate::domain::table::{ColumnSchema, ColumnType, TableSchema};
use crate::engine::candidate::TrainPlan;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Progress, ProgressEvent};
use crate::engine::judge;
use crate::engine::pass::BATCH_ROWS;
use crate::engine::plan::zone;
use crate::learn::features::{FeatureColumn, choose};
use crate::learn::table::TrainingTable;

/// Rows with everything that training needs to know of them.
#[derive(Debug)]
pub struct TrainingRows {
    /// The columns that are features, the label, the weights, and what else gates look at.
    pub table: TrainingTable,
    /// The label column.
    pub label: String,
    /// The column of weights, on a job with `data.weight`; one of `table`.
    pub weight: Option<String>,
    /// The columns that are features.
    pub columns: Vec<FeatureColumn>,
    /// How many columns of the table come before those that are read besides.
    profiled: usize,
    /// Every column of the input, which the version pins.
    pub schema: TableSchema,
    /// One hash a row.
    pub ids: Vec<u64>,
    /// Microseconds since 1970-01-01 UTC, one a row, on a job with `data.time`.
    pub times: Option<Vec<i64>>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// Reads the rows before the end of the plan's interval, and within `train.window`.
pub fn read(
    plan: &TrainPlan,
    job: &Job,
    progress: Option<&Progress>,
) -> Result<TrainingRows, RunError> {
    let Some(label) = job.data.label.clone() else {
        let message = format!("job `{}` names no label, so there is nothing to learn", job.name);
        return Err(RunError::new("plan", Cause::Job, message).hint("set data.label"));
    };
    let table =
        Table::open(&plan.files, job.data.id.as_deref()).map_err(RunError::table("read"))?;
    let schema = table.schema().clone();
    let Some(label_kind) = schema.kind(&label) else {
        let message = format!("the label `{label}` is not a column of the training input");
        return Err(RunError::new("read", Cause::Data, message)
            .hint("data.label names a column of the files that `nightshift plan` lists"));
    };
    let columns = choose(&job.features, &schema, &reserved(job, &table, &label))
        .map_err(RunError::data("choose the features"))?;
    let mut kept: Vec<ColumnSchema> = columns
        .iter()
        .map(|column| ColumnSchema { name: column.name.clone(), kind: column.kind })
        .collect();
    kept.push(ColumnSchema { name: label.clone(), kind: label_kind });
    let profiled = kept.len();
    let weight = weight(job, &schema)?;
    for name in weight.iter().chain(&plan.also) {
        let is_new = kept.iter().all(|column| column.name != *name);
        if let Some(kind) = schema.kind(name).filter(|_| is_new) {
            kept.push(ColumnSchema { name: name.clone(), kind });
        }
    }
    let names: Vec<String> = kept.iter().map(|column| column.name.clone()).collect();
    let mut rows = TrainingRows {
        table: TrainingTable::new(&TableSchema { columns: kept }),
        label,
        weight,
        columns,
        profiled,
        schema,
        ids: Vec::new(),
        times: job.data.time.as_ref().map(|_| Vec::new()),
        findings: absent_columns(&table, &names),
    };
    let time = time_filter(plan, job)?;
    let request = ScanRequest {
        columns: &names,
        id: job.data.id.as_deref(),
        time: time.as_ref(),
        batch_rows: BATCH_ROWS,
    };
    let hint = table.rows_hint();
    let scanned = table.scan(&request, |batch| {
        rows.take(&batch, &names, job)?;
        if let Some(progress) = progress {
            let done = rows.table.rows() as u64;
            progress(ProgressEvent::Rows { done, of: hint, scored: 0 });
        }
        Ok(())
    });
    let receipt = scanned.map_err(RunError::from)?;
    rows.findings.extend(judge::rows_without_time(job, receipt.rows_without_time));
    Ok(rows)
}

impl TrainingRows {
    /// The features and the label at `rows`, in that order: what a version remembers of its data.
    pub fn profiled(&self, rows: &[usize]) -> Frame<'_> {
        let mut frame = self.table.frame(rows);
        frame.columns.truncate(self.profiled);
        frame
    }

    fn take(&mut self, batch: &Batch, names: &[String], job: &Job) -> Result<(), RunError> {
        let failed = RunError::table("read");
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let frame = batch.frame(&names).map_err(failed)?;
        self.table.push(&frame).map_err(RunError::data("keep the training rows"))?;
        self.ids.extend_from_slice(batch.id_hashes());
        if let (Some(times), Some(column)) = (&mut self.times, &job.data.time) {
            // The filter has left out rows without a time.
            let found = batch.times_micros(column, &zone(job)).map_err(failed)?;
            times.extend(found.into_iter().flatten());
        }
        Ok(())
    }
}

/// Columns that are never features: what they say is said elsewhere in the job.
fn reserved<'a>(job: &'a Job, table: &'a Table, label: &'a str) -> Vec<&'a str> {
    let mut out = vec![label];
    out.extend(job.data.id.as_deref());
    out.extend(job.data.time.as_deref());
    out.extend(job.data.weight.as_deref());
    out.extend(table.hive_keys().iter().map(String::as_str));
    out
}

/// The column of weights, if the job names one and the input has it as numbers.
fn weight(job: &Job, schema: &TableSchema) -> Result<Option<String>, RunError> {
    let Some(weight) = job.data.weight.clone() else { return Ok(None) };
    let refused = |message: String| {
        let hint = "data.weight names a numeric column of the files that `nightshift plan` lists; \
                    without the key every row counts once";
        Err(RunError::new("read", Cause::Data, message).hint(hint))
    };
    match schema.kind(&weight) {
        None => refused(format!("the weight `{weight}` is not a column of the training input")),
        Some(ColumnType::Integer | ColumnType::Float) => Ok(Some(weight)),
        Some(kind) => refused(format!("the weight `{weight}` is {kind}, wanted numbers")),
    }
}

/// Rows before the tick, and not further back than the window.
fn time_filter(plan: &TrainPlan, job: &Job) -> Result<Option<TimeFilter>, RunError> {
    let Some(column) = &job.data.time else { return Ok(None) };
    let until = plan.interval.end;
    let from = job
        .train
        .window
        .map(|window| until.checked_sub(window))
        .transpose()
        .map_err(|error| RunError::new("plan", Cause::Job, error))?;
    Ok(Some(TimeFilter { column: column.clone(), zone: zone(job), from, until: Some(until) }))
}

/// A column that some files lack is null in their rows; that is worth knowing before it is learned.
fn absent_columns(table: &Table, needed: &[String]) -> Vec<Finding> {
    table
        .absent()
        .iter()
        .filter(|absent| needed.contains(&absent.column))
        .map(|absent| {
            let message = format!(
                "column `{}` is not in `{}`; it is null in its rows",
                absent.column, absent.file
            );
            judge::warning("column_absent", &absent.column, message)
        })
        .collect()
}
