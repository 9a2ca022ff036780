//! A set of small numbers in one machine word: the values that a field of a cron expression admits.
//!
//! Every field fits (seconds are 0 to 59, days of the month 1 to 31), so that the next admitted
//! value is found by counting zeros and never by stepping.

/// A set of numbers from 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bits(u64);

impl Bits {
    pub(super) const EMPTY: Self = Self(0);

    /// Every `step`-th number from `first` to `last`, both at most 63; `step` is 1 or more.
    pub(super) fn stepped(first: u8, last: u8, step: u8) -> Self {
        debug_assert!(last < 64 && step > 0);
        let mut out = Self::EMPTY;
        for value in (first..=last).step_by(usize::from(step.max(1))) {
            out.insert(value);
        }
        out
    }

    pub(super) fn insert(&mut self, value: u8) {
        debug_assert!(value < 64);
        self.0 |= 1 << (value & 63);
    }

    pub(super) fn remove(&mut self, value: u8) {
        self.0 &= !(1 << (value & 63));
    }

    pub(super) fn contains(self, value: u8) -> bool {
        value < 64 && self.0 >> value & 1 == 1
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The smallest member that is `low` or more.
    pub(super) fn first_from(self, low: u8) -> Option<u8> {
        let rest = self.0 & u64::MAX.checked_shl(u32::from(low)).unwrap_or(0);
        (rest != 0).then(|| low_byte(rest.trailing_zeros()))
    }

    /// The largest member that is `high` or less.
    pub(super) fn last_until(self, high: u8) -> Option<u8> {
        let above = u64::MAX.checked_shl(u32::from(high) + 1).unwrap_or(0);
        let rest = self.0 & !above;
        (rest != 0).then(|| low_byte(rest.ilog2()))
    }

    pub(super) fn first(self) -> Option<u8> {
        self.first_from(0)
    }

    pub(super) fn last(self) -> Option<u8> {
        self.last_until(63)
    }

    /// How many members there are.
    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// How many members are smaller than `value`, which is at most 63.
    pub(super) fn count_below(self, value: u8) -> u32 {
        debug_assert!(value < 64);
        Self(self.0 & ((1 << (value & 63)) - 1)).count()
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.contains(*value))
    }
}

/// A position in a word of 64 bits.
fn low_byte(position: u32) -> u8 {
    u8::try_from(position).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_found_at_and_beyond_the_ends() {
        let set = Bits::stepped(5, 59, 18);
        assert_eq!(set.iter().collect::<Vec<_>>(), [5, 23, 41, 59]);
        for (from, first, last) in [
            (0, Some(5), None),
            (5, Some(5), Some(5)),
            (6, Some(23), Some(5)),
            (59, Some(59), Some(59)),
            (60, None, Some(59)),
            (63, None, Some(59)),
            (64, None, Some(59)),
            (255, None, Some(59)),
        ] {
            assert_eq!(set.first_from(from), first, "first from {from}");
            assert_eq!(set.last_until(from), last, "last until {from}");
        }
        for (value, below) in [(0, 0), (5, 0), (6, 1), (59, 3), (60, 4), (63, 4)] {
            assert_eq!(set.count_below(value), below, "below {value}");
        }
        assert_eq!(set.count(), 4);
        assert_eq!(Bits::EMPTY.first(), None);
        assert_eq!(Bits::EMPTY.last(), None);
    }

    #[test]
    fn the_highest_number_is_a_member_like_any_other() {
        let mut set = Bits::EMPTY;
        set.insert(63);
        assert_eq!((set.first_from(63), set.last_until(63)), (Some(63), Some(63)));
        set.remove(63);
        assert_eq!(set, Bits::EMPTY);
    }
}
