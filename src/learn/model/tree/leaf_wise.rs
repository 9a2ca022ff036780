//! Growing a tree for boosting: always the leaf that gains most, up to a number of leaves.
//!
//! Each node has a histogram of all columns. Of two children only that of the smaller is added up from
//! rows; the other's is what remains of the parent's, exactly. Columns are worked on by all threads.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use rayon::prelude::*;

use super::bins::{Binned, CODES, Cuts};
use super::grown::Grown;
use super::partition;
use super::split::{CodeSet, Split, SplitLimits, by_category, by_number};
use super::sums::{CHUNK_ROWS, RowTerm, Sums};

/// Work on a node, in terms added up and sums looked at, below which a second thread costs more than it
/// brings.
const PARALLEL_MIN: usize = 1 << 14;

/// How large the tree may become.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct LeafWiseLimits {
    /// Most leaves.
    pub(in crate::learn::model) leaves_max: usize,
    /// Most splits from the root to a leaf.
    pub(in crate::learn::model) depth_max: usize,
    /// What both parts of a split must have.
    pub(in crate::learn::model) split: SplitLimits,
}

/// A tree whose leaves are sums.
#[derive(Debug)]
pub(in crate::learn::model) struct LeafWise {
    /// Its nodes; the values of leaves are not filled in.
    pub(in crate::learn::model) tree: Grown,
    /// Its leaves in no particular order: the node, its rows, and their sums.
    pub(in crate::learn::model) leaves: Vec<(usize, Range<usize>, Sums)>,
}

/// A tree that is being grown on some rows.
struct Growing<'a> {
    out: LeafWise,
    open: BinaryHeap<Open>,
    rows: &'a mut [u32],
    terms: &'a [RowTerm],
}

/// One part of a split.
#[derive(Clone, Copy)]
struct Child {
    total: Sums,
    may_split: bool,
}

/// A leaf that may be split.
struct Open {
    place: usize,
    rows: Range<usize>,
    depth: usize,
    total: Sums,
    split: Split,
    histogram: Vec<[Sums; CODES]>,
}

/// A node that is a leaf so far.
struct Candidate {
    place: usize,
    rows: Range<usize>,
    depth: usize,
    total: Sums,
    split: Option<Split>,
}

/// Grows trees on one table.
#[derive(Debug)]
pub(in crate::learn::model) struct LeafWiseGrower<'a> {
    binned: &'a Binned,
    /// The codes of each column that can occur.
    occurring: Vec<CodeSet>,
    limits: LeafWiseLimits,
    scratch: Vec<u32>,
    terms: Vec<RowTerm>,
    spare: Vec<Vec<[Sums; CODES]>>,
}

impl<'a> LeafWiseGrower<'a> {
    /// Makes room for trees on `binned`.
    pub(in crate::learn::model) fn new(binned: &'a Binned, limits: LeafWiseLimits) -> Self {
        let occurring = binned.cuts.iter().map(|cuts| CodeSet::up_to(cuts.code_max())).collect();
        Self {
            binned,
            occurring,
            limits,
            scratch: Vec::new(),
            terms: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Grows a tree on `rows`, which it puts in another order; `terms` has one for each row of the table.
    pub(in crate::learn::model) fn grow(
        &mut self,
        rows: &mut [u32],
        terms: &[RowTerm],
    ) -> LeafWise {
        self.scratch.resize(rows.len(), 0);
        self.gather(rows, terms);
        let total = self.total();
        let mut histogram = self.histogram();
        let split = self.search_root(rows, total, &mut histogram);
        let out = LeafWise { tree: Grown::default(), leaves: Vec::new() };
        let mut growing = Growing { out, open: BinaryHeap::new(), rows, terms };
        let place = growing.out.tree.push();
        let rows = 0..growing.rows.len();
        self.keep(&mut growing, Candidate { place, rows, depth: 0, total, split }, histogram);
        while let Some(node) = growing.open.pop() {
            // Every open node is a leaf so far.
            let leaves = growing.out.leaves.len() + growing.open.len() + 1;
            if leaves >= self.limits.leaves_max {
                growing.out.leaves.push((node.place, node.rows, node.total));
                self.spare.push(node.histogram);
                continue;
            }
            let is_last = leaves + 1 == self.limits.leaves_max;
            self.expand(&mut growing, node, is_last);
        }
        growing.out
    }

    fn expand(&mut self, growing: &mut Growing<'_>, node: Open, is_last: bool) {
        let Open { place, rows: range, depth, total, split, mut histogram } = node;
        let part = &mut growing.rows[range.clone()];
        let codes = &self.binned.columns[split.column];
        let scratch = &mut self.scratch[..part.len()];
        let middle = range.start + partition::part(part, scratch, codes, &split.rule);
        let ranges = [range.start..middle, middle..range.end];
        let places = growing.out.tree.split(place, &split);
        let depth = depth + 1;
        let children = [split.left, total.minus(split.left)].map(|total| {
            let is_open = !is_last && depth < self.limits.depth_max;
            Child {
                total,
                may_split: is_open && total.rows >= 2 * self.limits.split.rows_min.max(1),
            }
        });
        if children.iter().all(|child| !child.may_split) {
            self.spare.push(histogram);
            for child in 0..2 {
                let leaf = (places[child], ranges[child].clone(), children[child].total);
                growing.out.leaves.push(leaf);
            }
            return;
        }
        let small = usize::from(children[1].total.rows < children[0].total.rows);
        let large = 1 - small;
        let small_rows = &growing.rows[ranges[small].clone()];
        self.gather(small_rows, growing.terms);
        let mut small_histogram = self.histogram();
        let pair = [children[small], children[large]];
        let [small_split, large_split] =
            self.search_children(small_rows, pair, &mut small_histogram, &mut histogram);
        for (child, split, histogram) in
            [(small, small_split, small_histogram), (large, large_split, histogram)]
        {
            let (place, rows) = (places[child], ranges[child].clone());
            let total = children[child].total;
            self.keep(growing, Candidate { place, rows, depth, total, split }, histogram);
        }
    }

    /// Keeps a node for later, or as a leaf if it has no split.
    fn keep(
        &mut self,
        growing: &mut Growing<'_>,
        candidate: Candidate,
        histogram: Vec<[Sums; CODES]>,
    ) {
        let Candidate { place, rows, depth, total, split } = candidate;
        if let Some(split) = split {
            growing.open.push(Open { place, rows, depth, total, split, histogram });
        } else {
            growing.out.leaves.push((place, rows, total));
            self.spare.push(histogram);
        }
    }

    /// A histogram with anything in it.
    fn histogram(&mut self) -> Vec<[Sums; CODES]> {
        let columns = self.binned.columns.len();
        self.spare.pop().unwrap_or_else(|| vec![[Sums::default(); CODES]; columns])
    }

    /// Brings the terms of `rows` together.
    fn gather(&mut self, rows: &[u32], terms: &[RowTerm]) {
        self.terms.resize(rows.len(), RowTerm::default());
        let pairs = self.terms.par_chunks_mut(CHUNK_ROWS).zip(rows.par_chunks(CHUNK_ROWS));
        pairs.for_each(|(out, rows)| {
            for (out, row) in out.iter_mut().zip(rows) {
                *out = terms[*row as usize];
            }
        });
    }

    fn total(&self) -> Sums {
        let mut out = Sums::default();
        self.terms.iter().for_each(|term| out.add_row(*term));
        out
    }

    fn search_root(
        &self,
        rows: &[u32],
        total: Sums,
        histogram: &mut [[Sums; CODES]],
    ) -> Option<Split> {
        if self.limits.depth_max == 0 {
            return None;
        }
        let search = |(column, sums): (usize, &mut [Sums; CODES])| {
            fill(sums, &self.binned.columns[column], rows, &self.terms);
            self.best(column, sums, total)
        };
        let found: Vec<Option<Split>> = if self.work(rows) < PARALLEL_MIN {
            histogram.iter_mut().enumerate().map(search).collect()
        } else {
            histogram.par_iter_mut().enumerate().map(search).collect()
        };
        found.into_iter().flatten().fold(None, better)
    }

    /// Adds up the histogram of the smaller child, leaves that of the larger in the place of the parent's,
    /// and searches both.
    fn search_children(
        &self,
        rows: &[u32],
        [small, large]: [Child; 2],
        small_histogram: &mut [[Sums; CODES]],
        large_histogram: &mut [[Sums; CODES]],
    ) -> [Option<Split>; 2] {
        let search = |(column, (few, many)): (usize, (&mut [Sums; CODES], &mut [Sums; CODES]))| {
            fill(few, &self.binned.columns[column], rows, &self.terms);
            let mut found = [None, None];
            if small.may_split {
                found[0] = self.best(column, few, small.total);
            }
            if large.may_split {
                many.iter_mut().zip(few.iter()).for_each(|(many, few)| *many = many.minus(*few));
                found[1] = self.best(column, many, large.total);
            }
            found
        };
        let found: Vec<[Option<Split>; 2]> = if self.work(rows) < PARALLEL_MIN {
            small_histogram.iter_mut().zip(large_histogram).enumerate().map(search).collect()
        } else {
            let pairs = small_histogram.par_iter_mut().zip(large_histogram);
            pairs.enumerate().map(search).collect()
        };
        [0, 1].map(|child: usize| found.iter().filter_map(|found| found[child]).fold(None, better))
    }

    /// How much there is to do for a node with `rows`.
    fn work(&self, rows: &[u32]) -> usize {
        (rows.len() + 2 * CODES).saturating_mul(self.binned.columns.len())
    }

    fn best(&self, column: usize, sums: &[Sums; CODES], total: Sums) -> Option<Split> {
        let codes = self.occurring[column];
        let found = match self.binned.cuts[column] {
            Cuts::Numbers(_) => by_number(sums, codes, total, &self.limits.split),
            Cuts::Categories(_) => by_category(sums, codes, total, &self.limits.split),
        };
        found.map(|split| Split { column, ..split })
    }
}

/// The split that gains more, the first of equals.
#[expect(clippy::unnecessary_wraps, reason = "it folds")]
fn better(best: Option<Split>, other: Split) -> Option<Split> {
    Some(best.filter(|best| best.gain >= other.gain).unwrap_or(other))
}

/// Adds up the terms of `rows` by the codes of a column.
fn fill(out: &mut [Sums; CODES], codes: &[u8], rows: &[u32], terms: &[RowTerm]) {
    out.fill(Sums::default());
    if rows.len() == codes.len() {
        // All rows, in order, as the root of a tree on the whole table has them.
        for (code, term) in codes.iter().zip(terms) {
            out[usize::from(*code)].add_row(*term);
        }
        return;
    }
    for (row, term) in rows.iter().zip(terms) {
        out[usize::from(codes[*row as usize])].add_row(*term);
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    /// The larger gain first, then the older node.
    fn cmp(&self, other: &Self) -> Ordering {
        self.split.gain.total_cmp(&other.split.gain).then(other.place.cmp(&self.place))
    }
}
