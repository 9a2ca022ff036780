//! Metrics that depend on the order of the scores alone: the area under the ROC curve, and average
//! precision.
//!
//! Scores are sorted once; rows of equal score form one step, in which the order of the rows makes no
//! difference. Areas are computed from whole numbers, so they have the same bits for any order of the
//! rows.

use std::ops::Range;

use rayon::prelude::*;

use super::{bootstrap, interval};
use crate::domain::registry::MetricValue;

/// Rows by falling score.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// The rows in their order.
    rows: Vec<usize>,
    /// For each place whether its row is positive; apart from `rows`, because replicates read only this.
    is_positive: Vec<bool>,
    /// For each place whether the next row has a lower score, or there is none.
    ends_step: Vec<bool>,
    positives: u64,
    negatives: u64,
}

/// The places of rows with one score.
struct Step {
    places: Range<usize>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Sorts rows by their finite scores; `is_positive` says of which class a row is.
    pub fn new(scores: &[f64], is_positive: impl Fn(usize) -> bool) -> Self {
        let mut rows: Vec<usize> = (0..scores.len()).collect();
        // Adding 0 turns -0 into 0, so that the two tie.
        let score = |row: usize| scores[row] + 0.0;
        rows.par_sort_unstable_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
        let falls_behind = |place: usize| match rows.get(place + 1) {
            Some(next) => score(*next) < score(rows[place]),
            None => true,
        };
        let ends_step = (0..rows.len()).map(falls_behind).collect();
        let is_positive: Vec<bool> = rows.iter().map(|row| is_positive(*row)).collect();
        let positives = is_positive.iter().filter(|positive| **positive).count() as u64;
        let negatives = rows.len() as u64 - positives;
        Self { rows, is_positive, ends_step, positives, negatives }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The area under the ROC curve, 0 to 1, larger is better; `None` if a class has no row.
    ///
    /// The interval is that of `DeLong` et al. (1988), with the placements found from
    /// ranks in O(n log n) (Sun and Xu, 2014); of classes that are separated perfectly, that of Wilson for the
    /// rows of the rarer one. A class of one row has no variance, and then there is no interval.
    pub fn roc_auc(&self) -> Option<MetricValue> {
        let area = self.area()?;
        let (positives, negatives) = (self.positives as f64, self.negatives as f64);
        let (mut above, mut below) = (0.0, 0.0);
        self.placements(|place, placement| {
            let part = (placement - area) * (placement - area);
            if self.is_positive[place] { above += part } else { below += part }
        });
        let error = (self.positives > 1 && self.negatives > 1).then(|| {
            let variance =
                above / (positives - 1.0) / positives + below / (negatives - 1.0) / negatives;
            variance.sqrt()
        });
        let found = interval::within_unit(interval::around(area, error));
        Some(self.rows_alike().map_or(found, |rows| interval::with_width(found, rows)))
    }

    /// How many rows speak for an area whose variance is 0: those of the rarer class. `None` where no score
    /// differs from another, which leaves nothing open.
    pub(super) fn rows_alike(&self) -> Option<usize> {
        let is_constant = self.ends_step.iter().filter(|ends| **ends).count() <= 1;
        let rarer = usize::try_from(self.positives.min(self.negatives)).ok()?;
        (!is_constant).then_some(rarer)
    }

    /// The area under the ROC curve without an interval.
    ///
    /// It is the share of pairs of a positive and a negative row that are in the right order, ties
    /// counting one half; pairs are counted twice over to stay whole.
    pub fn area(&self) -> Option<f64> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let mut twice = 0_u128;
        let mut negatives_above = 0;
        for step in self.steps() {
            let below = self.negatives - negatives_above - step.negatives;
            twice += u128::from(step.positives) * u128::from(2 * below + step.negatives);
            negatives_above += step.negatives;
        }
        let pairs = u128::from(self.positives) * u128::from(self.negatives);
        Some(twice as f64 / 2.0 / pairs as f64)
    }

    /// Hands `take` every place with its placement: for a positive row the share of negatives below it, for a
    /// negative row the share of positives above it, ties counting one half. 0 to 1.
    fn placements(&self, mut take: impl FnMut(usize, f64)) {
        let (mut positives_above, mut negatives_above) = (0, 0);
        for step in self.steps() {
            let below = (self.negatives - negatives_above) as f64 - step.negatives as f64 / 2.0;
            let above = positives_above as f64 + step.positives as f64 / 2.0;
            let of_positive = below / self.negatives as f64;
            let of_negative = above / self.positives as f64;
            for place in step.places {
                take(place, if self.is_positive[place] { of_positive } else { of_negative });
            }
            positives_above += step.positives;
            negatives_above += step.negatives;
        }
    }

    /// Adds to each row's `influence` how much it pulls the area away from its mean: its placement less
    /// the area, divided by the size of its class. The area must be defined.
    pub fn add_influence(&self, area: f64, influence: &mut [f64]) {
        let (positives, negatives) = (self.positives as f64, self.negatives as f64);
        self.placements(|place, placement| {
            let class_rows = if self.is_positive[place] { positives } else { negatives };
            influence[self.rows[place]] += (placement - area) / class_rows;
        });
    }

    /// Average precision, 0 to 1, larger is better; `None` without a positive row.
    ///
    /// The sum over steps of falling score of (recall gained) x (precision there), as scikit-learn's
    /// `average_precision_score`; the interval is a Poisson bootstrap of rows, and where that has no width, that
    /// of Wilson for the positive rows.
    pub fn average_precision(&self, seed: u64) -> Option<MetricValue> {
        // Rows can be exchanged, so that a weight for each place will do, which needs no look-up.
        let found = bootstrap::estimate(seed, "pr_auc", self.rows.len(), |weights| {
            self.average_precision_at(|place| weights[place])
        });
        let positives = usize::try_from(self.positives).unwrap_or(usize::MAX);
        found.map(|found| interval::with_width(found, positives))
    }

    /// Average precision of rows with weights; `None` if no positive row has one.
    pub fn average_precision_of(&self, weights: &[u8]) -> Option<f64> {
        self.average_precision_at(|place| weights[self.rows[place]])
    }

    fn average_precision_at(&self, weight_at: impl Fn(usize) -> u8) -> Option<f64> {
        let (mut found, mut all, mut found_before, mut sum) = (0.0, 0.0, 0.0, 0.0);
        for (place, is_positive) in self.is_positive.iter().enumerate() {
            let weight = f64::from(weight_at(place));
            found += if *is_positive { weight } else { 0.0 };
            all += weight;
            if self.ends_step[place] && found > found_before {
                sum += (found - found_before) * (found / all);
                found_before = found;
            }
        }
        (found > 0.0).then(|| sum / found)
    }

    /// The area under the ROC curve of rows with weights; `None` if a class has none.
    pub fn area_of(&self, weights: &[u8]) -> Option<f64> {
        let (mut positives, mut negatives, mut twice) = (0_u64, 0_u64, 0_u128);
        let mut step = [0_u64; 2];
        for (place, row) in self.rows.iter().enumerate() {
            step[usize::from(self.is_positive[place])] += u64::from(weights[*row]);
            if self.ends_step[place] {
                let [step_negatives, step_positives] = step;
                // The positives of earlier steps are above these negatives, those of this one level.
                let pairs = 2 * positives + step_positives;
                twice += u128::from(step_negatives) * u128::from(pairs);
                positives += step_positives;
                negatives += step_negatives;
                step = [0; 2];
            }
        }
        let pairs = u128::from(positives) * u128::from(negatives);
        (pairs > 0).then(|| twice as f64 / 2.0 / pairs as f64)
    }

    /// The steps by falling score.
    fn steps(&self) -> impl Iterator<Item = Step> {
        let mut first = 0;
        self.ends_step.chunk_by(|ends, _| !ends).map(move |step| {
            let places = first..first + step.len();
            first = places.end;
            let positives =
                self.is_positive[places.clone()].iter().filter(|positive| **positive).count()
                    as u64;
            Step { negatives: places.len() as u64 - positives, places, positives }
        })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact results are wanted")]
mod tests {
    use super::*;

    fn ranking(scores: &[f64], truth: &[bool]) -> Ranking {
        Ranking::new(scores, |row| truth[row])
    }

    #[test]
    fn the_vectors_of_the_statistics_document() {
        let truth: Vec<bool> = (0..10).map(|row| row >= 5).collect();
        let scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.35, 0.5, 0.7, 0.8, 0.9];
        assert_eq!(ranking(&scores, &truth).area(), Some(0.88));
        let scores = [0.2, 0.1, 0.45, 0.3, 0.5, 0.4, 0.55, 0.6, 0.9, 0.8];
        assert_eq!(ranking(&scores, &truth).area(), Some(0.92));
    }

    #[test]
    fn ties_count_one_half_whatever_their_order() {
        let found = ranking(&[0.5; 4], &[true, false, true, false]);
        assert_eq!(found.area(), Some(0.5));
        let value = found.roc_auc().unwrap();
        assert_eq!((value.low, value.high), (Some(0.5), Some(0.5)));
        assert_eq!(found.average_precision(1).unwrap().value, 0.5);
        assert_eq!(ranking(&[0.0, -0.0], &[true, false]).area(), Some(0.5));
    }

    #[test]
    fn a_weight_is_a_row_repeated() {
        let scores = [0.9, 0.4, 0.4, 0.7, 0.1, 0.4, 0.2];
        let truth = [true, true, false, false, false, true, true];
        let weights = [2_u8, 0, 3, 1, 1, 2, 1];
        let repeated: Vec<usize> = (0..7).flat_map(|row| vec![row; weights[row].into()]).collect();
        let drawn: Vec<f64> = repeated.iter().map(|row| scores[*row]).collect();
        let wanted = Ranking::new(&drawn, |place| truth[repeated[place]]);
        let found = ranking(&scores, &truth);
        assert_eq!(found.area_of(&weights), wanted.area());
        let precision = wanted.average_precision_of(&vec![1; drawn.len()]);
        assert_eq!(found.average_precision_of(&weights), precision);
        assert_eq!(found.area_of(&[0; 7]), None);
        assert_eq!(found.average_precision_of(&[0; 7]), None);
    }

    #[test]
    fn one_class_has_no_area() {
        assert_eq!(ranking(&[0.1, 0.9], &[true, true]).roc_auc(), None);
        assert_eq!(ranking(&[0.1, 0.9], &[false, false]).average_precision(1), None);
        assert_eq!(ranking(&[], &[]).roc_auc(), None);
    }

    #[test]
    fn one_row_of_a_class_has_an_area_but_no_interval() {
        let found = ranking(&[0.9, 0.1, 0.2], &[true, false, false]).roc_auc().unwrap();
        assert_eq!(found, MetricValue { value: 1.0, low: None, high: None });
    }

    #[test]
    fn perfect_and_reversed_order_are_the_ends() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let up: Vec<bool> = (0..100).map(|row| row >= 60).collect();
        let down: Vec<bool> = up.iter().map(|positive| !positive).collect();
        assert_eq!(ranking(&scores, &up).area(), Some(1.0));
        // Wilson's bound of 40 positive rows that are all right.
        let low = 40.0 / (40.0 + interval::Z * interval::Z);
        for found in [ranking(&scores, &up).roc_auc(), ranking(&scores, &up).average_precision(1)] {
            let found = found.unwrap();
            assert!((found.low.unwrap() - low).abs() < 1e-12, "{found:?}");
            assert_eq!((found.value, found.high), (1.0, Some(1.0)));
        }
        assert_eq!(ranking(&scores, &down).area(), Some(0.0));
    }
}
