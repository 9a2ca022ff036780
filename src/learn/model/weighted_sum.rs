//! A weighted sum of columns: the fitted state of all linear kinds.
//!
//! Prediction is one multiplication and addition a number, and one table look-up a category, along
//! columns of a block that stays in the cache; no matrix is made.

use serde::{Deserialize, Serialize};

use crate::learn::features::{Block, BlockColumn, Slot};
use crate::learn::model::{Model, OutputTerms, TermScale, Terms, kernel};

/// What turns sums into predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Link {
    /// The sum is the value.
    Identity,
    /// The sum is the log odds of class 1.
    Logistic,
    /// The sums are log probabilities of the classes, up to a constant.
    Softmax,
}

/// For each output an intercept and one weight for each matrix column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WeightedSum {
    pub(super) link: Link,
    pub(super) intercepts: Vec<f64>,
    /// One output after the other.
    pub(super) weights: Vec<f64>,
}

impl WeightedSum {
    /// Reads what `encode` wrote, if it has the given link and the form of a matrix with `slots`.
    pub(super) fn decode(
        bytes: &[u8],
        link: Link,
        slots: &[Slot],
        outputs: usize,
    ) -> Option<Box<dyn Model>> {
        let found: Self = postcard::from_bytes(bytes).ok()?;
        let width: usize = slots.iter().map(|slot| slot.width()).sum();
        let is_sound = found.link == link
            && found.intercepts.len() == outputs
            && found.weights.len() == outputs.checked_mul(width)?
            && found.is_finite();
        is_sound.then(|| Box::new(found) as Box<dyn Model>)
    }

    /// Whether every weight is a number that can be computed with.
    pub(super) fn is_finite(&self) -> bool {
        self.intercepts.iter().chain(&self.weights).all(|part| part.is_finite())
    }

    fn width(&self) -> usize {
        self.weights.len() / self.intercepts.len().max(1)
    }
}

impl Model for WeightedSum {
    fn predict(&self, block: &Block, out: &mut [f64]) {
        let weights = self.weights.chunks(self.width().max(1));
        let sums = out.chunks_mut(block.rows.max(1));
        for ((intercept, weights), sums) in self.intercepts.iter().zip(weights).zip(sums) {
            sums.fill(*intercept);
            for column in &block.columns {
                match column {
                    BlockColumn::Number { column, values } => {
                        kernel::add_scaled(sums, values, 0.0, weights[*column]);
                    }
                    BlockColumn::Levels { first, codes } => {
                        let weights = &weights[*first..];
                        for (sum, code) in sums.iter_mut().zip(codes) {
                            // A row without a code has no entry in any table of weights.
                            *sum += weights.get(*code as usize).copied().unwrap_or_default();
                        }
                    }
                }
            }
        }
        match self.link {
            Link::Identity => {}
            Link::Logistic => out.iter_mut().for_each(|sum| *sum = kernel::logistic(*sum).0),
            Link::Softmax => kernel::softmax_rows(out, block.rows),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>> {
        let weights = self.weights.chunks(self.width().max(1)).map(<[f64]>::to_vec);
        // A model without columns has intercepts only.
        let weights = weights.chain(std::iter::repeat_with(Vec::new));
        Some(self.intercepts.iter().copied().zip(weights).collect())
    }

    fn terms(&self, block: &Block) -> Terms {
        let output = |(intercept, weights): (&f64, &[f64])| {
            let term = |column: &BlockColumn| match column {
                BlockColumn::Number { column, values } => values[0] * weights[*column],
                BlockColumn::Levels { first, codes } => {
                    weights[*first..].get(codes[0] as usize).copied().unwrap_or_default()
                }
            };
            OutputTerms { base: *intercept, features: block.columns.iter().map(term).collect() }
        };
        let scale = match self.link {
            Link::Identity => TermScale::Prediction,
            Link::Logistic => TermScale::LogOdds,
            Link::Softmax => TermScale::LogShares,
        };
        // A model without columns has intercepts only.
        let weights = self.weights.chunks(self.width().max(1)).chain(std::iter::repeat(&[][..]));
        Terms { scale, outputs: self.intercepts.iter().zip(weights).map(output).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::features::CategoryTransform;

    const SLOTS: &[Slot] = &[Slot::Number { column: 0 }, Slot::Levels { first: 1, count: 2 }];

    fn block() -> Block {
        Block {
            rows: 3,
            columns: vec![
                BlockColumn::Number { column: 0, values: vec![1.0, 2.0, -1.0] },
                BlockColumn::Levels { first: 1, codes: vec![0, 1, CategoryTransform::NO_CODE] },
            ],
        }
    }

    #[test]
    fn sums_are_linked_to_predictions() {
        let sum = |link, outputs: usize| {
            let intercepts = vec![0.5, -0.5][..outputs].to_vec();
            let weights = vec![2.0, 10.0, 20.0, 0.0, 0.0, 0.0][..3 * outputs].to_vec();
            let mut out = vec![0.0; 3 * outputs];
            WeightedSum { link, intercepts, weights }.predict(&block(), &mut out);
            out
        };
        assert_eq!(sum(Link::Identity, 1), [12.5, 24.5, -1.5]);
        let odds: Vec<f64> =
            sum(Link::Logistic, 1).iter().map(|share| (share / (1.0 - share)).ln()).collect();
        assert!((odds[0] - 12.5).abs() < 1e-9 && (odds[2] + 1.5).abs() < 1e-12);
        let shares = sum(Link::Softmax, 2);
        assert!((shares[2] + shares[5] - 1.0).abs() < 1e-15);
        assert!(((shares[2] / shares[5]).ln() - (-1.5 + 0.5)).abs() < 1e-12);
    }

    #[test]
    fn only_what_fits_is_read_back() {
        let model = WeightedSum {
            link: Link::Identity,
            intercepts: vec![0.1],
            weights: vec![1.0, f64::MIN_POSITIVE, -0.0],
        };
        let bytes = model.encode().unwrap();
        let back = WeightedSum::decode(&bytes, Link::Identity, SLOTS, 1).unwrap();
        assert_eq!(back.encode().unwrap(), bytes);
        assert!(WeightedSum::decode(&bytes, Link::Logistic, SLOTS, 1).is_none());
        assert!(WeightedSum::decode(&bytes, Link::Identity, &SLOTS[..1], 1).is_none());
        assert!(WeightedSum::decode(&bytes, Link::Identity, SLOTS, 2).is_none());
        assert!(WeightedSum::decode(&bytes[..5], Link::Identity, SLOTS, 1).is_none());
        let strange = WeightedSum { intercepts: vec![f64::NAN], ..model };
        assert!(
            WeightedSum::decode(&strange.encode().unwrap(), Link::Identity, SLOTS, 1).is_none()
        );
    }
}
