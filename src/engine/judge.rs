//! Findings that no single batch can make: the schema, the whole table, the share that was set aside.
//!
//! Every finding is made, none stops the others, so that a user sees all of them at once. What they
//! lead to is decided in `domain::decide`.

/// An input without a row.
mod empty;

use jiff::Timestamp;

pub use self::empty::{EXPLAIN, INPUT_EMPTY, Searched, input_empty};

use crate::adapters::dataset::Written;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::{CheckAction, Job};
use crate::domain::table::{SchemaDifference, TableSchema};
use crate::engine::error::{Cause, RunError};
use crate::engine::report::Rows;
use crate::learn::agreement::Agreement;
use crate::learn::artifact::Artifact;
use crate::learn::check::{ColumnFacts, TableFacts, judge_table};
use crate::learn::profile::TableProfile;

/// The id of the findings of [`schema`].
pub const SCHEMA: &str = "schema";

/// Compares the table with the schema that the version pins.
///
/// A missing or re-typed column that the run needs is an error that names them all; any other
/// difference is a finding that warns.
pub fn schema(
    job: &Job,
    artifact: &Artifact,
    found: &TableSchema,
) -> Result<Vec<Finding>, RunError> {
    let needed = |column: &str| {
        artifact.features.columns().any(|name| name == column)
            || job.data.id.as_deref() == Some(column)
            || job.data.time.as_deref() == Some(column)
            || job.score.columns.iter().any(|name| name == column)
    };
    let mut fatal = Vec::new();
    let mut out = Vec::new();
    for difference in artifact.schema.differences(found) {
        let (SchemaDifference::Missing { column, .. }
        | SchemaDifference::Retyped { column, .. }
        | SchemaDifference::Extra { column, .. }) = &difference;
        // Both are for training only.
        let is_learned_from = [&job.data.label, &job.data.weight]
            .into_iter()
            .any(|name| name.as_deref() == Some(column));
        match &difference {
            SchemaDifference::Missing { .. } if is_learned_from => {}
            SchemaDifference::Missing { .. } | SchemaDifference::Retyped { .. }
                if needed(column) =>
            {
                fatal.push(difference.to_string());
            }
            _ => out.push(warning(SCHEMA, column, difference.to_string())),
        }
    }
    for column in &job.score.columns {
        if found.kind(column).is_none() && artifact.schema.kind(column).is_none() {
            fatal.push(format!("column `{column}` of score.columns is missing"));
        }
    }
    if fatal.is_empty() {
        return Ok(out);
    }
    let message = format!("the input does not fit the model version: {}", fatal.join("; "));
    Err(RunError::new("read", Cause::Data, message)
        .hint("mend the input, or train a version on the new columns with `nightshift train`"))
}

/// Rows that have no time and so belong to no interval.
pub fn rows_without_time(job: &Job, rows: u64) -> Option<Finding> {
    let column = job.data.time.as_deref().filter(|_| rows > 0)?;
    let message = format!("{rows} rows have no `{column}`; they belong to no interval");
    let mut out = warning("time_null", column, message);
    out.value = Some(rows as f64);
    Some(out)
}

/// Ids that occur more than once: a failing finding, since a score could not be traced to its row.
pub fn duplicate_ids(job: &Job, found: u64, named: &[String]) -> Option<Finding> {
    if named.is_empty() {
        return None;
    }
    let examples: Vec<String> = named.iter().map(|id| format!("`{id}`")).collect();
    let column = job.data.id.as_deref().unwrap_or("<relative path>#<row>");
    let message = format!(
        "{found} ids in `{column}` occur more than once, {} among them; wanted each once within a tick",
        examples.join(", ")
    );
    let mut out = Finding::new(FindingKind::Check, "id_unique", FindingVerdict::Fail, message);
    out.column.clone_from(&job.data.id);
    out.value = Some(found as f64);
    out.limit = Some(0.0);
    Some(out)
}

/// The checks on the table's profile, the share that was set aside, and numbers that are not finite.
pub fn table(
    job: &Job,
    profile: &TableProfile,
    rows: Rows,
    newest: Option<Timestamp>,
    tick: Timestamp,
) -> Vec<Finding> {
    let columns = profile
        .columns
        .iter()
        .map(|column| {
            let profiled = column.facts();
            let facts = ColumnFacts { rows: rows.read, nulls: profiled.nulls, mean: profiled.mean };
            (column.name.clone(), facts)
        })
        .collect();
    let facts = TableFacts { rows: rows.read, columns, newest };
    let mut out = judge_table(&job.checks, &facts, tick);
    for column in &profile.columns {
        let facts = column.facts();
        let not_finite = facts.nans + facts.infinities;
        if not_finite > 0 {
            let message = format!(
                "column `{}` holds {not_finite} NaN or infinite values; they are imputed as if missing",
                column.name
            );
            let mut finding = warning("not_finite", &column.name, message);
            finding.value = Some(not_finite as f64);
            out.push(finding);
        }
    }
    if job.checks.iter().any(|check| check.then == CheckAction::Quarantine) {
        out.push(quarantine(job, rows));
    }
    out
}

/// Whether the share of rows that was set aside is within `score.quarantine_max`.
fn quarantine(job: &Job, rows: Rows) -> Finding {
    let share = if rows.read == 0 { 0.0 } else { rows.quarantined as f64 / rows.read as f64 };
    let limit = job.score.quarantine_max;
    let verdict = if share <= limit { FindingVerdict::Pass } else { FindingVerdict::Fail };
    let message = format!(
        "{} of {} rows were set aside, a share of {share:.4}; at most {limit} may be",
        rows.quarantined, rows.read
    );
    let mut out = Finding::new(FindingKind::Check, "quarantine_max", verdict, message);
    out.value = Some(share);
    out.limit = Some(limit);
    out
}

/// What a correction changes of what was published before.
pub fn correction(agreement: &Agreement, changes: Option<&Written>) -> Finding {
    let rows = agreement.rows();
    let flipped = changes.map_or(0, |written| written.rows);
    let (metric, message) = match agreement.flips() {
        Some(_) => ("changed_decisions", format!("{flipped} of {rows} decisions changed")),
        None => ("corrected_rows", format!("the scores of {rows} rows were made anew")),
    };
    let mut out = Finding::new(FindingKind::Watch, "correction", FindingVerdict::Pass, message);
    out.metric = Some(metric.to_owned());
    out.value = Some(if agreement.flips().is_some() { flipped as f64 } else { rows as f64 });
    out
}

/// That the version which published before cannot score these rows again.
pub fn uncompared(reason: &str) -> Finding {
    let message =
        format!("changed decisions are not listed, the version replaced cannot score: {reason}");
    Finding::new(FindingKind::Watch, "correction", FindingVerdict::Warn, message)
}

/// A finding of a check that changes nothing, about a column.
pub fn warning(id: &str, column: &str, message: String) -> Finding {
    let mut out = Finding::new(FindingKind::Check, id, FindingVerdict::Warn, message);
    out.column = Some(column.to_owned());
    out
}
