//! Categorical columns: which categories have a matrix column of their own.
//!
//! The most frequent categories of the training rows do (one-hot); the rest share `__other__`, and nulls
//! have `__missing__` unless they are imputed. A column of the matrix exists only if some training row is
//! in it: a category first seen when scoring then has all zeros, which is what a column without training
//! rows would have come to as well.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::domain::frame::Cells;
use crate::domain::job::CategoricalImpute;
use crate::learn::features::FeatureError;
use crate::learn::features::lookup::Lookup;

/// The name of the matrix column of categories that have none of their own.
pub(super) const OTHER: &str = "__other__";
/// The name of the matrix column of nulls.
pub(super) const MISSING: &str = "__missing__";

/// One matrix column for each of `levels`, then one for others and one for nulls, where there are any.
///
/// The *code* of a cell is its place among these columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryTransform {
    /// The categories with a column of their own, in byte order.
    levels: Vec<String>,
    /// Whether some training row holds another category.
    has_other: bool,
    missing: Missing,
    /// The code with the most training rows.
    most_frequent: u32,
}

/// What a null becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Missing {
    /// A code of its own, the last one.
    Code,
    /// The most frequent category.
    Level(u32),
    /// No code: there was no null among the training rows.
    Nothing,
}

impl CategoryTransform {
    /// The code of a cell that is in no column of the matrix.
    pub const NO_CODE: u32 = u32::MAX;

    /// Learns from the training rows of the column called `name`.
    pub fn fit(
        name: &str,
        cells: &Cells<'_>,
        impute: CategoricalImpute,
        categories_max: usize,
    ) -> Result<Self, FeatureError> {
        let (mut counts, null_count) = count(cells);
        // The two reserved names cannot be told from the columns they stand for.
        let is_reserved = |text: &str| text == OTHER || text == MISSING;
        let mut other_count: u64 =
            counts.extract_if(.., |(text, _)| is_reserved(text)).map(|(_, count)| count).sum();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        other_count +=
            counts.iter().skip(categories_max.max(1)).map(|(_, count)| count).sum::<u64>();
        counts.truncate(categories_max.max(1));
        let Some((mode, _)) = counts.first().cloned() else {
            return Err(FeatureError::NoValues { column: name.to_owned(), rows: cells.len() });
        };
        counts.sort_unstable();

        let mode = position(&counts, &mode);
        let has_other = other_count > 0;
        let mut rows_by_code: Vec<u64> = counts.iter().map(|(_, count)| *count).collect();
        rows_by_code.extend(has_other.then_some(other_count));
        let missing = match impute {
            CategoricalImpute::Mode => Missing::Level(mode),
            CategoricalImpute::Missing if null_count == 0 => Missing::Nothing,
            CategoricalImpute::Missing => {
                rows_by_code.push(null_count);
                Missing::Code
            }
        };
        let levels = counts.into_iter().map(|(text, _)| text).collect();
        Ok(Self { levels, has_other, missing, most_frequent: first_of_largest(&rows_by_code) })
    }

    /// How many matrix columns there are.
    pub fn width(&self) -> usize {
        self.levels.len() + usize::from(self.has_other) + usize::from(self.missing == Missing::Code)
    }

    /// What the codes stand for, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let other = self.has_other.then_some(OTHER);
        let missing = (self.missing == Missing::Code).then_some(MISSING);
        self.levels.iter().map(String::as_str).chain(other).chain(missing)
    }

    /// The code with the most training rows.
    pub fn most_frequent(&self) -> u32 {
        self.most_frequent
    }

    /// The category of every training row, if there is only one.
    pub fn constant(&self) -> Option<&str> {
        if self.width() == 1 { self.labels().next() } else { None }
    }

    /// The categories with a code of their own: code 0 is the first.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// The code of a category that is not among the levels.
    pub fn other_code(&self) -> u32 {
        if self.has_other { code(self.levels.len()) } else { Self::NO_CODE }
    }

    /// The code of a null.
    pub fn null_code(&self) -> u32 {
        match self.missing {
            Missing::Code => code(self.levels.len() + usize::from(self.has_other)),
            Missing::Level(code) => code,
            Missing::Nothing => Self::NO_CODE,
        }
    }

    /// Writes the codes of `rows` of a column into `out`, which has as many places.
    ///
    /// `lookup` is that of `self.levels()`.
    pub(super) fn apply(
        &self,
        lookup: &Lookup<'_>,
        cells: &Cells<'_>,
        rows: std::ops::Range<usize>,
        out: &mut [u32],
    ) {
        let (other, null) = (self.other_code(), self.null_code());
        match cells {
            Cells::Text(texts) => {
                let level = |text: &str| lookup.text(text).unwrap_or(other);
                let rows = &texts.codes()[rows];
                if texts.words().len() <= rows.len() {
                    let by_word: Vec<u32> = texts.words().iter().map(|word| level(word)).collect();
                    for (place, row) in out.iter_mut().zip(rows) {
                        *place = by_word.get(*row as usize).copied().unwrap_or(null);
                    }
                } else {
                    for (place, row) in out.iter_mut().zip(rows) {
                        *place = texts.word(*row).map_or(null, level);
                    }
                }
            }
            Cells::Number(numbers) => {
                for (place, row) in out.iter_mut().zip(rows) {
                    let value = numbers.value(row).filter(|value| value.is_finite());
                    *place = value.map_or(null, |value| lookup.number(value).unwrap_or(other));
                }
            }
        }
    }

    /// Whether the parts fit together: what is read from a file need not.
    pub fn is_sound(&self) -> bool {
        let is_level = |code: u32| (code as usize) < self.levels.len();
        let mode_exists = match self.missing {
            Missing::Level(mode) => is_level(mode),
            Missing::Code | Missing::Nothing => true,
        };
        let in_order = self.levels.is_sorted_by(|a, b| a < b);
        in_order
            && !self.levels.is_empty()
            && mode_exists
            && (self.most_frequent as usize) < self.width()
    }
}

/// The name that a number has as a category: an integer prints without a decimal point.
pub(crate) fn number_name(value: f64) -> String {
    // Adding 0 turns −0 into 0.
    (value + 0.0).to_string()
}

/// How often each category occurs, in no particular order, and how many cells are missing.
fn count(cells: &Cells<'_>) -> (Vec<(String, u64)>, u64) {
    let mut missing = 0;
    let counts = match cells {
        Cells::Text(texts) => {
            missing = texts.null_count() as u64;
            texts.counts().into_iter().map(|(text, count)| (text.to_owned(), count)).collect()
        }
        Cells::Number(numbers) => {
            let mut counts: HashMap<u64, u64> = HashMap::new();
            for row in 0..numbers.values.len() {
                match numbers.value(row).filter(|value| value.is_finite()) {
                    Some(value) => *counts.entry((value + 0.0).to_bits()).or_default() += 1,
                    None => missing += 1,
                }
            }
            let named = |(bits, count)| (number_name(f64::from_bits(bits)), count);
            counts.into_iter().map(named).collect()
        }
    };
    (counts, missing)
}

fn position(counts: &[(String, u64)], wanted: &str) -> u32 {
    code(counts.iter().position(|(text, _)| text == wanted).unwrap_or_default())
}

fn first_of_largest(counts: &[u64]) -> u32 {
    let largest = counts.iter().max();
    code(counts.iter().position(|count| Some(count) == largest).unwrap_or_default())
}

/// A place as a code; places beyond the limit of matrix columns are refused before they are used.
fn code(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(CategoryTransform::NO_CODE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Numbers;

    const JOBS: &[Option<&str>] =
        &[Some("b"), Some("a"), None, Some("c"), Some("a"), Some("b"), Some("d"), Some("")];

    #[track_caller]
    fn check(
        cells: &Cells<'_>,
        impute: CategoricalImpute,
        categories_max: usize,
        labels: &[&str],
        codes: &[i64],
    ) -> CategoryTransform {
        let found = CategoryTransform::fit("job", cells, impute, categories_max).unwrap();
        assert_eq!(found.labels().collect::<Vec<_>>(), labels);
        assert_eq!(found.width(), labels.len());
        assert!(found.is_sound());
        assert_eq!(codes_of(&found, cells), codes);
        found
    }

    fn codes_of(transform: &CategoryTransform, cells: &Cells<'_>) -> Vec<i64> {
        let mut out = vec![0; cells.len()];
        let lookup = Lookup::new(transform.levels());
        transform.apply(&lookup, cells, 0..cells.len(), &mut out);
        let told =
            |code: u32| if code == CategoryTransform::NO_CODE { -1 } else { i64::from(code) };
        out.into_iter().map(told).collect()
    }

    #[test]
    fn frequent_categories_have_columns_and_the_rest_share_one() {
        let cells = Cells::text(JOBS.to_vec());
        let (missing, mode) = (CategoricalImpute::Missing, CategoricalImpute::Mode);
        let all = ["", "a", "b", "c", "d", MISSING];
        check(&cells, missing, 50, &all, &[2, 1, 5, 3, 1, 2, 4, 0]);
        let few = check(&cells, missing, 2, &["a", "b", OTHER, MISSING], &[1, 0, 3, 2, 0, 1, 2, 2]);
        assert_eq!(few.most_frequent(), 2);
        let imputed = check(&cells, mode, 2, &["a", "b", OTHER], &[1, 0, 0, 2, 0, 1, 2, 2]);
        assert_eq!(codes_of(&imputed, &Cells::text(vec![Some("new"), None])), [2, 0]);
    }

    #[test]
    fn what_training_never_saw_has_no_code() {
        let cells = Cells::text(vec![Some("a"), Some("b"), Some("b")]);
        let fitted = check(&cells, CategoricalImpute::Missing, 50, &["a", "b"], &[0, 1, 1]);
        assert_eq!(codes_of(&fitted, &Cells::text(vec![None, Some("c"), Some("b")])), [-1, -1, 1]);
        assert_eq!((fitted.most_frequent(), fitted.constant()), (1, None));
    }

    #[test]
    fn reserved_names_count_as_other() {
        let cells = Cells::text(vec![Some("a"), Some(OTHER), Some(MISSING), None]);
        check(&cells, CategoricalImpute::Missing, 50, &["a", OTHER, MISSING], &[0, 1, 1, 2]);
    }

    #[test]
    fn numbers_are_categories_by_the_name_they_print_as() {
        let values = vec![10.0, 9.0, -0.0, 0.0, 0.5, f64::NAN, 9.0, f64::NAN];
        let nulls = vec![false, false, false, false, false, false, false, true];
        let cells = Cells::Number(Numbers { values: values.into(), nulls });
        let labels = ["0", "0.5", "10", "9", MISSING];
        let codes = [2, 3, 0, 0, 1, 4, 3, 4];
        let fitted = check(&cells, CategoricalImpute::Missing, 50, &labels, &codes);
        assert_eq!(codes_of(&fitted, &Cells::text(vec![Some("10"), Some("10.0")])), [2, -1]);
    }

    #[test]
    fn a_column_without_a_category_is_an_error() {
        let fit = |cells| CategoryTransform::fit("job", &cells, CategoricalImpute::Missing, 50);
        let wanted = Err(FeatureError::NoValues { column: "job".into(), rows: 2 });
        assert_eq!(fit(Cells::text(vec![None, None])), wanted);
        assert_eq!(fit(Cells::text(vec![Some(OTHER), None])), wanted);
    }
}
