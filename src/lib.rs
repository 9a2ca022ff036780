//! nightshift: nightly batch scoring that watches itself.
//!
//! Five rooms, in reading order. Arrows go one way: `app -> engine -> {adapters, learn} -> domain`;
//! a tidy test reads every `use crate::` line and fails on a wrong one. `ARCHITECTURE.md` has the map
//! and the invariants.

/// One outside thing per module: tables, SQLite, model files, the clock, the environment.
pub mod adapters;
/// What people and machines see: the command line and its renderings.
pub mod app;
/// What things are and how decisions are made: pure values, no numerics, no IO.
pub mod domain;
/// The order in which things happen, and how they become durable.
pub mod engine;
/// Columns into numbers, numbers into evidence: pure functions of their arguments and a seed.
pub mod learn;
