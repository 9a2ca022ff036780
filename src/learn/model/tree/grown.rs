//! A tree as it comes out of growing: nodes in the order in which they were made.

use super::split::{Rule, Split};

/// Why growing ended without a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn::model) struct TooManyNodes;

/// A tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::learn::model) struct Grown {
    /// The root first, every node before its children.
    pub(in crate::learn::model) nodes: Vec<GrownNode>,
    /// What leaves say, one after the other; each of them one value or one for each class.
    pub(in crate::learn::model) values: Vec<f64>,
    /// The weight of the training rows in each leaf.
    pub(in crate::learn::model) covers: Vec<f64>,
}

/// A node of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::learn::model) enum GrownNode {
    /// What leaf it is, counted from 0.
    Leaf(usize),
    /// A split.
    Inner {
        /// The column that is asked.
        column: usize,
        /// What goes left.
        rule: Rule,
        /// The places of both children.
        children: [usize; 2],
    },
}

impl Grown {
    /// Adds a node that is a leaf with nothing to say yet, and returns its place.
    pub(in crate::learn::model) fn push(&mut self) -> usize {
        self.nodes.push(GrownNode::Leaf(usize::MAX));
        self.nodes.len() - 1
    }

    /// Splits the node at `place`, and returns the places of its children.
    pub(in crate::learn::model) fn split(&mut self, place: usize, split: &Split) -> [usize; 2] {
        let children = [self.push(), self.push()];
        self.nodes[place] = GrownNode::Inner { column: split.column, rule: split.rule, children };
        children
    }

    /// Makes the node at `place` a leaf that says `values`.
    pub(in crate::learn::model) fn leaf(&mut self, place: usize, values: &[f64], cover: f64) {
        self.nodes[place] = GrownNode::Leaf(self.covers.len());
        self.values.extend_from_slice(values);
        self.covers.push(cover);
    }

    /// The leaf at which a row ends; `columns` are codes.
    pub(in crate::learn::model) fn leaf_of(&self, columns: &[Vec<u8>], row: usize) -> usize {
        let mut place = 0;
        loop {
            match self.nodes[place] {
                GrownNode::Leaf(leaf) => return leaf,
                GrownNode::Inner { column, rule, children } => {
                    place = children[usize::from(!rule.is_left(columns[column][row]))];
                }
            }
        }
    }
}
