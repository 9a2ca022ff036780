//! The rules of `[[check]]`: one expectation, about a column or about the table.
//!
//! What an expectation computes is not known here, only what it looks at.

use super::needs_time;
use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;

/// What an expectation looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Single values of a column.
    Row,
    /// A column as a whole.
    Column,
    /// The table as a whole.
    Table,
}

/// Every expectation by its key.
const EXPECTATIONS: &[(&str, Subject)] = &[
    ("not_null", Subject::Row),
    ("between", Subject::Row),
    ("in_set", Subject::Row),
    ("matches", Subject::Row),
    ("unique", Subject::Row),
    ("nulls_max", Subject::Column),
    ("mean_between", Subject::Column),
    ("rows_min", Subject::Table),
    ("rows_max", Subject::Table),
    ("fresh_within", Subject::Table),
];

/// Applies every rule to one `[[check]]`.
pub(super) fn apply(check: &Section, has_time: bool, faults: &mut Faults) {
    let given: Vec<_> = EXPECTATIONS.iter().filter(|(name, _)| check.has(name)).collect();
    let (name, subject) = match given[..] {
        [expectation] => *expectation,
        [] => {
            let names: Vec<String> =
                EXPECTATIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = "this `[[check]]` expects nothing".to_owned();
            let help = format!("add one of {}", names.join(", "));
            faults.add_with_help(check.start(), "check_expectation", message, help);
            return;
        }
        [(first, _), (second, _), ..] => {
            let message = format!("this `[[check]]` expects both `{first}` and `{second}`");
            let help = "write a `[[check]]` for each";
            faults.add_with_help(check.key_span(second), "check_expectation", message, help);
            return;
        }
    };
    if check.flag(name) == Some(false) {
        let message = format!("`check.{name}` wants `true`, found `false`");
        let help = "leave the `[[check]]` out";
        faults.add_with_help(check.span(name), "check_expectation", message, help);
    }
    if subject == Subject::Table && check.has("column") {
        let message = format!("`{name}` looks at the table as a whole, and has no `column`");
        let help = "leave `column` out";
        faults.add_with_help(check.key_span("column"), "check_column", message, help);
    }
    if subject != Subject::Table && !check.has("column") {
        let message = format!("`{name}` looks at a column, and there is no `column`");
        let help = "add `column = \"<name>\"`";
        faults.add_with_help(check.key_span(name), "check_column", message, help);
    }
    if subject != Subject::Row && check.text("then") == Some("quarantine") {
        let message =
            format!("`{name}` does not look at single rows, so that none can be set aside");
        let help = "write `then = \"fail\"` or `then = \"warn\"`";
        faults.add_with_help(check.span("then"), "check_quarantine", message, help);
    }
    if name == "fresh_within" && !has_time {
        needs_time("check.fresh_within", check.key_span(name), faults);
    }
}
