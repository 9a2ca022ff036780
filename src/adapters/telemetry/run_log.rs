//! The log of one run: one JSON object a line with `at`, `level`, `message` and `fields`.
//!
//! A line is written whole, so a process that is killed leaves at most its last line torn; a torn line
//! is skipped when the log is read.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::domain::identity::RunId;

/// Most bytes of a log; what comes after is not written.
const SIZE_BYTES_MAX: u64 = 16 << 20;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// `ERROR`, `WARN`, `INFO` or `DEBUG`.
    pub level: String,
    /// What happened.
    pub message: String,
    /// Values that belong to it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

/// Keeps the log of a run open until it is dropped.
#[derive(Debug)]
pub struct RunLog {
    layer: RunLogLayer,
    /// The log that was open before: a run may execute another one first.
    outer: Option<OpenLog>,
}

/// Writes events to the log that is open, if one is.
#[derive(Clone)]
pub(super) struct RunLogLayer {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    open: Arc<Mutex<Option<OpenLog>>>,
}

#[derive(Debug)]
struct OpenLog {
    file: File,
    size_bytes: u64,
}

impl Debug for RunLogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLogLayer").field("open", &self.open).finish_non_exhaustive()
    }
}

impl RunLogLayer {
    pub(super) fn new(now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self { now, open: Arc::default() }
    }

    pub(super) fn record(&self, state_dir: &Path, run: &RunId) -> io::Result<RunLog> {
        let path = path_of(state_dir, run);
        DirBuilder::new().recursive(true).mode(0o750).create(state_dir.join("runs"))?;
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
        let size_bytes = file.metadata()?.len();
        let outer = self.swap(Some(OpenLog { file, size_bytes }));
        Ok(RunLog { layer: self.clone(), outer })
    }

    fn swap(&self, log: Option<OpenLog>) -> Option<OpenLog> {
        // A panic while an event was written leaves a log that can be written to all the same.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *open, log)
    }

    fn write(&self, line: &LogLine) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(log), Ok(mut bytes)) = (open.as_mut(), serde_json::to_vec(line)) else { return };
        bytes.push(b'\n');
        if log.size_bytes + bytes.len() as u64 > SIZE_BYTES_MAX {
            return;
        }
        // A full disk must not fail a run that may not need it.
        if log.file.write_all(&bytes).is_ok() {
            log.size_bytes += bytes.len() as u64;
        }
    }
}

impl Drop for RunLog {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let _closed = self.layer.swap(outer);
    }
}

impl<S: Subscriber> Layer<S> for RunLogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut values = Values::default();
        event.record(&mut values);
        self.write(&LogLine {
            at: (self.now)(),
            level: event.metadata().level().to_string(),
            message: values.message,
            fields: values.fields,
        });
    }
}

/// The message and the fields of an event.
#[derive(Default)]
struct Values {
    message: String,
    fields: BTreeMap<String, Value>,
}

impl Values {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.insert(field, format!("{value:?}"));
        }
    }
}

/// The log of a run, in order; empty if it has none.
pub fn read_log(state_dir: &Path, run: &RunId) -> io::Result<Vec<LogLine>> {
    let file = match File::open(path_of(state_dir, run)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(SIZE_BYTES_MAX).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// Deletes the log of a run. If it has none, that is no error.
pub fn remove_log(state_dir: &Path, run: &RunId) -> io::Result<()> {
    match fs::remove_file(path_of(state_dir, run)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The runs that have a log, in order of their ids, which is that of their making.
pub fn logged_runs(state_dir: &Path) -> io::Result<Vec<RunId>> {
    let entries = match fs::read_dir(state_dir.join("runs")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut out = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let run = name.to_str().and_then(|name| name.strip_suffix(".log"));
        out.extend(run.and_then(RunId::parse));
    }
    out.sort_unstable();
    Ok(out)
}

fn path_of(state_dir: &Path, run: &RunId) -> PathBuf {
    state_dir.join("runs").join(format!("{run}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    fn layer() -> RunLogLayer {
        RunLogLayer::new(Arc::new(|| Timestamp::UNIX_EPOCH))
    }

    fn run(number: u128) -> RunId {
        RunId::new(Timestamp::UNIX_EPOCH, number)
    }

    #[test]
    fn events_go_to_the_innermost_run() {
        let state = tempfile::tempdir().unwrap();
        let layer = layer();
        let subscriber = tracing_subscriber::registry().with(layer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("before");
            let score = layer.record(state.path(), &run(1)).unwrap();
            tracing::info!(rows = 3_u64, job.name = %"churn", "scored `{}`", "churn");
            let train = layer.record(state.path(), &run(2)).unwrap();
            tracing::warn!(ratio = 0.5, "line\nbreak \u{1b}[31m");
            drop(train);
            tracing::error!("last");
            drop(score);
            tracing::info!("after");
        });
        let lines = read_log(state.path(), &run(1)).unwrap();
        let messages: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, ["scored `churn`", "last"]);
        assert_eq!(lines[0].fields["rows"], 3);
        assert_eq!(lines[0].fields["job.name"], "churn");
        assert_eq!(lines[1].level, "ERROR");
        let inner = read_log(state.path(), &run(2)).unwrap();
        assert_eq!((inner.len(), inner[0].message.as_str()), (1, "line\nbreak \u{1b}[31m"));
    }

    #[test]
    fn a_torn_line_is_skipped_and_a_missing_log_is_empty() {
        let state = tempfile::tempdir().unwrap();
        assert!(read_log(state.path(), &run(1)).unwrap().is_empty());
        fs::create_dir(state.path().join("runs")).unwrap();
        let text =
            "{\"at\":\"1970-01-01T00:00:00Z\",\"level\":\"INFO\",\"message\":\"m\"}\n{\"at\":\"19";
        fs::write(path_of(state.path(), &run(1)), text).unwrap();
        assert_eq!(read_log(state.path(), &run(1)).unwrap().len(), 1);
        remove_log(state.path(), &run(1)).unwrap();
        remove_log(state.path(), &run(1)).unwrap();
    }

    #[test]
    fn only_logs_of_runs_are_listed() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(logged_runs(state.path()).unwrap(), []);
        fs::create_dir(state.path().join("runs")).unwrap();
        let later = RunId::new(Timestamp::from_second(1).unwrap(), 0);
        for run in [&later, &run(7)] {
            fs::write(path_of(state.path(), run), "").unwrap();
        }
        for name in ["notes.log".to_owned(), format!("{later}.log.gz"), format!("{later}")] {
            fs::write(state.path().join("runs").join(name), "").unwrap();
        }
        assert_eq!(logged_runs(state.path()).unwrap(), [run(7), later]);
    }

    #[test]
    fn a_log_is_bounded() {
        let state = tempfile::tempdir().unwrap();
        let layer = layer();
        let log = layer.record(state.path(), &run(1)).unwrap();
        let line = LogLine {
            at: Timestamp::UNIX_EPOCH,
            level: "INFO".into(),
            message: "x".repeat(1 << 20),
            fields: BTreeMap::new(),
        };
        (0..20).for_each(|_| layer.write(&line));
        drop(log);
        let size_bytes = fs::metadata(path_of(state.path(), &run(1))).unwrap().len();
        assert!(size_bytes <= SIZE_BYTES_MAX && size_bytes > SIZE_BYTES_MAX / 2, "{size_bytes}");
    }
}
