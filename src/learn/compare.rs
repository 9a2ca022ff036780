//! Two models on the same rows: by how much one is better, and how sure that is.
//!
//! Both are judged on every row, so what makes a row hard cancels, and far fewer rows decide than for two
//! samples. A difference is positive where the candidate is better, whatever the direction of the metric.
//! Swapping the two mirrors the result. What follows from it is the business of a gate.

/// The table of comparisons, and what each is.
pub mod catalog;
/// Why two models cannot be compared.
pub mod error;
/// What rows lack to compare models on.
pub mod lack;

/// Areas under the ROC curve.
mod delong;
/// What is left open where rows say nearly the same.
mod edge;
/// Shares of right decisions.
mod mcnemar;
/// Quantiles and tail areas of the normal distribution.
pub(super) mod normal;
/// Everything else, by resampling.
mod resample;
/// Predictions that have been checked.
mod side;
/// The interval of a difference of shares.
mod tango;

pub use catalog::{COMPARISONS, Test};
pub use error::{CompareError, Side};

use crate::learn::metric::Metric;
use crate::learn::metric::bootstrap::units::Units;
use side::Pair;

/// The truth of rows that were predicted, with what their task needs.
#[derive(Debug, Clone, Copy)]
pub enum Truth<'a> {
    /// Two classes.
    Binary {
        /// Whether each row is positive.
        truth: &'a [bool],
        /// A row is decided positive at or above this probability.
        threshold: f64,
    },
    /// For each row the place of its class among the columns of probabilities.
    Multiclass(&'a [u32]),
    /// For each row its label.
    Regression(&'a [f64]),
}

/// How sure to be, and what makes resampling repeatable.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// One-sided, above 0.5 and below 1: the interval has level 2 c - 1.
    pub confidence: f64,
    /// The seed of the bootstrap.
    pub seed: u64,
    /// A number for each row; rows of the same number are not independent and are drawn together.
    pub ids: &'a [u64],
}

/// A candidate against a baseline, by one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The id of the [`Test`].
    pub test: &'static str,
    /// How many rows both predicted.
    pub rows: usize,
    /// The metric of the candidate.
    pub candidate: f64,
    /// The metric of the baseline.
    pub baseline: f64,
    /// By how much the candidate is better; negative if it is worse.
    pub difference: f64,
    /// The lower bound of the difference: it is larger with the confidence asked for.
    pub low: f64,
    /// The upper bound of the difference: it is smaller with the confidence asked for.
    pub high: f64,
    /// Two-sided, of there being no difference, 0 to 1; smaller is less likely. Only where the test has
    /// one.
    pub p_value: Option<f64>,
    /// The standard error of the difference.
    pub standard_error: Option<f64>,
    /// The minimum detectable effect: a true difference that superiority would find in 80 % of samples
    /// like this one, (z of the confidence + z of 0.8) standard errors.
    pub mde: Option<f64>,
}

impl Truth<'_> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            Self::Binary { truth, .. } => truth.len(),
            Self::Multiclass(truth) => truth.len(),
            Self::Regression(truth) => truth.len(),
        }
    }
}

/// Compares two models by `metric`.
///
/// The predictions are columns: one for a binary task or a regression, one a class for a multiclass task.
/// The areas under the ROC curve and the accuracies of independent rows have a test of their own;
/// everything else, and rows that share ids, are resampled. The same predictions row by row are the same
/// model, so their difference is 0 without a doubt. Different ones never are: see the module `edge`.
/// What the rows lack is an error before anything is compared: see [`lack::lack`].
pub fn compare(
    metric: &'static Metric,
    truth: Truth<'_>,
    candidate: &[&[f64]],
    baseline: &[&[f64]],
    options: &Options<'_>,
) -> Result<Comparison, CompareError> {
    if !(options.confidence > 0.5 && options.confidence < 1.0) {
        return Err(CompareError::Confidence { found: options.confidence });
    }
    if options.ids.len() != truth.rows() {
        return Err(CompareError::Ids { rows: truth.rows(), ids: options.ids.len() });
    }
    let units = Units::of(options.ids);
    let lack = lack::of_units(metric, truth, candidate.len(), &units);
    let pair = Pair::new(metric, truth, candidate, baseline).map_err(|error| match error {
        // What the rows lack is why it has no value.
        CompareError::Undefined { .. } => lack.clone().unwrap_or(error),
        error => error,
    })?;
    if let Some(lack) = lack {
        return Err(lack);
    }
    let is_independent = matches!(units, Units::Rows(_));
    let test = match metric.id {
        "roc_auc" if is_independent => &catalog::DELONG,
        "accuracy" if is_independent => &catalog::MCNEMAR,
        _ => &catalog::BOOTSTRAP,
    };
    if candidate == baseline {
        let p_value = (*test != catalog::BOOTSTRAP).then_some(1.0);
        return Ok(Comparison { p_value, ..pair.around(test.id, 0.0, options) });
    }
    if *test == catalog::MCNEMAR {
        return mcnemar::compare(&pair, options);
    }
    let found = if *test == catalog::DELONG {
        delong::compare(&pair, options)?
    } else {
        resample::compare(&pair, &units, options)?
    };
    edge::widen(found, &pair, &units, options)
}

/// The metric of one model, whose predictions are columns as in [`compare`].
pub fn measure(
    metric: &'static Metric,
    truth: Truth<'_>,
    columns: &[&[f64]],
) -> Result<f64, CompareError> {
    side::judge(metric, truth, Side::Candidate, columns).map(|judged| judged.value)
}

/// Compares a model with one that predicts `constant`, one number a column, for every row.
///
/// A constant cannot rank: its area under the ROC curve is one half exactly, and the interval is
/// that of the candidate's own area, unless that is near an end.
pub fn against_constant(
    metric: &'static Metric,
    truth: Truth<'_>,
    candidate: &[&[f64]],
    constant: &[f64],
    options: &Options<'_>,
) -> Result<Comparison, CompareError> {
    let columns: Vec<Vec<f64>> = constant.iter().map(|value| vec![*value; truth.rows()]).collect();
    let baseline: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    compare(metric, truth, candidate, &baseline, options)
}

#[cfg(test)]
mod tests;
