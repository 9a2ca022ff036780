//! The penalised log loss and its gradient.
//!
//! Per row (or unit of weight), so that no tolerance depends on the number of rows, and on columns of mean 0 and spread 1:
//! `1/n · (Σ weight·loss + ½·alpha·Σ (v/spread)²)`, which is scikit-learn's objective with `C = 1 / alpha`,
//! divided by `n`, the sum of the weights. The loss of a row is `log(1 + exp(m)) − y·m` with the margin `m` (binary), or
//! `log Σ exp(m_k) − m_y` (softmax), computed so that no margin overflows or loses its digits.

use std::ops::Range;

use crate::learn::features::Design;
use crate::learn::model::coordinates::{Coordinate, varying};
use crate::learn::model::{kernel, lanes};

/// Lanes of the sum over rows.
const LANES_MAX: usize = 64;

/// What logistic regression minimises.
///
/// Parameters are, for each output, one weight for each of `columns()` and then the intercept.
pub(super) struct Objective<'a> {
    design: &'a Design,
    coordinates: &'a [Coordinate],
    columns: Vec<usize>,
    /// `alpha / (n · spread²)` for each of `columns`.
    penalties: Vec<f64>,
    index: &'a [u32],
    outputs: usize,
}

/// The loss and its gradient at a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
}

/// What a lane sums up, and the margins of the block at hand.
struct Lane {
    value: Value,
    margins: Vec<f64>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        design: &'a Design,
        coordinates: &'a [Coordinate],
        alpha: f64,
        index: &'a [u32],
        outputs: usize,
    ) -> Self {
        let columns = varying(coordinates);
        let rows = design.weight_total();
        let penalty = |column: &usize| alpha / rows / coordinates[*column].spread.powi(2);
        let penalties = columns.iter().map(penalty).collect();
        Self { design, coordinates, columns, penalties, index, outputs }
    }

    pub(super) fn design(&self) -> &Design {
        self.design
    }

    pub(super) fn coordinates(&self) -> &[Coordinate] {
        self.coordinates
    }

    /// The matrix columns that have a weight.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    pub(super) fn penalties(&self) -> &[f64] {
        &self.penalties
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The share of rows, as they count, in each class that has an output; of two classes, in class 1.
    pub(super) fn shares(&self) -> Vec<f64> {
        let first = usize::from(self.outputs == 1);
        let mut counts = vec![0.0; self.outputs];
        let weights = self.design.weights();
        for (row, class) in self.index.iter().enumerate() {
            if let Some(place) = (*class as usize).checked_sub(first) {
                counts[place] += weights.map_or(1.0, |weights| weights[row]);
            }
        }
        let rows = self.index.len() as f64;
        counts.iter().map(|count| count / rows).collect()
    }

    /// The loss and its gradient at `point`.
    pub(super) fn value(&self, point: &[f64]) -> Value {
        let zero = || Lane {
            value: Value { loss: 0.0, gradient: vec![0.0; point.len()] },
            margins: Vec::new(),
        };
        let add_block = |lane: &mut Lane, rows: Range<usize>| self.add_block(point, lane, &rows);
        let add_lane = |out: &mut Lane, lane: Lane| {
            out.value.loss += lane.value.loss;
            let parts = lane.value.gradient;
            out.value.gradient.iter_mut().zip(parts).for_each(|(out, part)| *out += part);
        };
        let rows = self.design.rows();
        let mut out = lanes::sum(rows, LANES_MAX, zero, add_block, add_lane).value;
        out.loss /= rows as f64;
        out.gradient.iter_mut().for_each(|part| *part /= rows as f64);
        self.add_penalty(point, &mut out);
        out
    }

    fn add_block(&self, point: &[f64], lane: &mut Lane, rows: &Range<usize>) {
        let Lane { value, margins } = lane;
        let stride = self.columns.len() + 1;
        margins.resize(rows.len() * self.outputs, 0.0);
        for (margins, point) in margins.chunks_mut(rows.len()).zip(point.chunks(stride)) {
            margins.fill(point[self.columns.len()]);
            for (column, weight) in self.columns.iter().zip(point) {
                let Coordinate { centre, spread } = self.coordinates[*column];
                let values = &self.design.column(*column)[rows.clone()];
                kernel::add_scaled(margins, values, centre, weight / spread);
            }
        }
        let index = &self.index[rows.clone()];
        let weights = self.design.weights().map(|weights| &weights[rows.clone()]);
        value.loss += if self.outputs == 1 {
            binary_residuals(margins, index, weights)
        } else {
            softmax_residuals(margins, index, weights)
        };
        let residuals = margins.chunks(rows.len());
        for (residuals, gradient) in residuals.zip(value.gradient.chunks_mut(stride)) {
            for (column, part) in self.columns.iter().zip(&mut *gradient) {
                let Coordinate { centre, spread } = self.coordinates[*column];
                let values = &self.design.column(*column)[rows.clone()];
                *part += kernel::dot(residuals, values, centre) / spread;
            }
            gradient[self.columns.len()] += residuals.iter().sum::<f64>();
        }
    }

    fn add_penalty(&self, point: &[f64], out: &mut Value) {
        let stride = self.columns.len() + 1;
        for (point, gradient) in point.chunks(stride).zip(out.gradient.chunks_mut(stride)) {
            for ((weight, part), penalty) in point.iter().zip(gradient).zip(&self.penalties) {
                out.loss += 0.5 * penalty * weight * weight;
                *part += penalty * weight;
            }
        }
    }
}

/// Turns margins into `weight · (probability − label)` and returns the sum of the weighted losses.
fn binary_residuals(margins: &mut [f64], index: &[u32], weights: Option<&[f64]>) -> f64 {
    let mut loss = 0.0;
    for (row, (margin, class)) in margins.iter_mut().zip(index).enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        let label = f64::from(*class);
        let (probability, log) = kernel::logistic(*margin);
        loss += weight * (margin.max(0.0) - label * *margin + log);
        *margin = weight * (probability - label);
    }
    loss
}

/// As [`binary_residuals`], for margins of one class after the other.
fn softmax_residuals(margins: &mut [f64], index: &[u32], weights: Option<&[f64]>) -> f64 {
    let rows = index.len();
    let mut row_margins = vec![0.0; margins.len() / rows.max(1)];
    let mut loss = 0.0;
    for (row, class) in index.iter().enumerate() {
        for (output, margin) in row_margins.iter_mut().enumerate() {
            *margin = margins[output * rows + row];
        }
        let own = row_margins[*class as usize];
        let weight = weights.map_or(1.0, |weights| weights[row]);
        loss += weight * (kernel::softmax(&mut row_margins) - own);
        for (output, probability) in row_margins.iter().enumerate() {
            let label = f64::from(u8::from(output == *class as usize));
            margins[output * rows + row] = weight * (probability - label);
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::coordinates::coordinates;

    fn design() -> Design {
        let wave = |step: f64| (0..5_000).map(|row| (f64::from(row) * step).sin()).collect();
        Design::from_columns(&[wave(0.37), vec![3.0; 5_000], wave(1.7)])
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let design = design();
        let coordinates = coordinates(&design).unwrap();
        let index: Vec<u32> = (0..5_000).map(|row| row % 7 % 3).collect();
        let two: Vec<u32> = index.iter().map(|class| (*class).min(1)).collect();
        for (index, outputs) in [(&index, 3), (&two, 1)] {
            let objective = Objective::new(&design, &coordinates, 50.0, index, outputs);
            assert_eq!(objective.columns(), [0, 2]);
            let point: Vec<f64> = (0..3 * outputs).map(|n| (n as f64).cos()).collect();
            let at = objective.value(&point);
            for place in 0..point.len() {
                let moved = |by: f64| {
                    let mut point = point.clone();
                    point[place] += by;
                    objective.value(&point).loss
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - at.gradient[place]).abs() < 1e-9, "{place} of {outputs}");
            }
        }
    }

    #[test]
    fn two_softmax_outputs_are_one_logistic_output() {
        let design = design();
        let coordinates = coordinates(&design).unwrap();
        let index: Vec<u32> = (0..5_000).map(|row| row % 3 % 2).collect();
        let binary = Objective::new(&design, &coordinates, 0.0, &index, 1);
        let softmax = Objective::new(&design, &coordinates, 0.0, &index, 2);
        let one = binary.value(&[60.0, -45.0, 7.0]).loss;
        let two = softmax.value(&[10.0, 5.0, -4.0, 70.0, -40.0, 3.0]).loss;
        assert!((one / two - 1.0).abs() < 1e-12, "{one} {two}");
        let shares = binary.shares();
        assert!((shares[0] - 1.0 / 3.0).abs() < 1e-3 && softmax.shares().len() == 2);
    }
}
