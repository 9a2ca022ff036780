//! Seals the database when nobody has written to it for a while: a daemon that is killed in a quiet hour leaves
//! one whose damage is noticed at the next start.
//!
//! Hashing takes time that grows with the database, so it is done on a thread of its own, once for each pause.
//! A seal that could not be written proves less, and stops nothing.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::engine::error::RunError;
use crate::engine::offload::offload_async;
use crate::engine::world::World;

const STAGE: &str = "seal the database";

/// So long without a commit is a pause.
const PAUSE: Duration = Duration::from_secs(3);

/// How far the database had come, and since when.
pub(super) struct Quiet {
    commits: Option<i64>,
    since: Instant,
    is_sealed: bool,
    /// At most one task.
    work: JoinSet<Result<(), RunError>>,
}

impl Quiet {
    pub(super) fn new() -> Self {
        Self { commits: None, since: Instant::now(), is_sealed: false, work: JoinSet::new() }
    }

    /// Begins to seal the database if it has been quiet. Waits for nothing but one short reading.
    pub(super) async fn tend(&mut self, world: &World) -> Result<(), RunError> {
        if let Some(ended) = self.work.try_join_next() {
            let done = ended.unwrap_or_else(|error| Err(RunError::other(STAGE)(error)));
            if let Err(error) = done {
                tracing::warn!("the database goes on without a seal: {}", error.chain());
            }
        }
        let commits = world.store.commits().await.map_err(RunError::store(STAGE))?;
        if self.see(commits, Instant::now()) && self.work.is_empty() {
            self.is_sealed = true;
            let world = world.clone();
            self.work.spawn(offload_async(STAGE, async move || {
                world.store.seal().await.map_err(RunError::store(STAGE))
            }));
        }
        Ok(())
    }

    /// Whether a pause has lasted long enough that is not sealed yet.
    fn see(&mut self, commits: i64, now: Instant) -> bool {
        if self.commits != Some(commits) {
            (self.commits, self.since, self.is_sealed) = (Some(commits), now, false);
        }
        !self.is_sealed && now.duration_since(self.since) >= PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_sealed_once() {
        let mut quiet = Quiet::new();
        let begin = Instant::now();
        let mut sealed_at = Vec::new();
        for second in 0..20 {
            let commits = [0, 0, 1, 2, 2, 2, 2, 2, 2, 3][..].get(second).copied().unwrap_or(3);
            if quiet.see(commits, begin + Duration::from_secs(second as u64)) {
                quiet.is_sealed = true;
                sealed_at.push(second);
            }
        }
        assert_eq!(sealed_at, [6, 12]);
    }
}
