//! What wakes the planner: tokio-cron-scheduler with one job, every second.
//!
//! There is no job per schedule: the scheduler polls over all of its jobs, fixes their offset from UTC when
//! they are added, and loses what is due while it is down. It says "look", and what is due is decided
//! elsewhere; if it fails, it is stopped and started anew, and nothing is lost but a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::adapters::failpoint;

/// Activations that may wait in the scheduler's channel. Its default of 200 loses some under load.
const CHANNEL_SIZE: usize = 65_536;

/// Every second, in the scheduler's grammar of six fields.
const EVERY_SECOND: &str = "* * * * * *";

/// A running scheduler.
pub struct Heartbeat {
    scheduler: JobScheduler,
    beats: Arc<AtomicU64>,
}

/// The scheduler could not be started.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the cron engine")]
pub struct HeartbeatError(#[from] JobSchedulerError);

impl Heartbeat {
    /// Starts a scheduler that calls `wake.notify_one()` every second.
    pub async fn start(wake: Arc<Notify>) -> Result<Self, HeartbeatError> {
        Self::with_channel_size(wake, CHANNEL_SIZE).await
    }

    /// The same, with room for so many activations that nobody has dealt with yet.
    async fn with_channel_size(wake: Arc<Notify>, size: usize) -> Result<Self, HeartbeatError> {
        let mut scheduler = JobScheduler::new_with_channel_size(size).await?;
        scheduler.init().await?;
        let beats = Arc::new(AtomicU64::new(0));
        let counted = beats.clone();
        // No code of ours runs in the closure: a panic there would end the job for ever.
        let job = Job::new_async(EVERY_SECOND, move |_, _| {
            let (wake, counted) = (wake.clone(), counted.clone());
            Box::pin(async move {
                failpoint::pass("engine.hint");
                counted.fetch_add(1, Ordering::Relaxed);
                wake.notify_one();
            })
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok(Self { scheduler, beats })
    }

    /// How often it has woken anybody.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Ends the scheduler behind its back, as a defect would.
    #[cfg(test)]
    pub(crate) async fn fall_silent(&mut self) {
        self.scheduler.shutdown().await.unwrap();
    }

    /// Stops it.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!(error = %error, "the cron engine did not stop cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_beats_until_it_is_stopped() {
        let wake = Arc::new(Notify::new());
        let heartbeat = Heartbeat::start(wake.clone()).await.unwrap();
        for _ in 0..2 {
            tokio::time::timeout(Duration::from_secs(20), wake.notified()).await.unwrap();
        }
        assert!(heartbeat.beats() >= 2);
        heartbeat.stop().await;
    }

    /// With room for a single activation it loses what comes close together; there is nothing close together.
    #[tokio::test]
    async fn it_beats_with_the_smallest_channel() {
        let wake = Arc::new(Notify::new());
        let heartbeat = Heartbeat::with_channel_size(wake.clone(), 1).await.unwrap();
        for _ in 0..4 {
            tokio::time::timeout(Duration::from_secs(6), wake.notified()).await.unwrap();
        }
        heartbeat.stop().await;
    }
}
