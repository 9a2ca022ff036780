//! Coordinates in which the objective is nearly round.
//!
//! L-BFGS needs few steps where the objective is about equally curved in all directions. Near the start
//! its curvature is `c · correlations + penalty` with `c` from the class shares; with its Cholesky factor
//! `L`, the parameters `t = Lᵀ v` see a curvature of about 1. This changes how fast the minimum is found,
//! not where it is.

use ndarray::Array2;

use crate::learn::model::gram;
use crate::learn::model::logistic::objective::Objective;

/// Columns up to which correlations are used; beyond, columns are taken one by one.
const COLUMNS_MAX: usize = 512;

/// Rows from which the correlations are estimated.
const ROWS_WANTED: usize = 1 << 17;

/// A change of parameters, the same for each output.
pub(super) struct Whitening {
    /// The lower triangle of `L`, or only its diagonal.
    factor: Factor,
    /// The factor of the intercept.
    intercept: f64,
}

enum Factor {
    Lower(Array2<f64>),
    Diagonal(Vec<f64>),
}

impl Whitening {
    pub(super) fn new(objective: &Objective<'_>) -> Self {
        let curvature = Self::curvature(&objective.shares());
        let diagonal = || {
            let root = |penalty: &f64| (curvature + penalty).sqrt();
            Factor::Diagonal(objective.penalties().iter().map(root).collect())
        };
        let factor = if objective.columns().len() > COLUMNS_MAX {
            diagonal()
        } else {
            factorise(objective, curvature).map_or_else(diagonal, Factor::Lower)
        };
        Self { factor, intercept: curvature.sqrt() }
    }

    /// The mean over the outputs of p·(1 − p), their curvature where every row has the class shares.
    pub(super) fn curvature(shares: &[f64]) -> f64 {
        let total = shares.iter().map(|share| share * (1.0 - share)).sum::<f64>();
        (total / shares.len() as f64).max(1e-6)
    }

    /// From `t` to `v`: solves `Lᵀ v = t`.
    pub(super) fn parameters(&self, whitened: &[f64]) -> Vec<f64> {
        self.each_output(whitened, |part| match &self.factor {
            Factor::Diagonal(roots) => part.iter_mut().zip(roots).for_each(|(x, root)| *x /= root),
            Factor::Lower(lower) => {
                for place in (0..part.len()).rev() {
                    let later: f64 =
                        (place + 1..part.len()).map(|row| lower[[row, place]] * part[row]).sum();
                    part[place] = (part[place] - later) / lower[[place, place]];
                }
            }
        })
    }

    /// From the gradient by `v` to that by `t`: solves `L g = gradient`.
    pub(super) fn gradient(&self, gradient: &[f64]) -> Vec<f64> {
        self.each_output(gradient, |part| match &self.factor {
            Factor::Diagonal(roots) => part.iter_mut().zip(roots).for_each(|(x, root)| *x /= root),
            Factor::Lower(lower) => {
                for place in 0..part.len() {
                    let before: f64 =
                        (0..place).map(|other| lower[[place, other]] * part[other]).sum();
                    part[place] = (part[place] - before) / lower[[place, place]];
                }
            }
        })
    }

    fn each_output(&self, all: &[f64], solve: impl Fn(&mut [f64])) -> Vec<f64> {
        let width = match &self.factor {
            Factor::Lower(lower) => lower.nrows(),
            Factor::Diagonal(roots) => roots.len(),
        };
        let mut out = all.to_vec();
        for part in out.chunks_mut(width + 1) {
            solve(&mut part[..width]);
            part[width] /= self.intercept;
        }
        out
    }
}

/// The Cholesky factor of the curvature, or `None` if it has none.
fn factorise(objective: &Objective<'_>, curvature: f64) -> Option<Array2<f64>> {
    let (design, columns) = (objective.design(), objective.columns());
    let stride = design.rows().div_ceil(ROWS_WANTED);
    let mut lower = gram::correlations(design, objective.coordinates(), columns, stride);
    for (place, penalty) in objective.penalties().iter().enumerate() {
        for other in 0..=place {
            lower[[place, other]] *= curvature;
        }
        // Columns that are sums of others leave no curvature of their own; the small share that is added
        // keeps the factor, and changes none but the path to the minimum.
        lower[[place, place]] += penalty + 1e-6 * curvature;
        for other in 0..place {
            let known: f64 = (0..other).map(|k| lower[[place, k]] * lower[[other, k]]).sum();
            lower[[place, other]] = (lower[[place, other]] - known) / lower[[other, other]];
        }
        let known: f64 = (0..place).map(|k| lower[[place, k]].powi(2)).sum();
        let left = lower[[place, place]] - known;
        if !(left > 0.0 && left.is_finite()) {
            return None;
        }
        lower[[place, place]] = left.sqrt();
    }
    Some(lower)
}
