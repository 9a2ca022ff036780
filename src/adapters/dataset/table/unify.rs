//! One type for the values of two files, or none where they disagree.
//!
//! Follows [`ColumnType::union`](crate::domain::table::ColumnType::union), with the widths and units
//! that a file needs: integers meet in `i64`, everything else numeric in `f64`, times in microseconds.

use polars::prelude::{DataType, TimeUnit, TimeZone};

use crate::adapters::dataset::probe::column_type;
use crate::domain::table::ColumnType;

/// The type that a column of a file is read as: categories become text.
pub(super) fn read_type(dtype: &DataType) -> DataType {
    match dtype {
        DataType::Categorical(..) | DataType::Enum(..) => DataType::String,
        other => other.clone(),
    }
}

/// The type that holds the values of both.
pub(super) fn unify(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Date, Datetime, Duration, Null};
    if a == b {
        return Some(a.clone());
    }
    match (a, b) {
        (Null, known) | (known, Null) => return Some(known.clone()),
        (Datetime(a_unit, a_zone), Datetime(b_unit, b_zone)) => {
            let unit = if a_unit == b_unit { *a_unit } else { TimeUnit::Microseconds };
            return match (a_zone, b_zone) {
                (None, None) => Some(Datetime(unit, None)),
                (Some(_), Some(_)) => Some(Datetime(unit, Some(TimeZone::UTC))),
                _ => None,
            };
        }
        (Date, Datetime(_, None)) | (Datetime(_, None), Date) => {
            return Some(Datetime(TimeUnit::Microseconds, None));
        }
        (Duration(_), Duration(_)) => return Some(Duration(TimeUnit::Microseconds)),
        _ => {}
    }
    match column_type(a).union(column_type(b))? {
        ColumnType::Boolean => Some(DataType::Boolean),
        ColumnType::Integer => Some(DataType::Int64),
        ColumnType::Float | ColumnType::Decimal => Some(DataType::Float64),
        ColumnType::Text => Some(DataType::String),
        ColumnType::Date
        | ColumnType::Datetime
        | ColumnType::Time
        | ColumnType::Empty
        | ColumnType::Nested => None,
    }
}

/// How an error calls a type.
pub(super) fn shown(dtype: &DataType) -> String {
    match dtype {
        DataType::Datetime(_, Some(_)) => "datetime with a zone".to_owned(),
        DataType::Datetime(_, None) => "datetime without a zone".to_owned(),
        DataType::Time => "time of day".to_owned(),
        DataType::Duration(_) => "span of time".to_owned(),
        other => column_type(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &DataType, b: &DataType, expect: Option<&DataType>) {
        assert_eq!(unify(a, b).as_ref(), expect, "{a} {b}");
        assert_eq!(unify(b, a).as_ref(), expect, "{b} {a}");
    }

    #[test]
    fn two_types_meet_in_one_that_holds_both() {
        let naive = |unit| DataType::Datetime(unit, None);
        let zoned = |unit, name: &'static str| {
            DataType::Datetime(unit, TimeZone::opt_try_new(Some(name)).unwrap())
        };
        let (ms, us, ns) = (TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds);
        check(&DataType::Int32, &DataType::Int32, Some(&DataType::Int32));
        check(&DataType::Int32, &DataType::UInt64, Some(&DataType::Int64));
        check(&DataType::Boolean, &DataType::Int8, Some(&DataType::Int64));
        check(&DataType::Float32, &DataType::Int64, Some(&DataType::Float64));
        check(&DataType::Decimal(10, 2), &DataType::Decimal(12, 2), Some(&DataType::Float64));
        check(&DataType::Null, &DataType::String, Some(&DataType::String));
        check(&DataType::Date, &naive(ms), Some(&naive(us)));
        check(&naive(ms), &naive(ns), Some(&naive(us)));
        check(&zoned(ms, "UTC"), &zoned(ms, "Asia/Tokyo"), Some(&zoned(ms, "UTC")));
        check(&naive(us), &zoned(us, "UTC"), None);
        check(&DataType::Date, &zoned(us, "UTC"), None);
        check(&DataType::String, &DataType::Int64, None);
        check(&DataType::Time, &DataType::Duration(us), None);
        check(&DataType::Boolean, &DataType::String, None);
    }
}
