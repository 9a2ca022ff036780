//! One queued run, executed in a process of its own: what a child of the daemon does.
//!
//! It executes the definition that the run was queued with, and nothing that the run causes: that is in the
//! queue, and the daemon finds it there. If the job has no model yet, its first is trained on the way.

use super::claim::take;
use super::queue::{definition, undefined};
use super::{Execution, Force, Promotion, Request, Scope, TryAgain, execute, lacks_first, perform};
use crate::domain::identity::RunId;
use crate::domain::run::{RunKind, Trigger};
use crate::engine::commit;
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::report::{self, RunReport};
use crate::engine::world::World;

/// Executes the queued run `run` to its end.
pub async fn execute_alone(world: &World, run: &RunId) -> Result<RunReport, RunError> {
    let failed = RunError::store("claim");
    let Some(record) = world.store.run(run).await.map_err(failed)? else {
        let message = format!("there is no run `{run}`");
        return Err(RunError::new("claim", Cause::Request, message));
    };
    // Before it is claimed: who cannot read what to do has no right to it.
    let loaded = definition(world, &record).await?.ok_or_else(undefined)?;
    let (claim, hold) = take(world, run, &record.slot).await?;
    let execution = Execution::of_queued(world, &loaded, &record, claim, TryAgain::ByPolicy);
    if record.slot.kind == RunKind::Score
        && record.model.is_none()
        && let Err(error) = train_first(world, &loaded, &execution).await
    {
        commit::fail(&execution, &error).await?;
        return Err(RunError { run: Some(run.clone()), ..error });
    }
    perform(execution, &hold).await?;
    report::load(world, run).await
}

/// Trains the first version of a model, if it has no champion.
async fn train_first(
    world: &World,
    loaded: &LoadedJob,
    scoring: &Execution<'_>,
) -> Result<(), RunError> {
    if !lacks_first(world, &loaded.job).await? {
        return Ok(());
    }
    let training = Request {
        tick: Some(scoring.slot.tick),
        trigger: Trigger::Initial,
        force: Force::NewRevision,
        promotion: Promotion::IfBlessed,
        scope: Scope::Chain,
        progress: None,
    };
    execute(world, loaded, RunKind::Train, training).await.map(|_| ())
}
