//! What each column adds to what trees say of one row: Shapley values, exactly.
//!
//! With only some columns known, a tree says the mean over the leaves that they leave open, each weighed by
//! its share of the training rows ("path dependent", Lundberg and others, *From local explanations to global
//! understanding with explainable AI for trees*, Nature Machine Intelligence 2, 2020). A column's Shapley value is
//! its mean effect over all orders in which columns become known, which for such a sum of products is
//!
//! > φᵢ = Σ over leaves of value · (oᵢ − zᵢ) · ∫₀¹ Π over j ≠ i of (zⱼ (1 − t) + oⱼ t) dt
//!
//! (Owen, *Multilinear extensions of games*, Management Science 18, 1972), where zⱼ is the share of rows that go
//! the way of the leaf at the splits by column j, and oⱼ is 1 if the row itself goes there, otherwise 0. The
//! product is a polynomial in t, for which Gauss-Legendre quadrature is exact. No term is negative and nothing is
//! divided, so that deep trees lose no digits, unlike by the usual recursion.

use super::flat::{BY_SET, DEPTH_MAX, Tree, Walkable};

/// The effect of every column, and what is said without any.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::learn::model) struct Effects {
    /// For each output what is said when no column is known.
    pub(in crate::learn::model) base: Vec<f64>,
    /// For each output and column of the tile, output by output, what it adds.
    pub(in crate::learn::model) columns: Vec<f64>,
    /// The points and weights by which a path of so many columns is integrated.
    quadratures: Vec<Vec<(f64, f64)>>,
}

/// Trees, and what their leaves hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct Leaves<'a> {
    pub(in crate::learn::model) trees: &'a Walkable,
    /// What each leaf says, `width` values.
    pub(in crate::learn::model) values: &'a [f64],
    pub(in crate::learn::model) width: usize,
    /// The weight of the training rows in each leaf.
    pub(in crate::learn::model) covers: &'a [f64],
}

/// Splits by one column on the way to a node, all together.
#[derive(Debug, Clone, Copy)]
struct Asked {
    column: usize,
    /// The share of rows that go this way, from 0 to 1.
    share: f64,
    /// Whether the row goes this way.
    is_own: bool,
}

impl Effects {
    /// Without any tree.
    pub(in crate::learn::model) fn new(base: &[f64], columns: usize) -> Self {
        // n points are exact up to degree 2n − 1, and the degree is one less than the path has columns.
        let longest = columns.min(DEPTH_MAX as usize);
        let quadratures = (0..=longest).map(|length| gauss_legendre(length.div_ceil(2))).collect();
        Self { base: base.to_vec(), columns: vec![0.0; base.len() * columns], quadratures }
    }

    /// Adds those of `tree` for the row with `codes`, one for each column of the tile. What a leaf says
    /// counts for the outputs from `output` on.
    pub(in crate::learn::model) fn add(
        &mut self,
        leaves: Leaves<'_>,
        tree: &Tree,
        codes: &[u8],
        output: usize,
    ) {
        let trees = leaves.trees;
        let covers = covers(trees, tree, leaves.covers);
        let mut open = vec![(tree.root, Vec::<Asked>::new())];
        while let Some((place, path)) = open.pop() {
            let node = trees.nodes[place as usize];
            if node.left == place {
                let leaf = trees.leaves[place as usize] as usize;
                let said = &leaves.values[leaf * leaves.width..][..leaves.width];
                self.add_leaf(said, &path, codes.len(), output);
                continue;
            }
            let (column, is_right) = trees.asks(place, codes);
            let cover = |child: u32| covers[(child - tree.root) as usize];
            let (left, right) = (cover(node.left), cover(node.left + 1));
            // Rows without weight say nothing of the way that others would go.
            let share = if left + right > 0.0 { left / (left + right) } else { 0.5 };
            for (child, share, is_own) in
                [(node.left, share, !is_right), (node.left + 1, 1.0 - share, is_right)]
            {
                open.push((child, extended(&path, Asked { column, share, is_own })));
            }
        }
    }

    fn add_leaf(&mut self, said: &[f64], path: &[Asked], columns: usize, output: usize) {
        let reached: f64 = path.iter().map(|asked| asked.share).product();
        let weights = weights(path, &self.quadratures[path.len()]);
        for (output, said) in (output..).zip(said) {
            self.base[output] += said * reached;
            for (asked, weight) in path.iter().zip(&weights) {
                self.columns[output * columns + asked.column] += said * weight;
            }
        }
    }
}

/// `path` with one more split; splits by the same column are taken together.
fn extended(path: &[Asked], next: Asked) -> Vec<Asked> {
    let mut out = path.to_vec();
    match out.iter_mut().find(|asked| asked.column == next.column) {
        Some(asked) => {
            asked.share *= next.share;
            asked.is_own &= next.is_own;
        }
        None => out.push(next),
    }
    out
}

/// For each column of `path` the factor of a leaf's value in its Shapley value.
fn weights(path: &[Asked], quadrature: &[(f64, f64)]) -> Vec<f64> {
    let mut out = vec![0.0; path.len()];
    for &(point, weight) in quadrature {
        let factor = |asked: &Asked| {
            let own = if asked.is_own { point } else { 0.0 };
            asked.share * (1.0 - point) + own
        };
        // The product of all factors but one, without a division: those before times those after.
        let mut before = 1.0;
        let mut others: Vec<f64> = path
            .iter()
            .map(|asked| {
                let own = before;
                before *= factor(asked);
                own
            })
            .collect();
        let mut after = 1.0;
        for (others, asked) in others.iter_mut().zip(path).rev() {
            *others *= after;
            after *= factor(asked);
        }
        for ((out, others), asked) in out.iter_mut().zip(others).zip(path) {
            let own = if asked.is_own { 1.0 } else { 0.0 };
            *out += weight * (own - asked.share) * others;
        }
    }
    out
}

/// For each node of `tree` the weight of its training rows.
fn covers(trees: &Walkable, tree: &Tree, leaves: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; tree.size as usize];
    // Children stand behind their parents.
    for place in (tree.root..tree.root + tree.size).rev() {
        let node = trees.nodes[place as usize];
        out[(place - tree.root) as usize] = if node.left == place {
            leaves[trees.leaves[place as usize] as usize]
        } else {
            let left = (node.left - tree.root) as usize;
            out[left] + out[left + 1]
        };
    }
    out
}

impl Walkable {
    /// Which column of the tile the split at `place` asks, and whether a row with `codes` goes right.
    fn asks(&self, place: u32, codes: &[u8]) -> (usize, bool) {
        let node = self.nodes[place as usize];
        if node.column >= BY_SET {
            let (column, set) = &self.sets[node.set()];
            let column = usize::from(*column);
            return (column, !set.contains(codes[column]));
        }
        let column = usize::from(node.column);
        (column, codes[column].wrapping_sub(node.shift) > node.cut)
    }
}

/// The points and weights of Gauss-Legendre quadrature from 0 to 1: the roots of the Legendre polynomial of degree
/// `count`, by Newton's method (Abramowitz and Stegun, 25.4.29 and 22.18).
fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let degree = count as f64;
    let point = |place: usize| {
        let mut root = (std::f64::consts::PI * (place as f64 + 0.75) / (degree + 0.5)).cos();
        let mut slope = 1.0;
        // It converges quadratically from here: from three digits to all in three steps.
        for _ in 0..8 {
            let (mut before, mut own) = (1.0, root);
            for order in 1..count {
                let order = order as f64;
                let next = ((2.0 * order + 1.0) * root * own - order * before) / (order + 1.0);
                (before, own) = (own, next);
            }
            slope = degree * (root * own - before) / (root * root - 1.0);
            root -= own / slope;
        }
        ((1.0 - root) / 2.0, 1.0 / ((1.0 - root * root) * slope * slope))
    };
    (0..count).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::tree::bins::Cuts;
    use crate::learn::model::tree::flat::StoredTrees;
    use crate::learn::model::tree::grown::Grown;
    use crate::learn::model::tree::split::{Rule, Split};
    use crate::learn::model::tree::sums::Sums;

    #[test]
    fn a_small_tree_is_explained_as_by_hand() {
        let split = |column| {
            let rule = Rule::Number { cut: 1, missing_left: true };
            Split { gain: 1.0, column, rule, left: Sums::default() }
        };
        // Three rows on the left of column 0; of the others, one on the left of column 1 and two on its right.
        let mut grown = Grown::default();
        let root = grown.push();
        let [left, right] = grown.split(root, &split(0));
        grown.leaf(left, &[1.0], 3.0);
        let [left, right] = grown.split(right, &split(1));
        grown.leaf(left, &[2.0], 1.0);
        grown.leaf(right, &[10.0], 2.0);
        let mut stored = StoredTrees::default();
        stored.push(&grown);
        let cuts = [Cuts::Numbers(vec![0.0]), Cuts::Numbers(vec![0.0])];
        let trees = stored.walkable(&cuts, 1).unwrap();
        let (values, covers) = (stored.values(), stored.covers());
        let leaves = Leaves { trees: &trees, values, width: 1, covers };
        let mut found = Effects::new(&[0.0], 2);
        found.add(leaves, &trees.trees[0], &[2, 2], 0);
        // Nothing known: 25/6. Column 0 alone: 22/3, column 1 alone: 11/2, both: 10.
        let wanted = [25.0 / 6.0, 23.0 / 6.0, 2.0];
        for (found, wanted) in found.base.iter().chain(&found.columns).zip(wanted) {
            assert!((found - wanted).abs() < 1e-14, "{found} {wanted}");
        }
    }

    /// ∫₀¹ tᵏ (1 − t)ᵐ dt = k! m! / (k + m + 1)!.
    fn beta(k: i32, m: i32) -> f64 {
        (1..=m).fold(1.0 / f64::from(k + m + 1), |product, own| {
            product * f64::from(own) / f64::from(k + own)
        })
    }

    #[test]
    fn the_quadrature_is_exact_for_its_polynomials() {
        for count in 1..=32i32 {
            let points = gauss_legendre(usize::try_from(count).unwrap());
            for degree in 0..2 * count {
                for k in [0, degree / 2, degree] {
                    let value = |(point, weight): &(f64, f64)| {
                        weight * point.powi(k) * (1.0 - point).powi(degree - k)
                    };
                    let (found, wanted) =
                        (points.iter().map(value).sum::<f64>(), beta(k, degree - k));
                    assert!(
                        (found / wanted - 1.0).abs() < 1e-11,
                        "{count} {k} {degree}: {found} {wanted}"
                    );
                }
            }
        }
    }

    /// The mean over all orders of the columns, by trying all sets.
    fn naive(path: &[Asked]) -> Vec<f64> {
        let value = |known: u32| -> f64 {
            let factor = |(place, asked): (usize, &Asked)| {
                let own = if asked.is_own { 1.0 } else { 0.0 };
                if known >> place & 1 == 1 { own } else { asked.share }
            };
            path.iter().enumerate().map(factor).product()
        };
        let columns = i32::try_from(path.len()).unwrap();
        let effect = |place: usize| -> f64 {
            let sets = (0..1u32 << columns).filter(|set| set >> place & 1 == 0);
            sets.map(|set| {
                let size = i32::try_from(set.count_ones()).unwrap();
                beta(size, columns - 1 - size) * (value(set | 1 << place) - value(set))
            })
            .sum()
        };
        (0..path.len()).map(effect).collect()
    }

    #[test]
    fn a_path_has_the_shapley_values_of_its_definition() {
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        for length in 0..10 {
            for _ in 0..20 {
                let path: Vec<Asked> = (0..length)
                    .map(|column| {
                        let share = if draw() < 0.2 { draw().round() } else { draw() };
                        Asked { column, share, is_own: draw() < 0.6 }
                    })
                    .collect();
                let found = weights(&path, &gauss_legendre(length.div_ceil(2)));
                for (found, wanted) in found.iter().zip(naive(&path)) {
                    assert!((found - wanted).abs() < 1e-14, "{path:?}: {found} {wanted}");
                }
            }
        }
    }
}
