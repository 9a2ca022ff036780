//! Schedules that were switched off and are on again go on from where they were, if somebody wants it so.
//!
//! Otherwise they begin anew, and nobody has ruled on what was due meanwhile.

use super::job_set::JobSet;
use crate::adapters::store::ScheduleRecord;
use crate::engine::error::RunError;
use crate::engine::offload::offload;
use crate::engine::world::World;

const STAGE: &str = "catch up";

/// Follows each schedule of the job files that is not followed and was once, from the last tick that was ruled
/// on. Returns those. A daemon rules on what was due since, as `schedule.catchup` says, when it reads the job
/// files again.
pub async fn catch_up(world: &World) -> Result<Vec<ScheduleRecord>, RunError> {
    let folder = world.project_dir.clone();
    let jobs = offload(STAGE, move || JobSet::load(&folder)).await?;
    world.store.follow_again(&jobs.schedules()).await.map_err(RunError::store(STAGE))
}
