//! Batches into scores.
//!
//! Rows are transformed and predicted in blocks that stay in the cache, on all threads of the current
//! pool. No row influences another, so that the scores are the same bytes at any number of threads and
//! however the rows are cut into batches.

use rayon::prelude::*;

use crate::domain::frame::Frame;
use crate::domain::job::Task;
use crate::learn::artifact::Artifact;
use crate::learn::features::{BatchError, Block, BlockReader, FittedFeatures};
use crate::learn::model::{Calibration, Model};

/// The scores of a batch, finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// Binary: the probability of the positive class, 0 to 1. Regression: the value.
    Value(Vec<f64>),
    /// Multiclass: for each class, in order, the probability of each row, 0 to 1.
    Classes(Vec<Vec<f64>>),
}

/// Why a batch could not be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// The batch is not one of the columns that the model was trained on.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The prediction is NaN or infinite.
    #[error(
        "the score of row {row} of a batch is {score}; its features are too large to compute with"
    )]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// `NaN`, `inf` or `-inf`.
        score: String,
    },
}

impl Artifact {
    /// Scores the rows of `frame`.
    pub fn score(&self, frame: &Frame<'_>) -> Result<Scores, ScoreError> {
        let predicted = |block: &Block, out: &mut [f64]| self.predict(block, out);
        scored(self.task, predict(&self.features, self.outputs(), frame, &predicted)?)
    }
}

/// Columns of predictions as the scores of a task.
pub(in crate::learn) fn scored(task: Task, columns: Vec<Vec<f64>>) -> Result<Scores, ScoreError> {
    for column in &columns {
        if let Some(row) = column.iter().position(|score| !score.is_finite()) {
            return Err(ScoreError::NotFinite { row, score: column[row].to_string() });
        }
    }
    Ok(match task {
        Task::Multiclass => Scores::Classes(columns),
        Task::Binary | Task::Regression => {
            Scores::Value(columns.into_iter().next().unwrap_or_default())
        }
    })
}

impl Artifact {
    /// Predicts the rows of `block` as [`crate::learn::model::Model::predict`] does, calibrated.
    pub(in crate::learn) fn predict(&self, block: &Block, out: &mut [f64]) {
        predict_calibrated(self.model.as_ref(), self.calibration.as_ref(), block, out);
    }
}

/// Predicts the rows of `block` and brings the predictions to what comes true, if there is a map for that.
pub(in crate::learn) fn predict_calibrated(
    model: &dyn Model,
    calibration: Option<&Calibration>,
    block: &Block,
    out: &mut [f64],
) {
    model.predict(block, out);
    if let Some(calibration) = calibration {
        calibration.apply(out, block.rows);
    }
}

/// One column for each of `outputs`, as `predicted` says of the rows of `frame`, block by block.
pub(in crate::learn) fn predict(
    features: &FittedFeatures,
    outputs: usize,
    frame: &Frame<'_>,
    predicted: &(impl Fn(&Block, &mut [f64]) + Sync),
) -> Result<Vec<Vec<f64>>, BatchError> {
    let reader = BlockReader::new(features, frame)?;
    let ranges = reader.ranges();
    let blocks: Vec<Vec<f64>> = ranges
        .par_iter()
        .map_init(
            || reader.block(),
            |block, rows| {
                reader.read(rows, block);
                let mut out = vec![0.0; outputs * rows.len()];
                predicted(block, &mut out);
                out
            },
        )
        .collect();
    let mut columns: Vec<Vec<f64>> = (0..outputs).map(|_| Vec::with_capacity(frame.rows)).collect();
    for (rows, block) in ranges.iter().zip(&blocks) {
        for (column, part) in columns.iter_mut().zip(block.chunks(rows.len())) {
            column.extend_from_slice(part);
        }
    }
    Ok(columns)
}

impl Scores {
    /// The score columns: one, or one for each class.
    pub fn columns(&self) -> Vec<&[f64]> {
        match self {
            Self::Value(values) => vec![values],
            Self::Classes(columns) => columns.iter().map(Vec::as_slice).collect(),
        }
    }

    /// For each row the class with the largest score, the first of equals; `classes` are those of the
    /// artifact. Empty unless there is a score for each class.
    pub fn most_likely<'c>(&self, classes: &'c [String]) -> Vec<&'c str> {
        let Self::Classes(columns) = self else { return Vec::new() };
        let rows = columns.first().map_or(0, Vec::len);
        let best = |row: usize| {
            let mut best = 0;
            for class in 1..columns.len() {
                if columns[class][row] > columns[best][row] {
                    best = class;
                }
            }
            classes[best].as_str()
        };
        (0..rows).map(best).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_likely_class_is_the_first_of_equals() {
        let classes = ["a", "b", "c"].map(str::to_owned);
        let scores = Scores::Classes(vec![vec![0.4, 0.2], vec![0.4, 0.3], vec![0.2, 0.5]]);
        assert_eq!(scores.most_likely(&classes), ["a", "c"]);
        assert!(Scores::Value(vec![0.5]).most_likely(&classes).is_empty());
    }
}
