//! The ledger of ticks: what became of each, and why.
//!
//! One line for each tick of a job and kind; a later revision of the run takes over the line.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::adapters::store::codec::{optional_text, text, time, time_text};
use crate::adapters::store::{Store, StoreError, TickDecision, TickRange, TickRecord, Transition};
use crate::domain::identity::{JobName, RunId};
use crate::domain::run::{RunKind, State};
use crate::domain::ticks::Fate;

impl Store {
    /// What became of the ticks of a job, latest first, not more than `limit`.
    pub async fn ticks(&self, job: &JobName, limit: u32) -> Result<Vec<TickRecord>, StoreError> {
        sqlx::query(SELECT_TICKS)
            .bind(job.as_str())
            .bind(limit)
            .try_map(|row: SqliteRow| tick_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the ticks of a job", source))
    }

    /// Records that a tick needs no run any more, and why. Refused if it is not one that was to be run, or if
    /// its run is under way, waits or is committed.
    pub async fn settle_tick(
        &self,
        job: &JobName,
        tick: Timestamp,
        reason: &str,
        at: Timestamp,
    ) -> Result<Transition, StoreError> {
        const ACTION: &str = "settle a tick";
        let mut transaction = self.begin(ACTION).await?;
        let out = settle(&mut transaction, job, tick, (reason, at))
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Stretches of ticks of a job that had one fate, latest first, not more than `limit`. A tick within one
    /// that has a line of its own in [`Store::ticks`] is not meant.
    pub async fn tick_ranges(
        &self,
        job: &JobName,
        limit: u32,
    ) -> Result<Vec<TickRange>, StoreError> {
        sqlx::query(SELECT_RANGES)
            .bind(job.as_str())
            .bind(limit)
            .try_map(|row: SqliteRow| tick_range(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the ticks of a job", source))
    }
}

const SELECT_TICKS: &str = "select * from tick where job = ?1 order by tick desc, kind limit ?2";

/// Writes the line of a tick within a transaction that does more.
pub(super) async fn record_tick(
    connection: &mut SqliteConnection,
    line: &TickRecord,
) -> Result<(), sqlx::Error> {
    sqlx::query(RECORD_TICK)
        .bind(line.job.as_str())
        .bind(line.kind.id())
        .bind(time_text(line.tick))
        .bind(&line.decision.decision)
        .bind(&line.decision.reason)
        .bind(line.run.as_ref().map(RunId::as_str))
        .bind(time_text(line.decided_at))
        .execute(connection)
        .await
        .map(|_| ())
}

const RECORD_TICK: &str = "insert into tick (job, kind, tick, decision, reason, run, decided_at)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     on conflict (job, kind, tick) do update set run = excluded.run,
         decision = case when tick.decision in ('run', 'overlap_queued') then tick.decision
             else excluded.decision end,
         reason = case when tick.decision in ('run', 'overlap_queued') then tick.reason
             else excluded.reason end,
         decided_at = case when tick.decision in ('run', 'overlap_queued') then tick.decided_at
             else excluded.decided_at end";

async fn settle(
    connection: &mut SqliteConnection,
    job: &JobName,
    tick: Timestamp,
    (reason, at): (&str, Timestamp),
) -> Result<Transition, sqlx::Error> {
    let changed = sqlx::query(SETTLE)
        .bind(job.as_str())
        .bind(time_text(tick))
        .bind(Fate::Settled.id())
        .bind(reason)
        .bind(time_text(at))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if changed == 1 {
        return Ok(Transition::Done);
    }
    let found: Option<String> = sqlx::query_scalar(SELECT_STANDING)
        .bind(job.as_str())
        .bind(time_text(tick))
        .fetch_optional(connection)
        .await?;
    let known = found.as_deref().and_then(|word| {
        State::parse(word).map(State::id).or_else(|| Fate::parse(word).map(Fate::id))
    });
    Ok(Transition::Refused { found: known })
}

const SETTLE: &str = "update tick set decision = ?3, reason = ?4, decided_at = ?5
     where job = ?1 and kind = 'score' and tick = ?2 and decision in ('run', 'overlap_queued')
         and not exists (select 1 from run where run.job = ?1 and run.kind = 'score' and run.tick = ?2
             and run.state in ('queued', 'claimed', 'running', 'committing', 'committed'))";

/// The state of the run that keeps a tick from being settled, or what was decided on the tick.
const SELECT_STANDING: &str = "select coalesce(
         (select state from run where job = ?1 and kind = 'score' and tick = ?2
             and state in ('queued', 'claimed', 'running', 'committing', 'committed')
          order by revision desc limit 1),
         decision)
     from tick where job = ?1 and kind = 'score' and tick = ?2";

const SELECT_RANGES: &str = "select * from tick_range where job = ?1 order by first desc limit ?2";

fn tick_range(row: &SqliteRow) -> Result<TickRange, sqlx::Error> {
    Ok(TickRange {
        kind: text(row, "kind", "run kind", RunKind::parse)?,
        first: time(row, "first")?,
        last: time(row, "last")?,
        fate: text(row, "decision", "fate of a tick", Fate::parse)?,
        reason: row.try_get("reason")?,
        decided_at: time(row, "decided_at")?,
    })
}

fn tick_record(row: &SqliteRow) -> Result<TickRecord, sqlx::Error> {
    Ok(TickRecord {
        job: text(row, "job", "job name", JobName::new)?,
        kind: text(row, "kind", "run kind", RunKind::parse)?,
        tick: time(row, "tick")?,
        decision: TickDecision {
            decision: row.try_get("decision")?,
            reason: row.try_get("reason")?,
        },
        run: optional_text(row, "run", "run id", RunId::parse)?,
        decided_at: time(row, "decided_at")?,
    })
}
