//! The search for parameters before a version is fitted: which trials there is time for, and what is said
//! of each.
//!
//! Only rows that the version may be fitted on are looked at: what is held out has to judge the winner
//! afterwards, and would flatter one that it had chosen.

use std::time::{Duration, Instant};

use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::domain::job::search::{SearchSpec, Trial};
use crate::engine::error::{Cause, RunError};
use crate::engine::training_rows::TrainingRows;
use crate::learn::fit::Examples;
use crate::learn::metric::{self, Metric};
use crate::learn::search::{SearchRows, Tried, best, try_all};

/// What part of `run.timeout` may be spent before the last trial begins: the version is fitted afterwards.
const TIME_SHARE: u32 = 2;

/// What a search has found.
#[derive(Debug)]
pub struct Searched {
    /// The job with the parameters to fit with.
    pub job: Job,
    /// One for each trial, in order; none without a search.
    pub findings: Vec<Finding>,
}

/// Tries what `[train.search]` of `job` says, on rows of the table.
pub fn search(job: &Job, read: &TrainingRows, examples: &Examples) -> Result<Searched, RunError> {
    let Some(spec) = &job.train.search else {
        return Ok(Searched { job: job.clone(), findings: Vec::new() });
    };
    let metric = metric_of(job);
    let folds = examples.folds(&job.train.split, job.train.seed, spec.folds);
    if folds.is_empty() {
        let message = "the rows to train on cannot be cut into folds: they are of one instant";
        return Err(RunError::new("search", Cause::Data, message)
            .hint("take more rows, or leave out [train.search]"));
    }
    let (begun, most) = (Instant::now(), budget(job));
    let searched =
        SearchRows { columns: &read.columns, table: &read.table, examples, folds: &folds };
    let tried = try_all(job, spec, metric, &searched, || begun.elapsed() < most);
    let chosen = best(&tried, metric);
    let Some(winner) = chosen.and_then(|place| spec.trials.get(place)) else {
        return Err(no_winner(spec, &tried));
    };
    let of = spec.trials.len();
    let told = spec.trials.iter().zip(&tried).enumerate().map(|(place, (trial, tried))| {
        told((place + 1, of), trial, tried, metric, chosen == Some(place))
    });
    Ok(Searched {
        job: Job { model: winner.model.clone(), ..job.clone() },
        findings: told.collect(),
    })
}

/// The metric of the first gate, or of the task.
fn metric_of(job: &Job) -> &'static Metric {
    let asked = job.gates.first().and_then(|gate| metric::find(&gate.metric));
    asked.unwrap_or_else(|| metric::first_metric(job.model.task))
}

fn budget(job: &Job) -> Duration {
    job.limits.timeout.unsigned_abs() / TIME_SHARE
}

fn no_winner(spec: &SearchSpec, tried: &[Tried]) -> RunError {
    let reason = tried.iter().find_map(|tried| match tried {
        Tried::Failed(reason) => Some(reason.as_str()),
        Tried::Judged(_) | Tried::OutOfTime => None,
    });
    let (trials, reason) = (spec.trials.len(), reason.unwrap_or("there was no time for any"));
    let message = format!("none of {trials} trials could be judged; the first: {reason}");
    RunError::new("search", Cause::Data, message)
        .hint("`[train.search]` names what is tried; fewer folds leave more rows for each")
}

/// What is on record of a trial.
fn told(
    (number, of): (usize, usize),
    trial: &Trial,
    tried: &Tried,
    metric: &'static Metric,
    is_chosen: bool,
) -> Finding {
    let trial = format!("trial {number} of {of}: {}", trial.setting);
    let (verdict, message) = match tried {
        Tried::Judged(values) => {
            let all: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
            let chosen = if is_chosen { "; chosen" } else { "" };
            let verdict =
                if is_chosen { FindingVerdict::Pass } else { FindingVerdict::NotApplicable };
            (verdict, format!("{trial}: {} on the folds{chosen}", all.join(", ")))
        }
        Tried::Failed(reason) => (FindingVerdict::Warn, format!("{trial}: {reason}")),
        Tried::OutOfTime => {
            let reason = "not tried, half of run.timeout has passed";
            (FindingVerdict::Warn, format!("{trial}: {reason}"))
        }
    };
    Finding {
        metric: Some(metric.id.to_owned()),
        value: tried.mean(),
        ..Finding::new(FindingKind::Search, "trial", verdict, message)
    }
}
