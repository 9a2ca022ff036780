//! Schedules, their cursors, and rulings on their ticks.
//!
//! A ruling is read, made and written in one transaction: what is active, the lines of the ledger, the
//! runs and the cursor belong to one moment. Everything is written by one statement a table, however many
//! jobs are due, since a thousand jobs may be due in one second.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::adapters::failpoint;
use crate::adapters::store::codec::{number, optional_time_text, text, time, time_text};
use crate::adapters::store::queue::define;
use crate::adapters::store::{NewSchedule, RuledTicks, ScheduleRecord, Store, StoreError};
use crate::domain::identity::JobName;
use crate::domain::run::RunKind;
use crate::domain::ticks::{Fate, Standing};

impl Store {
    /// Follows these schedules from `now` on. One that is followed already keeps its cursor; one that is
    /// new, or has changed, begins at `now`. What is followed and not in `wanted` is forgotten, unless
    /// `keep_others`: the file of its job may be broken for the moment.
    pub async fn follow_schedules(
        &self,
        wanted: &[NewSchedule],
        keep_others: bool,
        now: Timestamp,
    ) -> Result<Vec<ScheduleRecord>, StoreError> {
        const ACTION: &str = "follow the schedules";
        let mut transaction = self.begin(ACTION).await?;
        let out = follow(&mut transaction, &list_of(wanted), keep_others, now)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Follows those of `wanted` that are not followed and have ticks on record that were ruled on, from the last
    /// of these on. Returns them.
    pub async fn follow_again(
        &self,
        wanted: &[NewSchedule],
    ) -> Result<Vec<ScheduleRecord>, StoreError> {
        const ACTION: &str = "follow schedules again";
        let mut transaction = self.begin(ACTION).await?;
        let out = sqlx::query(FOLLOW_AGAIN)
            .bind(list_of(wanted))
            .try_map(|row: SqliteRow| schedule_record(&row))
            .fetch_all(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Every schedule that is followed.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        sqlx::query(SELECT_SCHEDULES)
            .try_map(|row: SqliteRow| schedule_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("read the schedules", source))
    }

    /// Lets `rule` rule on the ticks of the schedules in `due`, and writes what it says. It is called once
    /// for each of them that is still followed; `None` leaves it as it is. Returns what was written.
    pub async fn rule_ticks(
        &self,
        due: &[(JobName, RunKind)],
        now: Timestamp,
        rule: impl FnMut(&ScheduleRecord, Standing) -> Option<RuledTicks> + Send,
    ) -> Result<Vec<RuledTicks>, StoreError> {
        const ACTION: &str = "rule on the ticks";
        let mut transaction = self.begin(ACTION).await?;
        let failed = |source| self.failed(ACTION, source);
        let out = rule_ticks(&mut transaction, due, now, rule).await.map_err(failed)?;
        failpoint::reach("plan.before_commit").map_err(|error| failed(error.into()))?;
        self.commit(ACTION, transaction).await?;
        failpoint::reach("plan.after_commit").map_err(|error| failed(error.into()))?;
        Ok(out)
    }
}

fn list_of(schedules: &[NewSchedule]) -> String {
    let each = |new: &NewSchedule| json!([new.job.as_str(), new.kind.id(), new.definition]);
    Value::from(schedules.iter().map(each).collect::<Vec<_>>()).to_string()
}

async fn follow(
    connection: &mut SqliteConnection,
    list: &str,
    keep_others: bool,
    now: Timestamp,
) -> Result<Vec<ScheduleRecord>, sqlx::Error> {
    sqlx::query(FORGET).bind(list).bind(keep_others).execute(&mut *connection).await?;
    sqlx::query(FOLLOW).bind(list).bind(time_text(now)).execute(&mut *connection).await?;
    sqlx::query(SELECT_SCHEDULES)
        .try_map(|row: SqliteRow| schedule_record(&row))
        .fetch_all(connection)
        .await
}

const FORGET: &str = "delete from schedule
     where (job, kind, definition) not in
             (select value ->> 0, value ->> 1, value ->> 2 from json_each(?1))
         and (not ?2 or (job, kind) in (select value ->> 0, value ->> 1 from json_each(?1)))";

const FOLLOW: &str = "insert into schedule (job, kind, definition, cursor)
     select value ->> 0, value ->> 1, value ->> 2, ?2 from json_each(?1) where true
     on conflict (job, kind) do nothing";

/// Ticks that somebody ran by hand are not meant: the planner has not come so far.
const FOLLOW_AGAIN: &str = "insert into schedule (job, kind, definition, cursor)
     select new.value ->> 0, new.value ->> 1, new.value ->> 2, max(ruled.last)
     from json_each(?1) as new
     join (select tick.job, tick.kind, tick.tick as last from tick left join run on run.id = tick.run
               where run.trigger is null or run.trigger = 'schedule'
           union all select job, kind, last from tick_range) as ruled
         on ruled.job = new.value ->> 0 and ruled.kind = new.value ->> 1
     where true group by 1, 2, 3
     on conflict (job, kind) do nothing
     returning *";

const SELECT_SCHEDULES: &str = "select * from schedule order by job, kind";

async fn rule_ticks(
    connection: &mut SqliteConnection,
    due: &[(JobName, RunKind)],
    now: Timestamp,
    mut rule: impl FnMut(&ScheduleRecord, Standing) -> Option<RuledTicks> + Send,
) -> Result<Vec<RuledTicks>, sqlx::Error> {
    let list: Vec<Value> = due.iter().map(|(job, kind)| json!([job.as_str(), kind.id()])).collect();
    let list = Value::from(list).to_string();
    let records: Vec<(ScheduleRecord, Option<String>)> = sqlx::query(SELECT_DUE)
        .bind(&list)
        .try_map(|row: SqliteRow| Ok((schedule_record(&row)?, row.try_get("paused")?)))
        .fetch_all(&mut *connection)
        .await?;
    let active = active(&mut *connection).await?;
    let mut out = Vec::new();
    for (record, paused) in records {
        let (count, waiting) =
            active.get(&(record.job.to_string(), record.kind)).copied().unwrap_or_default();
        let standing =
            Standing { cursor: record.cursor, active: count, has_waiting: waiting > 0, paused };
        out.extend(rule(&record, standing));
    }
    failpoint::reach("plan.after_ticks")?;
    write(connection, &out, now).await?;
    Ok(out)
}

const SELECT_DUE: &str = "select schedule.*, pause.reason as paused
     from json_each(?1) as due
     join schedule on schedule.job = due.value ->> 0 and schedule.kind = due.value ->> 1
     left join pause on pause.job = schedule.job
     order by schedule.job, schedule.kind";

/// How many runs of each job and kind are queued or executed, and how many of them wait to begin.
/// Corrections and backfills are not counted: no tick that is due gives way to them.
async fn active(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<(String, RunKind), (usize, usize)>, sqlx::Error> {
    let rows: Vec<((String, RunKind), (usize, usize))> = sqlx::query(COUNT_ACTIVE)
        .try_map(|row: SqliteRow| {
            let kind = text(&row, "kind", "run kind", RunKind::parse)?;
            Ok(((row.try_get("job")?, kind), (number(&row, "active")?, number(&row, "waiting")?)))
        })
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

const COUNT_ACTIVE: &str = "select job, kind, count(*) as active,
         count(*) filter (where state = 'queued' and attempt = 0) as waiting
     from run indexed by run_unfinished
     where state in ('queued', 'claimed', 'running', 'committing')
         and trigger not in ('rollback', 'backfill')
     group by job, kind";

async fn write(
    connection: &mut SqliteConnection,
    ruled: &[RuledTicks],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if ruled.is_empty() {
        return Ok(());
    }
    let now = time_text(now);
    let (mut runs, mut lines, mut ranges, mut cursors) = (vec![], vec![], vec![], vec![]);
    let mut definitions = BTreeMap::new();
    for found in ruled {
        let (job, kind) = (found.job.as_str(), found.kind.id());
        cursors.push(json!([job, kind, time_text(found.ruling.cursor)]));
        for line in &found.ruling.lines {
            let (fate, reason) = (line.fate.id(), &line.reason);
            let first = time_text(line.first);
            if line.first == line.last {
                lines.push(json!([job, kind, first, fate, reason]));
            } else {
                ranges.push(json!([job, kind, first, time_text(line.last), fate, reason]));
            }
        }
        if found.ruling.displaces_waiting {
            displace(connection, found, &now).await?;
        }
        if found.ruling.cancels_active {
            replace(connection, found, &now).await?;
        }
        let sha256 = found.job_sha256.to_string();
        for (start, (id, interval)) in found.ruling.starts.iter().zip(&found.runs) {
            let tick = time_text(start.tick);
            lines.push(json!([job, kind, tick, start.fate.id(), start.reason]));
            runs.push(json!([
                id.as_str(),
                job,
                kind,
                tick,
                optional_time_text(interval.start),
                time_text(interval.end),
                sha256,
                time_text(start.not_before),
            ]));
            definitions.insert(sha256.clone(), found);
        }
    }
    for found in definitions.values() {
        define(connection, &found.job_sha256, &found.job_text).await?;
    }
    for (statement, rows) in [
        (INSERT_RUNS, runs),
        (INSERT_LINES, lines),
        (INSERT_RANGES, ranges),
        (MOVE_CURSORS, cursors),
    ] {
        let rows = Value::from(rows).to_string();
        sqlx::query(statement).bind(rows).bind(&now).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The run that waits is given up: a later tick is run in its place.
async fn displace(
    connection: &mut SqliteConnection,
    found: &RuledTicks,
    now: &str,
) -> Result<(), sqlx::Error> {
    let (job, kind) = (found.job.as_str(), found.kind.id());
    let Some(into) = found.ruling.starts.last() else { return Ok(()) };
    let reason = format!("{} is run in its place", into.tick);
    for statement in [DISPLACE_WAITING, COALESCE_SUPERSEDED] {
        sqlx::query(statement)
            .bind(job)
            .bind(kind)
            .bind(now)
            .bind(&reason)
            .bind(Fate::Coalesced.id())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What was missed and is caught up with does not wait for other runs: only ticks that came due do.
const DISPLACE_WAITING: &str = "update run
     set state = 'superseded', finished_at = ?3, error = ?4
     where job = ?1 and kind = ?2 and state = 'queued' and attempt = 0 and trigger = 'schedule'
         and ?5 is not null
         and tick in (select tick from tick where job = ?1 and kind = ?2
             and decision = 'overlap_queued')";

/// The lines of ticks whose runs have just been superseded, or are to be.
const COALESCE_SUPERSEDED: &str = "update tick set decision = ?5, reason = ?4, decided_at = ?3
     where job = ?1 and kind = ?2 and tick in (select tick from run
         where job = ?1 and kind = ?2 and trigger = 'schedule'
             and ((state = 'superseded' and finished_at = ?3)
                 or (state in ('claimed', 'running') and cancel_as = 'superseded')))";

/// The active runs are to end: a later tick is run in their place.
async fn replace(
    connection: &mut SqliteConnection,
    found: &RuledTicks,
    now: &str,
) -> Result<(), sqlx::Error> {
    let Some(by) = found.ruling.starts.last() else { return Ok(()) };
    let reason = format!("replaced by the run for {}", by.tick);
    for statement in [REPLACE_QUEUED, REPLACE_RUNNING, COALESCE_SUPERSEDED] {
        sqlx::query(statement)
            .bind(found.job.as_str())
            .bind(found.kind.id())
            .bind(now)
            .bind(&reason)
            .bind(Fate::Coalesced.id())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const REPLACE_QUEUED: &str = "update run set state = 'superseded', finished_at = ?3, error = ?4
     where job = ?1 and kind = ?2 and state = 'queued' and trigger = 'schedule' and ?5 is not null";

/// What a person has asked for, or has cancelled, is left alone.
const REPLACE_RUNNING: &str = "update run set cancel_as = 'superseded', cancel_reason = ?4
     where job = ?1 and kind = ?2 and state in ('claimed', 'running') and trigger = 'schedule'
         and cancel_as is null and ?3 is not null and ?5 is not null";

/// A run that somebody has tried by hand before, in vain, is tried again now that its tick is due.
const INSERT_RUNS: &str = "insert into run
     (id, job, kind, tick, revision, trigger, state, interval_start, interval_end, job_sha256,
      created_at, not_before)
     select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 0, 'schedule', 'queued', value ->> 4,
         value ->> 5, value ->> 6, ?2, value ->> 7
     from json_each(?1) where true
     on conflict (job, kind, tick, revision) do update
     set state = 'queued', trigger = 'schedule', job_sha256 = excluded.job_sha256,
         not_before = excluded.not_before, finished_at = null, verdict = null, exit_code = null,
         error = null, decision = null, stages = null, cancel_as = null, cancel_reason = null
     where run.state in ('failed', 'dead')";

/// A tick that somebody ran by hand before it was due has its line already.
const INSERT_LINES: &str = "insert into tick (job, kind, tick, decision, reason, run, decided_at)
     select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
         (select id from run where job = value ->> 0 and kind = value ->> 1 and tick = value ->> 2
              and revision = 0),
         ?2
     from json_each(?1) where true
     on conflict (job, kind, tick) do nothing";

const INSERT_RANGES: &str = "insert into tick_range
     (job, kind, first, last, decision, reason, decided_at)
     select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2
     from json_each(?1) where true
     on conflict (job, kind, first) do nothing";

/// A cursor never moves back.
const MOVE_CURSORS: &str = "update schedule set cursor = max(cursor, moved.value ->> 2)
     from json_each(?1) as moved
     where schedule.job = moved.value ->> 0 and schedule.kind = moved.value ->> 1 and ?2 is not null";

fn schedule_record(row: &SqliteRow) -> Result<ScheduleRecord, sqlx::Error> {
    Ok(ScheduleRecord {
        job: text(row, "job", "job name", JobName::new)?,
        kind: text(row, "kind", "run kind", RunKind::parse)?,
        definition: row.try_get("definition")?,
        cursor: time(row, "cursor")?,
    })
}
