//! Rows in folds: which are fitted on and which are predicted, so that no row is judged by a model that saw it.
//!
//! Where times count, the rows are cut by time into one part more than there are folds, and each part but the
//! first is predicted by what was before it, never by what came after. Otherwise a stable hash of the seed and
//! the id says the fold, so that rows of one id stay together and the order of rows does not matter.

use crate::learn::fit::Examples;
use crate::learn::split::place;

/// How many folds there are.
pub(super) const FOLDS: usize = 5;
/// Makes the places of ids here others than those of the split into training and test.
const SALT: u64 = 0x0f01_d5ca_1b7a_7e00;

/// Places among the examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fold {
    /// Rows to fit on.
    pub(super) fit: Vec<usize>,
    /// Rows to predict.
    pub(super) held_out: Vec<usize>,
}

/// At most [`FOLDS`] folds, none of them without a row on either side. `gap_micros` before the rows to predict
/// are used for neither, as in the split by time.
pub(super) fn folds(examples: &Examples, seed: u64, gap_micros: i64) -> Vec<Fold> {
    let found: Vec<Fold> = match &examples.times {
        Some(times) => forward(times, gap_micros),
        None => (0..FOLDS).map(|fold| by_hash(&examples.ids, seed, fold)).collect(),
    };
    found.into_iter().filter(|fold| !fold.fit.is_empty() && !fold.held_out.is_empty()).collect()
}

fn by_hash(ids: &[u64], seed: u64, fold: usize) -> Fold {
    let is_held_out = |row: &usize| place(seed ^ SALT, ids[*row]) % FOLDS as u64 == fold as u64;
    let (held_out, fit) = (0..ids.len()).partition(is_held_out);
    Fold { fit, held_out }
}

/// Rows of one instant are on one side.
fn forward(times: &[i64], gap_micros: i64) -> Vec<Fold> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut edges: Vec<i64> = (1..=FOLDS)
        .filter_map(|part| sorted.get(part * sorted.len() / (FOLDS + 1)).copied())
        .collect();
    edges.dedup();
    let ends = edges.iter().skip(1).copied().map(Some).chain([None]);
    let fold = |(from, until): (&i64, Option<i64>)| {
        let before = from.saturating_sub(gap_micros.max(0));
        let is_held_out = |time: i64| time >= *from && until.is_none_or(|until| time < until);
        Fold {
            fit: (0..times.len()).filter(|row| times[*row] < before).collect(),
            held_out: (0..times.len()).filter(|row| is_held_out(times[*row])).collect(),
        }
    };
    edges.iter().zip(ends).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::Labels;

    fn examples(times: Option<Vec<i64>>, rows: usize) -> Examples {
        let all: Vec<usize> = (0..rows).collect();
        Examples { times, ..Examples::plain(&all, &Labels::Values(vec![0.0; rows])) }
    }

    #[test]
    fn hashed_folds_hold_out_every_row_once() {
        let mut examples = examples(None, 1_000);
        // Two rows of each id.
        examples.ids = (0..1_000).map(|row| row / 2).collect();
        let found = folds(&examples, 7, 0);
        assert_eq!(found.len(), FOLDS);
        let mut held_out: Vec<usize> =
            found.iter().flat_map(|fold| fold.held_out.clone()).collect();
        held_out.sort_unstable();
        assert_eq!(held_out, (0..1_000).collect::<Vec<_>>());
        for fold in &found {
            assert_eq!(fold.fit.len() + fold.held_out.len(), 1_000);
            assert!((150..250).contains(&fold.held_out.len()), "{}", fold.held_out.len());
            assert!(fold.held_out.iter().all(|row| fold.held_out.contains(&(row ^ 1))));
        }
        assert_ne!(folds(&examples, 8, 0), found);
    }

    #[test]
    fn folds_by_time_look_forward_only() {
        let times: Vec<i64> = (0..60).rev().map(|row| row / 2).collect();
        for gap in [0, 2] {
            let found = folds(&examples(Some(times.clone()), 60), 7, gap);
            assert_eq!(found.len(), FOLDS);
            let held_out: usize = found.iter().map(|fold| fold.held_out.len()).sum();
            assert_eq!(held_out, 50, "all but the first part");
            for fold in found {
                let latest = fold.fit.iter().map(|row| times[*row]).max().unwrap();
                let earliest = fold.held_out.iter().map(|row| times[*row]).min().unwrap();
                assert_eq!(earliest - latest, 1 + gap);
            }
        }
        // One instant, or fewer than there are parts.
        assert!(folds(&examples(Some(vec![5; 60]), 60), 7, 0).is_empty());
        assert_eq!(folds(&examples(Some(vec![1, 1, 1, 2]), 4), 7, 0).len(), 1);
        assert!(folds(&examples(Some(Vec::new()), 0), 7, 0).is_empty());
    }
}
