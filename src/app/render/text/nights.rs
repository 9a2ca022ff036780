//! Many ticks in one table: what each found, what it led to, and who was champion afterwards.
//!
//! One line a tick, narrow enough to be pasted into a chat. The numbers that decided are those of the
//! findings; `show` has all of them.

use crate::app::render::text::format::{NONE, count, counted, measure};
use crate::app::render::text::run::ending;
use crate::app::render::text::{Align, Cell, Paint, Table, Tone, inline};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::run::{RunKind, Trigger, Verdict};
use crate::engine::report::RunReport;

/// What became of one tick.
pub(crate) enum Night<'a> {
    /// A run, with those around it.
    Run(&'a RunReport),
    /// Why there is none, in one line.
    Failed(String),
}

/// The table of ticks, each called by `name`.
pub(crate) fn nights(nights: &[(String, Night<'_>)], paint: Paint) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("tick", left),
        ("rows", right),
        ("worst drift", left),
        ("ended", left),
        ("trained", left),
        ("by the gates", left),
        ("champion", left),
    ]);
    let mut reasons = String::new();
    for (name, night) in nights {
        match night {
            Night::Failed(reason) => {
                reasons.extend([format!("{name}: {}\n", inline(reason))]);
                let failed = Cell::toned("failed", Tone::Bad);
                table.row([name.as_str().into(), NONE.into(), NONE.into(), failed]);
            }
            Night::Run(report) => {
                let (word, tone) = ending(report);
                table.row([
                    name.as_str().into(),
                    count(report.rows.scored).into(),
                    worst_drift(&report.findings).into(),
                    Cell::toned(word, tone),
                    trained(report).into(),
                    gates(report).into(),
                    champion(report).into(),
                ]);
            }
        }
    }
    table.render(paint) + &reasons
}

/// The worst column with its effect; findings are on record with the worst first.
fn worst_drift(findings: &[Finding]) -> String {
    let columns = judged_columns(findings);
    let Some(worst) = columns.first() else { return NONE.to_owned() };
    let value = worst.value.map_or_else(|| "broken".to_owned(), measure);
    let column = worst.column.as_deref().unwrap_or(NONE);
    let drifted = columns.iter().filter(|finding| finding.verdict == FindingVerdict::Fail).count();
    format!("{column} {value} ({drifted} of {})", columns.len())
}

/// The findings about columns that had enough rows.
fn judged_columns(findings: &[Finding]) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Drift && finding.column.is_some())
        .filter(|finding| finding.verdict != FindingVerdict::Inconclusive)
        .collect()
}

/// The training that came with a tick, before it or after it.
fn training(report: &RunReport) -> Option<&RunReport> {
    let mut around = report.followed_by.iter().rev().chain(report.preceded_by.iter().rev());
    around.find(|run| run.kind == RunKind::Train)
}

fn trained(report: &RunReport) -> String {
    let Some(run) = training(report) else {
        let corrections = report.followed_by.iter().filter(|run| run.trigger == Trigger::Rollback);
        let ticks = u64::try_from(corrections.count()).unwrap_or(u64::MAX);
        return match report.verdict {
            Some(Verdict::RolledBack) => {
                format!("{} scored again", counted(ticks, "tick", "ticks"))
            }
            _ => held_back(&report.findings),
        };
    };
    let version = run.model.as_ref().map_or_else(String::new, |model| model.version.to_string());
    let (word, _) = ending(run);
    format!("{version} {word} ({})", run.trigger)
}

/// Why nothing was trained though there was a reason to.
fn held_back(findings: &[Finding]) -> String {
    let is_held = |finding: &&Finding| {
        finding.kind == FindingKind::Trigger && finding.verdict == FindingVerdict::NotApplicable
    };
    if findings.iter().any(|finding| is_held(&finding)) {
        "cool-down".to_owned()
    } else {
        String::new()
    }
}

/// The numbers that decided: what kept a candidate back or took a champion down, else the comparison with
/// the champion, else that with the constant predictor.
fn gates(report: &RunReport) -> String {
    let findings = training(report).map_or(&report.findings, |run| &run.findings);
    let with_numbers = |finding: &&Finding| {
        let decides = match finding.kind {
            FindingKind::Gate => finding.verdict != FindingVerdict::NotApplicable,
            FindingKind::Watch => finding.verdict == FindingVerdict::Fail,
            _ => false,
        };
        decides && finding.metric.is_some() && finding.value.is_some()
    };
    let weight = |finding: &&Finding| match (finding.verdict, finding.id.as_str()) {
        (FindingVerdict::Fail, _) => 4,
        (FindingVerdict::Inconclusive, _) => 3,
        (_, "beat_last_value" | "disagreement") => 0,
        (_, "beat_dummy") => 1,
        _ => 2,
    };
    // Of equals the first: gates stand in the order of the file.
    let Some(finding) = findings.iter().filter(with_numbers).rev().max_by_key(weight) else {
        return String::new();
    };
    let metric = finding.metric.as_deref().unwrap_or_default();
    match (finding.kind, finding.value, finding.baseline, finding.low, finding.high) {
        (FindingKind::Watch, Some(value), _, _, _) => {
            let limit = finding.limit.map_or_else(String::new, measure);
            format!("{metric} {}, limit {limit}", measure(value))
        }
        (_, Some(value), Some(baseline), Some(low), Some(high)) => format!(
            "{metric} {} vs {}, {} to {}",
            measure(value),
            measure(baseline),
            difference(low),
            difference(high)
        ),
        (_, Some(value), ..) => format!("{metric} {}", measure(value)),
        _ => String::new(),
    }
}

/// An end of an interval: with its sign, and no finer than the values beside it.
fn difference(value: f64) -> String {
    if value.abs() < 1.0 { format!("{value:+.4}") } else { format!("{value:+.2}") }
}

/// Who publishes after this tick.
fn champion(report: &RunReport) -> String {
    let promoted = training(report).filter(|run| run.verdict == Some(Verdict::Promoted));
    let publishes = promoted.or(Some(report)).and_then(|run| run.model.as_ref());
    publishes.map_or_else(|| NONE.to_owned(), |model| model.version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;

    const PLAIN: Paint = Paint { color: false };

    fn finding(kind: FindingKind, id: &str, verdict: FindingVerdict) -> Finding {
        Finding::new(kind, id, verdict, "told")
    }

    #[test]
    fn a_tick_is_one_line() {
        let mut drift = finding(FindingKind::Drift, "psi", FindingVerdict::Fail);
        drift.column = Some("alcohol".to_owned());
        (drift.value, drift.limit) = (Some(0.512), Some(0.1));
        let mut gate = finding(FindingKind::Gate, "non_inferiority", FindingVerdict::Pass);
        gate.metric = Some("roc_auc".to_owned());
        (gate.value, gate.baseline) = (Some(0.81), Some(0.8));
        (gate.low, gate.high) = (Some(-0.002), Some(0.022));
        let mut training = example::score_run();
        training.kind = RunKind::Train;
        training.trigger = Trigger::Drift;
        training.verdict = Some(Verdict::Promoted);
        training.findings = vec![gate];
        let mut report = example::score_run();
        report.verdict = Some(Verdict::Drift);
        report.findings = vec![drift];
        report.followed_by = vec![training];
        let told = [
            ("2026-01-05".to_owned(), Night::Run(&report)),
            ("2026-01-06".to_owned(), Night::Failed("no file".to_owned())),
        ];
        insta::assert_snapshot!(nights(&told, PLAIN), @r"
        tick         rows  worst drift              ended   trained              by the gates                                  champion
        2026-01-05  1,598  alcohol 0.5120 (1 of 1)  drift   v3 promoted (drift)  roc_auc 0.8100 vs 0.8000, -0.0020 to +0.0220  v3
        2026-01-06      -  -                        failed
        2026-01-06: no file
        ");
    }
}
