//! Many rows through many trees.
//!
//! Rows are coded once, sixteen at a time side by side: a [`Tile`]. Sixteen rows then take their steps
//! down a tree in turns, so that the processor waits for none of them, and one tree is walked by all rows
//! of a tile before the next, so that its nodes stay in the cache. Nothing here branches on data, but for
//! splits by sets.

use super::flat::{BY_SET, Node, Tree, Walkable};

/// Rows that are walked together.
pub(in crate::learn::model) const LANES: usize = 16;
/// Steps between two looks whether all rows have arrived.
const STEPS: u32 = 4;

/// The codes of some rows: for every sixteen rows the codes of each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::learn::model) struct Tile {
    codes: Vec<[u8; LANES]>,
    width: usize,
    rows: usize,
}

impl Tile {
    /// Room for `rows` rows of `width` columns.
    pub(in crate::learn::model) fn new(rows: usize, width: usize) -> Self {
        Self { codes: vec![[0; LANES]; rows.div_ceil(LANES) * width], width, rows }
    }

    /// Writes the codes of one column.
    pub(in crate::learn::model) fn set(&mut self, column: usize, codes: &[u8]) {
        for (group, codes) in codes.chunks(LANES).enumerate() {
            self.codes[group * self.width + column][..codes.len()].copy_from_slice(codes);
        }
    }

    /// The codes of the first row, which must exist, one for each column.
    pub(in crate::learn::model) fn first(&self) -> Vec<u8> {
        self.codes[..self.width].iter().map(|lanes| lanes[0]).collect()
    }
}

impl Walkable {
    /// Calls `arrived` with the place of the leaf at which each row of `tile` ends in `tree`, sixteen at a
    /// time: the first row and their leaves, of which those beyond the last row mean nothing.
    pub(in crate::learn::model) fn walk(
        &self,
        tree: &Tree,
        tile: &Tile,
        mut arrived: impl FnMut(usize, &[u32; LANES]),
    ) {
        for group in 0..tile.rows.div_ceil(LANES) {
            let codes = &tile.codes[group * tile.width..(group + 1) * tile.width];
            let places = if tree.depth == 0 {
                [tree.root; LANES]
            } else if tree.has_sets {
                self.walk_sets(tree, codes)
            } else {
                walk_numbers(&self.nodes, tree, codes)
            };
            arrived(group * LANES, &places.map(|place| self.leaves[place as usize]));
        }
    }

    fn walk_sets(&self, tree: &Tree, codes: &[[u8; LANES]]) -> [u32; LANES] {
        let mut places = [tree.root; LANES];
        let mut left = tree.depth;
        while left > 0 {
            let before = places;
            for _ in 0..STEPS.min(left) {
                for lane in 0..LANES {
                    let node = self.nodes[places[lane] as usize];
                    let (column, set) = &self.sets[node.set()];
                    let is_set = node.column >= BY_SET;
                    let column = if is_set { *column } else { node.column };
                    let code = codes[usize::from(column)][lane];
                    let is_above = code.wrapping_sub(node.shift) > node.cut;
                    let is_right = [is_above, !set.contains(code)][usize::from(is_set)];
                    places[lane] = node.left.wrapping_add(u32::from(is_right));
                }
            }
            if have_arrived(&places, &before) {
                break;
            }
            left = left.saturating_sub(STEPS);
        }
        places
    }
}

fn walk_numbers(nodes: &[Node], tree: &Tree, codes: &[[u8; LANES]]) -> [u32; LANES] {
    let mut places = [tree.root; LANES];
    let mut left = tree.depth;
    while left > 0 {
        let before = places;
        for _ in 0..STEPS.min(left) {
            for lane in 0..LANES {
                let node = nodes[places[lane] as usize];
                let code = codes[usize::from(node.column)][lane];
                let is_right = code.wrapping_sub(node.shift) > node.cut;
                places[lane] = node.left.wrapping_add(u32::from(is_right));
            }
        }
        if have_arrived(&places, &before) {
            break;
        }
        left = left.saturating_sub(STEPS);
    }
    places
}

/// Whether no row has moved: leaves lead to themselves.
fn have_arrived(places: &[u32; LANES], before: &[u32; LANES]) -> bool {
    places.iter().zip(before).fold(0, |moved, (place, before)| moved | (place ^ before)) == 0
}
