//! Runs that nobody attends: those of processes that ended unseen, and what is left of superseded ones.
//!
//! Publishing what a process has left means reading it all and waiting for the disk, or for a network that does
//! not answer. So it is done on a thread of its own beside the loop, once at a time.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::endure;
use crate::domain::identity::RunId;
use crate::engine::error::RunError;
use crate::engine::offload::offload_async;
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
            told(ended)?;
        }
        if self.is_asked && self.work.is_empty() {
            self.is_asked = false;
            self.begin(world, is_attended).await?;
        }
        Ok(())
    }

    async fn begin(
        &mut self,
        world: &World,
        is_attended: impl Fn(&RunId) -> bool,
    ) -> Result<(), RunError> {
        // Read here, where nothing is begun meanwhile. A run that a child has caused is not attended either; its
        // lock is held.
        let mut unattended = match world.store.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => return endure(RunError::store(STAGE)(error), STAGE),
        };
        unattended.retain(|record| !is_attended(&record.id));
        let world = world.clone();
        self.work.spawn(offload_async(STAGE, async move || {
            recover::recover_each(&world, &unattended).await
        }));
        Ok(())
    }

    /// Recovers what nobody attends, and waits for it and for what was begun before, for `patience`.
    pub(super) async fn finish(
        mut self,
        world: &World,
        patience: Duration,
        is_attended: impl Fn(&RunId) -> bool,
    ) -> Result<(), RunError> {
        let finished = async {
            while let Some(ended) = self.work.join_next().await {
                told(ended)?;
            }
            self.begin(world, is_attended).await?;
            self.work.join_next().await.map_or(Ok(()), told)
        };
        tokio::time::timeout(patience, finished).await.unwrap_or_else(|_| {
            tracing::warn!("the recovery of runs is not waited for any longer");
            Ok(())
        })
    }
}

/// What came of a task; an error that concerns every run is handed back.
fn told(ended: Result<Result<(), RunError>, JoinError>) -> Result<(), RunError> {
    let done = ended.unwrap_or_else(|error| Err(RunError::other(STAGE)(error)));
    done.or_else(|error| endure(error, STAGE))
}
