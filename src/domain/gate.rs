//! Gates: what evidence about a candidate says, and what all gates together lead to.
//!
//! Three-valued throughout: an interval that crosses the margin is inconclusive, never a pass. Computing
//! the intervals is the business of `learn::compare`.

use crate::domain::finding::{Finding, FindingVerdict};
use crate::domain::job::policy::{
    CompareRule, GatesSpec, InconclusivePolicy, NoChampionPolicy, RolloutStrategy,
};
use crate::domain::registry::Blessing;
use crate::domain::run::Verdict;

/// A difference between candidate and champion, positive where the candidate is better, with its
/// confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// What a difference says under a rule; `margin` is how much worse is not worse, 0 or more.
///
/// A number that is not finite fails: what cannot be compared is not shown to be good.
pub fn compare_verdict(rule: CompareRule, found: Difference, margin: f64) -> FindingVerdict {
    let Difference { value, low, high } = found;
    if !(value.is_finite() && low.is_finite() && high.is_finite() && margin.is_finite()) {
        return FindingVerdict::Fail;
    }
    let (is_pass, is_fail) = match rule {
        CompareRule::NonInferiority => (low > -margin, high < -margin),
        CompareRule::Superiority => (low > 0.0, high < 0.0),
        CompareRule::Point => (value >= -margin, value < -margin),
    };
    match (is_pass, is_fail) {
        (true, _) => FindingVerdict::Pass,
        (_, true) => FindingVerdict::Fail,
        _ => FindingVerdict::Inconclusive,
    }
}

/// What a value says against limits, both inclusive; a value that is not finite fails.
pub fn threshold_verdict(value: f64, min: Option<f64>, max: Option<f64>) -> FindingVerdict {
    let is_within = value.is_finite()
        && min.is_none_or(|min| value >= min)
        && max.is_none_or(|max| value <= max);
    if is_within { FindingVerdict::Pass } else { FindingVerdict::Fail }
}

/// A finding of a gate, and whether it can keep a candidate back.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What was found.
    pub finding: Finding,
    /// Whether it counts towards the decision.
    pub binds: bool,
}

/// What all gates say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateOutcome {
    /// Every binding gate passed or did not apply.
    Passed,
    /// At least one binding gate failed.
    Failed {
        /// The message of the first that did.
        reason: String,
    },
    /// No binding gate failed, and at least one had too little evidence.
    Inconclusive {
        /// The message of the first that had.
        reason: String,
    },
}

/// The worst of the binding gates.
pub fn outcome(judgements: &[Judgement]) -> GateOutcome {
    let first = |verdict: FindingVerdict| {
        judgements
            .iter()
            .find(|judged| judged.binds && judged.finding.verdict == verdict)
            .map(|judged| judged.finding.message.clone())
    };
    if let Some(reason) = first(FindingVerdict::Fail) {
        return GateOutcome::Failed { reason };
    }
    match first(FindingVerdict::Inconclusive) {
        Some(reason) => GateOutcome::Inconclusive { reason },
        None => GateOutcome::Passed,
    }
}

/// What becomes of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Whether it becomes champion now.
    pub becomes_champion: bool,
    /// On what grounds it may publish.
    pub blessing: Blessing,
    /// What the train run says.
    pub verdict: Verdict,
    /// Why, in one fragment.
    pub reason: String,
}

/// What the decision on a candidate depends on besides its gates.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// Whether there is a champion to be replaced.
    pub has_champion: bool,
    /// Whether the caller wants a promotion at all.
    pub may_promote: bool,
    /// `[gates]`.
    pub gates: GatesSpec,
    /// `[rollout].strategy`.
    pub strategy: RolloutStrategy,
}

/// What becomes of a candidate, by its gates and the policies of its job.
pub fn roll_out(found: &GateOutcome, around: Circumstances) -> Rollout {
    let stays =
        |verdict, blessing, reason| Rollout { becomes_champion: false, blessing, verdict, reason };
    let (blessing, grounds) = match found {
        GateOutcome::Failed { reason } => {
            return stays(Verdict::Rejected, Blessing::None, reason.clone());
        }
        GateOutcome::Inconclusive { reason } => match around.gates.inconclusive {
            InconclusivePolicy::KeepChampion => {
                return stays(Verdict::Inconclusive, Blessing::None, reason.clone());
            }
            // The job file said so before anybody saw the evidence: a person's word, not the gates'.
            InconclusivePolicy::Promote => {
                let grounds = format!("gates.inconclusive is `promote`: {reason}");
                (Blessing::Overridden, grounds)
            }
        },
        GateOutcome::Passed if around.has_champion => {
            (Blessing::Passed, "every gate passed".to_owned())
        }
        GateOutcome::Passed => {
            (Blessing::RubberStamped, "there was no champion to compare it with".to_owned())
        }
    };
    let held = |why: &str| stays(Verdict::Held, blessing, format!("{grounds}; {why}"));
    if !around.may_promote {
        return held("promotion was not asked for");
    }
    if around.strategy == RolloutStrategy::Manual {
        return held("rollout.strategy is `manual`, so `nightshift promote` is waited for");
    }
    if !around.has_champion && around.gates.no_champion == NoChampionPolicy::Hold {
        return held("gates.no_champion is `hold`");
    }
    Rollout { becomes_champion: true, blessing, verdict: Verdict::Promoted, reason: grounds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::FindingKind;

    const AROUND: Circumstances = Circumstances {
        has_champion: true,
        may_promote: true,
        gates: GatesSpec {
            inconclusive: InconclusivePolicy::KeepChampion,
            no_champion: NoChampionPolicy::Promote,
            beat_dummy: true,
        },
        strategy: RolloutStrategy::Immediate,
    };

    #[test]
    fn an_interval_is_held_against_the_margin() {
        use CompareRule::{NonInferiority, Point, Superiority};
        use FindingVerdict::{Fail, Inconclusive, Pass};
        let check = |rule, (low, value, high): (f64, f64, f64), wanted| {
            let found = compare_verdict(rule, Difference { value, low, high }, 0.01);
            assert_eq!(found, wanted, "{rule} {low} {value} {high}");
        };
        check(NonInferiority, (-0.009, 0.0, 0.01), Pass);
        check(NonInferiority, (-0.01, 0.0, 0.01), Inconclusive);
        check(NonInferiority, (-0.05, -0.03, -0.01), Inconclusive);
        check(NonInferiority, (-0.05, -0.03, -0.011), Fail);
        check(Superiority, (0.001, 0.01, 0.02), Pass);
        check(Superiority, (0.0, 0.01, 0.02), Inconclusive);
        check(Superiority, (-0.02, -0.01, -0.001), Fail);
        check(Point, (-1.0, -0.01, 1.0), Pass);
        check(Point, (-1.0, -0.011, 1.0), Fail);
        check(NonInferiority, (f64::NAN, 0.0, 0.1), Fail);
        check(Superiority, (0.1, f64::INFINITY, f64::INFINITY), Fail);
    }

    #[test]
    fn limits_are_inclusive_and_what_is_not_a_number_fails() {
        use FindingVerdict::{Fail, Pass};
        let check =
            |value, min, max, wanted| assert_eq!(threshold_verdict(value, min, max), wanted);
        check(0.7, Some(0.7), None, Pass);
        check(0.7, None, Some(0.7), Pass);
        check(0.69, Some(0.7), None, Fail);
        check(f64::NAN, None, None, Fail);
    }

    #[test]
    fn the_worst_binding_gate_decides() {
        use FindingVerdict::{Fail, Inconclusive, NotApplicable, Pass};
        let judged = |verdict, binds| Judgement {
            finding: Finding::new(FindingKind::Gate, "superiority", verdict, verdict.id()),
            binds,
        };
        let check = |judgements: &[Judgement], wanted: &str| {
            let found = match outcome(judgements) {
                GateOutcome::Passed => "passed",
                GateOutcome::Failed { .. } => "failed",
                GateOutcome::Inconclusive { .. } => "inconclusive",
            };
            assert_eq!(found, wanted, "{judgements:?}");
        };
        check(&[], "passed");
        check(&[judged(Pass, true), judged(NotApplicable, true)], "passed");
        check(&[judged(Pass, true), judged(Fail, false)], "passed");
        check(&[judged(Inconclusive, true), judged(Pass, true)], "inconclusive");
        check(&[judged(Inconclusive, true), judged(Fail, true)], "failed");
    }

    #[test]
    fn policies_decide_what_gates_leave_open() {
        let inconclusive = GateOutcome::Inconclusive { reason: "few rows".to_owned() };
        let failed = GateOutcome::Failed { reason: "worse".to_owned() };
        let check =
            |found: &GateOutcome, around: Circumstances, wanted: (bool, Blessing, Verdict)| {
                let found = roll_out(found, around);
                assert_eq!(
                    (found.becomes_champion, found.blessing, found.verdict),
                    wanted,
                    "{found:?}"
                );
            };
        let passed = GateOutcome::Passed;
        check(&passed, AROUND, (true, Blessing::Passed, Verdict::Promoted));
        check(&failed, AROUND, (false, Blessing::None, Verdict::Rejected));
        check(&inconclusive, AROUND, (false, Blessing::None, Verdict::Inconclusive));
        let promote = GatesSpec { inconclusive: InconclusivePolicy::Promote, ..AROUND.gates };
        let around = Circumstances { gates: promote, ..AROUND };
        check(&inconclusive, around, (true, Blessing::Overridden, Verdict::Promoted));
        let around = Circumstances { strategy: RolloutStrategy::Manual, ..AROUND };
        check(&passed, around, (false, Blessing::Passed, Verdict::Held));
        let first = Circumstances { has_champion: false, ..AROUND };
        check(&passed, first, (true, Blessing::RubberStamped, Verdict::Promoted));
        let hold = GatesSpec { no_champion: NoChampionPolicy::Hold, ..AROUND.gates };
        let around = Circumstances { gates: hold, ..first };
        check(&passed, around, (false, Blessing::RubberStamped, Verdict::Held));
        let around = Circumstances { may_promote: false, ..AROUND };
        check(&passed, around, (false, Blessing::Passed, Verdict::Held));
    }
}
