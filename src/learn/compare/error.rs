//! Why two models cannot be compared.
//!
//! Every case is one in which a gate has no evidence and stays closed, so each says what is missing.

use super::lack::Carriers;
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
    /// Too few rows carry the evidence of a metric of classes.
    #[error("`{metric}` would rest on {found} rows or ids of {carriers}, wanted at least {wanted}")]
    SmallClass {
        /// The metric.
        metric: &'static str,
        /// Which rows carry it.
        carriers: Carriers,
        /// How many of them, or of their ids, are needed.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The label does not vary.
    #[error("all {rows} rows have the same label, so `{metric}` is not defined")]
    ConstantLabel {
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
    /// Every resample says the same, of a metric that has no ends to measure the doubt by.
    #[error(
        "`{metric}` differs by the same in every resample of the {rows} rows, so it has no interval"
    )]
    NoSpread {
        /// The metric.
        metric: &'static str,
        /// How many rows there are.
        rows: usize,
    },
}

impl CompareError {
    /// Whether the rows say too little, which is no fault of a model; any other error is one of what was
    /// predicted or asked for.
    pub fn is_lack_of_evidence(&self) -> bool {
        match self {
            Self::SmallClass { .. }
            | Self::ConstantLabel { .. }
            | Self::TooFew { .. }
            | Self::NoInterval { .. }
            | Self::NoSpread { .. } => true,
            Self::Confidence { .. }
            | Self::Ids { .. }
            | Self::OtherTask { .. }
            | Self::Columns { .. }
            | Self::Predictions { .. }
            | Self::Undefined { .. } => false,
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Candidate => "candidate",
            Self::Baseline => "baseline",
        })
    }
}
