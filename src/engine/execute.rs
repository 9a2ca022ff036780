//! From a request to a committed run: enqueue, claim, plan, do, commit. The only way anything runs.
//!
//! A trigger is a label; schedule, command line and CI all come through here, and so do the runs that
//! another run has queued. A run that fails is recorded as failed before the error is returned, so nothing
//! that was begun is forgotten.

/// One run in a process of its own.
mod alone;
/// The right to execute a run.
mod claim;
/// The lock of a run, and what is told while it is held.
mod hold;
/// The wish that a run ends.
mod obey;
/// The runs that others have caused.
mod queue;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

pub use self::alone::execute_alone;
use self::claim::claim;
use self::hold::Hold;
pub use self::obey::OBEY_EVERY;
use self::obey::obey;
pub use self::queue::{catch_up, definition, drain};
use crate::adapters::store::{ModelPin, RunRecord};
use crate::domain::identity::Sha256;
use crate::domain::job::Job;
use crate::domain::job::policy::NoChampionPolicy;
use crate::domain::registry::VersionState;
use crate::domain::run::{Claim, Interval, RunKind, RunSlot, Trigger};
use crate::engine::error::RunError;
use crate::engine::jobs::LoadedJob;
use crate::engine::report::{self, RunReport, Stage};
use crate::engine::world::World;
use crate::engine::{commit, plan, recover, score, train};

/// What a caller asks for.
#[derive(Clone)]
pub struct Request {
    /// `None`: the latest tick that was due, or now.
    pub tick: Option<Timestamp>,
    /// Why it is asked for.
    pub trigger: Trigger,
    /// What happens with a tick that is committed already.
    pub force: Force,
    /// Whether a trained version may become champion.
    pub promotion: Promotion,
    /// What a score run may lead to.
    pub scope: Scope,
    /// Told of stages and rows as they are done.
    pub progress: Option<Progress>,
}

/// What a score run may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything its job says: retraining as well.
    Chain,
    /// Scores, and their correction should the champion be rolled back.
    ScoresOnly,
}

/// What happens with a tick that is committed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Nothing is to be done.
    No,
    /// It is done again, as the next revision.
    NewRevision,
}

/// Whether a trained version may become champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promotion {
    /// If its gates, or the lack of a champion, allow it.
    IfBlessed,
    /// Not in this run; a person may promote it later.
    Never,
}

/// Whether a run that fails is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryAgain {
    /// Whoever asked for it sees the error, and may ask again.
    Never,
    /// As `[run].retry` of its job says.
    ByPolicy,
}

/// Called while a run executes; must return quickly.
pub type Progress = Arc<dyn Fn(ProgressEvent) + Send + Sync>;

/// A step of a run that is worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressEvent {
    /// A stage begins.
    Stage(&'static str),
    /// Rows are being read.
    Rows {
        /// Rows read so far.
        done: u64,
        /// Rows of all files, before any filter.
        of: Option<u64>,
        /// Rows scored so far.
        scored: u64,
    },
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A run was executed: committed, or stopped by its findings.
    Done(Box<RunReport>),
    /// The tick was committed before.
    NothingToDo(Box<RunReport>),
}

impl Outcome {
    /// The run, whichever way it was found.
    pub fn report(&self) -> &RunReport {
        match self {
            Self::Done(report) | Self::NothingToDo(report) => report,
        }
    }
}

/// A run that is being executed, and what is known of it before it is planned.
pub struct Execution<'a> {
    /// Store, roots and clock.
    pub world: &'a World,
    /// The job it executes.
    pub loaded: &'a LoadedJob,
    /// Its place.
    pub slot: RunSlot,
    /// Why it is asked for.
    pub trigger: Trigger,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// The right to write on its behalf.
    pub claim: Claim,
    /// The digest of the job file.
    pub job_sha256: Sha256,
    /// The version that it scores with; `None` is the champion.
    pub pinned: Option<ModelPin>,
    /// Whether a trained version may become champion.
    pub promotion: Promotion,
    /// What a score run may lead to.
    pub scope: Scope,
    /// Whether it is tried again if it fails.
    pub tries: TryAgain,
    /// Told of stages and rows as they are done.
    pub progress: Option<Progress>,
    /// Stages with their durations, in order.
    pub stages: Vec<Stage>,
}

impl<'a> Execution<'a> {
    /// Of a run that was queued, and is held by `claim`: it may lead to whatever its job says.
    fn of_queued(
        world: &'a World,
        loaded: &'a LoadedJob,
        record: &RunRecord,
        claim: Claim,
        tries: TryAgain,
    ) -> Self {
        Self {
            world,
            loaded,
            slot: record.slot.clone(),
            trigger: record.trigger,
            interval: record.interval,
            claim,
            job_sha256: record.job_sha256,
            pinned: record.model,
            promotion: Promotion::IfBlessed,
            scope: Scope::Chain,
            tries,
            progress: None,
            stages: Vec::new(),
        }
    }

    /// Announces a stage; the returned value measures it.
    pub fn stage(&self, name: &'static str) -> (&'static str, Instant) {
        if let Some(progress) = &self.progress {
            progress(ProgressEvent::Stage(name));
        }
        tracing::debug!(run.id = %self.claim.run, stage = name, "stage `{name}` begins");
        (name, Instant::now())
    }

    /// Records how long a stage took.
    pub fn stage_done(&mut self, (name, begun): (&'static str, Instant)) {
        let seconds = begun.elapsed().as_secs_f64();
        self.stages.push(Stage { name: name.to_owned(), seconds });
    }
}

/// The whole chain, as the daemon would: a first training if there is no champion, then scoring, then the
/// runs that these cause.
pub async fn run(world: &World, loaded: &LoadedJob, request: Request) -> Result<Outcome, RunError> {
    let tick = plan::tick_of(&loaded.job, request.tick, world.now())?;
    let request = Request { tick: Some(tick), scope: Scope::Chain, ..request };
    catch_up(world, loaded, Scope::Chain, request.progress.as_ref()).await?;
    let mut first = None;
    if lacks_first(world, &loaded.job).await? {
        let training = Request {
            trigger: Trigger::Initial,
            force: Force::NewRevision,
            promotion: Promotion::IfBlessed,
            ..request.clone()
        };
        let trained = execute(world, loaded, RunKind::Train, training).await?;
        if world.champion(&loaded.job.name).await?.is_none() {
            return Ok(trained);
        }
        first = Some(trained);
    }
    let outcome = execute(world, loaded, RunKind::Score, request.clone()).await?;
    let progress = request.progress.as_ref();
    let mut outcome = followed(world, loaded, outcome, Scope::Chain, progress).await?;
    if let (Outcome::Done(report), Some(training)) = (&mut outcome, first) {
        report.preceded_by.push(training.report().clone());
    }
    Ok(outcome)
}

/// Whether a model has to be trained before anything can be scored: it has no champion, and no version waits
/// for somebody to promote it, as `gates.no_champion = "hold"` asks for.
async fn lacks_first(world: &World, job: &Job) -> Result<bool, RunError> {
    if world.champion(&job.name).await?.is_some() {
        return Ok(false);
    }
    if job.gates_together.no_champion != NoChampionPolicy::Hold {
        return Ok(true);
    }
    let versions =
        world.store.versions(&job.name).await.map_err(RunError::store("read the registry"))?;
    Ok(!versions.iter().any(|record| record.state == VersionState::Ready))
}

/// Scores one tick with the champion.
pub async fn score(
    world: &World,
    loaded: &LoadedJob,
    request: Request,
) -> Result<Outcome, RunError> {
    let (scope, progress) = (Scope::ScoresOnly, request.progress.clone());
    catch_up(world, loaded, scope, progress.as_ref()).await?;
    let outcome = execute(world, loaded, RunKind::Score, Request { scope, ..request }).await?;
    followed(world, loaded, outcome, scope, progress.as_ref()).await
}

/// Trains one version. Without a tick: as of now, whatever the schedule; not as of a time to come.
pub async fn train(
    world: &World,
    loaded: &LoadedJob,
    request: Request,
) -> Result<Outcome, RunError> {
    let now = world.now();
    let tick = request.tick.unwrap_or(now);
    plan::require_due(&loaded.job, tick, now)?;
    recover::recover(world).await?;
    let tick = Some(tick);
    execute(world, loaded, RunKind::Train, Request { tick, ..request }).await
}

/// Executes the runs that `outcome` has caused, and reads it back with them.
async fn followed(
    world: &World,
    loaded: &LoadedJob,
    outcome: Outcome,
    scope: Scope,
    progress: Option<&Progress>,
) -> Result<Outcome, RunError> {
    let Outcome::Done(report) = outcome else { return Ok(outcome) };
    drain(world, loaded, scope, progress).await?;
    Ok(Outcome::Done(Box::new(report::load(world, &report.run).await?)))
}

async fn execute(
    world: &World,
    loaded: &LoadedJob,
    kind: RunKind,
    request: Request,
) -> Result<Outcome, RunError> {
    let job = &loaded.job;
    let tick = match kind {
        RunKind::Score => plan::tick_of(job, request.tick, world.now())?,
        RunKind::Train => request.tick.unwrap_or_else(|| world.now()),
    };
    let interval = match kind {
        RunKind::Score => plan::interval_of(job, tick),
        RunKind::Train => Interval { start: None, end: tick },
    };
    let current =
        world.store.current(&job.name, kind, tick).await.map_err(RunError::store("claim"))?;
    let revision = match (&current, request.force) {
        (Some(record), Force::No) => {
            let found = report::load(world, &record.id).await?;
            return Ok(Outcome::NothingToDo(Box::new(found)));
        }
        (Some(record), Force::NewRevision) => record.slot.revision + 1,
        (None, _) => world
            .store
            .open_revision(&job.name, kind, tick)
            .await
            .map_err(RunError::store("claim"))?,
    };
    let slot = RunSlot { job: job.name.clone(), kind, tick, revision };
    let (claim, hold, job_sha256) = claim(world, loaded, &slot, request.trigger, interval).await?;
    let run = claim.run.clone();
    let execution = Execution {
        world,
        loaded,
        slot,
        trigger: request.trigger,
        interval,
        claim,
        job_sha256,
        pinned: None,
        promotion: request.promotion,
        scope: request.scope,
        tries: TryAgain::Never,
        progress: request.progress,
        stages: Vec::new(),
    };
    perform(execution, &hold).await?;
    Ok(Outcome::Done(Box::new(report::load(world, &run).await?)))
}

/// Executes a claimed run to its end; an error is on record before it is returned.
async fn perform(mut execution: Execution<'_>, hold: &Hold) -> Result<(), RunError> {
    execution.progress = hold.telling(execution.progress.take());
    let RunSlot { job, kind, tick, .. } = execution.slot.clone();
    let run = execution.claim.run.clone();
    let log = execution.world.run_log(&run)?;
    tracing::info!(job.name = %job, run.id = %run, "{kind} of `{job}` for {tick} begins");
    let (world, grace) = (execution.world, execution.loaded.job.limits.kill_grace.unsigned_abs());
    let work = async {
        match kind {
            RunKind::Score => Box::pin(score::execute(&mut execution)).await,
            RunKind::Train => Box::pin(train::execute(&mut execution)).await,
        }
    };
    let done = tokio::select! {
        done = work => done,
        never = obey(world, &run, grace) => match never {},
    };
    let ended = match done {
        Ok(()) => Ok(()),
        Err(error) => {
            commit::fail(&execution, &error).await?;
            Err(RunError { run: Some(run), ..error })
        }
    };
    drop(log);
    ended
}
