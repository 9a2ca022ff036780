//! `matches`: every value has a form, given as a regular expression.
//!
//! The pattern comes from a job file, so its compiled size has a limit; matching takes time linear
//! in the text whatever the pattern is.

use std::fmt::Write as _;

use regex::{Error, Regex, RegexBuilder};

use super::CheckKind;
use super::evidence::quoted;
use super::row::{Obstacle, RowTest};
use crate::domain::frame::Cells;

/// Largest compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// See [`KIND`].
#[derive(Debug, Clone)]
pub(super) struct Matches {
    pattern: String,
    whole: Regex,
}

pub(super) const KIND: CheckKind = CheckKind {
    id: "matches",
    explain: "# matches

Every value of the column has the form that a regular expression describes, from its first character
to its last. Nulls pass. A number is matched as it prints: 7 is `7`, not `7.0`.

The syntax is that of the Rust crate `regex`: no look-around, no back-references, and no pattern
that takes more than linear time.

Use it for identifiers, codes and dates in text.

The finding's value is the number of rows that fail; the limit is 0.

```toml
[[check]]
column  = \"iban\"
matches = '[A-Z]{2}\\d{2}[A-Z0-9]{11,30}'
then    = \"warn\"
```
",
};

impl Matches {
    pub(super) fn new(pattern: &str) -> Result<Self, Error> {
        // By itself first: `a)(b` would be balanced by the group around it.
        compile(pattern)?;
        // A comment at the end of a verbose pattern would hide the group's end; a line break ends
        // it.
        let whole = compile(&format!(r"\A(?:{pattern})\z"))
            .or_else(|_| compile(&format!("\\A(?:{pattern}\n)\\z")))?;
        Ok(Self { pattern: pattern.to_owned(), whole })
    }
}

fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build()
}

impl RowTest for Matches {
    fn failures(&mut self, cells: &Cells<'_>) -> Result<Vec<usize>, Obstacle> {
        let mut out = Vec::new();
        match cells {
            Cells::Number(numbers) => {
                let mut printed = String::new();
                for row in 0..numbers.values.len() {
                    let Some(value) = numbers.value(row) else { continue };
                    printed.clear();
                    let is_printed = write!(printed, "{value}").is_ok();
                    if !is_printed || !self.whole.is_match(&printed) {
                        out.push(row);
                    }
                }
            }
            Cells::Text(values) => {
                for (row, value) in values.iter().enumerate() {
                    if value.is_some_and(|value| !self.whole.is_match(value)) {
                        out.push(row);
                    }
                }
            }
        }
        Ok(out)
    }

    fn complaint(&self) -> String {
        format!("does not match {}", quoted(&self.pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    #[track_caller]
    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let mut test = Matches::new(pattern).unwrap();
        let texts: Vec<Option<&str>> = good
            .iter()
            .copied()
            .map(Some)
            .chain([None])
            .chain(bad.iter().copied().map(Some))
            .collect();
        let wanted: Vec<usize> = (good.len() + 1..texts.len()).collect();
        assert_eq!(test.failures(&Cells::text(texts)).unwrap(), wanted, "{pattern}");
    }

    #[test]
    fn the_whole_value_has_to_match() {
        check("a|ab", &["a", "ab"], &["abc", "", "xa", "a\n"]);
        check("", &[""], &["a"]);
        check("(?i)berlin", &["Berlin"], &["Berlin\n", " Berlin"]);
        check("(?m)^a$", &["a"], &["a\na", "a\n"]);
        check("(?x) a b # a comment", &["ab"], &["a b", "ab "]);
        check("(?x) a # (", &["a"], &["", "a # ("]);
        check(r"\p{L}+", &["Zürich"], &["Zürich 1"]);
    }

    #[test]
    fn numbers_match_as_they_print() {
        let mut test = Matches::new(r"\d{3}").unwrap();
        let values = vec![123.0, 12.0, 123.5, f64::NAN, f64::NAN];
        let nulls = vec![false, false, false, false, true];
        let cells = Cells::Number(Numbers { values: values.into(), nulls });
        assert_eq!(test.failures(&cells).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn patterns_that_cannot_be_used_are_refused() {
        for pattern in ["(", "a)(b", "a)|(?:b", "[", r"(?=a)", r"\1", "a{1000}{1000}{9}"] {
            assert!(Matches::new(pattern).is_err(), "{pattern}");
        }
        assert!(Matches::new(&"(".repeat(100_000)).is_err());
    }
}
