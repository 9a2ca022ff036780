//! When a job runs and within which limits: `[schedule]` beyond its expression, and `[run]`.
//!
//! Plain values with every default filled in. What they lead to is decided in `domain::ticks` and
//! `domain::retry`. They hold for the runs that the daemon starts; what a person runs by hand, that person
//! can also end.

use std::fmt;

use jiff::SignedDuration;

use crate::domain::run::named;

/// What becomes of ticks that are late, missed, or due while a run of the job is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Which missed ticks are run.
    pub catchup: Catchup,
    /// Ticks further back than this are not run any more.
    pub catchup_window: SignedDuration,
    /// Most missed ticks that are run, with [`Catchup::All`].
    pub catchup_max: usize,
    /// How late a tick still counts as on time.
    pub misfire_grace: SignedDuration,
    /// Below this a run's start is delayed, by the same time for the same tick.
    pub jitter: SignedDuration,
    /// What a tick does while a run of the job is active.
    pub overlap: Overlap,
    /// Whether a tick waits until the one before it is committed.
    pub depends_on_past: bool,
    /// How long a run waits for its input to appear.
    pub wait_for: SignedDuration,
}

/// Which missed ticks are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catchup {
    /// None.
    Skip,
    /// The last one.
    Latest,
    /// The last `catchup_max`.
    All,
}

named!(Catchup { Skip => "skip", Latest => "latest", All => "all" });

/// What a tick does while a run of the job is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It is not run.
    Skip,
    /// It waits, in place of another that waits.
    QueueOne,
    /// It waits behind the others.
    QueueAll,
    /// The active run is cancelled for it.
    Replace,
    /// It runs beside the others, up to so many at a time.
    Allow(usize),
}

impl Overlap {
    /// Most runs of the job at a time.
    pub fn concurrent_max(self) -> usize {
        match self {
            Self::Allow(most) => most,
            Self::Skip | Self::QueueOne | Self::QueueAll | Self::Replace => 1,
        }
    }
}

/// Within which limits the daemon lets a run work, and what follows when it fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How long an attempt may take.
    pub timeout: SignedDuration,
    /// Between asking a process to end and ending it.
    pub kill_grace: SignedDuration,
    /// Most memory that a run's process may allocate, in bytes.
    pub memory_max: Option<u64>,
    /// Most threads that compute; `None` is one for each core.
    pub threads: Option<usize>,
    /// When a failed run is tried again.
    pub retry: Retry,
    /// So many runs in a row that were given up pause the job.
    pub pause_after_failures: u32,
}

/// When a failed run is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How many tries in all.
    pub attempts: u32,
    /// The delay before the second try.
    pub base: SignedDuration,
    /// By how much each delay grows.
    pub factor: f64,
    /// The longest delay, before jitter.
    pub max: SignedDuration,
    /// The share of a delay, 0 to 1, by which it differs from run to run.
    pub jitter: f64,
    /// Nothing is tried again so long after the first try ended.
    pub max_elapsed: SignedDuration,
}
