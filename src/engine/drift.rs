//! Drift of a night: what its profiles say against the reference that the job names.
//!
//! Every feature, the label where it is known already, and the scores are judged together; each is a
//! finding with its numbers, and the table as a whole is one more. The rule is `domain::drift`'s, the
//! statistics are `learn::drift`'s; which earlier runs make a reference is found in `reference`.

/// The comparison of a run that is on record.
mod recorded;
/// The profile that tonight's is compared with.
mod reference;
/// The finding about all features together.
mod separation;
/// Any two tables.
pub mod tables;

use std::collections::BTreeSet;

use crate::domain::decide::{DriftState, drift_state};
use crate::domain::drift::{ColumnVerdict, DataVerdict};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::domain::job::policy::DriftSpec;
use crate::domain::run::RunSlot;
use crate::engine::error::RunError;
use crate::engine::judge::warning;
use crate::engine::offload::offload;
use crate::engine::world::World;
use crate::learn::artifact::Artifact;
use crate::learn::drift::judge::{Question, Rule};
use crate::learn::drift::{
    ColumnDrift, ColumnPair, DriftReport, DriftTest, Mismatch, Subject, judge,
};
use crate::learn::profile::{ReferenceProfile, TableProfile};

pub use self::recorded::{RecordedDrift, recorded};
pub use self::reference::{Earlier, earlier, looks_back_to};
use self::separation::Samples;

/// The id of the finding about the table as a whole.
pub const DATA: &str = "data";

/// What was found of a night.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Every column, with its numbers.
    pub report: DriftReport,
    /// All features together.
    pub separation: Finding,
    /// What was compared with, in words.
    pub against: String,
    /// Whether it has consequences.
    pub state: DriftState,
}

/// The two profiles of a night, made in the pass that scored it.
#[derive(Debug, Clone, Copy)]
pub struct Profiles<'a> {
    /// Of the columns that were read.
    pub input: &'a TableProfile,
    /// Of the scores of the version that it is judged for.
    pub scores: &'a TableProfile,
}

/// Judges the profiles of the run in `slot`, which was scored by `artifact`.
pub async fn judge_night(
    world: &World,
    job: &Job,
    slot: &RunSlot,
    artifact: &Artifact,
    profiles: Profiles<'_>,
) -> Result<Drift, RunError> {
    let earlier = earlier(world, job, slot.tick, artifact).await?;
    let report = report(job, artifact, profiles, &earlier);
    let samples = Samples::of(job, artifact, profiles);
    let separation = offload("judge", move || Ok(samples.finding())).await?;
    let looked_at = job.drift.persist.of.saturating_sub(1);
    let before = world
        .store
        .earlier_verdicts(&job.name, (FindingKind::Drift, DATA), slot.tick, looked_at)
        .await
        .map_err(RunError::store("judge"))?;
    let before: Vec<DataVerdict> = before
        .into_iter()
        .map(|verdict| match verdict {
            FindingVerdict::Fail => DataVerdict::Drifted,
            FindingVerdict::Inconclusive => DataVerdict::InsufficientData,
            _ => DataVerdict::Stable,
        })
        .collect();
    let state = drift_state(report.verdict, &before, job.drift.persist);
    Ok(Drift { report, separation, against: earlier.to_string(), state })
}

/// Judges every column of a night against the reference.
pub fn report(
    job: &Job,
    artifact: &Artifact,
    profiles: Profiles<'_>,
    earlier: &Earlier,
) -> DriftReport {
    let mut questions = Vec::new();
    let inputs = Side { reference: &artifact.reference, earlier: earlier.input() };
    for column in artifact.features.columns() {
        let asked = inputs.question(&job.drift, column, Subject::Feature, profiles.input);
        let importance = artifact.importance_of(column);
        questions.extend(asked.map(|asked| Question { importance, ..asked }));
    }
    if let Some(label) = &job.data.label {
        let has_labels = profiles.input.column(label).is_some_and(|column| {
            let facts = column.facts();
            facts.missing() < facts.rows
        });
        if has_labels {
            let asked = inputs.question(&job.drift, label, Subject::Label, profiles.input);
            questions.extend(asked);
        }
    }
    questions.extend(score_questions(job, artifact, profiles.scores, earlier));
    judge(questions, rule(&job.drift))
}

/// The columns that a `[[drift.column]]` names and that are not judged, since the version neither reads nor
/// writes them.
pub fn unjudged(job: &Job, artifact: &Artifact) -> Vec<Finding> {
    let scores = artifact.score_reference.iter().flat_map(|reference| &reference.columns);
    let known: BTreeSet<&str> = artifact
        .features
        .columns()
        .chain(job.data.label.as_deref())
        .chain(scores.map(|column| column.name.as_str()))
        .collect();
    let chosen = job.drift.columns.iter().filter(|chosen| !chosen.ignore);
    chosen
        .flat_map(|chosen| &chosen.columns)
        .filter(|column| !known.contains(column.as_str()))
        .map(|column| {
            let message = format!(
                "`{column}` of `drift.column` is neither a feature nor the label nor a score of the version"
            );
            warning("drift_column", column, message)
        })
        .collect()
}

/// Judges the scores of a night alone, as the watch does: against the version's own held-out rows.
pub fn score_report(job: &Job, artifact: &Artifact, scores: &TableProfile) -> DriftReport {
    let earlier = Earlier::training(artifact);
    judge(score_questions(job, artifact, scores, &earlier), rule(&job.drift))
}

fn score_questions<'a>(
    job: &Job,
    artifact: &'a Artifact,
    scores: &'a TableProfile,
    earlier: &'a Earlier,
) -> Vec<Question<'a>> {
    let Some(reference) = &artifact.score_reference else { return Vec::new() };
    let side = Side { reference, earlier: earlier.scores() };
    let columns = reference.columns.iter();
    columns
        .filter_map(|column| side.question(&job.drift, &column.name, Subject::Score, scores))
        .collect()
}

fn rule(spec: &DriftSpec) -> Rule {
    Rule { alpha: spec.alpha, share: spec.share, rows_min: spec.rows_min }
}

/// A table's reference in the model version, and the earlier table that stands in for it, if one does.
struct Side<'a> {
    reference: &'a ReferenceProfile,
    earlier: Option<&'a TableProfile>,
}

impl<'a> Side<'a> {
    /// What is asked of one column; `None` if the job leaves it out or the reference does not have it.
    fn question(
        &self,
        spec: &DriftSpec,
        name: &str,
        subject: Subject,
        tonight: &'a TableProfile,
    ) -> Option<Question<'a>> {
        let chosen = spec.columns.iter().find(|chosen| chosen.columns.iter().any(|c| c == name));
        if chosen.is_some_and(|chosen| chosen.ignore) {
            return None;
        }
        let reference = self.reference.column(name)?;
        let pair = match (self.earlier, tonight.column(name)) {
            (_, None) => Err(Mismatch::Missing),
            (None, Some(current)) => ColumnPair::counted(reference, current),
            (Some(earlier), Some(current)) => match earlier.column(name) {
                Some(before) => ColumnPair::both_counted(reference, before, current),
                None => Err(Mismatch::NoReference),
            },
        };
        let test = chosen.map_or("psi", |chosen| chosen.test.id());
        let tests: Vec<&'static dyn DriftTest> =
            crate::learn::drift::find(test).into_iter().collect();
        let floor = chosen.and_then(|chosen| chosen.floor).unwrap_or(spec.floor);
        let kind = reference.kind();
        let (column, importance) = (name.to_owned(), None);
        Some(Question { column, subject, importance, kind, pair, tests, floor })
    }
}

impl Drift {
    /// One finding a column, the worst first, one about all features together, and one about the table.
    pub fn findings(&self) -> Vec<Finding> {
        let columns = self.report.worst_first().into_iter();
        let mut out: Vec<Finding> =
            columns.map(|column| column_finding(column, self.report.rule.alpha)).collect();
        out.push(self.separation.clone());
        out.push(self.data_finding());
        out
    }

    fn data_finding(&self) -> Finding {
        let DriftReport { columns, rule, share, verdict } = &self.report;
        let count = |wanted: &[ColumnVerdict]| {
            columns.iter().filter(|column| wanted.contains(&column.verdict)).count()
        };
        let drifted = count(&[ColumnVerdict::Drifted, ColumnVerdict::Broken]);
        let judged = drifted + count(&[ColumnVerdict::Stable]);
        let against = &self.against;
        let message = match verdict {
            DataVerdict::InsufficientData => {
                format!("no column has enough rows to be compared with {against}")
            }
            _ => format!(
                "{drifted} of {judged} columns drifted against {against}; {} is the limit",
                rule.share
            ),
        };
        let verdict = match verdict {
            DataVerdict::Stable => FindingVerdict::Pass,
            DataVerdict::Drifted => FindingVerdict::Fail,
            DataVerdict::InsufficientData => FindingVerdict::Inconclusive,
        };
        let mut out = Finding::new(FindingKind::Drift, DATA, verdict, message);
        out.value = *share;
        out.limit = Some(rule.share);
        out
    }
}

/// The finding of one column.
fn column_finding(column: &ColumnDrift, alpha: f64) -> Finding {
    let test = column.measured.first().map_or("psi", |measured| measured.test);
    let verdict = match column.verdict {
        ColumnVerdict::Stable => FindingVerdict::Pass,
        ColumnVerdict::Drifted | ColumnVerdict::Broken => FindingVerdict::Fail,
        ColumnVerdict::InsufficientData => FindingVerdict::Inconclusive,
    };
    let message = match (&column.broken, column.verdict) {
        (Some(broken), _) => format!("`{}` cannot be compared: {broken}", column.column),
        (None, ColumnVerdict::InsufficientData) => format!(
            "`{}` has {} rows against {}, too few to be judged",
            column.column, column.rows.current, column.rows.reference
        ),
        (None, _) => format!(
            "`{}`: {test} {:.4}, floor {}; p {:.2e} after correction, alpha {alpha}; {} rows against {}",
            column.column,
            column.effect(),
            column.floor,
            column.p_adjusted.unwrap_or(1.0),
            column.rows.current,
            column.rows.reference
        ),
    };
    let mut out = Finding::new(FindingKind::Drift, test, verdict, message);
    out.column = Some(column.column.clone());
    out.value = column.measured.first().and_then(|first| first.shift).map(|shift| shift.effect);
    out.p_value = column.p_adjusted;
    out.limit = Some(column.floor);
    out
}
