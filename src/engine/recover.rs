//! Unfinished runs of processes that are gone: published if their intent is durable, else lost.
//!
//! Done before anything else by every command that runs something. A run is taken for lost only if its
//! lock can be taken; each step may be repeated, so a crash in here is recovered like any other.

use crate::adapters::failpoint;
use crate::adapters::lock::RunLock;
use crate::adapters::publish::Staging;
use crate::adapters::store::{RunRecord, StoreError};
use crate::domain::identity::RunId;
use crate::domain::job::Job;
use crate::domain::run::{AttemptOutcome, State};
use crate::engine::commit::{published, roll_forward, sweep_all};
use crate::engine::error::RunError;
use crate::engine::execute::definition;
use crate::engine::plan::output_root;
use crate::engine::retry;
use crate::engine::world::World;

/// Recovers every unfinished run whose process is gone.
pub async fn recover(world: &World) -> Result<(), RunError> {
    let unfinished = world.store.unfinished().await.map_err(RunError::store("recover"))?;
    for record in &unfinished {
        settle(world, &record.id, LOST).await?;
    }
    sweep_all(world).await
}

/// The same for a daemon, which has other things to do: only these runs, and one that cannot be recovered is told
/// and left.
pub async fn recover_each(world: &World, unfinished: &[RunRecord]) -> Result<(), RunError> {
    for record in unfinished {
        // One run that cannot be recovered keeps no other from being.
        match settle(world, &record.id, LOST).await {
            Err(error) if error.ends_everything() => return Err(error),
            Err(error) => {
                let run = &record.id;
                tracing::error!(run.id = %run, "run `{run}` cannot be recovered: {}", error.chain());
            }
            Ok(_) => {}
        }
    }
    sweep_all(world).await
}

/// An attempt whose process ended for a reason that nobody knows.
pub const LOST: (AttemptOutcome, &str) =
    (AttemptOutcome::Lost, "the process that ran it ended without a word");

/// Ends the attempt of an unfinished run whose process is gone, or publishes it if its intent is durable.
/// `how` says how the process ended. Nothing happens while somebody holds the lock of the run: then it is false.
pub async fn settle(
    world: &World,
    run: &RunId,
    how: (AttemptOutcome, &str),
) -> Result<bool, RunError> {
    let failed = RunError::store("recover");
    let lock = RunLock::acquire(&world.state_dir(), run).map_err(RunError::other("recover"))?;
    let Some(_lock) = lock else {
        tracing::debug!(run.id = %run, "run `{run}` is held by a process that lives");
        return Ok(false);
    };
    // It may have ended before it was locked.
    let Some(record) = world.store.run(run).await.map_err(failed)? else { return Ok(true) };
    match record.state {
        State::Committing => {
            tracing::info!(run.id = %run, "run `{run}` was being published: goes on");
            roll_forward(world, run).await?;
        }
        State::Claimed | State::Running => end(world, &record, how).await?,
        _ => {}
    }
    Ok(true)
}

/// Ends the attempt of a run that has published nothing.
async fn end(
    world: &World,
    record: &RunRecord,
    (outcome, error): (AttemptOutcome, &str),
) -> Result<(), RunError> {
    failpoint::reach("recover.lost").map_err(RunError::other("recover"))?;
    let error = record.cancel.as_ref().map_or(error, |(_, reason)| reason);
    tracing::warn!(run.id = %record.id, "run `{}` has ended without a result: {error}", record.id);
    let defined = definition(world, record).await?;
    let limits = defined.as_ref().map(|loaded| &loaded.job.limits);
    let afterwards = retry::after_end(world, record, limits, outcome).await?;
    match world.store.mark_ended(&record.claim(), (outcome, error), afterwards, world.now()).await {
        Ok(()) | Err(StoreError::FenceLost { .. }) => Ok(()),
        Err(error) => Err(RunError::store("recover")(error)),
    }
}

/// Removes the staging folders of runs of `job` that nobody executes or has still to publish.
pub async fn sweep_staging(world: &World, job: &Job) -> Result<(), RunError> {
    let root = output_root(world, job)?;
    for name in Staging::list(&root).map_err(published("recover"))? {
        let record = world.store.run(&name.run).await.map_err(RunError::store("recover"))?;
        let is_needed = record.is_some_and(|record| {
            record.token == name.token
                && matches!(record.state, State::Claimed | State::Running | State::Committing)
        });
        if !is_needed {
            failpoint::reach("recover.gc").map_err(RunError::other("recover"))?;
            Staging::remove_left(&root, &name).map_err(published("recover"))?;
        }
    }
    Ok(())
}
