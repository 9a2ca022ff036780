//! Which job files are followed: read as a whole, and swapped as a whole.
//!
//! A problem in one of them leaves everything as it is, but at the start of the daemon, where the others are
//! followed all the same. What is queued for a job that is gone is given up.

use super::endure;
use super::job_set::JobSet;
use super::planner::Planner;
use crate::adapters::failpoint;
use crate::engine::crowding;
use crate::engine::error::RunError;
use crate::engine::offload::offload;
use crate::engine::world::World;

/// Gives up the queued ticks of jobs that are gone or switched off; of none while a file is broken, since its
/// job may only seem to be gone.
pub(super) async fn give_up_queued(world: &World, jobs: &JobSet) -> Result<(), RunError> {
    if !jobs.problems().is_empty() {
        return Ok(());
    }
    let on = jobs.all().filter(|loaded| loaded.job.enabled);
    let names: Vec<_> = on.map(|loaded| loaded.job.name.clone()).collect();
    let failed = RunError::store("give up the runs of jobs that are gone");
    let given_up = world.store.give_up_queued(&names, world.now()).await.map_err(failed)?;
    if given_up > 0 {
        tracing::warn!("{given_up} queued runs of jobs that are gone or switched off are given up");
    }
    Ok(())
}

/// Reads the job files; those that do not parse are told, and the others are followed.
pub(super) async fn load(world: &World) -> Result<JobSet, RunError> {
    failpoint::reach("reload.parse").map_err(RunError::other("load jobs"))?;
    let folder = world.project_dir.clone();
    let loaded = offload("load jobs", move || JobSet::load(&folder)).await;
    world.metrics.reload_failed(loaded.as_ref().map_or(true, |jobs| !jobs.problems().is_empty()));
    let jobs = loaded?;
    for problem in jobs.problems() {
        tracing::error!("{problem}");
    }
    Ok(jobs)
}

/// Who wants the job files to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Somebody,
    Change,
}

/// What came of reading the job files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// So many jobs are followed, as their files are now.
    Followed(usize),
    /// The old ones stay, for what is wrong with the files.
    Refused(Vec<String>),
    /// The old ones stay: it could not be done now.
    Failed(String),
}

/// Swaps the jobs as a whole, or keeps the old ones if any file has a problem. An error is one that nothing can be
/// trusted after.
pub(super) async fn reload(
    world: &World,
    jobs: &mut JobSet,
    planner: &mut Planner,
    cause: Wish,
) -> Result<Reloaded, RunError> {
    let found = match load(world).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(error = %error.chain(), "the jobs could not be read: the old ones stay");
            return Ok(Reloaded::Failed(error.chain()));
        }
    };
    if !found.problems().is_empty() {
        let count = found.problems().len();
        tracing::error!("{count} problems in the job files: the old jobs stay");
        return Ok(Reloaded::Refused(found.problems().iter().map(ToString::to_string).collect()));
    }
    let gone = jobs.all().find(|old| found.get(&old.job.name).is_none());
    if let Some(gone) = gone.filter(|_| cause == Wish::Change) {
        let name = &gone.job.name;
        tracing::error!(
            job.name = %name,
            "the file of `{name}` is gone: the old jobs stay until `nightshift reload` is asked for"
        );
        return Ok(Reloaded::Refused(vec![format!("the file of `{name}` is gone")]));
    }
    // What is due by now is due by the old schedules: the new ones are not retroactive.
    planner.reconcile(world, jobs, world.now()).await?;
    let swapped = async {
        failpoint::reach("reload.swap").map_err(RunError::other("reload"))?;
        give_up_queued(world, &found).await?;
        Planner::new(world, &found).await
    };
    match swapped.await {
        Ok(swapped) => *planner = swapped,
        Err(error) => {
            let message = error.chain();
            endure(error, "follow the new schedules: the old jobs stay")?;
            return Ok(Reloaded::Failed(message));
        }
    }
    *jobs = found;
    let count = jobs.all().count();
    tracing::info!("reloaded: {count} jobs, {} schedules", planner.len());
    tell_crowding(world, jobs).await.map(|()| Reloaded::Followed(count))
}

/// Says which schedules are due more often than their runs end.
pub(super) async fn tell_crowding(world: &World, jobs: &JobSet) -> Result<(), RunError> {
    match crowding::lints_of_all(world, jobs.all().map(|loaded| &loaded.job)).await {
        Ok(found) => {
            for (job, lint) in found {
                tracing::warn!(job.name = %job, "schedule of `{job}`: {lint}");
            }
            Ok(())
        }
        Err(error) => endure(error, "look at how long runs take"),
    }
}
