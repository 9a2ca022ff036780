//! A gate on one value of a column after the other.
//!
//! A slice with fewer rows than `slice_rows_min`, or whose rows cannot say what is asked (one class only), is
//! not judged: it is told as inconclusive and keeps nobody back, or a single rare value would hold every
//! candidate. If no slice is judged the gate itself is inconclusive. What a candidate says of a slice is
//! no reason to leave it out.

use std::collections::BTreeMap;

use super::{Evidence, bound, comparison, threshold};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::gate::Judgement;
use crate::domain::job::policy::GateSpec;
use crate::engine::error::RunError;
use crate::learn::compare::CompareError;
use crate::learn::metric::{self, RestsOn};

/// Judges one gate slice by slice.
pub(super) fn judge(evidence: &Evidence<'_>, gate: &GateSpec) -> Result<Vec<Judgement>, RunError> {
    let column = gate.slice.as_deref().unwrap_or_default();
    let known = evidence.slices.iter().find(|(name, _)| name == column);
    let Some((_, values)) = known else {
        let message = format!("the slice column `{column}` is not in the training input");
        return Ok(vec![bound(
            finding(gate, column, FindingVerdict::Fail, message),
            gate.severity,
        )]);
    };
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        rows.entry(value.as_deref().unwrap_or("null")).or_default().push(row);
    }
    let mut out = Vec::new();
    let mut judged = 0;
    for (value, rows) in rows {
        let slice = format!("{column} = {value}");
        let fair: Vec<usize> =
            rows.iter().copied().filter(|row| evidence.fair.binary_search(row).is_ok()).collect();
        let counted = if gate.compare.is_some() { fair.len() } else { rows.len() };
        if (counted as u64) < gate.slice_rows_min {
            let message =
                format!("{slice} has {counted} rows, at least {} are judged", gate.slice_rows_min);
            let told = finding(gate, &slice, FindingVerdict::Inconclusive, message);
            out.push(Judgement { finding: told, binds: false });
            continue;
        }
        let unable = |lack: &CompareError| {
            let message = format!("{slice} is not judged: {lack}");
            let told = finding(gate, &slice, FindingVerdict::Inconclusive, message);
            Judgement { finding: told, binds: false }
        };
        if let Some(lack) = lack_of_value(evidence, gate, &rows) {
            out.push(unable(&lack));
        } else {
            let found = threshold(evidence, gate, Some(&slice), &rows)?;
            judged += found.len();
            out.extend(found);
        }
        if let Some(lack) = lack_of_comparison(evidence, gate, &fair) {
            out.push(unable(&lack));
        } else {
            let found = comparison(evidence, gate, Some(&slice), &fair);
            judged += usize::from(found.is_some());
            out.extend(found);
        }
    }
    if judged == 0 {
        let message = format!("no value of `{column}` has rows enough to be judged by");
        let told = finding(gate, column, FindingVerdict::Inconclusive, message);
        out.push(bound(told, gate.severity));
    }
    Ok(out)
}

/// What the rows of a slice lack to have a value that could be held against limits: a metric that rests on
/// each class says nothing of a class with few rows, or none.
fn lack_of_value(evidence: &Evidence<'_>, gate: &GateSpec, rows: &[usize]) -> Option<CompareError> {
    let is_limited = gate.min.is_some() || gate.max.is_some();
    let metric = metric::find(&gate.metric).filter(|_| is_limited)?;
    evidence.lack(metric, rows).filter(|lack| match lack {
        CompareError::SmallClass { .. } => metric.rests_on == RestsOn::EachClass,
        CompareError::ConstantLabel { .. } => true,
        _ => false,
    })
}

/// What the rows of a slice lack to compare the champion on, where there is one.
fn lack_of_comparison(
    evidence: &Evidence<'_>,
    gate: &GateSpec,
    rows: &[usize],
) -> Option<CompareError> {
    let is_compared = gate.compare.is_some() && evidence.baseline.is_some();
    evidence.lack(metric::find(&gate.metric).filter(|_| is_compared)?, rows)
}

fn finding(gate: &GateSpec, slice: &str, verdict: FindingVerdict, message: String) -> Finding {
    let id = gate.compare.map_or("threshold", |rule| rule.id());
    let mut out = Finding::new(FindingKind::Gate, id, verdict, message);
    out.metric = Some(gate.metric.clone());
    out.slice = Some(slice.to_owned());
    out
}
