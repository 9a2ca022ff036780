//! When a version is trained by itself, and why it is not.
//!
//! Every reason that a job names is looked at on every tick, and what was found is a finding whether it
//! fires or not: nobody has to guess why nothing was trained. Times are nominal ticks, so that a backfill
//! decides as the nights themselves would have. A training that failed counts as one that did not: what made it fail
//! is mostly there on the next tick as well.

use jiff::{SignedDuration, Timestamp};

use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::policy::{RetrainReason, RetrainSpec};
use crate::domain::run::Trigger;

/// What the reasons are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The tick of the run that asks.
    pub tick: Timestamp,
    /// Whether the data have drifted, persistence taken into account; `None` if they were not judged.
    pub has_drifted: Option<bool>,
    /// Rows scored since the tick of the champion's training, this run's among them.
    pub rows_since: u64,
    /// The tick of the champion's training, where one is known.
    pub champion_trained: Option<Timestamp>,
    /// The tick of the last committed training of the job, whatever became of it.
    pub last_trained: Option<Timestamp>,
    /// The latest tick before this one whose training has not ended yet.
    pub pending: Option<Timestamp>,
    /// The trainings before this tick that failed, and none was committed after them.
    pub failed: Option<FailedTrainings>,
    /// What about this run keeps it from training, if anything.
    pub hindrance: Option<Hindrance>,
}

/// Trainings in a row that failed and that the job itself was the cause of: what a person asks for in vain, the
/// person knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedTrainings {
    /// The tick of the last.
    pub last: Timestamp,
    /// How many ticks; 1 or more.
    pub ticks: u32,
}

/// What about a run keeps it from training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// It rolls the champion back.
    RollsBack,
    /// A check failed, so that its data are not to be trusted.
    CheckFailed,
}

/// What became of the reasons of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Why to train, where there is a reason that nothing stands in the way of.
    pub trigger: Option<Trigger>,
    /// One finding for each reason: `warn` fires, `pass` does not, `not_applicable` is held back.
    pub findings: Vec<Finding>,
}

/// Looks at every reason of `spec`.
pub fn outlook(spec: &RetrainSpec, situation: &Situation) -> Outlook {
    let obstacle = obstacle(spec, situation);
    let mut out = Outlook { trigger: None, findings: Vec::new() };
    for reason in &spec.on {
        let (trigger, is_met, mut finding) = look(*reason, situation);
        match (is_met, &obstacle) {
            (false, _) => {}
            (true, None) => {
                finding.verdict = FindingVerdict::Warn;
                finding.message.push_str("; a version is trained");
                out.trigger.get_or_insert(trigger);
            }
            (true, Some(obstacle)) => {
                finding.verdict = FindingVerdict::NotApplicable;
                finding.message = format!("{}; not trained: {obstacle}", finding.message);
            }
        }
        out.findings.push(finding);
    }
    out
}

/// What keeps every reason from firing.
fn obstacle(spec: &RetrainSpec, situation: &Situation) -> Option<String> {
    match situation.hindrance {
        Some(Hindrance::RollsBack) => return Some("this run rolls the champion back".to_owned()),
        Some(Hindrance::CheckFailed) => return Some("a check failed".to_owned()),
        None => {}
    }
    let trained = situation.last_trained.and_then(|last| {
        if last > situation.tick {
            return Some(format!("a version was trained for the later tick {last}"));
        }
        let (since, cooldown) = (situation.tick.duration_since(last), spec.cooldown);
        (since < cooldown).then(|| {
            format!(
                "a version was trained for {last}, {since:#} ago, and the cool-down is {cooldown:#}"
            )
        })
    });
    let pending = || {
        let pending = situation.pending?;
        let since = situation.tick.duration_since(pending);
        (since < spec.cooldown).then(|| {
            let cooldown = spec.cooldown;
            format!("the training for {pending} has not ended, and the cool-down is {cooldown:#}")
        })
    };
    trained.or_else(pending).or_else(|| {
        let FailedTrainings { last, ticks } = situation.failed?;
        let (since, cooldown) = (situation.tick.duration_since(last), backed_off(spec, ticks));
        (since < cooldown).then(|| match ticks {
            1 => format!(
                "the training for {last} failed, {since:#} ago, and the cool-down is {cooldown:#}"
            ),
            _ => format!(
                "the last {ticks} trainings failed, that for {last} {since:#} ago, and the cool-down has \
                 grown to {cooldown:#}"
            ),
        })
    })
}

/// The cool-down after trainings for so many ticks have failed: twice as long with each after the first, and 16 times
/// at most, so that a job that was mended by somebody who has told nobody is tried again.
fn backed_off(spec: &RetrainSpec, ticks: u32) -> SignedDuration {
    const DOUBLED_MAX: u32 = 4;
    let times = 1 << ticks.saturating_sub(1).min(DOUBLED_MAX);
    spec.cooldown.checked_mul(times).unwrap_or(SignedDuration::MAX)
}

fn look(reason: RetrainReason, situation: &Situation) -> (Trigger, bool, Finding) {
    let told = |id: &str, value: Option<f64>, limit: Option<f64>, message: String| {
        let mut out = Finding::new(FindingKind::Trigger, id, FindingVerdict::Pass, message);
        out.value = value;
        out.limit = limit;
        out
    };
    match reason {
        RetrainReason::Drift => {
            let (is_met, message) = match situation.has_drifted {
                Some(true) => (true, "the data have drifted"),
                Some(false) => (false, "the data have not drifted"),
                None => (false, "drift could not be judged"),
            };
            (Trigger::Drift, is_met, told("drift", None, None, message.to_owned()))
        }
        RetrainReason::NewRows(rows) => {
            let since = situation.rows_since;
            let message =
                format!("{since} rows were scored since the champion's training of {rows}");
            let finding = told("new_rows", Some(since as f64), Some(rows as f64), message);
            (Trigger::NewRows, since >= rows, finding)
        }
        RetrainReason::Age(age_max) => {
            let Some(trained) = situation.champion_trained else {
                let message = "the tick of the champion's training is not known".to_owned();
                return (Trigger::Age, false, told("age", None, Some(days(age_max)), message));
            };
            let age = situation.tick.duration_since(trained);
            let message =
                format!("the champion's training is {age:#} old, {age_max:#} is the limit");
            let finding = told("age", Some(days(age)), Some(days(age_max)), message);
            (Trigger::Age, age >= age_max, finding)
        }
    }
}

fn days(span: SignedDuration) -> f64 {
    span.as_secs_f64() / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quiet() -> Situation {
        Situation {
            tick: at("2026-03-10T00:00:00Z"),
            has_drifted: Some(false),
            rows_since: 100,
            champion_trained: Some(at("2026-03-01T00:00:00Z")),
            last_trained: Some(at("2026-03-01T00:00:00Z")),
            pending: None,
            failed: None,
            hindrance: None,
        }
    }

    fn spec() -> RetrainSpec {
        RetrainSpec {
            cron: None,
            on: vec![
                RetrainReason::Drift,
                RetrainReason::NewRows(500),
                RetrainReason::Age(SignedDuration::from_hours(24 * 30)),
            ],
            cooldown: SignedDuration::from_hours(48),
        }
    }

    #[track_caller]
    fn check(situation: Situation, trigger: Option<Trigger>, verdicts: &[&str]) {
        let found = outlook(&spec(), &situation);
        assert_eq!(found.trigger, trigger);
        let told: Vec<&str> = found.findings.iter().map(|finding| finding.verdict.id()).collect();
        assert_eq!(told, verdicts, "{:?}", found.findings);
    }

    #[test]
    fn a_reason_fires_or_says_why_not() {
        check(quiet(), None, &["pass", "pass", "pass"]);
        let drifted = Situation { has_drifted: Some(true), ..quiet() };
        check(drifted, Some(Trigger::Drift), &["warn", "pass", "pass"]);
        let many = Situation { rows_since: 500, ..quiet() };
        check(many, Some(Trigger::NewRows), &["pass", "warn", "pass"]);
        let old = Situation { champion_trained: Some(at("2026-02-01T00:00:00Z")), ..quiet() };
        check(old, Some(Trigger::Age), &["pass", "pass", "warn"]);
        let unknown = Situation { champion_trained: None, has_drifted: None, ..quiet() };
        check(unknown, None, &["pass", "pass", "pass"]);
    }

    #[test]
    fn the_cool_down_counts_ticks() {
        let drifted = Situation { has_drifted: Some(true), ..quiet() };
        let fresh = Situation { last_trained: Some(at("2026-03-08T00:00:01Z")), ..drifted };
        check(fresh, None, &["not_applicable", "pass", "pass"]);
        let just = Situation { last_trained: Some(at("2026-03-08T00:00:00Z")), ..drifted };
        check(just, Some(Trigger::Drift), &["warn", "pass", "pass"]);
        let underway = Situation { pending: Some(at("2026-03-08T00:00:01Z")), ..drifted };
        check(underway, None, &["not_applicable", "pass", "pass"]);
        let stuck = Situation { pending: Some(at("2026-03-08T00:00:00Z")), ..drifted };
        check(stuck, Some(Trigger::Drift), &["warn", "pass", "pass"]);
        let later = Situation { last_trained: Some(at("2026-04-01T00:00:00Z")), ..drifted };
        check(later, None, &["not_applicable", "pass", "pass"]);
        let back = Situation { hindrance: Some(Hindrance::RollsBack), ..drifted };
        check(back, None, &["not_applicable", "pass", "pass"]);
    }

    #[test]
    fn trainings_that_failed_cool_down_for_longer_each_time() {
        let check = |last: &str, ticks, verdict: &str| {
            let failed = Some(FailedTrainings { last: at(last), ticks });
            let drifted = Situation { has_drifted: Some(true), failed, ..quiet() };
            let found = outlook(&spec(), &drifted).findings.remove(0);
            assert_eq!(found.verdict.id(), verdict, "{last} {ticks}: {}", found.message);
            found.message
        };
        // The tick is 2026-03-10, the cool-down two days.
        let told = check("2026-03-09T23:55:00Z", 1, "not_applicable");
        assert_eq!(
            told,
            "the data have drifted; not trained: the training for 2026-03-09T23:55:00Z failed, 5m ago, \
             and the cool-down is 48h"
        );
        check("2026-03-08T00:00:01Z", 1, "not_applicable");
        check("2026-03-08T00:00:00Z", 1, "warn");
        let told = check("2026-03-06T00:00:01Z", 2, "not_applicable");
        assert!(told.contains("the last 2 trainings failed, that for 2026-03-06"), "{told}");
        assert!(told.ends_with("the cool-down has grown to 96h"), "{told}");
        check("2026-03-06T00:00:00Z", 2, "warn");
        check("2026-02-06T00:00:01Z", 5, "not_applicable");
        check("2026-02-06T00:00:00Z", 5, "warn");
        check("2026-02-06T00:00:00Z", u32::MAX, "warn");
    }

    #[test]
    fn a_cool_down_of_any_length_never_panics() {
        let spec = RetrainSpec { cooldown: SignedDuration::MAX, ..spec() };
        assert_eq!(backed_off(&spec, 9), SignedDuration::MAX);
    }
}
