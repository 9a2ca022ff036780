//! Two columns of texts, counted by category.
//!
//! From profiles the categories are the most frequent ones of the reference and everything else, rare or
//! never seen, is one cell; from raw values every text of either side is a cell.

use std::collections::BTreeMap;

use super::Cell;
use crate::domain::texts::Texts;
use crate::learn::profile::text::{TextCounts, TextReference};

/// Two columns of texts by category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextPair {
    categories: Vec<Cell>,
    others: Cell,
    nulls: Cell,
}

impl TextPair {
    /// A pair from a reference and a column that was counted against it.
    pub fn counted(reference: &TextReference, current: &TextCounts) -> Self {
        let known = reference.categories.iter().zip(&current.known);
        Self {
            categories: known
                .map(|(category, current)| Cell { reference: category.count, current: *current })
                .collect(),
            others: Cell { reference: reference.others, current: current.others },
            nulls: Cell { reference: reference.nulls, current: current.nulls },
        }
    }

    /// A pair of two columns that were counted against the same categories.
    pub fn both_counted(reference: &TextCounts, current: &TextCounts) -> Self {
        let known = reference.known.iter().zip(&current.known);
        Self {
            categories: known
                .map(|(reference, current)| Cell { reference: *reference, current: *current })
                .collect(),
            others: Cell { reference: reference.others, current: current.others },
            nulls: Cell { reference: reference.nulls, current: current.nulls },
        }
    }

    /// A pair from raw values, exact.
    pub fn of(reference: &Texts<'_>, current: &Texts<'_>) -> Self {
        let mut categories: BTreeMap<&str, Cell> = BTreeMap::new();
        for (text, rows) in reference.counts() {
            categories.entry(text).or_default().reference += rows;
        }
        for (text, rows) in current.counts() {
            categories.entry(text).or_default().current += rows;
        }
        let nulls = [reference, current].map(|texts| texts.null_count() as u64);
        let nulls = Cell { reference: nulls[0], current: nulls[1] };
        let categories = categories.into_values().collect();
        Self { categories, others: Cell::default(), nulls }
    }

    /// Rows of each side, nulls included.
    pub fn rows(&self) -> Cell {
        super::totals(&self.cells())
    }

    /// Rows of each side without a value.
    pub fn nulls(&self) -> Cell {
        self.nulls
    }

    /// The rows of each side by category, then all other texts, then nulls.
    pub fn cells(&self) -> Vec<Cell> {
        self.categories.iter().copied().chain([self.others, self.nulls]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_texts_are_counted_by_value() {
        let pair = TextPair::of(
            &[Some("a"), Some("b"), None, Some("a")].into_iter().collect(),
            &[Some("c"), Some("a")].into_iter().collect(),
        );
        let cells: Vec<(u64, u64)> =
            pair.cells().iter().map(|cell| (cell.reference, cell.current)).collect();
        assert_eq!(cells, [(2, 1), (1, 0), (0, 1), (0, 0), (1, 0)]);
        assert_eq!(pair.rows(), Cell { reference: 4, current: 2 });
    }
}
