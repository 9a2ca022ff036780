//! Corrections: what a rollback asks for, besides moving the alias back.
//!
//! Every tick that the rolled back version has published is scored again with the version that is restored,
//! as the next revision of that tick. Executing them is the queue's business.

use crate::adapters::store::{FollowUp, ModelPin};
use crate::domain::identity::Version;
use crate::domain::job::Job;
use crate::domain::registry::Alias;
use crate::domain::run::{RunKind, RunSlot, Trigger};
use crate::engine::error::RunError;
use crate::engine::report::ModelRef;
use crate::engine::world::World;

/// The corrections that a rollback of `version` asks for: every tick that it has published since it was
/// promoted, oldest first, to be scored with `restored`.
pub async fn corrections(
    world: &World,
    job: &Job,
    version: Version,
    restored: &ModelRef,
) -> Result<Vec<FollowUp>, RunError> {
    let failed = RunError::store("plan the corrections");
    let history = world.store.history(&job.name).await.map_err(failed)?;
    let became = history
        .iter()
        .rfind(|step| step.alias == Alias::Champion && step.to == Some(version))
        .map(|step| step.at);
    let Some(since) = became else { return Ok(Vec::new()) };
    let runs = world.store.published_with(&job.name, version, since).await.map_err(failed)?;
    let mut out = Vec::with_capacity(runs.len());
    for run in runs {
        let (kind, tick) = (RunKind::Score, run.slot.tick);
        let revision = run.slot.revision.saturating_add(1);
        let slot = RunSlot { job: job.name.clone(), kind, tick, revision };
        out.push(FollowUp {
            id: world.new_run_id(&slot)?,
            kind,
            tick,
            interval: run.interval,
            trigger: Trigger::Rollback,
            model: Some(ModelPin { version: restored.version, sha256: restored.sha256 }),
        });
    }
    Ok(out)
}
