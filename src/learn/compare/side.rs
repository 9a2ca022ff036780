//! Two models whose predictions have been checked, with one metric prepared for both.
//!
//! A pair exists only if both models have a finite value on the rows, so the tests need not ask again.

use super::normal;
use super::{CompareError, Comparison, Options, Side, Truth};
use crate::learn::metric::statistic::Statistic;
use crate::learn::metric::{Metric, MetricError, binary, multiclass, regression};

/// A candidate and a baseline on the same rows.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// What they are compared by.
    pub(super) metric: &'static Metric,
    /// How many rows there are.
    pub(super) rows: usize,
    /// For each row its class; empty for a regression.
    pub(super) classes: Vec<usize>,
    /// How many classes there are.
    pub(super) class_count: usize,
    /// The one that wants to be better.
    pub(super) candidate: Judged,
    /// The one that it is measured against.
    pub(super) baseline: Judged,
}

/// One model.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// The metric, ready for other weights of the rows.
    pub(super) statistic: Statistic,
    /// Its value on the rows as they are.
    pub(super) value: f64,
}

impl Pair {
    /// Checks the predictions of both models and computes the metric of each.
    pub(super) fn new(
        metric: &'static Metric,
        truth: Truth<'_>,
        candidate: &[&[f64]],
        baseline: &[&[f64]],
    ) -> Result<Self, CompareError> {
        let (wanted, found) = (candidate.len(), baseline.len());
        if wanted != found {
            return Err(CompareError::Columns { side: Side::Baseline, wanted, found });
        }
        let (classes, class_count) = match truth {
            Truth::Binary { truth, .. } => (truth.iter().copied().map(usize::from).collect(), 2),
            Truth::Multiclass(truth) => {
                (truth.iter().map(|class| *class as usize).collect(), candidate.len())
            }
            Truth::Regression(_) => (Vec::new(), 0),
        };
        Ok(Self {
            metric,
            rows: truth.rows(),
            classes,
            class_count,
            candidate: judge(metric, truth, Side::Candidate, candidate)?,
            baseline: judge(metric, truth, Side::Baseline, baseline)?,
        })
    }

    /// By how much the candidate is better.
    pub(super) fn difference(&self) -> f64 {
        self.metric.direction.gain(self.candidate.value, self.baseline.value)
    }

    /// The difference with a normal interval.
    pub(super) fn around(
        &self,
        test: &'static str,
        standard_error: f64,
        options: &Options<'_>,
    ) -> Comparison {
        let difference = self.difference();
        let half = normal::quantile(options.confidence) * standard_error;
        Comparison {
            test,
            rows: self.rows,
            candidate: self.candidate.value,
            baseline: self.baseline.value,
            difference,
            low: difference - half,
            high: difference + half,
            p_value: None,
            standard_error: Some(standard_error),
            mde: Some(normal::minimum_detectable_effect(options.confidence, standard_error)),
        }
    }

    /// The error of a test that was asked for a metric it does not know.
    pub(super) fn other_task(&self) -> CompareError {
        CompareError::OtherTask { metric: self.metric.id }
    }
}

/// Checks the predictions of a model and computes its metric.
pub(super) fn judge(
    metric: &'static Metric,
    truth: Truth<'_>,
    side: Side,
    columns: &[&[f64]],
) -> Result<Judged, CompareError> {
    let statistic = prepare(metric, truth, side, columns)?;
    let undefined = || CompareError::Undefined { metric: metric.id, side, rows: truth.rows() };
    let value = statistic.value().ok_or_else(undefined)?;
    Ok(Judged { statistic, value })
}

fn prepare(
    metric: &'static Metric,
    truth: Truth<'_>,
    side: Side,
    columns: &[&[f64]],
) -> Result<Statistic, CompareError> {
    let refused = |source: MetricError| CompareError::Predictions { side, source };
    let only = || match columns {
        [column] => Ok(*column),
        _ => Err(CompareError::Columns { side, wanted: 1, found: columns.len() }),
    };
    let prepared = match truth {
        Truth::Binary { truth, threshold } => {
            let column = only()?;
            binary::check(truth, column).map_err(refused)?;
            Statistic::binary(metric, truth, threshold, column)
        }
        Truth::Multiclass(truth) => {
            let truth = multiclass::check(truth, columns).map_err(refused)?;
            Statistic::multiclass(metric, &truth, columns)
        }
        Truth::Regression(truth) => {
            let column = only()?;
            regression::check(truth, column).map_err(refused)?;
            Statistic::regression(metric, truth, column)
        }
    };
    prepared.ok_or(CompareError::OtherTask { metric: metric.id })
}
