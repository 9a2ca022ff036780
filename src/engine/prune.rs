//! Deletion of what `[keep]` allows and nothing needs any more.
//!
//! Kept whatever its age: the current run of a tick (its scores must stay traceable), every run that
//! made a version, and every version that an alias names. What of these runs may go all the same is said by the
//! modules below.

use std::collections::BTreeSet;

use crate::adapters::publish;
use crate::adapters::store::{AliasState, RunRecord};
use crate::adapters::telemetry::remove_log;
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{VersionRecord, VersionState};
use crate::domain::run::{RunKind, State};
use crate::engine::commit::sweep_all;
use crate::engine::error::RunError;
use crate::engine::output::published;
use crate::engine::world::World;

/// Logs of runs that were over long ago.
mod logs;
/// Profiles that nothing looks back on.
mod profiles;

/// The stage that errors name.
const STAGE: &str = "prune";

/// Most runs that one call deletes.
const RUNS_MAX: u32 = 100_000;

/// How much goes, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrunePlan {
    /// Records of runs.
    pub runs: u64,
    /// Versions whose artifact goes; their records stay.
    pub versions: u64,
    /// Model files.
    pub files: u64,
    /// Size of these files.
    pub bytes: u64,
    /// Runs that stay without their profiles.
    pub profiles: u64,
    /// Logs of runs that stay.
    pub logs: u64,
}

/// What goes, by name.
#[derive(Default)]
struct Doomed {
    runs: Vec<RunId>,
    versions: Vec<(JobName, Version)>,
    artifacts: BTreeSet<Sha256>,
    /// Runs that stay and lose their profiles.
    profiles: Vec<RunId>,
    /// Runs that stay and lose their logs.
    logs: Vec<RunId>,
}

/// What [`prune`] would delete.
pub async fn plan(world: &World) -> Result<PrunePlan, RunError> {
    let doomed = doomed(world).await?;
    Ok(measure(world, &doomed))
}

/// Deletes what nothing needs any more.
pub async fn prune(world: &World) -> Result<PrunePlan, RunError> {
    let failed = RunError::store(STAGE);
    // Parts of superseded runs have an owner only while the record is there.
    sweep_all(world).await?;
    prune_superseded(world).await?;
    let doomed = doomed(world).await?;
    let out = measure(world, &doomed);
    // Records first: a file without a record is found again, a record without a file is a damage.
    for (model, version) in &doomed.versions {
        let _pruned = world.store.prune_version(model, *version).await.map_err(failed)?;
    }
    world.store.delete_runs(&doomed.runs).await.map_err(failed)?;
    world.store.thin_out(&doomed.profiles).await.map_err(failed)?;
    // An alias may have moved, or a training begun, since the plan was made: look again.
    let in_use = world.store.artifacts_in_use().await.map_err(failed)?;
    if world.store.unfinished().await.map_err(failed)?.is_empty() {
        for sha256 in doomed.artifacts.iter().filter(|found| !in_use.contains(found)) {
            world.artifacts.remove(sha256).map_err(RunError::other(STAGE))?;
        }
    }
    for run in doomed.runs.iter().chain(&doomed.logs) {
        remove_log(&world.state_dir(), run).map_err(RunError::other(STAGE))?;
    }
    Ok(out)
}

/// Deletes the files of superseded runs that have been set aside for as long as `[keep]` says.
async fn prune_superseded(world: &World) -> Result<(), RunError> {
    let failed = RunError::store(STAGE);
    let keep = world.project.keep.superseded;
    let before = world.now().checked_sub(keep).map_err(RunError::other(STAGE))?;
    for record in world.store.superseded_before(before, RUNS_MAX).await.map_err(failed)? {
        let Some(folder) = &record.folder else { continue };
        if !world.identity.is_own_run(folder.root(), &record) {
            continue;
        }
        let removed = world.site(folder).and_then(|site| {
            publish::remove_superseded(&site, &record.id).map_err(published(STAGE))
        });
        match removed {
            Ok(()) => world.store.outputs_removed(&record.id, world.now()).await.map_err(failed)?,
            // An output that is not there now keeps nothing else from going.
            Err(error) => tracing::warn!(run.id = %record.id, "{}", error.chain()),
        }
    }
    Ok(())
}

async fn doomed(world: &World) -> Result<Doomed, RunError> {
    let failed = RunError::store(STAGE);
    let mut out = Doomed::default();
    let mut makers = BTreeSet::new();
    for model in world.store.models().await.map_err(failed)? {
        let versions = world.store.versions(&model).await.map_err(failed)?;
        let state = world.store.aliases(&model).await.map_err(failed)?;
        makers.extend(versions.iter().filter_map(|record| record.run.clone()));
        let keep = world.project.keep.model_versions;
        out.versions.extend(
            versions_to_prune(&versions, state, keep).map(|version| (model.clone(), version)),
        );
    }
    let before =
        world.now().checked_sub(world.project.keep.runs).map_err(RunError::other(STAGE))?;
    let old = world.store.runs_ended_before(before, RUNS_MAX).await.map_err(failed)?;
    out.runs = old
        .into_iter()
        .filter(|run| may_go(run) && !makers.contains(&run.id))
        .map(|run| run.id)
        .collect();
    out.artifacts = artifacts_to_remove(world, &out.versions).await?;
    let going: BTreeSet<&RunId> = out.runs.iter().collect();
    let stay = |runs: Vec<RunId>| runs.into_iter().filter(|run| !going.contains(run)).collect();
    (out.profiles, out.logs) = (stay(profiles::old(world).await?), stay(logs::old(world).await?));
    Ok(out)
}

/// Versions beyond the newest `keep` that no alias names and whose artifact is still there.
fn versions_to_prune(
    versions: &[VersionRecord],
    state: AliasState,
    keep: usize,
) -> impl Iterator<Item = Version> {
    let aliases = state.aliases;
    let named = [aliases.champion, aliases.challenger, aliases.previous];
    versions
        .iter()
        .rev()
        .skip(keep)
        .filter(move |record| !named.contains(&Some(record.version)))
        .filter(|record| matches!(record.state, VersionState::Ready | VersionState::Corrupt))
        .map(|record| record.version)
}

/// Whether a run that ended is nobody's trace.
fn may_go(run: &RunRecord) -> bool {
    match run.state {
        State::Failed | State::Dead | State::Cancelled | State::Superseded => true,
        State::Committed => run.slot.kind == RunKind::Train,
        State::Queued | State::Claimed | State::Running | State::Committing | State::Corrupt => {
            false
        }
    }
}

/// Artifacts of the versions that go and of none that stays, and artifacts that no version ever named;
/// none while a run is under way: it may have written the artifact of its version to be.
async fn artifacts_to_remove(
    world: &World,
    versions: &[(JobName, Version)],
) -> Result<BTreeSet<Sha256>, RunError> {
    let failed = RunError::store(STAGE);
    if !world.store.unfinished().await.map_err(failed)?.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut staying = BTreeSet::new();
    for model in world.store.models().await.map_err(failed)? {
        for record in world.store.versions(&model).await.map_err(failed)? {
            let is_going = versions.contains(&(model.clone(), record.version));
            if !is_going && record.state != VersionState::Pruned {
                staying.insert(record.sha256);
            }
        }
    }
    let on_disk = world.artifacts.list().map_err(RunError::other(STAGE))?;
    Ok(on_disk.into_iter().filter(|found| !staying.contains(found)).collect())
}

fn measure(world: &World, doomed: &Doomed) -> PrunePlan {
    let sizes: Vec<u64> = doomed
        .artifacts
        .iter()
        .map(|sha256| world.artifacts.path(sha256))
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|metadata| metadata.len())
        .collect();
    PrunePlan {
        runs: doomed.runs.len() as u64,
        versions: doomed.versions.len() as u64,
        files: sizes.len() as u64,
        bytes: sizes.iter().sum(),
        profiles: doomed.profiles.len() as u64,
        logs: doomed.logs.len() as u64,
    }
}
