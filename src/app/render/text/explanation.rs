//! Why one row has its score, as a sum that ends in the score.
//!
//! Long lists are cut, and what is left out is one line of the sum.

use crate::app::render::text::format::{NONE, instant, measure};
use crate::app::render::text::{Align, Cell, Paint, Table, Tone, inline};
use crate::engine::explain::ExplainedScore;
use crate::learn::artifact::{ExplainedOutput, Explanation, FeatureValue};
use crate::learn::model::TermScale;

/// Most features that are listed.
const FEATURES_MAX: usize = 25;

/// Everything that is known of the score of the row called `id`.
pub(crate) fn score(id: &str, found: &ExplainedScore, paint: Paint) -> String {
    let (job, explanation) = (&found.run.slot.job, &found.explanation);
    let mut table = Table::fields();
    table.field("row", format!("{id}, row {} of {}", found.row, found.file));
    table.field("tick", instant(found.run.slot.tick));
    table.field("run", found.run.id.to_string());
    table.field("model", format!("{job} {} ({})", found.model.version, found.method));
    table.field("score", scores(&explanation.outputs));
    table.field("published", published(found));
    let title = paint.tone(Tone::Strong, &inline(&title(explanation)));
    format!("{}\n{title}\n{}", table.render(paint), sum(explanation, paint))
}

/// The score, or each class with its own.
fn scores(outputs: &[ExplainedOutput]) -> String {
    let class = |output: &ExplainedOutput| match &output.class {
        Some(class) => format!("{class}: {}", measure(output.score)),
        None => measure(output.score),
    };
    outputs.iter().map(class).collect::<Vec<_>>().join(", ")
}

fn published(found: &ExplainedScore) -> Cell {
    match found.is_reproduced() {
        None => "the file is pruned".into(),
        Some(true) => "the same, to the last bit".into(),
        Some(false) => {
            let told = found.published.iter().flatten().map(f64::to_string);
            let told = told.collect::<Vec<_>>().join(", ");
            Cell::toned(format!("{told}, which does not come out again here"), Tone::Bad)
        }
    }
}

fn title(explanation: &Explanation) -> String {
    let class = explanation.outputs.first().and_then(|output| output.class.as_deref());
    match (explanation.scale, class) {
        (TermScale::LogOdds, Some(class)) => {
            format!("what each feature adds to the log odds of `{class}`")
        }
        (TermScale::LogOdds, None) => "what each feature adds to the log odds".to_owned(),
        (TermScale::LogShares, _) => {
            "what each feature adds to the log of each class's share".to_owned()
        }
        (TermScale::Prediction, None) => "what each feature adds to the value".to_owned(),
        (TermScale::Prediction, Some(_)) => "what each feature adds to the probability".to_owned(),
    }
}

fn sum(explanation: &Explanation, paint: Paint) -> String {
    let outputs = &explanation.outputs;
    let mut aligns = vec![Align::Left, Align::Right];
    aligns.extend(outputs.iter().map(|_| Align::Right));
    let mut table = Table::aligned(&aligns).indented(2);
    if outputs.len() > 1 {
        let classes = outputs.iter().map(|output| output.class.as_deref().unwrap_or_default());
        let class = |class: &str| Cell::toned(class, Tone::Faint);
        table.row(["", ""].into_iter().chain(classes).map(class));
    }
    let mut row = |name: &str, value: String, numbers: &mut dyn Iterator<Item = f64>| {
        let mut cells = vec![Cell::toned(name, Tone::Faint), value.into()];
        cells.extend(numbers.map(|number| Cell::from(measure(number))));
        table.row(cells);
    };
    let (listed, others) =
        explanation.features.split_at(explanation.features.len().min(FEATURES_MAX));
    for feature in listed {
        let value = match &feature.value {
            None => NONE.to_owned(),
            Some(FeatureValue::Number(number)) => measure(*number),
            Some(FeatureValue::Text(text)) => text.clone(),
        };
        row(&feature.feature, value, &mut feature.adds.iter().copied());
    }
    if !others.is_empty() {
        let all = |place: usize| others.iter().map(|feature| feature.adds[place]).sum::<f64>();
        let name = format!("{} others", others.len());
        row(&name, String::new(), &mut (0..outputs.len()).map(all));
    }
    row("base", String::new(), &mut outputs.iter().map(|output| output.base));
    row("sum", String::new(), &mut outputs.iter().map(|output| output.sum));
    if explanation.scale != TermScale::Prediction {
        row("probability", String::new(), &mut outputs.iter().map(|output| output.prediction));
    }
    let is_calibrated =
        outputs.iter().any(|output| output.score.to_bits() != output.prediction.to_bits());
    if is_calibrated {
        row("calibrated", String::new(), &mut outputs.iter().map(|output| output.score));
    }
    table.render(paint)
}
