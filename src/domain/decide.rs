//! Findings and policy lead to a decision. A table, tested as a table.

use crate::domain::finding::{Finding, FindingKind, FindingVerdict};

/// What becomes of the scores of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScoreDecision {
    /// They are published.
    Publish {
        /// Why, in one fragment.
        reason: String,
    },
    /// Nothing is published.
    Abort {
        /// Why, in one fragment.
        reason: String,
    },
}

/// Whether scores with these findings are published: one failed check is enough to publish nothing.
pub fn decide_scores(findings: &[Finding]) -> ScoreDecision {
    let is_failed = |finding: &&Finding| {
        finding.kind == FindingKind::Check && finding.verdict == FindingVerdict::Fail
    };
    let failed: Vec<&Finding> = findings.iter().filter(is_failed).collect();
    let warned = findings.iter().filter(|finding| finding.verdict == FindingVerdict::Warn).count();
    match (failed.as_slice(), warned) {
        ([], 0) => ScoreDecision::Publish { reason: "no finding".to_owned() },
        ([], 1) => ScoreDecision::Publish { reason: "one finding that only warns".to_owned() },
        ([], several) => {
            ScoreDecision::Publish { reason: format!("{several} findings that only warn") }
        }
        ([one], _) => ScoreDecision::Abort { reason: one.message.clone() },
        ([first, rest @ ..], _) => {
            ScoreDecision::Abort { reason: format!("{}; and {} more", first.message, rest.len()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_check_is_enough() {
        let finding =
            |kind, verdict| Finding::new(kind, "between", verdict, "3 rows of `age` are outside");
        let check = |findings: &[Finding], published: bool| {
            let found = decide_scores(findings);
            assert_eq!(matches!(found, ScoreDecision::Publish { .. }), published, "{found:?}");
        };
        check(&[], true);
        check(&[finding(FindingKind::Check, FindingVerdict::Pass)], true);
        check(&[finding(FindingKind::Check, FindingVerdict::Warn)], true);
        check(&[finding(FindingKind::Gate, FindingVerdict::Fail)], true);
        check(
            &[
                finding(FindingKind::Check, FindingVerdict::Warn),
                finding(FindingKind::Check, FindingVerdict::Fail),
            ],
            false,
        );
    }
}
