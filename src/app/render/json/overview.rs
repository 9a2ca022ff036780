//! `nightshift.runs/1`, `nightshift.status/1` and `nightshift.backfill/1`: many runs or jobs in short.
//!
//! What happened within a run is in `nightshift.run/1`; only a backfill carries it along, since nobody
//! could ask for each of its runs otherwise.

use jiff::Timestamp;
use serde::Serialize;

use crate::adapters::store::RunRecord;
use crate::app::exit::Exit;
use crate::app::render::json::error::ErrorDocument;
use crate::app::render::json::run::{ProgressDocument, RunDocument};
use crate::domain::run::Verdict;

/// `nightshift.runs/1`: runs, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct RunsDocument<'a> {
    schema: &'static str,
    runs: Vec<RunLine<'a>>,
}

#[derive(Debug, Serialize)]
struct RunLine<'a> {
    run: &'a str,
    job: &'a str,
    kind: &'static str,
    trigger: &'static str,
    tick: Timestamp,
    revision: u32,
    state: &'static str,
    verdict: Option<&'static str>,
    rows_read: u64,
    model_version: Option<u32>,
    error: Option<&'a str>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// `nightshift.status/1`: every job at a glance.
#[derive(Debug, Serialize)]
pub(crate) struct StatusDocument<'a> {
    schema: &'static str,
    /// The process that follows the schedules; null if none does.
    daemon: Option<u32>,
    jobs: Vec<JobLine<'a>>,
    /// Problems in the files of the project; `validate` tells them.
    problems: usize,
}

/// One job at a glance.
#[derive(Debug, Serialize)]
pub(crate) struct JobLine<'a> {
    /// The job.
    pub(crate) job: &'a str,
    /// The run that was asked for last.
    pub(crate) last_run: Option<&'a str>,
    /// What the last run does.
    pub(crate) kind: Option<&'static str>,
    /// The tick of the last run.
    pub(crate) tick: Option<Timestamp>,
    /// Where the last run stands.
    pub(crate) state: Option<&'static str>,
    /// How far the last run is; null unless it is being executed.
    pub(crate) progress: Option<ProgressDocument<'a>>,
    /// What the last run said.
    pub(crate) verdict: Option<&'static str>,
    /// The number of the version that publishes.
    pub(crate) champion: Option<u32>,
    /// Null without a schedule.
    pub(crate) next_tick: Option<Timestamp>,
    /// Whether its ticks are not run: `enabled = false`, or somebody has paused it.
    pub(crate) paused: bool,
}

/// `nightshift.backfill/1`: the missing ticks, oldest first, and what became of them.
#[derive(Debug, Serialize)]
pub(crate) struct BackfillDocument<'a> {
    schema: &'static str,
    job: &'a str,
    dry_run: bool,
    exit_code: u8,
    ticks: Vec<BackfilledTick<'a>>,
}

/// One tick of a backfill: its run, or the error, or neither in a dry run.
#[derive(Debug, Serialize)]
pub(crate) struct BackfilledTick<'a> {
    /// The tick.
    pub(crate) tick: Timestamp,
    /// The run that was executed for it.
    pub(crate) run: Option<RunDocument<'a>>,
    /// Why there is no run.
    pub(crate) error: Option<ErrorDocument<'a>>,
}

impl<'a> RunsDocument<'a> {
    /// The document of `runs`, in their order.
    pub(crate) fn new(runs: &'a [RunRecord]) -> Self {
        Self { schema: "nightshift.runs/1", runs: runs.iter().map(line).collect() }
    }
}

impl<'a> StatusDocument<'a> {
    /// The document of `jobs`, in their order.
    pub(crate) fn new(jobs: Vec<JobLine<'a>>, problems: usize, daemon: Option<u32>) -> Self {
        Self { schema: "nightshift.status/1", daemon, jobs, problems }
    }
}

impl<'a> BackfillDocument<'a> {
    /// What a backfill of `job` would do.
    pub(crate) fn planned(job: &'a str, ticks: &[Timestamp]) -> Self {
        let ticks = ticks.iter().map(|tick| BackfilledTick { tick: *tick, run: None, error: None });
        Self {
            schema: "nightshift.backfill/1",
            job,
            dry_run: true,
            exit_code: Exit::Done.code(),
            ticks: ticks.collect(),
        }
    }

    /// What a backfill of `job` did.
    pub(crate) fn done(job: &'a str, ticks: Vec<BackfilledTick<'a>>, exit: Exit) -> Self {
        Self { schema: "nightshift.backfill/1", job, dry_run: false, exit_code: exit.code(), ticks }
    }
}

fn line(record: &RunRecord) -> RunLine<'_> {
    RunLine {
        run: record.id.as_str(),
        job: record.slot.job.as_str(),
        kind: record.slot.kind.id(),
        trigger: record.trigger.id(),
        tick: record.slot.tick,
        revision: record.slot.revision,
        state: record.state.id(),
        verdict: record.verdict.map(Verdict::id),
        rows_read: record.rows.read,
        model_version: record.model.map(|model| model.version.0),
        error: record.error.as_deref(),
        created_at: record.created_at,
        finished_at: record.finished_at,
    }
}
