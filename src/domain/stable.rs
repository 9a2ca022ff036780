//! Numbers that look random and are the same on every machine, in every version, after every restart.
//!
//! They spread what would otherwise happen at one moment: the starts of jobs, the retries of runs. They
//! decide nothing that somebody could gain from guessing.

/// A number made of words: FNV-1a of 64 bits (<https://www.rfc-editor.org/rfc/rfc9923>) over the words, each
/// ended by a byte that no text has, and the finaliser of `SplitMix64` (Steele, Lea and Flood 2014), since
/// the upper bits of FNV hardly differ for short texts.
pub fn number(words: &[&str]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for word in words {
        for byte in word.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number from 0 to below 1, made of words.
pub fn share(words: &[&str]) -> f64 {
    // 53 bits are what an f64 holds exactly.
    (number(words) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        assert_eq!(
            number(&["wine", "2026-01-05T02:30:00Z"]),
            number(&["wine", "2026-01-05T02:30:00Z"])
        );
        assert_ne!(number(&["ab", "c"]), number(&["a", "bc"]));
        // Written down when it was first computed: another number would move every job's start.
        assert_eq!(number(&["wine"]), 15_371_284_808_666_623_666);
    }

    #[test]
    fn shares_are_spread_evenly() {
        let shares = (0..10_000).map(|place: u32| share(&["job", &place.to_string()]));
        let mut below = [0_u32; 10];
        for found in shares {
            assert!((0.0..1.0).contains(&found));
            for (tenth, count) in (1_u32..).zip(&mut below) {
                *count += u32::from(found < f64::from(tenth) / 10.0);
            }
        }
        for (tenth, count) in (1_u32..).zip(below) {
            assert!(count.abs_diff(tenth * 1_000) < 200, "{below:?}");
        }
    }
}
