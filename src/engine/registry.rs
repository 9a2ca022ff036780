//! Promotion, rollback by hand, import: the moves of aliases that a person asks for.
//!
//! Each is worked out from the aliases as they are, shown, and then done in one transaction that fails
//! if somebody else moved them meanwhile. The artifact of the target is verified before it publishes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::adapters::artifact::Artifacts;
use crate::adapters::failpoint;
use crate::adapters::store::{AliasMove, AliasState, Attribution, FollowUp, Import, NewVersion};
use crate::domain::identity::{JobName, Version};
use crate::domain::registry::{self, Action, Aliases, Blessing, Move, Refusal, VersionRecord};
use crate::engine::corrections::corrections;
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::score::load_artifact;
use crate::engine::world::World;
use crate::learn::artifact::Artifact;

/// Where the aliases of a model point before and after a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovePlan {
    /// Before the move.
    pub before: Aliases,
    /// After the move.
    pub after: Aliases,
}

/// Everything that the rules of the registry look at.
struct Standing {
    state: AliasState,
    versions: Vec<VersionRecord>,
    history: Vec<Move>,
}

/// What [`promote`] would do.
pub async fn preview_promote(
    world: &World,
    model: &JobName,
    version: Version,
) -> Result<MovePlan, RunError> {
    let standing = standing(world, model).await?;
    let before = standing.state.aliases;
    let after = registry::promote(before, version, &standing.versions)
        .map_err(refused("promote", model))?;
    Ok(MovePlan { before, after })
}

/// Makes `version` the champion of `model`, on the word of a person.
pub async fn promote(
    world: &World,
    model: &JobName,
    version: Version,
    reason: &str,
    actor: &str,
) -> Result<MovePlan, RunError> {
    let standing = standing(world, model).await?;
    let before = standing.state.aliases;
    let after = registry::promote(before, version, &standing.versions)
        .map_err(refused("promote", model))?;
    let blessing = standing
        .versions
        .iter()
        .find(|record| record.version == version)
        .filter(|record| record.blessing == Blessing::None)
        .map(|_| Blessing::Overridden);
    let by = attribution(Action::Promote, actor, reason);
    move_to(world, model, standing.state, MovePlan { before, after }, (blessing, by)).await
}

/// A rollback that a person asks for, worked out and not yet done.
#[derive(Debug, Clone)]
pub struct RollbackPlan {
    /// Where the aliases go.
    pub moves: MovePlan,
    /// The corrections of what the rolled back version has published, oldest tick first.
    pub corrections: Vec<FollowUp>,
    generation: i64,
}

/// What a rollback of `model` would do: to `to`, or to the latest former champion that is fit for it.
///
/// If it `rescores`, the plan holds the corrections of what the version that goes has published.
pub async fn plan_rollback(
    world: &World,
    model: &JobName,
    to: Option<Version>,
    rescores: bool,
) -> Result<RollbackPlan, RunError> {
    let standing = standing(world, model).await?;
    let before = standing.state.aliases;
    let after = registry::roll_back(before, to, &standing.versions, &standing.history)
        .map_err(refused("roll back", model))?;
    let corrections = match (before.champion, after.champion) {
        (Some(leaving), Some(former)) if rescores => {
            let former = world.model(model, former).await?;
            corrections(world, model, leaving, &former).await?
        }
        _ => Vec::new(),
    };
    let generation = standing.state.generation;
    Ok(RollbackPlan { moves: MovePlan { before, after }, corrections, generation })
}

/// Does what `plan` says, in one transaction. Never gated.
///
/// The corrections are queued; whoever drains the queue of the job executes them.
pub async fn roll_back(
    world: &World,
    model: &JobName,
    plan: &RollbackPlan,
    rescored: Option<&LoadedJob>,
    (reason, actor): (&str, &str),
) -> Result<(), RunError> {
    let failed = RunError::store("move the aliases");
    if let Some(champion) = plan.moves.after.champion {
        load_artifact(world, &world.model(model, champion).await?).await?;
    }
    let planned = AliasMove {
        model: model.clone(),
        generation: plan.generation,
        after: plan.moves.after,
        blessing: None,
        by: attribution(Action::RollBack, actor, reason),
    };
    let now = world.now();
    failpoint::reach("rollback.before").map_err(RunError::other("move the aliases"))?;
    match rescored {
        Some(loaded) => {
            let definition = (&loaded.sha256(), loaded.text.as_str());
            let store = &world.store;
            store
                .move_aliases_and_queue(&planned, &plan.corrections, definition, now)
                .await
                .map_err(failed)?;
        }
        None => world.store.move_aliases(&planned, now).await.map_err(failed)?,
    }
    failpoint::reach("rollback.after").map_err(RunError::other("move the aliases"))?;
    tracing::info!(model = %model, reason, "aliases of `{model}` moved");
    Ok(())
}

/// Registers an existing artifact as a version of `model`, and as champion if there is none.
pub async fn import(
    world: &World,
    model: &JobName,
    path: &Path,
    reason: &str,
    actor: &str,
) -> Result<(Version, MovePlan), RunError> {
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| {
        let hint = "wanted a model file of nightshift, like those in `state/models`";
        RunError::new("import", Cause::Request, source).hint(hint)
    };
    let bytes = Artifacts::read_foreign(path).map_err(|error| unreadable(Box::new(error)))?;
    let artifact = Artifact::decode(&bytes).map_err(|error| unreadable(Box::new(error)))?;
    let sha256 = world.artifacts.store(&bytes).map_err(RunError::artifact("import"))?;
    let before = standing(world, model).await?.state.aliases;
    let import = Import {
        model: model.clone(),
        version: NewVersion {
            kind: artifact.method(),
            task: artifact.task.id().to_owned(),
            sha256,
            size_bytes: bytes.len() as u64,
            created_at: world.now(),
            rows: artifact.facts.rows,
            rows_test: artifact.facts.rows_test,
            metrics: BTreeMap::new(),
            blessing: if before.champion.is_none() {
                Blessing::RubberStamped
            } else {
                Blessing::None
            },
        },
        by: attribution(Action::Import, actor, reason),
        at: world.now(),
    };
    let imported = world
        .store
        .import_version(&import, |version, aliases| match aliases.champion {
            Some(_) => aliases,
            None => Aliases { champion: Some(version), ..aliases },
        })
        .await
        .map_err(RunError::store("import"))?;
    Ok((imported.version, MovePlan { before, after: imported.aliases }))
}

async fn standing(world: &World, model: &JobName) -> Result<Standing, RunError> {
    let failed = RunError::store("read the registry");
    Ok(Standing {
        state: world.store.aliases(model).await.map_err(failed)?,
        versions: world.store.versions(model).await.map_err(failed)?,
        history: world.store.history(model).await.map_err(failed)?,
    })
}

async fn move_to(
    world: &World,
    model: &JobName,
    state: AliasState,
    plan: MovePlan,
    (blessing, by): (Option<Blessing>, Attribution),
) -> Result<MovePlan, RunError> {
    if let Some(champion) = plan.after.champion {
        load_artifact(world, &world.model(model, champion).await?).await?;
    }
    let planned = AliasMove {
        model: model.clone(),
        generation: state.generation,
        after: plan.after,
        blessing,
        by,
    };
    let failed = RunError::other("move the aliases");
    failpoint::reach("promote.before").map_err(failed)?;
    world
        .store
        .move_aliases(&planned, world.now())
        .await
        .map_err(RunError::store("move the aliases"))?;
    failpoint::reach("promote.after").map_err(failed)?;
    tracing::info!(model = %model, reason = %planned.by.reason, "aliases of `{model}` moved");
    Ok(plan)
}

fn attribution(action: Action, actor: &str, reason: &str) -> Attribution {
    Attribution { action, actor: actor.to_owned(), reason: reason.to_owned(), run: None }
}

fn refused(stage: &'static str, model: &JobName) -> impl Fn(Refusal) -> RunError {
    move |refusal| {
        RunError::new(stage, Cause::Request, format!("model `{model}`: {refusal}"))
            .hint(format!("`nightshift models {model}` lists the versions"))
    }
}
