//! Platt's sigmoid: a logistic regression of what came true on the log odds that the model gave.
//!
//! Platt, "Probabilistic outputs for support vector machines", 1999: the targets are not 1 and 0 but
//! `(N₊ + 1) / (N₊ + 2)` and `1 / (N₋ + 2)`, so that no slope is infinite. Newton's method with backtracking and
//! losses that neither overflow nor cancel: Lin, Lin and Weng, "A note on Platt's probabilistic outputs for
//! support vector machines", 2007. `N₊` and `N₋` are sums of weights of mean 1. The log odds, and not the
//! probabilities that scikit-learn takes where a kind has no decision function, because a model that is right
//! is then left as it is: slope 1, intercept 0.

use serde::{Deserialize, Serialize};

use crate::learn::model::{kernel, lanes};

/// Log odds are cut off at those of the f64 next to 1, on both sides alike.
const MARGIN_MAX: f64 = 36.736_800_569_677_1;
/// Lanes of the sums over rows.
const LANES_MAX: usize = 64;
/// Newton steps; a handful is needed.
const STEPS_MAX: usize = 100;
/// The gradient of the mean loss at which the minimum is reached.
const TOLERANCE: f64 = 1e-13;
/// The shortest step that is tried, as a share of Newton's.
const STEP_MIN: f64 = 1e-10;

/// `1 / (1 + exp(−(slope · log odds + intercept)))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sigmoid {
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

/// The loss, its gradient and its second derivatives by slope and intercept, per unit of weight.
#[derive(Debug, Clone, Copy, Default)]
struct Value {
    loss: f64,
    gradient: [f64; 2],
    /// By slope twice, by both, by intercept twice.
    curvature: [f64; 3],
}

/// What is minimised: margins at mean 0 and spread 1, targets, weights.
struct Problem<'a> {
    margins: Vec<f64>,
    targets: Vec<f64>,
    weights: Option<&'a [f64]>,
    total: f64,
}

impl Sigmoid {
    /// The sigmoid of least weighted log loss, for finite predictions.
    pub(super) fn fit(predictions: &[f64], truth: &[bool], weights: Option<&[f64]>) -> Self {
        let margins: Vec<f64> = predictions.iter().map(|prediction| margin(*prediction)).collect();
        Self::of_margins(margins, truth, weights)
    }

    /// As [`Sigmoid::fit`], of log odds.
    pub(super) fn of_margins(
        mut margins: Vec<f64>,
        truth: &[bool],
        weights: Option<&[f64]>,
    ) -> Self {
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let rows = 0..margins.len();
        let hits: f64 = rows.clone().filter(|row| truth[*row]).map(weight).sum();
        let misses: f64 = rows.clone().filter(|row| !truth[*row]).map(weight).sum();
        let total = hits + misses;
        let (high, low) = ((hits + 1.0) / (hits + 2.0), 1.0 / (misses + 2.0));
        let centre = rows.clone().map(|row| weight(row) * margins[row]).sum::<f64>() / total;
        let squares: f64 =
            rows.map(|row| weight(row) * (margins[row] - centre).powi(2)).sum::<f64>();
        let spread = (squares / total).sqrt();
        let spread = if spread > 0.0 { spread } else { 1.0 };
        for margin in &mut margins {
            *margin = (*margin - centre) / spread;
        }
        let targets = truth.iter().map(|truth| if *truth { high } else { low }).collect();
        let problem = Problem { margins, targets, weights, total };
        let [slope, intercept] = problem.minimise([0.0, ((hits + 1.0) / (misses + 1.0)).ln()]);
        Self { slope: slope / spread, intercept: intercept - slope * centre / spread }
    }

    /// Replaces each prediction by its probability.
    pub(super) fn apply(&self, values: &mut [f64]) {
        for value in values {
            *value = kernel::logistic(self.slope * margin(*value) + self.intercept).0;
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.slope.is_finite() && self.intercept.is_finite()
    }
}

/// The log odds of a probability, cut off at [`MARGIN_MAX`].
fn margin(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln().clamp(-MARGIN_MAX, MARGIN_MAX)
}

impl Problem<'_> {
    fn minimise(&self, start: [f64; 2]) -> [f64; 2] {
        let (mut at, mut value) = (start, self.value(start));
        for _ in 0..STEPS_MAX {
            let [g, h] = value.gradient;
            if g.abs().max(h.abs()) <= TOLERANCE {
                break;
            }
            // The small addition keeps the matrix regular where all margins are one.
            let [aa, ab, bb] = value.curvature;
            let (aa, bb) = (aa + 1e-12, bb + 1e-12);
            let determinant = aa * bb - ab * ab;
            let step = [(ab * h - bb * g) / determinant, (ab * g - aa * h) / determinant];
            let slope = g * step[0] + h * step[1];
            let mut share = 1.0;
            let next = loop {
                let point = [at[0] + share * step[0], at[1] + share * step[1]];
                let found = self.value(point);
                if found.loss < value.loss + 1e-4 * share * slope {
                    break Some((point, found));
                }
                share /= 2.0;
                if share < STEP_MIN {
                    break None;
                }
            };
            // No step makes the loss smaller: its digits are used up.
            let Some((point, found)) = next else { break };
            (at, value) = (point, found);
        }
        at
    }

    fn value(&self, [slope, intercept]: [f64; 2]) -> Value {
        let add_block = |out: &mut Value, rows: std::ops::Range<usize>| {
            for row in rows {
                let (margin, target) = (self.margins[row], self.targets[row]);
                let weight = self.weights.map_or(1.0, |weights| weights[row]);
                let z = slope * margin + intercept;
                let (probability, log) = kernel::logistic(z);
                out.loss += weight * (z.max(0.0) - target * z + log);
                let residual = weight * (probability - target);
                out.gradient[0] += residual * margin;
                out.gradient[1] += residual;
                let curvature = weight * probability * (1.0 - probability);
                out.curvature[0] += curvature * margin * margin;
                out.curvature[1] += curvature * margin;
                out.curvature[2] += curvature;
            }
        };
        let add_lane = |out: &mut Value, lane: Value| {
            out.loss += lane.loss;
            out.gradient.iter_mut().zip(lane.gradient).for_each(|(out, lane)| *out += lane);
            out.curvature.iter_mut().zip(lane.curvature).for_each(|(out, lane)| *out += lane);
        };
        let mut out =
            lanes::sum(self.margins.len(), LANES_MAX, Value::default, add_block, add_lane);
        out.loss /= self.total;
        out.gradient.iter_mut().for_each(|part| *part /= self.total);
        out.curvature.iter_mut().for_each(|part| *part /= self.total);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_right_is_left_as_it_is() {
        // Of 1,000 rows at each probability, that share comes true.
        let shares = [0.05, 0.2, 0.5, 0.7, 0.95];
        let rows = shares.iter().flat_map(|share| (0..1_000).map(move |row| (*share, row)));
        let (predictions, truth): (Vec<f64>, Vec<bool>) =
            rows.map(|(share, row)| (share, f64::from(row) < share * 1_000.0)).unzip();
        let found = Sigmoid::fit(&predictions, &truth, None);
        assert!((found.slope - 1.0).abs() < 3e-3 && found.intercept.abs() < 3e-3, "{found:?}");
        let sure: Vec<f64> =
            predictions.iter().map(|p| 1.0 / (1.0 + (-3.0 * margin(*p)).exp())).collect();
        let found = Sigmoid::fit(&sure, &truth, None);
        assert!((found.slope - 1.0 / 3.0).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn rows_that_are_told_apart_without_error_have_a_finite_slope() {
        let found = Sigmoid::fit(&[0.1, 0.2, 0.8, 1.0], &[false, false, true, true], None);
        assert!(found.is_sound() && found.slope > 0.0 && found.slope < 10.0, "{found:?}");
        let constant =
            Sigmoid::fit(&[0.3; 8], &[true, false, false, false, true, false, false, false], None);
        let mut out = [0.3, 0.0, 1.0];
        constant.apply(&mut out);
        // Every row the same: the mean of the smoothed targets.
        let wanted = (2.0 * 0.75 + 6.0 / 8.0) / 8.0;
        assert!(
            (out[0] - wanted).abs() < 1e-9 && out[1..].iter().all(|p| p.is_finite()),
            "{out:?}"
        );
    }
}
