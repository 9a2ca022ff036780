//! A process that executes a run, attended from its start to its end.
//!
//! Time is counted on the monotonic clock. A process that is to end is asked first and ended after a grace,
//! with everything that it has started. Why it was to end is known here only; whether it has published
//! anything is known by the store alone.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::adapters::process::{Ended, Running};
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

/// How a process has ended: in terms of its attempt, and in words.
pub(super) type Report = (AttemptOutcome, String);

/// Attends a process to its end.
pub(super) async fn attend(
    mut process: Running,
    patience: Patience,
    mut orders: mpsc::Receiver<End>,
) -> Report {
    let timeout = tokio::time::sleep(patience.timeout);
    let end = tokio::select! {
        ended = process.ended() => return (AttemptOutcome::Lost, told(ended)),
        () = timeout => None,
        Some(end) = orders.recv() => Some(end),
    };
    process.terminate();
    if end != Some(End::Kill) {
        tokio::select! {
            _ = process.ended() => return report(end, patience),
            () = tokio::time::sleep(patience.grace) => {}
            Some(End::Kill) = orders.recv() => {}
        }
    }
    process.kill();
    let _ended = process.ended().await;
    report(end, patience)
}

fn report(end: Option<End>, patience: Patience) -> Report {
    match end {
        None => {
            let told =
                format!("it took longer than {} s (`run.timeout`)", patience.timeout.as_secs());
            (AttemptOutcome::TimedOut, told)
        }
        Some(End::Cancel) => (AttemptOutcome::Interrupted, "it was cancelled".to_owned()),
        Some(End::Interrupt | End::Kill) => {
            (AttemptOutcome::Interrupted, "the daemon stopped before it had ended".to_owned())
        }
    }
}

fn told(ended: Ended) -> String {
    match ended {
        Ended::Exited(code) => format!("its process ended with exit code {code} and no result"),
        Ended::Killed(6) => {
            "its process aborted (signal 6); `run.memory_max` may be too small".to_owned()
        }
        Ended::Killed(9) => {
            "its process was killed (signal 9), maybe for want of memory".to_owned()
        }
        Ended::Killed(signal) => format!("its process was ended by signal {signal}"),
        Ended::Unknown => "its process ended, nobody knows how".to_owned(),
    }
}
