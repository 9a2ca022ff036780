//! `in_set`: every value is one of a list.
//!
//! The list is text, as it stands in the job file; it is turned into numbers once, so that a column
//! of numbers is compared without printing each of them.

use std::collections::BTreeSet;

use super::CheckKind;
use super::evidence::quoted;
use super::row::{Obstacle, RowTest};
use crate::domain::frame::Cells;

/// How many values a message names.
const NAMED_MAX: usize = 5;

/// See [`KIND`].
#[derive(Debug, Clone)]
pub(super) struct InSet {
    /// In the order of the job file.
    values: Vec<String>,
    texts: BTreeSet<String>,
    /// The values that are numbers, sorted by [`f64::total_cmp`], without a negative zero.
    numbers: Vec<f64>,
}

pub(super) const KIND: CheckKind = CheckKind {
    id: "in_set",
    explain: "# in_set

Every value of the column is one of the values in a list. Nulls pass. Texts are compared exactly,
with their case and blanks; a number is compared as a number, so that `\"1\"` and `\"1.0\"` both
admit 1; `\"true\"` and `\"false\"` admit the values of a boolean column.

Use it for codes and categories that other systems rely on. A category that is merely new to the
model is no failure: the model has a place for it, and drift tells.

The finding's value is the number of rows that fail; the limit is 0.

```toml
[[check]]
column = \"contract\"
in_set = [\"monthly\", \"yearly\"]
then   = \"quarantine\"
```
",
};

impl InSet {
    pub(super) fn new(values: &[String]) -> Self {
        let mut numbers: Vec<f64> = values.iter().filter_map(|value| as_number(value)).collect();
        numbers.sort_by(f64::total_cmp);
        Self { values: values.to_vec(), texts: values.iter().cloned().collect(), numbers }
    }

    fn has_number(&self, value: f64) -> bool {
        let value = comparable(value);
        self.numbers.binary_search_by(|known| known.total_cmp(&value)).is_ok()
    }
}

impl RowTest for InSet {
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle> {
        let mut out = Vec::new();
        match cells {
            Cells::Number(numbers) => {
                for (row, value) in numbers.values.iter().enumerate() {
                    if !self.has_number(*value) && numbers.value(row).is_some() {
                        out.push(row);
                    }
                }
            }
            Cells::Text(values) => {
                for (row, value) in values.iter().enumerate() {
                    if value.is_some_and(|value| !self.texts.contains(value)) {
                        out.push(row);
                    }
                }
            }
        }
        Ok(out)
    }

    fn complaint(&self) -> String {
        let named: Vec<String> =
            self.values.iter().take(NAMED_MAX).map(|value| quoted(value)).collect();
        let rest = self.values.len().saturating_sub(NAMED_MAX);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("is none of {}{rest}", named.join(", "))
    }
}

/// The number that a value of the list stands for; booleans are 0 and 1 in a frame.
fn as_number(text: &str) -> Option<f64> {
    match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => text.parse().ok().map(comparable),
    }
}

/// One bit pattern for each number: no negative zero, one NaN.
fn comparable(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    fn set(values: &[&str]) -> InSet {
        InSet::new(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check_numbers(values: &[&str], numbers: &[f64], nulls: &[bool], wanted: &[usize]) {
        let numbers = Numbers { values: numbers.into(), nulls: nulls.to_vec() };
        assert_eq!(set(values).failures(&Cells::Number(numbers)).unwrap(), wanted, "{values:?}");
    }

    #[test]
    fn texts_are_compared_exactly() {
        let cells = Cells::text(vec![Some("a"), None, Some("A"), Some("a "), Some(""), Some("b")]);
        assert_eq!(set(&["a", "b"]).failures(&cells).unwrap(), [2, 3, 4]);
        assert_eq!(set(&[]).failures(&cells).unwrap(), [0, 2, 3, 4, 5]);
        let digits = Cells::text(vec![Some("1"), Some("1.0"), Some("01")]);
        assert_eq!(set(&["1"]).failures(&digits).unwrap(), [1, 2]);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        check_numbers(&["1", "2.50", "x"], &[1.0, 2.5, 3.0, f64::NAN], &[], &[2, 3]);
        check_numbers(&["1"], &[f64::NAN, 1.0], &[true, false], &[]);
        check_numbers(&["0"], &[-0.0, 0.0], &[], &[]);
        check_numbers(&["NaN", "-inf"], &[-f64::NAN, f64::NEG_INFINITY, f64::INFINITY], &[], &[2]);
        check_numbers(&["true"], &[1.0, 0.0], &[], &[1]);
    }

    #[test]
    fn a_long_list_is_named_in_part() {
        let found = set(&["a", "b", "c", "d", "e", "f", "g"]).complaint();
        assert_eq!(found, "is none of `a`, `b`, `c`, `d`, `e` and 2 more");
    }
}
