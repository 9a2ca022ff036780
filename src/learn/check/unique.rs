//! `unique`: no value occurs twice within a run.
//!
//! Of equal values the first passes and every other fails, so the batches have to come in order.
//!
//! Memory: what was seen is kept until the run ends, 9 bytes a slot for numbers and 17 for texts,
//! in tables that are 7/16 to 7/8 full: 10 to 21 bytes for each different number and 19 to 39 for
//! each different text, whatever its length, and half as much again for the moment in which a table
//! grows. Texts are kept as the first 128 bits of their BLAKE3 hash: among 10^9 texts, two that
//! differ are taken for equal with a probability below 2·10^-21, and none can be made up to be.

use std::collections::HashSet;

use super::CheckKind;
use super::row::{Obstacle, RowTest};
use crate::domain::frame::Cells;

/// Beyond it, neighbouring whole numbers are the same f64.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// See [`KIND`]. The sets are only asked what they hold, never listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Unique {
    /// Bit patterns, without a negative zero and with one NaN.
    numbers: HashSet<u64>,
    texts: HashSet<[u8; 16]>,
}

pub(super) const KIND: CheckKind = CheckKind {
    id: "unique",
    explain: "# unique

No value of the column occurs twice within a run. Of equal values the first passes and all others
fail. Nulls pass; NaN equals NaN.

The column named by `data.id` is always checked, without asking. Use `unique` for other keys.

It is the one check that needs memory for every row: up to 39 bytes for each different value. Whole
numbers beyond 2^53 are not told apart; where two of them look equal, the check cannot be judged and
fails.

The finding's value is the number of rows that fail; the limit is 0.

```toml
[[check]]
column = \"invoice\"
unique = true
then   = \"fail\"
```
",
};

impl RowTest for Unique {
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle> {
        let mut out = Vec::new();
        match cells {
            Cells::Number(numbers) => {
                for row in 0..numbers.values.len() {
                    let Some(value) = numbers.value(row) else { continue };
                    if !self.numbers.insert(pattern(value)) {
                        if value.is_finite() && value.abs() >= EXACT_INTEGER_MAX {
                            return Err(Obstacle::IntegersTooLarge);
                        }
                        out.push(row);
                    }
                }
            }
            Cells::Text(values) => {
                for (row, value) in values.iter().enumerate() {
                    if value.is_some_and(|value| !self.texts.insert(digest(value))) {
                        out.push(row);
                    }
                }
            }
        }
        Ok(out)
    }

    fn complaint(&self) -> String {
        "repeats an earlier value".to_owned()
    }
}

/// The bits of a number, the same for numbers that are equal.
fn pattern(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// The first 128 bits of the hash of a text.
fn digest(text: &str) -> [u8; 16] {
    let hash = blake3::hash(text.as_bytes());
    let mut out = [0; 16];
    out.copy_from_slice(&hash.as_bytes()[..16]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    fn numbers(values: &[f64]) -> Cells<'_> {
        Cells::Number(Numbers { values: values.into(), nulls: Vec::new() })
    }

    #[test]
    fn all_but_the_first_fail_across_batches() {
        let mut test = Unique::default();
        let first = Cells::text(vec![Some("a"), None, Some("b"), Some("a"), None]);
        assert_eq!(test.failures(&first).unwrap(), [3]);
        let second = Cells::text(vec![Some("c"), Some("b"), Some(""), Some("")]);
        assert_eq!(test.failures(&second).unwrap(), [1, 3]);
    }

    #[test]
    fn equal_numbers_are_equal_in_every_bit_pattern() {
        let mut test = Unique::default();
        let values = [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0];
        assert_eq!(test.failures(&numbers(&values)).unwrap(), [1, 3]);
        assert_eq!(test.failures(&numbers(&[1.0, 2.0, f64::INFINITY])).unwrap(), [0, 2]);
        let null = Numbers { values: vec![f64::NAN].into(), nulls: vec![true] };
        assert_eq!(test.failures(&Cells::Number(null)).unwrap(), [0; 0]);
    }

    #[test]
    fn large_integers_are_not_called_equal() {
        let mut test = Unique::default();
        assert_eq!(test.failures(&numbers(&[9e15, 9e15 + 1.0, 1e300])).unwrap(), [0; 0]);
        let found = test.failures(&numbers(&[EXACT_INTEGER_MAX, EXACT_INTEGER_MAX + 1.0]));
        assert_eq!(found, Err(Obstacle::IntegersTooLarge));
    }
}
