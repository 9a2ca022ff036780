//! Row checks: every row of every batch, before it is scored.
//!
//! Batches have to come in order, since `unique` remembers what it has seen; within a batch the
//! checks run side by side, each on state of its own, so the verdicts are the same on any number of
//! threads. Writing rows that are set aside is not the job of this module.

use rayon::prelude::*;

use super::evidence::{Examples, share_of_rows, verdict_of};
use super::{between, in_set, matches, not_null, unique};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::frame::{Cells, Frame};
use crate::domain::job::{CheckAction, CheckSpec, Expectation};

/// One expectation, judged row by row.
pub(super) trait RowTest: Send {
    /// The rows of a batch that fail, in order.
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle>;

    /// What a failing value is, after the name of its column: `is null`.
    fn complaint(&self) -> String;
}

/// Why a check cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The table has not got the column.
    ColumnMissing,
    /// The column holds text, and the check compares numbers.
    NotNumbers,
    /// Whole numbers beyond 2^53 are not told apart as f64.
    IntegersTooLarge,
}

/// Why row checks cannot be built from a job.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A row check of no column.
    #[error("check `{id}` has no column; a check of rows needs one")]
    WithoutColumn {
        /// The expectation.
        id: &'static str,
    },
    /// `matches` with a text that is no regular expression, or one too large.
    #[error("check `matches` of column `{column}` has a pattern that cannot be used: `{pattern}`")]
    Pattern {
        /// The column to check.
        column: String,
        /// The pattern, as written.
        pattern: String,
        /// What the pattern lacks.
        #[source]
        source: Box<regex::Error>,
    },
    /// More checks than a verdict has numbers for.
    #[error("there are {found} checks; at most {max} are supported")]
    TooMany {
        /// How many checks the job has.
        found: usize,
        /// How many it may have.
        max: usize,
    },
}

/// The row checks of a job, with what they have seen so far.
pub struct RowChecks {
    tests: Vec<Tally>,
}

/// What the row checks say about one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowVerdicts {
    /// For each row the first quarantining check that it failed, as the index among the job's
    /// checks; empty if no row is set aside.
    pub set_aside: Vec<Option<u16>>,
}

/// One check with its counts.
struct Tally {
    /// Its place among the job's checks.
    index: u16,
    column: String,
    id: &'static str,
    action: CheckAction,
    reason: String,
    test: Box<dyn RowTest>,
    failed: u64,
    examples: Examples,
    obstacle: Option<Obstacle>,
}

impl RowChecks {
    /// Prepares the row checks among `checks`; the others are left to [`super::judge_table`].
    pub fn new(checks: &[CheckSpec]) -> Result<Self, CheckError> {
        let mut tests = Vec::new();
        for (index, spec) in checks.iter().enumerate() {
            let id = spec.expectation.id();
            if !spec.expectation.is_per_row() {
                continue;
            }
            let Some(column) = spec.column.clone() else {
                return Err(CheckError::WithoutColumn { id });
            };
            let Some(test) = row_test(&spec.expectation, &column)? else { continue };
            let max = usize::from(u16::MAX);
            let index = u16::try_from(index)
                .map_err(|_| CheckError::TooMany { found: checks.len(), max })?;
            tests.push(Tally {
                index,
                id,
                action: spec.then,
                reason: format!("`{column}` {}", test.complaint()),
                column,
                test,
                failed: 0,
                examples: Examples::default(),
                obstacle: None,
            });
        }
        Ok(Self { tests })
    }

    /// Judges the next batch.
    pub fn judge(&mut self, frame: &Frame<'_>) -> RowVerdicts {
        let failures: Vec<Vec<usize>> =
            self.tests.par_iter_mut().map(|tally| tally.judge(frame)).collect();
        let mut set_aside = Vec::new();
        for (tally, rows) in self.tests.iter().zip(failures) {
            if tally.action != CheckAction::Quarantine || rows.is_empty() {
                continue;
            }
            set_aside.resize(frame.rows, None);
            for row in rows {
                if let Some(verdict) = set_aside.get_mut(row) {
                    *verdict = verdict.or(Some(tally.index));
                }
            }
        }
        RowVerdicts { set_aside }
    }

    /// Why a row was set aside, for the index that [`RowVerdicts::set_aside`] holds.
    pub fn reason(&self, index: u16) -> &str {
        let found = self.tests.iter().find(|tally| tally.index == index);
        found.map_or("", |tally| tally.reason.as_str())
    }

    /// One finding for each row check, in the order of the job; `rows` were judged in all.
    pub fn findings(&self, rows: u64) -> Vec<Finding> {
        self.tests.iter().map(|tally| tally.finding(rows)).collect()
    }
}

impl RowVerdicts {
    /// For each row whether it stays; `None` if all do.
    pub fn keep(&self) -> Option<Vec<bool>> {
        let is_any = !self.set_aside.is_empty();
        is_any.then(|| self.set_aside.iter().map(Option::is_none).collect())
    }
}

impl Tally {
    /// The rows of the batch that fail, after they were counted.
    fn judge(&mut self, frame: &Frame<'_>) -> Vec<usize> {
        if self.obstacle.is_some() {
            return Vec::new();
        }
        let Some(cells) = frame.column(&self.column) else {
            self.obstacle = Some(Obstacle::ColumnMissing);
            return Vec::new();
        };
        match self.test.failures(cells) {
            Ok(rows) => {
                self.failed += rows.len() as u64;
                self.examples.add(cells, &rows);
                rows
            }
            Err(obstacle) => {
                self.obstacle = Some(obstacle);
                Vec::new()
            }
        }
    }

    fn finding(&self, rows: u64) -> Finding {
        let (column, id) = (&self.column, self.id);
        let (verdict, message) = match self.obstacle {
            Some(Obstacle::ColumnMissing) => (
                FindingVerdict::Fail,
                format!("the table has no column `{column}` to check `{id}` on"),
            ),
            Some(Obstacle::NotNumbers) => (
                FindingVerdict::Fail,
                format!("column `{column}` holds text; `{id}` compares numbers"),
            ),
            Some(Obstacle::IntegersTooLarge) => (
                FindingVerdict::Fail,
                format!(
                    "column `{column}` holds whole numbers beyond 2^53, which `{id}` cannot tell \
                     apart; write them as text"
                ),
            ),
            None if self.failed == 0 => (
                FindingVerdict::Pass,
                format!("column `{column}` passes `{id}` in all {rows} rows"),
            ),
            None => (
                verdict_of(self.action),
                format!(
                    "column `{column}` {} in {}{}",
                    self.test.complaint(),
                    share_of_rows(self.failed, rows),
                    self.examples.clause()
                ),
            ),
        };
        let mut out = Finding::new(FindingKind::Check, id, verdict, message);
        out.column = Some(column.clone());
        out.value = self.obstacle.is_none().then_some(self.failed as f64);
        out.limit = Some(0.0);
        out
    }
}

/// The test for `expectation`, if single rows can fail it.
fn row_test(
    expectation: &Expectation,
    column: &str,
) -> Result<Option<Box<dyn RowTest>>, CheckError> {
    Ok(Some(match expectation {
        Expectation::NotNull => Box::new(not_null::NotNull),
        Expectation::Between { min, max } => Box::new(between::Between { min: *min, max: *max }),
        Expectation::InSet(values) => Box::new(in_set::InSet::new(values)),
        Expectation::Matches(pattern) => {
            let test = matches::Matches::new(pattern).map_err(|source| CheckError::Pattern {
                column: column.to_owned(),
                pattern: pattern.clone(),
                source: Box::new(source),
            })?;
            Box::new(test)
        }
        Expectation::Unique => Box::new(unique::Unique::default()),
        Expectation::NullsMax(_)
        | Expectation::MeanBetween { .. }
        | Expectation::RowsMin(_)
        | Expectation::RowsMax(_)
        | Expectation::FreshWithin(_) => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::{FrameColumn, Numbers};

    fn spec(column: &str, expectation: Expectation, then: CheckAction) -> CheckSpec {
        CheckSpec { column: Some(column.to_owned()), expectation, then }
    }

    /// A frame of the numbers `age` and the texts `city`.
    fn frame<'a>(ages: &'a [f64], cities: &[Option<&'a str>]) -> Frame<'a> {
        let numbers = Numbers { values: ages.into(), nulls: Vec::new() };
        let columns = vec![
            FrameColumn { name: "age", cells: Cells::Number(numbers) },
            FrameColumn { name: "city", cells: Cells::text(cities.to_vec()) },
        ];
        Frame { rows: ages.len(), columns }
    }

    #[test]
    fn the_first_quarantining_check_gives_the_reason() {
        let between = || Expectation::Between { min: 0.0, max: 120.0 };
        let mut checks = RowChecks::new(&[
            spec("age", between(), CheckAction::Warn),
            CheckSpec {
                column: None,
                expectation: Expectation::RowsMin(1),
                then: CheckAction::Fail,
            },
            spec("city", Expectation::NotNull, CheckAction::Quarantine),
            spec("age", between(), CheckAction::Quarantine),
        ])
        .unwrap();
        let clean = checks.judge(&frame(&[1.0, 2.0], &[Some("a"), Some("b")]));
        assert_eq!((clean.set_aside.len(), clean.keep()), (0, None));
        let verdicts = checks.judge(&frame(&[-1.0, 130.0, 50.0], &[None, Some("a"), Some("b")]));
        assert_eq!(verdicts.set_aside, [Some(2), Some(3), None]);
        assert_eq!(verdicts.keep(), Some(vec![false, false, true]));
        assert_eq!(checks.reason(2), "`city` is null");
        assert_eq!(checks.reason(3), "`age` is not between 0 and 120");

        let found: Vec<(FindingVerdict, Option<f64>, String)> = checks
            .findings(5)
            .into_iter()
            .map(|finding| (finding.verdict, finding.value, finding.message))
            .collect();
        let outside = "column `age` is not between 0 and 120 in 2 of 5 rows (40.00 %), found `-1`, \
                       `130`";
        let null = "column `city` is null in 1 of 5 rows (20.00 %)";
        assert_eq!(
            found,
            [
                (FindingVerdict::Warn, Some(2.0), outside.to_owned()),
                (FindingVerdict::Warn, Some(1.0), null.to_owned()),
                (FindingVerdict::Warn, Some(2.0), outside.to_owned()),
            ]
        );
    }

    #[test]
    fn then_decides_the_verdict() {
        for (then, wanted) in [
            (CheckAction::Fail, FindingVerdict::Fail),
            (CheckAction::Warn, FindingVerdict::Warn),
            (CheckAction::Quarantine, FindingVerdict::Warn),
        ] {
            let mut checks = RowChecks::new(&[spec("city", Expectation::NotNull, then)]).unwrap();
            assert_eq!(checks.findings(0)[0].verdict, FindingVerdict::Pass);
            checks.judge(&frame(&[1.0], &[None]));
            assert_eq!(checks.findings(1)[0].verdict, wanted);
        }
    }

    #[test]
    fn a_check_that_cannot_be_judged_fails_and_sets_nothing_aside() {
        let between = Expectation::Between { min: 0.0, max: 1.0 };
        for (column, expectation, wanted) in [
            ("agee", Expectation::NotNull, "the table has no column `agee` to check `not_null` on"),
            ("city", between, "column `city` holds text; `between` compares numbers"),
        ] {
            let mut checks =
                RowChecks::new(&[spec(column, expectation, CheckAction::Quarantine)]).unwrap();
            for _ in 0..2 {
                let verdicts = checks.judge(&frame(&[1.0], &[Some("a")]));
                assert_eq!(verdicts, RowVerdicts::default());
            }
            let finding = &checks.findings(2)[0];
            assert_eq!((finding.verdict, finding.value), (FindingVerdict::Fail, None));
            assert_eq!(finding.message, wanted);
            assert_eq!(finding.column.as_deref(), Some(column));
        }
    }

    #[test]
    fn what_cannot_be_a_check_is_refused() {
        let pattern = spec("city", Expectation::Matches("a)(b".to_owned()), CheckAction::Warn);
        let found = RowChecks::new(&[pattern]).err().unwrap().to_string();
        assert!(found.contains("column `city`") && found.contains("`a)(b`"), "{found}");
        let without =
            CheckSpec { column: None, expectation: Expectation::Unique, then: CheckAction::Fail };
        let found = RowChecks::new(&[without]).err().unwrap().to_string();
        assert_eq!(found, "check `unique` has no column; a check of rows needs one");
    }

    #[test]
    fn verdicts_do_not_depend_on_threads() {
        let ages: Vec<f64> = (0..10_000_i32).map(|row| f64::from(row * 7 % 4_001)).collect();
        let cities: Vec<Option<&str>> =
            (0..10_000).map(|row| [Some("a"), None, Some("b")][row % 3]).collect();
        let specs = [
            spec("age", Expectation::Unique, CheckAction::Quarantine),
            spec("city", Expectation::NotNull, CheckAction::Quarantine),
            spec("age", Expectation::Between { min: 0.0, max: 4_000.0 }, CheckAction::Warn),
        ];
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut checks = RowChecks::new(&specs).unwrap();
                let verdicts: Vec<RowVerdicts> =
                    (0..3).map(|_| checks.judge(&frame(&ages, &cities))).collect();
                (verdicts, checks.findings(30_000))
            })
        };
        assert_eq!(run(1), run(4));
    }
}
