//! Table checks: what is expected of the table as a whole, judged once its profile is known.
//!
//! The facts come from the same pass that scores; measuring them is not the job of this module.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::evidence::verdict_of;
use super::{fresh_within, mean_between, nulls_max, row_count};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::{CheckSpec, Expectation};

/// What is known of a table once it has been read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFacts {
    /// Rows that were read, those set aside included.
    pub rows: u64,
    /// By the name of the column.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// The newest `data.time`.
    pub newest: Option<Timestamp>,
}

/// What is known of a column once it has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ColumnFacts {
    /// Rows that were read.
    pub rows: u64,
    /// How many of them have no value.
    pub nulls: u64,
    /// Of the finite numbers; `None` where there is none.
    pub mean: Option<f64>,
}

/// What one table check measured, and what it made of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) outcome: Outcome,
    pub(super) value: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) message: String,
}

/// How a table check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// There is nothing that could be measured.
    NotApplicable,
}

/// One finding for each table check among `checks`, in their order; row checks are skipped.
pub fn judge_table(checks: &[CheckSpec], facts: &TableFacts, tick: Timestamp) -> Vec<Finding> {
    checks.iter().filter_map(|check| judge(check, facts, tick)).collect()
}

fn judge(check: &CheckSpec, facts: &TableFacts, tick: Timestamp) -> Option<Finding> {
    let id = check.expectation.id();
    let name = check.column.as_deref().unwrap_or_default();
    let column = facts.columns.get(name);
    let measured = match (&check.expectation, column) {
        (Expectation::RowsMin(min), _) => row_count::at_least(*min, facts.rows),
        (Expectation::RowsMax(max), _) => row_count::at_most(*max, facts.rows),
        (Expectation::FreshWithin(span), _) => fresh_within::measure(*span, facts.newest, tick),
        (Expectation::NullsMax(max), Some(column)) => nulls_max::measure(name, *max, *column),
        (Expectation::MeanBetween { min, max }, Some(column)) => {
            mean_between::measure(name, (*min, *max), *column)
        }
        (Expectation::NullsMax(_) | Expectation::MeanBetween { .. }, None) => {
            return Some(missing(id, name, facts));
        }
        (
            Expectation::NotNull
            | Expectation::Between { .. }
            | Expectation::InSet(_)
            | Expectation::Matches(_)
            | Expectation::Unique,
            _,
        ) => return None,
    };
    let verdict = match measured.outcome {
        Outcome::Passed => FindingVerdict::Pass,
        Outcome::Failed => verdict_of(check.then),
        Outcome::NotApplicable => FindingVerdict::NotApplicable,
    };
    let mut out = Finding::new(FindingKind::Check, id, verdict, measured.message);
    out.column.clone_from(&check.column);
    out.value = measured.value;
    out.limit = measured.limit;
    Some(out)
}

/// A check of a column that the table has not got fails whatever `then` says; where nothing at all
/// was read, nothing is known of the columns either.
fn missing(id: &str, column: &str, facts: &TableFacts) -> Finding {
    let is_unread = facts.rows == 0 && facts.columns.is_empty();
    let verdict = if is_unread { FindingVerdict::NotApplicable } else { FindingVerdict::Fail };
    let message = format!("the table has no column `{column}` to check `{id}` on");
    let mut out = Finding::new(FindingKind::Check, id, verdict, message);
    out.column = Some(column.to_owned());
    out
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::job::CheckAction;

    const TICK: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn facts() -> TableFacts {
        let age = ColumnFacts { rows: 1_000, nulls: 50, mean: Some(41.5) };
        let city = ColumnFacts { rows: 1_000, nulls: 0, mean: None };
        TableFacts {
            rows: 1_000,
            columns: BTreeMap::from([("age".to_owned(), age), ("city".to_owned(), city)]),
            newest: Some(TICK - SignedDuration::from_hours(30)),
        }
    }

    fn finding(column: Option<&str>, expectation: Expectation, facts: &TableFacts) -> Finding {
        let column = column.map(ToOwned::to_owned);
        let check = CheckSpec { column, expectation, then: CheckAction::Fail };
        let found = judge_table(&[check], facts, TICK);
        assert_eq!(found.len(), 1);
        found[0].clone()
    }

    #[track_caller]
    fn check(
        column: Option<&str>,
        expectation: Expectation,
        verdict: FindingVerdict,
        numbers: (Option<f64>, Option<f64>),
        message: &str,
    ) {
        let found = finding(column, expectation, &facts());
        assert_eq!((found.verdict, found.message.as_str()), (verdict, message));
        assert_eq!((found.value, found.limit), numbers);
        assert_eq!(found.column.as_deref(), column);
    }

    #[test]
    fn each_expectation_says_what_was_found_and_wanted() {
        use FindingVerdict::{Fail, Pass};
        let numbers = |value: f64, limit: f64| (Some(value), Some(limit));
        let told = "the table has 1000 rows, wanted at least 1001";
        check(None, Expectation::RowsMin(1_001), Fail, numbers(1e3, 1_001.0), told);
        let told = "the table has 1000 rows, at least 1000 as wanted";
        check(None, Expectation::RowsMin(1_000), Pass, numbers(1e3, 1e3), told);
        let told = "the table has 1000 rows, wanted at most 999";
        check(None, Expectation::RowsMax(999), Fail, numbers(1e3, 999.0), told);
        let told = "column `age` has 50 of 1000 rows (5.00 %) null, wanted a share of at most 0.04";
        check(Some("age"), Expectation::NullsMax(0.04), Fail, numbers(0.05, 0.04), told);
        let told =
            "column `age` has 50 of 1000 rows (5.00 %) null, a share of at most 0.05 as wanted";
        check(Some("age"), Expectation::NullsMax(0.05), Pass, numbers(0.05, 0.05), told);
        let within = |min, max| Expectation::MeanBetween { min, max };
        let told = "column `age` has mean 41.5, wanted between 42 and 50";
        check(Some("age"), within(42.0, 50.0), Fail, numbers(41.5, 42.0), told);
        let told = "column `age` has mean 41.5, between 41.5 and 50 as wanted";
        check(Some("age"), within(41.5, 50.0), Pass, (Some(41.5), None), told);
        let told = "column `city` has no numbers to take a mean of";
        check(Some("city"), within(0.0, 1.0), Fail, (None, None), told);
        let fresh = |hours| Expectation::FreshWithin(SignedDuration::from_hours(hours));
        let told = "the newest row is 1d 6h older than the tick, wanted at most 1d";
        check(None, fresh(24), Fail, numbers(108_000.0, 86_400.0), told);
        let told = "the newest row is 1d 6h older than the tick, at most 30h as wanted";
        check(None, fresh(30), Pass, numbers(108_000.0, 108_000.0), told);
    }

    #[test]
    fn a_missing_column_fails_whatever_then_says() {
        let column = Some("agee".to_owned());
        for then in [CheckAction::Fail, CheckAction::Warn] {
            let expectation = Expectation::NullsMax(1.0);
            let check = CheckSpec { column: column.clone(), expectation, then };
            let found = &judge_table(&[check], &facts(), TICK)[0];
            assert_eq!(found.verdict, FindingVerdict::Fail);
            assert_eq!(found.message, "the table has no column `agee` to check `nulls_max` on");
        }
    }

    #[test]
    fn an_empty_table_fails_only_what_asks_for_rows() {
        let mut empty = facts();
        empty.rows = 0;
        empty.newest = None;
        empty.columns.insert("age".to_owned(), ColumnFacts::default());
        let nothing = TableFacts::default();
        let mean = || Expectation::MeanBetween { min: 0.0, max: 1.0 };
        for facts in [&empty, &nothing] {
            for expectation in [Expectation::NullsMax(0.0), mean()] {
                let found = finding(Some("age"), expectation, facts);
                assert_eq!(found.verdict, FindingVerdict::NotApplicable, "{}", found.message);
            }
            let found = finding(None, Expectation::RowsMin(1), facts);
            assert_eq!(found.verdict, FindingVerdict::Fail);
            let fresh = Expectation::FreshWithin(SignedDuration::from_hours(1));
            let found = finding(None, fresh, facts);
            assert_eq!(
                found.message,
                "no row has a time, wanted one at most 1h older than the tick"
            );
            assert_eq!(found.verdict, FindingVerdict::Fail);
        }
    }

    #[test]
    fn row_checks_are_left_alone_and_order_is_kept() {
        let check = |column: Option<&str>, expectation| {
            let column = column.map(ToOwned::to_owned);
            CheckSpec { column, expectation, then: CheckAction::Warn }
        };
        let checks = [
            check(None, Expectation::RowsMax(1)),
            check(Some("age"), Expectation::NotNull),
            check(Some("age"), Expectation::NullsMax(0.0)),
        ];
        let found = judge_table(&checks, &facts(), TICK);
        let ids: Vec<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["rows_max", "nulls_max"]);
        assert!(found.iter().all(|finding| finding.verdict == FindingVerdict::Warn));
    }
}
