//! Hashes of ids, and sets of them that can be compared without keeping the ids.
//!
//! A hash depends on the id alone: not on the width of the column it stands in, the file, the machine or
//! the version of any library, because hashes decide on which side of a random split a row falls. They
//! are not meant to resist someone who builds collisions; what two equal hashes mean is checked against
//! the ids themselves (see `duplicates`).

use std::fmt;

/// Odd constants without structure: the fractions of the golden ratio and of the square root of 3.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const ROOT_3: u64 = 0xbb67_ae85_84ca_a73b;

/// The hash of an integer id. No two integers share one.
pub fn integer_id_hash(id: i64) -> u64 {
    finish(id.cast_unsigned().wrapping_mul(ROOT_3) ^ GOLDEN)
}

/// The hash of a text id: eight bytes at a time, each step a bijection of what came before.
pub fn text_id_hash(id: &str) -> u64 {
    let bytes = id.as_bytes();
    let mut state = (bytes.len() as u64).wrapping_mul(GOLDEN) ^ ROOT_3;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = absorb(state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    finish(absorb(state, u64::from_le_bytes(last)))
}

/// The hash of an unsigned integer id: that of the signed integer where there is one.
pub(super) fn unsigned_id_hash(id: u64) -> u64 {
    i64::try_from(id).map_or_else(|_| text_id_hash(&id.to_string()), integer_id_hash)
}

fn absorb(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(GOLDEN);
    (mixed ^ (mixed >> 32)).wrapping_mul(ROOT_3).rotate_left(29)
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014): every input bit reaches every
/// output bit.
fn finish(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A multiset of ids, as a count and two sums that do not depend on the order.
///
/// Equal sets are equal; different ones are told apart unless 128 bits happen to agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdSet {
    count: u64,
    sum: u64,
    xor: u64,
}

impl IdSet {
    /// Adds the id that hashes to `hash`.
    pub fn add(&mut self, hash: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash);
        self.xor ^= hash.rotate_left(17).wrapping_mul(GOLDEN);
    }

    /// Adds several ids.
    pub fn extend(&mut self, hashes: &[u64]) {
        for hash in hashes {
            self.add(*hash);
        }
    }

    /// Adds every id of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.xor ^= other.xor;
    }

    /// How many ids were added.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for IdSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:016x}{:016x}", self.count, self.sum, self.xor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hashes_never_change() {
        // The first output of `SplitMix64` for the seed 0, as published with it.
        assert_eq!(integer_id_hash(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(integer_id_hash(-1), 10_886_869_651_934_328_094);
        assert_eq!(text_id_hash(""), 16_412_668_913_348_411_227);
        assert_eq!(text_id_hash("customer-0001"), 10_609_798_303_937_224_382);
    }

    #[test]
    fn an_unsigned_id_is_the_signed_one_where_there_is_one() {
        assert_eq!(unsigned_id_hash(7), integer_id_hash(7));
        assert_eq!(unsigned_id_hash(u64::MAX), text_id_hash("18446744073709551615"));
        assert_ne!(unsigned_id_hash(u64::MAX), integer_id_hash(-1));
    }

    #[test]
    fn near_ids_have_distant_hashes() {
        let mut hashes = BTreeSet::new();
        let mut low_bits = [0_u32; 16];
        for id in 0..40_000_i64 {
            for hash in [integer_id_hash(id), text_id_hash(&format!("row#{id}"))] {
                assert!(hashes.insert(hash), "{id}");
                low_bits[usize::try_from(hash & 15).unwrap()] += 1;
            }
        }
        // 80,000 draws in 16 classes: 5,000 each, standard deviation 68.
        assert!(low_bits.iter().all(|n| (4_600..5_400).contains(n)), "{low_bits:?}");
        assert_ne!(text_id_hash("a"), text_id_hash("a\0"));
        assert_ne!(text_id_hash("12345678"), text_id_hash("12345678\0\0"));
    }

    #[test]
    fn a_set_does_not_depend_on_the_order_but_on_every_id() {
        let set = |hashes: &[u64]| {
            let mut out = IdSet::default();
            out.extend(hashes);
            out
        };
        let whole = set(&[1, 2, 3, 4]);
        assert_eq!(whole, set(&[4, 2, 1, 3]));
        let mut merged = set(&[3, 1]);
        merged.merge(&set(&[2, 4]));
        assert_eq!(whole, merged);
        assert_ne!(whole, set(&[1, 2, 3]));
        assert_ne!(whole, set(&[1, 2, 3, 5]));
        assert_ne!(set(&[1, 1]), set(&[2]), "a sum alone would not tell");
        assert_ne!(set(&[5, 5, 7]), set(&[7]), "an exclusive or alone would not tell");
        assert_ne!(whole.to_string(), set(&[1, 2, 3]).to_string());
    }
}
