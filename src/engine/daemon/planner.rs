//! Which ticks are due, and what becomes of them.
//!
//! The planner remembers when each schedule is next due, so a beat at which nothing is due costs nothing.
//! What it remembers is a hint: the cursor in the store decides, in the transaction that moves it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use jiff::Timestamp;

use super::job_set::JobSet;
use super::{endure, told};
use crate::adapters::failpoint;
use crate::adapters::metrics::Metrics;
use crate::adapters::store::{RuledTicks, ScheduleRecord};
use crate::domain::identity::{JobName, RunId};
use crate::domain::job::timing::{Overlap, Timing};
use crate::domain::run::{Interval, RunKind, RunSlot};
use crate::domain::ticks::{Fate, Ruling, Standing, rule};
use crate::engine::error::RunError;
use crate::engine::world::World;

/// Most schedules that are ruled on in one transaction: others may want to write too.
const BATCH_MAX: usize = 2_000;

/// When each schedule is next due.
#[derive(Debug)]
pub struct Planner {
    next: BinaryHeap<Reverse<(Timestamp, JobName, RunKind)>>,
}

impl Planner {
    /// Follows the schedules of `jobs` from now on, each from its cursor.
    pub async fn new(world: &World, jobs: &JobSet) -> Result<Self, RunError> {
        let (wanted, keep_others) = (jobs.schedules(), !jobs.problems().is_empty());
        let records = world
            .store
            .follow_schedules(&wanted, keep_others, world.now())
            .await
            .map_err(RunError::store("follow the schedules"))?;
        let mut out = Self { next: BinaryHeap::with_capacity(records.len()) };
        for record in records {
            out.remember(jobs, &record.job, record.kind, record.cursor);
        }
        Ok(out)
    }

    /// How many schedules are followed.
    pub fn len(&self) -> usize {
        self.next.len()
    }

    /// Whether no schedule is followed.
    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// How long after `now` a tick is due; `None` if none is to come, or one is overdue: that is for the next beat.
    pub fn due_in(&self, now: Timestamp) -> Option<Duration> {
        let Reverse((at, ..)) = self.next.peek()?;
        (*at > now).then(|| at.duration_since(now).unsigned_abs())
    }

    /// Rules on every tick that is due at `now`. What cannot be written is tried again at the next beat.
    pub async fn reconcile(
        &mut self,
        world: &World,
        jobs: &JobSet,
        now: Timestamp,
    ) -> Result<(), RunError> {
        loop {
            let mut due = Vec::new();
            while due.len() < BATCH_MAX
                && self.next.peek().is_some_and(|Reverse((at, ..))| *at <= now)
                && let Some(Reverse((_, job, kind))) = self.next.pop()
            {
                due.push((job, kind));
            }
            if due.is_empty() {
                return Ok(());
            }
            match rule_on(world, jobs, &due, now).await {
                Ok(ruled) => {
                    for (job, kind) in due {
                        let found =
                            ruled.iter().find(|found| found.job == job && found.kind == kind);
                        // Without a ruling nothing was due after all: its cursor is not before now.
                        let cursor = found.map_or(now, |found| found.ruling.cursor);
                        self.remember(jobs, &job, kind, cursor);
                    }
                    for found in &ruled {
                        tell(&world.metrics, found);
                    }
                }
                Err(error) => {
                    let again = due.into_iter().map(|(job, kind)| Reverse((now, job, kind)));
                    self.next.extend(again);
                    return endure(error, "rule on the ticks");
                }
            }
        }
    }

    fn remember(&mut self, jobs: &JobSet, job: &JobName, kind: RunKind, cursor: Timestamp) {
        let schedule = jobs.schedule(job, kind);
        if let Some(at) = schedule.and_then(|schedule| schedule.next_after(cursor)) {
            self.next.push(Reverse((at, job.clone(), kind)));
        }
    }
}

/// Rules on the ticks of the schedules in `due`, in one transaction.
async fn rule_on(
    world: &World,
    jobs: &JobSet,
    due: &[(JobName, RunKind)],
    now: Timestamp,
) -> Result<Vec<RuledTicks>, RunError> {
    failpoint::reach("plan.before_txn").map_err(RunError::other("rule on the ticks"))?;
    let mut unnamed = None;
    let ruled = world
        .store
        .rule_ticks(due, now, |record, standing| match ruled(world, jobs, record, &standing, now) {
            Ok(found) => found,
            Err(error) => {
                unnamed.get_or_insert(error);
                None
            }
        })
        .await
        .map_err(RunError::store("rule on the ticks"))?;
    unnamed.map_or(Ok(ruled), Err)
}

/// What becomes of the due ticks of one schedule; `None` if nothing is due after all.
fn ruled(
    world: &World,
    jobs: &JobSet,
    record: &ScheduleRecord,
    standing: &Standing,
    now: Timestamp,
) -> Result<Option<RuledTicks>, RunError> {
    let (Some(known), Some(schedule)) =
        (jobs.get(&record.job), jobs.schedule(&record.job, record.kind))
    else {
        return Ok(None);
    };
    let own = known.loaded.job.timing;
    let timing = match record.kind {
        RunKind::Score => own,
        // Versions of one model are trained one after the other, whatever `overlap` says of scores.
        RunKind::Train => Timing { overlap: Overlap::Skip, ..own },
    };
    let Some(ruling) = rule(record.job.as_str(), schedule, &timing, standing, now) else {
        return Ok(None);
    };
    let mut runs: Vec<(RunId, Interval)> = Vec::with_capacity(ruling.starts.len());
    for start in &ruling.starts {
        let (job, kind) = (record.job.clone(), record.kind);
        let slot = RunSlot { job, kind, tick: start.tick, revision: 0 };
        let interval = match kind {
            RunKind::Score => schedule.interval(start.tick),
            RunKind::Train => Interval { start: None, end: start.tick },
        };
        runs.push((world.new_run_id(&slot)?, interval));
    }
    Ok(Some(RuledTicks {
        job: record.job.clone(),
        kind: record.kind,
        ruling,
        runs,
        job_sha256: known.sha256,
        job_text: known.loaded.text.clone(),
    }))
}

/// Counts what became of ticks, and says it of those that are not simply run.
fn tell(metrics: &Metrics, found: &RuledTicks) {
    let Ruling { lines, starts, .. } = &found.ruling;
    for line in lines {
        let (first, last, fate) = (told(line.first), told(line.last), line.fate);
        metrics.ruled(found.kind, fate);
        tracing::warn!(
            job.name = %found.job,
            "ticks of `{}` from {first} to {last}: {fate} ({})", found.job, line.reason
        );
    }
    for start in starts {
        let (tick, fate) = (told(start.tick), start.fate);
        metrics.ruled(found.kind, fate);
        if fate == Fate::Run {
            tracing::debug!(job.name = %found.job, "tick {tick} of `{}`: {fate}", found.job);
        } else {
            tracing::info!(job.name = %found.job, "tick {tick} of `{}`: {fate}", found.job);
        }
    }
}
