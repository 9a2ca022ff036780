//! Trees with the bins that they are walked by: the fitted model of all kinds made of trees.
//!
//! What is kept is plain arrays: the cuts of each column, the trees, and for each leaf the weight of its
//! training rows, from which the weight and the mean of every other node follow. What is read must fit
//! together and fit the columns before anything is walked.

use serde::{Deserialize, Serialize};

use super::bins::{CodeTable, Cuts};
use super::flat::{StoredTrees, Walkable};
use super::shapley::{Effects, Leaves};
use super::walk::{LANES, Tile};
use crate::learn::features::{Block, BlockColumn, Slot};
use crate::learn::model::{Model, OutputTerms, TermScale, Terms, kernel};

/// What outputs are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::learn::model) enum Combine {
    /// The mean over trees, whose leaves say a value for each output.
    Mean,
    /// The sum over trees: a value.
    Sum,
    /// The sum over trees: the log odds of class 1.
    Logistic,
    /// The sums over every so many trees: the log of the share of each class, but for a constant.
    Softmax,
}

/// What is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::learn::model) struct State {
    /// How the values of each column become codes.
    pub(in crate::learn::model) cuts: Vec<Cuts>,
    /// The trees; for sums the first output's, the second one's, and so on.
    pub(in crate::learn::model) trees: StoredTrees,
    /// What each output is without trees.
    pub(in crate::learn::model) base: Vec<f64>,
    /// What outputs are made of.
    pub(in crate::learn::model) combine: Combine,
}

/// A fitted model in the form that is walked.
#[derive(Debug)]
pub(in crate::learn::model) struct Ensemble {
    state: State,
    trees: Walkable,
    /// One for each column of the tile.
    tables: Vec<CodeTable>,
}

impl State {
    /// How many outputs there are.
    pub(in crate::learn::model) fn outputs(&self) -> usize {
        self.base.len()
    }

    /// How many values a leaf says.
    fn leaf_width(&self) -> usize {
        if self.combine == Combine::Mean { self.outputs() } else { 1 }
    }

    fn is_sound(&self, slots: &[Slot], outputs: usize) -> bool {
        let suits = |(cuts, slot): (&Cuts, &Slot)| match (cuts, *slot) {
            (Cuts::Numbers(_), Slot::Number { .. }) => cuts.is_sound(),
            (Cuts::Categories(found), Slot::Code { count, .. }) => {
                cuts.is_sound() && usize::from(*found) == count
            }
            _ => false,
        };
        let trees = self.trees.len();
        let outputs_fit = match self.combine {
            Combine::Mean => outputs > 0 && trees > 0,
            Combine::Sum | Combine::Logistic => outputs == 1,
            Combine::Softmax => outputs > 1 && trees.is_multiple_of(outputs),
        };
        outputs_fit
            && self.base.len() == outputs
            && self.base.iter().all(|base| base.is_finite())
            && self.cuts.len() == slots.len()
            && self.cuts.iter().zip(slots).all(suits)
    }
}

impl Ensemble {
    /// The model with `state`, or `None` if it does not fit together or the matrix with `slots`.
    pub(in crate::learn::model) fn new(
        state: State,
        slots: &[Slot],
        outputs: usize,
    ) -> Option<Self> {
        if !state.is_sound(slots, outputs) {
            return None;
        }
        let trees = state.trees.walkable(&state.cuts, state.leaf_width())?;
        let table = |column: &u16| state.cuts[usize::from(*column)].table();
        let tables = trees.columns.iter().map(table).collect();
        Some(Self { state, trees, tables })
    }

    fn tile(&self, block: &Block) -> Tile {
        let mut out = Tile::new(block.rows, self.tables.len());
        let mut codes = vec![0; block.rows];
        for (place, (column, table)) in self.trees.columns.iter().zip(&self.tables).enumerate() {
            match &block.columns[usize::from(*column)] {
                BlockColumn::Number { values, .. } => table.codes(values, &mut codes),
                BlockColumn::Levels { codes: levels, .. } => table.categories(levels, &mut codes),
            }
            out.set(place, &codes);
        }
        out
    }

    /// Adds what the trees say to `out`.
    fn add(&self, tile: &Tile, rows: usize, out: &mut [f64]) {
        let (values, width) = (self.state.trees.values(), self.state.leaf_width());
        let outputs = self.state.outputs();
        for (place, tree) in self.trees.trees.iter().enumerate() {
            if width == 1 {
                let out = &mut out[place % outputs * rows..][..rows];
                self.trees.walk(tree, tile, |first, leaves| {
                    for (out, leaf) in out[first..].iter_mut().zip(leaves) {
                        *out += values[*leaf as usize];
                    }
                });
                continue;
            }
            self.trees.walk(tree, tile, |first, leaves: &[u32; LANES]| {
                for (row, leaf) in (first..rows).zip(leaves) {
                    let said = &values[*leaf as usize * width..][..width];
                    for (output, value) in said.iter().enumerate() {
                        out[output * rows + row] += value;
                    }
                }
            });
        }
    }
}

impl Model for Ensemble {
    fn predict(&self, block: &Block, out: &mut [f64]) {
        let rows = block.rows;
        if rows == 0 {
            return;
        }
        for (out, base) in out.chunks_mut(rows).zip(&self.state.base) {
            out.fill(*base);
        }
        self.add(&self.tile(block), rows, out);
        match self.state.combine {
            Combine::Sum => {}
            Combine::Mean => {
                let trees = self.trees.trees.len() as f64;
                for out in out {
                    *out /= trees;
                }
            }
            Combine::Logistic => {
                for out in out {
                    *out = kernel::logistic(*out).0;
                }
            }
            Combine::Softmax => kernel::softmax_rows(out, rows),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&self.state)
    }

    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>> {
        None
    }

    fn terms(&self, block: &Block) -> Terms {
        let trees = &self.trees;
        let (codes, columns) = (self.tile(block).first(), trees.columns.len());
        let (values, covers) = (self.state.trees.values(), self.state.trees.covers());
        let leaves = Leaves { trees, values, width: self.state.leaf_width(), covers };
        let mut effects = Effects::new(&self.state.base, columns);
        for (place, tree) in trees.trees.iter().enumerate() {
            let output = if leaves.width == 1 { place % self.state.outputs() } else { 0 };
            effects.add(leaves, tree, &codes, output);
        }
        let (scale, divisor) = match self.state.combine {
            Combine::Mean => (TermScale::Prediction, trees.trees.len() as f64),
            Combine::Sum => (TermScale::Prediction, 1.0),
            Combine::Logistic => (TermScale::LogOdds, 1.0),
            Combine::Softmax => (TermScale::LogShares, 1.0),
        };
        let output = |(output, base): (usize, &f64)| {
            let mut features = vec![0.0; block.columns.len()];
            let own = &effects.columns[output * columns..][..columns];
            for (column, effect) in trees.columns.iter().zip(own) {
                features[usize::from(*column)] = effect / divisor;
            }
            OutputTerms { base: base / divisor, features }
        };
        Terms { scale, outputs: effects.base.iter().enumerate().map(output).collect() }
    }
}
