//! The gates of a candidate: what it shows on the rows held out, against limits, the champion and a constant.
//!
//! Candidate and champion are scored on the same rows, and only on rows that neither was fitted on; what
//! that leaves out is said. Every gate is judged, none stops another. What follows is decided in
//! `domain::gate`.

/// The candidate and the champion on the same rows.
mod evidence;
/// What is on the disk.
pub mod infra;
/// What stands in for a model: a constant, the last label.
mod naive;
/// Why there is no comparison.
mod obstacle;
/// One value of a column after the other.
mod slices;

use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::gate::{Difference, Judgement, compare_verdict, threshold_verdict};
use crate::domain::job::policy::{CompareRule, GateSpec, Severity};
use crate::engine::disagreement::{DISAGREEMENT, measures};
use crate::engine::error::RunError;
use crate::learn::agreement::Agreement;
use crate::learn::compare::Comparison;
use crate::learn::metric::{self, Metric};

use self::obstacle::Obstacle;

pub use self::evidence::{Baseline, Evidence, HeldOut};

/// Judges a candidate by everything that its job asks for; `infra` is judged where the version is stored.
pub fn judge(evidence: &Evidence<'_>) -> Result<Vec<Judgement>, RunError> {
    let mut out = naive::judge(evidence);
    for gate in &evidence.job.gates {
        if gate.slice.is_some() {
            out.extend(slices::judge(evidence, gate)?);
        } else {
            out.extend(whole(evidence, gate)?);
        }
    }
    out.extend(overlap(evidence));
    out.extend(disagreement(evidence));
    Ok(out)
}

/// Judges one gate on all rows.
fn whole(evidence: &Evidence<'_>, gate: &GateSpec) -> Result<Vec<Judgement>, RunError> {
    let all: Vec<usize> = (0..evidence.held_out.rows()).collect();
    let mut out = threshold(evidence, gate, None, &all)?;
    out.extend(comparison(evidence, gate, None, &evidence.fair));
    Ok(out)
}

/// Holds the value of a metric on `rows` against the limits of a gate, if it has any.
fn threshold(
    evidence: &Evidence<'_>,
    gate: &GateSpec,
    slice: Option<&str>,
    rows: &[usize],
) -> Result<Vec<Judgement>, RunError> {
    if gate.min.is_none() && gate.max.is_none() {
        return Ok(Vec::new());
    }
    let metrics = evidence.held_out.metrics(evidence.job, rows)?;
    let value = metrics.get(gate.metric.as_str()).map(|found| found.value);
    let verdict = threshold_verdict(value.unwrap_or(f64::NAN), gate.min, gate.max);
    let limits = match (gate.min, gate.max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => String::new(),
    };
    let place = in_slice(slice, rows.len());
    let message = match value {
        Some(value) => format!("{} is {value:.4} {place}, wanted {limits}", gate.metric),
        None => format!("{} is not defined {place}, wanted {limits}", gate.metric),
    };
    let mut finding = Finding::new(FindingKind::Gate, "threshold", verdict, message);
    finding.slice = slice.map(str::to_owned);
    finding.metric = Some(gate.metric.clone());
    finding.value = value;
    finding.limit = gate.min.or(gate.max);
    Ok(vec![bound(finding, gate.severity)])
}

/// Compares with the champion on `rows`, if the gate asks for it.
fn comparison(
    evidence: &Evidence<'_>,
    gate: &GateSpec,
    slice: Option<&str>,
    rows: &[usize],
) -> Option<Judgement> {
    let rule = gate.compare?;
    let mut finding = Finding::new(FindingKind::Gate, rule.id(), FindingVerdict::Fail, "");
    finding.slice = slice.map(str::to_owned);
    finding.metric = Some(gate.metric.clone());
    let Some(baseline) = &evidence.baseline else {
        finding.verdict = FindingVerdict::NotApplicable;
        "there is no champion to compare it with".clone_into(&mut finding.message);
        return Some(bound(finding, gate.severity));
    };
    let found = match metric::find(&gate.metric) {
        Some(metric) => evidence.compare(metric, rows, gate.confidence),
        None => Err(Obstacle::new("the metric is not known; this is a bug".to_owned())),
    };
    match found {
        Ok(found) => {
            let margin = margin(evidence, gate, rows, &found);
            let Comparison { difference, low, high, .. } = found;
            let interval = Difference { value: difference, low, high };
            finding.verdict = compare_verdict(rule, interval, margin);
            finding.message = told(gate, &found, &format!("of {}", baseline.version), margin);
            let limit = if rule == CompareRule::Superiority { 0.0 } else { margin };
            set_numbers(&mut finding, &found, limit);
        }
        Err(obstacle) => {
            finding.verdict = obstacle.verdict();
            finding.message = format!("{} cannot be compared: {}", gate.metric, obstacle.told());
        }
    }
    if let Some(slice) = slice {
        finding.message = format!("in {slice}: {}", finding.message);
    }
    Some(bound(finding, gate.severity))
}

/// How much worse than the champion is not worse; NaN, with which no gate passes, if nothing says so.
fn margin(evidence: &Evidence<'_>, gate: &GateSpec, rows: &[usize], found: &Comparison) -> f64 {
    let unit = gate.margin_unit().filter(|unit| *unit != gate.metric).and_then(metric::find);
    let champion = match unit {
        Some(unit) if gate.margin.is_none() => evidence.of_baseline(unit, rows),
        _ => Ok(found.baseline),
    };
    champion.map_or(f64::NAN, |champion| gate.margin_of(champion))
}

fn set_numbers(finding: &mut Finding, found: &Comparison, limit: f64) {
    finding.value = Some(found.candidate);
    finding.baseline = Some(found.baseline);
    finding.low = Some(found.low);
    finding.high = Some(found.high);
    finding.p_value = found.p_value;
    finding.limit = Some(limit);
}

/// A comparison in words: values, difference with its interval, margin, and what could be detected.
fn told(gate: &GateSpec, found: &Comparison, whose: &str, margin: f64) -> String {
    let Comparison { test, rows, candidate, baseline, difference, low, high, mde, .. } = *found;
    let wanted = match gate.compare {
        Some(CompareRule::Superiority) => "wanted above 0".to_owned(),
        Some(CompareRule::Point) => format!("margin {margin:.4}, no evidence asked for"),
        _ => format!("margin {margin:.4}"),
    };
    let detects = mde.map_or_else(String::new, |mde| format!(", detects {mde:.4}"));
    let level = 200.0 * gate.confidence - 100.0;
    format!(
        "{} {candidate:.4} against {baseline:.4} {whose} on {rows} rows: gain {difference:+.4}, \
         {level:.0} % interval {low:.4} to {high:.4}, {wanted} ({test}{detects})",
        gate.metric
    )
}

/// What a failure of a gate means: one that only warns keeps nobody back.
fn bound(mut finding: Finding, severity: Severity) -> Judgement {
    let binds = severity == Severity::Block;
    if !binds && finding.verdict == FindingVerdict::Fail {
        finding.verdict = FindingVerdict::Warn;
    }
    Judgement { finding, binds }
}

fn in_slice(slice: Option<&str>, rows: usize) -> String {
    match slice {
        Some(slice) => format!("in {slice} ({rows} rows)"),
        None => format!("on {rows} rows held out"),
    }
}

/// Rows that the comparison leaves out because the champion was fitted on them.
fn overlap(evidence: &Evidence<'_>) -> Option<Judgement> {
    let baseline = evidence.baseline.as_ref()?;
    let (all, fair) = (evidence.held_out.rows(), evidence.fair.len());
    if fair == all {
        return None;
    }
    let left_out = all - fair;
    let message = format!(
        "{left_out} of {all} rows held out were among those that {} was fitted on; they are left out of \
         the comparison",
        baseline.version
    );
    let mut finding = Finding::new(FindingKind::Gate, "overlap", FindingVerdict::Warn, message);
    finding.value = Some(left_out as f64);
    Some(Judgement { finding, binds: false })
}

/// How much the two differ on rows that neither has seen: the watch allows as much, and some more.
fn disagreement(evidence: &Evidence<'_>) -> Vec<Judgement> {
    let Some(baseline) = &evidence.baseline else { return Vec::new() };
    let Some(scores) = &baseline.scores else { return Vec::new() };
    let mut agreement = Agreement::default();
    let keep: Vec<bool> = {
        let mut keep = vec![false; evidence.held_out.rows()];
        evidence.fair.iter().for_each(|row| keep[*row] = true);
        keep
    };
    let threshold = evidence.job.score.threshold;
    agreement.update(evidence.held_out.scores, scores, threshold, Some(&keep));
    measures(&agreement, baseline.artifact)
        .into_iter()
        .map(|(metric, found)| {
            let message = format!(
                "{metric} {:.4} against {} on {} rows held out; the watch starts from here",
                found.value,
                baseline.version,
                agreement.rows()
            );
            let mut finding =
                Finding::new(FindingKind::Gate, DISAGREEMENT, FindingVerdict::Pass, message);
            finding.metric = Some(metric.to_owned());
            finding.value = Some(found.value);
            finding.low = Some(found.low);
            Judgement { finding, binds: false }
        })
        .collect()
}

/// The metric that a job is judged by if it does not say otherwise.
fn first_metric(evidence: &Evidence<'_>) -> &'static Metric {
    metric::first_metric(evidence.job.model.task)
}
