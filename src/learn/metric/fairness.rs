//! How decisions differ between groups of rows: who is selected, and how often that is right.
//!
//! Differences and ratios are the usual ones, with the names of fairlearn. None of them is a verdict: the
//! rule of four fifths belongs to one law of one country. A rate that is not defined for a group, because
//! it has no row of that class, takes no part; fairlearn counts it as 0, which makes gaps of missing data.

use super::binary::Confusion;
use super::interval;
use crate::domain::registry::MetricValue;

/// Shares of the decisions of one group, each 0 to 1, with Wilson's intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Rows decided positive.
    pub selection: Option<MetricValue>,
    /// Positive rows decided positive; `None` without a positive row.
    pub true_positive: Option<MetricValue>,
    /// Negative rows decided positive; `None` without a negative row.
    pub false_positive: Option<MetricValue>,
}

/// The largest gaps between groups; `None` where fewer than two have the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disparity {
    /// Demographic parity: the largest selection rate less the smallest, 0 to 1; 0 is alike.
    pub parity_difference: Option<f64>,
    /// Demographic parity: the smallest selection rate over the largest, 0 to 1; 1 is alike. `None` also
    /// if nobody is selected.
    pub parity_ratio: Option<f64>,
    /// Equalised odds: the larger of the gaps of true and of false positive rates, 0 to 1; 0 is alike.
    pub odds_difference: Option<f64>,
}

impl Rates {
    /// The rates of the decisions that are counted.
    pub fn of(counts: &Confusion) -> Self {
        let selected = counts.true_positives + counts.false_positives;
        let rows = selected + counts.true_negatives + counts.false_negatives;
        let negatives = counts.false_positives + counts.true_negatives;
        Self {
            selection: interval::share(selected, rows),
            true_positive: counts.recall(),
            false_positive: interval::share(counts.false_positives, negatives),
        }
    }
}

impl Disparity {
    /// The gaps between groups.
    pub fn of(groups: &[Rates]) -> Self {
        let ends = |rate: fn(&Rates) -> Option<MetricValue>| {
            let values = groups.iter().filter_map(rate).map(|rate| rate.value);
            let (low, high, count) = values.fold((1.0_f64, 0.0_f64, 0), |(low, high, count), x| {
                (low.min(x), high.max(x), count + 1)
            });
            (count > 1).then_some((low, high))
        };
        let gap = |(low, high): (f64, f64)| high - low;
        let selection = ends(|rates| rates.selection);
        let odds = [ends(|rates| rates.true_positive), ends(|rates| rates.false_positive)];
        Self {
            parity_difference: selection.map(gap),
            parity_ratio: selection.filter(|(_, high)| *high > 0.0).map(|(low, high)| low / high),
            odds_difference: odds.into_iter().flatten().map(gap).reduce(f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(counts: [u64; 4]) -> Rates {
        let [true_positives, false_positives, true_negatives, false_negatives] = counts;
        Rates::of(&Confusion { true_positives, false_positives, true_negatives, false_negatives })
    }

    #[test]
    fn gaps_are_between_the_ends() {
        let found = Disparity::of(&[rates([2, 0, 6, 2]), rates([4, 2, 2, 0]), rates([1, 1, 1, 1])]);
        // Selection 0.2, 0.75, 0.5; true positives 0.5, 1, 0.5; false positives 0, 0.5, 0.5.
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(near(found.parity_difference, 0.55), "{found:?}");
        assert!(near(found.parity_ratio, 0.2 / 0.75), "{found:?}");
        assert!(near(found.odds_difference, 0.5), "{found:?}");
    }

    #[test]
    fn what_is_not_defined_is_no_gap() {
        let none = rates([0, 0, 5, 0]);
        assert_eq!(none.true_positive, None);
        let found = Disparity::of(&[none, rates([0, 0, 3, 2])]);
        assert_eq!((found.parity_difference, found.parity_ratio), (Some(0.0), None));
        assert_eq!(found.odds_difference, Some(0.0));
        let alone = Disparity::of(&[rates([2, 0, 6, 2])]);
        let nothing =
            Disparity { parity_difference: None, parity_ratio: None, odds_difference: None };
        assert_eq!((alone, Disparity::of(&[])), (nothing, nothing));
    }
}
