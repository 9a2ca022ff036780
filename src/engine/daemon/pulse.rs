//! What wakes the loop every second, and what happens when it does not.
//!
//! The cron engine may stop, lag or lose its channels. It is watched on the monotonic clock: silent for
//! five seconds, it is built anew; built anew three times within a minute, it is given up, and a plain
//! timer takes its place. Nothing is lost by that: what is due is told by the cursor, not by the wake-up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::adapters::failpoint;
use crate::adapters::heartbeat::Heartbeat;
use crate::adapters::metrics::Metrics;

/// So long without a beat, the engine counts as stopped.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// So many times within a minute it is built anew.
const REBUILDS_MAX: usize = 3;

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

/// The cron engine, or what stands in for it.
pub(super) struct Pulse {
    wake: Arc<Notify>,
    silence_max: Duration,
    engine: Option<Heartbeat>,
    /// When it has last beaten, or was built.
    heard: Instant,
    rebuilds: VecDeque<Instant>,
    metrics: Metrics,
}

impl Pulse {
    pub(super) async fn new(metrics: Metrics) -> Self {
        Self::with(SILENCE_MAX, metrics).await
    }

    async fn with(silence_max: Duration, metrics: Metrics) -> Self {
        let (wake, heard, rebuilds) = (Arc::new(Notify::new()), Instant::now(), VecDeque::new());
        let mut out = Self { wake, silence_max, engine: None, heard, rebuilds, metrics };
        // The first beat comes at once: what was missed has waited long enough.
        out.wake.notify_one();
        out.build().await;
        out
    }

    /// Waits for the next beat, or until the engine has been silent for too long. May be dropped and called again
    /// at any point: who wakes the loop in between keeps no silence from being noticed.
    pub(super) async fn beat(&mut self) {
        let most = if self.engine.is_some() { self.silence_max } else { SECOND };
        let patience = most.saturating_sub(self.heard.elapsed());
        let has_beaten = tokio::time::timeout(patience, self.wake.notified()).await.is_ok();
        if has_beaten || self.engine.is_none() {
            self.heard = Instant::now();
        }
    }

    /// Builds an engine anew that is silent, unless that was done too often. Must not be dropped halfway.
    pub(super) async fn mend(&mut self) {
        if self.heard.elapsed() < self.silence_max {
            return;
        }
        // Where the loop itself took so long, a beat waits to be heard.
        let has_beaten = tokio::time::timeout(Duration::ZERO, self.wake.notified()).await.is_ok();
        if !has_beaten && let Some(silent) = self.engine.take() {
            tracing::error!(
                engine.beats = silent.beats(),
                "the cron engine has been silent for {} s: it is built anew",
                self.silence_max.as_secs()
            );
            self.rebuild(silent).await;
        }
        self.heard = Instant::now();
    }

    async fn rebuild(&mut self, silent: Heartbeat) {
        failpoint::pass("engine.rebuild");
        self.metrics.engine_restarted();
        let now = Instant::now();
        self.rebuilds.push_back(now);
        self.rebuilds.retain(|at| now.duration_since(*at) < MINUTE);
        // Stopping it may hang on what has made it silent.
        if tokio::time::timeout(SECOND, silent.stop()).await.is_err() {
            tracing::warn!("the silent cron engine did not stop");
        }
        if self.rebuilds.len() > REBUILDS_MAX {
            tracing::error!(
                "the cron engine was built anew {REBUILDS_MAX} times within a minute: a plain timer takes its place"
            );
            return;
        }
        self.build().await;
    }

    async fn build(&mut self) {
        match tokio::time::timeout(SILENCE_MAX, Heartbeat::start(self.wake.clone())).await {
            Ok(Ok(engine)) => self.engine = Some(engine),
            Ok(Err(error)) => {
                tracing::error!(error = %error, "a plain timer takes the place of the cron engine");
            }
            Err(_) => {
                tracing::error!("the cron engine did not start: a plain timer takes its place");
            }
        }
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        if let Some(engine) = self.engine
            && tokio::time::timeout(SECOND, engine.stop()).await.is_err()
        {
            tracing::warn!("the cron engine did not stop");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for `count` beats; returns the longest time between two.
    async fn longest_gap(pulse: &mut Pulse, count: usize) -> Duration {
        let mut longest = Duration::ZERO;
        for _ in 0..count {
            let since = Instant::now();
            pulse.beat().await;
            pulse.mend().await;
            longest = longest.max(since.elapsed());
        }
        longest
    }

    /// What is due is looked for within six seconds, whatever becomes of the engine.
    const LAG_MAX: Duration = Duration::from_secs(6);

    #[tokio::test]
    async fn an_engine_that_falls_silent_is_built_anew() {
        let mut pulse = Pulse::new(Metrics::new().unwrap()).await;
        longest_gap(&mut pulse, 2).await;
        // It wakes somebody else from now on, which is what a lost channel looks like.
        pulse.wake = Arc::new(Notify::new());
        assert!(longest_gap(&mut pulse, 1).await < LAG_MAX);
        assert_eq!((pulse.rebuilds.len(), pulse.engine.is_some()), (1, true));
        let text = pulse.metrics.text().unwrap();
        assert!(text.contains("nightshift_engine_restarts_total 1\n"), "{text}");
        assert!(longest_gap(&mut pulse, 3).await < LAG_MAX);
        pulse.stop().await;
    }

    #[tokio::test]
    async fn a_silence_is_noticed_by_a_loop_that_is_woken_by_others() {
        let mut pulse = Pulse::new(Metrics::new().unwrap()).await;
        longest_gap(&mut pulse, 2).await;
        pulse.wake = Arc::new(Notify::new());
        let since = Instant::now();
        while pulse.rebuilds.is_empty() {
            assert!(since.elapsed() < LAG_MAX, "the silence is not noticed");
            let _dropped = tokio::time::timeout(Duration::from_millis(300), pulse.beat()).await;
            pulse.mend().await;
        }
        pulse.stop().await;
    }

    #[tokio::test]
    async fn an_engine_that_has_ended_is_built_anew() {
        let mut pulse = Pulse::new(Metrics::new().unwrap()).await;
        longest_gap(&mut pulse, 2).await;
        if let Some(engine) = &mut pulse.engine {
            engine.fall_silent().await;
        }
        assert!(longest_gap(&mut pulse, 1).await < LAG_MAX);
        assert!(longest_gap(&mut pulse, 3).await < LAG_MAX);
        pulse.stop().await;
    }

    #[tokio::test]
    async fn a_timer_takes_the_place_of_an_engine_that_was_built_anew_too_often() {
        // More impatient than any engine is quick.
        let mut pulse = Pulse::with(Duration::from_millis(1), Metrics::new().unwrap()).await;
        longest_gap(&mut pulse, REBUILDS_MAX + 2).await;
        assert!(pulse.engine.is_none());
        // Engines end at their next poll, and may beat once more until then.
        tokio::time::sleep(2 * SECOND).await;
        longest_gap(&mut pulse, 1).await;
        let since = Instant::now();
        assert!(longest_gap(&mut pulse, 2).await < LAG_MAX);
        assert!(since.elapsed() >= 2 * SECOND, "a timer does not spin");
    }
}
