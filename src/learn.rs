//! Columns into numbers, and numbers into evidence.
//!
//! Pure functions of their arguments and a seed: no IO, no clock, nothing async, and the same bytes for
//! any number of threads. Rows come in as [`crate::domain::frame::Frame`], so no data-frame library is
//! known here.

/// Rows of some columns in memory, to be trained on.
pub mod table;
/// Rows to fit on, and rows to evaluate on.
pub mod split;
/// Columns into a matrix: impute, encode, scale.
pub mod features;
/// The kinds of models.
pub mod model;
/// From labelled rows to a fitted model.
pub mod fit;
/// A model version as data, and how it scores.
pub mod artifact;
/// Mergeable summaries of columns.
pub mod profile;
/// Expectations of rows and tables.
pub mod check;
/// How good a model is, with intervals.
pub mod metric;
