//! Intent, publication and the final transaction: what makes a run visible, exactly once.
//!
//! Before the intent is durable nothing is visible and the attempt may be repeated; after it the run
//! will be published and is never executed again, by this process or by the one that recovers it.
//! That second half may be done any number of times.

use std::path::{Path, PathBuf};

use crate::adapters::disk::reserve;
use crate::adapters::failpoint;
use crate::adapters::memory;
use crate::adapters::publish::{self, Placement, PublishError, Staging, StagingName};
use crate::adapters::store::{
    Afterwards, Conclusion, Failure, Intent, NewOutput, OutputRole, Rows, StoreError,
};
use crate::domain::identity::{RunId, Version};
use crate::domain::run::{AttemptOutcome, Trigger, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Execution, TryAgain};
use crate::engine::plan::output_root;
use crate::engine::retry;
use crate::engine::world::World;

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
    complete(world, &execution.claim.run, publish::publish).await?;
    if let Some(staging) = staging {
        // Empty by now; a folder that stays is removed by the next recovery.
        if let Err(error) = staging.remove() {
            tracing::warn!(error = %error, "the staging folder of a published run stays");
        }
    }
    Ok(())
}

/// Publishes what another process had put on record before it ended, and ends its run.
pub async fn roll_forward(world: &World, run: &RunId) -> Result<(), RunError> {
    failpoint::reach("recover.rollforward").map_err(RunError::other("recover"))?;
    complete(world, run, publish::roll_forward).await
}

/// How files get from staging to their places.
type Place = fn(&Path, &[Placement]) -> Result<(), PublishError>;

/// Publishes a run whose intent is durable, and ends it.
async fn complete(world: &World, run: &RunId, place: Place) -> Result<(), RunError> {
    let failed = RunError::store("commit");
    let outputs = world.store.outputs(run).await.map_err(failed)?;
    let outputs: Vec<NewOutput> = outputs.into_iter().map(|record| record.output).collect();
    if let Some(root) = outputs.first().and_then(staging_root) {
        let placements: Vec<Placement> = outputs.iter().map(placement).collect();
        if let Err(error) = place(&root, &placements) {
            if let PublishError::Corrupt { .. } = &error {
                let text = error.to_string();
                let _marked =
                    world.store.mark_corrupt(run, &text, world.now()).await.map_err(failed)?;
            }
            return Err(published("publish")(error));
        }
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
    if let Some(superseded) = finished.superseded {
        sweep(world, &superseded).await?;
    }
    Ok(())
}

/// Removes the files of superseded runs that are still there because a process ended too early.
pub async fn sweep_all(world: &World) -> Result<(), RunError> {
    let unswept = world.store.unswept().await.map_err(RunError::store("recover"))?;
    for record in unswept {
        sweep(world, &record.id).await?;
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
        Err(StoreError::FenceLost { .. }) => Ok(()),
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
    let removed = output_root(execution.world, &execution.loaded.job).and_then(|root| {
        Staging::remove_left(&root, &StagingName::of(&execution.claim)).map_err(published("stage"))
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

/// Deletes the parts of a superseded run. Its manifest was replaced by its successor's.
async fn sweep(world: &World, superseded: &RunId) -> Result<(), RunError> {
    let failed = RunError::store("commit");
    let outputs = world.store.outputs(superseded).await.map_err(failed)?;
    let parts: Vec<NewOutput> = outputs
        .into_iter()
        .map(|record| record.output)
        .filter(|output| matches!(output.role, OutputRole::Part | OutputRole::Quarantine))
        .collect();
    if let Some(root) = parts.first().and_then(staging_root) {
        let targets: Vec<PathBuf> =
            parts.iter().map(|part| PathBuf::from(&part.final_path)).collect();
        publish::remove(&root, &targets).map_err(published("remove the superseded parts"))?;
    }
    world.store.outputs_removed(superseded, world.now()).await.map_err(failed)
}

fn placement(output: &NewOutput) -> Placement {
    Placement {
        staged: PathBuf::from(&output.staged_path),
        target: PathBuf::from(&output.final_path),
        sha256: output.sha256,
        size_bytes: output.size_bytes,
    }
}

/// The folder that a run publishes below: `<root>/.nightshift/stage/<run>/<file>` is a staged file.
fn staging_root(output: &NewOutput) -> Option<PathBuf> {
    Path::new(&output.staged_path).ancestors().nth(4).map(Path::to_owned)
}

/// Turns an error of the file side into one of `stage`.
pub fn published(stage: &'static str) -> impl Fn(PublishError) -> RunError + Copy {
    move |error| {
        let cause = match &error {
            PublishError::Fsync { .. } => Cause::Fsync,
            PublishError::Corrupt { .. } => Cause::Damaged,
            PublishError::Outside { .. }
            | PublishError::Unexpected { .. }
            | PublishError::Io { .. } => Cause::Other,
        };
        RunError::new(stage, cause, error)
    }
}
