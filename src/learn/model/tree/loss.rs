//! What boosting makes smaller: squared error, or log loss, with their derivatives.
//!
//! Of log loss, with p the logistic of the score or its share among the classes: gradient p - y, second
//! derivative p (1 - p), as Friedman (2001) and Chen and Guestrin (2016) have them.

use rayon::prelude::*;

use super::sums::{CHUNK_ROWS, RowTerm, Scale};

/// What is learned, one entry for each row.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) enum Outputs<'a> {
    /// Numbers, by squared error.
    Values(&'a [f64]),
    /// The log odds of class 1 of two.
    Binary(&'a [u32]),
    /// The logs of the shares of classes, of which there are so many.
    Classes(&'a [u32], usize),
}

/// A loss on some rows.
#[derive(Debug)]
pub(in crate::learn::model) struct Loss<'a> {
    outputs: Outputs<'a>,
    weights: Option<&'a [f64]>,
}

/// Where one output stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct Position<'a> {
    /// The output.
    pub(in crate::learn::model) output: usize,
    /// What [`Loss::shares`] says.
    pub(in crate::learn::model) shares: &'a [Vec<f64>],
    /// The output's own margins.
    pub(in crate::learn::model) margins: &'a [f64],
}

/// Least share that a class is taken to have at the start.
const SHARE_MIN: f64 = 1e-12;

impl<'a> Loss<'a> {
    /// Weighs rows by `weights`.
    pub(in crate::learn::model) fn new(outputs: Outputs<'a>, weights: Option<&'a [f64]>) -> Self {
        Self { outputs, weights }
    }

    /// How many rows there are.
    pub(in crate::learn::model) fn rows(&self) -> usize {
        match self.outputs {
            Outputs::Values(values) => values.len(),
            Outputs::Binary(index) | Outputs::Classes(index, _) => index.len(),
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The weight of `rows`.
    pub(in crate::learn::model) fn cover(&self, rows: &[u32]) -> f64 {
        match self.weights {
            None => rows.len() as f64,
            Some(weights) => rows.iter().map(|row| weights[*row as usize]).sum(),
        }
    }

    /// What each output is if nothing is known: the mean, or the log odds.
    pub(in crate::learn::model) fn base(&self) -> Vec<f64> {
        let total: f64 = (0..self.rows()).map(|row| self.weight(row)).sum();
        let share = |wanted: u32, index: &[u32]| {
            let is_wanted = |(row, class): (usize, &u32)| {
                if *class == wanted { self.weight(row) } else { 0.0 }
            };
            let weight: f64 = index.iter().enumerate().map(is_wanted).sum();
            (weight / total).clamp(SHARE_MIN, 1.0 - SHARE_MIN)
        };
        match self.outputs {
            Outputs::Values(values) => {
                let weighted = |(row, value): (usize, &f64)| value * self.weight(row);
                vec![values.iter().enumerate().map(weighted).sum::<f64>() / total]
            }
            Outputs::Binary(index) => {
                let share = share(1, index);
                vec![(share / (1.0 - share)).ln()]
            }
            Outputs::Classes(index, count) => {
                (0u32..).take(count).map(|class| share(class, index).ln()).collect()
            }
        }
    }

    /// The largest second derivative of a row.
    pub(in crate::learn::model) fn weight_max(&self) -> f64 {
        let largest =
            self.weights.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
        match self.outputs {
            Outputs::Values(_) => largest,
            Outputs::Binary(_) | Outputs::Classes(..) => largest / 4.0,
        }
    }

    /// The largest magnitude that a gradient may have.
    pub(in crate::learn::model) fn gradient_max(&self, margins: &[f64]) -> f64 {
        let largest =
            self.weights.map_or(1.0, |weights| weights.iter().copied().fold(0.0, f64::max));
        let Outputs::Values(values) = self.outputs else { return largest };
        let gaps = margins.par_chunks(CHUNK_ROWS).zip(values.par_chunks(CHUNK_ROWS));
        let of = |(margins, values): (&[f64], &[f64])| {
            let gap = |(margin, value): (&f64, &f64)| (margin - value).abs();
            margins.iter().zip(values).map(gap).fold(0.0, f64::max)
        };
        gaps.map(of).reduce(|| 0.0, f64::max) * largest
    }

    /// The probability of each class for each row; nothing for other outputs.
    pub(in crate::learn::model) fn shares(&self, margins: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let Outputs::Classes(..) = self.outputs else { return Vec::new() };
        let mut out = margins.to_vec();
        for row in 0..self.rows() {
            let largest = out.iter().map(|column| column[row]).fold(f64::NEG_INFINITY, f64::max);
            let mut total = 0.0;
            for column in &mut out {
                column[row] = (column[row] - largest).exp();
                total += column[row];
            }
            for column in &mut out {
                column[row] /= total;
            }
        }
        out
    }

    /// Writes the gradient and second derivative of each row for one output, in units.
    pub(in crate::learn::model) fn terms(
        &self,
        at: &Position<'_>,
        [values, weights]: [Scale; 2],
        out: &mut [RowTerm],
    ) {
        let Position { output, shares, margins } = *at;
        let term = |row: usize| {
            let (gradient, curvature) = match self.outputs {
                Outputs::Values(wanted) => (margins[row] - wanted[row], 1.0),
                Outputs::Binary(index) => {
                    let share = 1.0 / (1.0 + (-margins[row]).exp());
                    (share - f64::from(index[row]), share * (1.0 - share))
                }
                Outputs::Classes(index, _) => {
                    let share = shares[output][row];
                    let wanted = if index[row] as usize == output { 1.0 } else { 0.0 };
                    (share - wanted, share * (1.0 - share))
                }
            };
            let weight = self.weight(row);
            RowTerm {
                value: values.units(gradient * weight),
                weight: weights.units(curvature * weight),
            }
        };
        out.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk, out)| {
            for (row, out) in (chunk * CHUNK_ROWS..).zip(out) {
                *out = term(row);
            }
        });
    }

    /// The mean loss of `rows`; 0 for none.
    pub(in crate::learn::model) fn mean(&self, margins: &[Vec<f64>], rows: &[u32]) -> f64 {
        let of = |row: usize| match self.outputs {
            Outputs::Values(values) => (margins[0][row] - values[row]).powi(2) / 2.0,
            Outputs::Binary(index) => {
                let margin = if index[row] == 1 { -margins[0][row] } else { margins[0][row] };
                // log(1 + exp(margin)) without overflow.
                margin.max(0.0) + (-margin.abs()).exp().ln_1p()
            }
            Outputs::Classes(index, _) => {
                let largest =
                    margins.iter().map(|column| column[row]).fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = margins.iter().map(|column| (column[row] - largest).exp()).sum();
                largest + total.ln() - margins[index[row] as usize][row]
            }
        };
        let chunk = |rows: &[u32]| {
            let sum = |(loss, weight): (f64, f64), row: &u32| {
                let own = self.weight(*row as usize);
                (loss + of(*row as usize) * own, weight + own)
            };
            rows.iter().fold((0.0, 0.0), sum)
        };
        let chunks: Vec<(f64, f64)> = rows.par_chunks(CHUNK_ROWS).map(chunk).collect();
        let (loss, weight) =
            chunks.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        if weight > 0.0 { loss / weight } else { 0.0 }
    }
}
