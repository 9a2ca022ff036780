//! A quick hash of short texts, for look-ups among a few known ones.
//!
//! Sixteen bytes at a time by one folded multiplication. It resists no attacker, which is fine for tables of
//! bounded size whose order nobody sees; results never depend on it.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the hasher for a `HashMap`.
pub(super) type WordState = BuildHasherDefault<WordHasher>;

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordHasher {
    state: u64,
}

/// An odd number with its bits well mixed: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Another one, from the fraction of the square root of two.
const MULTIPLIER_LAST: u64 = 0x6a09_e667_f3bc_c909;

impl WordHasher {
    /// Folds the product of two words into the state; the state enters as a factor.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a product are wanted")]
    fn mix(&mut self, first: u64, second: u64) {
        let product = u128::from(first ^ MULTIPLIER ^ self.state)
            * u128::from(second ^ MULTIPLIER_LAST ^ self.state.rotate_left(32));
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

/// The word that starts at `place`; short of eight bytes, filled up with zeros.
fn word(bytes: &[u8], place: usize) -> u64 {
    let rest = bytes.get(place..).unwrap_or(&[]);
    match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut place = 0;
        while place + 16 < bytes.len() {
            self.mix(word(bytes, place), word(bytes, place + 8));
            place += 16;
        }
        // The last sixteen bytes, or all of a shorter text: its first and its last eight overlap.
        let length = bytes.len();
        let (first, last) = match length {
            0..8 => (word(bytes, 0), 0),
            8..16 => (word(bytes, 0), word(bytes, length - 8)),
            _ => (word(bytes, length - 16), word(bytes, length - 8)),
        };
        self.mix(first, last ^ (length as u64).rotate_left(56));
    }

    fn write_u8(&mut self, byte: u8) {
        // Ends a text, where `write` has mixed in its length already.
        self.state = self.state.rotate_left(8) ^ u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn similar_texts_spread_over_the_whole_range() {
        let hash = |text: &str| WordState::default().hash_one(text);
        let texts: Vec<String> = (0..4096).map(|n| format!("category number {n}")).collect();
        let top: BTreeSet<u64> = texts.iter().map(|text| hash(text) >> 52).collect();
        let bottom: BTreeSet<u64> = texts.iter().map(|text| hash(text) & 4095).collect();
        // 4096 balls in 4096 bins leave 1 - 1/e of the bins used.
        assert!(top.len() > 2400 && bottom.len() > 2400, "{} {}", top.len(), bottom.len());
        assert_ne!(hash("ab"), hash("ab\0"));
    }
}
