//! What a night says about a watched version: errors, checks, its scores, and those of `previous`.
//!
//! Everything that the job names is looked at, and each is a finding. What they lead to is decided in
//! `domain::watch`.

use super::reasons::{checks, disagreement, error, score_drift};
use super::{WATCH, Watched};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::domain::job::policy::WatchReason;
use crate::domain::run::RunSlot;
use crate::domain::watch::{Tonight, Watch, WatchStep, step};
use crate::engine::drift::{self, Earlier, Profiles};
use crate::engine::pass::{Contender, Scored, SecondScored};
use crate::learn::drift::DriftReport;

/// What tonight says about a watched version.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// One finding for each thing looked at, and one for the watch as a whole.
    pub findings: Vec<Finding>,
    /// What follows.
    pub step: WatchStep,
}

/// What a watched night looks at.
pub struct Night<'a> {
    /// The job.
    pub job: &'a Job,
    /// The run.
    pub slot: &'a RunSlot,
    /// What the pass made.
    pub scored: &'a Scored,
    /// The watched version, and the one that a rollback restores; `None` if it cannot be read.
    pub contenders: (&'a Contender, Option<&'a Contender>),
}

impl Night<'_> {
    /// What keeps the scores of the version that a rollback restores from being published.
    fn hindrance(&self) -> Option<String> {
        match (&self.scored.second, self.contenders.1) {
            (SecondScored::Standby { scored: Err(reason), .. }, _) => {
                Some(format!("it cannot score either: {reason}"))
            }
            (SecondScored::Standby { scored: Ok(_), .. }, Some(_)) => None,
            _ => Some("its file cannot be read".to_owned()),
        }
    }

    /// Whether a check failed, so that nothing is published and the rows are no evidence.
    fn is_aborted(&self) -> bool {
        self.scored.findings.iter().any(Finding::is_failed_check)
    }
}

/// Judges a night of a watched version.
pub fn judge(watched: &Watched, night: &Night<'_>) -> Judgement {
    let Watch { version, previous, .. } = watched.watch;
    if night.is_aborted() {
        let message = format!("{version}: a check failed, so the night says nothing of it");
        let finding =
            Finding::new(FindingKind::Watch, WATCH, FindingVerdict::Inconclusive, message.clone());
        return Judgement { findings: vec![finding], step: WatchStep::GoesOn { message } };
    }
    let looks_at = |reason| night.job.watch.rollback_on.contains(&reason);
    let report = training_report(night);
    let mut findings = Vec::new();
    if looks_at(WatchReason::Error) {
        findings.extend(error(night.scored));
    }
    if looks_at(WatchReason::Check) {
        findings.extend(checks(night));
    }
    if looks_at(WatchReason::ScoreDrift) {
        findings.extend(report.as_ref().map(|report| score_drift(watched, night, report)));
    }
    if looks_at(WatchReason::Disagreement) {
        findings.extend(disagreement(watched, night, report.as_ref()));
    }
    let tonight = tonight(night.job, &findings);
    let mut spec = night.job.watch.clone();
    if night.scored.lead.is_err() {
        // There is nothing of its own to publish, so no failure can be borne.
        spec.failures_max = 0;
    }
    let step = match (step(&spec, &watched.watch, &tonight, night.slot.tick), night.hindrance()) {
        (WatchStep::RollBack { reason }, Some(hindrance)) => {
            let reason = format!("{reason}; not rolled back to {previous}, since {hindrance}");
            WatchStep::Hold { reason }
        }
        (step, _) => step,
    };
    findings.push(told(&step, watched, &tonight));
    Judgement { findings, step }
}

/// What the findings say together. That a version scores, and takes the columns that it should, is no
/// evidence that its scores are good: where the job names a measure of the scores, one must have an answer.
fn tonight(job: &Job, findings: &[Finding]) -> Tonight {
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == FindingVerdict::Fail)
        .map(|finding| finding.message.clone())
        .collect();
    let measures = [WatchReason::ScoreDrift, WatchReason::Disagreement];
    let mut named = measures.iter().filter(|reason| job.watch.rollback_on.contains(reason));
    let is_answered = |reason: &WatchReason| {
        findings.iter().any(|finding| {
            finding.id == reason.id() && finding.verdict != FindingVerdict::Inconclusive
        })
    };
    let names_none = named.clone().next().is_none();
    let is_judged = !failed.is_empty() || names_none || named.any(is_answered);
    Tonight { failed, is_judged }
}

/// The night against what the watched version was trained on, whatever the job's own reference; `None` if
/// it could not score.
fn training_report(night: &Night<'_>) -> Option<DriftReport> {
    let Night { job, scored, contenders, .. } = night;
    let artifact = &contenders.0.artifact;
    let lead = scored.lead.as_ref().ok()?;
    let profiles = Profiles { input: &scored.profile, scores: &lead.scores };
    Some(drift::report(job, artifact, profiles, &Earlier::training(artifact)))
}

fn told(step: &WatchStep, watched: &Watched, tonight: &Tonight) -> Finding {
    let Watch { version, previous, .. } = watched.watch;
    let (verdict, message) = match step {
        WatchStep::GoesOn { message } if tonight.is_judged => {
            (FindingVerdict::Pass, format!("{version}: {message}"))
        }
        WatchStep::GoesOn { message } => {
            let message = format!("{version}: {message}; this one could not be judged");
            (FindingVerdict::Inconclusive, message)
        }
        WatchStep::Unjudged => {
            let message = format!("the watch over {version} is over, and no run could be judged");
            (FindingVerdict::Inconclusive, message)
        }
        WatchStep::Passed => (FindingVerdict::Pass, format!("{version} has passed its watch")),
        WatchStep::RollBack { reason } => {
            (FindingVerdict::Fail, format!("{reason}; {previous} is champion again"))
        }
        WatchStep::Hold { reason } => (FindingVerdict::Warn, format!("{reason}; look at it")),
    };
    Finding::new(FindingKind::Watch, WATCH, verdict, message)
}
