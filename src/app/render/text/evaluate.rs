//! Metrics of a table of predictions, what they are against a baseline, and of which groups.
//!
//! A table of groups shows the metrics that are looked at first; the JSON has all of them.

use crate::app::render::text::format::{NONE, count, counted, measure, metric};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone, inline};
use crate::domain::job::Task;
use crate::domain::registry::MetricValue;
use crate::engine::evaluate::{EvaluateRequest, Evaluation, Group};
use crate::learn::metric::METRICS;
use crate::learn::metric::fairness::Disparity;

/// Everything that was found.
pub(crate) fn evaluation(request: &EvaluateRequest, found: &Evaluation, paint: Paint) -> String {
    let mut out = counted(found.rows, "row", "rows");
    if found.rows_without_label > 0 {
        let left_out = counted(found.rows_without_label, "more was", "more were");
        out.extend([format!("; {left_out} left out without `{}`", inline(&request.label))]);
    }
    if let Some(positive) = &found.positive {
        let (positive, threshold) = (inline(positive), request.threshold);
        out.extend([format!("; positive is `{positive}`, from {threshold} on")]);
    }
    out.push('\n');
    out.push_str(&heading(&format!("metrics of {}, intervals at 95 %", request.score), paint));
    let mut table = Table::fields().indented(2);
    for known in METRICS.iter().filter(|known| known.tasks.contains(&request.task)) {
        let value = found.metrics.get(known.id);
        table.field(known.id, value.map_or_else(|| NONE.to_owned(), metric));
    }
    out.push_str(&table.render(paint));
    if let Some(against) = &request.against {
        let percent = measure(request.confidence * 100.0);
        let title = format!(
            "{} against {against}, bounds at {percent} % one-sided, positive is better",
            request.score
        );
        out.push_str(&heading(&title, paint));
        out.push_str(&comparisons(found, paint));
    }
    if let Some(column) = &request.group {
        out.push_str(&heading(&format!("by {column}"), paint));
        out.push_str(&groups(request.task, &found.groups, paint));
    }
    if let Some(disparity) = &found.disparity {
        out.push_str(&gaps(disparity));
    }
    out
}

fn heading(text: &str, paint: Paint) -> String {
    format!("{}\n", paint.tone(Tone::Strong, &inline(text)))
}

fn comparisons(found: &Evaluation, paint: Paint) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("metric", left),
        ("test", left),
        ("candidate", right),
        ("baseline", right),
        ("difference", right),
        ("low", right),
        ("high", right),
        ("p", right),
        ("mde", right),
    ])
    .indented(2);
    let mut silent = String::new();
    for told in &found.comparisons {
        let found = match &told.found {
            Ok(found) => found,
            Err(error) => {
                silent.extend([format!("  {}\n", inline(&error.to_string()))]);
                continue;
            }
        };
        let maybe = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), measure);
        table.row([
            Cell::toned(told.metric.id, Tone::Faint),
            found.test.into(),
            measure(found.candidate).into(),
            measure(found.baseline).into(),
            measure(found.difference).into(),
            measure(found.low).into(),
            measure(found.high).into(),
            maybe(found.p_value).into(),
            maybe(found.mde).into(),
        ]);
    }
    table.render(paint) + &silent
}

fn groups(task: Task, groups: &[Group], paint: Paint) -> String {
    let (rates, shown): (&[&'static str], &[&'static str]) = match task {
        Task::Binary => {
            (&["selected", "true pos", "false pos"], &["roc_auc", "log_loss", "accuracy"])
        }
        Task::Multiclass => (&[], &["log_loss", "accuracy", "f1_macro"]),
        Task::Regression => (&[], &["rmse", "mae", "bias"]),
    };
    let mut columns = vec![("value", Align::Left), ("rows", Align::Right)];
    columns.extend(rates.iter().chain(shown).map(|name| (*name, Align::Right)));
    let mut table = Table::new(&columns).indented(2);
    for group in groups {
        let value = |value: Option<MetricValue>| -> Cell {
            value.map_or_else(|| NONE.to_owned(), |found| measure(found.value)).into()
        };
        let name = group.value.as_deref().unwrap_or("null");
        let mut row = vec![Cell::toned(name, Tone::Faint), count(group.rows).into()];
        if let Some(rates) = &group.rates {
            row.extend([rates.selection, rates.true_positive, rates.false_positive].map(value));
        }
        row.extend(shown.iter().map(|id| value(group.metrics.get(id).copied())));
        table.row(row);
    }
    table.render(paint)
}

fn gaps(disparity: &Disparity) -> String {
    let text = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), measure);
    format!(
        "  demographic parity: difference {}, ratio {}; equalised odds: difference {}\n",
        text(disparity.parity_difference),
        text(disparity.parity_ratio),
        text(disparity.odds_difference)
    )
}
