//! Which queued runs begin, and what became of those that ended.
//!
//! A run begins in a process of its own if there is room: for the daemon as a whole, and for its job. What
//! a process says of itself is not believed: when it has ended, the store knows what it has done.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::child::{End, Patience, Report, attend, cpu_seconds};
use super::job_set::{JobSet, KnownJob};
use super::lookout::{Lookout, STILL, Sight};
use super::settle::settle;
use super::{Order, duration, endure};
use crate::adapters::failpoint;
use crate::adapters::process::{Nursery, Program};
use crate::adapters::store::RunRecord;
use crate::domain::identity::{JobName, RunId};
use crate::domain::run::{RunKind, Trigger};
use crate::engine::error::RunError;
use crate::engine::execute::definition;
use crate::engine::offload::offload_async;
use crate::engine::world::World;

/// Between asking processes to end and ending them when the daemon stops.
pub(super) const KILL_GRACE: Duration = Duration::from_secs(20);

/// Between two tries to put on record what became of a run.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// After they were killed, processes have so long to be gone.
pub(super) const KILL_WAIT: Duration = Duration::from_secs(4);

/// How long a run whose input is not there yet waits before it is looked for again.
const INPUT_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// The processes that execute runs.
pub(super) struct Dispatcher {
    nursery: Nursery,
    program: PathBuf,
    running_max: usize,
    lookout: Lookout,
    children: BTreeMap<RunId, Child>,
    attended: JoinSet<(RunId, Report)>,
    /// Whose process has ended, and what it says.
    ended: Vec<(RunId, Report)>,
    /// Being put on record, beside the loop: that may mean to publish what a process has left.
    settling: JoinSet<Settled>,
    settled: Vec<Settled>,
}

/// A run whose process has ended, what that says, and whether it is on record.
type Settled = (RunId, Report, Result<(), RunError>);

struct Child {
    job: JobName,
    kind: RunKind,
    /// The attempts of its run before this one.
    attempts_before: u32,
    orders: mpsc::Sender<End>,
}

impl Dispatcher {
    pub(super) fn new(world: &World, program: PathBuf) -> Result<Self, RunError> {
        let half = std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1));
        Ok(Self {
            nursery: Nursery::new().map_err(RunError::other("start the daemon"))?,
            program,
            running_max: world.project.daemon.running_max.unwrap_or(half),
            lookout: Lookout::default(),
            children: BTreeMap::new(),
            attended: JoinSet::new(),
            ended: Vec::new(),
            settling: JoinSet::new(),
            settled: Vec::new(),
        })
    }

    /// How many runs are being executed.
    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether the process of `run` is waited for.
    pub(super) fn attends(&self, run: &RunId) -> bool {
        self.children.contains_key(run)
    }

    /// Waits until a process has ended, or is settled; for ever if there is none. May be dropped at any point.
    pub(super) async fn someone_ended(&mut self) {
        tokio::select! {
            Some(ended) = self.attended.join_next() => self.ended.extend(sound(ended)),
            Some(settled) = self.settling.join_next() => self.settled.extend(sound(settled)),
            else => std::future::pending().await,
        }
    }

    /// Begins what may begin at `now`, and ends what is to end.
    pub(super) async fn dispatch(
        &mut self,
        world: &World,
        jobs: &JobSet,
        now: Timestamp,
    ) -> Result<(), RunError> {
        match self.try_dispatch(world, jobs, now).await {
            Ok(()) => Ok(()),
            Err(error) => endure(error, "begin the next run"),
        }
    }

    async fn try_dispatch(
        &mut self,
        world: &World,
        jobs: &JobSet,
        now: Timestamp,
    ) -> Result<(), RunError> {
        let failed = RunError::store("look for the next run");
        self.end_cancelled(world).await?;
        if self.children.len() >= self.running_max {
            return Ok(());
        }
        let found = world.store.pauses().await.map_err(failed)?;
        let paused: Vec<JobName> = found.into_iter().map(|pause| pause.job).collect();
        let unfinished = world.store.unfinished().await.map_err(failed)?;
        // A job whose next run may not begin is not asked for again in this beat.
        let mut held: Vec<(JobName, RunKind)> = Vec::new();
        while self.children.len() < self.running_max {
            let mut full = self.full(jobs, &unfinished);
            full.extend(held.iter().cloned());
            let next = world.store.next_queued(&full, &paused, now).await.map_err(failed)?;
            let Some(record) = next else { return Ok(()) };
            let must_wait = match jobs.get(&record.slot.job) {
                // The process of its last attempt has not been settled yet.
                _ if self.children.contains_key(&record.id) => true,
                _ if self.is_being_begun(world, &record, &unfinished).await? => true,
                Some(known) => self.must_wait(world, known, &record, now).await?,
                // What a run of a job that is gone has caused is done all the same.
                None => false,
            };
            if must_wait {
                held.push((record.slot.job, record.slot.kind));
            } else {
                self.begin(world, jobs, record).await?;
            }
        }
        Ok(())
    }

    /// Jobs and kinds of which as many runs are executed as may be, by this daemon or by others.
    fn full(&self, jobs: &JobSet, unfinished: &[RunRecord]) -> Vec<(JobName, RunKind)> {
        let others = unfinished
            .iter()
            .filter(|record| !self.children.contains_key(&record.id))
            .map(|record| (record.slot.job.clone(), record.slot.kind));
        let own = self.children.values().map(|child| (child.job.clone(), child.kind));
        let mut counts: BTreeMap<(JobName, RunKind), usize> = BTreeMap::new();
        for key in own.chain(others) {
            *counts.entry(key).or_default() += 1;
        }
        let most = |(job, kind): &(JobName, RunKind)| match (kind, jobs.get(job)) {
            (RunKind::Score, Some(known)) => known.loaded.job.timing.overlap.concurrent_max(),
            _ => 1,
        };
        let is_full = |(key, count): &((JobName, RunKind), usize)| *count >= most(key);
        counts.into_iter().filter(is_full).map(|(key, _)| key).collect()
    }

    /// Whether a run of the job is executed that may be training the first version, by this daemon or by others.
    async fn is_being_begun(
        &self,
        world: &World,
        record: &RunRecord,
        unfinished: &[RunRecord],
    ) -> Result<bool, RunError> {
        let job = &record.slot.job;
        let is_busy = self.children.values().any(|child| child.job == *job)
            || unfinished.iter().any(|other| other.slot.job == *job);
        let may_train = record.slot.kind == RunKind::Score && record.model.is_none();
        Ok(is_busy && may_train && world.champion(job).await?.is_none())
    }

    /// Whether a run is not to begin yet, though its time has come.
    async fn must_wait(
        &mut self,
        world: &World,
        known: &KnownJob,
        record: &RunRecord,
        now: Timestamp,
    ) -> Result<bool, RunError> {
        let failed = RunError::store("look for the next run");
        let (job, slot) = (&known.loaded.job, &record.slot);
        if record.trigger != Trigger::Schedule || slot.kind != RunKind::Score {
            return Ok(false);
        }
        if job.timing.depends_on_past
            && world.store.waits_for_past(&slot.job, slot.kind, slot.tick).await.map_err(failed)?
        {
            return Ok(true);
        }
        let patience = slot.tick.saturating_add(job.timing.wait_for).unwrap_or(slot.tick);
        if now >= patience {
            return Ok(false);
        }
        let wait = match self.lookout.look(world, job, record, now).await {
            Sight::There => return Ok(false),
            Sight::Looking => return Ok(true),
            Sight::Missing => INPUT_WAIT,
            Sight::Growing => STILL,
        };
        let until = now.saturating_add(wait).unwrap_or(now).min(patience);
        world.store.postpone(&record.id, until).await.map_err(failed)?;
        Ok(true)
    }

    /// Starts the process of a run. It executes the job file of now, but for a correction, which does again
    /// what was done.
    async fn begin(
        &mut self,
        world: &World,
        jobs: &JobSet,
        mut record: RunRecord,
    ) -> Result<(), RunError> {
        if let Some(known) = jobs.get(&record.slot.job)
            && record.trigger != Trigger::Rollback
            && record.job_sha256 != known.sha256
        {
            let (text, sha256) = (&known.loaded.text, &known.sha256);
            let failed = RunError::store("look for the next run");
            world.store.redefine(&record.id, text, sha256).await.map_err(failed)?;
            record.job_sha256 = known.sha256;
        }
        let defined = definition(world, &record).await?;
        let limits = defined.map(|loaded| loaded.job.limits);
        let mut arguments = vec!["--project".into(), world.project_dir.clone().into_os_string()];
        let parent = std::process::id().to_string();
        arguments.extend(["execute", record.id.as_str(), "--parent", &parent].map(Into::into));
        if let Some(bytes) = limits.and_then(|limits| limits.memory_max) {
            arguments.extend(["--memory-max".into(), bytes.to_string().into()]);
        }
        if let Some(limits) = limits {
            arguments.extend(["--cpu-max".into(), cpu_seconds(&limits).to_string().into()]);
        }
        let mut variables = Vec::new();
        if let Some(threads) = limits.and_then(|limits| limits.threads) {
            variables.push(("POLARS_MAX_THREADS", threads.to_string()));
            variables.push(("RAYON_NUM_THREADS", threads.to_string()));
        }
        let program = Program { path: self.program.clone(), arguments, variables };
        let (orders, received) = mpsc::channel(2);
        let (job, kind) = (record.slot.job.clone(), record.slot.kind);
        let child = Child { job, kind, attempts_before: record.attempt, orders };
        self.children.insert(record.id.clone(), child);
        let process = match self.nursery.start(&program).await {
            Ok(process) => process,
            Err(error) => {
                // An attempt like any other: else it would be made for ever.
                self.ended.push((record.id, Report::not_started(&error)));
                return Ok(());
            }
        };
        tracing::info!(
            job.name = %record.slot.job, run.id = %record.id, process.id = process.pid(),
            "{} of `{}` for {} is started", record.slot.kind, record.slot.job, record.slot.tick
        );
        let patience = Patience {
            timeout: limits.map_or(Duration::MAX, |limits| duration(limits.timeout)),
            grace: limits.map_or(KILL_GRACE, |limits| duration(limits.kill_grace)),
        };
        let id = record.id;
        self.attended.spawn(async move { (id, attend(process, patience, received).await) });
        Ok(())
    }

    /// Ends the processes whose runs somebody has cancelled.
    async fn end_cancelled(&self, world: &World) -> Result<(), RunError> {
        for (run, child) in &self.children {
            let found = world.store.run(run).await.map_err(RunError::store("look at a run"))?;
            if found.is_some_and(|record| record.cancel.is_some()) {
                // Full if it was told already.
                let _told = child.orders.try_send(End::Cancel);
            }
        }
        Ok(())
    }

    /// Begins to put on record what became of runs whose process has ended. Waits for nothing, and returns whether
    /// some are on record now.
    pub(super) fn settle(&mut self, world: &World, jobs: &JobSet) -> Result<bool, RunError> {
        while let Some(ended) = self.attended.try_join_next() {
            self.ended.extend(sound(ended));
        }
        while let Some(settled) = self.settling.try_join_next() {
            self.settled.extend(sound(settled));
        }
        let mut again = Vec::new();
        let (mut has_settled, mut result) = (false, Ok(()));
        for (run, report, done) in std::mem::take(&mut self.settled) {
            match done {
                Ok(()) => {
                    self.children.remove(&run);
                    has_settled = true;
                }
                Err(error) => {
                    again.push((run, report));
                    result = result.and(endure(error, "settle a run"));
                }
            }
        }
        for (run, report) in std::mem::replace(&mut self.ended, again) {
            let Some(child) = self.children.get(&run) else { continue };
            let limits = jobs.get(&child.job).map(|known| known.loaded.job.limits);
            let given_up_max = limits.map(|limits| limits.pause_after_failures);
            let before = child.attempts_before;
            let world = world.clone();
            self.settling.spawn(async move {
                let (id, told) = (run.clone(), report.clone());
                let done = offload_async("settle a run", async move || {
                    settle(&world, &id, (before, &told), given_up_max).await
                });
                let done = done.await;
                (run, report, done)
            });
        }
        result.map(|()| has_settled)
    }

    /// Waits for the processes, then ends them. A second order to stop ends the waiting.
    pub(super) async fn drain(
        &mut self,
        world: &World,
        jobs: &JobSet,
        patience: Duration,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Result<Drained, RunError> {
        failpoint::reach("drain.start").map_err(RunError::other("stop"))?;
        let mut drained = Drained::Patiently;
        for (end, patience) in
            [(None, patience), (Some(End::Interrupt), KILL_GRACE), (Some(End::Kill), KILL_WAIT)]
        {
            for child in self.children.values() {
                if end == Some(End::Kill) {
                    failpoint::pass("drain.kill");
                }
                if let Some(end) = end {
                    let _told = child.orders.try_send(end);
                }
            }
            let deadline = tokio::time::sleep(patience);
            tokio::pin!(deadline);
            while !self.children.is_empty() {
                tokio::select! {
                    () = self.someone_ended() => {}
                    // What could not be settled is tried again.
                    () = tokio::time::sleep(SETTLE_AGAIN) => {}
                    () = &mut deadline => break,
                    order = orders.recv() => match order {
                        Some(Order::Reload) => continue,
                        Some(Order::Stop) | None => {
                            drained = Drained::Hurried;
                            break;
                        }
                    },
                }
                self.settle(world, jobs)?;
            }
        }
        for (run, Child { job, .. }) in &self.children {
            tracing::warn!(job.name = %job, run.id = %run, "run `{run}` of `{job}` is left to the next start");
        }
        Ok(drained)
    }
}

/// How the processes were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    Patiently,
    /// Somebody asked twice.
    Hurried,
}

/// What a task has returned; none of ours panics.
fn sound<T>(returned: Result<T, tokio::task::JoinError>) -> Option<T> {
    returned
        .inspect_err(|error| tracing::error!(error = %error, "a process is not attended any more"))
        .ok()
}
