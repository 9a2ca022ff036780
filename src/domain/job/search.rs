//! `[train.search]`: the parameters that are tried before a version is fitted.
//!
//! Trials are drawn when the file is read, from the file and its seed alone, so that `validate` and `plan` know
//! them. What they are judged by is not said here.

use crate::domain::job::ModelSpec;

/// Most combinations of a search space: each of them has a number.
const COMBINATIONS_MAX: u64 = 1 << 53;

/// Most trials of one search.
pub(crate) const TRIALS_MAX: u64 = 10_000;

/// Trials of a random search that does not say how many.
pub(crate) const TRIALS: u64 = 20;

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpec {
    /// How many folds each trial is judged by; 2 or more.
    pub folds: usize,
    /// What is tried, in this order; never empty.
    pub trials: Vec<Trial>,
}

/// One combination of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What is learned, with the parameters of the combination.
    pub model: ModelSpec,
    /// Those of the combination as the job file writes them: `alpha = 0.1, tolerance = 1e-8`.
    pub setting: String,
}

/// How many combinations there are of lists with these lengths; `None` if they are more than can be numbered.
pub(crate) fn combinations(mut lengths: impl Iterator<Item = usize>) -> Option<u64> {
    let product = lengths.try_fold(1_u64, |product, length| product.checked_mul(length as u64));
    product.filter(|product| *product <= COMBINATIONS_MAX)
}
