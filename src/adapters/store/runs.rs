//! Reading runs: one by its id or its place, or several by what they have in common.
//!
//! Lists are in order of insertion, not of ids: those made within a millisecond have no order of their
//! own. Nothing here writes.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row as _, Sqlite};

use crate::adapters::store::codec::{
    number, optional_number, optional_text, optional_time, text, time, time_text,
};
use crate::adapters::store::{
    Attempt, ModelPin, Rows, RunFilter, RunRecord, Store, StoreError, document,
};
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::layout::{RootName, TickFolder};
use crate::domain::run::{AttemptOutcome, Interval, RunKind, RunSlot, State, Trigger, Verdict};

impl Store {
    /// The run with an id.
    pub async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
        run_with_id(&self.readers, run).await.map_err(|source| self.failed("read a run", source))
    }

    /// Runs whose id begins with `prefix`, oldest first; at most 10, since two are ambiguous already.
    pub async fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<RunRecord>, StoreError> {
        // Every character of an id is smaller than `~`.
        sqlx::query(SELECT_BY_PREFIX)
            .bind(prefix)
            .bind(format!("{prefix}~"))
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("look for a run", source))
    }

    /// Runs that `filter` lets through, latest first.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
        let statement = if filter.job.is_some() { SELECT_RUNS_OF_JOB } else { SELECT_RUNS };
        sqlx::query(statement)
            .bind(filter.kind.map(RunKind::id))
            .bind(filter.state.map(State::id))
            .bind(filter.limit)
            .bind(filter.job.as_ref().map(JobName::as_str))
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list runs", source))
    }

    /// Runs that somebody holds or held when the process ended, oldest first: claimed, running, committing.
    pub async fn unfinished(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.list("list unfinished runs", SELECT_UNFINISHED).await
    }

    /// Runs that wait to be claimed, oldest first.
    pub async fn queued(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.list("list queued runs", SELECT_QUEUED).await
    }

    /// The committed run of a tick.
    pub async fn current(
        &self,
        job: &JobName,
        kind: RunKind,
        tick: Timestamp,
    ) -> Result<Option<RunRecord>, StoreError> {
        sqlx::query(SELECT_CURRENT)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(time_text(tick))
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read the committed run of a tick", source))
    }

    /// The committed run of the latest tick.
    pub async fn latest(
        &self,
        job: &JobName,
        kind: RunKind,
    ) -> Result<Option<RunRecord>, StoreError> {
        sqlx::query(SELECT_LATEST)
            .bind(job.as_str())
            .bind(kind.id())
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read the latest committed run", source))
    }

    /// The run that holds a slot, whatever its state.
    pub async fn in_slot(&self, slot: &RunSlot) -> Result<Option<RunRecord>, StoreError> {
        run_in_slot(&self.readers, slot)
            .await
            .map_err(|source| self.failed("read the run of a tick", source))
    }

    /// The revision that the next run of a tick takes: 0 if there is none yet.
    pub async fn next_revision(
        &self,
        job: &JobName,
        kind: RunKind,
        tick: Timestamp,
    ) -> Result<u32, StoreError> {
        sqlx::query_scalar(SELECT_NEXT_REVISION)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(time_text(tick))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("number a revision", source))
    }

    /// The revision that a run of a tick without a committed one has: that of the latest, or the one after
    /// it where the latest can never be executed again.
    pub async fn open_revision(
        &self,
        job: &JobName,
        kind: RunKind,
        tick: Timestamp,
    ) -> Result<u32, StoreError> {
        let found: Option<u32> = sqlx::query_scalar(SELECT_OPEN_REVISION)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(time_text(tick))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("number a revision", source))?;
        Ok(found.unwrap_or_default())
    }

    /// The job file that a run executes.
    pub async fn definition(&self, job_sha256: &Sha256) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar(SELECT_DEFINITION)
            .bind(job_sha256.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read the definition of a run", source))
    }

    /// Runs that were caused by a run, oldest first.
    pub async fn children(&self, run: &RunId) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_CHILDREN)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the runs that a run caused", source))
    }

    /// The tries of a run, first to last.
    pub async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, StoreError> {
        sqlx::query(SELECT_ATTEMPTS)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| attempt(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the attempts of a run", source))
    }

    async fn list(
        &self,
        action: &'static str,
        statement: &'static str,
    ) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(statement)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed(action, source))
    }
}

const SELECT_BY_PREFIX: &str =
    "select * from run where id >= ?1 and id < ?2 order by serial limit 10";

const SELECT_RUNS: &str = "select * from run
     where (?1 is null or kind = ?1) and (?2 is null or state = ?2)
     order by serial desc limit ?3";

const SELECT_RUNS_OF_JOB: &str = "select * from run
     where job = ?4 and (?1 is null or kind = ?1) and (?2 is null or state = ?2)
     order by serial desc limit ?3";

/// The list of states is that of the index, or it would not be used.
const SELECT_UNFINISHED: &str = "select * from run
     where state in ('queued', 'claimed', 'running', 'committing') and state <> 'queued' order by serial";

const SELECT_QUEUED: &str = "select * from run where state = 'queued' order by serial";

const SELECT_CURRENT: &str = "select * from run
     where job = ?1 and kind = ?2 and tick = ?3 and state = 'committed'";

const SELECT_LATEST: &str = "select * from run
     where job = ?1 and kind = ?2 and state = 'committed' order by tick desc limit 1";

const SELECT_NEXT_REVISION: &str = "select coalesce(max(revision) + 1, 0) from run
     where job = ?1 and kind = ?2 and tick = ?3";

const SELECT_OPEN_REVISION: &str = "select
         case when state in ('superseded', 'corrupt') then revision + 1 else revision end
     from run where job = ?1 and kind = ?2 and tick = ?3 order by revision desc limit 1";

const SELECT_DEFINITION: &str = "select body from definition where sha256 = ?1";

const SELECT_CHILDREN: &str = "select * from run where parent = ?1 order by serial";

const SELECT_ATTEMPTS: &str = "select * from attempt where run = ?1 order by number";

pub(super) async fn run_with_id<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    run: &RunId,
) -> Result<Option<RunRecord>, sqlx::Error> {
    sqlx::query(SELECT_RUN)
        .bind(run.as_str())
        .try_map(|row: SqliteRow| run_record(&row))
        .fetch_optional(executor)
        .await
}

const SELECT_RUN: &str = "select * from run where id = ?1";

pub(super) async fn run_in_slot<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    slot: &RunSlot,
) -> Result<Option<RunRecord>, sqlx::Error> {
    sqlx::query(SELECT_SLOT)
        .bind(slot.job.as_str())
        .bind(slot.kind.id())
        .bind(time_text(slot.tick))
        .bind(slot.revision)
        .try_map(|row: SqliteRow| run_record(&row))
        .fetch_optional(executor)
        .await
}

const SELECT_SLOT: &str = "select * from run
     where job = ?1 and kind = ?2 and tick = ?3 and revision = ?4";

/// Reads a row of `run`.
pub(super) fn run_record(row: &SqliteRow) -> Result<RunRecord, sqlx::Error> {
    let slot = RunSlot {
        job: text(row, "job", "job name", JobName::new)?,
        kind: text(row, "kind", "run kind", RunKind::parse)?,
        tick: time(row, "tick")?,
        revision: number(row, "revision")?,
    };
    let decision: Option<&str> = row.try_get("decision")?;
    let stages: Option<&str> = row.try_get("stages")?;
    Ok(RunRecord {
        id: text(row, "id", "run id", RunId::parse)?,
        slot,
        trigger: text(row, "trigger", "trigger", Trigger::parse)?,
        interval: Interval {
            start: optional_time(row, "interval_start")?,
            end: time(row, "interval_end")?,
        },
        state: text(row, "state", "state", State::parse)?,
        job_sha256: text(row, "job_sha256", "digest", Sha256::parse)?,
        parent: optional_text(row, "parent", "run id", RunId::parse)?,
        created_at: time(row, "created_at")?,
        owner: row.try_get("owner")?,
        token: row.try_get("token")?,
        attempt: number(row, "attempt")?,
        claimed_at: optional_time(row, "claimed_at")?,
        model: model_pin(row)?,
        finished_at: optional_time(row, "finished_at")?,
        commits: row.try_get("commits")?,
        verdict: optional_text(row, "verdict", "verdict", Verdict::parse)?,
        exit_code: optional_number(row, "exit_code")?,
        error: row.try_get("error")?,
        rows: Rows {
            read: number(row, "rows_read")?,
            scored: number(row, "rows_scored")?,
            quarantined: number(row, "rows_quarantined")?,
        },
        id_set: row.try_get("id_set")?,
        peak_rss_bytes: optional_number(row, "peak_rss_bytes")?,
        decision: decision.map(document::decision).transpose()?,
        stages: stages.map(document::stages).transpose()?.unwrap_or_default(),
        folder: tick_folder(row)?,
        superseded_by: optional_text(row, "superseded_by", "run id", RunId::parse)?,
        cancel: cancel(row)?,
    })
}

fn model_pin(row: &SqliteRow) -> Result<Option<ModelPin>, sqlx::Error> {
    let version: Option<u32> = optional_number(row, "model_version")?;
    let sha256 = optional_text(row, "model_sha256", "digest", Sha256::parse)?;
    Ok(version.zip(sha256).map(|(number, sha256)| ModelPin { version: Version(number), sha256 }))
}

fn tick_folder(row: &SqliteRow) -> Result<Option<TickFolder>, sqlx::Error> {
    let root = optional_text(row, "root", "root", RootName::parse)?;
    let output: Option<&str> = row.try_get("output")?;
    let Some((root, output)) = root.zip(output) else { return Ok(None) };
    let within = |folder: &str| TickFolder::new(root.clone(), output, folder);
    optional_text(row, "folder", "folder below its output", within)
}

fn cancel(row: &SqliteRow) -> Result<Option<(State, String)>, sqlx::Error> {
    let state = optional_text(row, "cancel_as", "state", State::parse)?;
    let reason: Option<String> = row.try_get("cancel_reason")?;
    Ok(state.zip(reason))
}

fn attempt(row: &SqliteRow) -> Result<Attempt, sqlx::Error> {
    Ok(Attempt {
        number: number(row, "number")?,
        token: row.try_get("token")?,
        owner: row.try_get("owner")?,
        started_at: time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        outcome: optional_text(row, "outcome", "attempt outcome", AttemptOutcome::parse)?,
        error: row.try_get("error")?,
    })
}
