//! Corrections: what a rollback asks for, besides moving the alias back.
//!
//! Every tick that the rolled back version has published is scored again with the version that is restored,
//! as the next revision of that tick, by the job file that it was published with, so that the one takes the
//! place of the other wherever it lies. Executing them is the queue's business.

use crate::adapters::store::{FollowUp, ModelPin};
use crate::domain::identity::{JobName, Version};
use crate::domain::run::{RunKind, RunSlot, Trigger};
use crate::engine::error::RunError;
use crate::engine::report::ModelRef;
use crate::engine::world::World;

/// The corrections that a rollback of `version` asks for: every tick that it has published since it was
/// last promoted, oldest first, to be scored with `restored`.
pub async fn corrections(
    world: &World,
    job: &JobName,
    version: Version,
    restored: &ModelRef,
) -> Result<Vec<FollowUp>, RunError> {
    let failed = RunError::store("plan the corrections");
    let runs = world.store.to_correct(job, version).await.map_err(failed)?;
    let mut out = Vec::with_capacity(runs.len());
    for run in runs {
        let (kind, tick) = (RunKind::Score, run.slot.tick);
        let revision = run.slot.revision.saturating_add(1);
        let slot = RunSlot { job: job.clone(), kind, tick, revision };
        out.push(FollowUp {
            id: world.new_run_id(&slot)?,
            kind,
            tick,
            interval: run.interval,
            trigger: Trigger::Rollback,
            model: Some(ModelPin { version: restored.version, sha256: restored.sha256 }),
            job_sha256: Some(run.job_sha256),
        });
    }
    Ok(out)
}
