//! `nightshift.diff/1`: two versions of a model side by side.

use serde::Serialize;

use crate::app::compare::{Comparison, Pair};
use crate::app::render::json::registry::Metric;
use crate::domain::identity::{JobName, Version};

/// Every difference between two versions.
#[derive(Debug, Serialize)]
pub(crate) struct DiffDocument<'a> {
    schema: &'static str,
    model: &'a str,
    before: u32,
    after: u32,
    metrics: Vec<Row<'a, Metric>>,
    facts: Vec<Row<'a, &'a str>>,
    features: Features<'a>,
    /// How the table of `after` departs from that of `before`.
    table: &'a [String],
    /// The largest difference first.
    coefficients: Vec<Row<'a, f64>>,
}

/// A named value on both sides; null where a side does not have it.
#[derive(Debug, Serialize)]
struct Row<'a, T> {
    name: &'a str,
    before: Option<T>,
    after: Option<T>,
}

#[derive(Debug, Serialize)]
struct Features<'a> {
    added: &'a [String],
    removed: &'a [String],
}

impl<'a> DiffDocument<'a> {
    /// The document of a comparison of two versions of `model`.
    pub(crate) fn new(
        model: &'a JobName,
        (before, after): (Version, Version),
        comparison: &'a Comparison,
    ) -> Self {
        Self {
            schema: "nightshift.diff/1",
            model: model.as_str(),
            before: before.0,
            after: after.0,
            metrics: comparison.metrics.iter().map(|pair| row(pair, Metric::from)).collect(),
            facts: comparison.facts.iter().map(|pair| row(pair, String::as_str)).collect(),
            features: Features {
                added: &comparison.features_added,
                removed: &comparison.features_removed,
            },
            table: &comparison.schema,
            coefficients: comparison.coefficients.iter().map(|pair| row(pair, |v| *v)).collect(),
        }
    }
}

fn row<'a, T, U>(pair: &'a Pair<T>, shown: impl Fn(&'a T) -> U) -> Row<'a, U> {
    Row {
        name: &pair.name,
        before: pair.before.as_ref().map(&shown),
        after: pair.after.as_ref().map(&shown),
    }
}
