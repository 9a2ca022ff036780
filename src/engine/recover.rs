//! Unfinished runs of processes that are gone: published if their intent is durable, else lost.
//!
//! Done before anything else by every command that runs something. A run is taken for lost only if its
//! lock can be taken; each step may be repeated, so a crash in here is recovered like any other.

use crate::adapters::lock::RunLock;
use crate::adapters::publish::Staging;
use crate::adapters::store::{Afterwards, RunRecord, StoreError};
use crate::domain::job::Job;
use crate::domain::run::State;
use crate::engine::commit::{published, roll_forward, sweep_all};
use crate::engine::error::RunError;
use crate::engine::plan::output_root;
use crate::engine::world::World;

/// How often a run is tried that keeps losing its process.
const ATTEMPTS_MAX: u32 = 10;

/// Recovers every unfinished run whose process is gone.
pub async fn recover(world: &World) -> Result<(), RunError> {
    let unfinished = world.store.unfinished().await.map_err(RunError::store("recover"))?;
    for record in &unfinished {
        recover_run(world, record).await?;
    }
    sweep_all(world).await
}

async fn recover_run(world: &World, record: &RunRecord) -> Result<(), RunError> {
    let lock =
        RunLock::acquire(&world.state_dir(), &record.id).map_err(RunError::other("recover"))?;
    let Some(_lock) = lock else {
        tracing::debug!(run.id = %record.id, "run `{}` is held by a process that lives", record.id);
        return Ok(());
    };
    // It may have ended between the list and the lock.
    let found = world.store.run(&record.id).await.map_err(RunError::store("recover"))?;
    match found.map(|record| (record.state, record.claim())) {
        Some((State::Committing, _)) => {
            tracing::info!(run.id = %record.id, "run `{}` was being published: goes on", record.id);
            roll_forward(world, &record.id).await
        }
        Some((State::Claimed | State::Running, claim)) => {
            tracing::warn!(run.id = %record.id, "run `{}` was lost: its process is gone", record.id);
            match world.store.mark_lost(&claim, afterwards(world, record), world.now()).await {
                Ok(()) | Err(StoreError::FenceLost { .. }) => Ok(()),
                Err(error) => Err(RunError::store("recover")(error)),
            }
        }
        _ => Ok(()),
    }
}

/// Where a lost attempt leaves its run. What another run has caused is nobody's request: it is queued again,
/// as often as [`ATTEMPTS_MAX`] says. What somebody asked for is asked for again.
fn afterwards(world: &World, record: &RunRecord) -> Afterwards {
    match (record.trigger.is_consequence(), record.attempt < ATTEMPTS_MAX) {
        (true, true) => Afterwards::Retry { not_before: world.now() },
        (true, false) => Afterwards::Dead,
        (false, _) => Afterwards::Failed,
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
            Staging::remove_left(&root, &name).map_err(published("recover"))?;
        }
    }
    Ok(())
}
