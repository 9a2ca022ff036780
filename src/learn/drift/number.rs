//! Two columns of numbers, counted on the same points.
//!
//! From profiles the points are the grid of the reference; from raw values they are all distinct values of
//! both columns, so that nothing lies between two of them and every statistic is exact. The bins of the
//! reference are frozen: nothing about tonight's values moves an edge, so no outlier can blind a test.

use std::borrow::Cow;

use super::kolmogorov::Distance;
use super::{Cell, Shift};
use crate::domain::frame::Numbers;
use crate::learn::profile::count::GridCounts;
use crate::learn::profile::grid::Deciles;
use crate::learn::profile::number::NumberFacts;

/// Two columns of numbers on the same points.
#[derive(Debug, Clone)]
pub struct NumberPair<'a> {
    points: Cow<'a, [f64]>,
    deciles: Option<Deciles>,
    reference: NumberSide<'a>,
    current: NumberSide<'a>,
}

/// One of the two columns.
#[derive(Debug, Clone)]
pub struct NumberSide<'a> {
    /// Counts by kind of value, and the moments of the finite ones.
    pub facts: NumberFacts,
    /// The finite values on the points.
    pub counts: Cow<'a, GridCounts>,
}

impl NumberSide<'_> {
    fn finite(&self) -> u64 {
        self.facts.finite.count
    }

    fn not_finite(&self) -> u64 {
        let infinities = self.facts.infinities_above.saturating_add(self.facts.infinities_below);
        infinities.saturating_add(self.facts.nans)
    }

    /// Rows whose value is null, NaN or infinite.
    fn missing(&self) -> u64 {
        self.facts.nulls.saturating_add(self.not_finite())
    }
}

impl<'a> NumberPair<'a> {
    /// A pair from counts on the same `points`; `deciles` are those of the reference.
    pub fn counted(
        points: &'a [f64],
        deciles: Option<Deciles>,
        reference: NumberSide<'a>,
        current: NumberSide<'a>,
    ) -> Self {
        Self { points: Cow::Borrowed(points), deciles, reference, current }
    }

    /// A pair from raw values, exact.
    pub fn of(reference: &Numbers<'_>, current: &Numbers<'_>) -> Self {
        let (reference_facts, reference) = NumberFacts::sorted(reference);
        let (current_facts, current) = NumberFacts::sorted(current);
        let deciles = crate::learn::profile::grid::deciles(&reference);
        let mut points: Vec<f64> = reference.iter().chain(&current).copied().collect();
        points.extend(deciles.iter().flatten().filter(|edge| edge.is_finite()));
        // Adding 0 turns -0 into 0.
        for point in &mut points {
            *point += 0.0;
        }
        points.sort_unstable_by(f64::total_cmp);
        points.dedup();
        let side = |facts, sorted: &[f64]| NumberSide {
            facts,
            counts: Cow::Owned(GridCounts::of_sorted(&points, sorted)),
        };
        let (reference, current) =
            (side(reference_facts, &reference), side(current_facts, &current));
        Self { points: Cow::Owned(points), deciles, reference, current }
    }

    /// Rows of each side, missing ones included.
    pub fn rows(&self) -> Cell {
        Cell { reference: self.reference.facts.rows, current: self.current.facts.rows }
    }

    /// Rows of each side that hold a finite number.
    pub fn finite(&self) -> Cell {
        Cell { reference: self.reference.finite(), current: self.current.finite() }
    }

    /// Rows of each side whose value is null, NaN or infinite.
    pub fn missing(&self) -> Cell {
        Cell { reference: self.reference.missing(), current: self.current.missing() }
    }

    /// The rows of each side in the frozen bins of the reference, then nulls, then NaN and infinities.
    ///
    /// A bin ends with its decile: (-inf, e1], (e1, e2], ... (e9, inf). Where several deciles are one
    /// value, that value is a cell of its own between `<` and `>`: else a shift off a constant reference
    /// would stay inside one bin and be invisible.
    pub fn cells(&self) -> Vec<Cell> {
        let mut out = self.bins();
        out.push(Cell { reference: self.reference.facts.nulls, current: self.current.facts.nulls });
        let (reference, current) = (self.reference.not_finite(), self.current.not_finite());
        out.push(Cell { reference, current });
        out
    }

    fn bins(&self) -> Vec<Cell> {
        let all = self.finite();
        let mut out = Vec::with_capacity(12);
        let mut seen = Cell::default();
        let mut cut = |upto: Cell| {
            out.push(Cell {
                reference: upto.reference - seen.reference,
                current: upto.current - seen.current,
            });
            seen = upto;
        };
        let edges: Vec<f64> = self.deciles.iter().flatten().map(|edge| edge + 0.0).collect();
        let mut places = self.cumulative().peekable();
        for tied in edges.chunk_by(|a, b| a >= b) {
            let edge = tied[0];
            while places.peek().is_some_and(|(point, _, _)| *point < edge) {
                places.next();
            }
            // Every decile is a point; an edge beyond the range of an f64 is above every value.
            if let Some((_, below, upto)) = places.peek().filter(|(point, _, _)| *point <= edge) {
                if tied.len() > 1 {
                    cut(*below);
                }
                cut(*upto);
            }
        }
        cut(all);
        out
    }

    /// For each point the rows of both sides below it, and the rows up to it.
    fn cumulative(&self) -> impl Iterator<Item = (f64, Cell, Cell)> {
        let sides = self.reference.counts.cumulative().zip(self.current.counts.cumulative());
        self.points.iter().zip(sides).map(|(point, (reference, current))| {
            let below = Cell { reference: reference.0, current: current.0 };
            (*point, below, Cell { reference: reference.1, current: current.1 })
        })
    }

    /// The Kolmogorov-Smirnov distance of the finite values at the points; `None` if a side has none.
    ///
    /// Between two points the reference's distribution function is flat and the current one rises, so the
    /// supremum over the line is attained at the points, once below and once on each of them.
    pub fn distance(&self) -> Option<Distance> {
        let all = self.finite();
        if all.reference == 0 || all.current == 0 {
            return None;
        }
        let mut out = Distance::none(all.reference, all.current);
        for (_, below, upto) in self.cumulative() {
            out.widen(below.reference, below.current);
            out.widen(upto.reference, upto.current);
        }
        Some(out)
    }

    /// The same over all rows, missing values lying beyond all others, 0 to 1.
    pub fn distance_of_rows(&self) -> f64 {
        let (rows, finite) = (self.rows(), self.finite());
        let mut out = Distance::none(rows.reference, rows.current);
        for (_, below, upto) in self.cumulative() {
            out.widen(below.reference, below.current);
            out.widen(upto.reference, upto.current);
        }
        out.widen(finite.reference, finite.current);
        out.statistic()
    }

    /// By how much [`Self::distance`] may be too small: the largest share of the reference that lies
    /// between two points, 0 to 1.
    pub fn distance_short_by(&self) -> f64 {
        let most = self.reference.counts.between().iter().copied().max().unwrap_or(0);
        if most == 0 { 0.0 } else { most as f64 / self.reference.finite() as f64 }
    }

    /// The Wasserstein distance W1 of the finite values, in the unit of the column, with the spread of the
    /// reference as the unit of its effect; `None` if a side has no finite value.
    ///
    /// W1 is the area between the two distribution functions. Within a gap between points the area under
    /// each follows from the number of its values and their sum, so the distance is exact unless the two
    /// cross inside a gap. Where the reference is constant its spread is 0; then the unit is the root mean
    /// square distance of tonight's values from that constant, and the effect is at most 1.
    pub fn wasserstein(&self) -> Option<Shift> {
        let all = self.finite();
        let (n, m) = (all.reference as f64, all.current as f64);
        if all.reference == 0 || all.current == 0 {
            return None;
        }
        let sides = [(&self.reference.counts, n), (&self.current.counts, m)];
        let last = self.points.len();
        let mut distance = 0.0;
        let mut before: Option<(f64, [f64; 2])> = None;
        for (place, (point, _, upto)) in self.cumulative().enumerate() {
            // How far values of the gap lie below the point, as a share of all rows of their side.
            let rise = sides.map(|(counts, rows)| {
                (counts.between()[place] as f64 * point - counts.sums()[place]) / rows
            });
            let (width, flat) = before.map_or((0.0, [0.0; 2]), |(from, flat)| (point - from, flat));
            distance += ((flat[1] * width + rise[1]) - (flat[0] * width + rise[0])).abs();
            before = Some((point, [upto.reference as f64 / n, upto.current as f64 / m]));
        }
        if let Some((point, _)) = before {
            let behind = sides.map(|(counts, rows)| {
                (counts.sums()[last] - counts.between()[last] as f64 * point) / rows
            });
            distance += (behind[1] - behind[0]).abs();
        }
        let effect = if distance > 0.0 { distance / self.unit()? } else { 0.0 };
        Some(Shift { effect, statistic: distance, short_by: 0.0 })
    }

    /// The spread that distances are told in; above 0 wherever a distance is.
    fn unit(&self) -> Option<f64> {
        let reference = &self.reference.facts.finite;
        let spread = reference.variance_population()?.sqrt();
        if spread > 0.0 {
            return Some(spread);
        }
        let current = &self.current.facts.finite;
        let off = current.mean - reference.mean;
        Some((current.variance_population()? + off * off).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[f64]) -> Numbers<'_> {
        Numbers { values: Cow::Borrowed(values), nulls: Vec::new() }
    }

    fn rows(cells: &[Cell]) -> Vec<(u64, u64)> {
        cells.iter().map(|cell| (cell.reference, cell.current)).collect()
    }

    #[test]
    fn a_tied_decile_is_a_cell_of_its_own() {
        let before = [3.0; 50];
        let tonight = [3.0, 3.0, 4.0, 2.0, 2.0];
        let pair = NumberPair::of(&numbers(&before), &numbers(&tonight));
        assert_eq!(rows(&pair.bins()), [(0, 2), (50, 2), (0, 1)]);
        let lumpy: Vec<f64> = [0.0; 85].into_iter().chain([1.0; 15]).collect();
        let pair = NumberPair::of(&numbers(&lumpy), &numbers(&[0.5, -1.0, 1.0, 0.0]));
        assert_eq!(rows(&pair.bins()), [(0, 1), (85, 1), (15, 2), (0, 0)]);
    }

    #[test]
    fn every_row_is_in_one_cell() {
        let before: Vec<f64> = (0..1000_u32).map(|i| f64::from((37 * i) % 1000)).collect();
        let tonight = [1.0, f64::NAN, f64::INFINITY, 1e300, -1e300, 500.5, 0.0];
        let current = Numbers {
            values: Cow::Borrowed(&tonight),
            nulls: (0..7).map(|row| row == 6).collect(),
        };
        let pair = NumberPair::of(&numbers(&before), &current);
        let sum = crate::learn::drift::totals(&pair.cells());
        assert_eq!((sum.reference, sum.current), (1000, 7));
        assert_eq!((pair.missing(), pair.finite().current), (Cell { reference: 0, current: 3 }, 4));
        assert_eq!(rows(&pair.cells()[10..]), [(0, 1), (0, 2)]);
    }

    /// Wanted: `scipy.stats.wasserstein_distance`.
    #[test]
    fn the_distance_is_that_of_scipy() {
        let check = |before: &[f64], tonight: &[f64], wanted: f64| {
            let found = NumberPair::of(&numbers(before), &numbers(tonight)).wasserstein().unwrap();
            assert!((found.statistic - wanted).abs() < 1e-12, "{}", found.statistic);
        };
        check(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0], 5.0);
        check(&[0.0, 1.0], &[0.0, 1.0, 1.0, 1.0], 0.25);
        check(&[-2.0, 4.0], &[1.0], 3.0);
        check(&[1.0], &[1.0], 0.0);
    }

    #[test]
    fn a_constant_reference_has_a_unit() {
        let found = |tonight: &[f64]| {
            let pair = NumberPair::of(&numbers(&[7.0; 20]), &numbers(tonight));
            (pair.wasserstein().unwrap().effect, pair.distance().unwrap().statistic())
        };
        assert_eq!(found(&[7.0; 10]), (0.0, 0.0));
        assert_eq!(found(&[9.0; 10]), (1.0, 1.0));
        assert!(NumberPair::of(&numbers(&[]), &numbers(&[1.0])).wasserstein().is_none());
    }
}
