//! `nulls_max`: few values of a column are missing.
//!
//! The share is taken over all rows that were read, those set aside included: it describes the
//! input and not what is left of it.

use super::CheckKind;
use super::evidence::share_of_rows;
use super::table::{ColumnFacts, Measured, Outcome};

pub(super) const KIND: CheckKind = CheckKind {
    id: "nulls_max",
    explain: "# nulls_max

The share of rows without a value in the column is at most this, from 0 (none) to 1 (all). A table
without rows has no such share and is not judged.

Use it where some nulls are normal and many mean that something upstream is broken. `nulls_max = 0`
is `not_null` without a list of rows.

The finding's value is the share of nulls; larger is worse.

```toml
[[check]]
column    = \"income\"
nulls_max = 0.2
then      = \"fail\"
```
",
};

/// Judges `nulls_max`.
pub(super) fn measure(name: &str, max: f64, column: ColumnFacts) -> Measured {
    if column.rows == 0 {
        let message = format!("column `{name}` has no rows that could be null");
        return Measured {
            outcome: Outcome::NotApplicable,
            value: None,
            limit: Some(max),
            message,
        };
    }
    let share = column.nulls as f64 / column.rows as f64;
    let found = share_of_rows(column.nulls, column.rows);
    let (outcome, message) = if share <= max {
        let message =
            format!("column `{name}` has {found} null, a share of at most {max} as wanted");
        (Outcome::Passed, message)
    } else {
        let message = format!("column `{name}` has {found} null, wanted a share of at most {max}");
        (Outcome::Failed, message)
    };
    Measured { outcome, value: Some(share), limit: Some(max), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_inclusive() {
        for (nulls, rows, max, wanted) in [
            (0, 10, 0.0, Outcome::Passed),
            (1, 10, 0.0, Outcome::Failed),
            (1, 10, 0.1, Outcome::Passed),
            (10, 10, 1.0, Outcome::Passed),
            (1, 1_000_000_000, 0.0, Outcome::Failed),
            (0, 0, 0.0, Outcome::NotApplicable),
        ] {
            let column = ColumnFacts { rows, nulls, mean: None };
            assert_eq!(
                measure("a", max, column).outcome,
                wanted,
                "{nulls} of {rows}, at most {max}"
            );
        }
    }
}
