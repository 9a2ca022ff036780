//! The rows that a model is fitted on, with what is known of each of them.
//!
//! All of it is parallel: one label, one id and, where there are any, one weight and one time for each row. Ids
//! and times say which rows are set aside together when a fit is repeated without some of them. What the
//! columns hold stands in the table that the rows are of.

use std::borrow::Cow;

use super::TrainError;
use crate::domain::job::{ClassWeight, Split, TestSize};
use crate::learn::folds::{self, Fold};
use crate::learn::model::Labels;
use crate::learn::split::{self, SplitRows};
use crate::learn::weights::{RowWeights, WeightError, balanced};

/// Tells the rows that stop a fit from those that the same seed holds out for the test, or deals to folds.
const STOPPING: u64 = 0x7374_6f70_0000_0000;

/// Rows of a table to fit on.
#[derive(Debug, Clone)]
pub struct Examples {
    /// Places in the table.
    pub rows: Vec<usize>,
    /// What is to be learned.
    pub labels: Labels,
    /// How much each row counts, finite and not negative; `None`: once.
    pub weights: Option<Vec<f64>>,
    /// One hash for each row; rows of one id are of one fold.
    pub ids: Vec<u64>,
    /// Microseconds since 1970-01-01 UTC, if later rows shall be held out when folds are made.
    pub times: Option<Vec<i64>>,
}

impl Examples {
    /// Rows of which nothing but the label is known: each counts once, and its place is its id.
    pub fn plain(rows: &[usize], labels: &Labels) -> Self {
        let ids = rows.iter().map(|row| *row as u64).collect();
        Self { rows: rows.to_vec(), labels: labels.clone(), weights: None, ids, times: None }
    }

    /// The rows at `places`, in that order.
    #[must_use]
    pub fn gather(&self, places: &[usize]) -> Self {
        Self {
            rows: pick(&self.rows, places),
            labels: self.labels.gather(places),
            weights: self.weights.as_ref().map(|weights| pick(weights, places)),
            ids: pick(&self.ids, places),
            times: self.times.as_ref().map(|times| pick(times, places)),
        }
    }

    /// Oldest first, where times count; rows of one instant as they came.
    #[must_use]
    pub(super) fn in_order(&self) -> Self {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        if let Some(times) = &self.times {
            places.sort_by_key(|place| times[*place]);
        }
        self.gather(&places)
    }

    /// At most `count` folds: forward in time where later rows are held out, with the gap of the split, else by
    /// a hash of the ids.
    pub fn folds(&self, split: &Split, seed: u64, count: usize) -> Vec<Fold> {
        let gap_micros = match split {
            Split::Time { gap, .. } => gap.as_micros(),
            Split::Random { .. } => 0,
        };
        match &self.times {
            Some(times) => folds::forward(times, gap_micros, count),
            None => folds::by_hash(&self.ids, seed, count),
        }
    }

    /// Rows to fit to, and about a `share` of the rows to tell by when to stop: held out as the split of the job
    /// holds out the test, the newest ones with its gap, else by a hash of the ids. What a model is then
    /// stopped by is as far from its rows as what it will be judged by.
    ///
    /// `None` if one side would be empty, or so few instants that less than a quarter would be fitted to.
    pub(super) fn for_stopping(&self, split: &Split, seed: u64, share: f64) -> Option<SplitRows> {
        let found = if let (Some(times), Split::Time { gap, .. }) = (&self.times, split) {
            let newest = Split::Time { test: TestSize::Share(share), gap: *gap };
            split::split(&newest, seed, &self.ids, Some(times))
        } else {
            let hashed = Split::Random { test: share };
            split::split(&hashed, seed ^ STOPPING, &self.ids, None)
        };
        found.ok().filter(|found| found.train.len() * 4 >= self.rows.len())
    }

    /// Checks that there is one label, id, weight and time for each row.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let rows = self.rows.len();
        let given = [
            ("labels", Some(self.labels.len())),
            ("ids", Some(self.ids.len())),
            ("weights", self.weights.as_ref().map(Vec::len)),
            ("times", self.times.as_ref().map(Vec::len)),
        ];
        match given.into_iter().find(|(_, found)| found.is_some_and(|found| found != rows)) {
            Some((what, found)) => {
                Err(TrainError::Ragged { rows, what, found: found.unwrap_or_default() })
            }
            None => Ok(()),
        }
    }

    /// Without the rows of weight 0, which are as if they were not there: neither a mean nor a category may
    /// come from them.
    pub(super) fn that_count(&self) -> Result<Cow<'_, Self>, WeightError> {
        let Some(weights) = &self.weights else { return Ok(Cow::Borrowed(self)) };
        let places: Vec<usize> = (0..weights.len()).filter(|row| weights[*row] > 0.0).collect();
        match places.len() {
            0 if !weights.is_empty() => Err(WeightError::AllZero { rows: weights.len() }),
            found if found == weights.len() => Ok(Cow::Borrowed(self)),
            _ => Ok(Cow::Owned(self.gather(&places))),
        }
    }

    /// How much each row counts for a kind: its own weight times that of its class. The one place where the
    /// two meet, so that every kind gets them.
    pub(super) fn row_weights(
        &self,
        classes: ClassWeight,
    ) -> Result<Option<RowWeights>, WeightError> {
        let weights = match (&self.labels, classes) {
            (Labels::Classes { names, index }, ClassWeight::Balanced) => {
                Some(balanced(index, names.len(), self.weights.as_deref()))
            }
            _ => self.weights.clone(),
        };
        weights.map_or(Ok(None), RowWeights::new)
    }
}

fn pick<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|place| values[*place]).collect()
}
