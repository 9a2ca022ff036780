//! `rows_min` and `rows_max`: the table has as many rows as expected.
//!
//! All rows that were read count, those set aside included: the two describe a delivery and not
//! what is left of it.

use super::CheckKind;
use super::table::{Measured, Outcome};

pub(super) const MIN: CheckKind = CheckKind {
    id: "rows_min",
    explain: "# rows_min

The table of a run has at least so many rows. A table with no row at all fails as `input_empty`,
unless the job says `rows_min = 0`: then the tick is committed with an empty output.

Use it to notice a delivery that is missing or incomplete. The finding's value is the number of rows
that were read, those set aside included.

```toml
[[check]]
rows_min = 1000
then     = \"fail\"
```
",
};

pub(super) const MAX: CheckKind = CheckKind {
    id: "rows_max",
    explain: "# rows_max

The table of a run has at most so many rows.

Use it to notice a delivery that came twice, or a path that matches more files than it should. The
finding's value is the number of rows that were read, those set aside included.

```toml
[[check]]
rows_max = 2000000
then     = \"warn\"
```
",
};

/// Judges `rows_min`.
pub(super) fn at_least(min: u64, rows: u64) -> Measured {
    measured(rows, min, rows >= min, "at least")
}

/// Judges `rows_max`.
pub(super) fn at_most(max: u64, rows: u64) -> Measured {
    measured(rows, max, rows <= max, "at most")
}

fn measured(rows: u64, limit: u64, has_passed: bool, relation: &str) -> Measured {
    let noun = if rows == 1 { "row" } else { "rows" };
    let (outcome, message) = if has_passed {
        (Outcome::Passed, format!("the table has {rows} {noun}, {relation} {limit} as wanted"))
    } else {
        (Outcome::Failed, format!("the table has {rows} {noun}, wanted {relation} {limit}"))
    };
    Measured { outcome, value: Some(rows as f64), limit: Some(limit as f64), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_inclusive() {
        for (rows, limit, is_enough, is_few) in [
            (0, 0, true, true),
            (0, 1, false, true),
            (2, 1, true, false),
            (u64::MAX, u64::MAX, true, true),
            (u64::MAX - 1, u64::MAX, false, true),
        ] {
            assert_eq!(
                at_least(limit, rows).outcome == Outcome::Passed,
                is_enough,
                "{rows} {limit}"
            );
            assert_eq!(at_most(limit, rows).outcome == Outcome::Passed, is_few, "{rows} {limit}");
        }
    }
}
