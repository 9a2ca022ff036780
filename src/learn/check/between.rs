//! `between`: every number lies within limits.
//!
//! Invariant: what cannot be shown to lie within the limits fails, so NaN does. Means and other
//! properties of the whole column are not judged here.

use super::CheckKind;
use super::evidence::number;
use super::row::{Obstacle, RowTest};
use crate::domain::frame::Cells;

/// See [`KIND`]. Both limits are inclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between {
    pub(super) min: f64,
    pub(super) max: f64,
}

pub(super) const KIND: CheckKind = CheckKind {
    id: "between",
    explain: "# between

Every number of the column lies within two limits, both included. Nulls pass; NaN fails, and so does
an infinity beyond a finite limit.

Use it for what a value can be at all (an age, a share, a price), not for what is usual: a change of
what is usual is drift. On a column of text the check cannot be judged and fails.

The finding's value is the number of rows that fail; the limit is 0.

```toml
[[check]]
column  = \"age\"
between = [0, 120]
then    = \"quarantine\"
```
",
};

impl Between {
    /// Written so that NaN is outside.
    fn contains(&self, value: f64) -> bool {
        self.min <= value && value <= self.max
    }
}

impl RowTest for Between {
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle> {
        let numbers = match cells {
            Cells::Number(numbers) => numbers,
            // A column without any value has no type of its own.
            Cells::Text(values) if values.is_all_null() => return Ok(Vec::new()),
            Cells::Text(_) => return Err(Obstacle::NotNumbers),
        };
        let outside =
            numbers.values.iter().enumerate().filter(|(_, value)| !self.contains(**value));
        let is_null = |row: usize| numbers.nulls.get(row).copied().unwrap_or(false);
        Ok(outside.map(|(row, _)| row).filter(|row| !is_null(*row)).collect())
    }

    fn complaint(&self) -> String {
        format!("is not between {} and {}", number(self.min), number(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    #[track_caller]
    fn check(limits: (f64, f64), values: &[f64], nulls: &[bool], wanted: &[usize]) {
        let numbers = Numbers { values: values.into(), nulls: nulls.to_vec() };
        let mut test = Between { min: limits.0, max: limits.1 };
        assert_eq!(test.failures(&Cells::Number(numbers)).unwrap(), wanted);
    }

    #[test]
    fn limits_are_inclusive_and_nan_is_outside() {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        check((0.0, 1.0), &[0.0, 1.0, -0.0, 1.5, -1e-300], &[], &[3, 4]);
        check((0.0, 1.0), &[f64::NAN, f64::INFINITY, 0.5], &[], &[0, 1]);
        check((0.0, 1.0), &[f64::NAN, f64::NAN], &[true, false], &[1]);
        check(all, &[f64::NEG_INFINITY, f64::NAN, f64::MAX], &[], &[1]);
        check((2.0, 2.0), &[2.0, 2.0 + f64::EPSILON * 2.0], &[], &[1]);
        check((0.0, 1.0), &[], &[], &[]);
    }

    #[test]
    fn text_is_not_compared() {
        let mut test = Between { min: 0.0, max: 1.0 };
        assert_eq!(test.failures(&Cells::text(vec![None, None])), Ok(vec![]));
        let found = test.failures(&Cells::text(vec![None, Some("0.5")]));
        assert_eq!(found, Err(Obstacle::NotNumbers));
    }
}
