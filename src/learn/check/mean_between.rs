//! `mean_between`: the mean of a column lies within limits.
//!
//! The mean is taken from the table's profile; how it is computed, and from which values, is
//! decided there.

use super::CheckKind;
use super::evidence::number;
use super::table::{ColumnFacts, Measured, Outcome};

pub(super) const KIND: CheckKind = CheckKind {
    id: "mean_between",
    explain: "# mean_between

The mean of the column's finite numbers lies within two limits, both included. A table without rows
has no mean and is not judged; a column that has rows and no number among them fails.

Use it to notice a change of unit (cents for euros) that no single value gives away. For slow
changes use drift tests, which need no limits.

The finding's value is the mean; its limit is the one that was crossed.

```toml
[[check]]
column       = \"basket_eur\"
mean_between = [10, 200]
then         = \"warn\"
```
",
};

/// Judges `mean_between` for the limits `(min, max)`.
pub(super) fn measure(name: &str, (min, max): (f64, f64), column: ColumnFacts) -> Measured {
    let Some(mean) = column.mean else {
        let outcome = if column.rows == 0 { Outcome::NotApplicable } else { Outcome::Failed };
        let message = format!("column `{name}` has no numbers to take a mean of");
        return Measured { outcome, value: None, limit: None, message };
    };
    let shown = number(mean);
    let range = format!("between {} and {}", number(min), number(max));
    if min <= mean && mean <= max {
        let message = format!("column `{name}` has mean {shown}, {range} as wanted");
        return Measured { outcome: Outcome::Passed, value: Some(mean), limit: None, message };
    }
    let crossed = if mean < min { min } else { max };
    let message = format!("column `{name}` has mean {shown}, wanted {range}");
    Measured { outcome: Outcome::Failed, value: Some(mean), limit: Some(crossed), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossed_limit_is_told() {
        for (mean, wanted, limit) in [
            (Some(1.0), Outcome::Passed, None),
            (Some(2.0), Outcome::Passed, None),
            (Some(0.5), Outcome::Failed, Some(1.0)),
            (Some(2.5), Outcome::Failed, Some(2.0)),
            (Some(f64::NAN), Outcome::Failed, Some(2.0)),
            (None, Outcome::Failed, None),
        ] {
            let found = measure("a", (1.0, 2.0), ColumnFacts { rows: 3, nulls: 0, mean });
            assert_eq!((found.outcome, found.limit), (wanted, limit), "{mean:?}");
        }
    }
}
