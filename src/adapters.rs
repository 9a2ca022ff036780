//! One outside thing per module, and no policy: what should be done is decided elsewhere.
//!
//! No adapter knows another one, but each may know `failpoint`. Errors name the object (path, table,
//! column) and keep their cause.

/// Model files by content.
pub mod artifact;
/// What is settled while there is one thread.
pub mod before_threads;
/// The time of day.
pub mod clock;
/// Tables on disk; the only module that knows polars.
pub mod dataset;
/// Room on the disk.
pub mod disk;
/// The environment of the process.
pub mod env;
/// Where a test lets the program fail.
pub mod failpoint;
/// Whether files of a folder have changed.
pub mod folder_watch;
/// What wakes the planner.
pub mod heartbeat;
/// Locks of runs and of the state directory.
pub mod lock;
/// How much memory the process holds.
pub mod memory;
/// What the daemon counts.
pub mod metrics;
/// Where a folder stands.
pub mod place;
/// Processes that execute runs.
pub mod process;
/// From staged files to published ones.
pub mod publish;
/// What a command asks of a running daemon, and the answer.
pub mod reload_wish;
/// The record of everything, in SQLite.
pub mod store;
/// What the service manager is told.
pub mod supervisor;
/// What the program says while it works.
pub mod telemetry;
/// Which time zone data are in use.
pub mod zone_data;
