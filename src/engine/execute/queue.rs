//! The runs of a job that others have caused: found, and executed one by one.
//!
//! They are queued in the transaction that ends their cause, maybe by a process that is gone since. Whoever
//! runs something of the job executes them first.

use std::collections::BTreeSet;

use super::claim::{busy, take};
use super::{Execution, Progress, Scope, TryAgain, perform};
use crate::adapters::store::RunRecord;
use crate::domain::identity::RunId;
use crate::domain::job::parse::parse;
use crate::domain::run::RunKind;
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::world::World;
use crate::engine::{commit, recover};

/// Most runs that one request executes beyond its own, so that no chain is endless.
const FOLLOW_UPS_MAX: usize = 10_000;

/// Does what an earlier process was killed before: ends its runs, removes what it has staged, executes
/// what it has queued.
pub async fn catch_up(
    world: &World,
    loaded: &LoadedJob,
    scope: Scope,
    progress: Option<&Progress>,
) -> Result<(), RunError> {
    recover::recover(world).await?;
    recover::sweep_staging(world, &loaded.job).await?;
    drain(world, loaded, scope, progress).await
}

/// Executes the runs of a job that others have caused and that `scope` holds, oldest first, until none is
/// left.
///
/// What somebody asks for is queued as well, for a moment. It is left to whoever asked, who alone knows
/// whether it may promote and what it may lead to.
///
/// One that fails is on record as failed and does not keep the others from running, unless the failure
/// says that nothing can be trusted any more. One that somebody else executes is left to them.
pub async fn drain(
    world: &World,
    loaded: &LoadedJob,
    scope: Scope,
    progress: Option<&Progress>,
) -> Result<(), RunError> {
    let failed = RunError::store("look for queued runs");
    let mut left: BTreeSet<RunId> = BTreeSet::new();
    for _ in 0..FOLLOW_UPS_MAX {
        let queued = world.store.queued().await.map_err(failed)?;
        let is_ours = |record: &&RunRecord| {
            record.slot.job == loaded.job.name
                && record.trigger.is_consequence()
                && (scope == Scope::Chain || record.slot.kind == RunKind::Score)
                && !left.contains(&record.id)
        };
        let Some(next) = queued.iter().find(is_ours) else { return Ok(()) };
        match execute_queued(world, loaded, next, progress).await {
            Ok(()) => {}
            Err(error) => {
                match error.cause {
                    Cause::Fsync | Cause::Damaged => return Err(error),
                    Cause::Busy => {}
                    Cause::Request | Cause::Job | Cause::Data | Cause::Unsettled | Cause::Other => {
                        tracing::warn!(run.id = %next.id, error = %error.chain(), "a queued run failed");
                    }
                }
                left.insert(next.id.clone());
            }
        }
    }
    let message = format!("more than {FOLLOW_UPS_MAX} runs were queued by one another");
    Err(RunError::new("drain the queue", Cause::Other, message))
}

/// Executes a run that another one has queued, by the job file that it was queued with.
async fn execute_queued(
    world: &World,
    loaded: &LoadedJob,
    record: &RunRecord,
    progress: Option<&Progress>,
) -> Result<(), RunError> {
    let unfinished = world.store.unfinished().await.map_err(RunError::store("claim"))?;
    let is_before = |other: &&RunRecord| {
        let (slot, other) = (&record.slot, &other.slot);
        (&slot.job, slot.kind, slot.tick) == (&other.job, other.kind, other.tick)
    };
    if let Some(before) = unfinished.iter().find(is_before) {
        return Err(busy(&before.id, &before.slot));
    }
    let (claim, hold) = take(world, &record.id, &record.slot).await?;
    let (defined, unreadable) = match defined(world, loaded, record).await {
        Ok(found) => (found, None),
        Err(error) => (None, Some(error)),
    };
    let loaded = defined.as_ref().unwrap_or(loaded);
    let queued = Execution::of_queued(world, loaded, record, claim, TryAgain::Never);
    let execution = Execution { progress: progress.cloned(), ..queued };
    match unreadable {
        None => perform(execution, &hold).await,
        Some(error) => {
            commit::fail(&execution, &error).await?;
            Err(error)
        }
    }
}

/// The job that a queued run executes, where its file has changed since.
async fn defined(
    world: &World,
    loaded: &LoadedJob,
    record: &RunRecord,
) -> Result<Option<LoadedJob>, RunError> {
    if record.job_sha256 == loaded.sha256() {
        return Ok(None);
    }
    definition(world, record).await?.map(Some).ok_or_else(undefined)
}

/// The job that a run executes, as it was when the run was queued; `None` if that is not on record, or is
/// of a version of nightshift that took other job files.
pub async fn definition(world: &World, record: &RunRecord) -> Result<Option<LoadedJob>, RunError> {
    let failed = RunError::store("read the definition of a run");
    let text = world.store.definition(&record.job_sha256).await.map_err(failed)?;
    let file = format!("{}.toml", record.slot.job);
    Ok(text.and_then(|text| {
        let job = parse(&file, text.as_bytes()).ok()?;
        Some(LoadedJob { file, text, job })
    }))
}

pub(super) fn undefined() -> RunError {
    let message = "the job file that the run was queued with is not on record or does not parse";
    RunError::new("read the definition of a run", Cause::Job, message)
}
