//! Why two models cannot be compared.
//!
//! Every case is one in which a gate has no evidence and stays closed, so each says what is missing.

use crate::learn::metric::MetricError;

/// One of the two models that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that wants to be better.
    Candidate,
    /// The one that it is measured against.
    Baseline,
}

/// Why two models cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The confidence makes no interval.
    #[error("the confidence is {found}, wanted a number above 0.5 and below 1")]
    Confidence {
        /// What was asked for.
        found: f64,
    },
    /// There is not one id a row.
    #[error("{ids} ids for {rows} labelled rows")]
    Ids {
        /// How many rows there are.
        rows: usize,
        /// How many ids there are.
        ids: usize,
    },
    /// The metric is computed for other tasks.
    #[error("`{metric}` is not a metric of this task")]
    OtherTask {
        /// The metric.
        metric: &'static str,
    },
    /// A model has another number of columns than its task needs.
    #[error("the {side} has {found} columns of scores, wanted {wanted}")]
    Columns {
        /// Whose they are.
        side: Side,
        /// How many there must be.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Predictions cannot be judged: there are too few, or they are not numbers.
    #[error("the {side} cannot be judged")]
    Predictions {
        /// Whose they are.
        side: Side,
        /// What is wrong with them.
        #[source]
        source: MetricError,
    },
    /// The metric has no value.
    #[error("`{metric}` of the {side} is not defined on these {rows} rows")]
    Undefined {
        /// The metric.
        metric: &'static str,
        /// Whose it is.
        side: Side,
        /// How many rows there are.
        rows: usize,
    },
    /// A class has too few rows to vary.
    #[error("a class has fewer than two of the {rows} rows, so `{metric}` has no interval")]
    SmallClass {
        /// The metric.
        metric: &'static str,
        /// How many rows there are.
        rows: usize,
    },
    /// There is too little to draw from.
    #[error("`{metric}` would be resampled from {found} rows or ids, wanted at least {wanted}")]
    TooFew {
        /// The metric.
        metric: &'static str,
        /// How many independent rows or ids are needed.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The metric is not defined in most replicates.
    #[error(
        "`{metric}` is defined in {defined} of {replicates} resamples only, so it has no interval"
    )]
    NoInterval {
        /// The metric.
        metric: &'static str,
        /// In how many replicates it is defined for both models.
        defined: usize,
        /// How many there are.
        replicates: u32,
    },
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Candidate => "candidate",
            Self::Baseline => "baseline",
        })
    }
}
