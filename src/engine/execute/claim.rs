//! The right to execute a run: its slot, its lock, its claim.
//!
//! Of two processes that want the same run one gets it, and the other is told who has it.

use super::hold::Hold;
use crate::adapters::failpoint;
use crate::adapters::store::{Enqueued, NewRun};
use crate::domain::identity::{RunId, Sha256};
use crate::domain::run::{Claim, Interval, RunSlot, State, Trigger};
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::world::World;

/// Takes the slot for this process: queued if it is new or had failed, locked, claimed, started.
pub(super) async fn claim(
    world: &World,
    loaded: &LoadedJob,
    slot: &RunSlot,
    trigger: Trigger,
    interval: Interval,
) -> Result<(Claim, Hold, Sha256), RunError> {
    let failed = RunError::store("claim");
    let job_sha256 = loaded.sha256();
    let now = world.now();
    let new = NewRun {
        id: world.new_run_id(slot)?,
        slot: slot.clone(),
        trigger,
        interval,
        job_sha256,
        job_text: loaded.text.clone(),
        parent: None,
        created_at: now,
    };
    let run = match world.store.enqueue(&new).await.map_err(failed)? {
        Enqueued::New(run) => run,
        Enqueued::Existing(record) => {
            if matches!(
                record.state,
                State::Queued | State::Failed | State::Dead | State::Cancelled
            ) {
                let _queued = world
                    .store
                    .requeue(&record.id, &loaded.text, &job_sha256, now)
                    .await
                    .map_err(failed)?;
            }
            record.id
        }
    };
    let (claim, hold) = take(world, &run, slot).await?;
    Ok((claim, hold, job_sha256))
}

/// Locks, claims and starts a queued run.
///
/// The lock comes before the claim, so that a run that is seen as claimed is never seen as lost while
/// its process lives.
pub(super) async fn take(
    world: &World,
    run: &RunId,
    slot: &RunSlot,
) -> Result<(Claim, Hold), RunError> {
    let failed = RunError::store("claim");
    let hold = Hold::take(world, run).map_err(RunError::other("claim"))?;
    let Some(hold) = hold else { return Err(busy(run, slot)) };
    failpoint::reach("child.after_lock").map_err(RunError::other("claim"))?;
    let owner = format!("pid:{}", std::process::id());
    let Some(claim) = world.store.claim(run, &owner, world.now()).await.map_err(failed)? else {
        return Err(busy(run, slot));
    };
    world.store.start(&claim).await.map_err(failed)?;
    Ok((claim, hold))
}

pub(super) fn busy(run: &RunId, slot: &RunSlot) -> RunError {
    let message = format!("somebody else owns run `{run}` of `{}` for {}", slot.job, slot.tick);
    RunError::new("claim", Cause::Busy, message).hint(format!("`nightshift show {run}` shows it"))
}
