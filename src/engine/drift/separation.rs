//! The finding about all features together: whether tonight's rows can be told from the training rows.
//!
//! Made while a night's sample of rows is still in memory; what is stored of it is the finding alone. It never
//! fails a run and decides nothing: where the rows cannot be compared, the finding says why.

use super::{Earlier, Profiles, rule};
use crate::domain::drift::{SEPARATION_MAX, is_separated};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::domain::job::policy::DriftReference;
use crate::learn::artifact::Artifact;
use crate::learn::drift::domain_classifier::{ID, Obstacle, ROWS_MAX, Separation, Side, separate};
use crate::learn::drift::judge::Rule;
use crate::learn::importance::Importance;
use crate::learn::profile::sample::Sample;

/// Two samples of rows and what is asked of them, apart from what they were taken from.
pub(super) struct Samples {
    reference: (Sample, u64),
    current: (Sample, u64),
    /// The features that are compared, the most important first.
    columns: Vec<String>,
    rule: Rule,
    against: String,
}

impl Samples {
    /// The samples of a night and of the version that scored it.
    pub(super) fn of(job: &Job, artifact: &Artifact, profiles: Profiles<'_>) -> Self {
        let is_ignored = |name: &str| {
            let mut chosen = job.drift.columns.iter().filter(|chosen| chosen.ignore);
            chosen.any(|chosen| chosen.columns.iter().any(|column| column == name))
        };
        let shares = artifact.importance.as_ref().map_or(&[][..], Importance::shares);
        let shares = shares.iter().copied().chain(std::iter::repeat(0.0));
        let mut columns: Vec<(&str, f64)> = artifact.features.columns().zip(shares).collect();
        columns.retain(|(name, _)| !is_ignored(name));
        columns.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let (reference, input) = (&artifact.reference, profiles.input);
        let mut against = Earlier::training(artifact).to_string();
        if job.drift.reference != DriftReference::Training {
            against.push_str(", since earlier ticks keep no rows");
        }
        Self {
            reference: (reference.sample.first(ROWS_MAX), reference.rows),
            current: (input.sample.first(ROWS_MAX), input.rows),
            columns: columns.into_iter().map(|(name, _)| name.to_owned()).collect(),
            rule: rule(&job.drift),
            against,
        }
    }

    /// Compares the two.
    pub(super) fn finding(&self) -> Finding {
        let reference = Side::of(&self.reference.0, self.reference.1);
        let current = Side::of(&self.current.0, self.current.1);
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        finding(
            separate(&reference, &current, &columns, &self.rule),
            self.rule.alpha,
            &self.against,
        )
    }
}

/// What was found, in words and numbers.
pub(super) fn finding(found: Result<Separation, Obstacle>, alpha: f64, against: &str) -> Finding {
    let told = |verdict, message| Finding {
        metric: Some("roc_auc".to_owned()),
        limit: Some(SEPARATION_MAX),
        ..Finding::new(FindingKind::Drift, ID, verdict, message)
    };
    let Separation { area, low, high, rows } = match found {
        Ok(found) => found,
        Err(obstacle) => {
            let message = format!("the rows cannot be held against {against}: {obstacle}");
            return told(FindingVerdict::Inconclusive, message);
        }
    };
    let verdict = if is_separated(area, low) { FindingVerdict::Warn } else { FindingVerdict::Pass };
    let message = format!(
        "a classifier tells the rows from {against}: roc_auc {area:.4} ({low:.4} to {high:.4}, alpha {alpha}), \
         0.5 is chance and {SEPARATION_MAX} the limit; {} rows against {}; it only informs",
        rows.current, rows.reference
    );
    Finding { value: Some(area), low: Some(low), high: Some(high), ..told(verdict, message) }
}
