//! Score runs whose profiles nothing looks back on any more.
//!
//! Kept whatever their age: the latest tick of each job, what `drift.reference` compares a later tick with,
//! and, where it looks back at all, what it compares those ticks with that wait, or that a rollback would
//! score again. Only for ticks that somebody scores anew by hand may there be fewer to compare with.

use jiff::Timestamp;

use super::{RUNS_MAX, STAGE};
use crate::domain::identity::{JobName, RunId};
use crate::domain::job::Job;
use crate::domain::job::parse::parse;
use crate::domain::job::policy::DriftReference;
use crate::domain::registry::Alias;
use crate::domain::run::RunKind;
use crate::engine::drift::looks_back_to;
use crate::engine::error::RunError;
use crate::engine::jobs::{LoadedJobs, load_all};
use crate::engine::world::World;

/// Runs that are thinned out.
pub(super) async fn old(world: &World) -> Result<Vec<RunId>, RunError> {
    let failed = RunError::store(STAGE);
    let ended =
        world.now().checked_sub(world.project.keep.profiles).map_err(RunError::other(STAGE))?;
    let loaded = load_all(&world.project_dir)?;
    let mut out = Vec::new();
    for status in world.store.status().await.map_err(failed)? {
        let Some(job) = job(world, &loaded, &status.job).await? else { continue };
        let Some(tick) = needed_from(world, &job).await? else { continue };
        let found = world.store.profiled_runs(&job.name, (tick, ended), RUNS_MAX).await;
        out.extend(found.map_err(failed)?);
    }
    Ok(out)
}

/// The job called `name` as its file says, or as it was last executed if it has none any more. `None` if neither
/// can be read: then nobody knows what it looks back on.
async fn job(world: &World, loaded: &LoadedJobs, name: &JobName) -> Result<Option<Job>, RunError> {
    let failed = RunError::store(STAGE);
    if let Some(found) = loaded.find(name.as_str()) {
        return Ok(Some(found.job.clone()));
    }
    if !loaded.problems.is_empty() {
        return Ok(None);
    }
    let latest = world.store.latest(name, RunKind::Score).await.map_err(failed)?;
    let Some(latest) = latest else { return Ok(None) };
    let text = world.store.definition(&latest.job_sha256).await.map_err(failed)?;
    Ok(text.and_then(|text| parse("the job of the run", text.as_bytes()).ok()))
}

/// The tick from which on every profile of the job is kept; `None` if it has published nothing.
async fn needed_from(world: &World, job: &Job) -> Result<Option<Timestamp>, RunError> {
    let failed = RunError::store(STAGE);
    let latest = world.store.latest(&job.name, RunKind::Score).await.map_err(failed)?;
    let Some(latest) = latest.map(|run| run.slot.tick) else { return Ok(None) };
    if job.drift.reference == DriftReference::Training {
        return Ok(Some(latest));
    }
    let pending = world.store.first_pending_tick(&job.name).await.map_err(failed)?;
    let corrected = first_to_correct(world, &job.name).await?;
    let first = [pending, corrected].into_iter().flatten().fold(latest, Timestamp::min);
    looks_back_to(world, job, first).await.map(Some)
}

/// The first tick that would be scored again if the champion were rolled back.
async fn first_to_correct(world: &World, name: &JobName) -> Result<Option<Timestamp>, RunError> {
    let failed = RunError::store(STAGE);
    let history = world.store.history(name).await.map_err(failed)?;
    let had_another =
        history.iter().any(|step| step.alias == Alias::Champion && step.from.is_some());
    let aliases = world.store.aliases(name).await.map_err(failed)?.aliases;
    let Some(champion) = aliases.champion.filter(|_| had_another) else { return Ok(None) };
    let found = world.store.to_correct(name, champion).await.map_err(failed)?;
    Ok(found.first().map(|run| run.slot.tick))
}
