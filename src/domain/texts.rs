//! A column of texts, in which a text that occurs often need be looked at only once.
//!
//! A row holds the place of its text among the words of the column. Words may repeat: whoever fills a
//! column gives equal texts one word where that is cheap, and whoever reads one gets the same result
//! however it was filled.

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

    /// A column without rows, with room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self { words: Vec::new(), codes: Vec::with_capacity(rows) }
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

    /// The words that rows refer to.
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

    /// Adds a word, to which rows may refer, and returns its code.
    ///
    /// # Panics
    /// If there are more words than codes, some four billion.
    pub fn add_word(&mut self, text: &'a str) -> u32 {
        let code = u32::try_from(self.words.len()).unwrap_or(Self::NULL);
        assert!(code != Self::NULL, "a column has fewer words than there are codes");
        self.words.push(text);
        code
    }

    /// Adds a row with the code of a word, or with [`Self::NULL`].
    ///
    /// # Panics
    /// If there is no such word.
    pub fn add_row(&mut self, code: u32) {
        assert!(code == Self::NULL || (code as usize) < self.words.len(), "a row has a known word");
        self.codes.push(code);
    }
}

impl<'a> FromIterator<Option<&'a str>> for Texts<'a> {
    /// Each row has a word of its own.
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(values: I) -> Self {
        let mut out = Self::default();
        for value in values {
            let code = value.map_or(Self::NULL, |text| out.add_word(text));
            out.add_row(code);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_share_words_or_not() {
        let plain: Texts<'_> = [Some("a"), None, Some("a")].into_iter().collect();
        let mut shared = Texts::with_capacity(3);
        let a = shared.add_word("a");
        for code in [a, Texts::NULL, a] {
            shared.add_row(code);
        }
        assert_eq!((plain.words().len(), shared.words().len()), (2, 1));
        for texts in [plain, shared] {
            assert!(texts.iter().eq([Some("a"), None, Some("a")]));
            assert_eq!((texts.value(1), texts.value(2), texts.len()), (None, Some("a"), 3));
            assert!(!texts.is_all_null());
        }
        assert!(Texts::from_iter([None]).is_all_null());
    }

    #[test]
    #[should_panic(expected = "known word")]
    fn a_row_of_no_word_is_refused() {
        Texts::default().add_row(0);
    }
}
