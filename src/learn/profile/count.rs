//! Counting values on a grid, fast: for every point how many values equal it, and for every gap between
//! points how many values lie in it and what they sum to.
//!
//! That is all that the two-sample Kolmogorov-Smirnov statistic, the population stability index, the
//! Jensen-Shannon distance and the Wasserstein distance need of a column. Values are added one after the
//! other in row order, so the sums have the same bits for any number of threads.

use std::fmt;
use std::hint::select_unpredictable;

use serde::{Deserialize, Serialize};

use super::float;
use super::grid::Grid;
use super::place::Places;

/// Where the values of a column lie on a grid of `n` points.
///
/// Invariant: `n` counts at points, `n + 1` counts and sums in gaps (before the first point, between
/// neighbours, behind the last).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct GridCounts {
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parts {
    at: Vec<u64>,
    between: Vec<u64>,
    #[serde(with = "float::list")]
    sums: Vec<f64>,
}

/// Counts that do not belong to one grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnevenCounts;

impl GridCounts {
    /// Counts ascending finite values on strictly increasing `points`, any number of them.
    pub fn of_sorted(points: &[f64], sorted: &[f64]) -> Self {
        let mut parts = Parts {
            at: Vec::with_capacity(points.len()),
            between: Vec::with_capacity(points.len() + 1),
            sums: Vec::with_capacity(points.len() + 1),
        };
        let mut rest = sorted;
        let mut gap = |values: &[f64]| {
            parts.between.push(values.len() as u64);
            parts.sums.push(values.iter().sum());
        };
        for point in points {
            let (below, from) = rest.split_at(rest.partition_point(|value| value < point));
            gap(below);
            let on = from.partition_point(|value| value <= point);
            parts.at.push(on as u64);
            rest = &from[on..];
        }
        gap(rest);
        Self { parts }
    }

    /// How many values equal each point.
    pub fn at(&self) -> &[u64] {
        &self.parts.at
    }

    /// How many values lie in each gap; one more than there are points.
    pub fn between(&self) -> &[u64] {
        &self.parts.between
    }

    /// The sum of the values in each gap.
    pub fn sums(&self) -> &[f64] {
        &self.parts.sums
    }

    /// For each point the number of values below it and the number of values up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let gaps = self.parts.between.iter().zip(&self.parts.at);
        gaps.scan(0_u64, |seen, (between, at)| {
            let below = seen.saturating_add(*between);
            *seen = below.saturating_add(*at);
            Some((below, *seen))
        })
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.parts.at.iter().chain(&self.parts.between).fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Takes in the values that `other` has counted on the same grid; false, and no change, if its grid
    /// has another number of points.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.parts.at.len() != other.parts.at.len() {
            return false;
        }
        add_all(&mut self.parts.at, &other.parts.at);
        add_all(&mut self.parts.between, &other.parts.between);
        for (sum, more) in self.parts.sums.iter_mut().zip(&other.parts.sums) {
            *sum += more;
        }
        true
    }
}

/// Adds `more` to `counts`, place by place.
pub(super) fn add_all(counts: &mut [u64], more: &[u64]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count = count.saturating_add(*more);
    }
}

impl TryFrom<Parts> for GridCounts {
    type Error = UnevenCounts;

    fn try_from(parts: Parts) -> Result<Self, UnevenCounts> {
        let gaps = parts.at.len().saturating_add(1);
        if parts.between.len() != gaps || parts.sums.len() != gaps {
            return Err(UnevenCounts);
        }
        Ok(Self { parts })
    }
}

impl From<GridCounts> for Parts {
    fn from(counts: GridCounts) -> Self {
        counts.parts
    }
}

impl fmt::Display for UnevenCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counts on a grid have one gap more than points, found another number")
    }
}

impl std::error::Error for UnevenCounts {}

/// Counts while a table goes by: slot `j` is the gap behind point `j` (`j = 0` is before the first). Behind
/// the gaps, which are few enough to stay in the first-level cache, slot `points_at + j` is the point itself.
#[derive(Debug, Clone)]
pub(super) struct GridTally {
    places: Places,
    /// As many as a power of two.
    slots: Vec<Slot>,
    points_at: usize,
    grid_points: usize,
}

/// How many values and their sum, side by side in one vector register. An f64 counts exactly up to 2^53.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    ones: f64,
    sum: f64,
}

impl Slot {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of ones, which no table makes as large as 2^53"
    )]
    fn count(self) -> u64 {
        self.ones as u64
    }
}

impl GridTally {
    pub(super) fn new(grid: &Grid) -> Self {
        let grid_points = grid.points().len();
        let points_at = (grid_points + 1).next_power_of_two();
        let slots = vec![Slot::default(); 2 * points_at];
        Self { places: Places::new(grid.points()), slots, points_at, grid_points }
    }

    /// Counts finite values.
    pub(super) fn add(&mut self, values: &[f64]) {
        let Self { places, slots, points_at, .. } = self;
        let (last, points_at) = (slots.len() - 1, *points_at);
        // Not through the list, which would be read anew for each value.
        let slots = slots.as_mut_slice();
        places.each(values, move |place, is_on_point, value| {
            let offset = select_unpredictable(is_on_point, points_at, 0);
            let slot = &mut slots[place.wrapping_add(offset) & last];
            slot.ones += 1.0;
            slot.sum += value;
        });
    }

    pub(super) fn finish(&self) -> GridCounts {
        let gap = |j: usize| self.slots[j];
        GridCounts {
            parts: Parts {
                at: (1..=self.grid_points)
                    .map(|j| self.slots[self.points_at + j].count())
                    .collect(),
                between: (0..=self.grid_points).map(|j| gap(j).count()).collect(),
                sums: (0..=self.grid_points).map(|j| gap(j).sum).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(points: &[f64], values: &[f64]) -> GridCounts {
        let grid = Grid::try_from(points.to_vec()).unwrap();
        let mut tally = GridTally::new(&grid);
        tally.add(values);
        tally.finish()
    }

    #[test]
    fn values_on_points_and_in_gaps_are_told_apart() {
        let found = counted(&[0.0, 10.0], &[-1.0, -0.0, 0.0, 3.0, 4.0, 10.0, 1e300]);
        assert_eq!((found.at(), found.between()), (&[2, 1][..], &[1, 2, 1][..]));
        assert_eq!(found.sums(), [-1.0, 7.0, 1e300]);
        assert_eq!(found.cumulative().collect::<Vec<_>>(), [(1, 3), (5, 6)]);
        assert_eq!(found.total(), 7);
    }

    #[test]
    fn an_empty_grid_is_one_gap() {
        let found = counted(&[], &[1.0, 2.0]);
        assert_eq!((found.at().len(), found.between(), found.sums()), (0, &[2][..], &[3.0][..]));
    }

    #[test]
    fn the_ends_of_the_range_are_counted() {
        let found = counted(&[-f64::MAX, f64::MAX], &[-f64::MAX, f64::MAX, 0.0]);
        assert_eq!((found.at(), found.between()), (&[1, 1][..], &[0, 1, 0][..]));
    }

    #[test]
    fn uneven_counts_are_refused() {
        let uneven = r#"{"at":[1,2],"between":[0,0],"sums":[0.0,0.0,0.0]}"#;
        assert!(serde_json::from_str::<GridCounts>(uneven).is_err());
        let mut counts = counted(&[1.0], &[1.0]);
        assert!(!counts.merge(&counted(&[1.0, 2.0], &[1.0])));
        assert_eq!(counts.total(), 1);
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_plain_search(
            points in proptest::collection::btree_set(-500_i32..500, 0..300),
            values in proptest::collection::vec(-1200_i32..1200, 0..400),
        ) {
            let points: Vec<f64> = points.into_iter().map(|point| f64::from(point) / 2.0).collect();
            let values: Vec<f64> = values.into_iter().map(|value| f64::from(value) / 4.0).collect();
            let mut at = vec![0_u64; points.len()];
            let mut between = vec![0_u64; points.len() + 1];
            for value in &values {
                match points.binary_search_by(|point| point.total_cmp(value)) {
                    Ok(place) => at[place] += 1,
                    Err(place) => between[place] += 1,
                }
            }
            let found = counted(&points, &values);
            prop_assert_eq!(found.at(), at);
            prop_assert_eq!(found.between(), between);
            let mut sorted = values;
            sorted.sort_unstable_by(f64::total_cmp);
            let plain = GridCounts::of_sorted(&points, &sorted);
            prop_assert_eq!((plain.at(), plain.between()), (found.at(), found.between()));
        }
    }
}
