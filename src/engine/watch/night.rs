//! What a night says about a watched version: errors, checks, its scores, and those of `previous`.
//!
//! Everything that the job names is looked at, and each is a finding. What they lead to is decided in
//! `domain::watch`.

use super::{Watched, is_warning, key};
use crate::domain::drift::{ColumnVerdict, DataVerdict};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::domain::job::policy::WatchReason;
use crate::domain::run::RunSlot;
use crate::domain::watch::{
    Grounds, Watch, WatchStep, disagreement_verdict, score_drift_verdict, step,
};
use crate::engine::disagreement::{FLIP_RATE, measures};
use crate::engine::drift::{self, Earlier, Profiles, score_report};
use crate::engine::pass::{Contender, Scored, SecondScored};
use crate::learn::drift::{ColumnDrift, DriftReport, Subject};

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
    /// The watched version and `previous`.
    pub contenders: (&'a Contender, &'a Contender),
}

/// Judges a night of a watched version.
pub fn judge(watched: &Watched, night: &Night<'_>) -> Judgement {
    let looks_at = |reason| night.job.watch.rollback_on.contains(&reason);
    let report = training_report(night);
    let mut findings = Vec::new();
    if looks_at(WatchReason::Error) {
        findings.extend(error(night.scored));
    }
    if looks_at(WatchReason::Check) {
        findings.extend(checks(watched, night.scored));
    }
    if looks_at(WatchReason::ScoreDrift) {
        findings.extend(report.as_ref().map(|report| score_drift(night, report)));
    }
    if looks_at(WatchReason::Disagreement) {
        findings.extend(disagreement(watched, night, report.as_ref()));
    }
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == FindingVerdict::Fail)
        .map(|finding| finding.message.clone())
        .collect();
    let mut spec = night.job.watch.clone();
    if night.scored.lead.is_err() {
        // There is nothing of its own to publish, so no failure can be borne.
        spec.failures_max = 0;
    }
    let step = step(&spec, &watched.watch, &failed, night.slot.tick);
    findings.push(told(&step, watched));
    Judgement { findings, step }
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

fn told(step: &WatchStep, watched: &Watched) -> Finding {
    let Watch { version, previous, .. } = watched.watch;
    let (verdict, message) = match step {
        WatchStep::GoesOn { message } => (FindingVerdict::Pass, format!("{version}: {message}")),
        WatchStep::Passed => (FindingVerdict::Pass, format!("{version} has passed its watch")),
        WatchStep::RollBack { reason } => {
            (FindingVerdict::Fail, format!("{reason}; {previous} is champion again"))
        }
        WatchStep::Hold { reason } => (FindingVerdict::Warn, format!("{reason}; look at it")),
    };
    Finding::new(FindingKind::Watch, "watch", verdict, message)
}

/// A watched version that cannot score.
fn error(scored: &Scored) -> Option<Finding> {
    let reason = scored.lead.as_ref().err()?;
    let message = format!("the version cannot score: {reason}");
    Some(Finding::new(FindingKind::Watch, WatchReason::Error.id(), FindingVerdict::Fail, message))
}

/// Checks that warn tonight and did not before the promotion.
fn checks(watched: &Watched, scored: &Scored) -> Vec<Finding> {
    let is_new =
        |finding: &&Finding| is_warning(finding) && !watched.warned_before.contains(&key(finding));
    scored
        .findings
        .iter()
        .filter(is_new)
        .map(|finding| {
            let message = format!("new since the promotion: {}", finding.message);
            let id = WatchReason::Check.id();
            let mut out = Finding::new(FindingKind::Watch, id, FindingVerdict::Fail, message);
            out.column.clone_from(&finding.column);
            out.value = finding.value;
            out.limit = finding.limit;
            out
        })
        .collect()
}

/// Whether the scores have another distribution than on held-out rows, though those of `previous` have not.
fn score_drift(night: &Night<'_>, report: &DriftReport) -> Finding {
    let is_drifted = |report: &DriftReport| {
        report.columns.iter().any(|column| {
            column.subject == Subject::Score && column.verdict == ColumnVerdict::Drifted
        })
    };
    let drifted = is_drifted(report);
    let previous_drifted = match &night.scored.second {
        SecondScored::Standby { scored: Ok(standby), .. } => {
            let report = score_report(night.job, &night.contenders.1.artifact, &standby.scores);
            (!report.columns.is_empty()).then(|| is_drifted(&report))
        }
        _ => None,
    };
    let verdict = score_drift_verdict(drifted, previous_drifted);
    let message = match (drifted, previous_drifted) {
        (false, _) => "the scores are distributed as on the rows held out",
        (true, Some(true)) => {
            "the scores have drifted, and those of the previous version as well: the data moved"
        }
        (true, Some(false)) => {
            "the scores have drifted from the rows held out, those of the previous version have not"
        }
        (true, None) => "the scores have drifted, and the previous version could not be asked",
    };
    let id = WatchReason::ScoreDrift.id();
    let mut out = Finding::new(FindingKind::Watch, id, verdict, message);
    let worst = report.columns.iter().filter(|column| column.subject == Subject::Score);
    let worst = worst.max_by(|a, b| a.effect().total_cmp(&b.effect()));
    out.value = worst.map(ColumnDrift::effect);
    out.limit = worst.map(|column| column.floor);
    out.p_value = worst.and_then(|column| column.p_adjusted);
    out
}

/// How much the scores differ from those of `previous` on the same rows.
///
/// A version that passed its gates may differ as much as they saw on held-out rows, and some more; but that
/// binds only while the data are like those rows. After a shift two good models differ where one has never
/// been, and the older one is as likely to be wrong.
fn disagreement(
    watched: &Watched,
    night: &Night<'_>,
    report: Option<&DriftReport>,
) -> Vec<Finding> {
    let SecondScored::Standby { agreement, .. } = &night.scored.second else { return Vec::new() };
    let allowance = watched.allowance;
    let measures = measures(agreement, &night.contenders.1.artifact);
    let has_moved = report.is_none_or(|report| report.verdict == DataVerdict::Drifted);
    let on = Grounds {
        has_enough_rows: agreement.rows() >= night.job.drift.rows_min,
        limit_holds: !allowance.is_seen || !has_moved,
    };
    let why = match (on.has_enough_rows, on.limit_holds) {
        (false, _) => "; too few rows to be judged",
        (_, false) => "; the data have drifted, so that the limit does not bind",
        _ => "",
    };
    let allowed = |metric| match metric {
        FLIP_RATE => allowance.flip_rate,
        _ => allowance.score_distance,
    };
    measures
        .into_iter()
        .map(|(metric, found)| {
            let limit = allowed(metric) + night.job.watch.disagreement_max;
            let verdict = disagreement_verdict(found, limit, on);
            let Watch { version, previous, .. } = watched.watch;
            let message = format!(
                "{version} differs from {previous} on {} rows: {metric} {:.4}, above {:.4} with 95 % \
                 confidence; {:.4} on the rows held out and {} more are allowed{why}",
                agreement.rows(),
                found.value,
                found.low,
                allowed(metric),
                night.job.watch.disagreement_max
            );
            let id = WatchReason::Disagreement.id();
            let mut out = Finding::new(FindingKind::Watch, id, verdict, message);
            out.metric = Some(metric.to_owned());
            out.value = Some(found.value);
            out.baseline = Some(allowed(metric));
            out.low = Some(found.low);
            out.limit = Some(limit);
            out
        })
        .collect()
}
