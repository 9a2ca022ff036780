//! What people and machines see: intentions become calls of the engine, results become text, JSON and
//! exit codes.
//!
//! No SQL, no file format, no statistic and no decision belongs here. Standard output is data, standard
//! error is talk, and both are written in one place, `cli::terminal`.

/// The command line: one file for each subcommand.
pub mod cli;
/// Two versions of a model side by side.
mod compare;
/// What the exit code of the process says.
pub mod exit;
/// Values as text and as JSON.
mod render;
