//! Folds: rows that are predicted by a model which was not fitted on them, several times over.
//!
//! Rows with times are cut forward in time: each fold is later than all that its model was fitted on, as
//! tomorrow is later than today. Rows without are dealt by a hash of their id and the seed, so that a row
//! is in the same fold whatever rows are around it.

use crate::learn::split::place;

/// Rows to fit on, and the rows to predict with that model; both ascending places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to predict.
    pub test: Vec<usize>,
}

/// At most `count` folds forward in time, of rows with these times.
///
/// The rows are cut into `count + 1` parts of nearly equal size; rows of one instant stay together, and a
/// row within `gap_micros` before a part is used for neither side. The first part is only ever fitted on.
/// A fold without rows on either side is left out.
pub fn forward(times: &[i64], gap_micros: i128, count: usize) -> Vec<Fold> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let parts = count.saturating_add(1);
    let begin = |part: usize| sorted.get(part * sorted.len() / parts).copied();
    let fold = |part: usize| {
        let (from, until) = (begin(part)?, begin(part + 1).filter(|_| part + 1 < parts));
        let rows = || times.iter().copied().enumerate();
        let test =
            rows().filter(|(_, time)| *time >= from && until.is_none_or(|until| *time < until));
        let before = i128::from(from) - gap_micros.max(0);
        let train = rows().filter(|(_, time)| i128::from(*time) < before);
        Some(Fold {
            train: train.map(|(row, _)| row).collect(),
            test: test.map(|(row, _)| row).collect(),
        })
    };
    (1..parts).filter_map(fold).filter(Fold::is_whole).collect()
}

/// At most `count` folds of rows with these hashes of their ids. A fold without rows on either side is left
/// out.
pub fn by_hash(id_hashes: &[u64], seed: u64, count: usize) -> Vec<Fold> {
    let dealt: Vec<usize> = id_hashes
        .iter()
        .map(|id| {
            // The upper half of a product: the place scaled to the number of folds.
            let scaled = u128::from(place(seed ^ FOLDS, *id)) * count as u128;
            usize::try_from(scaled >> 64).unwrap_or(0)
        })
        .collect();
    let fold = |fold: usize| {
        let (test, train) = (0..dealt.len()).partition(|row| dealt[*row] == fold);
        Fold { train, test }
    };
    (0..count).map(fold).filter(Fold::is_whole).collect()
}

/// Tells the folds of a seed from the split of the same seed, which would leave some folds empty.
const FOLDS: u64 = 0x666f_6c64_7300_0000;

impl Fold {
    fn is_whole(&self) -> bool {
        !self.train.is_empty() && !self.test.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_fold_is_later_than_what_it_is_predicted_from() {
        let times = [50, 10, 40, 20, 30, 60, 0, 70];
        let folds = forward(&times, 0, 3);
        let tests: Vec<Vec<i64>> =
            folds.iter().map(|fold| fold.test.iter().map(|row| times[*row]).collect()).collect();
        assert_eq!(tests, [vec![20, 30], vec![50, 40], vec![60, 70]]);
        let trained: Vec<usize> = folds.iter().map(|fold| fold.train.len()).collect();
        assert_eq!(trained, [2, 4, 6]);
        let gapped = forward(&times, 11, 3);
        assert_eq!(gapped[1].train.iter().map(|row| times[*row]).max(), Some(20));
    }

    #[test]
    fn rows_of_one_instant_stay_together() {
        assert_eq!(forward(&[5; 9], 0, 3), []);
        let folds = forward(&[0, 0, 0, 0, 0, 0, 1, 1], 0, 3);
        assert_eq!(folds.len(), 1, "{folds:?}");
        assert_eq!(folds[0].test, [6, 7]);
        assert_eq!(forward(&[], 0, 3), []);
    }

    #[test]
    fn dealt_folds_are_of_nearly_equal_size() {
        let ids: Vec<u64> = (0..10_000).collect();
        let folds = by_hash(&ids, 7, 5);
        assert!(folds.iter().all(|fold| fold.test.len().abs_diff(2_000) < 200));
        // Rows that a random split of the same seed has left to train on.
        let left: Vec<u64> = ids.into_iter().filter(|id| place(7, *id) >= u64::MAX / 5).collect();
        assert_eq!(by_hash(&left, 7, 5).len(), 5);
    }

    proptest! {
        #[test]
        fn no_row_is_on_both_sides(
            times in proptest::collection::vec(-50_i64..50, 0..80), gap in 0_i128..10, count in 2_usize..7,
        ) {
            let ids: Vec<u64> = times.iter().map(|time| time.unsigned_abs()).collect();
            let hashed = by_hash(&ids, 3, count);
            let mut seen: Vec<usize> = hashed.iter().flat_map(|fold| fold.test.clone()).collect();
            seen.sort_unstable();
            prop_assert!(hashed.len() < 2 || seen == (0..times.len()).collect::<Vec<_>>());
            for fold in forward(&times, gap, count) {
                let first = fold.test.iter().map(|row| times[*row]).min().unwrap();
                let last = fold.train.iter().map(|row| times[*row]).max().unwrap();
                prop_assert!(i128::from(last) <= i128::from(first) - gap && last < first);
            }
        }
    }
}
