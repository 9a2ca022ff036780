//! A process that executes a run, attended from its start to its end.
//!
//! Time is counted on the monotonic clock. A process that is to end is asked first and ended after a grace,
//! with everything that it has started. Why it was to end is known here only; whether it has published
//! anything is known by the store alone.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::adapters::process::{Ended, Running};
use crate::domain::job::timing::Limits;
use crate::domain::run::AttemptOutcome;

/// Why a process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody has cancelled its run; what the run becomes is on record.
    Cancel,
    /// The daemon stops.
    Interrupt,
    /// The daemon stops, and nobody waits any more.
    Kill,
}

/// How long a process may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) timeout: Duration,
    pub(super) grace: Duration,
}

/// How a process has ended: in terms of its attempt, in words, and its exit code where it had one.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) outcome: AttemptOutcome,
    pub(super) words: String,
    pub(super) code: Option<i32>,
}

/// The processor time that a run can use before it is ended: all its threads, all the time. The kernel ends a
/// process that has used it, if nobody else does.
pub(super) fn cpu_seconds(limits: &Limits) -> u64 {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = limits.threads.unwrap_or_else(cores) as u64;
    let seconds = limits.timeout.unsigned_abs().saturating_add(limits.kill_grace.unsigned_abs());
    seconds.as_secs().saturating_mul(threads)
}

/// Attends a process to its end.
pub(super) async fn attend(
    mut process: Running,
    patience: Patience,
    mut orders: mpsc::Receiver<End>,
) -> Report {
    let end = tokio::select! {
        ended = process.ended() => return Report::of(ended),
        () = tokio::time::sleep(patience.timeout) => None,
        Some(end) = orders.recv() => Some(end),
    };
    process.terminate();
    let grace = tokio::time::sleep(patience.grace);
    tokio::pin!(grace);
    let mut is_over = end == Some(End::Kill);
    while !is_over {
        tokio::select! {
            _ = process.ended() => return Report::asked(end, patience),
            () = &mut grace => is_over = true,
            Some(order) = orders.recv() => is_over = order == End::Kill,
        }
    }
    process.kill();
    let _ended = process.ended().await;
    Report::asked(end, patience)
}

impl Report {
    /// Of a process that could not be started.
    pub(super) fn not_started(error: &std::io::Error) -> Self {
        let words = format!("its process could not be started: {error}");
        Self { outcome: AttemptOutcome::Lost, words, code: None }
    }

    /// Of a process that ended by itself.
    fn of(ended: Ended) -> Self {
        let (words, code) = match ended {
            Ended::Exited(code) => {
                (format!("its process ended with exit code {code} and no result"), Some(code))
            }
            Ended::Killed(6) => (
                "its process aborted (signal 6); `run.memory_max` may be too small".to_owned(),
                None,
            ),
            Ended::Killed(9) => {
                ("its process was killed (signal 9), maybe for want of memory".to_owned(), None)
            }
            Ended::Killed(24) => (
                "its process had used the processor time of `run.timeout` and `run.kill_grace` on all its threads \
                 (signal 24)"
                    .to_owned(),
                None,
            ),
            Ended::Killed(signal) => (format!("its process was ended by signal {signal}"), None),
            Ended::Unknown => ("its process ended, nobody knows how".to_owned(), None),
        };
        Self { outcome: AttemptOutcome::Lost, words, code }
    }

    /// Of a process that was asked to end; without an order, for want of time.
    fn asked(end: Option<End>, patience: Patience) -> Self {
        let (outcome, words) = match end {
            None => {
                let seconds = patience.timeout.as_secs();
                let words = format!("it took longer than {seconds} s (`run.timeout`)");
                (AttemptOutcome::TimedOut, words)
            }
            Some(End::Cancel) => (AttemptOutcome::Interrupted, "it was cancelled".to_owned()),
            Some(End::Interrupt | End::Kill) => {
                let words = "the daemon stopped before it had ended";
                (AttemptOutcome::Interrupted, words.to_owned())
            }
        };
        Self { outcome, words, code: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::parse::parse;

    #[track_caller]
    fn check(run: &str, wanted: u64) {
        let text = include_str!("../../../jobs/wine.toml");
        let text = format!("{text}\n[run]\n{run}\n");
        let job = parse("wine.toml", text.as_bytes()).unwrap();
        assert_eq!(cpu_seconds(&job.limits), wanted, "{run}");
    }

    #[test]
    fn the_processor_time_is_that_of_all_threads_to_the_last_moment() {
        check("timeout = \"10m\"\nkill_grace = \"20s\"\nthreads = 3", 3 * 620);
        check("timeout = \"1s\"\nkill_grace = \"1s\"\nthreads = 1", 2);
    }
}
