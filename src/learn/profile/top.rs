//! The most frequent texts of a stream, in memory that does not grow with it.
//!
//! The frequent-items summary of Misra and Gries (1982): at most [`TopValues::CAPACITY`] texts are held;
//! when another arrives and all places are taken, every count falls by one and empty places are freed.
//! While no more than that many distinct texts occurred, counts are exact; after that each is too small
//! by at most `short_by`, which itself stays below rows / (capacity + 1). Summaries merge with the same
//! bound (Agarwal et al., 2012).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::word::WordState;

/// Texts with their counts, most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopValues {
    /// The texts, by falling count, then in the order of their bytes.
    pub values: Vec<ValueCount>,
    /// By how much a count may be too small at most; 0 if all are exact.
    pub short_by: u64,
}

/// A text and how often it occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The text, see [`super::text::LENGTH_BYTES_MAX`].
    pub value: String,
    /// Its number of rows.
    pub count: u64,
}

impl TopValues {
    /// Most texts that are held.
    pub const CAPACITY: usize = 100;

    /// Takes in the values that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        let short_by = self.short_by.saturating_add(other.short_by);
        let mut tally = TopTally { counts: HashMap::default(), short_by };
        for entry in self.values.iter().chain(&other.values) {
            *tally.counts.entry(entry.value.clone()).or_default() += entry.count;
        }
        let mut counts: Vec<u64> = tally.counts.values().copied().collect();
        if counts.len() > Self::CAPACITY {
            counts.sort_unstable_by(|a, b| b.cmp(a));
            tally.lower(counts[Self::CAPACITY]);
        }
        *self = tally.finish();
    }
}

/// Sorts as [`TopValues`] promises.
pub(super) fn by_falling_count(values: &mut [ValueCount]) {
    values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
}

/// Counts while a table goes by.
#[derive(Debug, Clone, Default)]
pub(super) struct TopTally {
    counts: HashMap<String, u64, WordState>,
    short_by: u64,
}

impl TopTally {
    pub(super) fn add(&mut self, text: &str) {
        if let Some(count) = self.counts.get_mut(text) {
            *count += 1;
        } else if self.counts.len() < TopValues::CAPACITY {
            self.counts.insert(text.to_owned(), 1);
        } else {
            self.lower(1);
        }
    }

    /// Takes `by` off every count; what has nothing left loses its place.
    fn lower(&mut self, by: u64) {
        self.short_by = self.short_by.saturating_add(by);
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(by);
            *count > 0
        });
    }

    pub(super) fn finish(&self) -> TopValues {
        let counted = self.counts.iter();
        let mut values: Vec<ValueCount> = counted
            .map(|(value, count)| ValueCount { value: value.clone(), count: *count })
            .collect();
        by_falling_count(&mut values);
        TopValues { values, short_by: self.short_by }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn summary(texts: &[String]) -> TopValues {
        let mut tally = TopTally::default();
        for text in texts {
            tally.add(text);
        }
        tally.finish()
    }

    #[test]
    fn few_texts_are_counted_exactly_and_merge_in_any_grouping() {
        let texts: Vec<String> = (0..500).map(|n| format!("v{}", n * n % 90)).collect();
        let [a, b, c] = [&texts[..100], &texts[100..250], &texts[250..]].map(summary);
        let mut left = a.clone();
        left.merge(&b);
        left.merge(&c);
        let mut right = b;
        right.merge(&c);
        let mut all = a;
        all.merge(&right);
        assert_eq!(left, all);
        assert_eq!(left, summary(&texts));
        assert_eq!(left.short_by, 0);
    }

    #[test]
    fn a_flood_of_distinct_texts_does_not_grow_and_keeps_the_frequent_one() {
        let texts: Vec<String> = (0..20_000)
            .map(|n| if n % 10 == 0 { "often".to_owned() } else { format!("only {n}") })
            .collect();
        let found = summary(&texts);
        assert!(found.values.len() <= TopValues::CAPACITY);
        assert_eq!(found.values[0].value, "often");
        assert!(found.short_by <= 20_000 / 101, "{}", found.short_by);
    }

    proptest! {
        #[test]
        fn counts_are_short_by_no_more_than_is_said(
            numbers in proptest::collection::vec(0_u32..400, 0..3000),
            cut in 0_usize..3000,
        ) {
            let texts: Vec<String> = numbers.iter().map(|n| (n * n / 300).to_string()).collect();
            let mut exact: BTreeMap<&str, u64> = BTreeMap::new();
            for text in &texts {
                *exact.entry(text).or_default() += 1;
            }
            let (before, after) = texts.split_at(cut.min(texts.len()));
            let mut found = summary(before);
            found.merge(&summary(after));
            prop_assert!(found.values.len() <= TopValues::CAPACITY);
            prop_assert!(found.short_by <= texts.len() as u64 / 101);
            let counted: BTreeMap<&str, u64> =
                found.values.iter().map(|entry| (entry.value.as_str(), entry.count)).collect();
            for (text, wanted) in exact {
                let count = counted.get(text).copied().unwrap_or(0);
                prop_assert!(count <= wanted && wanted <= count + found.short_by);
            }
        }
    }
}
