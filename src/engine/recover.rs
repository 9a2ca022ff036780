//! Unfinished runs of processes that are gone: published if their intent is durable, else lost.
//!
//! Done before anything else by every command that runs something. A run is taken for lost only if its
//! lock can be taken; each step may be repeated, so a crash in here is recovered like any other.

use jiff::SignedDuration;

use crate::adapters::failpoint;
use crate::adapters::lock::RunLock;
use crate::adapters::publish::{self, Aside, Site, Staging, StagingName};
use crate::adapters::store::{RunRecord, StoreError};
use crate::domain::identity::RunId;
use crate::domain::job::Job;
use crate::domain::run::{AttemptOutcome, State};
use crate::engine::commit::{retire, roll_forward, sweep_all};
use crate::engine::error::RunError;
use crate::engine::execute::definition;
use crate::engine::output::published;
use crate::engine::plan;
use crate::engine::retry;
use crate::engine::world::World;

/// Recovers every unfinished run whose process is gone.
pub async fn recover(world: &World) -> Result<(), RunError> {
    let unfinished = world.store.unfinished().await.map_err(RunError::store("recover"))?;
    recover_each(world, &unfinished).await
}

/// The same for these runs only. One that cannot be recovered, because its output is not mounted for instance, is
/// told and left: it is nobody else's trouble.
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

/// How long a staging folder stays whose run is not on record: a restored backup may be replaced by a newer one.
const UNKNOWN_STAYS: SignedDuration = SignedDuration::from_hours(24);

/// Removes the staging folders of this project beside the output of `job` that nobody needs any more. What was
/// published before their runs is set aside first.
pub async fn sweep_staging(world: &World, job: &Job) -> Result<(), RunError> {
    let (folder, site) = plan::any_folder(world, job)?;
    for (name, changed_at) in Staging::list(&site).map_err(published("recover"))? {
        if !world.identity.is_own(folder.root(), &name.project) {
            continue;
        }
        let record = world.store.run(&name.run).await.map_err(RunError::store("recover"))?;
        let Some(found) =
            what_to_do(record.as_ref(), &name, world.now().duration_since(changed_at))
        else {
            continue;
        };
        failpoint::reach("recover.gc").map_err(RunError::other("recover"))?;
        if let (Some(record), Some(Aside::Current)) = (&record, found) {
            retire(world, record).await?;
        }
        let of_tick = record.and_then(|record| record.folder);
        let site = of_tick.map_or_else(|| Ok(site.clone()), |folder| world.site(&folder))?;
        if let Some(aside) = found {
            publish::set_aside(&site, &name, aside).map_err(published("recover"))?;
        }
        Staging::remove_left(&site, &name).map_err(published("recover"))?;
    }
    sweep_former(world, &site).await
}

/// Whether the staging folder `name` can go, and how what was published before its run is set aside.
#[expect(
    clippy::option_option,
    reason = "nothing is done, or the folder goes with or without a look inside"
)]
fn what_to_do(
    record: Option<&RunRecord>,
    name: &StagingName,
    age: SignedDuration,
) -> Option<Option<Aside>> {
    let Some(record) = record else {
        return (age > UNKNOWN_STAYS).then_some(Some(Aside::Former));
    };
    match record.state {
        State::Claimed | State::Running | State::Committing if record.token == name.token => None,
        // What was published in part is for a person to look at.
        State::Corrupt => None,
        State::Committed if record.token == name.token => Some(Some(Aside::Current)),
        State::Superseded if record.token == name.token => Some(Some(Aside::Former)),
        _ => Some(None),
    }
}

/// Removes what an earlier version has staged within the output, once its run has ended.
async fn sweep_former(world: &World, site: &Site) -> Result<(), RunError> {
    let stages = publish::former_stages(&site.root, &site.output).map_err(published("recover"))?;
    for stage in stages {
        let record = world.store.run(&stage.run).await.map_err(RunError::store("recover"))?;
        let is_over = record.is_some_and(|record| {
            let is_at_work =
                matches!(record.state, State::Claimed | State::Running | State::Committing);
            record.token != stage.token || !is_at_work
        });
        if is_over {
            publish::remove_former(&site.output, &stage).map_err(published("recover"))?;
        }
    }
    Ok(())
}
