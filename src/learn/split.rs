//! Which rows a version is fitted on and which it is evaluated on.
//!
//! A split depends on the rows alone, never on their order or on chance: a random split asks a hash of
//! (seed, id), so that a row stays on its side in every later training; a split by time never puts two
//! rows of the same instant on different sides.

use serde::{Deserialize, Serialize};

use crate::domain::job::{Split, TestSize};

/// The two sides of a split, as ascending row numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRows {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to evaluate on.
    pub test: Vec<usize>,
    /// Rows used for neither, because they lie within `gap` before the test.
    pub dropped_in_gap: usize,
}

/// Which rows a version was fitted on, as far as a later comparison must know: it is fair only on rows
/// that neither version has seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FittedRows {
    /// The first and last time among them, in microseconds since 1970-01-01 UTC, if rows have times.
    pub span_micros: Option<(i64, i64)>,
    /// Seed and test share of a random split, of which they are the other side.
    pub random: Option<(u64, f64)>,
}

impl FittedRows {
    /// The rows that `split` fits on; `times` are theirs.
    pub fn of(split: &Split, seed: u64, times: Option<&[i64]>) -> Self {
        let span = |times: &[i64]| Some((*times.iter().min()?, *times.iter().max()?));
        let random = match split {
            Split::Random { test } => Some((seed, *test)),
            Split::Time { .. } => None,
        };
        Self { span_micros: times.and_then(span), random }
    }

    /// These rows and those of `before`, which a version has learned on from: any in between may be among them.
    #[must_use]
    pub fn and(self, before: &Self) -> Self {
        let span = match (self.span_micros, before.span_micros) {
            (Some(own), Some(other)) => Some((own.0.min(other.0), own.1.max(other.1))),
            (own, other) => own.or(other),
        };
        Self { span_micros: span, ..self }
    }

    /// Whether a row may have been among them: it is unless its time or its hash says otherwise.
    pub fn may_hold(&self, id_hash: u64, time_micros: Option<i64>) -> bool {
        let is_outside = self
            .span_micros
            .zip(time_micros)
            .is_some_and(|((first, last), time)| time < first || time > last);
        let is_held_out = self.random.is_some_and(|(seed, test)| is_held_out(test, seed, id_hash));
        !is_outside && !is_held_out
    }
}

/// Why rows cannot be split as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A split by time was asked for, and there are no times.
    #[error(
        "a split by time needs `data.time`; set it, or `train.split = {{ by = \"random\", test = 0.2 }}`"
    )]
    NoTimes,
    /// Ids and times are not of the same rows.
    #[error("found {times} times for {rows} rows, wanted one for each")]
    Ragged {
        /// Rows to be split.
        rows: usize,
        /// Times given.
        times: usize,
    },
    /// All rows are of one instant, so none is newer than another.
    #[error("all {rows} rows have the same time, so a split by time leaves no row to train on")]
    OneInstant {
        /// Rows to be split.
        rows: usize,
    },
    /// One side got no row.
    #[error(
        "the split leaves no row to {purpose} ({rows} rows in all, {dropped_in_gap} of them in the gap)"
    )]
    EmptySide {
        /// `train on` or `evaluate on`.
        purpose: &'static str,
        /// Rows to be split.
        rows: usize,
        /// Rows within the gap.
        dropped_in_gap: usize,
    },
}

/// Splits rows with the given id hashes and times (microseconds since 1970-01-01 UTC).
pub fn split(
    split: &Split,
    seed: u64,
    id_hashes: &[u64],
    times: Option<&[i64]>,
) -> Result<SplitRows, SplitError> {
    let found = match split {
        Split::Random { test } => by_hash(*test, seed, id_hashes),
        Split::Time { test, gap } => {
            let times = times.ok_or(SplitError::NoTimes)?;
            if times.len() != id_hashes.len() {
                return Err(SplitError::Ragged { rows: id_hashes.len(), times: times.len() });
            }
            by_time(*test, gap.as_micros(), times)?
        }
    };
    let purpose = match (found.train.is_empty(), found.test.is_empty()) {
        (true, _) => "train on",
        (_, true) => "evaluate on",
        _ => return Ok(found),
    };
    let dropped_in_gap = found.dropped_in_gap;
    Err(SplitError::EmptySide { purpose, rows: id_hashes.len(), dropped_in_gap })
}

fn by_hash(test_share: f64, seed: u64, id_hashes: &[u64]) -> SplitRows {
    let is_test = |row: &usize| is_held_out(test_share, seed, id_hashes[*row]);
    let (test, train) = (0..id_hashes.len()).partition(is_test);
    SplitRows { train, test, dropped_in_gap: 0 }
}

/// On which side of a random split an id is, whatever rows are around it.
fn is_held_out(test_share: f64, seed: u64, id_hash: u64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates: a share of 1 or more takes every row, one below 0 none"
    )]
    let bound = (test_share * 2f64.powi(64)) as u64;
    place(seed, id_hash) < bound
}

/// Where an id stands between 0 and 2^64: the output function of `SplitMix64` (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", 2014) on the id mixed with the mixed seed.
pub(super) fn place(seed: u64, id_hash: u64) -> u64 {
    let mix = |value: u64| {
        let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    mix(mix(seed) ^ id_hash)
}

fn by_time(test: TestSize, gap_micros: i128, times: &[i64]) -> Result<SplitRows, SplitError> {
    let one_instant = SplitError::OneInstant { rows: times.len() };
    let (Some(oldest), Some(newest)) = (times.iter().min(), times.iter().max()) else {
        return Err(SplitError::EmptySide { purpose: "train on", rows: 0, dropped_in_gap: 0 });
    };
    if oldest == newest {
        return Err(one_instant);
    }
    let first_test = match test {
        TestSize::Span(span) => {
            let bound = i128::from(*newest) - span.as_micros();
            let within = times.iter().filter(|time| i128::from(**time) > bound);
            within.min().copied().unwrap_or(*newest)
        }
        TestSize::Share(share) => first_of_newest(share, times),
    };
    let mut out = SplitRows { train: Vec::new(), test: Vec::new(), dropped_in_gap: 0 };
    let gap_from = i128::from(first_test) - gap_micros.max(0);
    for (row, time) in times.iter().enumerate() {
        if *time >= first_test {
            out.test.push(row);
        } else if gap_micros > 0 && i128::from(*time) >= gap_from {
            out.dropped_in_gap += 1;
        } else {
            out.train.push(row);
        }
    }
    Ok(out)
}

/// The time from which on rows belong to the newest `share`, at least one row and never all of them.
///
/// Where the bound falls among rows of equal time, all of them are in the test, unless nothing were left
/// to train on: then the test begins at the next instant.
fn first_of_newest(share: f64, times: &[i64]) -> i64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the result is clamped"
    )]
    let wanted = ((share * sorted.len() as f64).round() as usize).clamp(1, sorted.len());
    let first = sorted[sorted.len() - wanted];
    let after_oldest = sorted.partition_point(|time| *time <= sorted[0]);
    first.max(sorted[after_oldest.min(sorted.len() - 1)])
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn days(days: &[i64]) -> Vec<i64> {
        days.iter().map(|day| day * DAY).collect()
    }

    #[track_caller]
    fn check_time(
        test: TestSize,
        gap_hours: i64,
        days_of_rows: &[i64],
        train: &[usize],
        out: &[usize],
    ) {
        let gap = SignedDuration::from_hours(gap_hours);
        let ids = vec![0; days_of_rows.len()];
        let found = split(&Split::Time { test, gap }, 7, &ids, Some(&days(days_of_rows))).unwrap();
        assert_eq!((found.train.as_slice(), found.test.as_slice()), (train, out));
        assert_eq!(found.dropped_in_gap, days_of_rows.len() - train.len() - out.len());
    }

    #[test]
    fn a_version_knows_which_rows_it_may_have_seen() {
        let ids: Vec<u64> = (0..1000).collect();
        let random = Split::Random { test: 0.2 };
        let sides = split(&random, 7, &ids, None).unwrap();
        let fitted = FittedRows::of(&random, 7, None);
        assert!(sides.train.iter().all(|row| fitted.may_hold(ids[*row], None)));
        assert!(!sides.test.iter().any(|row| fitted.may_hold(ids[*row], None)));
        let by_time = Split::Time { test: TestSize::Share(0.2), gap: SignedDuration::ZERO };
        let fitted = FittedRows::of(&by_time, 7, Some(&[10, 20, 15]));
        assert_eq!(fitted.span_micros, Some((10, 20)));
        assert!(fitted.may_hold(1, Some(20)) && fitted.may_hold(1, None));
        assert!(!fitted.may_hold(1, Some(21)) && !fitted.may_hold(1, Some(9)));
        // A row of a later time was not there yet, on whichever side its hash is.
        let both = FittedRows::of(&random, 7, Some(&[10, 20]));
        assert!(!both.may_hold(ids[sides.train[0]], Some(21)));
    }

    #[test]
    fn a_split_by_time_holds_out_the_newest_rows() {
        let fortnight = TestSize::Span(SignedDuration::from_hours(48));
        check_time(fortnight, 0, &[1, 2, 3, 4, 5], &[0, 1, 2], &[3, 4]);
        check_time(fortnight, 24, &[1, 2, 3, 4, 5], &[0, 1], &[3, 4]);
        check_time(fortnight, 1, &[1, 2, 3, 4, 5], &[0, 1, 2], &[3, 4]);
        check_time(TestSize::Share(0.4), 0, &[5, 4, 3, 2, 1], &[2, 3, 4], &[0, 1]);
        check_time(TestSize::Share(0.001), 0, &[1, 2], &[0], &[1]);
    }

    #[test]
    fn rows_of_one_instant_stay_together() {
        check_time(TestSize::Share(0.25), 0, &[1, 1, 2, 2, 2], &[0, 1], &[2, 3, 4]);
        check_time(TestSize::Share(0.9), 0, &[1, 1, 1, 1, 2], &[0, 1, 2, 3], &[4]);
    }

    #[test]
    fn a_random_split_follows_the_id_and_the_seed_alone() {
        let ids: Vec<u64> = (0..100_000).map(|id: u64| id.wrapping_mul(0x9e37_79b9)).collect();
        let half = Split::Random { test: 0.3 };
        let found = split(&half, 1, &ids, None).unwrap();
        let share = found.test.len() as f64 / ids.len() as f64;
        assert!((share - 0.3).abs() < 0.005, "{share}");

        let backwards: Vec<u64> = ids.iter().rev().copied().collect();
        let other = split(&half, 1, &backwards, None).unwrap();
        let mut tested: Vec<u64> = other.test.iter().map(|row| backwards[*row]).collect();
        tested.reverse();
        assert_eq!(tested, found.test.iter().map(|row| ids[*row]).collect::<Vec<_>>());

        let reseeded = split(&half, 2, &ids, None).unwrap();
        let both = reseeded.test.iter().filter(|row| found.test.binary_search(row).is_ok()).count();
        let expected = 0.3 * found.test.len() as f64;
        assert!((both as f64 - expected).abs() < 0.05 * expected, "{both}");
    }

    #[test]
    fn the_hash_never_changes() {
        let cases = [
            (7, 0, 0xb8b4_c297_7eab_ce45),
            (7, 1, 0x3d41_bf49_5cd3_075f),
            (0, 7, 0x64bf_61b5_12ff_abe7),
            (u64::MAX, u64::MAX, 0x6309_143e_67a4_7936),
        ];
        for (seed, id_hash, wanted) in cases {
            assert_eq!(place(seed, id_hash), wanted, "{seed} {id_hash}");
        }
    }

    #[test]
    fn impossible_splits_say_why() {
        let time = Split::Time { test: TestSize::Share(0.2), gap: SignedDuration::ZERO };
        let wide = Split::Time { test: TestSize::Share(0.2), gap: SignedDuration::from_hours(999) };
        assert_eq!(split(&time, 7, &[1], None), Err(SplitError::NoTimes));
        assert_eq!(
            split(&time, 7, &[1, 2], Some(&[5])),
            Err(SplitError::Ragged { rows: 2, times: 1 })
        );
        assert_eq!(
            split(&time, 7, &[1, 2], Some(&[5, 5])),
            Err(SplitError::OneInstant { rows: 2 })
        );
        assert_eq!(
            split(&wide, 7, &[1, 2, 3], Some(&days(&[1, 2, 3]))),
            Err(SplitError::EmptySide { purpose: "train on", rows: 3, dropped_in_gap: 2 })
        );
        assert_eq!(
            split(&Split::Random { test: 0.2 }, 7, &[], None),
            Err(SplitError::EmptySide { purpose: "train on", rows: 0, dropped_in_gap: 0 })
        );
    }
}
