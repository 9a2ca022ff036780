//! Any metric of two models, by drawing the rows again and again with the same weights for both.
//!
//! The percentile interval of a paired Poisson bootstrap (Efron and Tibshirani, *An Introduction to the
//! Bootstrap*, 1993, chapter 13; weights: Hanley and MacGibbon, 2006). What varies for both models alike
//! cancels within each replicate.

use super::catalog::BOOTSTRAP;
use super::side::Pair;
use super::{CompareError, Comparison, Options};
use crate::learn::metric::bootstrap::units::Units;
use crate::learn::metric::bootstrap::{Draws, percentile};
use crate::learn::profile::moments::Moments;

/// Replicates of each comparison.
pub(super) const REPLICATES: u32 = 2_000;

/// Compares any metric; rows of one unit are drawn together. Of fewer than
/// [`UNITS_MIN`](crate::learn::metric::bootstrap::units::UNITS_MIN) units nothing is asked here.
pub(super) fn compare(
    pair: &Pair,
    units: &Units,
    options: &Options<'_>,
) -> Result<Comparison, CompareError> {
    let metric = pair.metric.id;
    let draws = Draws { seed: options.seed, metric, replicates: REPLICATES, units };
    let differences = draws.values(|weights| {
        let candidate = pair.candidate.statistic.of(weights)?;
        let baseline = pair.baseline.statistic.of(weights)?;
        Some(pair.metric.direction.gain(candidate, baseline))
    });
    let defined = differences.len();
    if 2 * defined < REPLICATES as usize {
        return Err(CompareError::NoInterval { metric, defined, replicates: REPLICATES });
    }
    let spread = Moments::of(&differences).variance_sample().unwrap_or(0.0).sqrt();
    Ok(Comparison {
        low: percentile(&differences, 1.0 - options.confidence),
        high: percentile(&differences, options.confidence),
        ..pair.around(BOOTSTRAP.id, spread, options)
    })
}
