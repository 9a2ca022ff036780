//! Columns to values and back.
//!
//! A value that no version of nightshift can have written is an error that names its column: the
//! database is damaged, and guessing would hide it.

use std::fmt::Display;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::error::UnreadableColumn;

/// UTC in RFC 3339 with six digits of a second: 27 characters for every year from 0 to 9999, so that the
/// order of texts is the order of times.
pub(super) fn time_text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// The text of an optional time.
pub(super) fn optional_time_text(at: Option<Timestamp>) -> Option<String> {
    at.map(time_text)
}

/// A count as `SQLite` holds it. Counts beyond 2^63 - 1 do not occur and would be held as that.
pub(super) fn count_value(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a required text column by `parse`.
pub(super) fn text<T>(
    row: &SqliteRow,
    column: &'static str,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let found: &str = row.try_get(column)?;
    parse(found).ok_or_else(|| unreadable(column, found, wanted))
}

/// Reads a text column that may be null.
pub(super) fn optional_text<T>(
    row: &SqliteRow,
    column: &'static str,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, sqlx::Error> {
    let found: Option<&str> = row.try_get(column)?;
    found.map(|found| parse(found).ok_or_else(|| unreadable(column, found, wanted))).transpose()
}

/// Reads a time.
pub(super) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, sqlx::Error> {
    text(row, column, "UTC time", |found| found.parse().ok())
}

/// Reads a time that may be null.
pub(super) fn optional_time(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<Timestamp>, sqlx::Error> {
    optional_text(row, column, "UTC time", |found| found.parse().ok())
}

/// Reads a number of any unsigned type.
pub(super) fn number<T: TryFrom<i64>>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<T, sqlx::Error> {
    let found: i64 = row.try_get(column)?;
    T::try_from(found).map_err(|_| unreadable(column, found, "number in range"))
}

/// Reads a number that may be null.
pub(super) fn optional_number<T: TryFrom<i64>>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, sqlx::Error> {
    let found: Option<i64> = row.try_get(column)?;
    found
        .map(|found| T::try_from(found).map_err(|_| unreadable(column, found, "number in range")))
        .transpose()
}

/// The error for a value that cannot be what it should be.
pub(super) fn unreadable(
    column: &'static str,
    found: impl Display,
    wanted: &'static str,
) -> sqlx::Error {
    let found = found.to_string().chars().take(80).collect();
    let source = Box::new(UnreadableColumn { column: column.to_owned(), found, wanted });
    sqlx::Error::ColumnDecode { index: column.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_width_and_read_back() {
        for (seconds, nanoseconds, expect) in [
            (1_767_580_200, 0, "2026-01-05T02:30:00.000000Z"),
            (1_767_580_200, 123_456_789, "2026-01-05T02:30:00.123456Z"),
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (253_402_207_200, 0, "9999-12-30T22:00:00.000000Z"),
        ] {
            let at = Timestamp::new(seconds, nanoseconds).unwrap();
            assert_eq!(time_text(at), expect);
            let back: Timestamp = expect.parse().unwrap();
            assert_eq!(back.as_microsecond(), at.as_microsecond());
        }
    }
}
