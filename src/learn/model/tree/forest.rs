//! Trees that are grown on their own: a single one, or many whose results are averaged.
//!
//! Each tree of a forest sees rows drawn with replacement and draws the columns that its nodes ask, both
//! from the seed and the number of the tree alone, so that trees can be grown in any order.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::bins::Binned;
use super::classes::Classes;
use super::depth_first::{DepthFirst, DepthFirstLimits, Threads};
use super::flat::{NODES_MAX, StoredTrees, VALUES_MAX};
use super::grown::{Grown, TooManyNodes};
use super::split::{CATEGORY_ROWS_MIN, SplitLimits};
use super::values::Values;

/// What is learned, one entry for each row.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) enum ForestTarget<'a> {
    /// Numbers; 0 and 1 are classes.
    Values(&'a [f64]),
    /// Classes, below the second part.
    Classes(&'a [u32], usize),
}

/// How trees are grown.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct ForestSpec {
    /// How many trees.
    pub(in crate::learn::model) trees: usize,
    /// Whether each sees rows drawn with replacement, or all of them.
    pub(in crate::learn::model) draws_rows: bool,
    /// Columns that are drawn for each node.
    pub(in crate::learn::model) columns: usize,
    /// Most splits from the root to a leaf.
    pub(in crate::learn::model) depth_max: usize,
    /// Fewest rows of a leaf.
    pub(in crate::learn::model) rows_min: u32,
    /// What everything is drawn from.
    pub(in crate::learn::model) seed: u64,
}

/// Grows trees; `weights` has one for each row.
pub(in crate::learn::model) fn grow(
    binned: &Binned,
    target: ForestTarget<'_>,
    weights: Option<&[f64]>,
    spec: &ForestSpec,
) -> Result<StoredTrees, TooManyNodes> {
    // A tree of n leaves has 2n − 1 nodes.
    let nodes_max = NODES_MAX.min(VALUES_MAX / target.width() * 2 - 1);
    let forest = Forest { binned, target, weights, spec, nodes_max };
    let grown_nodes = AtomicUsize::new(0);
    let one = |tree: usize| {
        let found = forest.tree(tree)?;
        // Whether the limit is passed does not depend on which tree passes it.
        let before = grown_nodes.fetch_add(found.nodes.len(), Ordering::Relaxed);
        if before + found.nodes.len() > nodes_max { Err(TooManyNodes) } else { Ok(found) }
    };
    let trees: Vec<Grown> = if spec.trees == 1 {
        vec![one(0)?]
    } else {
        (0..spec.trees).into_par_iter().map(one).collect::<Result<_, _>>()?
    };
    let mut out = StoredTrees::default();
    for tree in &trees {
        out.push(tree);
    }
    Ok(out)
}

impl ForestTarget<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Classes(index, _) => index.len(),
        }
    }

    /// How many values a leaf says.
    fn width(&self) -> usize {
        match self {
            Self::Values(_) => 1,
            Self::Classes(_, count) => *count,
        }
    }
}

/// What all trees have in common.
struct Forest<'a> {
    binned: &'a Binned,
    target: ForestTarget<'a>,
    weights: Option<&'a [f64]>,
    spec: &'a ForestSpec,
    nodes_max: usize,
}

impl Forest<'_> {
    fn tree(&self, tree: usize) -> Result<Grown, TooManyNodes> {
        let mut random = random(self.spec.seed, tree);
        let draws = self.spec.draws_rows.then_some(&mut random);
        let weights = drawn(self.target.rows(), self.weights, draws);
        let weighed = (0u32..).zip(&weights).filter(|(_, weight)| **weight > 0.0);
        let mut rows: Vec<u32> = weighed.map(|(row, _)| row).collect();
        let limits = self.limits();
        match self.target {
            ForestTarget::Values(values) => {
                let target = Values::new(values, &weights);
                drop(weights);
                DepthFirst::new(self.binned, &target, limits, random).grow(&mut rows)
            }
            ForestTarget::Classes(index, count) => {
                let target = Classes::new(index, count, &weights);
                drop(weights);
                DepthFirst::new(self.binned, &target, limits, random).grow(&mut rows)
            }
        }
    }

    fn limits(&self) -> DepthFirstLimits {
        DepthFirstLimits {
            depth_max: self.spec.depth_max,
            nodes_max: self.nodes_max,
            columns: self.spec.columns,
            threads: if self.spec.trees == 1 { Threads::All } else { Threads::One },
            split: SplitLimits {
                rows_min: i64::from(self.spec.rows_min),
                weight_min: 1,
                l2: 0.0,
                // A node that is not pure is split even if that alone tells nothing: the next may.
                gain_above: -1.0,
                category_rows_min: CATEGORY_ROWS_MIN,
                category_smoothing: 0.0,
            },
        }
    }
}

/// What draws for one tree.
fn random(seed: u64, tree: usize) -> Xoshiro256PlusPlus {
    // An odd multiplier keeps the seeds of trees apart; the generator mixes them.
    Xoshiro256PlusPlus::seed_from_u64(seed ^ (tree as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The weight of each row: its own, times how often it was drawn.
fn drawn(
    rows: usize,
    weights: Option<&[f64]>,
    random: Option<&mut Xoshiro256PlusPlus>,
) -> Vec<f64> {
    let mut out = match random {
        None => vec![1.0; rows],
        Some(random) => {
            let mut counts = vec![0.0; rows];
            for _ in 0..rows {
                counts[random.gen_range(0..rows)] += 1.0;
            }
            counts
        }
    };
    if let Some(weights) = weights {
        out.iter_mut().zip(weights).for_each(|(count, weight)| *count *= weight);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::tree::bins::Feature;

    const SPEC: ForestSpec = ForestSpec {
        trees: 1,
        draws_rows: false,
        columns: usize::MAX,
        depth_max: 6,
        rows_min: 1,
        seed: 7,
    };

    #[test]
    fn a_weight_is_as_many_rows() {
        let wave = |row: u32| (f64::from(row) * 0.7).sin();
        let weight = |row: u32| row % 4;
        let whole: Vec<u32> = (0..200).collect();
        let repeated: Vec<u32> =
            whole.iter().flat_map(|row| std::iter::repeat_n(*row, weight(*row) as usize)).collect();
        let grow = |rows: &[u32], weights: Option<&[f64]>, classes: bool| {
            let values: Vec<f64> = rows.iter().map(|row| wave(*row)).collect();
            let index: Vec<u32> = rows.iter().map(|row| row / 3 % 3).collect();
            // The same cuts for both: those of all rows.
            let all: Vec<f64> = whole.iter().map(|row| wave(*row * 5)).collect();
            let cuts = Binned::fit(&[Feature { values: &all, categories: None }], 7).cuts;
            let column: Vec<f64> = rows.iter().map(|row| wave(*row * 5)).collect();
            let mut codes = vec![0; column.len()];
            cuts[0].table().codes(&column, &mut codes);
            let binned = Binned { cuts, columns: vec![codes] };
            let target = if classes {
                ForestTarget::Classes(&index, 3)
            } else {
                ForestTarget::Values(&values)
            };
            super::grow(&binned, target, weights, &SPEC).unwrap()
        };
        let weights: Vec<f64> = whole.iter().map(|row| f64::from(weight(*row))).collect();
        for classes in [false, true] {
            let weighted = grow(&whole, Some(&weights), classes);
            let many = grow(&repeated, None, classes);
            assert_eq!(weighted.values().len(), many.values().len());
            for (weighted, many) in weighted.values().iter().zip(many.values()) {
                assert!((weighted - many).abs() < 1e-12, "{weighted} for {many}");
            }
        }
    }

    #[test]
    fn too_many_nodes_are_an_error() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let binned = Binned::fit(&[Feature { values: &values, categories: None }], 7);
        let target = Values::new(&values, &[1.0; 100]);
        let forest = Forest {
            binned: &binned,
            target: ForestTarget::Values(&values),
            weights: None,
            spec: &SPEC,
            nodes_max: 5,
        };
        let mut rows: Vec<u32> = (0..100).collect();
        let mut grower = DepthFirst::new(&binned, &target, forest.limits(), random(7, 0));
        assert_eq!(grower.grow(&mut rows), Err(TooManyNodes));
    }
}
