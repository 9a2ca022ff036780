//! Drift: whether a column holds other values than its reference does.
//!
//! A [`ColumnPair`] is two columns counted in the same cells, either from the profiles that training and
//! scoring leave behind or from raw values. Each [`DriftTest`] turns a pair into an effect, the size of
//! the difference; [`evidence`] turns it into a p-value that knows how many rows there were. A column has
//! drifted only if both say so ([`judge`]): an effect alone cries wolf on small nights, evidence alone on
//! large ones. Which reference is used and what drift leads to is decided elsewhere.

/// P-values of many columns at once.
pub mod adjust;
mod chi_square;
/// Two-row tables of counts.
pub mod contingency;
/// All columns together.
pub mod domain_classifier;
/// A p-value for a pair.
pub mod evidence;
/// The exact test of a table of two by two.
pub mod fisher;
mod jensen_shannon;
/// The judgement of a whole table.
pub mod judge;
/// P-values of the two-sample Kolmogorov-Smirnov statistic.
pub mod kolmogorov;
mod ks;
/// Two columns of numbers, counted in the same cells.
pub mod number;
/// Two columns of any kind.
pub mod pair;
mod psi;
/// Two columns of texts, counted in the same cells.
pub mod text;
mod wasserstein;

pub use judge::{ColumnDrift, DriftReport, Measured, Subject, judge};
pub use pair::{ColumnPair, Mismatch};

use crate::learn::profile::CellKind;

/// The size of a difference between two columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// What is held against the floor: 0 for columns alike, larger for more different ones.
    pub effect: f64,
    /// The statistic under its textbook name, in its own unit; often the effect itself.
    pub statistic: f64,
    /// By how much the statistic may be too small at most, because profiles know the values between two
    /// grid points only by their number and sum; 0 where it is exact.
    pub short_by: f64,
}

/// Compares a column with its reference.
pub trait DriftTest: Sync {
    /// The name in TOML, JSON, messages and `explain`.
    fn id(&self) -> &'static str;
    /// Markdown: what it measures, its range, when to use it, how to read it.
    fn explain(&self) -> &'static str;
    /// Whether it can compare columns of this kind.
    fn accepts(&self, kind: CellKind) -> bool;
    /// The size of the difference; `None` if one side has no value that the test looks at, or if the pair
    /// is of a kind that it does not accept.
    fn measure(&self, pair: &ColumnPair) -> Option<Shift>;
    /// The p-value that is told beside the measure: the evidence of the column, unless the test has one of
    /// its own. Whichever it is, a verdict rests on the evidence.
    fn p_value(&self, _: &ColumnPair, evidence: Option<f64>) -> Option<f64> {
        evidence
    }
}

/// Every test, in suggested reading order.
pub static TESTS: &[&dyn DriftTest] = &[
    &psi::Psi,
    &ks::Ks,
    &chi_square::ChiSquare,
    &jensen_shannon::JensenShannon,
    &wasserstein::Wasserstein,
];

/// The test called `id`.
pub fn find(id: &str) -> Option<&'static dyn DriftTest> {
    TESTS.iter().copied().find(|test| test.id() == id)
}

impl Shift {
    /// A difference whose statistic is its effect, and exact.
    fn exactly(effect: f64) -> Self {
        Self { effect, statistic: effect, short_by: 0.0 }
    }
}

/// How many rows of each side fall into a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Rows of the reference.
    pub reference: u64,
    /// Rows of the current table.
    pub current: u64,
}

impl Cell {
    /// Rows of both sides.
    pub fn total(&self) -> u64 {
        self.reference.saturating_add(self.current)
    }
}

/// Rows of each side over all cells.
fn totals(cells: &[Cell]) -> Cell {
    cells.iter().fold(Cell::default(), |sum, cell| Cell {
        reference: sum.reference.saturating_add(cell.reference),
        current: sum.current.saturating_add(cell.current),
    })
}

/// The share of each side in each cell, reference first; `None` if a side has no row.
fn shares(cells: &[Cell]) -> Option<Vec<(f64, f64)>> {
    let all = totals(cells);
    let (reference, current) = (all.reference as f64, all.current as f64);
    (all.reference > 0 && all.current > 0).then(|| {
        cells
            .iter()
            .map(|cell| (cell.reference as f64 / reference, cell.current as f64 / current))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_is_found_and_explained() {
        for test in TESTS {
            assert_eq!(find(test.id()).map(DriftTest::id), Some(test.id()));
            assert!(test.explain().starts_with(&format!("# {}\n", test.id())), "{}", test.id());
            assert!(test.accepts(CellKind::Number) || test.accepts(CellKind::Text));
        }
        assert!(find("nothing").is_none());
    }
}
