//! A gate on one value of a column after the other.
//!
//! A slice with fewer rows than `slice_rows_min` is not judged: it is told as inconclusive and keeps
//! nobody back, or a single rare value would hold every candidate. If no slice has enough rows the gate
//! itself is inconclusive.

use std::collections::BTreeMap;

use super::{Evidence, bound, comparison, threshold};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::gate::Judgement;
use crate::domain::job::policy::GateSpec;
use crate::engine::error::RunError;

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
        judged += 1;
        out.extend(threshold(evidence, gate, Some(&slice), &rows)?);
        out.extend(comparison(evidence, gate, Some(&slice), &fair));
    }
    if judged == 0 {
        let message = format!("no value of `{column}` has enough rows to be judged");
        let told = finding(gate, column, FindingVerdict::Inconclusive, message);
        out.push(bound(told, gate.severity));
    }
    Ok(out)
}

fn finding(gate: &GateSpec, slice: &str, verdict: FindingVerdict, message: String) -> Finding {
    let id = gate.compare.map_or("threshold", |rule| rule.id());
    let mut out = Finding::new(FindingKind::Gate, id, verdict, message);
    out.metric = Some(gate.metric.clone());
    out.slice = Some(slice.to_owned());
    out
}
