//! Trees as flat arrays: how they are kept, and how they are walked.
//!
//! The nodes of a tree stand in breadth-first order, so that the k-th split has its children at 2k + 1 and
//! 2k + 2: no child is named, and none can be out of place. To walk, a node takes eight bytes. A leaf is a
//! node whose left child is itself and whose rows all go left, so that walking on does no harm.

use serde::{Deserialize, Serialize};

use super::bins::Cuts;
use super::grown::{Grown, GrownNode};
use super::split::{CodeSet, Rule};

/// Most nodes of all trees together.
pub(in crate::learn::model) const NODES_MAX: usize = 1 << 24;
/// Most splits on the way to a leaf.
pub(in crate::learn::model) const DEPTH_MAX: u32 = 64;
/// Most values of all leaves together.
pub(in crate::learn::model) const VALUES_MAX: usize = 1 << 25;

/// What a node does, as it is kept.
const LEAF: u8 = 0;
const MISSING_LEFT: u8 = 1;
const MISSING_RIGHT: u8 = 2;
const CATEGORY: u8 = 3;

/// Trees as they are kept: what each node is, and for each split, set and leaf what belongs to it, in the
/// order of nodes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(in crate::learn::model) struct StoredTrees {
    /// How many nodes each tree has.
    sizes: Vec<u32>,
    /// For each node whether it is a leaf, and otherwise where missing values go, or that it asks for a set.
    kinds: Vec<u8>,
    /// The column of each split.
    columns: Vec<u16>,
    /// The largest code on the left, for each split by a number.
    cuts: Vec<u8>,
    /// The codes on the left, for each split by a category.
    sets: Vec<[u64; 4]>,
    /// What each leaf says.
    values: Vec<f64>,
    /// The weight of the training rows in each leaf.
    covers: Vec<f64>,
}

/// A node as it is walked.
///
/// A split by a number: a code of `column` less `shift` that is larger than `cut` goes right. A split by a
/// set has [`BY_SET`] in `column`, and the place of the set in all other bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn::model) struct Node {
    /// The left child; the right one is next to it.
    pub(in crate::learn::model) left: u32,
    /// The place of the column in the tile.
    pub(in crate::learn::model) column: u16,
    /// The largest code on the left, less `shift`.
    pub(in crate::learn::model) cut: u8,
    /// 1 if missing values go right, as 0 less 1 is 255.
    pub(in crate::learn::model) shift: u8,
}

/// The bit of [`Node::column`] that tells a split by a set; there are fewer columns.
pub(in crate::learn::model) const BY_SET: u16 = 1 << 15;

impl Node {
    /// The place of the set; 0 for other nodes.
    #[inline]
    pub(in crate::learn::model) fn set(self) -> usize {
        let high = u32::from(self.column & !BY_SET) << 16;
        let place = high | u32::from(u16::from_le_bytes([self.cut, self.shift]));
        place as usize * usize::from(self.column >= BY_SET)
    }

    fn by_set(left: u32, place: u32) -> Option<Self> {
        let [cut, shift, ..] = place.to_le_bytes();
        let high = u16::try_from(place >> 16).ok().filter(|high| *high < BY_SET)?;
        Some(Self { left, column: high | BY_SET, cut, shift })
    }
}

/// A tree as it is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn::model) struct Tree {
    /// The place of its root.
    pub(in crate::learn::model) root: u32,
    /// How many nodes it has, the root included.
    pub(in crate::learn::model) size: u32,
    /// Splits on the longest way to a leaf.
    pub(in crate::learn::model) depth: u32,
    /// Whether any split is by a set.
    pub(in crate::learn::model) has_sets: bool,
}

/// Trees as they are walked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::learn::model) struct Walkable {
    /// The nodes of all trees.
    pub(in crate::learn::model) nodes: Vec<Node>,
    /// For each node the place of the leaf among all leaves; 0 for others.
    pub(in crate::learn::model) leaves: Vec<u32>,
    /// The trees.
    pub(in crate::learn::model) trees: Vec<Tree>,
    /// The place of the column in the tile and the codes on the left, for each split by a set.
    pub(in crate::learn::model) sets: Vec<(u16, CodeSet)>,
    /// The columns of the tile.
    pub(in crate::learn::model) columns: Vec<u16>,
}

impl StoredTrees {
    /// Adds a tree.
    pub(in crate::learn::model) fn push(&mut self, tree: &Grown) {
        let width = tree.values.len() / tree.covers.len().max(1);
        let mut order = Vec::with_capacity(tree.nodes.len());
        order.extend((!tree.nodes.is_empty()).then_some(0));
        let mut next = 0;
        while let Some(place) = order.get(next) {
            match tree.nodes[*place] {
                GrownNode::Leaf(leaf) => {
                    self.kinds.push(LEAF);
                    self.values.extend_from_slice(&tree.values[leaf * width..(leaf + 1) * width]);
                    self.covers.push(tree.covers[leaf]);
                }
                GrownNode::Inner { column, rule, children } => {
                    order.extend(children);
                    // There are fewer columns than 2¹⁶.
                    self.columns.push(u16::try_from(column).unwrap_or(u16::MAX));
                    self.push_rule(rule);
                }
            }
            next += 1;
        }
        self.sizes.push(u32::try_from(order.len()).unwrap_or(u32::MAX));
    }

    fn push_rule(&mut self, rule: Rule) {
        match rule {
            Rule::Number { cut, missing_left } => {
                self.kinds.push(if missing_left { MISSING_LEFT } else { MISSING_RIGHT });
                self.cuts.push(cut);
            }
            Rule::Category(CodeSet(words)) => {
                self.kinds.push(CATEGORY);
                self.sets.push(words);
            }
        }
    }

    /// How many trees there are.
    pub(in crate::learn::model) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// What leaves say, one after the other.
    pub(in crate::learn::model) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The weight of the training rows in each leaf.
    pub(in crate::learn::model) fn covers(&self) -> &[f64] {
        &self.covers
    }

    /// The form that is walked, or `None` if the arrays do not fit together and the columns `cuts`.
    ///
    /// Every leaf says `width` values.
    pub(in crate::learn::model) fn walkable(
        &self,
        cuts: &[Cuts],
        width: usize,
    ) -> Option<Walkable> {
        let splits = self.columns.len();
        let is_sized = self.kinds.len() <= NODES_MAX
            && self.cuts.len() + self.sets.len() == splits
            && splits + self.covers.len() == self.kinds.len()
            && self.covers.len().checked_mul(width)? == self.values.len()
            && self.values.len() <= VALUES_MAX
            && self.values.iter().all(|value| value.is_finite())
            && self.covers.iter().all(|cover| cover.is_finite() && *cover >= 0.0);
        if !is_sized {
            return None;
        }
        let mut columns = self.columns.clone();
        columns.sort_unstable();
        columns.dedup();
        if columns.len() >= usize::from(BY_SET) {
            return None;
        }
        let mut out = Walkable {
            nodes: Vec::with_capacity(self.kinds.len()),
            leaves: Vec::with_capacity(self.kinds.len()),
            trees: Vec::with_capacity(self.sizes.len()),
            sets: Vec::with_capacity(self.sets.len()),
            columns,
        };
        let mut parts = Parts {
            kinds: &self.kinds,
            columns: &self.columns,
            cuts: &self.cuts,
            sets: &self.sets,
            leaf: 0,
        };
        for size in &self.sizes {
            out.push(&mut parts, *size as usize, cuts)?;
        }
        parts.kinds.is_empty().then_some(out)
    }
}

/// What is left of the arrays.
struct Parts<'a> {
    kinds: &'a [u8],
    columns: &'a [u16],
    cuts: &'a [u8],
    sets: &'a [[u64; 4]],
    leaf: u32,
}

impl Walkable {
    /// Takes the next tree, of `size` nodes, from `parts`.
    fn push(&mut self, parts: &mut Parts<'_>, size: usize, cuts: &[Cuts]) -> Option<()> {
        let (kinds, rest) = parts.kinds.split_at_checked(size)?;
        parts.kinds = rest;
        let root = u32::try_from(self.nodes.len()).ok()?;
        let sets_before = self.sets.len();
        let mut next = root + 1;
        let mut depths = vec![0u32; size];
        for (place, kind) in (root..).zip(kinds) {
            // Otherwise the node would be no one's child, or its own.
            if place >= next {
                return None;
            }
            let (node, leaf) = if *kind == LEAF {
                parts.leaf += 1;
                (Node { left: place, column: 0, cut: u8::MAX, shift: 0 }, parts.leaf - 1)
            } else {
                let depth = depths[(place - root) as usize] + 1;
                let children = (next - root) as usize;
                depths.get_mut(children..children + 2)?.fill(depth);
                next += 2;
                (self.split(parts, *kind, next - 2, cuts)?, 0)
            };
            self.nodes.push(node);
            self.leaves.push(leaf);
        }
        let depth = depths.last().copied().filter(|depth| *depth <= DEPTH_MAX)?;
        let has_sets = self.sets.len() > sets_before;
        self.trees.push(Tree { root, size: next - root, depth, has_sets });
        ((next - root) as usize == size).then_some(())
    }

    fn split(&mut self, parts: &mut Parts<'_>, kind: u8, left: u32, cuts: &[Cuts]) -> Option<Node> {
        let column = parts.columns.split_off_first()?;
        let asked = cuts.get(usize::from(*column))?;
        let place = u16::try_from(self.columns.binary_search(column).ok()?).ok()?;
        if kind == CATEGORY {
            let set = parts.sets.split_off_first()?;
            let node = Node::by_set(left, u32::try_from(self.sets.len()).ok()?);
            self.sets.push((place, CodeSet(*set)));
            return node.filter(|_| asked.is_category());
        }
        let cut = *parts.cuts.split_off_first()?;
        // A code of 0 less 1 is 255: larger than any cut less 1.
        let (shift, cut) = match kind {
            MISSING_LEFT => (0, cut),
            MISSING_RIGHT => (1, cut.checked_sub(1)?),
            _ => return None,
        };
        (!asked.is_category()).then_some(Node { left, column: place, cut, shift })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::tree::split::Split;
    use crate::learn::model::tree::sums::Sums;
    use crate::learn::model::tree::walk::Tile;

    /// A tree of splits at random, which asks numbers in columns 0 and 2 and a category in 1.
    fn tree(seed: u32, depth: u32) -> Grown {
        let mut out = Grown::default();
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let mut open = vec![(out.push(), 0)];
        while let Some((place, level)) = open.pop() {
            if level == depth || draw() % 5 == 0 {
                out.leaf(place, &[f64::from(draw() % 1_000)], 1.0);
                continue;
            }
            let column = draw() as usize % 3;
            let rule = match column {
                1 => Rule::Category(CodeSet([u64::from(draw()) << 8, 0, 0, 0])),
                _ => Rule::Number {
                    cut: u8::try_from(draw() % 255 + 1).unwrap(),
                    missing_left: draw() % 2 == 0,
                },
            };
            let split = Split { gain: 1.0, column, rule, left: Sums::default() };
            for child in out.split(place, &split) {
                open.push((child, level + 1));
            }
        }
        out
    }

    fn cuts() -> Vec<Cuts> {
        let numbers = Cuts::Numbers((0..254).map(f64::from).collect());
        vec![numbers.clone(), Cuts::Categories(32), numbers]
    }

    #[test]
    fn rows_end_in_the_leaf_that_the_tree_leads_to() {
        let trees: Vec<Grown> = (0..20).map(|seed| tree(seed, seed % 12)).collect();
        let mut stored = StoredTrees::default();
        for tree in &trees {
            stored.push(tree);
        }
        let walkable = stored.walkable(&cuts(), 1).unwrap();
        for rows in [1u32, 15, 16, 17, 300] {
            let column = |salt: u32, codes: u32| {
                (0..rows)
                    .map(|row| u8::try_from(row.wrapping_mul(salt) % codes).unwrap())
                    .collect::<Vec<u8>>()
            };
            let columns = [column(7, 256), column(11, 33), column(101, 256)];
            let mut tile = Tile::new(rows as usize, walkable.columns.len());
            for (place, column) in walkable.columns.iter().enumerate() {
                tile.set(place, &columns[usize::from(*column)]);
            }
            for (tree, walked) in trees.iter().zip(&walkable.trees) {
                walkable.walk(walked, &tile, |first, leaves| {
                    for (row, leaf) in (first..rows as usize).zip(leaves) {
                        let wanted = tree.values[tree.leaf_of(&columns, row)];
                        assert_eq!(stored.values[*leaf as usize].to_bits(), wanted.to_bits());
                    }
                });
            }
        }
    }

    #[test]
    fn arrays_that_do_not_fit_together_are_refused() {
        let mut good = StoredTrees::default();
        good.push(&tree(3, 6));
        good.push(&tree(4, 6));
        assert!(good.walkable(&cuts(), 1).is_some());
        let check = |change: &dyn Fn(&mut StoredTrees)| {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(changed != good && changed.walkable(&cuts(), 1).is_none(), "{changed:?}");
        };
        check(&|trees| trees.sizes[0] -= 2);
        check(&|trees| trees.sizes[1] = u32::MAX);
        check(&|trees| trees.sizes.push(0));
        check(&|trees| trees.columns[0] = 3);
        check(&|trees| trees.columns[0] = u16::from(trees.columns[0] != 1));
        check(&|trees| trees.kinds[0] = 4);
        check(&|trees| trees.values[0] = f64::NAN);
        check(&|trees| trees.covers[0] = -1.0);
        check(&|trees| {
            trees.covers.pop();
        });
        check(&|trees| trees.sets.push([0; 4]));
        // A leaf first, and what would be its children nobody's.
        check(&|trees| trees.kinds[..3].reverse());
        assert!(good.walkable(&cuts(), 2).is_none());
        assert!(good.walkable(&cuts()[..1], 1).is_none());
        // A cut of 0 with missing values on the right would send nothing left.
        let number = good.kinds.iter().position(|kind| *kind == MISSING_RIGHT).unwrap();
        let before = good.kinds[..number].iter().filter(|kind| [1, 2].contains(*kind)).count();
        check(&|trees| trees.cuts[before] = 0);
    }
}
