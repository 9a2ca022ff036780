//! The watch: what is asked of a champion after its promotion, and what follows.
//!
//! A watch ends when enough runs were committed, or with a rollback. Without any evidence it ends, but is
//! not passed; and a rollback is never gated, but one within a day is enough, after which a person is
//! asked. Measuring is done in the scoring pass, moving aliases in the commit.

use jiff::{SignedDuration, Timestamp};

use crate::domain::finding::FindingVerdict;
use crate::domain::identity::Version;
use crate::domain::job::policy::WatchSpec;

/// The least time between the ticks of two automatic rollbacks of a job.
pub const ROLLBACK_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// A champion that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// The champion.
    pub version: Version,
    /// What a rollback would restore.
    pub previous: Version,
    /// Runs that were committed with it since its promotion.
    pub ticks_done: u32,
    /// How many of them had a failing finding of the watch.
    pub failures: u32,
    /// How many of them could be judged at all.
    pub judged: u32,
    /// The tick of the last automatic rollback of the job.
    pub last_rollback: Option<Timestamp>,
}

/// What a run's findings mean for the watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchStep {
    /// The watch goes on.
    GoesOn {
        /// Which run of how many this was.
        message: String,
    },
    /// The watch has ended well with this run.
    Passed,
    /// The watch has ended with this run, and no run of it could be judged.
    Unjudged,
    /// The champion goes back to `previous`, and this tick is published with its scores.
    RollBack {
        /// Why, in one fragment.
        reason: String,
    },
    /// It should go back, and did so too recently: a person has to look.
    Hold {
        /// Why, in one fragment.
        reason: String,
    },
}

/// What a watched run says of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tonight {
    /// The messages of the failing findings of the watch.
    pub failed: Vec<String>,
    /// Whether anything could be judged.
    pub is_judged: bool,
}

/// Decides after a run for `tick` that says `tonight`.
pub fn step(spec: &WatchSpec, watch: &Watch, tonight: &Tonight, tick: Timestamp) -> WatchStep {
    let done = watch.ticks_done.saturating_add(1);
    let Some(first) = tonight.failed.first() else {
        let is_judged = tonight.is_judged || watch.judged > 0;
        return match (done >= spec.ticks, is_judged) {
            (false, _) => goes_on(spec, done, 0),
            (true, true) => WatchStep::Passed,
            (true, false) => WatchStep::Unjudged,
        };
    };
    let failures = watch.failures.saturating_add(1);
    if failures <= spec.failures_max {
        return goes_on(spec, done, failures);
    }
    let version = watch.version;
    let reason = format!("{version} failed {failures} of {done} watched runs: {first}");
    match watch.last_rollback {
        Some(last) if tick.duration_since(last).abs() < ROLLBACK_PAUSE => WatchStep::Hold {
            reason: format!("{reason}; not rolled back again, the last time was for {last}"),
        },
        _ => WatchStep::RollBack { reason },
    }
}

fn goes_on(spec: &WatchSpec, done: u32, failures: u32) -> WatchStep {
    let borne = match failures {
        0 => String::new(),
        count => format!(", {count} of them failed and {} are borne", spec.failures_max),
    };
    WatchStep::GoesOn { message: format!("{done} of {} runs watched{borne}", spec.ticks) }
}

/// A measure of how much a version differs from `previous` on the same rows, with the lower end of its
/// one-sided confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disagreement {
    /// The estimate, 0 or more.
    pub value: f64,
    /// What it is above with 95 % confidence.
    pub low: f64,
}

/// On what a disagreement is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    /// Whether there are as many rows as are judged at all.
    pub has_enough_rows: bool,
    /// Whether the limit holds for rows like tonight's. What the gates saw on held-out rows says nothing
    /// about data that have moved away from them; a limit that comes from no data always holds.
    pub limit_holds: bool,
}

/// What a disagreement says against `limit`: it fails only if it is above the limit beyond chance.
pub fn disagreement_verdict(found: Disagreement, limit: f64, on: Grounds) -> FindingVerdict {
    if found.low > limit && on.has_enough_rows && on.limit_holds {
        FindingVerdict::Fail
    } else if found.value > limit || !found.value.is_finite() || !on.has_enough_rows {
        FindingVerdict::Inconclusive
    } else {
        FindingVerdict::Pass
    }
}

/// What drifted scores say, where `None` is what could not be judged.
///
/// They count against a version only if those of `previous` on the same rows have not drifted from theirs as
/// well, since then the data moved and not the model; and only if the two differ more, beyond chance, than on
/// held-out rows, since else it is the held-out rows of the one that were unusual.
pub fn score_drift_verdict(
    drifted: Option<bool>,
    previous_drifted: Option<bool>,
    differs: bool,
) -> FindingVerdict {
    match (drifted, previous_drifted) {
        (Some(false), _) => FindingVerdict::Pass,
        (Some(true), Some(false)) if differs => FindingVerdict::Fail,
        (Some(true) | None, _) => FindingVerdict::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::policy::WatchReason;

    fn spec(ticks: u32, failures_max: u32) -> WatchSpec {
        WatchSpec {
            ticks,
            rollback_on: WatchReason::ALL.to_vec(),
            disagreement_max: 0.1,
            failures_max,
            rescore: true,
        }
    }

    fn watch(ticks_done: u32, failures: u32) -> Watch {
        let (version, previous) = (Version(2), Version(1));
        Watch { version, previous, ticks_done, failures, judged: 0, last_rollback: None }
    }

    #[track_caller]
    fn check(spec: &WatchSpec, watch: Watch, failed: &[&str], wanted: &str) {
        let failed: Vec<String> = failed.iter().map(|text| (*text).to_owned()).collect();
        let tonight = Tonight { failed, is_judged: true };
        let tick = "2026-03-10T00:00:00Z".parse().unwrap();
        let found = match step(spec, &watch, &tonight, tick) {
            WatchStep::GoesOn { .. } => "goes on",
            WatchStep::Passed => "passed",
            WatchStep::Unjudged => "unjudged",
            WatchStep::RollBack { .. } => "roll back",
            WatchStep::Hold { .. } => "hold",
        };
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_watch_goes_on_until_it_ends() {
        check(&spec(3, 0), watch(0, 0), &[], "goes on");
        check(&spec(3, 0), watch(2, 0), &[], "passed");
        check(&spec(3, 0), watch(0, 0), &["scores differ"], "roll back");
        check(&spec(3, 1), watch(0, 0), &["scores differ"], "goes on");
        check(&spec(3, 1), watch(1, 1), &["scores differ", "other"], "roll back");
        check(&spec(3, 1), watch(2, 1), &[], "passed");
    }

    #[test]
    fn a_watch_is_not_passed_for_want_of_evidence() {
        let tick = "2026-03-10T00:00:00Z".parse().unwrap();
        let silent = Tonight { failed: Vec::new(), is_judged: false };
        let last = watch(2, 0);
        assert_eq!(step(&spec(3, 0), &last, &silent, tick), WatchStep::Unjudged);
        let seen = Watch { judged: 1, ..last };
        assert_eq!(step(&spec(3, 0), &seen, &silent, tick), WatchStep::Passed);
    }

    #[test]
    fn one_rollback_a_day_is_enough() {
        let recent = |last: &str| Watch { last_rollback: last.parse().ok(), ..watch(0, 0) };
        check(&spec(3, 0), recent("2026-03-09T12:00:00Z"), &["x"], "hold");
        check(&spec(3, 0), recent("2026-03-09T00:00:00Z"), &["x"], "roll back");
    }

    #[test]
    fn evidence_is_needed_against_a_version() {
        use FindingVerdict::{Fail, Inconclusive, Pass};
        let sound = Grounds { has_enough_rows: true, limit_holds: true };
        let check = |low, value, on, wanted| {
            assert_eq!(disagreement_verdict(Disagreement { value, low }, 0.1, on), wanted);
        };
        check(0.0, 0.1, sound, Pass);
        check(0.05, 0.2, sound, Inconclusive);
        check(0.11, 0.2, sound, Fail);
        check(0.11, 0.2, Grounds { has_enough_rows: false, ..sound }, Inconclusive);
        check(0.0, 0.0, Grounds { has_enough_rows: false, ..sound }, Inconclusive);
        check(0.11, 0.2, Grounds { limit_holds: false, ..sound }, Inconclusive);
        check(f64::NAN, f64::NAN, sound, Inconclusive);
        assert_eq!(score_drift_verdict(Some(false), None, true), Pass);
        assert_eq!(score_drift_verdict(Some(true), Some(false), true), Fail);
        assert_eq!(score_drift_verdict(Some(true), Some(false), false), Inconclusive);
        assert_eq!(score_drift_verdict(Some(true), Some(true), true), Inconclusive);
        assert_eq!(score_drift_verdict(Some(true), None, true), Inconclusive);
        assert_eq!(score_drift_verdict(None, Some(false), true), Inconclusive);
    }
}
