//! Schedules with their cursors, and what was ruled on their ticks.

use jiff::Timestamp;

use crate::domain::identity::{JobName, RunId, Sha256};
use crate::domain::run::{Interval, RunKind};
use crate::domain::ticks::{Fate, Ruling};

/// A schedule that is to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// Whose it is.
    pub job: JobName,
    /// What its ticks run.
    pub kind: RunKind,
    /// Expression, zone and day rule; another text is another schedule.
    pub definition: String,
}

/// A schedule that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// Whose it is.
    pub job: JobName,
    /// What its ticks run.
    pub kind: RunKind,
    /// Expression, zone and day rule.
    pub definition: String,
    /// Every tick up to and including this instant is ruled on.
    pub cursor: Timestamp,
}

/// A ruling on the ticks of one schedule, with what its runs need.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledTicks {
    /// Whose ticks they are.
    pub job: JobName,
    /// What they run.
    pub kind: RunKind,
    /// What was ruled.
    pub ruling: Ruling,
    /// For each start of the ruling the id and the data interval of its run.
    pub runs: Vec<(RunId, Interval)>,
    /// The digest of the job file that they execute.
    pub job_sha256: Sha256,
    /// Its text.
    pub job_text: String,
}

/// A stretch of ticks with one fate, as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRange {
    /// What the ticks would have run.
    pub kind: RunKind,
    /// The first tick.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// What became of them.
    pub fate: Fate,
    /// Why.
    pub reason: String,
    /// When that was ruled.
    pub decided_at: Timestamp,
}

/// A job whose ticks are not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The job.
    pub job: JobName,
    /// Who paused it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}
