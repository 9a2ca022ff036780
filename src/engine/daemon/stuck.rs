//! Runs whose process lives and says nothing: told once, and once more when they go on.
//!
//! The age of what a run has told is counted on the monotonic clock from the moment at which the daemon saw it
//! change, so no clock that is set makes a run look stuck. Nobody is ended for it: a process that is stopped
//! may go on, and `run.timeout` ends one that does not. That a lock is free is for `recover` to find.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::told;
use crate::adapters::lock::{Beat, RunLock};
use crate::adapters::store::RunRecord;
use crate::domain::identity::RunId;
use crate::engine::error::RunError;
use crate::engine::world::World;

/// So long without a word, a run counts as stuck. It tells something every 5 s.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// What the unfinished runs have told.
pub(super) struct StuckWatch {
    silence_max: Duration,
    looked: Instant,
    runs: BTreeMap<RunId, Seen>,
}

/// What a run told last, and since when.
struct Seen {
    beat: Option<Beat>,
    since: Instant,
    is_told: bool,
}

/// What is to be said of a run.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Stuck,
    GoesOn,
}

impl StuckWatch {
    pub(super) fn new(world: &World) -> Self {
        let silence_max = world.real_span(SILENCE_MAX);
        Self { silence_max, looked: Instant::now(), runs: BTreeMap::new() }
    }

    /// Looks at every unfinished run, and tells which are stuck or go on.
    pub(super) async fn look(&mut self, world: &World) -> Result<(), RunError> {
        let failed = RunError::store("look for stuck runs");
        let unfinished = world.store.unfinished().await.map_err(failed)?;
        self.forget_all_but(&unfinished, Instant::now());
        let state_dir = world.state_dir();
        for record in &unfinished {
            let beat = RunLock::beat(&state_dir, &record.id);
            // A lock that is free, or cannot be looked at, says that nobody is stuck.
            let is_held = || !RunLock::is_free(&state_dir, &record.id).unwrap_or(true);
            match self.see(&record.id, beat, Instant::now(), is_held) {
                Some(News::Stuck) => tell_stuck(record, self.runs.get(&record.id)),
                Some(News::GoesOn) => {
                    let (run, job) = (&record.id, &record.slot.job);
                    tracing::info!(job.name = %job, run.id = %run, "run `{run}` of `{job}` goes on");
                }
                None => {}
            }
        }
        world.metrics.stuck(self.runs.values().filter(|seen| seen.is_told).count());
        Ok(())
    }

    /// Forgets runs that have ended.
    fn forget_all_but(&mut self, unfinished: &[RunRecord], now: Instant) {
        self.runs.retain(|run, _| unfinished.iter().any(|record| record.id == *run));
        self.grant_time(now);
    }

    /// Where the daemon itself has not looked for long, a run had no chance to be seen: its time begins anew.
    fn grant_time(&mut self, now: Instant) {
        if now.duration_since(self.looked) > self.silence_max / 2 {
            self.runs.values_mut().for_each(|seen| seen.since = now);
        }
        self.looked = now;
    }

    fn see(
        &mut self,
        run: &RunId,
        beat: Option<Beat>,
        now: Instant,
        is_held: impl Fn() -> bool,
    ) -> Option<News> {
        let Some(seen) = self.runs.get_mut(run) else {
            self.runs.insert(run.clone(), Seen { beat, since: now, is_told: false });
            return None;
        };
        if seen.beat != beat {
            let was_told = seen.is_told;
            *seen = Seen { beat, since: now, is_told: false };
            return was_told.then_some(News::GoesOn);
        }
        let is_silent = now.duration_since(seen.since) > self.silence_max;
        if seen.is_told || !is_silent || !is_held() {
            return None;
        }
        seen.is_told = true;
        Some(News::Stuck)
    }
}

fn tell_stuck(record: &RunRecord, seen: Option<&Seen>) {
    let (run, job) = (&record.id, &record.slot.job);
    let last = match seen.and_then(|seen| seen.beat.as_ref()) {
        Some(Beat { at, stage, rows_read, .. }) => {
            format!(
                "it was last heard of at {}, in stage `{stage}`, with {rows_read} rows read",
                told(*at)
            )
        }
        None => "nothing was heard of it yet".to_owned(),
    };
    tracing::error!(
        job.name = %job, run.id = %run,
        "run `{run}` of `{job}` is stuck: its process lives, but {last}; `nightshift cancel {run}` ends it, and \
         so does `run.timeout`"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn beat(number: u64) -> Beat {
        let (at, stage) = (Timestamp::UNIX_EPOCH, "score".to_owned());
        Beat { at, number, stage, rows_read: 0, rows_of: None, rows_scored: 0 }
    }

    #[test]
    fn a_run_is_told_once_when_it_falls_silent_and_once_when_it_goes_on() {
        let begun = Instant::now();
        let run = RunId::new(Timestamp::UNIX_EPOCH, 7);
        let mut watch =
            StuckWatch { silence_max: SILENCE_MAX, looked: begun, runs: BTreeMap::new() };
        let mut see = |beat, second, is_held| {
            watch.see(&run, beat, begun + Duration::from_secs(second), || is_held)
        };
        assert_eq!(see(None, 0, true), None);
        assert_eq!(see(None, 61, true), Some(News::Stuck));
        assert_eq!(see(None, 62, true), None);
        assert_eq!(see(Some(beat(1)), 63, true), Some(News::GoesOn));
        assert_eq!(see(Some(beat(2)), 120, true), None);
        assert_eq!(see(Some(beat(2)), 180, true), None);
        // Its process is gone: that is not being stuck.
        assert_eq!(see(Some(beat(2)), 181, false), None);
        assert_eq!(see(Some(beat(2)), 182, true), Some(News::Stuck));
        assert_eq!(see(Some(beat(3)), 300, true), Some(News::GoesOn));
        assert_eq!(see(Some(beat(3)), 301, true), None);
    }

    #[test]
    fn a_daemon_that_did_not_look_blames_nobody() {
        let begun = Instant::now();
        let run = RunId::new(Timestamp::UNIX_EPOCH, 7);
        let mut watch =
            StuckWatch { silence_max: SILENCE_MAX, looked: begun, runs: BTreeMap::new() };
        assert_eq!(watch.see(&run, Some(beat(1)), begun, || true), None);
        let later = begun + Duration::from_mins(10);
        watch.grant_time(later);
        assert_eq!(watch.see(&run, Some(beat(1)), later, || true), None);
        let looked = (1..=6).map(|tens| later + Duration::from_secs(10 * tens));
        looked.for_each(|at| watch.grant_time(at));
        let after = later + Duration::from_secs(61);
        assert_eq!(watch.see(&run, Some(beat(1)), after, || true), Some(News::Stuck));
        watch.forget_all_but(&[], after);
        assert!(watch.runs.is_empty());
    }
}
