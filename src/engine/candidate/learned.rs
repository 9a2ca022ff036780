//! A model fitted to what is there to learn, from the beginning or on from the champion.
//!
//! Which of the two it was is a finding, so that nobody takes one for the other.

use super::told;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::Job;
use crate::engine::error::RunError;
use crate::engine::pass::Contender;
use crate::engine::training_rows::TrainingRows;
use crate::learn::artifact::TrainingFacts;
use crate::learn::fit::{Examples, Fitted, Resumed, fit_examples, learns_on, resume};

/// A fitted model, and what it goes on from.
pub(super) struct Learned<'a> {
    pub(super) fitted: Fitted,
    pub(super) findings: Vec<Finding>,
    /// The facts of the champion that it has learned on from, and how many rows were new.
    pub(super) on: Option<(&'a TrainingFacts, u64)>,
}

/// Fits the model; a kind that can goes on from the champion.
pub(super) fn learn<'a>(
    job: &Job,
    rows: &TrainingRows,
    examples: &Examples,
    champion: Option<&'a Contender>,
) -> Result<Learned<'a>, RunError> {
    let failed = RunError::data("fit");
    let mut findings = Vec::new();
    if let Some(champion) = champion.filter(|_| learns_on(&job.model.params)) {
        let (version, artifact) = (champion.model.version, &champion.artifact);
        let resumed = resume(artifact, job, &rows.columns, &rows.table, examples);
        match resumed.map_err(failed)? {
            Resumed::On { fitted, rows } => {
                let message = format!(
                    "goes on from {version}, which has learned {} rows, with {rows} newer ones",
                    artifact.facts.rows
                );
                let finding =
                    Finding::new(FindingKind::Check, "incremental", FindingVerdict::Pass, message);
                let on = Some((&artifact.facts, rows as u64));
                return Ok(Learned { fitted: *fitted, findings: vec![finding], on });
            }
            Resumed::Anew(reason) => {
                findings.push(told(
                    "incremental",
                    format!("begins anew and not from {version}: {reason}"),
                ));
            }
        }
    }
    let fitted = fit_examples(job, &rows.columns, &rows.table, examples).map_err(failed)?;
    Ok(Learned { fitted, findings, on: None })
}
