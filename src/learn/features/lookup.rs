//! Categories to codes, fast.
//!
//! Scoring looks up one category per row and column. There are few categories and most of them are
//! short, so a small open-addressed table with a hash of the length and the outer bytes beats a general
//! map several times over. The hash can be flooded, but only up to a scan of all levels.

use std::collections::HashMap;

/// Marks a free place of the table.
const FREE: u32 = u32::MAX;

/// The codes of some categories, for text and for numbers.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    levels: &'a [String],
    /// Codes by hash; a power of two, at most half full.
    places: Vec<u32>,
    /// Codes of the levels that are numbers, by bits.
    numbers: HashMap<u64, u32>,
}

impl<'a> Lookup<'a> {
    /// Makes the table of `levels`, of which the first has code 0.
    pub(super) fn new(levels: &'a [String]) -> Self {
        let mut places = vec![FREE; (levels.len() * 2 + 1).next_power_of_two()];
        let mut numbers = HashMap::new();
        for (code, level) in (0u32..).zip(levels) {
            let mut place = hash(level) & (places.len() - 1);
            while places[place] != FREE {
                place = (place + 1) & (places.len() - 1);
            }
            places[place] = code;
            if let Ok(number) = level.parse::<f64>() {
                numbers.entry(number.to_bits()).or_insert(code);
            }
        }
        Self { levels, places, numbers }
    }

    /// The code of the level that is `text`.
    pub(super) fn text(&self, text: &str) -> Option<u32> {
        let mask = self.places.len() - 1;
        let mut place = hash(text) & mask;
        loop {
            let code = self.places[place];
            let level = self.levels.get(code as usize)?;
            if level == text {
                return Some(code);
            }
            place = (place + 1) & mask;
        }
    }

    /// The code of the level that prints as `value`.
    pub(super) fn number(&self, value: f64) -> Option<u32> {
        self.numbers.get(&(value + 0.0).to_bits()).copied()
    }
}

/// Mixes the length with the first and last eight bytes; equal texts have equal hashes.
fn hash(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |part: &[u8]| part.iter().fold(0u64, |word, byte| (word << 8) | u64::from(*byte));
    let (first, last) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word(bytes), 0),
    };
    // The multipliers are odd and otherwise arbitrary; the high half of a product depends on all bits.
    let mixed = (first ^ last.rotate_left(32) ^ (bytes.len() as u64).rotate_left(56))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_found_and_nothing_else() {
        let levels: Vec<String> = (0..5_000)
            .map(|n| match n % 3 {
                0 => format!("{n}"),
                1 => format!(
                    "a rather long category that differs in the middle {n} only, not at the end"
                ),
                _ => format!("é{n}"),
            })
            .collect();
        let lookup = Lookup::new(&levels);
        for (code, level) in (0..).zip(&levels) {
            assert_eq!(lookup.text(level), Some(code));
            assert_eq!(lookup.text(&format!("{level}x")), None);
        }
        assert_eq!(
            (lookup.text(""), lookup.number(3.0), lookup.number(1.0)),
            (None, Some(3), None)
        );
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        let lookup = Lookup::new(&[]);
        assert_eq!((lookup.text(""), lookup.number(0.0)), (None, None));
    }

    #[test]
    fn numbers_are_found_by_the_name_they_print_as() {
        let levels: Vec<String> = ["-1", "0", "0.1", "1e3"].map(str::to_owned).to_vec();
        let lookup = Lookup::new(&levels);
        let found = [-1.0, -0.0, 0.1, 2.0].map(|number| lookup.number(number));
        assert_eq!(found, [Some(0), Some(1), Some(2), None]);
    }
}
