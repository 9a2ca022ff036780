//! The wish that a run ends, read by the process that executes it.
//!
//! Somebody who cancels a run, or a schedule that replaces it, writes that into the record of the run; whoever
//! executes it looks there every five seconds and ends its own process, first with a request and after the grace
//! of the job by force. Nobody else has to find that process: locks are seen from other namespaces of processes
//! and through mounted folders, process ids are not. A run with such a wish on record cannot begin to publish,
//! so nothing is torn.

use std::convert::Infallible;
use std::time::Duration;

use crate::adapters::process::{Parting, end_self};
use crate::domain::identity::RunId;
use crate::engine::world::World;

/// Between two looks.
pub const OBEY_EVERY: Duration = Duration::from_secs(5);

/// Ends this process once somebody wants `run` to end. To be dropped with the run.
pub(super) async fn obey(world: &World, run: &RunId, grace: Duration) -> Infallible {
    while !is_cancelled(world, run).await {
        tokio::time::sleep(world.real_span(OBEY_EVERY)).await;
    }
    tracing::warn!(run.id = %run, "run `{run}` is cancelled: its process ends");
    end_self(Parting::Asked);
    tokio::time::sleep(grace).await;
    loop {
        end_self(Parting::Forced);
    }
}

/// Whether it is on record that the run is to end. What cannot be read is looked at again.
async fn is_cancelled(world: &World, run: &RunId) -> bool {
    match world.store.run(run).await {
        Ok(found) => found.is_some_and(|record| record.cancel.is_some()),
        Err(error) => {
            tracing::debug!(run.id = %run, error = %error, "it is not known whether the run is cancelled");
            false
        }
    }
}
