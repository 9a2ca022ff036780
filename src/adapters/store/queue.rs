//! How a run comes to be executed: queued once for its slot, claimed once at a time, started.
//!
//! A claim takes the next token, a number that only grows. Everything its holder writes later names the
//! token, so a process that was believed dead and wakes up changes nothing.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::adapters::failpoint;
use crate::adapters::store::codec::{optional_time_text, time_text};
use crate::adapters::store::error::Stop;
use crate::adapters::store::runs::{run_in_slot, run_with_id};
use crate::adapters::store::{Enqueued, FollowUp, NewRun, Store, StoreError, Transition};
use crate::domain::identity::{JobName, RunId, Sha256};
use crate::domain::run::Claim;

impl Store {
    /// Queues a run, unless its slot is taken.
    pub async fn enqueue(&self, new: &NewRun) -> Result<Enqueued, StoreError> {
        const ACTION: &str = "queue a run";
        let mut transaction = self.begin(ACTION).await?;
        let out =
            enqueue(&mut transaction, new).await.map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Queues a run again that failed, was given up or was cancelled, with the job file of today. One that waits
    /// already may be claimed at once, and takes that file as well.
    pub async fn requeue(
        &self,
        run: &RunId,
        job_text: &str,
        job_sha256: &Sha256,
        at: Timestamp,
    ) -> Result<Transition, StoreError> {
        const ACTION: &str = "queue a run again";
        let mut transaction = self.begin(ACTION).await?;
        let out = requeue(&mut transaction, run, job_text, job_sha256, at)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Lets a queued run execute another job file than the one that it was queued with.
    pub async fn redefine(
        &self,
        run: &RunId,
        job_text: &str,
        job_sha256: &Sha256,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "give a queued run the job file of today";
        let failed = |source| self.failed(ACTION, source);
        let mut transaction = self.begin(ACTION).await?;
        define(&mut transaction, job_sha256, job_text).await.map_err(failed)?;
        sqlx::query(REDEFINE)
            .bind(run.as_str())
            .bind(job_sha256.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        self.commit(ACTION, transaction).await
    }

    /// Takes a queued run, or returns `None` if it is not queued or is not to be tried before later.
    pub async fn claim(
        &self,
        run: &RunId,
        owner: &str,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        const ACTION: &str = "claim a run";
        let failed = |source| self.failed(ACTION, source);
        failpoint::reach("claim.before").map_err(|error| failed(error.into()))?;
        let mut transaction = self.begin(ACTION).await?;
        let out = claim(&mut transaction, run, owner, now).await.map_err(failed)?;
        self.commit(ACTION, transaction).await?;
        failpoint::reach("claim.after").map_err(|error| failed(error.into()))?;
        Ok(out)
    }

    /// Marks a claimed run as running.
    pub async fn start(&self, claim: &Claim) -> Result<(), StoreError> {
        const ACTION: &str = "start a run";
        let mut transaction = self.begin(ACTION).await?;
        let changed = sqlx::query(START)
            .bind(claim.run.as_str())
            .bind(claim.token)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?
            .rows_affected();
        require_fence(changed, claim).map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await
    }
}

/// What a follow-up has from whoever causes it.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) job: &'a JobName,
    /// The job file that it executes unless it names another, known to the store already.
    pub(super) job_sha256: &'a Sha256,
    /// `None` where a person is the cause.
    pub(super) parent: Option<&'a RunId>,
}

/// Queues runs within a transaction that does more, each at the next revision of its tick.
pub(super) async fn insert_follow_ups(
    connection: &mut SqliteConnection,
    cause: Cause<'_>,
    follow_ups: &[FollowUp],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    for planned in follow_ups {
        sqlx::query(INSERT_FOLLOW_UP)
            .bind(planned.id.as_str())
            .bind(cause.job.as_str())
            .bind(planned.kind.id())
            .bind(time_text(planned.tick))
            .bind(planned.trigger.id())
            .bind(optional_time_text(planned.interval.start))
            .bind(time_text(planned.interval.end))
            .bind(planned.job_sha256.as_ref().unwrap_or(cause.job_sha256).to_string())
            .bind(cause.parent.map(RunId::as_str))
            .bind(time_text(at))
            .bind(planned.model.map(|pin| pin.version.0))
            .bind(planned.model.map(|pin| pin.sha256.to_string()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const INSERT_FOLLOW_UP: &str = "insert into run
     (id, job, kind, tick, revision, trigger, state, interval_start, interval_end, job_sha256, parent,
      created_at, not_before, model_version, model_sha256)
     values (?1, ?2, ?3, ?4,
      (select coalesce(max(revision) + 1, 0) from run where job = ?2 and kind = ?3 and tick = ?4),
      ?5, 'queued', ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)";

/// Refuses to go on unless a fenced write has changed its one row.
pub(super) fn require_fence(rows_changed: u64, claim: &Claim) -> Result<(), Stop> {
    if rows_changed == 1 {
        return Ok(());
    }
    Err(Stop::Refused(StoreError::FenceLost { run: claim.run.clone() }))
}

async fn enqueue(connection: &mut SqliteConnection, new: &NewRun) -> Result<Enqueued, sqlx::Error> {
    if let Some(taken) = run_in_slot(&mut *connection, &new.slot).await? {
        return Ok(Enqueued::Existing(Box::new(taken)));
    }
    define(connection, &new.job_sha256, &new.job_text).await?;
    sqlx::query(INSERT_RUN)
        .bind(new.id.as_str())
        .bind(new.slot.job.as_str())
        .bind(new.slot.kind.id())
        .bind(time_text(new.slot.tick))
        .bind(new.slot.revision)
        .bind(new.trigger.id())
        .bind(optional_time_text(new.interval.start))
        .bind(time_text(new.interval.end))
        .bind(new.job_sha256.to_string())
        .bind(new.parent.as_ref().map(RunId::as_str))
        .bind(time_text(new.created_at))
        .execute(&mut *connection)
        .await?;
    Ok(Enqueued::New(new.id.clone()))
}

const INSERT_RUN: &str = "insert into run
     (id, job, kind, tick, revision, trigger, state, interval_start, interval_end, job_sha256, parent,
      created_at, not_before)
     values (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?8, ?9, ?10, ?11, ?11)";

async fn requeue(
    connection: &mut SqliteConnection,
    run: &RunId,
    job_text: &str,
    job_sha256: &Sha256,
    at: Timestamp,
) -> Result<Transition, sqlx::Error> {
    define(connection, job_sha256, job_text).await?;
    let changed = sqlx::query(REQUEUE)
        .bind(run.as_str())
        .bind(job_sha256.to_string())
        .bind(time_text(at))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if changed == 1 {
        return Ok(Transition::Done);
    }
    let found = run_with_id(connection, run).await?;
    Ok(Transition::Refused { found: found.map(|run| run.state.id()) })
}

const REQUEUE: &str = "update run
     set state = 'queued', job_sha256 = ?2, not_before = ?3, finished_at = null, verdict = null,
         exit_code = null, error = null, decision = null, stages = null, cancel_as = null,
         cancel_reason = null
     where id = ?1 and state in ('queued', 'failed', 'dead', 'cancelled')";

const REDEFINE: &str = "update run set job_sha256 = ?2 where id = ?1 and state = 'queued'";

async fn claim(
    connection: &mut SqliteConnection,
    run: &RunId,
    owner: &str,
    now: Timestamp,
) -> Result<Option<Claim>, sqlx::Error> {
    let now = time_text(now);
    let claimed: Option<(i64, u32)> = sqlx::query_as(CLAIM)
        .bind(run.as_str())
        .bind(owner)
        .bind(&now)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((token, attempt)) = claimed else { return Ok(None) };
    sqlx::query(ADVANCE_TOKEN).execute(&mut *connection).await?;
    sqlx::query(INSERT_ATTEMPT)
        .bind(run.as_str())
        .bind(attempt)
        .bind(token)
        .bind(owner)
        .bind(&now)
        .execute(&mut *connection)
        .await?;
    Ok(Some(Claim { run: run.clone(), token, attempt }))
}

const CLAIM: &str = "update run
     set state = 'claimed', attempt = attempt + 1, owner = ?2, claimed_at = ?3,
         token = (select value + 1 from seq where name = 'token')
     where id = ?1 and state = 'queued' and not_before <= ?3
     returning token, attempt";

const ADVANCE_TOKEN: &str = "update seq set value = value + 1 where name = 'token'";

const INSERT_ATTEMPT: &str = "insert into attempt (run, number, token, owner, started_at)
     values (?1, ?2, ?3, ?4, ?5)";

const START: &str = "update run set state = 'running'
     where id = ?1 and token = ?2 and state = 'claimed'";

pub(super) async fn define(
    connection: &mut SqliteConnection,
    sha256: &Sha256,
    body: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(DEFINE).bind(sha256.to_string()).bind(body).execute(connection).await.map(|_| ())
}

const DEFINE: &str = "insert into definition (sha256, body) values (?1, ?2)
     on conflict (sha256) do nothing";
