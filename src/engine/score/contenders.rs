//! The versions that score in a pass: the one that publishes, and the one beside it.
//!
//! Beside a watched champion stands `previous`; beside a correction the version whose scores it takes the
//! place of. A second version that cannot be read or used keeps nobody from scoring.

use crate::adapters::artifact::ArtifactError;
use crate::domain::identity::JobName;
use crate::domain::registry::VersionState;
use crate::domain::run::{RunKind, RunSlot, Trigger};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Execution;
use crate::engine::pass::{Contender, Contenders, Second};
use crate::engine::report::ModelRef;
use crate::engine::score::ScorePlan;
use crate::engine::watch::{self, Watched};
use crate::engine::world::World;
use crate::learn::artifact::Artifact;

/// The champion, without which nothing can be scored.
pub(super) async fn champion(world: &World, name: &JobName) -> Result<ModelRef, RunError> {
    if let Some(champion) = world.champion(name).await? {
        return Ok(champion);
    }
    let versions =
        world.store.versions(name).await.map_err(RunError::store("read the registry"))?;
    let ready = versions.iter().rev().find(|record| record.state == VersionState::Ready);
    let message = format!("model `{name}` has no champion to score with");
    let error = RunError::new("plan", Cause::Request, message);
    Err(match ready.map(|record| record.version) {
        Some(version) => {
            let hint = format!(
                "`nightshift promote {name} {version} --reason ...` makes the latest version the champion"
            );
            error.hint(hint)
        }
        None => error.hint(format!(
            "train one with `nightshift train {name}`, or let `nightshift run {name}` do both"
        )),
    })
}

/// The version that scores, and the one that scores beside it.
pub(super) async fn contenders(
    execution: &Execution<'_>,
    plan: &ScorePlan,
) -> Result<(Contenders, Option<Watched>), RunError> {
    let (world, job) = (execution.world, &execution.loaded.job);
    let artifact = load_artifact(world, &plan.model).await?;
    let lead = Contender { model: plan.model.clone(), artifact };
    if execution.trigger == Trigger::Rollback {
        let second = replaced(execution, plan).await?;
        return Ok((Contenders { lead, second }, None));
    }
    let Some(watched) = watch::watched(world, job, &plan.model).await? else {
        return Ok((Contenders { lead, second: Second::None }, None));
    };
    let model = world.model(&job.name, watched.watch.previous).await?;
    let second = match load_artifact(world, &model).await {
        Ok(artifact) => Second::Standby(Contender { model, artifact }),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "{} cannot stand by", model.version);
            Second::None
        }
    };
    Ok((Contenders { lead, second }, Some(watched)))
}

/// The version whose scores a correction takes the place of, where it can still be read.
async fn replaced(execution: &Execution<'_>, plan: &ScorePlan) -> Result<Second, RunError> {
    let world = execution.world;
    let RunSlot { job, tick, .. } = &execution.slot;
    let failed = RunError::store("plan");
    let current = world.store.current(job, RunKind::Score, *tick).await.map_err(failed)?;
    let published = current.and_then(|record| record.model);
    let Some(pin) = published.filter(|pin| pin.version != plan.model.version) else {
        return Ok(Second::None);
    };
    let model = world.model(job, pin.version).await?;
    match load_artifact(world, &model).await {
        Ok(artifact) => Ok(Second::Replaced(Contender { model, artifact })),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "changed decisions are not listed");
            Ok(Second::None)
        }
    }
}

/// Reads the artifact of a version, which has the content on record or is refused.
pub async fn load_artifact(world: &World, model: &ModelRef) -> Result<Artifact, RunError> {
    let refuse = |source: Box<dyn std::error::Error + Send + Sync>| {
        RunError::new("load the model", Cause::Damaged, source).hint(format!(
            "roll back with `nightshift rollback {} --reason ...`, or train again",
            model.name
        ))
    };
    let bytes = match world.artifacts.load(&model.sha256) {
        Ok(bytes) => bytes,
        Err(error @ ArtifactError::Corrupt { .. }) => {
            let _marked = world
                .store
                .corrupt_version(&model.name, model.version)
                .await
                .map_err(RunError::store("load the model"))?;
            return Err(refuse(Box::new(error)));
        }
        Err(error @ (ArtifactError::Missing { .. } | ArtifactError::TooLarge { .. })) => {
            return Err(refuse(Box::new(error)));
        }
        // The disk or its permissions, and no word on the content.
        Err(error) => return Err(RunError::new("load the model", Cause::Other, error)),
    };
    Artifact::decode(&bytes).map_err(|error| refuse(Box::new(error)))
}
