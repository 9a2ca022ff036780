//! `nightshift.ticks/1`: what became of the ticks of a job.

use serde::Serialize;

use crate::domain::identity::RunId;
use crate::domain::run::State;
use crate::engine::ticks::ToldTicks;

/// `nightshift.ticks/1`.
#[derive(Debug, Serialize)]
pub(crate) struct TicksDocument<'a> {
    schema: &'static str,
    job: &'a str,
    /// Since when and why the job is paused; null if it is not.
    paused: Option<PauseDocument<'a>>,
    /// Latest first.
    ticks: Vec<TickLine<'a>>,
}

/// Why a job is paused.
#[derive(Debug, Serialize)]
struct PauseDocument<'a> {
    at: String,
    actor: &'a str,
    reason: &'a str,
}

/// A tick, or a stretch of ticks with one fate.
#[derive(Debug, Serialize)]
struct TickLine<'a> {
    kind: &'static str,
    first: String,
    /// The same as `first` for a single tick.
    last: String,
    /// How many ticks; null if the schedule is gone.
    count: Option<u64>,
    decision: &'a str,
    reason: &'a str,
    run: Option<&'a str>,
    /// Of the run; null without one, or if it is not on record any more.
    state: Option<&'static str>,
    decided_at: String,
}

impl<'a> TicksDocument<'a> {
    /// The document of `told`.
    pub(crate) fn new(told: &'a ToldTicks) -> Self {
        let ticks = told.lines.iter().map(|line| TickLine {
            kind: line.kind.id(),
            first: line.first.to_string(),
            last: line.last.to_string(),
            count: line.count,
            decision: &line.decision,
            reason: &line.reason,
            run: line.run.as_ref().map(RunId::as_str),
            state: line.state.map(State::id),
            decided_at: line.decided_at.to_string(),
        });
        let paused = told.paused.as_ref().map(|pause| PauseDocument {
            at: pause.at.to_string(),
            actor: &pause.actor,
            reason: &pause.reason,
        });
        Self {
            schema: "nightshift.ticks/1",
            job: told.job.as_str(),
            paused,
            ticks: ticks.collect(),
        }
    }
}
