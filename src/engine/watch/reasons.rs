//! The reasons for which a watched version may have to go, one by one.
//!
//! Each looks at one thing and is a finding, or several. What they lead to together is not known here.

use super::Watched;
use super::night::Night;
use crate::domain::drift::{ColumnVerdict, DataVerdict};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::policy::WatchReason;
use crate::domain::watch::{
    Disagreement, Grounds, Watch, disagreement_verdict, score_drift_verdict,
};
use crate::engine::disagreement::measures;
use crate::engine::drift::score_report;
use crate::engine::judge;
use crate::engine::pass::{Scored, SecondScored};
use crate::learn::drift::{ColumnDrift, DriftReport, Subject};

/// A watched version that cannot score.
pub(super) fn error(scored: &Scored) -> Option<Finding> {
    let reason = scored.lead.as_ref().err()?;
    let message = format!("the version cannot score: {reason}");
    Some(Finding::new(FindingKind::Watch, WatchReason::Error.id(), FindingVerdict::Fail, message))
}

/// Checks that warn of the watched version and would not of the other.
///
/// Most checks see the rows alone and say the same whoever scores; what they say is no verdict on a version.
/// What is left are the columns that a version was trained on.
pub(super) fn checks(night: &Night<'_>) -> Vec<Finding> {
    let SecondScored::Standby { scored: Ok(_), warnings, .. } = &night.scored.second else {
        return Vec::new();
    };
    let is_own = |finding: &&Finding| {
        finding.kind == FindingKind::Check
            && finding.id == judge::SCHEMA
            && !warnings.iter().any(|other| other.column == finding.column)
    };
    night
        .scored
        .findings
        .iter()
        .filter(is_own)
        .map(|finding| {
            let message = format!("only with the watched version: {}", finding.message);
            let id = WatchReason::Check.id();
            let mut out = Finding::new(FindingKind::Watch, id, FindingVerdict::Fail, message);
            out.column.clone_from(&finding.column);
            out
        })
        .collect()
}

/// Whether the scores have another distribution than on held-out rows, though those of `previous` have not.
pub(super) fn score_drift(watched: &Watched, night: &Night<'_>, report: &DriftReport) -> Finding {
    let drifted = has_drifted(report);
    let previous_drifted = match (&night.scored.second, night.contenders.1) {
        (SecondScored::Standby { scored: Ok(scored), .. }, Some(standby)) => {
            has_drifted(&score_report(night.job, &standby.artifact, &scored.scores))
        }
        _ => None,
    };
    let differs =
        measured(night).into_iter().any(|(metric, found)| found.low > watched.allowance.of(metric));
    let verdict = score_drift_verdict(drifted, previous_drifted, differs);
    let message = match (drifted, previous_drifted) {
        (None, _) => "the scores could not be compared with those of the rows held out",
        (Some(false), _) => "the scores are distributed as on the rows held out",
        (Some(true), Some(true)) => {
            "the scores have drifted, and those of the previous version as well: the data moved"
        }
        (Some(true), Some(false)) if differs => {
            "the scores have drifted from the rows held out, those of the previous version have not"
        }
        (Some(true), Some(false)) => {
            "the scores have drifted, but differ from those of the previous version as little as on the \
             rows held out"
        }
        (Some(true), None) => {
            "the scores have drifted, and those of the previous version could not be judged"
        }
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

/// Whether a score column has drifted; `None` if none could be judged.
fn has_drifted(report: &DriftReport) -> Option<bool> {
    let mut judged = report
        .columns
        .iter()
        .filter(|column| column.subject == Subject::Score)
        .filter(|column| matches!(column.verdict, ColumnVerdict::Drifted | ColumnVerdict::Stable))
        .peekable();
    judged.peek()?;
    Some(judged.any(|column| column.verdict == ColumnVerdict::Drifted))
}

/// How the scores differ from those of `previous` on the same rows, by each measure.
fn measured(night: &Night<'_>) -> Vec<(&'static str, Disagreement)> {
    match (&night.scored.second, night.contenders.1) {
        (SecondScored::Standby { agreement, .. }, Some(standby)) => {
            measures(agreement, &standby.artifact)
        }
        _ => Vec::new(),
    }
}

/// How much the scores differ from those of `previous` on the same rows.
///
/// A version that passed its gates may differ as much as they saw on held-out rows, and some more; but that
/// binds only while the data are like those rows. After a shift two good models differ where one has never
/// been, and the older one is as likely to be wrong.
pub(super) fn disagreement(
    watched: &Watched,
    night: &Night<'_>,
    report: Option<&DriftReport>,
) -> Vec<Finding> {
    let SecondScored::Standby { agreement, .. } = &night.scored.second else { return Vec::new() };
    let allowance = watched.allowance;
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
    measured(night)
        .into_iter()
        .map(|(metric, found)| {
            let limit = allowance.of(metric) + night.job.watch.disagreement_max;
            let verdict = disagreement_verdict(found, limit, on);
            let Watch { version, previous, .. } = watched.watch;
            let message = format!(
                "{version} differs from {previous} on {} rows: {metric} {:.4}, above {:.4} with 95 % \
                 confidence; {:.4} on the rows held out and {} more are allowed{why}",
                agreement.rows(),
                found.value,
                found.low,
                allowance.of(metric),
                night.job.watch.disagreement_max
            );
            let id = WatchReason::Disagreement.id();
            let mut out = Finding::new(FindingKind::Watch, id, verdict, message);
            out.metric = Some(metric.to_owned());
            out.value = Some(found.value);
            out.baseline = Some(allowance.of(metric));
            out.low = Some(found.low);
            out.limit = Some(limit);
            out
        })
        .collect()
}
