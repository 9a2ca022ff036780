//! The type of a column of a text format, from every value that it holds.
//!
//! Each value leaves some types possible; what is left at the end is the type. The value that last took
//! a type away is remembered, because it is the one that an error has to show.

use polars::prelude::{DataType, TimeUnit, TimeZone};

use crate::adapters::dataset::iso::{self, Instant};
use crate::domain::table::ColumnType;

/// Most characters of a value that an error shows.
const SHOWN_CHARS_MAX: usize = 40;

const BOOLEAN: u16 = 1;
const INTEGER: u16 = 1 << 1;
/// An integer that prints as it was written: no `007`, no `+7`, no `-0`.
const VERBATIM_INTEGER: u16 = 1 << 2;
const FLOAT: u16 = 1 << 3;
const DATE: u16 = 1 << 4;
const NAIVE: u16 = 1 << 5;
const ZONED: u16 = 1 << 6;
const TEXT: u16 = 1 << 7;
const NESTED: u16 = 1 << 8;
const NUMBER: u16 = BOOLEAN | INTEGER | FLOAT;
const INSTANT: u16 = DATE | NAIVE | ZONED;

/// What the values of a column seen so far allow.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// The possible types; meaningless while `narrowed` is `None`.
    possible: u16,
    /// The row and value that last made fewer types possible.
    narrowed: Option<(u64, String)>,
}

impl Evidence {
    /// Takes a value of an untyped format, which may always be text. Empty text says nothing.
    pub(super) fn observe_text(&mut self, row: u64, text: &str) {
        let known = if self.narrowed.is_none() { u16::MAX } else { self.possible };
        if !text.is_empty() && known != TEXT {
            self.narrow(row, types_of(text, known), || text.to_owned());
        }
    }

    /// Takes a value of a format that tells numbers, text and booleans apart.
    pub(super) fn observe_json(&mut self, row: u64, value: &serde_json::Value) {
        use serde_json::Value;
        let types = match value {
            Value::Null => return,
            Value::Bool(_) => BOOLEAN,
            Value::Number(number) if number.is_i64() => INTEGER | VERBATIM_INTEGER | FLOAT,
            Value::Number(_) => FLOAT,
            Value::String(text) => TEXT | instant_of(text),
            Value::Array(_) | Value::Object(_) => NESTED,
        };
        self.narrow(row, types, || value.to_string());
    }

    fn narrow(&mut self, row: u64, types: u16, shown: impl FnOnce() -> String) {
        let before = if self.narrowed.is_none() { u16::MAX } else { self.possible };
        let after = before & types;
        if after != before {
            self.possible = after;
            self.narrowed = Some((row, shown().chars().take(SHOWN_CHARS_MAX).collect()));
        }
    }

    /// Whether no value was seen.
    pub(super) fn is_empty(&self) -> bool {
        self.narrowed.is_none()
    }

    /// The row whose value last took a type away, counted from 1.
    pub(super) fn narrowed_at(&self) -> Option<u64> {
        self.narrowed.as_ref().map(|(row, _)| *row)
    }

    /// The narrowest type that holds every value; an error if nothing does.
    pub(super) fn natural_type(&self) -> Result<DataType, String> {
        if self.narrowed.is_none() {
            return Ok(DataType::Null);
        }
        let micros = TimeUnit::Microseconds;
        let candidates = [
            (BOOLEAN, DataType::Boolean),
            (INTEGER, DataType::Int64),
            (FLOAT, DataType::Float64),
            (DATE, DataType::Date),
            (NAIVE, DataType::Datetime(micros, None)),
            (ZONED, DataType::Datetime(micros, Some(TimeZone::UTC))),
            (TEXT, DataType::String),
            (NESTED, DataType::Struct(Vec::new())),
        ];
        candidates
            .into_iter()
            .find(|(bit, _)| self.possible & bit != 0)
            .map(|(_, dtype)| dtype)
            .ok_or_else(|| format!("wanted the type of the values before, found {}", self.shown()))
    }

    /// The type in which no value changes: an integer, else text where values can be text.
    pub(super) fn verbatim_type(&self) -> Result<DataType, String> {
        match self.possible {
            _ if self.narrowed.is_none() => Ok(DataType::String),
            possible if possible & VERBATIM_INTEGER != 0 => Ok(DataType::Int64),
            possible if possible & TEXT != 0 => Ok(DataType::String),
            _ => self.natural_type(),
        }
    }

    /// The type in which a column is read where `wanted` is expected, or what stands against it.
    pub(super) fn type_as(&self, wanted: ColumnType) -> Result<DataType, String> {
        let natural = self.natural_type()?;
        let fits = |types: u16| self.narrowed.is_none() || self.possible & types != 0;
        let (is_fit, dtype) = match wanted {
            ColumnType::Text => (fits(TEXT), DataType::String),
            ColumnType::Boolean | ColumnType::Integer | ColumnType::Float | ColumnType::Decimal => {
                (fits(NUMBER), natural)
            }
            ColumnType::Date | ColumnType::Datetime => (fits(INSTANT), natural),
            ColumnType::Time | ColumnType::Empty | ColumnType::Nested => (true, natural),
        };
        if is_fit { Ok(dtype) } else { Err(format!("wanted {wanted}, found {}", self.shown())) }
    }

    fn shown(&self) -> String {
        self.narrowed.as_ref().map_or_else(String::new, |(_, value)| format!("`{value}`"))
    }
}

/// The types that `text` can be, as far as they are in `known`.
fn types_of(text: &str, known: u16) -> u16 {
    let mut types = TEXT;
    if known & (INTEGER | FLOAT) != 0 {
        types |= number_of(text);
    }
    if known & BOOLEAN != 0
        && (text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"))
    {
        types |= BOOLEAN;
    }
    if known & INSTANT != 0 {
        types |= instant_of(text);
    }
    types
}

fn number_of(text: &str) -> u16 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_integer && let Ok(number) = text.parse::<i64>() {
        let has_zero = digits.len() > 1 && digits.starts_with('0');
        let is_verbatim = !has_zero && !text.starts_with('+') && (number != 0 || text == "0");
        return INTEGER | FLOAT | if is_verbatim { VERBATIM_INTEGER } else { 0 };
    }
    if text.parse::<f64>().is_ok() { FLOAT } else { 0 }
}

fn instant_of(text: &str) -> u16 {
    match iso::parse(text) {
        Some(Instant::Date(_)) => DATE | NAIVE,
        Some(Instant::Naive(_)) => NAIVE,
        Some(Instant::Zoned(_)) => ZONED,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(values: &[&str]) -> Evidence {
        let mut out = Evidence::default();
        for (row, value) in (1..).zip(values) {
            out.observe_text(row, value);
        }
        out
    }

    #[track_caller]
    fn check(values: &[&str], expect: &DataType) {
        assert_eq!(of(values).natural_type().as_ref(), Ok(expect), "{values:?}");
    }

    #[test]
    fn the_narrowest_type_that_holds_all_values() {
        let naive = DataType::Datetime(TimeUnit::Microseconds, None);
        let zoned = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        check(&[], &DataType::Null);
        check(&["", ""], &DataType::Null);
        check(&["true", "False"], &DataType::Boolean);
        check(&["1", "", "-7", "007"], &DataType::Int64);
        check(&["1", "2.5"], &DataType::Float64);
        check(&["9223372036854775808"], &DataType::Float64);
        check(&["1e3", "NaN", "-inf"], &DataType::Float64);
        check(&["2026-01-05"], &DataType::Date);
        check(&["2026-01-05", "2026-01-05T08:30"], &naive);
        check(&["2026-01-05T08:30Z"], &zoned);
        for text in [
            &["1", "x"][..],
            &["true", "1"],
            &["2026-01-05", "2026-01-05T08:30Z"],
            &["2026-01-05T08:30", "2026-01-05T08:30Z"],
            &["2026-01-05", "5"],
            &[" 1"],
            &["-"],
            &["+"],
            &["1,5"],
            &["NA"],
        ] {
            check(text, &DataType::String);
        }
    }

    #[test]
    fn an_id_is_never_rewritten() {
        for (values, expect) in [
            (&["1", "-20", "0"][..], DataType::Int64),
            (&["1", "01"], DataType::String),
            (&["+1"], DataType::String),
            (&["-0"], DataType::String),
            (&["1.5"], DataType::String),
            (&["2026-01-05"], DataType::String),
            (&["true"], DataType::String),
            (&["9223372036854775808"], DataType::String),
            (&[], DataType::String),
        ] {
            assert_eq!(of(values).verbatim_type(), Ok(expect), "{values:?}");
        }
    }

    #[test]
    fn a_pinned_type_is_kept_or_the_value_against_it_is_shown() {
        assert_eq!(of(&["12345", "99"]).type_as(ColumnType::Text), Ok(DataType::String));
        assert_eq!(of(&["3"]).type_as(ColumnType::Float), Ok(DataType::Int64));
        assert_eq!(of(&["3.5"]).type_as(ColumnType::Integer), Ok(DataType::Float64));
        assert_eq!(of(&[]).type_as(ColumnType::Float), Ok(DataType::Null));
        assert_eq!(of(&[]).type_as(ColumnType::Text), Ok(DataType::String));
        let found = of(&["3", "4", "many", "5"]);
        assert_eq!(found.type_as(ColumnType::Integer), Err("wanted integer, found `many`".into()));
        assert_eq!(found.narrowed_at(), Some(3));
        let found = of(&["3"]).type_as(ColumnType::Date);
        assert_eq!(found, Err("wanted date, found `3`".into()));
        let long = "x".repeat(1_000);
        let told = of(&[&long]).type_as(ColumnType::Float).unwrap_err();
        assert!(told.len() < 80, "{told}");
    }

    #[test]
    fn json_values_keep_their_types() {
        let mut found = Evidence::default();
        found.observe_json(1, &json!(null));
        found.observe_json(2, &json!("5"));
        assert_eq!(found.natural_type(), Ok(DataType::String));
        found.observe_json(3, &json!(6));
        let told = found.natural_type().unwrap_err();
        assert_eq!(told, "wanted the type of the values before, found `6`");
        assert_eq!(found.narrowed_at(), Some(3));

        let mut found = Evidence::default();
        found.observe_json(1, &json!(1));
        assert_eq!(found.natural_type(), Ok(DataType::Int64));
        assert!(found.type_as(ColumnType::Text).is_err());
        found.observe_json(2, &json!(1.5));
        assert_eq!(found.natural_type(), Ok(DataType::Float64));

        let mut found = Evidence::default();
        found.observe_json(1, &json!([1, 2]));
        assert_eq!(found.natural_type(), Ok(DataType::Struct(Vec::new())));
    }
}
