//! A column of texts, in which a text that occurs often need be looked at only once.
//!
//! A row holds the place of its text among the words of the column. Words may repeat: whoever fills a
//! column gives equal texts one word where that is cheap, and whoever reads one gets the same result
//! however it was filled.

use std::collections::HashMap;

/// The texts of some rows, nulls among them.
#[derive(Debug, Clone, Default)]
pub struct Texts<'a> {
    words: Vec<&'a str>,
    /// One a row: the place of its word, or [`Self::NULL`].
    codes: Vec<u32>,
}

impl<'a> Texts<'a> {
    /// The code of a null.
    pub const NULL: u32 = u32::MAX;

    /// A column of rows that refer to `words` by their places, or are [`Self::NULL`].
    ///
    /// # Panics
    /// If a row refers to no word, or there are more words than codes, some four billion.
    pub fn new(words: Vec<&'a str>, codes: Vec<u32>) -> Self {
        assert!(words.len() <= Self::NULL as usize, "a column has no more words than codes");
        let is_known = |code: &u32| (*code as usize) < words.len() || *code == Self::NULL;
        assert!(codes.iter().all(is_known), "a row refers to one of {} words", words.len());
        Self { words, codes }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of `row`; `None` for a null.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn value(&self, row: usize) -> Option<&'a str> {
        self.word(self.codes[row])
    }

    /// The text of each row, in order; `None` for a null.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = Option<&'a str>> + ExactSizeIterator + Clone {
        self.codes.iter().map(|code| self.word(*code))
    }

    /// Whether every row is null.
    pub fn is_all_null(&self) -> bool {
        self.codes.iter().all(|code| *code == Self::NULL)
    }

    /// How many rows are null.
    pub fn null_count(&self) -> usize {
        self.codes.iter().filter(|code| **code == Self::NULL).count()
    }

    /// How many rows each word has.
    pub fn rows_by_word(&self) -> Vec<u64> {
        let mut rows = vec![0; self.words.len()];
        for code in self.codes.iter().filter(|code| **code != Self::NULL) {
            rows[*code as usize] += 1;
        }
        rows
    }

    /// The texts that have rows, and how many.
    pub fn counts(&self) -> HashMap<&'a str, u64> {
        let mut counts = HashMap::new();
        for (word, rows) in self.words.iter().zip(self.rows_by_word()).filter(|(_, rows)| *rows > 0)
        {
            *counts.entry(*word).or_default() += rows;
        }
        counts
    }

    /// The words that rows refer to; some may have no row.
    pub fn words(&self) -> &[&'a str] {
        &self.words
    }

    /// For each row the place of its word, or [`Self::NULL`].
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The word at the place `code`; `None` for [`Self::NULL`].
    pub fn word(&self, code: u32) -> Option<&'a str> {
        self.words.get(code as usize).copied()
    }
}

impl<'a> FromIterator<Option<&'a str>> for Texts<'a> {
    /// Each row has a word of its own.
    ///
    /// # Panics
    /// If there are more words than codes, as [`Self::new`].
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        let mut words = Vec::new();
        let code = |value: Option<&'a str>| {
            value.map_or(Self::NULL, |text| {
                words.push(text);
                u32::try_from(words.len() - 1).unwrap_or(Self::NULL)
            })
        };
        let codes = values.into_iter().map(code).collect();
        Self::new(words, codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_share_words_or_not() {
        let plain: Texts<'_> = [Some("a"), None, Some("a")].into_iter().collect();
        let shared = Texts::new(vec!["a"], vec![0, Texts::NULL, 0]);
        assert_eq!((plain.words().len(), shared.words().len()), (2, 1));
        for texts in [plain, shared] {
            assert!(texts.iter().eq([Some("a"), None, Some("a")]));
            assert_eq!((texts.value(1), texts.value(2), texts.len()), (None, Some("a"), 3));
            assert!(!texts.is_all_null());
            assert_eq!((texts.null_count(), texts.counts()), (1, HashMap::from([("a", 2)])));
        }
        assert!(Texts::from_iter([None]).is_all_null());
    }

    #[test]
    fn words_without_rows_are_not_counted() {
        let texts = Texts::new(vec!["a", "b", "c"], vec![2, 2, Texts::NULL, 0]);
        assert_eq!(texts.rows_by_word(), [1, 0, 2]);
        assert_eq!(texts.counts(), HashMap::from([("a", 1), ("c", 2)]));
    }

    #[test]
    #[should_panic(expected = "one of 1 words")]
    fn a_row_of_no_word_is_refused() {
        let _refused = Texts::new(vec!["a"], vec![0, 1]);
    }
}
