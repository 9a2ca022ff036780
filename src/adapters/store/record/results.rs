//! What an attempt leaves behind: files, findings and profiles, and what is to be done at its end.
//!
//! An attempt ends either with an [`Intent`], after which it will be published whatever happens, or with
//! a [`Failure`].

use std::fmt;

use jiff::Timestamp;

use crate::adapters::store::record::{
    AliasMove, Decision, ModelPin, NewVersion, Rows, Stage, TickDecision,
};
use crate::domain::finding::Finding;
use crate::domain::identity::{RunId, Sha256, Version};
use crate::domain::layout::{Location, TickFolder};
use crate::domain::run::{AttemptOutcome, Interval, RunKind, Trigger, Verdict, named};

/// A file that a run read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the caller names it.
    pub path: String,
    /// Its size when it was read.
    pub size_bytes: u64,
    /// Its content when it was read.
    pub sha256: Sha256,
}

/// What a published file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputRole {
    /// Scores.
    Part,
    /// Rows set aside, with reasons.
    Quarantine,
    /// Decisions that a correction changed, before and after.
    Changes,
    /// The pointer to the others; replaced last.
    Manifest,
    /// A model artifact.
    Model,
}

named!(OutputRole {
    Part => "part",
    Quarantine => "quarantine",
    Changes => "changes",
    Manifest => "manifest",
    Model => "model",
});

/// Where a file of a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputPlace {
    /// Relative to a root.
    At(Location),
    /// Absolute, as an earlier schema had it.
    Former(String),
}

/// A file that a run is about to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutput {
    /// What it is.
    pub role: OutputRole,
    /// Where it waits.
    pub staged: OutputPlace,
    /// Where readers will find it.
    pub published: OutputPlace,
    /// Its content.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
    /// Rows in it, 0 where it has none.
    pub rows: u64,
}

/// A file that a run has published or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRecord {
    /// Its place in the order of publication, from 0.
    pub seq: u32,
    /// The file.
    pub output: NewOutput,
    /// Since when it is gone on purpose.
    pub removed_at: Option<Timestamp>,
}

/// A named summary of a table, in a form that only its maker reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Unique within the run: `input`, `scores`, ...
    pub name: String,
    /// The encoded profile.
    pub body: Vec<u8>,
}

/// Everything that makes a run's results durable before any of them is visible.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intent {
    /// The folder of the tick, where scores are published.
    pub folder: Option<TickFolder>,
    /// Files to publish, in this order.
    pub outputs: Vec<NewOutput>,
    /// What checks, drift tests and gates found.
    pub findings: Vec<Finding>,
    /// Summaries to keep.
    pub profiles: Vec<Profile>,
    /// Row counts.
    pub rows: Rows,
    /// Steps so far.
    pub stages: Vec<Stage>,
    /// What the findings led to.
    pub decision: Option<Decision>,
    /// The version that this run has trained.
    pub new_version: Option<NewVersion>,
    /// Summary of the ids to publish.
    pub id_set: Option<String>,
    /// The most memory that the process held so far.
    pub peak_rss_bytes: Option<u64>,
    /// The version whose every published tick has its correction among the follow-ups, or nothing is
    /// recorded.
    pub corrects: Option<Version>,
}

/// What the final transaction of a run does besides marking it as committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// What the run says about data and model.
    pub verdict: Verdict,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Where the aliases of the job's model go.
    pub aliases: Option<AliasMove>,
    /// The line in the ledger of ticks, for a run that has a scheduled tick.
    pub tick: Option<TickDecision>,
    /// Runs of the same job that are queued with it, in this order.
    pub follow_ups: Vec<FollowUp>,
}

/// A run that another one causes, at the next revision of its tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Its identity, drawn by the caller.
    pub id: RunId,
    /// Whether it scores or trains.
    pub kind: RunKind,
    /// The instant it is for.
    pub tick: Timestamp,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// Why it exists.
    pub trigger: Trigger,
    /// The version that it scores with; `None` is the champion at that time.
    pub model: Option<ModelPin>,
    /// The job file that it executes, on record already; `None` is the one of its cause.
    pub job_sha256: Option<Sha256>,
}

/// What the final transaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// The earlier revision that this run replaced; its parts are set aside.
    pub superseded: Option<RunId>,
}

/// How an attempt ended that publishes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Where that leaves the run.
    pub afterwards: Afterwards,
    /// The error and its causes, for the record.
    pub error: Option<String>,
    /// What the run said before it failed, a failed check for instance.
    pub verdict: Option<Verdict>,
    /// The exit code that goes with it.
    pub exit_code: Option<u8>,
    /// What was found until then.
    pub findings: Vec<Finding>,
    /// Summaries made until then.
    pub profiles: Vec<Profile>,
    /// Row counts until then.
    pub rows: Rows,
    /// Steps until then.
    pub stages: Vec<Stage>,
    /// What the findings led to.
    pub decision: Option<Decision>,
    /// Runs of the same job that are queued with it, in this order.
    pub follow_ups: Vec<FollowUp>,
    /// When it ended.
    pub at: Timestamp,
}

/// Where a failed attempt leaves its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// Queued again, not to be claimed before a moment.
    Retry {
        /// That moment.
        not_before: Timestamp,
    },
    /// Failed; a person may queue it again.
    Failed,
    /// Given up after the last attempt that the policy allows.
    Dead,
    /// Stopped on request.
    Cancelled,
    /// Stopped for a later tick of its job.
    Superseded,
}
