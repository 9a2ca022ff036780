//! Whether the runs of a job take longer than its schedule leaves between two ticks.
//!
//! The record says how long they took, the schedule how often it is due, and the domain whether that is worth
//! a word. Nothing is changed by it.

use std::collections::BTreeSet;

use crate::domain::identity::JobName;
use crate::domain::job::Job;
use crate::domain::run::RunKind;
use crate::domain::schedule::crowding::crowding;
use crate::engine::error::RunError;
use crate::engine::world::World;

/// So many of the last runs are looked at.
const RUNS: u32 = 100;

/// What to say of the schedules of `job`, each of scores and of trainings.
pub async fn lints(world: &World, job: &Job) -> Result<Vec<String>, RunError> {
    let mut out = Vec::new();
    for kind in RunKind::ALL {
        let Some(schedule) = job.schedule_of(*kind) else { continue };
        let durations = world
            .store
            .durations(&job.name, *kind, RUNS)
            .await
            .map_err(RunError::store("read how long runs took"))?;
        out.extend(crowding(schedule, &durations, world.now()));
    }
    Ok(out)
}

/// The same of every job of `jobs` that is on and has ever been run, each with its name.
pub async fn lints_of_all<'a>(
    world: &World,
    jobs: impl Iterator<Item = &'a Job>,
) -> Result<Vec<(&'a JobName, String)>, RunError> {
    let known = world.store.status().await.map_err(RunError::store("read the record"))?;
    let known: BTreeSet<_> =
        known.into_iter().filter(|found| found.last_run.is_some()).map(|found| found.job).collect();
    let mut out = Vec::new();
    for job in jobs.filter(|job| job.enabled) {
        // Those of a project may be thousands, and a job without a run has nothing to say.
        if known.contains(&job.name) {
            out.extend(lints(world, job).await?.into_iter().map(|lint| (&job.name, lint)));
        }
    }
    Ok(out)
}
