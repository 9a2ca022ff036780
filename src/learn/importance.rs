//! How much each feature moves the score: by what the score changes when the column is shuffled.
//!
//! Permutation importance (Breiman, *Random forests*, Machine Learning 45, 2001; Fisher, Rudin and
//! Dominici, *All models are wrong, but many are useful*, JMLR 20, 2019), measured on the score and not on
//! the loss: no label is needed, any kind of model can be asked, and a column that moves the score for the
//! worse counts as well. It is a fact about the model, not about the world. Columns that go together share
//! what they move, and shuffling one of them makes rows that never occur (Hooker, Mentch and Zhou, 2021).
//! What the shares are used for is decided elsewhere.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::domain::frame::Frame;
use crate::learn::artifact::Artifact;
use crate::learn::features::{BatchError, Block, BlockReader};

/// Most rows that are shuffled.
const ROWS_MAX: usize = 1_000;
/// Fewest rows that say anything.
const ROWS_MIN: usize = 30;
/// How often each column is shuffled.
const SHUFFLES: usize = 5;
/// Most values that are scored: wide models are measured on fewer rows, the widest on none.
const VALUES_MAX: usize = 1_000_000_000;

/// The share of each feature in all that moves the score, in the order of the features.
///
/// Every share is from 0, the column is not used, to 1, it alone is. They sum to 1, or all are 0 if the
/// model says the same of every row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    shares: Vec<f64>,
}

impl Importance {
    /// Measures `artifact` on the rows of `frame`, which it was not fitted on; `seed` shuffles them.
    ///
    /// For each column the sum over rows, shuffles and outputs of |score with the column shuffled − score|,
    /// divided by that of all columns. `None` if there are too few rows, too many columns, or a score that
    /// is not finite.
    pub fn of(
        artifact: &Artifact,
        frame: &Frame<'_>,
        seed: u64,
    ) -> Result<Option<Self>, BatchError> {
        let columns = artifact.features.fitted().len();
        let affordable = VALUES_MAX / SHUFFLES / columns.saturating_mul(columns).max(1);
        let rows = frame.rows.min(ROWS_MAX).min(affordable);
        if rows < ROWS_MIN {
            return Ok(None);
        }
        let reader = BlockReader::new(&artifact.features, frame)?;
        let mut block = reader.block();
        reader.read(&(0..rows), &mut block);
        let predict = |block: &Block| {
            let mut out = vec![0.0; artifact.outputs() * rows];
            artifact.predict(block, &mut out);
            out
        };
        let scores = predict(&block);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..rows).collect();
        let mut moved = vec![0.0; columns];
        for _ in 0..SHUFFLES {
            order.shuffle(&mut random);
            for (column, moved) in moved.iter_mut().enumerate() {
                let shuffled = block.columns[column].reordered(&order);
                let kept = std::mem::replace(&mut block.columns[column], shuffled);
                let changed = predict(&block);
                block.columns[column] = kept;
                let pairs = changed.iter().zip(&scores);
                *moved += pairs.map(|(after, before)| (after - before).abs()).sum::<f64>();
            }
        }
        Ok(Self::normalised(moved))
    }

    /// The share of each feature, in the order of the features.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Whether the shares could have been measured on a model of so many features: what is read from a
    /// file need not be.
    pub(super) fn is_sound(&self, features: usize) -> bool {
        self.shares.len() == features && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
    }

    fn normalised(mut moved: Vec<f64>) -> Option<Self> {
        let total: f64 = moved.iter().sum();
        if !total.is_finite() {
            return None;
        }
        if total > 0.0 {
            for moved in &mut moved {
                *moved /= total;
            }
        }
        Some(Self { shares: moved })
    }
}

/// At most [`ROWS_MAX`] of `rows`, evenly spaced, so that all of a long table is looked at.
pub fn rows_to_shuffle(rows: &[usize]) -> Vec<usize> {
    rows.iter().copied().step_by(rows.len().div_ceil(ROWS_MAX).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::fit::sample::{FITS, Sample};

    #[test]
    fn every_kind_says_what_moves_it() {
        let sample = Sample::new(300);
        for (label, task, kind) in FITS {
            let artifact = sample.artifact(label, task, kind);
            let found = Importance::of(&artifact, &sample.frame(), 7).unwrap().unwrap();
            let total: f64 = found.shares().iter().sum();
            assert!(found.is_sound(4), "{kind}: {found:?}");
            let wanted = if *kind == "dummy" { 0.0 } else { 1.0 };
            assert!((total - wanted).abs() < 1e-12, "{kind}: {found:?}");
            if *kind != "dummy" {
                // `x0` makes up most of the label and `x1` none of it.
                assert!(found.shares()[0] > 2.0 * found.shares()[1], "{kind}: {found:?}");
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_shares_and_another_nearly_so() {
        let sample = Sample::new(1_000);
        let artifact = sample.artifact("two", "binary", "logistic");
        let [one, again, other] = [7, 7, 8]
            .map(|seed| Importance::of(&artifact, &sample.frame(), seed).unwrap().unwrap());
        assert_eq!(one, again);
        assert_ne!(one, other);
        let pairs = one.shares().iter().zip(other.shares());
        assert!(pairs.into_iter().all(|(one, other)| (one - other).abs() < 0.02));
    }

    #[test]
    fn too_few_rows_or_too_large_scores_say_nothing() {
        let artifact = Sample::new(300).artifact("two", "binary", "logistic");
        let few = Sample::new(29);
        assert_eq!(Importance::of(&artifact, &few.frame(), 7), Ok(None));
        assert_eq!(Importance::normalised(vec![1.0, f64::INFINITY]), None);
        assert!(!Importance { shares: vec![0.5, f64::NAN] }.is_sound(2));
        assert!(!Importance { shares: vec![1.0] }.is_sound(2));
    }

    #[test]
    fn rows_are_taken_from_all_of_a_long_table() {
        let all: Vec<usize> = (0..2_500).collect();
        let found = rows_to_shuffle(&all);
        assert_eq!((found.len(), found[1], found.last()), (834, 3, Some(&2_499)));
        assert_eq!(rows_to_shuffle(&all[..3]), [0, 1, 2]);
        assert!(rows_to_shuffle(&[]).is_empty());
    }
}
