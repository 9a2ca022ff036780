//! Two versions side by side: metrics first, then what explains them.
//!
//! Long lists are cut and say by how much; nothing is left out of the JSON.

use crate::app::compare::{Comparison, Pair};
use crate::app::render::text::format::{NONE, measure, metric};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone};
use crate::domain::identity::Version;
use crate::domain::registry::MetricValue;

/// Most coefficients that are listed; the rest is counted.
const COEFFICIENTS_MAX: usize = 15;
/// Most features or columns that are named on one line.
const NAMES_MAX: usize = 10;

/// Every difference between `before` and `after`.
pub(crate) fn diff(
    (before, after): (Version, Version),
    comparison: &Comparison,
    paint: Paint,
) -> String {
    let heading = |name: &'static str| section(name, before, after, paint);
    let mut out = heading("metrics on held-out rows");
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::aligned(&[left, left, left, right]).indented(2);
    for pair in &comparison.metrics {
        table.row(metric_row(pair));
    }
    out.push_str(&table.render(paint));
    if !comparison.facts.is_empty() {
        out.push_str(&heading("training"));
        let mut table = Table::aligned(&[left, left, left]).indented(2);
        for pair in &comparison.facts {
            let text = |side: &Option<String>| side.clone().unwrap_or_else(|| NONE.to_owned());
            table.row([
                Cell::toned(&pair.name, Tone::Faint),
                text(&pair.before).into(),
                text(&pair.after).into(),
            ]);
        }
        out.push_str(&table.render(paint));
    }
    out.push_str(&names("features added", &comparison.features_added, paint));
    out.push_str(&names("features removed", &comparison.features_removed, paint));
    out.push_str(&names("table", &comparison.schema, paint));
    if !comparison.coefficients.is_empty() {
        out.push_str(&heading("coefficients, largest change first"));
        out.push_str(&coefficients(&comparison.coefficients, paint));
    }
    out
}

fn section(name: &str, before: Version, after: Version, paint: Paint) -> String {
    format!("{}: {before} -> {after}\n", paint.tone(Tone::Strong, name))
}

fn metric_row(pair: &Pair<MetricValue>) -> [Cell; 4] {
    let text = |side: &Option<MetricValue>| side.as_ref().map_or(NONE.to_owned(), metric);
    let difference = match (&pair.before, &pair.after) {
        (Some(before), Some(after)) => signed(after.value - before.value),
        _ => String::new(),
    };
    [
        Cell::toned(&pair.name, Tone::Faint),
        text(&pair.before).into(),
        text(&pair.after).into(),
        difference.into(),
    ]
}

fn coefficients(pairs: &[Pair<f64>], paint: Paint) -> String {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::aligned(&[left, right, right, right]).indented(2);
    for pair in pairs.iter().take(COEFFICIENTS_MAX) {
        let text = |side: Option<f64>| side.map_or(NONE.to_owned(), measure);
        let moved = pair.after.unwrap_or(0.0) - pair.before.unwrap_or(0.0);
        table.row([
            Cell::toned(&pair.name, Tone::Faint),
            text(pair.before).into(),
            text(pair.after).into(),
            signed(moved).into(),
        ]);
    }
    let mut out = table.render(paint);
    if pairs.len() > COEFFICIENTS_MAX {
        let rest = pairs.len() - COEFFICIENTS_MAX;
        out.extend([format!("  and {rest} more, see `--output json`\n")]);
    }
    out
}

fn names(heading: &str, list: &[String], paint: Paint) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", paint.tone(Tone::Strong, heading));
    let mut table = Table::aligned(&[Align::Left]).indented(2);
    for name in list.iter().take(NAMES_MAX) {
        table.row([name.as_str().into()]);
    }
    if list.len() > NAMES_MAX {
        table.row([format!("and {} more, see `--output json`", list.len() - NAMES_MAX).into()]);
    }
    out.push_str(&table.render(paint));
    out
}

fn signed(difference: f64) -> String {
    if difference > 0.0 { format!("+{}", measure(difference)) } else { measure(difference) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison() -> Comparison {
        let metric = |value| Some(MetricValue { value, low: None, high: None });
        Comparison {
            facts: vec![Pair {
                name: "rows".to_owned(),
                before: Some("100".to_owned()),
                after: Some("120".to_owned()),
            }],
            metrics: vec![
                Pair { name: "roc_auc".to_owned(), before: metric(0.8), after: metric(0.85) },
                Pair { name: "new".to_owned(), before: None, after: metric(0.5) },
            ],
            features_added: vec!["x\ny".to_owned()],
            features_removed: Vec::new(),
            schema: Vec::new(),
            coefficients: (0..COEFFICIENTS_MAX + 2)
                .map(|place| Pair {
                    name: format!("c{place}"),
                    before: Some(1.0),
                    after: (place > 0).then_some(-0.5),
                })
                .collect(),
        }
    }

    #[test]
    fn metrics_lead_and_long_lists_end() {
        let pair = (Version(1), Version(2));
        let text = diff(pair, &comparison(), Paint { color: false });
        assert!(text.starts_with("metrics on held-out rows: v1 -> v2\n"), "{text}");
        assert!(text.contains("  roc_auc  0.8000  0.8500  +0.05000\n"), "{text}");
        assert!(text.contains("  new      -       0.5000\n"), "{text}");
        assert!(text.contains("  x\\ny\n") && text.contains("  and 2 more"), "{text}");
        assert!(text.contains("  c0   1        -      -1\n"), "{text}");
    }
}
