//! What the program says while it works: to the terminal for who watches, to a file for who asks later.
//!
//! The terminal gets a line for each event from a level on. While a run executes, its events also go to
//! `runs/<run>.log` in the state directory, one JSON object a line, whatever the terminal's level is.
//! A log is bounded, and a log that cannot be written stops nothing.

/// The log of one run.
mod run_log;

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

pub use self::run_log::{LogLine, RunLog, read_log, remove_log};

use self::run_log::RunLogLayer;
use crate::domain::identity::RunId;

/// Events of other crates are of interest from here on only.
const OTHERS: LevelFilter = LevelFilter::WARN;

/// Detail in the log of a run.
const IN_RUN_LOG: LevelFilter = LevelFilter::DEBUG;

/// Whether the terminal gets colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// The way to the logs of runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    layer: RunLogLayer,
}

impl Telemetry {
    /// Begins to write events to stderr, once in a process. `now` stamps the lines of run logs.
    pub fn start(
        level: LevelFilter,
        colors: Colors,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, TryInitError> {
        let layer = RunLogLayer::new(Arc::new(now));
        let terminal = fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(colors == Colors::On)
            .with_target(false)
            .without_time();
        tracing_subscriber::registry()
            .with(terminal.with_filter(ours_from(level)))
            .with(layer.clone().with_filter(ours_from(IN_RUN_LOG)))
            .try_init()?;
        Ok(Self { layer })
    }

    /// Writes events to the log of `run` until the returned value is dropped. A log that is there
    /// already is continued: a run may have several attempts.
    pub fn record(&self, state_dir: &Path, run: &RunId) -> io::Result<RunLog> {
        self.layer.record(state_dir, run)
    }
}

fn ours_from(level: LevelFilter) -> Targets {
    Targets::new().with_default(OTHERS.min(level)).with_target(env!("CARGO_CRATE_NAME"), level)
}
