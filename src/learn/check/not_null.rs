//! `not_null`: every value is there.
//!
//! Only nulls fail. NaN and the empty text are values, and whether they make sense is for other
//! checks to say.

use super::CheckKind;
use super::row::{Obstacle, RowTest};
use crate::domain::frame::Cells;

/// See [`KIND`].
#[derive(Debug, Clone, Copy)]
pub(super) struct NotNull;

pub(super) const KIND: CheckKind = CheckKind {
    id: "not_null",
    explain: "# not_null

Every value of the column is there. A row whose value is null fails.

NaN is a value: use `between` to refuse it. An empty text is a value too: use `matches = \".+\"`.

Use it for columns without which a score means nothing. Where some nulls are normal, use
`nulls_max`.

The finding's value is the number of rows that fail; the limit is 0.

```toml
[[check]]
column   = \"customer\"
not_null = true
then     = \"quarantine\"
```
",
};

impl RowTest for NotNull {
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle> {
        Ok(match cells {
            Cells::Number(numbers) => places(numbers.nulls.iter().copied()),
            Cells::Text(values) => places(values.iter().map(|value| value.is_none())),
        })
    }

    fn complaint(&self) -> String {
        "is null".to_owned()
    }
}

/// The places of the flags that are set.
fn places(flags: impl Iterator<Item = bool>) -> Vec<usize> {
    flags.enumerate().filter(|(_, is_set)| *is_set).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    #[test]
    fn only_nulls_fail() {
        let numbers = |nulls: Vec<bool>| {
            Cells::Number(Numbers { values: vec![f64::NAN, f64::NAN, 0.0].into(), nulls })
        };
        let check = |cells: Cells<'_>, wanted: &[usize]| {
            assert_eq!(NotNull.failures(&cells).unwrap(), wanted);
        };
        check(numbers(vec![]), &[]);
        check(numbers(vec![false, true, false]), &[1]);
        check(Cells::text(vec![Some(""), None, Some("a"), None]), &[1, 3]);
        check(Cells::text(vec![]), &[]);
    }
}
