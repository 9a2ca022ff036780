//! The best way to part the rows of a node by one column.
//!
//! The gain of a split is what the sum of squares about the mean loses, Σ d²/(w₁·w₂·w) with
//! d = s₁·w − s·w₁ (`s` sums of values, `w` of weights): for values 0 and 1 that is half of what Gini's
//! impurity loses, and for gradients twice what Newton's step of boosting gains. In this form nothing large
//! is subtracted from something large. Missing values are tried on both sides; where a node has none,
//! they go with the larger part. Categories are put in the order of their means, in which the best parting
//! is one of two stretches (Fisher, 1958; Breiman and others, 1984, section 4.2.2).

use super::bins::{CODES, MISSING};
use super::sums::Sums;

/// Fewest rows of a category, in a node, that is parted from the rest.
pub(in crate::learn::model) const CATEGORY_ROWS_MIN: i64 = 10;

/// A set of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::learn::model) struct CodeSet(pub(in crate::learn::model) [u64; 4]);

/// What goes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn::model) enum Rule {
    /// Codes up to `cut`; missing ones as said.
    Number {
        /// The largest code on the left.
        cut: u8,
        /// Whether code 0 goes left as well.
        missing_left: bool,
    },
    /// These codes.
    Category(CodeSet),
}

/// How the rows of a node are parted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::learn::model) struct Split {
    /// How much better the parts are, above 0.
    pub(in crate::learn::model) gain: f64,
    /// The column.
    pub(in crate::learn::model) column: usize,
    /// What goes left.
    pub(in crate::learn::model) rule: Rule,
    /// The sums over the rows on the left.
    pub(in crate::learn::model) left: Sums,
}

/// What both parts of a split must have.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn::model) struct SplitLimits {
    /// Fewest rows of a part.
    pub(in crate::learn::model) rows_min: i64,
    /// Least weight of a part, in units.
    pub(in crate::learn::model) weight_min: i64,
    /// Added to the weight of each part, in units.
    pub(in crate::learn::model) l2: f64,
    /// Splits must gain more: 0, or less if one that gains nothing is better than none.
    pub(in crate::learn::model) gain_above: f64,
    /// Fewest rows of a category that is parted from the rest; others go as missing ones.
    pub(in crate::learn::model) category_rows_min: i64,
    /// Added to the weight of a category when categories are put in order, in units.
    pub(in crate::learn::model) category_smoothing: f64,
}

impl CodeSet {
    /// Adds `code`.
    pub(in crate::learn::model) fn insert(&mut self, code: u8) {
        self.0[usize::from(code >> 6)] |= 1 << (code & 63);
    }

    /// Whether `code` is in it.
    #[inline]
    pub(in crate::learn::model) fn contains(&self, code: u8) -> bool {
        self.0[usize::from(code >> 6)] >> (code & 63) & 1 == 1
    }

    /// The codes up to `code_max`.
    pub(in crate::learn::model) fn up_to(code_max: u8) -> Self {
        let mut out = Self::default();
        (0..=code_max).for_each(|code| out.insert(code));
        out
    }

    /// Its codes, ascending.
    #[inline]
    pub(in crate::learn::model) fn codes(self) -> impl Iterator<Item = u8> {
        let (mut words, mut word) = (self.0, 0u8);
        std::iter::from_fn(move || {
            while words[usize::from(word)] == 0 {
                if word == 3 {
                    return None;
                }
                word += 1;
            }
            let bits = &mut words[usize::from(word)];
            let place = u8::try_from(bits.trailing_zeros()).unwrap_or_default();
            *bits &= *bits - 1;
            Some(word * 64 + place)
        })
    }
}

impl Rule {
    /// Whether `code` goes left.
    #[inline]
    pub(in crate::learn::model) fn is_left(&self, code: u8) -> bool {
        match self {
            Self::Number { cut, missing_left } => {
                if code == MISSING {
                    *missing_left
                } else {
                    code <= *cut
                }
            }
            Self::Category(left) => left.contains(code),
        }
    }
}

impl SplitLimits {
    /// Whether both parts have what they must.
    pub(in crate::learn::model) fn allows(&self, left: Sums, right: Sums) -> bool {
        left.rows >= self.rows_min
            && right.rows >= self.rows_min
            && left.weight >= self.weight_min
            && right.weight >= self.weight_min
    }

    /// Whether a split is worth it; equal means are told exactly, whatever rounding made of the gain.
    fn is_enough(&self, gain: f64, left: Sums, right: Sums) -> bool {
        gain > self.gain_above && (self.gain_above < 0.0 || !left.has_mean_of(right))
    }

    /// The gain times the weight of the node, in squares of units; without a penalty.
    #[inline]
    fn gain(&self, left: Sums, total: Sums) -> f64 {
        let right = total.minus(left);
        if !self.allows(left, right) {
            return f64::NEG_INFINITY;
        }
        let (value, weight) = (total.value as f64, total.weight as f64);
        let (left_value, left_weight) = (left.value as f64, left.weight as f64);
        let (right_value, right_weight) = (right.value as f64, right.weight as f64);
        if self.l2 > 0.0 {
            let square = |value: f64, weight: f64| value * value / (weight + self.l2);
            let after = square(left_value, left_weight) + square(right_value, right_weight);
            return after - square(value, weight);
        }
        let d = left_value * weight - value * left_weight;
        d * d / (left_weight * right_weight * weight)
    }
}

/// The best split of a node by a column of numbers, of whose codes at most `codes` occur.
pub(in crate::learn::model) fn by_number(
    histogram: &[Sums; CODES],
    codes: CodeSet,
    total: Sums,
    limits: &SplitLimits,
) -> Option<Split> {
    let missing = histogram[usize::from(MISSING)];
    let has_missing = missing.rows > 0;
    let mut best = (limits.gain_above, Sums::default(), 0u8, 0u8, false);
    let mut below = Sums::default();
    let mut last = MISSING;
    for code in codes.codes() {
        let here = histogram[usize::from(code)];
        if here.rows == 0 || code == MISSING {
            continue;
        }
        if last != MISSING {
            let gain = limits.gain(below, total);
            if gain > best.0 {
                best = (gain, below, last, code, false);
            }
            if has_missing {
                let with_missing = below.plus(missing);
                let gain = limits.gain(with_missing, total);
                if gain > best.0 {
                    best = (gain, with_missing, last, code, true);
                }
            }
        }
        below = below.plus(here);
        last = code;
    }
    if has_missing {
        let gain = limits.gain(below, total);
        if gain > best.0 {
            best = (gain, below, u8::MAX, u8::MAX, false);
        }
    }
    let (gain, left, last, next, missing_left) = best;
    let right = total.minus(left);
    if !limits.is_enough(gain, left, right) {
        return None;
    }
    let cut = if last == next { last } else { middle(last, next) };
    let missing_left = if has_missing { missing_left } else { left.rows >= right.rows };
    Some(Split { gain, column: 0, rule: Rule::Number { cut, missing_left }, left })
}

/// The best split of a node by a column of categories, of whose codes at most `codes` occur.
pub(in crate::learn::model) fn by_category(
    histogram: &[Sums; CODES],
    codes: CodeSet,
    total: Sums,
    limits: &SplitLimits,
) -> Option<Split> {
    let mut order = [(0.0f64, 0u8); CODES];
    let mut count = 0;
    for code in codes.codes() {
        let here = histogram[usize::from(code)];
        if here.rows > 0 && here.rows >= limits.category_rows_min {
            let mean = here.value as f64 / (here.weight as f64 + limits.category_smoothing);
            order[count] = (mean, code);
            count += 1;
        }
    }
    let order = &mut order[..count];
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut below, mut best) = (Sums::default(), (limits.gain_above, Sums::default(), 0));
    for (place, (_, code)) in order.iter().enumerate() {
        below = below.plus(histogram[usize::from(*code)]);
        let gain = limits.gain(below, total);
        if gain > best.0 {
            best = (gain, below, place + 1);
        }
    }
    let (gain, left, count) = best;
    let right = total.minus(left);
    if !limits.is_enough(gain, left, right) {
        return None;
    }
    let left_of: Vec<u8> = order[..count].iter().map(|(_, code)| *code).collect();
    let set = left_codes(&left_of, occurring(histogram, codes), left.rows >= right.rows);
    Some(Split { gain, column: 0, rule: Rule::Category(set), left })
}

/// The codes that rows of the node have.
fn occurring(histogram: &[Sums; CODES], codes: CodeSet) -> CodeSet {
    let mut known = CodeSet::default();
    for code in codes.codes() {
        if histogram[usize::from(code)].rows > 0 {
            known.insert(code);
        }
    }
    known
}

/// The middle of the codes between two that occur, the smaller of which goes left.
pub(in crate::learn::model) fn middle(last: u8, next: u8) -> u8 {
    last + (next - 1 - last) / 2
}

/// What goes left: `left`, and codes that are not `occurring` if the left is larger.
pub(in crate::learn::model) fn left_codes(
    left: &[u8],
    occurring: CodeSet,
    is_left_larger: bool,
) -> CodeSet {
    let mut set = CodeSet::default();
    for code in left {
        set.insert(*code);
    }
    if is_left_larger {
        (0..=u8::MAX).filter(|code| !occurring.contains(*code)).for_each(|code| set.insert(code));
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SplitLimits = SplitLimits {
        rows_min: 1,
        weight_min: 1,
        l2: 0.0,
        gain_above: 0.0,
        category_rows_min: 0,
        category_smoothing: 0.0,
    };

    fn histogram(cells: &[(u8, i64, i64)]) -> (Box<[Sums; CODES]>, Sums, CodeSet) {
        let mut out = Box::new([Sums::default(); CODES]);
        let (mut total, mut codes) = (Sums::default(), CodeSet::default());
        for (code, value, rows) in cells {
            let sums = Sums { value: *value, weight: *rows, rows: *rows };
            out[usize::from(*code)] = sums;
            total = total.plus(sums);
            codes.insert(*code);
        }
        (out, total, codes)
    }

    /// What the squares about the mean lose.
    fn gain(left: Sums, total: Sums) -> f64 {
        let square = |sums: Sums| (sums.value as f64).powi(2) / sums.weight as f64;
        square(left) + square(total.minus(left)) - square(total)
    }

    #[test]
    fn the_best_of_all_cuts_is_found() {
        let cells = [(0, 5, 4), (3, -7, 5), (4, 1, 3), (9, 6, 6), (10, -2, 1), (200, 9, 7)];
        let (sums, total, codes) = histogram(&cells);
        let found = by_number(&sums, codes, total, &LIMITS).unwrap();
        let mut best = 0.0f64;
        for cut in 1..=255 {
            for missing_left in [false, true] {
                let rule = Rule::Number { cut, missing_left };
                let on_left = cells.iter().filter(|(code, ..)| rule.is_left(*code));
                let left = on_left
                    .fold(Sums::default(), |left, (code, ..)| left.plus(sums[usize::from(*code)]));
                if left.rows > 0 && left.rows < total.rows {
                    best = best.max(gain(left, total));
                }
            }
        }
        assert!(
            (found.gain - best).abs() < 1e-12 && (gain(found.left, total) - best).abs() < 1e-12
        );
    }

    #[test]
    fn cuts_are_in_the_middle_of_codes_without_rows() {
        let (sums, total, codes) = histogram(&[(3, 0, 5), (10, 5, 5)]);
        let found = by_number(&sums, codes, total, &LIMITS).unwrap();
        assert_eq!(found.rule, Rule::Number { cut: 6, missing_left: true });
        let (sums, total, codes) = histogram(&[(3, 0, 5), (4, 5, 5)]);
        let found = by_number(&sums, codes, total, &LIMITS).unwrap();
        assert_eq!(found.rule, Rule::Number { cut: 3, missing_left: true });
        // All that is known on one side, what is missing on the other.
        let (sums, total, codes) = histogram(&[(0, 5, 5), (3, 0, 5), (4, 0, 5)]);
        let found = by_number(&sums, codes, total, &LIMITS).unwrap();
        assert_eq!(found.rule, Rule::Number { cut: 255, missing_left: false });
    }

    #[test]
    fn splits_that_gain_nothing_or_leave_too_little_are_none() {
        let (sums, total, codes) = histogram(&[(1, 1, 3), (2, 2, 6)]);
        assert_eq!(by_number(&sums, codes, total, &LIMITS), None);
        let anything = SplitLimits { gain_above: -1.0, ..LIMITS };
        assert!(by_number(&sums, codes, total, &anything).is_some());
        let (sums, total, codes) = histogram(&[(1, 0, 3), (2, 9, 6)]);
        for (rows_min, is_found) in [(3, true), (4, false)] {
            let limits = SplitLimits { rows_min, ..LIMITS };
            assert_eq!(by_number(&sums, codes, total, &limits).is_some(), is_found);
            assert_eq!(by_category(&sums, codes, total, &limits).is_some(), is_found);
        }
        let heavy = SplitLimits { l2: 1e12, ..LIMITS };
        let found = by_number(&sums, codes, total, &heavy).map_or(0.0, |split| split.gain);
        assert!(found < 1e-9);
    }

    #[test]
    fn the_best_of_all_groups_is_found() {
        let cells = [(1, 5, 9), (2, -7, 5), (3, 1, 3), (4, 6, 6), (5, -2, 1), (6, 9, 7)];
        let (sums, total, codes) = histogram(&cells);
        let found = by_category(&sums, codes, total, &LIMITS).unwrap();
        let mut best = 0.0f64;
        for group in 1..63u32 {
            let left = (0..6u8)
                .filter(|place| group >> place & 1 == 1)
                .fold(Sums::default(), |left, place| left.plus(sums[usize::from(place + 1)]));
            best = best.max(gain(left, total));
        }
        assert!((found.gain - best).abs() < 1e-12);
        let Rule::Category(left) = found.rule else { panic!("{found:?}") };
        let of_group = left.codes().filter(|code| (1..=6).contains(code));
        let sum = of_group.fold(Sums::default(), |sum, code| sum.plus(sums[usize::from(code)]));
        assert_eq!(sum, found.left);
        assert_eq!(
            left.contains(0),
            2 * sum.rows >= total.rows,
            "new ones go with the larger part"
        );
    }

    #[test]
    fn rare_categories_are_not_told_apart() {
        let (sums, total, codes) = histogram(&[(1, 0, 20), (2, 20, 20), (3, 9, 9), (4, 0, 9)]);
        let limits = SplitLimits { category_rows_min: CATEGORY_ROWS_MIN, ..LIMITS };
        let Rule::Category(left) = by_category(&sums, codes, total, &limits).unwrap().rule else {
            panic!("wanted a group")
        };
        assert_eq!(left.contains(3), left.contains(4));
    }

    #[test]
    fn sets_list_their_codes() {
        assert_eq!(CodeSet::up_to(255).codes().count(), 256);
        assert_eq!(CodeSet::up_to(65).codes().last(), Some(65));
        assert_eq!(CodeSet::default().codes().next(), None);
    }
}
