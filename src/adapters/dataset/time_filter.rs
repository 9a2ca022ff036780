//! Which rows belong to an interval of time.
//!
//! An interval is half-open in absolute time, `[from, until)`. Columns with a time zone are compared as
//! they are. Naive columns and dates are read in the zone of the job: the bounds are brought into that
//! zone instead of the rows into UTC, in such a way that consecutive intervals hold every row exactly
//! once, also where a clock is set back or forth.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use polars::prelude::{AnyValue, DataType, Expr, LiteralValue, PlSmallStr, Scalar, TimeUnit, lit};

use super::error::DatasetError;
use super::iso;

/// Rows whose time is in `[from, until)`.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFilter {
    /// A date or datetime column.
    pub column: String,
    /// The zone that naive times and dates are in.
    pub zone: TimeZone,
    /// Inclusive; `None` is the beginning of time.
    pub from: Option<Timestamp>,
    /// Exclusive; `None` is the end of time.
    pub until: Option<Timestamp>,
}

impl TimeFilter {
    /// True for the rows of the interval and for those without a time, which are to be counted.
    pub(super) fn predicate(&self, dtype: &DataType) -> Result<Option<Expr>, DatasetError> {
        // A column without a value has no type of its own in a text file, and no row of it has a time.
        if *dtype == DataType::Null {
            return Ok(None);
        }
        if !matches!(dtype, DataType::Date | DataType::Datetime(..)) {
            let problem = format!("is {dtype}, but a time must be a date or a datetime");
            return Err(DatasetError::column(&self.column, problem));
        }
        let column = Expr::Column(PlSmallStr::from_str(&self.column));
        let from = self.from.map(|at| column.clone().gt_eq(self.bound(at, dtype)));
        let until = self.until.map(|at| column.clone().lt(self.bound(at, dtype)));
        let inside = match (from, until) {
            (Some(from), Some(until)) => from.and(until),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return Ok(None),
        };
        Ok(Some(column.is_null().or(inside)))
    }

    /// The smallest value of a column of type `dtype` that is not before `at`.
    fn bound(&self, at: Timestamp, dtype: &DataType) -> Expr {
        let value = match dtype {
            DataType::Datetime(unit, zone) => {
                let nanos = match zone {
                    Some(_) => at.as_nanosecond(),
                    None => naive_nanos(first_naive_at(at, &self.zone)),
                };
                AnyValue::DatetimeOwned(
                    ceiling(nanos, *unit),
                    *unit,
                    zone.clone().map(std::sync::Arc::new),
                )
            }
            _ => AnyValue::Date(iso::days_since_epoch(first_date_at(at, &self.zone))),
        };
        lit(LiteralValue::Scalar(Scalar::new(dtype.clone(), value)))
    }
}

/// The smallest naive time that is not before `at` in `zone`.
///
/// A naive time that occurs twice is taken for its first occurrence (RFC 5545), so from the moment a
/// clock is set back until the hour is over, nothing new begins.
fn first_naive_at(at: Timestamp, zone: &TimeZone) -> DateTime {
    let naive = zone.to_datetime(at);
    let just_after = at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at);
    let Some(change) = zone.preceding(just_after).next() else { return naive };
    let change_at = change.timestamp();
    let Ok(just_before) = change_at.checked_sub(SignedDuration::from_nanos(1)) else {
        return naive;
    };
    let end_of_fold = zone.to_offset(just_before).to_datetime(change_at);
    naive.max(end_of_fold)
}

/// The first date whose midnight (or first moment, where there is none) is not before `at`.
fn first_date_at(at: Timestamp, zone: &TimeZone) -> jiff::civil::Date {
    let date = zone.to_datetime(at).date();
    let starts_before = zone.to_zoned(date.to_datetime(jiff::civil::Time::midnight()));
    match starts_before {
        Ok(start) if start.timestamp() >= at => date,
        _ => date.tomorrow().unwrap_or(date),
    }
}

/// The moment of a naive time in `zone`, in microseconds since 1970 in UTC.
pub(super) fn naive_micros_to_utc(naive_micros: i64, zone: &TimeZone) -> Option<i64> {
    if *zone == TimeZone::UTC {
        return Some(naive_micros);
    }
    let naive = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(naive_micros).ok()?);
    zone.to_timestamp(naive).ok().map(Timestamp::as_microsecond)
}

/// Nanoseconds from 1970-01-01T00:00:00 to a naive time.
fn naive_nanos(naive: DateTime) -> i128 {
    let days = i128::from(iso::days_since_epoch(naive.date()));
    let time = naive.time();
    let seconds =
        (i128::from(time.hour()) * 60 + i128::from(time.minute())) * 60 + i128::from(time.second());
    (days * 86_400 + seconds) * 1_000_000_000 + i128::from(time.subsec_nanosecond())
}

/// `nanos` in `unit`, rounded up and kept within the range of the column.
fn ceiling(nanos: i128, unit: TimeUnit) -> i64 {
    let per_unit = match unit {
        TimeUnit::Nanoseconds => 1,
        TimeUnit::Microseconds => 1_000,
        TimeUnit::Milliseconds => 1_000_000,
    };
    let units = -(-nanos).div_euclid(per_unit);
    i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[track_caller]
    fn check_naive(moment: &str, zone_name: &str, expect: &str) {
        let found = first_naive_at(at(moment), &zone(zone_name));
        assert_eq!(found, expect.parse().unwrap(), "{moment} in {zone_name}");
    }

    #[test]
    fn bounds_are_brought_into_the_zone() {
        check_naive("2026-07-01T00:00:00Z", "UTC", "2026-07-01T00:00:00");
        check_naive("2026-07-01T00:00:00Z", "Europe/Berlin", "2026-07-01T02:00:00");
        // Set back at 01:00 UTC: 02:00 to 03:00 occurs twice and belongs to the first occurrence.
        check_naive("2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00");
        check_naive("2026-10-25T01:00:00Z", "Europe/Berlin", "2026-10-25T03:00:00");
        check_naive("2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25T03:00:00");
        check_naive("2026-10-25T02:30:00Z", "Europe/Berlin", "2026-10-25T03:30:00");
        // Set forth at 01:00 UTC: 02:00 to 03:00 does not occur.
        check_naive("2026-03-29T01:00:00Z", "Europe/Berlin", "2026-03-29T03:00:00");
    }

    #[test]
    fn consecutive_intervals_hold_every_naive_time_once() {
        let berlin = zone("Europe/Berlin");
        let step = SignedDuration::from_mins(10);
        let mut bound = at("2026-10-24T22:00:00Z");
        while bound < at("2026-10-25T06:00:00Z") {
            let next = bound + step;
            assert!(first_naive_at(bound, &berlin) <= first_naive_at(next, &berlin), "{bound}");
            bound = next;
        }
    }

    #[test]
    fn a_date_belongs_to_the_interval_that_holds_its_midnight() {
        let berlin = zone("Europe/Berlin");
        let first = |moment: &str| first_date_at(at(moment), &berlin).to_string();
        assert_eq!(first("2026-01-04T23:00:00Z"), "2026-01-05");
        assert_eq!(first("2026-01-04T23:00:01Z"), "2026-01-06");
        assert_eq!(first("2026-01-04T22:59:59Z"), "2026-01-05");
        // No midnight on this day: clocks went from 23:59:59 to 01:00.
        let beirut = zone("Asia/Beirut");
        let start = beirut.to_zoned("2022-03-27T00:00:00".parse::<DateTime>().unwrap()).unwrap();
        assert_eq!(first_date_at(start.timestamp(), &beirut).to_string(), "2022-03-27");
    }

    #[test]
    fn bounds_round_up_to_the_unit_of_the_column() {
        assert_eq!(ceiling(1, TimeUnit::Milliseconds), 1);
        assert_eq!(ceiling(1_000_000, TimeUnit::Milliseconds), 1);
        assert_eq!(ceiling(-1, TimeUnit::Milliseconds), 0);
        assert_eq!(ceiling(-1_000_001, TimeUnit::Milliseconds), -1);
        assert_eq!(ceiling(i128::from(i64::MAX) + 1, TimeUnit::Nanoseconds), i64::MAX);
    }

    #[test]
    fn a_naive_moment_has_one_place_in_time() {
        let berlin = zone("Europe/Berlin");
        let micros = |text: &str| at(text).as_microsecond();
        let naive = micros("2026-07-01T02:00:00Z");
        assert_eq!(naive_micros_to_utc(naive, &TimeZone::UTC), Some(naive));
        assert_eq!(naive_micros_to_utc(naive, &berlin), Some(micros("2026-07-01T00:00:00Z")));
        assert_eq!(naive_micros_to_utc(i64::MAX, &berlin), None);
    }

    #[test]
    fn a_column_that_is_no_time_is_refused() {
        let filter = TimeFilter {
            column: "when".into(),
            zone: TimeZone::UTC,
            from: None,
            until: Some(at("2026-01-01T00:00:00Z")),
        };
        let told = filter.predicate(&DataType::String).unwrap_err().to_string();
        assert!(told.starts_with("column `when` is str"), "{told}");
        assert!(filter.predicate(&DataType::Date).unwrap().is_some());
    }
}
