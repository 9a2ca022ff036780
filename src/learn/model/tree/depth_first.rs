//! Growing a tree for a forest: every node down to the limits, one branch after the other.
//!
//! A node adds up the columns that it asks and nothing else, in one histogram that is used again and
//! again: forests ask few columns per node, so that nothing could be taken over from the parent. Small
//! nodes look only at codes that occur in them.

use rand::Rng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::bins::Binned;
use super::grown::{Grown, TooManyNodes};
use super::partition;
use super::split::{Split, SplitLimits};

/// How large a tree may become, and what it asks.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct DepthFirstLimits {
    /// Most splits from the root to a leaf.
    pub(in crate::learn::model) depth_max: usize,
    /// Most nodes.
    pub(in crate::learn::model) nodes_max: usize,
    /// Columns that are drawn for each node.
    pub(in crate::learn::model) columns: usize,
    /// Whether columns are searched by all threads.
    pub(in crate::learn::model) threads: Threads,
    /// What both parts of a split must have.
    pub(in crate::learn::model) split: SplitLimits,
}

/// Who works on one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn::model) enum Threads {
    /// The calling thread; others may work on other trees.
    One,
    /// All of the current pool.
    All,
}

/// Rows times columns of a node below which a second thread costs more than it brings.
const PARALLEL_MIN: usize = 1 << 15;

/// What is learned from the rows of a tree.
pub(in crate::learn::model) trait Target: Sync + Sized {
    /// A histogram to use again and again, and the terms of the node at hand.
    type Terms: Send + Sync + Default;
    /// Cells of a histogram.
    type Histogram: Send + Sync;
    /// What is known about all rows of a node.
    type Total: Sync;

    /// A histogram of zeros.
    fn histogram(&self) -> Self::Histogram;

    /// Brings the terms of `rows` together and returns their sum.
    fn gather(&self, rows: &[u32], terms: &mut Self::Terms) -> Self::Total;

    /// Whether nothing is left to be told apart.
    fn is_pure(&self, total: &Self::Total) -> bool;

    /// The best split by a column, leaving zeros in `histogram`.
    fn search(
        &self,
        column: Column<'_>,
        node: &Node<'_, Self>,
        histogram: &mut Self::Histogram,
    ) -> Found;

    /// Writes what a leaf says to the end of `out`, and returns the weight of its rows.
    fn leaf(&self, total: &Self::Total, out: &mut Vec<f64>) -> f64;
}

/// The rows of a node, but for their columns.
#[derive(Debug)]
pub(in crate::learn::model) struct Node<'a, T: Target> {
    /// Their terms, in the order of rows.
    pub(in crate::learn::model) terms: &'a T::Terms,
    /// What is known about all of them.
    pub(in crate::learn::model) total: &'a T::Total,
    /// What both parts of a split must have.
    pub(in crate::learn::model) limits: &'a SplitLimits,
}

/// A column at the rows of a node.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct Column<'a> {
    /// The rows.
    pub(in crate::learn::model) rows: &'a [u32],
    /// The codes of all rows of the table.
    pub(in crate::learn::model) codes: &'a [u8],
    /// Whether codes stand for categories.
    pub(in crate::learn::model) is_category: bool,
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::learn::model) enum Found {
    /// All rows have the same code.
    Constant,
    /// No split is allowed or gains anything.
    Nothing,
    /// The best one.
    Split(Split),
}

/// Grows one tree.
pub(in crate::learn::model) struct DepthFirst<'a, T: Target> {
    binned: &'a Binned,
    target: &'a T,
    limits: DepthFirstLimits,
    random: Xoshiro256PlusPlus,
    histogram: T::Histogram,
    terms: T::Terms,
    order: Vec<usize>,
}

impl<'a, T: Target> DepthFirst<'a, T> {
    /// A grower; `random` draws columns.
    pub(in crate::learn::model) fn new(
        binned: &'a Binned,
        target: &'a T,
        limits: DepthFirstLimits,
        random: Xoshiro256PlusPlus,
    ) -> Self {
        let order = (0..binned.columns.len()).collect();
        let (histogram, terms) = (target.histogram(), T::Terms::default());
        Self { binned, target, limits, random, histogram, terms, order }
    }

    /// Grows a tree on `rows`, which it puts in another order.
    pub(in crate::learn::model) fn grow(
        &mut self,
        rows: &mut [u32],
    ) -> Result<Grown, TooManyNodes> {
        let mut tree = Grown::default();
        let mut scratch = vec![0; rows.len()];
        let mut values = Vec::new();
        let mut open = vec![(tree.push(), 0..rows.len(), 0)];
        while let Some((place, range, depth)) = open.pop() {
            let part = &mut rows[range.clone()];
            let total = self.target.gather(part, &mut self.terms);
            let rows_min = 2 * self.limits.split.rows_min.max(1);
            let may_split = depth < self.limits.depth_max
                && part.len() as u64 >= rows_min.unsigned_abs()
                && !self.target.is_pure(&total);
            let split = if may_split { self.search(part, &total) } else { None };
            let Some(split) = split else {
                values.clear();
                let cover = self.target.leaf(&total, &mut values);
                tree.leaf(place, &values, cover);
                continue;
            };
            if tree.nodes.len() + 2 > self.limits.nodes_max {
                return Err(TooManyNodes);
            }
            let codes = &self.binned.columns[split.column];
            let middle = range.start
                + partition::part(part, &mut scratch[range.clone()], codes, &split.rule);
            let [left, right] = tree.split(place, &split);
            open.push((right, middle..range.end, depth + 1));
            open.push((left, range.start..middle, depth + 1));
        }
        Ok(tree)
    }

    fn search(&mut self, rows: &[u32], total: &T::Total) -> Option<Split> {
        let all = self.order.len();
        let is_large = rows.len().saturating_mul(all) >= PARALLEL_MIN;
        if self.limits.columns >= all && is_large && self.limits.threads == Threads::All {
            return self.search_all(rows, total);
        }
        let mut best: Option<Split> = None;
        let mut has_varied = false;
        for asked in 0..all {
            // A column that does not vary in the node counts as drawn, but one that does must be asked.
            if asked >= self.limits.columns && has_varied {
                break;
            }
            if self.limits.columns < all {
                let drawn = self.random.gen_range(asked..all);
                self.order.swap(asked, drawn);
            }
            let column = self.order[asked];
            let node = Node { terms: &self.terms, total, limits: &self.limits.split };
            let at_rows = column_of(self.binned, column, rows);
            match self.target.search(at_rows, &node, &mut self.histogram) {
                Found::Constant => {}
                Found::Nothing => has_varied = true,
                Found::Split(split) => {
                    has_varied = true;
                    best = better(best, Split { column, ..split });
                }
            }
        }
        best
    }

    fn search_all(&self, rows: &[u32], total: &T::Total) -> Option<Split> {
        let node = Node { terms: &self.terms, total, limits: &self.limits.split };
        let search = |histogram: &mut T::Histogram, column: usize| match self.target.search(
            column_of(self.binned, column, rows),
            &node,
            histogram,
        ) {
            Found::Split(split) => Some(Split { column, ..split }),
            Found::Constant | Found::Nothing => None,
        };
        let found: Vec<Option<Split>> = (0..self.order.len())
            .into_par_iter()
            .map_init(|| self.target.histogram(), search)
            .collect();
        found.into_iter().flatten().fold(None, better)
    }
}

/// The column at `place`, at the rows of a node.
fn column_of<'r>(binned: &'r Binned, place: usize, rows: &'r [u32]) -> Column<'r> {
    Column { rows, codes: &binned.columns[place], is_category: binned.cuts[place].is_category() }
}

/// The split that gains more, the first of equals.
#[expect(clippy::unnecessary_wraps, reason = "it folds")]
fn better(best: Option<Split>, other: Split) -> Option<Split> {
    Some(best.filter(|best| best.gain >= other.gain).unwrap_or(other))
}
