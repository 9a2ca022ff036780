//! What a bootstrap draws: single rows, or all rows of one id together.
//!
//! Rows of one customer or one day resemble each other, so drawing them one by one would take the
//! same evidence for several. Drawing whole groups is the cluster bootstrap (Cameron, Gelbach and Miller,
//! 2008).

use std::collections::HashMap;

/// Fewest units that are resampled, and fewest that must carry the evidence of a comparison.
///
/// Below, percentiles are far too close to each other, and a model that ranks a row right 8 times in 10 is
/// right on all of them in more than one case of eight.
pub const UNITS_MIN: usize = 10;

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// This many rows, one by one.
    Rows(usize),
    /// Groups of rows.
    Groups {
        /// For each row its group.
        of_row: Vec<u32>,
        /// How many groups there are.
        count: usize,
    },
}

impl Units {
    /// Groups rows of equal id; rows, if no two ids are equal.
    pub fn of(ids: &[u64]) -> Self {
        let mut numbers: HashMap<u64, u32> = HashMap::with_capacity(ids.len());
        let mut of_row = Vec::with_capacity(ids.len());
        for id in ids {
            // In order of appearance, so that nothing depends on the order of the map.
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            of_row.push(*numbers.entry(*id).or_insert(next));
        }
        match numbers.len() {
            count if count == ids.len() => Self::Rows(count),
            count => Self::Groups { of_row, count },
        }
    }

    /// How many are drawn.
    pub fn count(&self) -> usize {
        match self {
            Self::Rows(count) | Self::Groups { count, .. } => *count,
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            Self::Rows(count) => *count,
            Self::Groups { of_row, .. } => of_row.len(),
        }
    }

    /// The unit of a row.
    pub fn of_row(&self, row: usize) -> usize {
        match self {
            Self::Rows(_) => row,
            Self::Groups { of_row, .. } => of_row[row] as usize,
        }
    }

    /// The weight of each row, given that of each unit; `of_rows` is room for them.
    pub(super) fn spread<'a>(&self, drawn: &'a [u8], of_rows: &'a mut [u8]) -> &'a [u8] {
        let Self::Groups { of_row, .. } = self else { return drawn };
        for (weight, group) in of_rows.iter_mut().zip(of_row) {
            *weight = drawn[*group as usize];
        }
        of_rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_are_one_unit() {
        let found = Units::of(&[7, 9, 7, 8]);
        assert_eq!((found.count(), found.rows()), (3, 4));
        let mut room = [0; 4];
        assert_eq!(found.spread(&[5, 1, 0], &mut room), [5, 1, 5, 0]);
    }

    #[test]
    fn rows_of_different_ids_are_drawn_one_by_one() {
        assert_eq!(Units::of(&[3, 1, 2]), Units::Rows(3));
        assert_eq!(Units::of(&[]), Units::Rows(0));
        assert_eq!(Units::Rows(2).spread(&[4, 0], &mut [0, 0]), [4, 0]);
    }
}
