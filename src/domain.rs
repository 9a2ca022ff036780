//! What things are and how decisions are made, from values alone.
//!
//! Nothing here does IO, reads the clock, draws a random number or is async, so nothing here can fail
//! because of the outside world.

/// What findings lead to.
pub mod decide;
/// What effect and evidence say about a column.
pub mod drift;
/// Durations and sizes as people write them.
pub mod duration;
/// One result of a check, drift test or gate.
pub mod finding;
/// A batch of rows as plain slices.
pub mod frame;
/// What evidence about a candidate says.
pub mod gate;
/// Names and numbers that identify things.
pub mod identity;
/// One job file, parsed and checked.
pub mod job;
/// Where the scores of a tick lie.
pub mod layout;
/// The project around the jobs: `nightshift.toml`.
pub mod project;
/// Versions, aliases and the rules by which aliases move.
pub mod registry;
/// When a version is trained by itself.
pub mod retrain;
/// When a failed run is tried again.
pub mod retry;
/// A run, its states and how it ends.
pub mod run;
/// When a job is due: cron expressions in a time zone.
pub mod schedule;
/// Numbers that look random and never change.
pub mod stable;
/// What a table looks like.
pub mod table;
/// Paths that hold fields of the tick.
pub mod template;
/// Columns of texts.
pub mod texts;
/// What becomes of ticks that are due.
pub mod ticks;
/// What is asked of a champion after its promotion.
pub mod watch;
/// Whether a project was moved, or is a copy.
pub mod whereabouts;
