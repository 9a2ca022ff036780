//! The drift rule: what effect and evidence say about a column, and columns about a table.
//!
//! Effect alone cries wolf on small nights, evidence alone on large ones; a column has drifted only if it
//! shows both. Measuring them is the business of `learn::drift`, what follows is decided in
//! [`decide`](crate::domain::decide).

use std::fmt;

use crate::domain::run::named;

/// What is said of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnVerdict {
    /// The effect is below the floor, or the evidence is too weak.
    Stable,
    /// The effect is at or above the floor, and it is not chance.
    Drifted,
    /// One side has fewer rows than are judged.
    InsufficientData,
    /// The column is missing, all null, or of another type.
    Broken,
}

/// What is said of all columns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataVerdict {
    /// The share of drifted columns is below the limit.
    Stable,
    /// The share of drifted columns is at or above the limit.
    Drifted,
    /// No column could be judged.
    InsufficientData,
}

named!(ColumnVerdict {
    Stable => "stable",
    Drifted => "drifted",
    InsufficientData => "insufficient_data",
    Broken => "broken",
});

named!(DataVerdict {
    Stable => "stable",
    Drifted => "drifted",
    InsufficientData => "insufficient_data",
});

/// Limits that a column is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The smallest effect that counts, in the unit of the test.
    pub floor: f64,
    /// The largest p-value, after correction, that counts as evidence: 0 to 1.
    pub alpha: f64,
}

/// The area under the ROC curve of a domain classifier from which on two tables count as told apart, if its
/// interval agrees: the upper limit of `NannyML`.
pub const SEPARATION_MAX: f64 = 0.65;

/// Whether two tables are told apart: the area is at or above the limit, and its interval above chance.
pub fn is_separated(area: f64, low: f64) -> bool {
    area >= SEPARATION_MAX && low > 0.5
}

/// What a column's effect and adjusted p-value say: both must be beyond their limits.
pub fn column_verdict(effect: f64, p_adjusted: f64, limits: Limits) -> ColumnVerdict {
    if effect >= limits.floor && p_adjusted < limits.alpha {
        ColumnVerdict::Drifted
    } else {
        ColumnVerdict::Stable
    }
}

/// The share of drifted or broken columns among those that could be judged, 0 to 1, and what it says
/// against `share_max`; at least one column must have drifted, whatever the limit.
pub fn data_verdict(columns: &[ColumnVerdict], share_max: f64) -> (Option<f64>, DataVerdict) {
    let count = |wanted: &[ColumnVerdict]| {
        columns.iter().filter(|verdict| wanted.contains(verdict)).count() as f64
    };
    let drifted = count(&[ColumnVerdict::Drifted, ColumnVerdict::Broken]);
    let judged = drifted + count(&[ColumnVerdict::Stable]);
    if judged < 1.0 {
        return (None, DataVerdict::InsufficientData);
    }
    let share = drifted / judged;
    let is_drifted = drifted > 0.0 && share >= share_max;
    (Some(share), if is_drifted { DataVerdict::Drifted } else { DataVerdict::Stable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_needs_effect_and_evidence() {
        let limits = Limits { floor: 0.1, alpha: 0.01 };
        let check = |effect, p, wanted| assert_eq!(column_verdict(effect, p, limits), wanted);
        check(0.5, 0.001, ColumnVerdict::Drifted);
        check(0.1, 0.001, ColumnVerdict::Drifted);
        check(0.5, 0.01, ColumnVerdict::Stable);
        check(0.09, 1e-30, ColumnVerdict::Stable);
        check(f64::NAN, 0.0, ColumnVerdict::Stable);
    }

    #[test]
    fn tables_are_told_apart_by_area_and_interval() {
        assert!(is_separated(0.65, 0.51) && is_separated(1.0, 1.0));
        assert!(!is_separated(0.64, 0.63) && !is_separated(0.7, 0.5));
        assert!(!is_separated(0.2, 0.1) && !is_separated(f64::NAN, f64::NAN));
    }

    #[test]
    fn a_table_drifts_by_the_share_of_its_columns() {
        use ColumnVerdict::{Broken, Drifted, InsufficientData, Stable};
        let check = |columns: &[ColumnVerdict], share_max, wanted| {
            assert_eq!(data_verdict(columns, share_max), wanted, "{columns:?}");
        };
        check(&[Stable, Stable, Drifted], 0.3, (Some(1.0 / 3.0), DataVerdict::Drifted));
        check(&[Stable, Stable, Stable, Drifted], 0.3, (Some(0.25), DataVerdict::Stable));
        check(&[Stable, Broken, InsufficientData], 0.5, (Some(0.5), DataVerdict::Drifted));
        check(&[InsufficientData], 0.3, (None, DataVerdict::InsufficientData));
        check(&[], 0.3, (None, DataVerdict::InsufficientData));
        check(&[Stable], 0.0, (Some(0.0), DataVerdict::Stable));
    }
}
