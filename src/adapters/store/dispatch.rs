//! What the daemon asks of the queue: which run is next, and what becomes of runs that are to wait or end.
//!
//! A run is claimed by the process that executes it, never here.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::time_text;
use crate::adapters::store::runs::{run_record, run_with_id};
use crate::adapters::store::{RunRecord, Store, StoreError, Transition};
use crate::domain::identity::{JobName, RunId};
use crate::domain::run::{RunKind, Trigger};
use crate::domain::ticks::Fate;

impl Store {
    /// The run that is to be executed next at `now`, the earliest tick first: one that a schedule or another
    /// run has caused, since what a person asks for is executed by whoever asks. None of a job and kind in
    /// `full`, none of a schedule of a job in `paused`, and none while another run of its tick is under way.
    pub async fn next_queued(
        &self,
        full: &[(JobName, RunKind)],
        paused: &[JobName],
        now: Timestamp,
    ) -> Result<Option<RunRecord>, StoreError> {
        let full: Vec<Value> =
            full.iter().map(|(job, kind)| json!([job.as_str(), kind.id()])).collect();
        let paused: Vec<Value> = paused.iter().map(|job| Value::from(job.as_str())).collect();
        let is_caused =
            |trigger: &&Trigger| trigger.is_consequence() || **trigger == Trigger::Schedule;
        let caused: Vec<Value> = Trigger::ALL
            .iter()
            .filter(is_caused)
            .map(|trigger| Value::from(trigger.id()))
            .collect();
        sqlx::query(SELECT_NEXT)
            .bind(Value::from(full).to_string())
            .bind(time_text(now))
            .bind(Value::from(paused).to_string())
            .bind(Value::from(caused).to_string())
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("look for the next run", source))
    }

    /// Lets a queued run wait until a moment. It is no attempt.
    pub async fn postpone(&self, run: &RunId, until: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "postpone a run";
        let mut transaction = self.begin(ACTION).await?;
        sqlx::query(POSTPONE)
            .bind(run.as_str())
            .bind(time_text(until))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await
    }

    /// Asks for the end of a run. One that is queued has ended with this; of one that is executed the
    /// process is to be ended by whoever can. Refused once it is being published.
    pub async fn cancel(
        &self,
        run: &RunId,
        reason: &str,
        at: Timestamp,
    ) -> Result<Transition, StoreError> {
        const ACTION: &str = "cancel a run";
        let mut transaction = self.begin(ACTION).await?;
        let out = cancel(&mut transaction, run, reason, at)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Gives up the queued runs that schedules of other jobs than `jobs` have caused: these were taken away.
    pub async fn give_up_queued(&self, jobs: &[JobName], at: Timestamp) -> Result<u64, StoreError> {
        const ACTION: &str = "give up the runs of jobs that were taken away";
        let names: Vec<Value> = jobs.iter().map(|job| Value::from(job.as_str())).collect();
        let names = Value::from(names).to_string();
        let mut transaction = self.begin(ACTION).await?;
        let out = give_up(&mut transaction, &names, at)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Whether the tick before `tick` that was to be run is not committed.
    pub async fn waits_for_past(
        &self,
        job: &JobName,
        kind: RunKind,
        tick: Timestamp,
    ) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(SELECT_UNCOMMITTED_BEFORE)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(time_text(tick))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("look at the tick before", source))?;
        Ok(found.is_some())
    }
}

const SELECT_NEXT: &str = "select run.* from run
     where state = 'queued' and not_before <= ?2
         and (job, kind) not in (select value ->> 0, value ->> 1 from json_each(?1))
         and not (trigger = 'schedule' and job in (select value from json_each(?3)))
         and trigger in (select value from json_each(?4))
         and not exists (select 1 from run as other where other.job = run.job
             and other.kind = run.kind and other.tick = run.tick
             and other.state in ('claimed', 'running', 'committing'))
     order by tick, serial limit 1";

const POSTPONE: &str = "update run set not_before = max(not_before, ?2)
     where id = ?1 and state = 'queued'";

const SELECT_UNCOMMITTED_BEFORE: &str = "select 1 from (
         select * from tick
         where job = ?1 and kind = ?2 and tick < ?3 and decision in ('run', 'overlap_queued')
         order by tick desc limit 1) as past
     where not exists (select 1 from run where run.job = past.job and run.kind = past.kind
         and run.tick = past.tick and run.state = 'committed')";

async fn cancel(
    connection: &mut SqliteConnection,
    run: &RunId,
    reason: &str,
    at: Timestamp,
) -> Result<Transition, sqlx::Error> {
    let mut changed = 0;
    for statement in [CANCEL_QUEUED, CANCEL_RUNNING] {
        changed += sqlx::query(statement)
            .bind(run.as_str())
            .bind(reason)
            .bind(time_text(at))
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    if changed == 1 {
        return Ok(Transition::Done);
    }
    let found = run_with_id(connection, run).await?;
    Ok(Transition::Refused { found: found.map(|run| run.state.id()) })
}

const CANCEL_QUEUED: &str = "update run set state = 'cancelled', finished_at = ?3, error = ?2
     where id = ?1 and state = 'queued'";

const CANCEL_RUNNING: &str = "update run set cancel_as = 'cancelled', cancel_reason = ?2
     where id = ?1 and state in ('claimed', 'running') and ?3 is not null";

async fn give_up(
    connection: &mut SqliteConnection,
    jobs: &str,
    at: Timestamp,
) -> Result<u64, sqlx::Error> {
    let mut changed = 0;
    for statement in [PAUSE_TICKS, GIVE_UP] {
        changed = sqlx::query(statement)
            .bind(jobs)
            .bind(Fate::Paused.id())
            .bind("the job was taken away")
            .bind(time_text(at))
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(changed)
}

const PAUSE_TICKS: &str = "update tick set decision = ?2, reason = ?3, decided_at = ?4
     where (job, kind, tick) in (select job, kind, tick from run
         where state = 'queued' and trigger = 'schedule'
             and job not in (select value from json_each(?1)))";

const GIVE_UP: &str = "update run set state = 'cancelled', error = ?3, finished_at = ?4
     where state = 'queued' and trigger = 'schedule' and ?2 is not null
         and job not in (select value from json_each(?1))";
