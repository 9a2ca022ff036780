//! What every candidate is held against besides the champion: a constant, and the label of the row before.
//!
//! A model that does not beat a constant has learned nothing, and is not promoted (`gates.beat_dummy`).
//! That the last label predicts better than the model is worth knowing and only warns: when a batch is
//! scored, the label of the row before is rarely known.

use super::obstacle::Obstacle;
use super::{Evidence, first_metric, set_numbers};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::gate::{Difference, Judgement, compare_verdict};
use crate::domain::job::ModelParams;
use crate::domain::job::policy::CompareRule;
use crate::learn::compare::Comparison;

/// One-sided confidence of both comparisons.
const CONFIDENCE: f64 = 0.95;

/// Compares the candidate with both naive predictors.
pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Judgement> {
    let mut out = Vec::new();
    if evidence.job.gates_together.beat_dummy {
        out.push(constant(evidence));
    }
    out.extend(last_value(evidence));
    out
}

/// Whether the candidate beats the constant predictor.
fn constant(evidence: &Evidence<'_>) -> Judgement {
    let id = "beat_dummy";
    if matches!(evidence.job.model.params, ModelParams::Dummy) {
        let message = "the kind `dummy` is the constant predictor";
        let verdict = FindingVerdict::NotApplicable;
        let finding = Finding::new(FindingKind::Gate, id, verdict, message);
        return Judgement { finding, binds: true };
    }
    let rows = evidence.held_out.rows();
    let columns: Vec<Vec<f64>> = evidence.constant.iter().map(|value| vec![*value; rows]).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let all: Vec<usize> = (0..rows).collect();
    let found = evidence.against(first_metric(evidence), &columns, &all, CONFIDENCE);
    Judgement { finding: superiority(id, "the constant predictor", evidence, found), binds: true }
}

/// Whether the candidate beats the label of the row before.
fn last_value(evidence: &Evidence<'_>) -> Option<Judgement> {
    let predicted = evidence.last_value.as_ref()?;
    let known: Vec<usize> =
        (0..predicted.len()).filter(|row| predicted[*row].is_finite()).collect();
    let found = evidence.against(first_metric(evidence), &[predicted], &known, CONFIDENCE);
    let mut finding =
        superiority("beat_last_value", "the label of the row before", evidence, found);
    if finding.verdict != FindingVerdict::Pass {
        finding.verdict = FindingVerdict::Warn;
    }
    Some(Judgement { finding, binds: false })
}

fn superiority(
    id: &str,
    whom: &str,
    evidence: &Evidence<'_>,
    found: Result<Comparison, Obstacle>,
) -> Finding {
    let metric = first_metric(evidence).id;
    let mut out = Finding::new(FindingKind::Gate, id, FindingVerdict::Fail, "");
    out.metric = Some(metric.to_owned());
    match found {
        Ok(found) => {
            let Comparison { rows, candidate, baseline, difference, low, high, .. } = found;
            let interval = Difference { value: difference, low, high };
            out.verdict = compare_verdict(CompareRule::Superiority, interval, 0.0);
            out.message = format!(
                "{metric} {candidate:.4} against {baseline:.4} of {whom} on {rows} rows: gain \
                 {difference:+.4}, 90 % interval {low:.4} to {high:.4}, wanted above 0 ({})",
                found.test
            );
            set_numbers(&mut out, &found, 0.0);
        }
        Err(obstacle) => {
            out.verdict = obstacle.verdict();
            out.message = format!("{metric} cannot be compared with {whom}: {}", obstacle.told());
        }
    }
    out
}
