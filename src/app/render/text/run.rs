//! A run as an operator wants to know it: how it ended first, then rows, model, files and findings.
//!
//! `run` and `show` print the same text. Findings that pass are counted and not listed; how grave one is
//! was decided long before.

use crate::adapters::lock::Beat;
use crate::app::exit::Exit;
use crate::app::render::text::format::{NONE, bytes, count, instant, measure, seconds, short};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone};
use crate::domain::finding::{Finding, FindingVerdict};
use crate::domain::run::RunKind;
use crate::engine::report::{OutputFile, RunReport};

/// Most findings that are listed; the rest is counted.
const FINDINGS_MAX: usize = 20;

/// The run with the runs that came before it and those that it caused, in the order of their execution.
pub(crate) fn chain(report: &RunReport, paint: Paint) -> String {
    let mut blocks = Vec::new();
    collect(report, paint, &mut blocks);
    blocks.join("\n")
}

/// The word that says how a run ended, or where it stands.
pub(crate) fn ending(report: &RunReport) -> (String, Tone) {
    let word = report.verdict.map_or_else(|| report.state.id(), |verdict| verdict.id());
    let alone = Exit::of_report(&RunReport {
        preceded_by: Vec::new(),
        followed_by: Vec::new(),
        ..report.clone()
    });
    let tone = match alone {
        Exit::Done | Exit::NothingToDo => Tone::Good,
        Exit::Drifted | Exit::Rejected | Exit::RolledBack => Tone::Warning,
        _ => Tone::Bad,
    };
    (word.replace('_', " "), tone)
}

fn collect(report: &RunReport, paint: Paint, blocks: &mut Vec<String>) {
    for earlier in &report.preceded_by {
        collect(earlier, paint, blocks);
    }
    blocks.push(block(report, paint));
    for later in &report.followed_by {
        collect(later, paint, blocks);
    }
}

fn block(report: &RunReport, paint: Paint) -> String {
    let (word, tone) = ending(report);
    let title = paint.tone(Tone::Strong, &format!("{} `{}`", report.kind, report.job));
    let mut out = format!("{title}: {}\n", paint.tone(tone, &word));
    out.push_str(&facts(report).render(paint));
    out.push_str(&findings(&report.findings, paint));
    out
}

fn facts(report: &RunReport) -> Table {
    let mut table = Table::fields().indented(2);
    table.field("run", origin(report));
    table.field("tick", tick(report));
    table.field("rows", rows(report));
    if let Some(beat) = &report.progress {
        table.field("progress", format!("{} ({})", progress(beat), instant(beat.at)));
    }
    if let Some(model) = &report.model {
        let text = format!("{} {} ({})", model.name, model.version, short(&model.sha256));
        table.field("model", text);
    }
    for (place, file) in report.outputs.iter().enumerate() {
        table.field(if place == 0 { "output" } else { "" }, output(file));
    }
    if let Some(decision) = &report.decision {
        table.field("decision", format!("{}: {}", decision.action, decision.reason));
    }
    if let Some(error) = &report.error {
        table.field("error", Cell::toned(error, Tone::Bad));
    }
    if !report.stages.is_empty() {
        let total: f64 = report.stages.iter().map(|stage| stage.seconds).sum();
        let each = report.stages.iter().map(|s| format!("{} {}", s.name, seconds(s.seconds)));
        let each = each.collect::<Vec<_>>().join(", ");
        table.field("time", format!("{}: {each}", seconds(total)));
    }
    if let Some(peak) = report.peak_rss_bytes {
        table.field("memory", format!("{} at most", bytes(peak)));
    }
    table
}

/// How far a run is that is being executed.
pub(crate) fn progress(beat: &Beat) -> String {
    let Beat { stage, rows_read, rows_of, rows_scored, .. } = beat;
    if *rows_read == 0 {
        return stage.clone();
    }
    let of = rows_of.map_or_else(String::new, |rows| format!(" of {}", count(rows)));
    let scored = match rows_scored {
        0 => String::new(),
        rows => format!(", {} scored", count(*rows)),
    };
    format!("{stage}, {}{of} rows read{scored}", count(*rows_read))
}

fn origin(report: &RunReport) -> String {
    let revision = match report.revision {
        0 => String::new(),
        number => format!(", revision {number}"),
    };
    let attempts = match report.attempts.len() {
        0 | 1 => String::new(),
        number => format!(", {number} attempts"),
    };
    format!("{} ({}{revision}{attempts}, {})", report.run, report.trigger, report.state)
}

fn tick(report: &RunReport) -> String {
    match report.interval.start {
        Some(start) => format!("{} (data from {})", instant(report.tick), instant(start)),
        None => instant(report.tick),
    }
}

fn rows(report: &RunReport) -> String {
    let rows = report.rows;
    match report.kind {
        RunKind::Score => format!(
            "{} read, {} scored, {} quarantined",
            count(rows.read),
            count(rows.scored),
            count(rows.quarantined)
        ),
        RunKind::Train => format!("{} read, {} fitted on", count(rows.read), count(rows.scored)),
    }
}

fn output(file: &OutputFile) -> String {
    let rows = match file.role.as_str() {
        "part" | "quarantine" => format!("{} rows, ", count(file.rows)),
        _ => String::new(),
    };
    format!("{} ({rows}{})", file.path, bytes(file.bytes))
}

/// Findings that do not pass, the gravest first; those that pass are only counted.
fn findings(findings: &[Finding], paint: Paint) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let (passed, mut told): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.verdict == FindingVerdict::Pass);
    told.sort_by_key(|finding| rank(finding.verdict));
    let mut out = format!("  {} of {} findings pass\n", count_of(&passed), count_of(findings));
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::aligned(&[left, left, left, right, right, left]).indented(4);
    for finding in told.iter().take(FINDINGS_MAX) {
        table.row([
            Cell::toned(finding.verdict.id().replace('_', " "), tone(finding.verdict)),
            finding.id.as_str().into(),
            finding.column.as_deref().or(finding.metric.as_deref()).unwrap_or(NONE).into(),
            finding.value.map_or_else(|| NONE.to_owned(), measure).into(),
            finding
                .limit
                .map_or_else(String::new, |limit| format!("limit {}", measure(limit)))
                .into(),
            finding.message.as_str().into(),
        ]);
    }
    out.push_str(&table.render(paint));
    if told.len() > FINDINGS_MAX {
        let rest = count_of(&told[FINDINGS_MAX..]);
        out.extend([format!("    and {rest} more, see `--output json`\n")]);
    }
    out
}

fn count_of<T>(list: &[T]) -> String {
    count(u64::try_from(list.len()).unwrap_or(u64::MAX))
}

fn rank(verdict: FindingVerdict) -> u8 {
    match verdict {
        FindingVerdict::Fail => 0,
        FindingVerdict::Inconclusive => 1,
        FindingVerdict::Warn => 2,
        FindingVerdict::NotApplicable => 3,
        FindingVerdict::Pass => 4,
    }
}

fn tone(verdict: FindingVerdict) -> Tone {
    match verdict {
        FindingVerdict::Pass => Tone::Good,
        FindingVerdict::Warn | FindingVerdict::Inconclusive => Tone::Warning,
        FindingVerdict::Fail => Tone::Bad,
        FindingVerdict::NotApplicable => Tone::Faint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;
    use crate::domain::finding::FindingKind;
    use crate::domain::run::{State, Trigger, Verdict};

    const PLAIN: Paint = Paint { color: false };

    #[test]
    fn a_run_tells_its_ending_first() {
        insta::assert_snapshot!(chain(&example::score_run(), PLAIN), @r"
        score `wine`: ok
          run       01ke5ztv200000000000000007 (manual, committed)
          tick      2026-01-05T02:30:00Z
          rows      1,599 read, 1,598 scored, 1 quarantined
          model     wine v3 (cdcdcdcdcdcd)
          output    scores/wine/tick=20260105T023000Z/part-0000.parquet (1,598 rows, 20.0 KiB)
          decision  publish: no finding forbids it
          time      1.51 s: read 12 ms, commit 1.50 s
          memory    64.0 MiB at most
          0 of 1 findings pass
            warn  not_null  pH  1    1 of 1,599 rows has no value in `pH`
        ");
    }

    #[test]
    fn a_chain_is_told_in_the_order_it_ran() {
        let mut report = example::score_run();
        let mut training = example::score_run();
        training.kind = RunKind::Train;
        training.trigger = Trigger::Initial;
        training.verdict = Some(Verdict::Promoted);
        report.preceded_by = vec![training];
        let text = chain(&report, PLAIN);
        let (first, second) = (text.find("train `wine`: promoted"), text.find("score `wine`: ok"));
        assert!(first.is_some() && first < second, "{text}");
        assert!(text.contains("1,599 read, 1,598 fitted on"), "{text}");
    }

    #[test]
    fn a_failed_run_tells_its_error() {
        let mut report = example::score_run();
        report.state = State::Failed;
        report.verdict = None;
        report.error = Some("no\nspace".to_owned());
        let text = chain(&report, PLAIN);
        assert!(
            text.starts_with("score `wine`: failed\n") && text.contains("no\\nspace"),
            "{text}"
        );
    }

    #[test]
    fn the_gravest_findings_come_first_and_the_list_ends() {
        let mut report = example::score_run();
        let fail =
            Finding::new(FindingKind::Check, "between", FindingVerdict::Fail, "out of range");
        report.findings = vec![report.findings[0].clone(); FINDINGS_MAX + 4];
        report.findings.push(fail);
        let text = chain(&report, PLAIN);
        let (fail, warn) = (text.find("fail  between"), text.find("warn  not_null"));
        assert!(fail.is_some() && fail < warn, "{text}");
        assert!(text.contains("and 5 more"), "{text}");
    }
}
