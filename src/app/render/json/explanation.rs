//! `nightshift.explain_score/1`: why one row has its score.
//!
//! For each output, `base` and all of its `adds` sum up to `sum`, on the scale that is named.

use serde::Serialize;

use crate::engine::explain::ExplainedScore;
use crate::learn::artifact::{Contribution, ExplainedOutput, FeatureValue};
use crate::learn::model::TermScale;

/// The way from a row to its score.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainScoreDocument<'a> {
    schema: &'static str,
    job: &'a str,
    id: &'a str,
    tick: String,
    run: &'a str,
    version: u32,
    /// The kind of the model, and after a `+` how it is calibrated.
    method: &'a str,
    /// The file that was read, and the number of the row in it, from 1.
    file: &'a str,
    row: u64,
    /// `prediction`, `log_odds` or `log_shares`.
    scale: &'static str,
    outputs: Vec<OutputDocument<'a>>,
    /// That which adds most first.
    features: Vec<FeatureDocument<'a>>,
    /// What was published, one for each output; null if the file is pruned.
    published: Option<&'a [f64]>,
    /// Whether that came out again, to the last bit.
    reproduced: Option<bool>,
}

#[derive(Debug, Serialize)]
struct OutputDocument<'a> {
    /// Null of a regression.
    class: Option<&'a str>,
    base: f64,
    sum: f64,
    /// What the model makes of the sum.
    prediction: f64,
    /// That, calibrated if the version is.
    score: f64,
}

#[derive(Debug, Serialize)]
struct FeatureDocument<'a> {
    feature: &'a str,
    value: Option<ValueDocument<'a>>,
    /// One for each output.
    adds: &'a [f64],
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ValueDocument<'a> {
    Number(f64),
    Text(&'a str),
}

impl<'a> ExplainScoreDocument<'a> {
    /// The document of the score of the row called `id`.
    pub(crate) fn new(id: &'a str, found: &'a ExplainedScore) -> Self {
        let explanation = &found.explanation;
        Self {
            schema: "nightshift.explain_score/1",
            job: found.run.slot.job.as_str(),
            id,
            tick: found.run.slot.tick.to_string(),
            run: found.run.id.as_str(),
            version: found.model.version.0,
            method: &found.method,
            file: &found.file,
            row: found.row,
            scale: match explanation.scale {
                TermScale::Prediction => "prediction",
                TermScale::LogOdds => "log_odds",
                TermScale::LogShares => "log_shares",
            },
            outputs: explanation.outputs.iter().map(output).collect(),
            features: explanation.features.iter().map(feature).collect(),
            published: found.published.as_deref(),
            reproduced: found.is_reproduced(),
        }
    }
}

fn output(found: &ExplainedOutput) -> OutputDocument<'_> {
    let ExplainedOutput { base, sum, prediction, score, .. } = *found;
    OutputDocument { class: found.class.as_deref(), base, sum, prediction, score }
}

fn feature(found: &Contribution) -> FeatureDocument<'_> {
    let value = found.value.as_ref().map(|value| match value {
        FeatureValue::Number(number) => ValueDocument::Number(*number),
        FeatureValue::Text(text) => ValueDocument::Text(text),
    });
    FeatureDocument { feature: &found.feature, value, adds: &found.adds }
}
