//! Columns into numbers, and numbers into evidence.
//!
//! Pure functions of their arguments and a seed: no IO, no clock, nothing async, and the same bytes for
//! any number of threads. Rows come in as [`crate::domain::frame::Frame`], so no data-frame library is
//! known here.

/// How much two versions differ on the same rows.
pub mod agreement;
/// A model version as data, and how it scores.
pub mod artifact;
/// Expectations of rows and tables.
pub mod check;
/// Two models on the same rows.
pub mod compare;
/// Whether a column holds other values than its reference.
pub mod drift;
/// Columns into a matrix: impute, encode, scale.
pub mod features;
/// From labelled rows to a fitted model.
pub mod fit;
/// Rows that are predicted by a model which was not fitted on them.
pub mod folds;
/// Columns that give the label away.
pub mod giveaway;
/// How much each feature moves the score.
pub mod importance;
/// How good a model is, with intervals.
pub mod metric;
/// The kinds of models.
pub mod model;
/// Mergeable summaries of columns.
pub mod profile;
/// Parameters that are tried out.
pub mod search;
/// Rows to fit on, and rows to evaluate on.
pub mod split;
/// Rows of some columns in memory, to be trained on.
pub mod table;
/// How much each row counts in fitting.
pub mod weights;
