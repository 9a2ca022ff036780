//! Intent, publication and the final transaction: what makes a run visible, exactly once.
//!
//! Before the intent is durable nothing is visible and the attempt may be repeated; after it the run
//! will be published and is never executed again, by this process or by the one that recovers it.
//! That second half may be done any number of times.

use crate::adapters::disk::reserve;
use crate::adapters::failpoint;
use crate::adapters::memory;
use crate::adapters::publish::{self, Aside, Look, PublishError, Staging, StagingName};
use crate::adapters::store::{
    Afterwards, Conclusion, Failure, Intent, NewOutput, OutputRole, Rows, RunRecord, StoreError,
};
use crate::domain::identity::{RunId, Version};
use crate::domain::run::{AttemptOutcome, State, Trigger, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Execution, TryAgain};
use crate::engine::output::{self, Route, published};
use crate::engine::world::World;
use crate::engine::{plan, recover, retry};

/// Publishes what an execution has prepared: `staging` holds its files, `intent` names them.
pub async fn commit(
    execution: &Execution<'_>,
    staging: Option<Staging>,
    intent: Intent,
    conclude: impl FnOnce(Option<Version>) -> Conclusion + Send,
) -> Result<(), RunError> {
    let world = execution.world;
    if let Some(staging) = &staging {
        staging.seal().map_err(published("commit"))?;
    }
    let intent = Intent {
        stages: execution.stages.clone(),
        peak_rss_bytes: memory::read().map(|memory| memory.peak_rss_bytes),
        ..intent
    };
    failpoint::reach("commit.before_a").map_err(RunError::other("commit"))?;
    world
        .store
        .commit_intent(&execution.claim, &intent, conclude)
        .await
        .map_err(RunError::store("commit"))?;
    failpoint::reach("commit.after_a").map_err(RunError::other("commit"))?;
    let left = complete(world, &execution.claim.run, Look::Size).await?;
    if let Some(staging) = staging.filter(|_| left.is_clear) {
        // A folder that stays is removed by the next recovery.
        if let Err(error) = staging.remove() {
            tracing::warn!(error = %error, "the staging folder of a published run stays");
        }
    }
    Ok(())
}

/// Publishes what another process had put on record before it ended, and ends its run.
pub async fn roll_forward(world: &World, run: &RunId) -> Result<(), RunError> {
    failpoint::reach("recover.rollforward").map_err(RunError::other("recover"))?;
    let left = complete(world, run, Look::Hash).await?;
    if let Left { route: Some(Route::Folder { site, stage, .. }), is_clear: true } = left {
        Staging::remove_left(&site, &stage).map_err(published("recover"))?;
    }
    Ok(())
}

/// What is left of a run that is published and committed.
struct Left {
    /// The way it went, if it has published anything.
    route: Option<Route>,
    /// Whether its staging folder holds nothing any more that was published before.
    is_clear: bool,
}

/// Publishes a run whose intent is durable, ends it, and sets aside what was published before.
async fn complete(world: &World, run: &RunId, look: Look) -> Result<Left, RunError> {
    let failed = RunError::store("commit");
    let outputs = world.store.outputs(run).await.map_err(failed)?;
    let outputs: Vec<NewOutput> = outputs.into_iter().map(|record| record.output).collect();
    let record = world.store.run(run).await.map_err(failed)?;
    let record = record.ok_or_else(|| failed(StoreError::FenceLost { run: run.clone() }))?;
    let route = output::route(world, &record, &outputs)?;
    if let Some(route) = &route {
        place(world, &record, route, look).await?;
    }
    failpoint::reach("commit.before_b").map_err(RunError::other("commit"))?;
    let finished = match world.store.finish(run, world.now()).await {
        Err(StoreError::MovedByOther { .. }) => {
            hold(world, run).await?;
            world.store.finish(run, world.now()).await.map_err(failed)?
        }
        found => found.map_err(failed)?,
    };
    failpoint::reach("commit.after_b").map_err(RunError::other("commit"))?;
    let mut is_clear = true;
    if let Some(route) = &route
        && let Err(error) = clear(world, &record, route, finished.superseded.as_ref()).await
    {
        tracing::warn!(run.id = %run, error = %error.chain(), "what run `{run}` has replaced is set aside later");
        is_clear = false;
    }
    Ok(Left { route, is_clear })
}

/// Moves the files of a run to their places.
async fn place(
    world: &World,
    record: &RunRecord,
    route: &Route,
    look: Look,
) -> Result<(), RunError> {
    let failed = RunError::store("commit");
    if let Some(folder) = &record.folder {
        world.identity.require_known(folder.root())?;
    }
    let is_own = match (&record.folder, route) {
        (Some(folder), Route::Folder { stage, .. }) => {
            world.identity.is_own(folder.root(), &stage.project)
        }
        _ => true,
    };
    let (error, is_corrupt) = if is_own {
        let Err(error) = output::publish(world, record, route, look) else { return Ok(()) };
        let is_corrupt =
            matches!(error, PublishError::Corrupt { .. } | PublishError::Foreign { .. });
        (published("publish")(error), is_corrupt)
    } else {
        let message = "it is being published by the project that this one is a copy of";
        (RunError::new("publish", Cause::Busy, message), true)
    };
    // Somebody else may have published it meanwhile, and a later revision may stand where this one did.
    let now = world.store.run(&record.id).await.map_err(failed)?;
    let is_ours = now.is_some_and(|now| {
        now.state == State::Committing && (now.token, now.attempt) == (record.token, record.attempt)
    });
    if !is_ours {
        return Err(failed(StoreError::FenceLost { run: record.id.clone() }));
    }
    if is_corrupt {
        let text = error.chain();
        let _marked =
            world.store.mark_corrupt(&record.id, &text, world.now()).await.map_err(failed)?;
    }
    Err(error)
}

/// Sets aside what a run has taken the place of. Readers see what they should already: what fails here is done by
/// whoever comes next.
async fn clear(
    world: &World,
    record: &RunRecord,
    route: &Route,
    superseded: Option<&RunId>,
) -> Result<(), RunError> {
    let Route::Folder { site, stage, .. } = route else { return Ok(()) };
    publish::set_aside(site, stage, Aside::Current)
        .map_err(published("set aside what was before"))?;
    retire(world, record).await?;
    match superseded {
        Some(run) if world.project.keep.superseded.is_zero() => {
            publish::remove_superseded(site, run).map_err(published("delete what was before"))?;
            world.store.outputs_removed(run, world.now()).await.map_err(RunError::store("commit"))
        }
        _ => Ok(()),
    }
}

/// Sets aside what the run of `record` has replaced where that lies in another folder than its own: the job file may
/// name another output than it did.
pub async fn retire(world: &World, record: &RunRecord) -> Result<(), RunError> {
    let replaced = world.store.replaced_by(&record.id).await.map_err(RunError::store("commit"))?;
    for old in replaced.iter().filter(|old| old.folder != record.folder) {
        if let Some(folder) = &old.folder
            && world.identity.is_own_run(folder.root(), old)
        {
            publish::retire(&world.site(folder)?, &old.id)
                .map_err(published("set aside what was before"))?;
        }
    }
    Ok(())
}

/// Removes the files that an earlier version has left of superseded runs, because a process ended too early.
pub async fn sweep_all(world: &World) -> Result<(), RunError> {
    let failed = RunError::store("recover");
    for record in world.store.unswept().await.map_err(failed)? {
        let outputs = world.store.outputs(&record.id).await.map_err(failed)?;
        let Some(folder) = &record.folder else { continue };
        if !world.identity.is_own_run(folder.root(), &record) {
            continue;
        }
        let site = world.site(folder)?;
        let targets = outputs
            .iter()
            .filter(|found| matches!(found.output.role, OutputRole::Part | OutputRole::Quarantine))
            .map(|found| world.path_of(&found.output.published))
            .collect::<Result<Vec<_>, _>>()?;
        publish::remove_files(&site.root, &targets)
            .map_err(published("remove the superseded parts"))?;
        world.store.outputs_removed(&record.id, world.now()).await.map_err(failed)?;
    }
    Ok(())
}

/// Records that an attempt failed, and removes what it has staged. Nothing more is written to a database
/// that has not confirmed a write: whoever opens it next finds the run without a process.
pub async fn fail(execution: &Execution<'_>, error: &RunError) -> Result<(), RunError> {
    if error.is_of_an_unconfirmed_database() {
        return Ok(());
    }
    let failure = Failure {
        outcome: AttemptOutcome::Failed,
        afterwards: afterwards(execution, error).await?,
        error: Some(format!("failed to {}: {}", error.stage, error.chain())),
        verdict: None,
        exit_code: None,
        findings: Vec::new(),
        profiles: Vec::new(),
        rows: Rows::default(),
        stages: execution.stages.clone(),
        decision: None,
        follow_ups: Vec::new(),
        at: execution.world.now(),
    };
    let (store, claim) = (&execution.world.store, &execution.claim);
    let recorded = match store.fail(claim, &failure).await {
        // What filled the disk may well be this run; that it failed is worth the last of the room.
        Err(StoreError::Full { .. }) if reserve::give_up(&execution.world.state_dir()) => {
            tracing::warn!("the disk is full: the reserve was given up to record the failure");
            store.fail(claim, &failure).await
        }
        recorded => recorded,
    };
    match recorded {
        Ok(()) => {
            discard_staged(execution);
            Ok(())
        }
        // Committing or committed already, or somebody else has it: not ours to mark.
        Err(StoreError::FenceLost { .. }) => {
            // Nobody else removes what this claim has staged while its writer lives.
            let swept = recover::sweep_staging(execution.world, &execution.loaded.job).await;
            if let Err(error) = swept {
                tracing::warn!(error = %error.chain(), "what a run has staged that others have taken over stays");
            }
            Ok(())
        }
        Err(error) => Err(RunError::store("record the failure")(error)),
    }
}

/// Where a failed attempt leaves its run.
async fn afterwards(execution: &Execution<'_>, error: &RunError) -> Result<Afterwards, RunError> {
    if execution.tries == TryAgain::Never {
        return Ok(Afterwards::Failed);
    }
    let world = execution.world;
    let found = world.store.run(&execution.claim.run).await;
    match found.map_err(RunError::store("record the failure"))? {
        Some(record) if record.cancel.is_some() => Ok(retry::cancelled(&record)),
        Some(record) if retry::is_worth_another_try(error.cause) => {
            retry::by_policy(world, &record, &execution.loaded.job.limits).await
        }
        _ => Ok(Afterwards::Dead),
    }
}

/// Removes the staging folder of an attempt that publishes nothing.
fn discard_staged(execution: &Execution<'_>) {
    let world = execution.world;
    let removed = plan::any_site(world, &execution.loaded.job).and_then(|site| {
        let name = StagingName::of(world.identity.project(), &execution.claim);
        Staging::remove_left(&site, &name).map_err(published("stage"))
    });
    // A folder that stays is seen by nobody, and the next run of the job removes it.
    if let Err(error) = removed {
        tracing::warn!(error = %error.chain(), "the staging folder of a failed run stays");
    }
}

/// Leaves the aliases where somebody else has put them since the intent was recorded.
async fn hold(world: &World, run: &RunId) -> Result<(), RunError> {
    let failed = RunError::store("commit");
    if let Some(found) = world.store.conclusion(run).await.map_err(failed)? {
        // A version that does not become champion is held; what was to be rolled back was dealt with by
        // whoever moved the aliases.
        let verdict = match found.verdict {
            Verdict::Promoted => Verdict::Held,
            Verdict::RolledBack => Verdict::Ok,
            verdict => verdict,
        };
        let mut held =
            Conclusion { verdict, exit_code: verdict.exit_code(), aliases: None, ..found };
        held.follow_ups.retain(|planned| planned.trigger != Trigger::Rollback);
        world.store.revise(run, &held).await.map_err(failed)?;
    }
    Ok(())
}
