//! What a column of texts holds: how often each known category occurs, how often anything else, and
//! which texts are most frequent among the rest.
//!
//! The categories are those of the reference: its most frequent ones. Everything else is `others`, be it
//! rare at training or never seen; the two differ only for who compares counts. Memory is bounded by the
//! number of categories and by [`TopValues::CAPACITY`], whatever the column holds.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::count::add_all;
use super::top::{TopTally, TopValues, ValueCount, by_falling_count};
use super::word::WordState;
use crate::domain::texts::Texts;

/// Longest text that is kept as it is. Of a longer one the first bytes stand before a hash of the whole.
pub const LENGTH_BYTES_MAX: usize = 256;

/// A column of texts at training.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextReference {
    /// All rows: nulls, categories and others.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// The most frequent texts, by falling count, then in the order of their bytes.
    pub categories: Vec<ValueCount>,
    /// Rows whose text is not among them.
    pub others: u64,
    /// How many different texts there were.
    pub distinct: u64,
}

/// A column of texts, counted against the categories of a reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextCounts {
    /// All rows: nulls, known and others.
    pub rows: u64,
    /// Rows without a value.
    pub nulls: u64,
    /// One count for each category of the reference, in its order; empty without a reference.
    pub known: Vec<u64>,
    /// Rows whose text is no category of the reference.
    pub others: u64,
    /// The most frequent texts among the others.
    pub top_others: TopValues,
}

impl TextReference {
    /// Counts a whole column and keeps its `categories_max` most frequent texts.
    pub(super) fn of(texts: &Texts<'_>, categories_max: usize) -> Self {
        let counts = texts.counts();
        let rows = texts.len() as u64;
        let present: u64 = counts.values().sum();
        let distinct = counts.len() as u64;
        let mut entries: Vec<(u64, &str)> = counts.into_iter().map(|(text, n)| (n, text)).collect();
        entries.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        entries.truncate(categories_max);
        let kept: u64 = entries.iter().map(|(count, _)| count).sum();
        let mut categories: Vec<ValueCount> = entries
            .into_iter()
            .map(|(count, text)| ValueCount { value: shortened(text).into_owned(), count })
            .collect();
        by_falling_count(&mut categories);
        Self { rows, nulls: rows - present, categories, others: present - kept, distinct }
    }

    /// A hash of the categories: two references with the same mark count alike.
    pub(super) fn mark(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for category in &self.categories {
            hasher.update(&(category.value.len() as u64).to_le_bytes());
            hasher.update(category.value.as_bytes());
        }
        super::first_word(&hasher.finalize())
    }
}

impl TextCounts {
    /// Takes in the values that `other` has seen; false, and no change, if it was counted against
    /// another number of categories.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.known.len() != other.known.len() {
            return false;
        }
        self.rows = self.rows.saturating_add(other.rows);
        self.nulls = self.nulls.saturating_add(other.nulls);
        self.others = self.others.saturating_add(other.others);
        add_all(&mut self.known, &other.known);
        self.top_others.merge(&other.top_others);
        true
    }
}

/// `text` itself, or the start of a long text with a hash of the whole.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const HASH_DIGITS: usize = 16;
    if text.len() <= LENGTH_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let start = text.floor_char_boundary(LENGTH_BYTES_MAX - HASH_DIGITS - "...".len());
    let hash = super::first_word(&blake3::hash(text.as_bytes()));
    Cow::Owned(format!("{}...{hash:016x}", &text[..start]))
}

/// Counts while a table goes by.
#[derive(Debug, Clone)]
pub(super) struct TextTally {
    places: HashMap<String, usize, WordState>,
    known: Vec<u64>,
    rows: u64,
    nulls: u64,
    others: u64,
    top_others: TopTally,
}

impl TextTally {
    pub(super) fn new(categories: &[ValueCount]) -> Self {
        let named = categories.iter().enumerate();
        Self {
            places: named.map(|(place, category)| (category.value.clone(), place)).collect(),
            known: vec![0; categories.len()],
            rows: 0,
            nulls: 0,
            others: 0,
            top_others: TopTally::default(),
        }
    }

    pub(super) fn add(&mut self, texts: &Texts<'_>) {
        self.rows += texts.len() as u64;
        self.nulls += texts.null_count() as u64;
        let words = texts.words().iter().zip(texts.rows_by_word()).map(|(word, rows)| {
            let place = self.places.get(shortened(word).as_ref());
            match place {
                Some(place) => self.known[*place] += rows,
                None => self.others += rows,
            }
            place.is_none()
        });
        let is_other: Vec<bool> = words.collect();
        if !is_other.contains(&true) {
            return;
        }
        // Which texts are the most frequent may depend on the order in which they came.
        for code in texts.codes() {
            if is_other.get(*code as usize).is_some_and(|is_other| *is_other)
                && let Some(text) = texts.word(*code)
            {
                self.top_others.add(&shortened(text));
            }
        }
    }

    pub(super) fn finish(&self) -> TextCounts {
        TextCounts {
            rows: self.rows,
            nulls: self.nulls,
            known: self.known.clone(),
            others: self.others,
            top_others: self.top_others.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(value: &str, count: u64) -> ValueCount {
        ValueCount { value: value.into(), count }
    }

    #[test]
    fn the_most_frequent_texts_are_kept_and_ties_have_one_order() {
        let values = [Some("b"), Some("a"), None, Some("c"), Some("c"), Some("")];
        let found = TextReference::of(&Texts::from_iter(values), 3);
        assert_eq!(found.categories, [category("c", 2), category("", 1), category("a", 1)]);
        assert_eq!((found.rows, found.nulls, found.others, found.distinct), (6, 1, 1, 4));
    }

    #[test]
    fn texts_that_are_no_category_are_counted_and_named() {
        let reference = TextReference::of(&Texts::from_iter([Some("a"), Some("a"), Some("b")]), 1);
        let mut tally = TextTally::new(&reference.categories);
        tally.add(&Texts::from_iter([Some("a"), Some("b"), None]));
        tally.add(&Texts::from_iter([Some("new"), Some("new")]));
        let found = tally.finish();
        assert_eq!((found.rows, found.nulls, found.others), (5, 1, 3));
        assert_eq!(found.known, [1]);
        assert_eq!(found.top_others.values, [category("new", 2), category("b", 1)]);
    }

    #[test]
    fn long_texts_stay_distinct_and_short() {
        let long = "ä".repeat(1_000_000);
        let longer = format!("{long}!");
        let (a, b) = (shortened(&long), shortened(&longer));
        assert!(a.len() <= LENGTH_BYTES_MAX && b.len() <= LENGTH_BYTES_MAX);
        assert_ne!(a, b);
        let (long, longer) = (Some(long.as_str()), Some(longer.as_str()));
        let reference = TextReference::of(&Texts::from_iter([long, longer, longer]), 2);
        let mut tally = TextTally::new(&reference.categories);
        tally.add(&Texts::from_iter([long, longer]));
        assert_eq!(tally.finish().known, [1, 1]);
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn counts_against_other_categories_do_not_merge() {
        let mut counts = TextTally::new(&[category("a", 1)]).finish();
        let before = counts.clone();
        assert!(!counts.merge(&TextTally::new(&[]).finish()));
        assert_eq!(counts, before);
    }
}
