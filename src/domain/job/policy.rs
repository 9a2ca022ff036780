//! What watches and governs a model: `[drift]`, `[retrain]`, `[[gate]]`, `[gates]`, `[rollout]`, `[watch]`.
//!
//! Plain values with every default filled in. What they lead to is decided in `domain::decide`,
//! `domain::gate`, `domain::retrain` and `domain::watch`.

use std::fmt;

use jiff::SignedDuration;

use crate::domain::job::Task;
use crate::domain::run::named;
use crate::domain::schedule::Schedule;

/// `[drift]`: what tonight's data are compared with, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftSpec {
    /// What is compared with.
    pub reference: DriftReference,
    /// The largest p-value, after correction over the columns, that counts as evidence: above 0, below 1.
    pub alpha: f64,
    /// The smallest effect that counts, in the unit of the test.
    pub floor: f64,
    /// The share of drifted columns, 0 to 1, from which on the data have drifted.
    pub share: f64,
    /// A column with fewer rows on either side is not judged.
    pub rows_min: u64,
    /// What drift leads to.
    pub then: DriftAction,
    /// How many ticks must drift before it does.
    pub persist: Persistence,
    /// What holds for some columns.
    pub columns: Vec<DriftColumns>,
}

/// What tonight's data are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftReference {
    /// The rows that the champion was trained on.
    Training,
    /// The rows of the last committed tick before this one.
    Previous,
    /// The rows of all committed ticks within this span before this one.
    Rolling(SignedDuration),
    /// The rows of committed ticks before this one that fell on the same day of the week.
    SameWeekday,
}

/// What drift leads to. Whether it retrains is said by `[retrain]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftAction {
    /// It is on record.
    Report,
    /// The command exits with 10.
    Warn,
    /// Nothing is published.
    Quarantine,
}

/// `ticks` of the last `of` must drift before drift has consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// Ticks looked at, this one included.
    pub of: u32,
    /// How many of them must have drifted.
    pub ticks: u32,
}

/// `[[drift.column]]`: what holds for some columns.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftColumns {
    /// The columns.
    pub columns: Vec<String>,
    /// How they are compared.
    pub test: DriftTestName,
    /// The smallest effect that counts; `None` is that of `[drift]`.
    pub floor: Option<f64>,
    /// Whether they are left out.
    pub ignore: bool,
}

/// A drift test as a job file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftTestName {
    /// Population stability index.
    Psi,
    /// Kolmogorov-Smirnov distance.
    Ks,
    /// Cramér's V.
    ChiSquare,
    /// Jensen-Shannon distance.
    JensenShannon,
    /// Wasserstein distance.
    Wasserstein,
}

/// `[retrain]`: when a new version is trained by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrainSpec {
    /// Trained at each of these ticks, whatever was found.
    pub cron: Option<Schedule>,
    /// Any of these is enough.
    pub on: Vec<RetrainReason>,
    /// The least time between the ticks of two trainings.
    pub cooldown: SignedDuration,
}

/// What leads to retraining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrainReason {
    /// The data have drifted.
    Drift,
    /// So many rows were scored since the tick of the champion's training.
    NewRows(u64),
    /// The champion's training is so far back.
    Age(SignedDuration),
}

/// `[[gate]]`: what a candidate must show on the rows held out.
#[derive(Debug, Clone, PartialEq)]
pub struct GateSpec {
    /// The id of the metric.
    pub metric: String,
    /// The lowest value that passes.
    pub min: Option<f64>,
    /// The highest value that passes.
    pub max: Option<f64>,
    /// How it is compared with the champion.
    pub compare: Option<CompareRule>,
    /// How much worse is not worse, in the unit of the metric; `None`: see [`GateSpec::margin_of`].
    pub margin: Option<f64>,
    /// One-sided, above 0.5 and below 1.
    pub confidence: f64,
    /// The column whose values are judged one by one.
    pub slice: Option<String>,
    /// Smaller slices are not judged.
    pub slice_rows_min: u64,
    /// Whether it keeps a candidate back.
    pub severity: Severity,
}

/// How a candidate is compared with the champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareRule {
    /// It is shown not to be worse by more than the margin.
    NonInferiority,
    /// It is shown to be better.
    Superiority,
    /// Its estimate is not worse by more than the margin; no evidence is asked for.
    Point,
}

/// Whether a gate keeps a candidate back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Block,
    /// It only tells.
    Warn,
}

/// `[gates]`: what holds for all gates together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatesSpec {
    /// What an inconclusive gate leads to.
    pub inconclusive: InconclusivePolicy,
    /// What becomes of a candidate where there is no champion.
    pub no_champion: NoChampionPolicy,
    /// Whether a candidate must beat the constant predictor.
    pub beat_dummy: bool,
}

/// What an inconclusive gate leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InconclusivePolicy {
    /// The champion stays.
    KeepChampion,
    /// The candidate is promoted all the same.
    Promote,
}

/// What becomes of a candidate where there is no champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoChampionPolicy {
    /// It is promoted, if thresholds and the constant predictor allow it.
    Promote,
    /// It waits for a person.
    Hold,
}

/// `[rollout].strategy`: how a blessed candidate becomes champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutStrategy {
    /// In the transaction that registers it.
    Immediate,
    /// When a person promotes it.
    Manual,
}

/// `[watch]`: what is watched after a promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchSpec {
    /// Committed runs to watch; 0 is no watch.
    pub ticks: u32,
    /// The findings that count.
    pub rollback_on: Vec<WatchReason>,
    /// By how much tonight's scores may differ from those of `previous`, beyond what the gates saw.
    pub disagreement_max: f64,
    /// How many failing runs are borne.
    pub failures_max: u32,
    /// Whether a rollback scores again what the bad version published.
    pub rescore: bool,
}

/// A finding that counts against a watched version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchReason {
    /// A check warns that did not warn before the promotion.
    Check,
    /// Its scores have another distribution than on the rows held out, and those of `previous` have not.
    ScoreDrift,
    /// Its scores differ from those of `previous` on the same rows by more than is explained.
    Disagreement,
    /// It cannot score.
    Error,
}

named!(DriftTestName {
    Psi => "psi",
    Ks => "ks",
    ChiSquare => "chi_square",
    JensenShannon => "jensen_shannon",
    Wasserstein => "wasserstein",
});

named!(CompareRule {
    NonInferiority => "non_inferiority",
    Superiority => "superiority",
    Point => "point",
});

named!(RolloutStrategy { Immediate => "immediate", Manual => "manual" });

named!(DriftAction { Report => "report", Warn => "warn", Quarantine => "quarantine" });

named!(InconclusivePolicy { KeepChampion => "keep_champion", Promote => "promote" });

named!(NoChampionPolicy { Promote => "promote", Hold => "hold" });

named!(WatchReason {
    Check => "check",
    ScoreDrift => "score_drift",
    Disagreement => "disagreement",
    Error => "error",
});

/// The margin of a gate that names none, on metrics without a unit.
pub const MARGIN: f64 = 0.01;

impl GateSpec {
    /// The gate of a job that has none: not worse than the champion on the task's first metric.
    pub fn of_task(task: Task) -> Self {
        Self {
            metric: first_metric(task).to_owned(),
            min: None,
            max: None,
            compare: Some(CompareRule::NonInferiority),
            margin: None,
            confidence: 0.95,
            slice: None,
            slice_rows_min: 200,
            severity: Severity::Block,
        }
    }

    /// The metric that the margin is a share of where the file names no margin: a metric in the unit of the
    /// label has none that fits every job. `None` for metrics without a unit.
    ///
    /// Of an error that is its own value. That of `bias`, of which 0 is best, says nothing of the unit:
    /// its margin goes by the error that it is the systematic part of.
    pub fn margin_unit(&self) -> Option<&str> {
        match self.metric.as_str() {
            "rmse" | "mae" | "median_absolute_error" => Some(&self.metric),
            "bias" => Some(first_metric(Task::Regression)),
            _ => None,
        }
    }

    /// How much worse is not worse: what the file says, or [`MARGIN`], of metrics with a unit times `champion`,
    /// which is the champion's value of [`Self::margin_unit`].
    pub fn margin_of(&self, champion: f64) -> f64 {
        match (self.margin, self.margin_unit()) {
            (Some(margin), _) => margin,
            (None, Some(_)) => MARGIN * champion.abs(),
            (None, None) => MARGIN,
        }
    }
}

/// The metric by which models of `task` are judged if nobody says otherwise.
pub fn first_metric(task: Task) -> &'static str {
    match task {
        Task::Binary => "roc_auc",
        Task::Multiclass => "log_loss",
        Task::Regression => "rmse",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_without_a_number_fits_the_unit() {
        let check = |task, margin, baseline: f64, wanted: f64| {
            let found = GateSpec { margin, ..GateSpec::of_task(task) }.margin_of(baseline);
            assert!((found - wanted).abs() < 1e-12, "{task}: {found}");
        };
        check(Task::Binary, None, 0.8, 0.01);
        check(Task::Regression, None, 130.0, 1.3);
        check(Task::Regression, Some(5.0), 130.0, 5.0);
    }

    #[test]
    fn the_margin_of_a_bias_is_in_the_unit_of_the_label() {
        let bias = GateSpec { metric: "bias".to_owned(), ..GateSpec::of_task(Task::Regression) };
        assert_eq!(bias.margin_unit(), Some("rmse"));
        // Labels in the thousands: 0.01 would ask for the same bias to the last digit.
        assert!((bias.margin_of(2_500.0) - 25.0).abs() < 1e-9);
        assert_eq!(GateSpec::of_task(Task::Binary).margin_unit(), None);
    }
}
