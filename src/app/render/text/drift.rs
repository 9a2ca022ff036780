//! A comparison with a reference as a table: the worst column first, the verdict of all of them last.
//!
//! The first line of a column has the test that decides, with its floor and the p-value that alpha is held
//! against; further tests have a line each, and only tell. Where importances are known they have a column,
//! for the order follows them. What is said of all columns together has a line before the verdict.

use crate::app::render::text::format::{NONE, count, counted, instant, measure};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone, inline};
use crate::domain::drift::{ColumnVerdict, DataVerdict};
use crate::domain::finding::{Finding, FindingVerdict};
use crate::engine::drift::RecordedDrift;
use crate::engine::drift::tables::TablesDrift;
use crate::learn::drift::{ColumnDrift, DriftReport, Measured, Subject};

/// The comparison of a run.
pub(crate) fn run(found: &RecordedDrift, paint: Paint) -> String {
    let RecordedDrift { run, tick, version, report, separation: all, against, has_scores } = found;
    let title = format!("run {run} of tick {}, {version}, against {against}", instant(*tick));
    let mut out = heading(&title, paint);
    if !has_scores {
        out.push_str("  without scores: those of the version that was judged are not on record\n");
    }
    out += &columns(report, paint);
    out.extend(all.iter().map(|finding| separation(finding, paint)));
    out + &verdict(report, paint)
}

/// The comparison of two tables.
pub(crate) fn tables(found: &TablesDrift, against: &str, paint: Paint) -> String {
    let rows = &found.rows;
    let (before, now) = (count(rows.reference), counted(rows.current, "row", "rows"));
    let title = format!("{now} against the {before} of {against}");
    let all = separation(&found.separation, paint);
    heading(&title, paint) + &columns(&found.report, paint) + &all + &verdict(&found.report, paint)
}

fn heading(text: &str, paint: Paint) -> String {
    format!("{}\n", paint.tone(Tone::Strong, &inline(text)))
}

fn columns(report: &DriftReport, paint: Paint) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let mut headings = vec![
        ("column", left),
        ("verdict", left),
        ("test", left),
        ("effect", right),
        ("floor", right),
        ("statistic", right),
        ("p", right),
        ("adjusted", right),
        ("rows", right),
        ("before", right),
    ];
    // Two tables have no model, and versions of an earlier nightshift no importances.
    let has_importances = report.columns.iter().any(|column| column.importance.is_some());
    if has_importances {
        headings.push(("importance", right));
    }
    let mut table = Table::new(&headings).indented(2);
    let mut broken = String::new();
    for column in report.worst_first() {
        let (first, more) = match column.measured.split_first() {
            Some((first, more)) => (Some(first), more),
            None => (None, [].as_slice()),
        };
        let mut row = first_row(column, first);
        if has_importances {
            row.push(maybe(column.importance));
        }
        table.row(row);
        for measured in more {
            table.row(further_row(measured));
        }
        if let Some(reason) = &column.broken {
            broken.extend([format!("  {}: {}\n", inline(&column.column), inline(reason))]);
        }
    }
    table.render(paint) + &broken
}

/// A column with the test that decides.
fn first_row(column: &ColumnDrift, first: Option<&Measured>) -> Vec<Cell> {
    let name = match column.subject {
        Subject::Feature => column.column.clone(),
        subject if column.column == subject.id() => column.column.clone(),
        subject => format!("{} ({})", column.column, subject.id()),
    };
    let tone = match column.verdict {
        ColumnVerdict::Stable => Tone::Good,
        ColumnVerdict::InsufficientData => Tone::Faint,
        ColumnVerdict::Drifted | ColumnVerdict::Broken => Tone::Bad,
    };
    let [effect, statistic, p] = numbers(first);
    let rows = |rows| if column.broken.is_some() { NONE.to_owned() } else { count(rows) };
    vec![
        name.into(),
        Cell::toned(column.verdict.id(), tone),
        first.map_or(NONE, |first| first.test).into(),
        effect,
        measure(column.floor).into(),
        statistic,
        p,
        maybe(column.p_adjusted),
        rows(column.rows.current).into(),
        rows(column.rows.reference).into(),
    ]
}

/// Another test of the same column, which only tells.
fn further_row(measured: &Measured) -> Vec<Cell> {
    let [effect, statistic, p] = numbers(Some(measured));
    vec!["".into(), "".into(), measured.test.into(), effect, "".into(), statistic, p]
}

fn numbers(measured: Option<&Measured>) -> [Cell; 3] {
    let shift = measured.and_then(|measured| measured.shift);
    let p = measured.and_then(|measured| measured.p_value);
    [shift.map(|shift| shift.effect), shift.map(|shift| shift.statistic), p].map(maybe)
}

fn maybe(value: Option<f64>) -> Cell {
    value.map_or_else(|| NONE.to_owned(), measure).into()
}

/// All columns together, which decides nothing.
fn separation(finding: &Finding, paint: Paint) -> String {
    let tone = if finding.verdict == FindingVerdict::Pass { Tone::Good } else { Tone::Warning };
    let verdict = paint.tone(tone, finding.verdict.id());
    format!("  {}: {verdict}: {}\n", finding.id, inline(&finding.message))
}

fn verdict(report: &DriftReport, paint: Paint) -> String {
    let with = |wanted: &[ColumnVerdict]| {
        report.columns.iter().filter(|column| wanted.contains(&column.verdict)).count() as u64
    };
    let drifted = with(&[ColumnVerdict::Drifted, ColumnVerdict::Broken]);
    let judged = drifted + with(&[ColumnVerdict::Stable]);
    let (tone, told) = match report.verdict {
        DataVerdict::InsufficientData => {
            let least = counted(report.rule.rows_min, "row", "rows");
            (Tone::Warning, format!("no column has {least} on both sides"))
        }
        verdict => {
            let is_stable = verdict == DataVerdict::Stable;
            let columns = counted(judged, "column", "columns");
            let told = format!("{} of {columns} drifted or broken", count(drifted));
            let limit = measure(report.rule.share);
            let tone = if is_stable { Tone::Good } else { Tone::Bad };
            (tone, format!("{told}, {limit} of them is the limit; alpha {}", report.rule.alpha))
        }
    };
    format!("{}: {told}\n", paint.tone(tone, report.verdict.id()))
}
