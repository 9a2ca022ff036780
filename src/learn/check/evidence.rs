//! What a finding of a check says: counts, shares, numbers and examples, each in one form.
//!
//! Examples come from the user's data: they are escaped and cut, so that a message stays one line
//! and a value cannot pretend to be part of it.

use crate::domain::finding::FindingVerdict;
use crate::domain::frame::Cells;
use crate::domain::job::CheckAction;

/// How many examples a finding holds.
const EXAMPLES_MAX: usize = 3;
/// Longest example, in characters.
const EXAMPLE_CHARS_MAX: usize = 40;

/// The first few different values that failed a check.
#[derive(Debug, Clone, Default)]
pub(super) struct Examples {
    shown: Vec<String>,
}

impl Examples {
    /// Adds the values of `rows`, until there are enough.
    pub(super) fn add(&mut self, cells: &Cells<'_>, rows: &[usize]) {
        for row in rows {
            if self.shown.len() >= EXAMPLES_MAX {
                return;
            }
            let Some(value) = shown(cells, *row) else { continue };
            if !self.shown.contains(&value) {
                self.shown.push(value);
            }
        }
    }

    /// `` , found `-3`, `NaN` ``, or nothing.
    pub(super) fn clause(&self) -> String {
        if self.shown.is_empty() {
            return String::new();
        }
        format!(", found {}", self.shown.join(", "))
    }
}

/// The value of `row` in backticks, or nothing for a null.
fn shown(cells: &Cells<'_>, row: usize) -> Option<String> {
    match cells {
        Cells::Number(numbers) => numbers.value(row).map(|value| format!("`{}`", number(value))),
        Cells::Text(values) => values.value(row).map(quoted),
    }
}

/// `text` in backticks: control characters and quotes escaped, cut where it is too long.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for (place, char) in text.chars().enumerate() {
        match char {
            _ if place == EXAMPLE_CHARS_MAX => {
                out.push_str("...");
                break;
            }
            '`' => out.push('\''),
            '"' | '\'' => out.push(char),
            other => out.extend(other.escape_debug()),
        }
    }
    out.push('`');
    out
}

/// A number as text: short for very large and very small ones.
pub(super) fn number(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    if is_plain || !value.is_finite() { format!("{value}") } else { format!("{value:e}") }
}

/// `12 of 4000 rows (0.30 %)`.
pub(super) fn share_of_rows(failed: u64, rows: u64) -> String {
    let percent = if rows == 0 { 0.0 } else { 100.0 * failed as f64 / rows as f64 };
    format!("{failed} of {rows} rows ({percent:.2} %)")
}

/// What a failed check means for the finding: a row that is set aside is told, not fatal.
pub(super) fn verdict_of(action: CheckAction) -> FindingVerdict {
    match action {
        CheckAction::Fail => FindingVerdict::Fail,
        CheckAction::Warn | CheckAction::Quarantine => FindingVerdict::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    #[test]
    fn examples_are_few_different_and_short() {
        let long = "x".repeat(1_000);
        let cells = Cells::text(vec![
            Some("a\nb"),
            None,
            Some("a\nb"),
            Some(&long),
            Some("c`d"),
            Some("never shown"),
        ]);
        let mut examples = Examples::default();
        assert_eq!(examples.clause(), "");
        examples.add(&cells, &[0, 1, 2]);
        examples.add(&cells, &[3, 4, 5]);
        let long = "x".repeat(40);
        assert_eq!(examples.clause(), format!(", found `a\\nb`, `{long}...`, `c'd`"));
    }

    #[test]
    fn numbers_are_short() {
        let values = vec![f64::NAN, f64::NEG_INFINITY, f64::MAX, -0.25, 5e-324, 3.0];
        let cells = Cells::Number(Numbers { values: values.into(), nulls: Vec::new() });
        let found: Vec<String> = (0..6).filter_map(|row| shown(&cells, row)).collect();
        let wanted = ["`NaN`", "`-inf`", "`1.7976931348623157e308`", "`-0.25`", "`5e-324`", "`3`"];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_share_of_no_rows_is_none() {
        assert_eq!(share_of_rows(0, 0), "0 of 0 rows (0.00 %)");
        assert_eq!(share_of_rows(12, 4_000), "12 of 4000 rows (0.30 %)");
    }
}
