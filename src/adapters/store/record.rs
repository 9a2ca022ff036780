//! What goes into the store and comes out of it: plain values without behaviour.
//!
//! Times are instants; the store keeps microseconds of them. A number that is not finite comes back as
//! absent (an optional field) or as NaN, since `SQLite` has no other place for it.

/// Versions and aliases.
mod registry;
/// What an attempt leaves behind.
mod results;
/// Schedules and what was ruled on their ticks.
mod schedules;

use jiff::Timestamp;

use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::layout::TickFolder;
use crate::domain::run::{
    AttemptOutcome, Claim, Interval, RunKind, RunSlot, State, Trigger, Verdict,
};

pub use self::registry::{AliasMove, AliasState, Attribution, Import, Imported, NewVersion};
pub use self::results::{
    Afterwards, Conclusion, Failure, Finished, FollowUp, Input, Intent, NewOutput, OutputPlace,
    OutputRecord, OutputRole, Profile,
};
pub use self::schedules::{NewSchedule, Pause, RuledTicks, ScheduleRecord, TickRange};

/// A run that somebody wants.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its identity, drawn by the caller.
    pub id: RunId,
    /// Its place; if that is taken, no run is made.
    pub slot: RunSlot,
    /// Why it exists.
    pub trigger: Trigger,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// Digest of `job_text`.
    pub job_sha256: Sha256,
    /// The job file that the run executes, whatever happens to the file later.
    pub job_text: String,
    /// The run that caused this one.
    pub parent: Option<RunId>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// What became of a request for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It was queued.
    New(RunId),
    /// The place was taken; this run has it.
    Existing(Box<RunRecord>),
}

/// Whether a run or version went to another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Transition {
    /// It did.
    Done,
    /// It did not, because of the state it is in.
    Refused {
        /// That state, or `None` if there is no such run or version.
        found: Option<&'static str>,
    },
}

/// A run as it stands in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its identity.
    pub id: RunId,
    /// Its place.
    pub slot: RunSlot,
    /// Why it exists.
    pub trigger: Trigger,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// Where it stands.
    pub state: State,
    /// Digest of the job file it executes; [`super::Store::definition`] has the text.
    pub job_sha256: Sha256,
    /// The run that caused this one.
    pub parent: Option<RunId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Who holds or held it, as told at the claim.
    pub owner: Option<String>,
    /// The token of the last claim, 0 before the first.
    pub token: i64,
    /// How often it was claimed.
    pub attempt: u32,
    /// When it was claimed last.
    pub claimed_at: Option<Timestamp>,
    /// The version that scores, or that was trained.
    pub model: Option<ModelPin>,
    /// When it reached the state it ended in.
    pub finished_at: Option<Timestamp>,
    /// With which commit of the record it did.
    pub commits: Option<i64>,
    /// What it says about data and model.
    pub verdict: Option<Verdict>,
    /// The exit code of the command that ran it.
    pub exit_code: Option<u8>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// How many rows it read, scored and set aside.
    pub rows: Rows,
    /// Summary of the ids that it published.
    pub id_set: Option<String>,
    /// The most memory that its process held, file mappings included.
    pub peak_rss_bytes: Option<u64>,
    /// What the findings led to.
    pub decision: Option<Decision>,
    /// Its steps and how long they took.
    pub stages: Vec<Stage>,
    /// The folder of its tick, for a run that has published scores or is about to.
    pub folder: Option<TickFolder>,
    /// The later revision that took its place.
    pub superseded_by: Option<RunId>,
    /// What somebody wants it to be, and why: [`State::Cancelled`], or [`State::Superseded`] by a later tick.
    pub cancel: Option<(State, String)>,
}

impl RunRecord {
    /// The last claim of the run. A write under it fails once somebody claims the run again.
    pub fn claim(&self) -> Claim {
        Claim { run: self.id.clone(), token: self.token, attempt: self.attempt }
    }
}

/// The version a run uses, by number and by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelPin {
    /// Its number.
    pub version: Version,
    /// The digest of its artifact.
    pub sha256: Sha256,
}

/// Row counts of a run; for a train run, rows read and rows fitted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows of the input that the run is about.
    pub read: u64,
    /// Rows scored, or fitted on.
    pub scored: u64,
    /// Rows set aside with a reason.
    pub quarantined: u64,
}

/// What the findings led to, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `publish`, `abort`, `promote`, `hold`, ...
    pub action: String,
    /// One sentence fragment.
    pub reason: String,
}

/// A step of a run and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The verb: `read`, `score`, `fit`, ...
    pub name: String,
    /// Wall time.
    pub seconds: f64,
}

/// One try of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The token of its claim.
    pub token: i64,
    /// Who made it.
    pub owner: String,
    /// When the run was claimed for it.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A line in the ledger of ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickDecision {
    /// `run`, `coalesced`, `misfire_skipped`, ...
    pub decision: String,
    /// One sentence fragment.
    pub reason: String,
}

/// What became of one tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickRecord {
    /// The job.
    pub job: JobName,
    /// Score and train schedules have ticks of their own.
    pub kind: RunKind,
    /// The tick.
    pub tick: Timestamp,
    /// What was decided, and why.
    pub decision: TickDecision,
    /// The run, where there is one.
    pub run: Option<RunId>,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this job only.
    pub job: Option<JobName>,
    /// Of this kind only.
    pub kind: Option<RunKind>,
    /// In this state only.
    pub state: Option<State>,
    /// Not more than so many.
    pub limit: u32,
}

/// One job at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStatus {
    /// The job.
    pub job: JobName,
    /// The run that was asked for last, if any.
    pub last_run: Option<RunRecord>,
    /// The version that publishes.
    pub champion: Option<Version>,
}
