//! Findings and policy lead to a decision. A table, tested as a table.

use crate::domain::drift::DataVerdict;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::policy::{DriftAction, DriftSpec, Persistence};
use crate::domain::run::Verdict;

/// What becomes of the scores of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScoreDecision {
    /// They are published.
    Publish {
        /// What the run says.
        verdict: Verdict,
        /// Why, in one fragment.
        reason: String,
    },
    /// Nothing is published.
    Abort {
        /// Why, in one fragment.
        reason: String,
    },
}

/// Whether drift has consequences tonight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftState {
    /// The data were not judged, or have not drifted.
    Quiet,
    /// They have drifted, not yet on as many ticks as the job asks for.
    Pending,
    /// They have drifted, and it counts.
    Acts,
}

/// Whether drift counts tonight, given the verdicts of earlier ticks, the latest first.
pub fn drift_state(
    tonight: DataVerdict,
    earlier: &[DataVerdict],
    persist: Persistence,
) -> DriftState {
    if tonight != DataVerdict::Drifted {
        return DriftState::Quiet;
    }
    let looked_at = earlier.iter().take(persist.of.saturating_sub(1) as usize);
    let drifted = 1 + looked_at.filter(|verdict| **verdict == DataVerdict::Drifted).count();
    if drifted >= persist.ticks as usize { DriftState::Acts } else { DriftState::Pending }
}

/// Whether scores with these findings are published: one failed check is enough to publish nothing, and
/// so is drift where the job says so.
pub fn decide_scores(findings: &[Finding], drift: DriftState, spec: &DriftSpec) -> ScoreDecision {
    let failed: Vec<&Finding> =
        findings.iter().filter(|finding| finding.is_failed_check()).collect();
    match failed.as_slice() {
        [] => {}
        [one] => return ScoreDecision::Abort { reason: one.message.clone() },
        [first, rest @ ..] => {
            let reason = format!("{}; and {} more", first.message, rest.len());
            return ScoreDecision::Abort { reason };
        }
    }
    match (drift, spec.then) {
        (DriftState::Acts, DriftAction::Quarantine) => {
            let reason = "the data have drifted, and drift.then is `quarantine`".to_owned();
            ScoreDecision::Abort { reason }
        }
        (DriftState::Acts, DriftAction::Warn) => ScoreDecision::Publish {
            verdict: Verdict::Drift,
            reason: "the data have drifted".to_owned(),
        },
        _ => {
            let reason = publish_reason(findings, drift);
            ScoreDecision::Publish { verdict: Verdict::Ok, reason }
        }
    }
}

fn publish_reason(findings: &[Finding], drift: DriftState) -> String {
    let is_told = |finding: &&Finding| {
        finding.kind == FindingKind::Check && finding.verdict == FindingVerdict::Warn
    };
    let told = findings.iter().filter(is_told).count();
    match (drift, told) {
        (DriftState::Acts, _) => "the data have drifted, and drift.then is `report`".to_owned(),
        (DriftState::Pending, _) => {
            "the data have drifted, on fewer ticks than drift.persist asks for".to_owned()
        }
        (DriftState::Quiet, 0) => "no finding".to_owned(),
        (DriftState::Quiet, 1) => "one finding that only warns".to_owned(),
        (DriftState::Quiet, several) => format!("{several} findings that only warn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::policy::DriftReference;

    fn spec(then: DriftAction) -> DriftSpec {
        DriftSpec {
            reference: DriftReference::Training,
            alpha: 0.01,
            floor: 0.1,
            share: 0.3,
            rows_min: 100,
            then,
            persist: Persistence { of: 1, ticks: 1 },
            columns: Vec::new(),
        }
    }

    #[test]
    fn one_failed_check_is_enough() {
        let finding =
            |kind, verdict| Finding::new(kind, "between", verdict, "3 rows of `age` are outside");
        let check = |findings: &[Finding], published: bool| {
            let found = decide_scores(findings, DriftState::Quiet, &spec(DriftAction::Warn));
            assert_eq!(matches!(found, ScoreDecision::Publish { .. }), published, "{found:?}");
        };
        check(&[], true);
        check(&[finding(FindingKind::Check, FindingVerdict::Pass)], true);
        check(&[finding(FindingKind::Check, FindingVerdict::Warn)], true);
        check(&[finding(FindingKind::Gate, FindingVerdict::Fail)], true);
        check(&[finding(FindingKind::Drift, FindingVerdict::Fail)], true);
        check(
            &[
                finding(FindingKind::Check, FindingVerdict::Warn),
                finding(FindingKind::Check, FindingVerdict::Fail),
            ],
            false,
        );
    }

    #[test]
    fn drift_leads_to_what_the_job_says() {
        let check = |state, then, wanted: Option<Verdict>| {
            let found = match decide_scores(&[], state, &spec(then)) {
                ScoreDecision::Publish { verdict, .. } => Some(verdict),
                ScoreDecision::Abort { .. } => None,
            };
            assert_eq!(found, wanted, "{state:?} {then}");
        };
        check(DriftState::Acts, DriftAction::Warn, Some(Verdict::Drift));
        check(DriftState::Acts, DriftAction::Report, Some(Verdict::Ok));
        check(DriftState::Acts, DriftAction::Quarantine, None);
        check(DriftState::Pending, DriftAction::Quarantine, Some(Verdict::Ok));
        check(DriftState::Quiet, DriftAction::Quarantine, Some(Verdict::Ok));
    }

    #[test]
    fn drift_persists_before_it_counts() {
        use DataVerdict::{Drifted, Stable};
        let check = |tonight, earlier: &[DataVerdict], of, ticks, wanted| {
            let found = drift_state(tonight, earlier, Persistence { of, ticks });
            assert_eq!(found, wanted, "{earlier:?}");
        };
        check(Drifted, &[], 1, 1, DriftState::Acts);
        check(Stable, &[Drifted, Drifted], 3, 2, DriftState::Quiet);
        check(Drifted, &[], 3, 2, DriftState::Pending);
        check(Drifted, &[Stable, Drifted], 3, 2, DriftState::Acts);
        check(Drifted, &[Stable, Stable, Drifted], 3, 2, DriftState::Pending);
    }
}
