//! What things are and how decisions are made, from values alone.
//!
//! Nothing here does IO, reads the clock, draws a random number or is async, so nothing here can fail
//! because of the outside world.

/// Names and numbers that identify things.
pub mod identity;
/// One job file, parsed and checked.
pub mod job;
/// The project around the jobs: `nightshift.toml`.
pub mod project;
/// When a job is due: cron expressions in a time zone.
pub mod schedule;
/// Paths that hold fields of the tick.
pub mod template;
/// Durations and sizes as people write them.
pub mod duration;
/// A run, its states and how it ends.
pub mod run;
/// What a table looks like.
pub mod table;
/// A batch of rows as plain slices.
pub mod frame;
/// One result of a check, drift test or gate.
pub mod finding;
/// Versions, aliases and the rules by which aliases move.
pub mod registry;
/// What findings lead to.
pub mod decide;
