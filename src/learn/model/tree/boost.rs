//! Gradient boosting: trees that each mend what those before them left wrong.
//!
//! Friedman, *Greedy function approximation*, Annals of Statistics 29, 2001, with Newton's step in each
//! leaf (Friedman, Hastie and Tibshirani, 2000): squared error for values, log loss for classes, one tree
//! a round and output. Growing ends after a number of rounds, or when rows that were held out are no
//! longer predicted better; what was grown after the best round is then left out.

use rayon::prelude::*;

use super::bins::Binned;
use super::flat::{NODES_MAX, StoredTrees};
use super::grown::{Grown, TooManyNodes};
use super::leaf_wise::{LeafWise, LeafWiseGrower, LeafWiseLimits};
use super::loss::{Loss, Outputs, Position};
use super::split::{CATEGORY_ROWS_MIN, SplitLimits};
use super::sums::{CHUNK_ROWS, RowTerm, Scale};
use crate::learn::split::SplitRows;

/// Outputs whose trees are grown at a time.
const TOGETHER: usize = 8;
/// Least sum of second derivatives in a leaf.
const WEIGHT_MIN: f64 = 1e-3;
/// Rows of the largest second derivative that are added to each category before they are put in order.
const CATEGORY_SMOOTHING: f64 = 10.0;
/// How much smaller the loss of the rows held out must become to count.
const TOLERANCE: f64 = 1e-7;

/// How trees are grown.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct BoostSpec {
    /// Most rounds.
    pub(in crate::learn::model) rounds_max: usize,
    /// What each tree is shrunk by.
    pub(in crate::learn::model) learning_rate: f64,
    /// Most leaves of a tree.
    pub(in crate::learn::model) leaves_max: usize,
    /// Most splits from the root to a leaf.
    pub(in crate::learn::model) depth_max: usize,
    /// Fewest rows of a leaf.
    pub(in crate::learn::model) rows_min: u32,
    /// Added to the second derivatives of a leaf.
    pub(in crate::learn::model) l2: f64,
    /// Rounds without a gain on the rows held out after which growing ends.
    pub(in crate::learn::model) patience: usize,
}

/// What was grown.
#[derive(Debug)]
pub(in crate::learn::model) struct Boosted {
    /// One for each round and output.
    pub(in crate::learn::model) trees: StoredTrees,
    /// What outputs are without trees.
    pub(in crate::learn::model) base: Vec<f64>,
    /// How many rounds the trees are of.
    pub(in crate::learn::model) rounds: usize,
}

/// Grows trees on the rows of `parts`; `weights` has one for each row.
pub(in crate::learn::model) fn grow(
    binned: &Binned,
    outputs: Outputs<'_>,
    weights: Option<&[f64]>,
    (spec, parts): (&BoostSpec, &Parts),
) -> Result<Boosted, TooManyNodes> {
    let loss = Loss::new(outputs, weights);
    let rows = loss.rows();
    let base = loss.base();
    let mut margins: Vec<Vec<f64>> = base.iter().map(|base| vec![*base; rows]).collect();
    let mut growers: Vec<Grower<'_>> =
        (0..base.len().min(TOGETHER)).map(|_| Grower::new(binned, parts, &loss, spec)).collect();
    let mut rounds: Vec<Vec<Grown>> = Vec::new();
    let mut nodes = 0;
    let mut best = (loss.mean(&margins, &parts.held_out), 0);
    while rounds.len() < spec.rounds_max {
        let shares = loss.shares(&margins);
        let mut round = Vec::with_capacity(base.len());
        for (batch, margins) in margins.chunks_mut(TOGETHER).enumerate() {
            let grown: Vec<Grown> = margins
                .par_iter_mut()
                .zip(&mut growers)
                .enumerate()
                .map(|(place, (margins, grower))| {
                    grower.grow(batch * TOGETHER + place, &shares, margins)
                })
                .collect();
            round.extend(grown);
        }
        let is_over = round.iter().all(|tree| tree.covers.len() == 1);
        nodes += round.iter().map(|tree| tree.nodes.len()).sum::<usize>();
        if nodes > NODES_MAX {
            return Err(TooManyNodes);
        }
        rounds.push(round);
        if !parts.held_out.is_empty() {
            let found = loss.mean(&margins, &parts.held_out);
            if found < best.0 - TOLERANCE {
                best = (found, rounds.len());
            } else if rounds.len() >= best.1 + spec.patience {
                break;
            }
        }
        if is_over {
            break;
        }
    }
    if !parts.held_out.is_empty() {
        rounds.truncate(best.1.max(1));
    }
    let mut trees = StoredTrees::default();
    for tree in rounds.iter().flatten() {
        trees.push(tree);
    }
    Ok(Boosted { trees, base, rounds: rounds.len() })
}

/// The rows, ascending; those of neither part have no say.
#[derive(Debug)]
pub(in crate::learn::model) struct Parts {
    /// Those that trees are grown on.
    fitted: Vec<u32>,
    /// Those that tell when to stop.
    held_out: Vec<u32>,
}

impl Parts {
    /// As the rows of a matrix of so many are parted; without parts all are grown on.
    pub(in crate::learn::model) fn of(rows: usize, parts: Option<&SplitRows>) -> Self {
        // Trees are grown on as many rows as 32 bits can count.
        let places =
            |rows: &[usize]| rows.iter().filter_map(|row| u32::try_from(*row).ok()).collect();
        match parts {
            Some(parts) => Self { fitted: places(&parts.train), held_out: places(&parts.test) },
            None => Self { fitted: (0u32..).take(rows).collect(), held_out: Vec::new() },
        }
    }
}

/// Grows the trees of one output at a time.
struct Grower<'a> {
    binned: &'a Binned,
    parts: &'a Parts,
    loss: &'a Loss<'a>,
    spec: &'a BoostSpec,
    weight_scale: Scale,
    tree: LeafWiseGrower<'a>,
    rows: Vec<u32>,
    terms: Vec<RowTerm>,
}

impl<'a> Grower<'a> {
    fn new(binned: &'a Binned, parts: &'a Parts, loss: &'a Loss<'a>, spec: &'a BoostSpec) -> Self {
        let rows = parts.fitted.len();
        let weight_scale = Scale::new(loss.weight_max(), rows);
        let limits = LeafWiseLimits {
            leaves_max: spec.leaves_max,
            depth_max: spec.depth_max,
            split: SplitLimits {
                rows_min: i64::from(spec.rows_min),
                weight_min: weight_scale.units(WEIGHT_MIN).max(1),
                l2: spec.l2 * weight_scale.one(),
                gain_above: 0.0,
                category_rows_min: CATEGORY_ROWS_MIN,
                category_smoothing: CATEGORY_SMOOTHING * loss.weight_max() * weight_scale.one(),
            },
        };
        Self {
            binned,
            parts,
            loss,
            spec,
            weight_scale,
            tree: LeafWiseGrower::new(binned, limits),
            rows: parts.fitted.clone(),
            terms: vec![RowTerm::default(); loss.rows()],
        }
    }

    /// Grows a tree for `output` and adds what it says to `margins`.
    fn grow(&mut self, output: usize, shares: &[Vec<f64>], margins: &mut [f64]) -> Grown {
        let Parts { fitted, held_out } = self.parts;
        let value_scale = Scale::new(self.loss.gradient_max(margins), fitted.len());
        let at = Position { output, shares, margins };
        self.loss.terms(&at, [value_scale, self.weight_scale], &mut self.terms);
        self.rows.copy_from_slice(fitted);
        let LeafWise { mut tree, leaves } = self.tree.grow(&mut self.rows, &self.terms);
        for (place, rows, sums) in leaves {
            let weight = self.weight_scale.number(sums.weight) + self.spec.l2;
            let step = if weight > 0.0 { -value_scale.number(sums.value) / weight } else { 0.0 };
            let value = self.spec.learning_rate * step;
            let rows = &self.rows[rows];
            tree.leaf(place, &[value], self.loss.cover(rows));
            for row in rows {
                margins[*row as usize] += value;
            }
        }
        let steps: Vec<Vec<f64>> = held_out
            .par_chunks(CHUNK_ROWS)
            .map(|rows| {
                let value =
                    |row: &u32| tree.values[tree.leaf_of(&self.binned.columns, *row as usize)];
                rows.iter().map(value).collect()
            })
            .collect();
        for (row, step) in held_out.iter().zip(steps.iter().flatten()) {
            margins[*row as usize] += step;
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::tree::bins::Feature;

    const SPEC: BoostSpec = BoostSpec {
        rounds_max: 5,
        learning_rate: 0.5,
        leaves_max: 4,
        depth_max: 64,
        rows_min: 1,
        l2: 1.0,
        patience: 10,
    };

    #[test]
    fn a_weight_of_all_rows_changes_nothing_without_a_penalty() {
        let values: Vec<f64> = (0..300u32).map(|row| (f64::from(row) * 0.7).sin()).collect();
        let index: Vec<u32> = (0..300u32).map(|row| u32::from(row % 7 < 3)).collect();
        let binned = Binned::fit(&[Feature { values: &values, categories: None }], 7);
        let spec = BoostSpec { l2: 0.0, ..SPEC };
        for outputs in
            [Outputs::Values(&values), Outputs::Binary(&index), Outputs::Classes(&index, 2)]
        {
            let all = Parts::of(300, None);
            let plain = grow(&binned, outputs, None, (&spec, &all)).unwrap();
            let twice = grow(&binned, outputs, Some(&[2.0; 300]), (&spec, &all)).unwrap();
            assert_eq!(plain.trees.values().len(), twice.trees.values().len());
            for (one, two) in plain.trees.values().iter().zip(twice.trees.values()) {
                assert!((one - two).abs() < 1e-9, "{one} and {two}");
            }
        }
    }

    #[test]
    fn the_first_step_is_newtons() {
        // Two groups; the mean is 2, and each leaf goes half of the way, less the penalty.
        let values: Vec<f64> = (0..20).map(|row| if row < 10 { 1.0 } else { 3.0 }).collect();
        let binned = Binned::fit(&[Feature { values: &values, categories: None }], 7);
        let spec = BoostSpec { rounds_max: 1, ..SPEC };
        let all = Parts::of(20, None);
        let found = grow(&binned, Outputs::Values(&values), None, (&spec, &all)).unwrap();
        assert!((found.base[0] - 2.0).abs() < 1e-12);
        let step = 0.5 * 10.0 / (10.0 + 1.0);
        for (found, wanted) in found.trees.values().iter().zip([-step, step]) {
            assert!((found - wanted).abs() < 1e-12, "{found}, wanted {wanted}");
        }
    }
}
