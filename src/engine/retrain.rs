//! Retraining on its own: what a score run knows about the reasons of its job, and the run that follows.
//!
//! The decision is `domain::retrain`'s. The train run is queued in the transaction that ends the score run,
//! so it is neither lost nor doubled by a crash in between.

use jiff::Timestamp;

use crate::adapters::store::FollowUp;
use crate::domain::finding::Finding;
use crate::domain::retrain::{self, FailedTrainings, Hindrance, Situation};
use crate::domain::run::{Interval, RunKind, RunSlot, Trigger};
use crate::engine::error::RunError;
use crate::engine::execute::{Execution, Scope};

/// What tonight has to do with retraining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// Whether the data have drifted, in a way that counts; `None` if they were not judged.
    pub has_drifted: Option<bool>,
    /// Rows that this run scored.
    pub rows_scored: u64,
    /// What about this run keeps it from training, if anything.
    pub hindrance: Option<Hindrance>,
}

/// The findings about every reason to train, and the train run if one fires; `None` where the job names no
/// reason, or the run is not asked for the whole chain.
pub async fn outlook(
    execution: &Execution<'_>,
    night: &Night,
) -> Result<Option<(Vec<Finding>, Vec<FollowUp>)>, RunError> {
    let (world, job) = (execution.world, &execution.loaded.job);
    let Some(spec) = &job.retrain else { return Ok(None) };
    if execution.scope != Scope::Chain || execution.trigger == Trigger::Rollback {
        return Ok(None);
    }
    let failed = RunError::store("look at the reasons to train");
    let tick = execution.slot.tick;
    let latest = world.store.latest(&job.name, RunKind::Train).await.map_err(failed)?;
    let last_trained = latest.map(|run| run.slot.tick);
    let found = world.store.failed_trainings(&job.name, last_trained, tick).await;
    let failed_trainings = found.map_err(failed)?;
    let pending = world.store.pending_training(&job.name, tick).await.map_err(failed)?;
    let champion_trained = champion_trained(execution).await?;
    let earlier = match champion_trained {
        Some(trained) => {
            world.store.rows_scored_between(&job.name, trained, tick).await.map_err(failed)?
        }
        None => 0,
    };
    let situation = Situation {
        tick,
        has_drifted: night.has_drifted,
        rows_since: earlier.saturating_add(night.rows_scored),
        champion_trained,
        last_trained,
        pending,
        failed: failed_trainings.map(|(last, ticks)| FailedTrainings { last, ticks }),
        hindrance: night.hindrance,
    };
    let found = retrain::outlook(spec, &situation);
    let follow_up = found.trigger.map(|trigger| {
        let (kind, revision) = (RunKind::Train, execution.slot.revision);
        let slot = RunSlot { job: job.name.clone(), kind, tick, revision };
        Ok::<_, RunError>(FollowUp {
            id: world.new_run_id(&slot)?,
            kind,
            tick,
            interval: Interval { start: None, end: tick },
            trigger,
            model: None,
            job_sha256: None,
        })
    });
    Ok(Some((found.findings, follow_up.transpose()?.into_iter().collect())))
}

/// The tick of the champion's training; `None` for an imported version.
async fn champion_trained(execution: &Execution<'_>) -> Result<Option<Timestamp>, RunError> {
    let (world, name) = (execution.world, &execution.loaded.job.name);
    let failed = RunError::store("look at the reasons to train");
    let Some(champion) = world.champion(name).await? else { return Ok(None) };
    let record = world.store.version(name, champion.version).await.map_err(failed)?;
    let Some(run) = record.and_then(|record| record.run) else { return Ok(None) };
    let found = world.store.run(&run).await.map_err(failed)?;
    Ok(found.map(|record| record.slot.tick))
}
