//! `nightshift.evaluate/1`: metrics and comparisons of a table of predictions.
//!
//! A metric that is not defined on the rows is absent. A comparison that could not be made is there, with
//! nulls and a message: whoever waits for it must not take silence for success.

use std::collections::BTreeMap;
use std::error::Error as _;

use serde::Serialize;

use crate::app::render::json::registry::Metric;
use crate::domain::registry::MetricValue;
use crate::engine::evaluate::{EvaluateRequest, Evaluation, Group, MetricComparison};
use crate::learn::metric::MetricValues;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct EvaluateDocument<'a> {
    schema: &'static str,
    task: &'static str,
    rows: u64,
    rows_without_label: u64,
    label: &'a str,
    score: &'a str,
    against: Option<&'a str>,
    /// Null unless the task is binary.
    positive: Option<&'a str>,
    threshold: f64,
    /// One-sided, of the comparisons.
    confidence: f64,
    metrics: BTreeMap<&'a str, Metric>,
    comparisons: Vec<ComparisonDocument<'a>>,
    groups: Vec<GroupDocument<'a>>,
    /// Null unless the task is binary and there are groups.
    disparity: Option<DisparityDocument>,
}

#[derive(Debug, Serialize)]
struct ComparisonDocument<'a> {
    metric: &'a str,
    test: Option<&'static str>,
    candidate: Option<f64>,
    baseline: Option<f64>,
    /// Positive where the candidate is better.
    difference: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    p_value: Option<f64>,
    standard_error: Option<f64>,
    mde: Option<f64>,
    /// Why there is no comparison; null if there is one.
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct GroupDocument<'a> {
    /// Null for the rows without a value.
    value: Option<&'a str>,
    rows: u64,
    selection_rate: Option<Metric>,
    true_positive_rate: Option<Metric>,
    false_positive_rate: Option<Metric>,
    metrics: BTreeMap<&'a str, Metric>,
}

#[derive(Debug, Serialize)]
struct DisparityDocument {
    demographic_parity_difference: Option<f64>,
    demographic_parity_ratio: Option<f64>,
    equalized_odds_difference: Option<f64>,
}

impl<'a> EvaluateDocument<'a> {
    /// The document of what was asked and found.
    pub(crate) fn new(request: &'a EvaluateRequest, found: &'a Evaluation) -> Self {
        Self {
            schema: "nightshift.evaluate/1",
            task: request.task.id(),
            rows: found.rows,
            rows_without_label: found.rows_without_label,
            label: &request.label,
            score: &request.score,
            against: request.against.as_deref(),
            positive: found.positive.as_deref(),
            threshold: request.threshold,
            confidence: request.confidence,
            metrics: metrics(&found.metrics),
            comparisons: found.comparisons.iter().map(comparison).collect(),
            groups: found.groups.iter().map(group).collect(),
            disparity: found.disparity.map(|disparity| DisparityDocument {
                demographic_parity_difference: disparity.parity_difference,
                demographic_parity_ratio: disparity.parity_ratio,
                equalized_odds_difference: disparity.odds_difference,
            }),
        }
    }
}

fn metrics(found: &MetricValues) -> BTreeMap<&str, Metric> {
    found.iter().map(|(id, value)| (*id, Metric::from(value))).collect()
}

fn comparison(told: &MetricComparison) -> ComparisonDocument<'_> {
    let found = told.found.as_ref().ok();
    ComparisonDocument {
        metric: told.metric.id,
        test: found.map(|found| found.test),
        candidate: found.map(|found| found.candidate),
        baseline: found.map(|found| found.baseline),
        difference: found.map(|found| found.difference),
        low: found.map(|found| found.low),
        high: found.map(|found| found.high),
        p_value: found.and_then(|found| found.p_value),
        standard_error: found.and_then(|found| found.standard_error),
        mde: found.and_then(|found| found.mde),
        message: told.found.as_ref().err().map(|error| match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        }),
    }
}

fn group(found: &Group) -> GroupDocument<'_> {
    let rate = |rate: Option<MetricValue>| rate.as_ref().map(Metric::from);
    GroupDocument {
        value: found.value.as_deref(),
        rows: found.rows,
        selection_rate: rate(found.rates.and_then(|rates| rates.selection)),
        true_positive_rate: rate(found.rates.and_then(|rates| rates.true_positive)),
        false_positive_rate: rate(found.rates.and_then(|rates| rates.false_positive)),
        metrics: metrics(&found.metrics),
    }
}
