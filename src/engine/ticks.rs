//! What became of the ticks of a job, as the store has it, and what a person adds to it.
//!
//! The ledger is written by the planner; a person can only say of a tick whose run has failed that it needs
//! none any more.

use jiff::{SignedDuration, Timestamp};

use crate::adapters::store::{Pause, TickRange, TickRecord, Transition};
use crate::domain::identity::{JobName, RunId};
use crate::domain::run::{RunKind, State};
use crate::domain::schedule::Schedule;
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::world::World;

/// What became of the ticks of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldTicks {
    /// The job.
    pub job: JobName,
    /// Why its ticks are not run, if they are not.
    pub paused: Option<Pause>,
    /// Latest first.
    pub lines: Vec<ToldTick>,
}

/// A tick, or a stretch of ticks with one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldTick {
    /// What it runs.
    pub kind: RunKind,
    /// The first tick.
    pub first: Timestamp,
    /// The last one; the same for a single tick.
    pub last: Timestamp,
    /// How many; `None` if the schedule is gone.
    pub count: Option<u64>,
    /// What became of them.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// The run, if there is one.
    pub run: Option<RunId>,
    /// How far that is; `None` if it was pruned.
    pub state: Option<State>,
    /// When it was ruled.
    pub decided_at: Timestamp,
}

/// The latest `limit` lines of the ledger of a job.
pub async fn told(world: &World, loaded: &LoadedJob, limit: u32) -> Result<ToldTicks, RunError> {
    let failed = RunError::store("read the ticks");
    let job = &loaded.job;
    let mut lines = Vec::new();
    for record in world.store.ticks(&job.name, limit).await.map_err(failed)? {
        let state = match &record.run {
            Some(run) => world.store.run(run).await.map_err(failed)?.map(|record| record.state),
            None => None,
        };
        lines.push(single(record, state));
    }
    for range in world.store.tick_ranges(&job.name, limit).await.map_err(failed)? {
        lines.push(stretch(job.schedule_of(range.kind), range));
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.last, line.kind)));
    lines.truncate(limit as usize);
    let all = world.store.pauses().await.map_err(failed)?;
    let paused = all.into_iter().find(|pause| pause.job == job.name);
    Ok(ToldTicks { job: job.name.clone(), paused, lines })
}

/// Puts on record that `tick` needs no run any more, because somebody says so.
pub async fn settle(
    world: &World,
    loaded: &LoadedJob,
    tick: Timestamp,
    reason: &str,
) -> Result<(), RunError> {
    const STAGE: &str = "settle a tick";
    let job = &loaded.job.name;
    let settled = world.store.settle_tick(job, tick, reason, world.now()).await;
    match settled.map_err(RunError::store(STAGE))? {
        Transition::Done => Ok(()),
        Transition::Refused { found: None } => {
            let message = format!("{tick} of `{job}` is not on record as a tick of its own");
            Err(RunError::new(STAGE, Cause::Request, message)
                .hint(format!("`nightshift ticks {job}` lists them")))
        }
        Transition::Refused { found: Some(found) } => {
            let message = format!(
                "{tick} of `{job}` is {found}, wanted a tick that was to be run and whose run has failed"
            );
            Err(RunError::new(STAGE, Cause::Request, message).hint(format!(
                "`nightshift ticks {job}` shows its run; `nightshift cancel` ends one that waits"
            )))
        }
    }
}

fn single(record: TickRecord, state: Option<State>) -> ToldTick {
    ToldTick {
        kind: record.kind,
        first: record.tick,
        last: record.tick,
        count: Some(1),
        decision: record.decision.decision,
        reason: record.decision.reason,
        run: record.run,
        state,
        decided_at: record.decided_at,
    }
}

fn stretch(schedule: Option<&Schedule>, range: TickRange) -> ToldTick {
    let before = range.first.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(range.first);
    let count = schedule.map(|schedule| schedule.ticks(before, range.last).number());
    ToldTick {
        kind: range.kind,
        first: range.first,
        last: range.last,
        count,
        decision: range.fate.id().to_owned(),
        reason: range.reason,
        run: None,
        state: None,
        decided_at: range.decided_at,
    }
}
