//! Logs of runs that have been over for as long as `keep.logs` says.
//!
//! The id of a run says when it was made, which picks the candidates; that it ended long ago, too, is asked of
//! the record. A log without a run on record goes by its age.

use super::{RUNS_MAX, STAGE};
use crate::adapters::telemetry::logged_runs;
use crate::domain::identity::RunId;
use crate::engine::error::RunError;
use crate::engine::world::World;

/// Runs whose logs go, the oldest first, not more than [`RUNS_MAX`].
pub(super) async fn old(world: &World) -> Result<Vec<RunId>, RunError> {
    let before =
        world.now().checked_sub(world.project.keep.logs).map_err(RunError::other(STAGE))?;
    let mut out = Vec::new();
    for run in logged_runs(&world.state_dir()).map_err(RunError::other(STAGE))? {
        if run.made_at() >= before || out.len() >= RUNS_MAX as usize {
            break;
        }
        if world.store.is_over(&run, before).await.map_err(RunError::store(STAGE))? {
            out.push(run);
        }
    }
    Ok(out)
}
