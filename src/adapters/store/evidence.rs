//! What a run read and found: input files, findings, profiles, output files.
//!
//! Each belongs to the run, not to an attempt: what a later attempt writes replaces what an earlier one
//! left. Rows are inserted many at a time, because the cost is the trip to `SQLite`'s thread.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::adapters::store::codec::{count_value, number, optional_time, text, time_text};
use crate::adapters::store::queue::require_fence;
use crate::adapters::store::{
    Input, ModelPin, NewOutput, OutputPlace, OutputRecord, OutputRole, Profile, Store, StoreError,
};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::{RunId, Sha256};
use crate::domain::layout::{Location, RootName};
use crate::domain::run::Claim;

/// Rows of one insert. With 15 columns that is half of what `SQLite` binds at most (32,766).
const ROWS_PER_INSERT: usize = 1_000;

impl Store {
    /// Records what a run is about to read, and pins the version that it scores with.
    pub async fn record_plan(
        &self,
        claim: &Claim,
        model: Option<ModelPin>,
        inputs: &[Input],
    ) -> Result<(), StoreError> {
        const ACTION: &str = "record the plan of a run";
        let mut transaction = self.begin(ACTION).await?;
        let changed = sqlx::query(PIN_MODEL)
            .bind(claim.run.as_str())
            .bind(claim.token)
            .bind(model.map(|pin| pin.version.0))
            .bind(model.map(|pin| pin.sha256.to_string()))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?
            .rows_affected();
        require_fence(changed, claim).map_err(|stop| self.stopped(ACTION, stop))?;
        replace_inputs(&mut transaction, &claim.run, inputs)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await
    }

    /// The files that a run read, in order.
    pub async fn inputs(&self, run: &RunId) -> Result<Vec<Input>, StoreError> {
        sqlx::query(SELECT_INPUTS)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| input(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the inputs of a run", source))
    }

    /// What a run found, in order.
    pub async fn findings(&self, run: &RunId) -> Result<Vec<Finding>, StoreError> {
        sqlx::query(SELECT_FINDINGS)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| finding(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the findings of a run", source))
    }

    /// A profile of a run.
    pub async fn profile(&self, run: &RunId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar(SELECT_PROFILE)
            .bind(run.as_str())
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read a profile", source))
    }

    /// The files of a run, in order of publication.
    pub async fn outputs(&self, run: &RunId) -> Result<Vec<OutputRecord>, StoreError> {
        sqlx::query(SELECT_OUTPUTS)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| output(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the outputs of a run", source))
    }

    /// Records that the files of a run are gone on purpose.
    pub async fn outputs_removed(&self, run: &RunId, at: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "record removed outputs";
        let mut transaction = self.begin(ACTION).await?;
        sqlx::query(MARK_REMOVED)
            .bind(run.as_str())
            .bind(time_text(at))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await
    }
}

const PIN_MODEL: &str = "update run set model_version = ?3, model_sha256 = ?4
     where id = ?1 and token = ?2 and state in ('claimed', 'running')";

const SELECT_INPUTS: &str = "select * from input where run = ?1 order by seq";

const SELECT_FINDINGS: &str = "select * from finding where run = ?1 order by seq";

const SELECT_PROFILE: &str = "select body from profile where run = ?1 and name = ?2";

const SELECT_OUTPUTS: &str = "select * from output where run = ?1 order by seq";

const MARK_REMOVED: &str = "update output set removed_at = ?2
     where run = ?1 and role <> 'model' and removed_at is null";

async fn replace_inputs(
    connection: &mut SqliteConnection,
    run: &RunId,
    inputs: &[Input],
) -> Result<(), sqlx::Error> {
    sqlx::query(DELETE_INPUTS).bind(run.as_str()).execute(&mut *connection).await?;
    let numbered: Vec<_> = inputs.iter().zip(0_i64..).collect();
    for some in numbered.chunks(ROWS_PER_INSERT) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("insert into input (run, seq, path, size_bytes, sha256) ");
        insert.push_values(some, |mut row, (input, seq)| {
            row.push_bind(run.as_str().to_owned())
                .push_bind(*seq)
                .push_bind(input.path.clone())
                .push_bind(count_value(input.size_bytes))
                .push_bind(input.sha256.to_string());
        });
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

const DELETE_INPUTS: &str = "delete from input where run = ?1";

/// Replaces the findings of a run.
pub(super) async fn replace_findings(
    connection: &mut SqliteConnection,
    run: &RunId,
    findings: &[Finding],
) -> Result<(), sqlx::Error> {
    sqlx::query(DELETE_FINDINGS).bind(run.as_str()).execute(&mut *connection).await?;
    let numbered: Vec<_> = findings.iter().zip(0_i64..).collect();
    for some in numbered.chunks(ROWS_PER_INSERT) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "insert into finding (run, seq, kind, test, column_name, slice, metric, value, baseline, \
             low, high, p_value, limit_value, verdict, message) ",
        );
        insert.push_values(some, |mut row, (finding, seq)| {
            row.push_bind(run.as_str().to_owned())
                .push_bind(*seq)
                .push_bind(finding.kind.id())
                .push_bind(finding.id.clone())
                .push_bind(finding.column.clone())
                .push_bind(finding.slice.clone())
                .push_bind(finding.metric.clone())
                .push_bind(finding.value)
                .push_bind(finding.baseline)
                .push_bind(finding.low)
                .push_bind(finding.high)
                .push_bind(finding.p_value)
                .push_bind(finding.limit)
                .push_bind(finding.verdict.id())
                .push_bind(finding.message.clone());
        });
        insert.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

const DELETE_FINDINGS: &str = "delete from finding where run = ?1";

/// Replaces the profiles of a run.
pub(super) async fn replace_profiles(
    connection: &mut SqliteConnection,
    run: &RunId,
    profiles: &[Profile],
) -> Result<(), sqlx::Error> {
    sqlx::query(DELETE_PROFILES).bind(run.as_str()).execute(&mut *connection).await?;
    for profile in profiles {
        sqlx::query(INSERT_PROFILE)
            .bind(run.as_str())
            .bind(&profile.name)
            .bind(&profile.body)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const DELETE_PROFILES: &str = "delete from profile where run = ?1";

const INSERT_PROFILE: &str = "insert into profile (run, name, body) values (?1, ?2, ?3)";

/// Records the files that a run will publish.
pub(super) async fn insert_outputs(
    connection: &mut SqliteConnection,
    run: &RunId,
    outputs: &[NewOutput],
) -> Result<(), sqlx::Error> {
    for (output, seq) in outputs.iter().zip(0_i64..) {
        sqlx::query(INSERT_OUTPUT)
            .bind(run.as_str())
            .bind(seq)
            .bind(output.role.id())
            .bind(place_text(&output.staged))
            .bind(place_text(&output.published))
            .bind(output.sha256.to_string())
            .bind(count_value(output.size_bytes))
            .bind(count_value(output.rows))
            .bind(place_root(&output.published))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const INSERT_OUTPUT: &str = "insert into output
     (run, seq, role, staged_path, final_path, sha256, size_bytes, row_count, root)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// The root of paths that are absolute, as an earlier schema had them.
const FORMER_ROOT: &str = "";

fn place_root(place: &OutputPlace) -> &str {
    match place {
        OutputPlace::At(location) => location.root.text(),
        OutputPlace::Former(_) => FORMER_ROOT,
    }
}

fn place_text(place: &OutputPlace) -> &str {
    match place {
        OutputPlace::At(location) => &location.path,
        OutputPlace::Former(path) => path,
    }
}

fn input(row: &SqliteRow) -> Result<Input, sqlx::Error> {
    Ok(Input {
        path: row.try_get("path")?,
        size_bytes: number(row, "size_bytes")?,
        sha256: text(row, "sha256", "digest", Sha256::parse)?,
    })
}

fn output(row: &SqliteRow) -> Result<OutputRecord, sqlx::Error> {
    Ok(OutputRecord {
        seq: number(row, "seq")?,
        output: NewOutput {
            role: text(row, "role", "output role", OutputRole::parse)?,
            staged: place(row, "staged_path")?,
            published: place(row, "final_path")?,
            sha256: text(row, "sha256", "digest", Sha256::parse)?,
            size_bytes: number(row, "size_bytes")?,
            rows: number(row, "row_count")?,
        },
        removed_at: optional_time(row, "removed_at")?,
    })
}

fn place(row: &SqliteRow, column: &'static str) -> Result<OutputPlace, sqlx::Error> {
    let (root, path): (&str, String) = (row.try_get("root")?, row.try_get(column)?);
    if root == FORMER_ROOT {
        return Ok(OutputPlace::Former(path));
    }
    let root = text(row, "root", "root", RootName::parse)?;
    Ok(OutputPlace::At(Location { root, path }))
}

fn finding(row: &SqliteRow) -> Result<Finding, sqlx::Error> {
    Ok(Finding {
        kind: text(row, "kind", "finding kind", FindingKind::parse)?,
        id: row.try_get("test")?,
        column: row.try_get("column_name")?,
        slice: row.try_get("slice")?,
        metric: row.try_get("metric")?,
        value: row.try_get("value")?,
        baseline: row.try_get("baseline")?,
        low: row.try_get("low")?,
        high: row.try_get("high")?,
        p_value: row.try_get("p_value")?,
        limit: row.try_get("limit_value")?,
        verdict: text(row, "verdict", "finding verdict", FindingVerdict::parse)?,
        message: row.try_get("message")?,
    })
}
