//! Runs that nobody attends: those of processes that ended unseen, and what is left of superseded ones.
//!
//! Publishing what a process has left means reading it all and waiting for the disk, or for a network that does
//! not answer. So it is done on a thread of its own beside the loop, once at a time.

use std::time::Duration;

use tokio::task::JoinSet;

use super::endure;
use crate::domain::identity::RunId;
use crate::engine::error::RunError;
use crate::engine::offload::offload;
use crate::engine::recover;
use crate::engine::world::World;

const STAGE: &str = "recover";

/// How often runs are looked for whose process ended unseen, in beats.
const EVERY: u64 = 10;

/// What is recovered, and whether there is more to do.
pub(super) struct Recovery {
    beats: u64,
    is_asked: bool,
    /// At most one task.
    work: JoinSet<Result<(), RunError>>,
}

impl Recovery {
    pub(super) fn new() -> Self {
        Self { beats: 0, is_asked: false, work: JoinSet::new() }
    }

    /// Begins to recover what nobody attends, if something may be: at every tenth call, and if `is_asked`. Waits
    /// for nothing but one short reading.
    pub(super) async fn tend(
        &mut self,
        world: &World,
        is_asked: bool,
        is_attended: impl Fn(&RunId) -> bool,
    ) -> Result<(), RunError> {
        self.beats += 1;
        self.is_asked |= is_asked || self.beats.is_multiple_of(EVERY);
        if let Some(ended) = self.work.try_join_next() {
            let done = ended.unwrap_or_else(|error| Err(RunError::other(STAGE)(error)));
            done.or_else(|error| endure(error, STAGE))?;
        }
        if !self.is_asked || !self.work.is_empty() {
            return Ok(());
        }
        self.is_asked = false;
        // Read here, where nothing is begun meanwhile: whoever is unfinished and not attended has no process of ours.
        let mut unattended = match world.store.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => return endure(RunError::store(STAGE)(error), STAGE),
        };
        unattended.retain(|record| !is_attended(&record.id));
        let (world, runtime) = (world.clone(), tokio::runtime::Handle::current());
        self.work.spawn(offload(STAGE, move || {
            runtime.block_on(recover::recover_each(&world, &unattended))
        }));
        Ok(())
    }

    /// Waits until what was begun has ended, for `patience`.
    pub(super) async fn stop(mut self, patience: Duration) {
        if tokio::time::timeout(patience, self.work.join_next()).await.is_err() {
            tracing::warn!("the recovery of runs is not waited for any longer");
        }
    }
}
