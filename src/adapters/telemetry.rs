//! What the program says while it works: to the terminal for who watches, to a file for who asks later.
//!
//! The terminal gets a line for each event from a level on. While a run executes, its events also go to
//! `runs/<run>.log` in the state directory, one JSON object a line, whatever the terminal's level is.
//! A log is bounded, and a log that cannot be written stops nothing. Who reads standard error may stop to
//! read: a command that nobody waits for goes on, and counts the lines that it could not tell.

/// The log of one run.
mod run_log;

use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, writer::BoxMakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

pub use self::run_log::{LogLine, RunLog, logged_runs, read_log, remove_log};

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

/// Lines for standard error that are kept while nobody reads it.
const KEPT_LINES: usize = 16_384;

/// Who is there to read standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Somebody who waits for the command, and for whom it waits.
    Present,
    /// A collector of logs, for which no schedule may wait.
    Elsewhere,
}

/// The way to the logs of runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Telemetry {
    layer: RunLogLayer,
    unread: Option<ErrorCounter>,
}

/// Tells what is left to be told when it is dropped, for at most about a second.
#[derive(Debug)]
pub struct LastWords {
    _worker: Option<WorkerGuard>,
}

impl Telemetry {
    /// Begins to write events to stderr, once in a process. `now` stamps the lines of run logs.
    pub fn start(
        level: LevelFilter,
        colors: Colors,
        reader: Reader,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<(Self, LastWords), TryInitError> {
        let layer = RunLogLayer::new(Arc::new(now));
        let (writer, unread, worker) = match reader {
            Reader::Present => (BoxMakeWriter::new(io::stderr), None, None),
            Reader::Elsewhere => {
                let (writer, worker) = NonBlockingBuilder::default()
                    .buffered_lines_limit(KEPT_LINES)
                    .lossy(true)
                    .thread_name("log")
                    .finish(io::stderr());
                let unread = writer.error_counter();
                (BoxMakeWriter::new(writer), Some(unread), Some(worker))
            }
        };
        let terminal = fmt::layer()
            .with_writer(writer)
            .with_ansi(colors == Colors::On)
            .with_target(false)
            .without_time();
        tracing_subscriber::registry()
            .with(terminal.with_filter(ours_from(level)))
            .with(layer.clone().with_filter(ours_from(IN_RUN_LOG)))
            .try_init()?;
        Ok((Self { layer, unread }, LastWords { _worker: worker }))
    }

    /// How many lines could not be told, since nobody read them.
    pub fn lines_untold(&self) -> usize {
        self.unread.as_ref().map_or(0, ErrorCounter::dropped_lines)
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
