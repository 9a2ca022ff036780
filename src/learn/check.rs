//! Checks: what a job expects of the data it scores.
//!
//! Two families. Row checks ([`RowChecks`]) look at every batch as it passes, and can set single
//! rows aside before they are scored; table checks ([`judge_table`]) look at what is known of the
//! whole table afterwards. Every check yields exactly one finding, whether it passes or not.
//!
//! A check that cannot be judged at all, because the table has not got its column for instance, is
//! a failing finding whatever `then` says: silence would read as a pass. What a failing finding
//! does to the run is not decided here.

/// `between`: numbers within limits.
mod between;
/// What goes into a finding: counts, shares, examples.
mod evidence;
/// `fresh_within`: the newest row is recent.
mod fresh_within;
/// `in_set`: values from a list.
mod in_set;
/// `matches`: texts of a form.
mod matches;
/// `mean_between`: a mean within limits.
mod mean_between;
/// `not_null`: values that are there.
mod not_null;
/// `nulls_max`: few nulls.
mod nulls_max;
/// Row checks, batch after batch.
mod row;
/// `rows_min`, `rows_max`: as many rows as usual.
mod row_count;
/// Table checks, at the end.
mod table;
/// `unique`: values that do not repeat.
mod unique;

pub use self::row::{CheckError, RowChecks, RowVerdicts};
pub use self::table::{ColumnFacts, TableFacts, judge_table};

/// A check that a job file can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckKind {
    /// The name in TOML, JSON and messages.
    pub id: &'static str,
    /// Markdown: what it expects, when to use it, how to read what it finds.
    pub explain: &'static str,
}

/// Every check, in suggested reading order: row checks first.
pub static CHECKS: &[CheckKind] = &[
    not_null::KIND,
    between::KIND,
    in_set::KIND,
    matches::KIND,
    unique::KIND,
    nulls_max::KIND,
    mean_between::KIND,
    row_count::MIN,
    row_count::MAX,
    fresh_within::KIND,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;

    use super::*;
    use crate::domain::job::Expectation;

    #[test]
    fn every_expectation_is_explained() {
        let (min, max) = (0.0, 1.0);
        let expectations = [
            Expectation::NotNull,
            Expectation::Between { min, max },
            Expectation::InSet(Vec::new()),
            Expectation::Matches(String::new()),
            Expectation::Unique,
            Expectation::NullsMax(max),
            Expectation::MeanBetween { min, max },
            Expectation::RowsMin(1),
            Expectation::RowsMax(1),
            Expectation::FreshWithin(SignedDuration::ZERO),
        ];
        let wanted: BTreeSet<&str> = expectations.iter().map(Expectation::id).collect();
        let found: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(found, wanted);
        assert_eq!(found.len(), CHECKS.len());
        for check in CHECKS {
            assert!(check.explain.starts_with(&format!("# {}\n", check.id)), "{}", check.id);
            assert!(check.explain.contains("```toml\n[[check]]\n"), "{}", check.id);
        }
    }
}
