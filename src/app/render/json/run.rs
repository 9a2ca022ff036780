//! `nightshift.run/1`: what `run`, `score`, `train` and `show` print.
//!
//! Runs that had to come first and runs that this one caused have the same shape and are nested.

use jiff::Timestamp;
use serde::Serialize;

use crate::adapters::lock::Beat;
use crate::app::exit::Exit;
use crate::domain::finding::Finding;
use crate::domain::run::{AttemptOutcome, Verdict};
use crate::engine::report::{self, RunReport};

/// The schema's name.
pub(crate) const SCHEMA: &str = "nightshift.run/1";

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct RunDocument<'a> {
    schema: &'static str,
    run: &'a str,
    job: &'a str,
    /// `score` or `train`.
    kind: &'static str,
    trigger: &'static str,
    tick: Timestamp,
    interval: Interval,
    revision: u32,
    state: &'static str,
    /// Null until the run is finished, and for a run that failed before it could judge.
    verdict: Option<&'static str>,
    /// Of this run and the runs around it, before `--exit-zero` and `--detailed-exit-code`.
    exit_code: u8,
    /// Whether the tick was committed before this command was given.
    nothing_to_do: bool,
    rows: Rows,
    outputs: Vec<Output<'a>>,
    inputs: Vec<Input<'a>>,
    model: Option<Model<'a>>,
    findings: Vec<FindingDocument<'a>>,
    decision: Option<Decision<'a>>,
    stages: Vec<Stage<'a>>,
    attempts: Vec<Attempt<'a>>,
    /// Null unless the run is being executed.
    progress: Option<ProgressDocument<'a>>,
    error: Option<&'a str>,
    peak_rss_bytes: Option<u64>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    preceded_by: Vec<RunDocument<'a>>,
    followed_by: Vec<RunDocument<'a>>,
}

/// The half-open span of time whose data the run covers.
#[derive(Debug, Serialize)]
pub(crate) struct Interval {
    /// Null where there is no previous tick.
    pub(crate) start: Option<Timestamp>,
    /// The tick.
    pub(crate) end: Timestamp,
}

#[derive(Debug, Serialize)]
struct Rows {
    read: u64,
    scored: u64,
    quarantined: u64,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    role: &'a str,
    path: &'a str,
    rows: u64,
    bytes: u64,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    path: &'a str,
    bytes: u64,
    sha256: String,
}

/// How far a run is that is being executed.
#[derive(Debug, Serialize)]
pub(crate) struct ProgressDocument<'a> {
    /// What it is doing.
    stage: &'a str,
    rows_read: u64,
    /// Rows of all files that it reads; null where that is not known.
    rows_of: Option<u64>,
    rows_scored: u64,
    /// When its process has told this.
    at: Timestamp,
}

/// A version of a model.
#[derive(Debug, Serialize)]
pub(crate) struct Model<'a> {
    name: &'a str,
    version: u32,
    sha256: String,
}

/// One result of a check, drift test, gate or watch.
#[derive(Debug, Serialize)]
struct FindingDocument<'a> {
    kind: &'static str,
    id: &'a str,
    column: Option<&'a str>,
    slice: Option<&'a str>,
    metric: Option<&'a str>,
    value: Option<f64>,
    baseline: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    p_value: Option<f64>,
    limit: Option<f64>,
    verdict: &'static str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    action: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Stage<'a> {
    name: &'a str,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Attempt<'a> {
    number: u32,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    outcome: Option<&'static str>,
    error: Option<&'a str>,
}

impl<'a> RunDocument<'a> {
    /// The document of a run that a command executed or looked up.
    pub(crate) fn new(report: &'a RunReport) -> Self {
        Self {
            schema: SCHEMA,
            run: report.run.as_str(),
            job: report.job.as_str(),
            kind: report.kind.id(),
            trigger: report.trigger.id(),
            tick: report.tick,
            interval: Interval { start: report.interval.start, end: report.interval.end },
            revision: report.revision,
            state: report.state.id(),
            verdict: report.verdict.map(Verdict::id),
            exit_code: Exit::of_report(report).code(),
            nothing_to_do: false,
            rows: Rows {
                read: report.rows.read,
                scored: report.rows.scored,
                quarantined: report.rows.quarantined,
            },
            outputs: report.outputs.iter().map(output).collect(),
            inputs: report.inputs.iter().map(input).collect(),
            model: report.model.as_ref().map(Model::new),
            findings: report.findings.iter().map(finding).collect(),
            decision: report
                .decision
                .as_ref()
                .map(|decision| Decision { action: &decision.action, reason: &decision.reason }),
            stages: report
                .stages
                .iter()
                .map(|stage| Stage { name: &stage.name, seconds: stage.seconds })
                .collect(),
            attempts: report.attempts.iter().map(attempt).collect(),
            progress: report.progress.as_ref().map(ProgressDocument::new),
            error: report.error.as_deref(),
            peak_rss_bytes: report.peak_rss_bytes,
            created_at: report.created_at,
            finished_at: report.finished_at,
            preceded_by: report.preceded_by.iter().map(Self::new).collect(),
            followed_by: report.followed_by.iter().map(Self::new).collect(),
        }
    }

    /// The document of a run that was committed before the command was given.
    pub(crate) fn nothing_to_do(report: &'a RunReport) -> Self {
        Self { nothing_to_do: true, ..Self::new(report) }
    }
}

impl<'a> ProgressDocument<'a> {
    /// The document of what a process has told.
    pub(crate) fn new(beat: &'a Beat) -> Self {
        let Beat { at, number: _, stage, rows_read, rows_of, rows_scored } = beat;
        let (at, rows_read, rows_of, rows_scored) = (*at, *rows_read, *rows_of, *rows_scored);
        Self { stage, rows_read, rows_of, rows_scored, at }
    }
}

impl<'a> Model<'a> {
    /// The document of a version.
    pub(crate) fn new(model: &'a report::ModelRef) -> Self {
        Self {
            name: model.name.as_str(),
            version: model.version.0,
            sha256: model.sha256.to_string(),
        }
    }
}

fn output(file: &report::OutputFile) -> Output<'_> {
    Output {
        role: &file.role,
        path: &file.path,
        rows: file.rows,
        bytes: file.bytes,
        sha256: file.sha256.to_string(),
    }
}

fn input(file: &report::InputFile) -> Input<'_> {
    Input { path: &file.path, bytes: file.bytes, sha256: file.sha256.to_string() }
}

fn attempt(attempt: &report::Attempt) -> Attempt<'_> {
    Attempt {
        number: attempt.number,
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        outcome: attempt.outcome.map(AttemptOutcome::id),
        error: attempt.error.as_deref(),
    }
}

fn finding(finding: &Finding) -> FindingDocument<'_> {
    FindingDocument {
        kind: finding.kind.id(),
        id: &finding.id,
        column: finding.column.as_deref(),
        slice: finding.slice.as_deref(),
        metric: finding.metric.as_deref(),
        value: finding.value,
        baseline: finding.baseline,
        low: finding.low,
        high: finding.high,
        p_value: finding.p_value,
        limit: finding.limit,
        verdict: finding.verdict.id(),
        message: &finding.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::app::render::json::to_text;
    use crate::domain::run::State;

    fn parsed(document: &RunDocument<'_>) -> serde_json::Value {
        serde_json::from_str(&to_text(document)).unwrap()
    }

    #[test]
    fn every_field_of_the_contract_is_there() {
        let report = example::score_run();
        let found = parsed(&RunDocument::new(&report));
        let object = found.as_object().unwrap();
        for field in [
            "run",
            "job",
            "kind",
            "trigger",
            "tick",
            "state",
            "verdict",
            "revision",
            "exit_code",
            "rows",
            "outputs",
            "model",
            "findings",
            "decision",
            "stages",
            "peak_rss_bytes",
            "followed_by",
        ] {
            assert!(object.contains_key(field), "{field}");
        }
        assert_eq!(found["schema"], SCHEMA);
        assert_eq!(found["tick"], "2026-01-05T02:30:00Z");
        assert_eq!(found["rows"]["scored"], 1_598);
        assert_eq!(found["model"]["version"], 3);
        assert_eq!(found["findings"][0]["p_value"], serde_json::Value::Null);
        assert_eq!(found["nothing_to_do"], false);
    }

    #[test]
    fn the_exit_code_is_that_of_the_whole_chain() {
        let mut report = example::score_run();
        let mut retraining = example::score_run();
        retraining.verdict = Some(Verdict::Rejected);
        report.followed_by = vec![retraining];
        assert_eq!(parsed(&RunDocument::new(&report))["exit_code"], 11);
        report.state = State::Failed;
        report.verdict = None;
        let found = parsed(&RunDocument::nothing_to_do(&report));
        assert_eq!((&found["exit_code"], &found["nothing_to_do"]), (&1.into(), &true.into()));
    }
}
