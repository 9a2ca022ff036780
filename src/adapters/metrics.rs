//! What the daemon counts, as a file in the text format of Prometheus: `metrics.prom` in the state directory, or
//! the file that the project names.
//!
//! The textfile collector of the node exporter reads it; nothing here listens on a port. Counters begin at 0
//! with the daemon, as Prometheus expects, and whoever asks for the whole past asks the database. The file is
//! replaced as a whole; it is removed by a daemon that ends well, and the age of its last beat tells of one that
//! did not.

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::domain::identity::JobName;
use crate::domain::run::{AttemptOutcome, RunKind, State};
use crate::domain::ticks::Fate;

/// What the file is called in the state directory, where no other place is named.
pub const FILE_NAME: &str = "metrics.prom";

/// The counters and gauges of one process. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    rulings: IntCounterVec,
    attempts: IntCounterVec,
    runs: IntCounterVec,
    running: IntGauge,
    stuck: IntGauge,
    last_commit: GaugeVec,
    clock_jumps: IntCounterVec,
    clock_suspect: IntGauge,
    engine_restarts: IntCounter,
    reload_failed: IntGauge,
    log_lines_lost: IntCounter,
    beat: Gauge,
}

impl Metrics {
    /// Everything at 0. An error is a mistake in a name or label below.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("nightshift".to_owned()), None)?;
        let counters = |name, help, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let out = Self {
            rulings: counters(
                "tick_rulings_total",
                "Decisions on due ticks; one for each tick, or for a stretch of ticks with one fate.",
                &["kind", "decision"],
            )?,
            attempts: counters(
                "attempts_total",
                "Attempts at runs that ended.",
                &["kind", "outcome"],
            )?,
            runs: counters(
                "runs_total",
                "Runs that ended, and as what; those that are tried again are not meant.",
                &["kind", "state"],
            )?,
            running: gauge(&registry, "runs_running", "Runs that are being executed.")?,
            stuck: gauge(&registry, "runs_stuck", "Runs whose process lives and says nothing.")?,
            last_commit: {
                let help =
                    "When a score run of the job was last committed, since the daemon began.";
                let opts = Opts::new("last_commit_timestamp_seconds", help);
                registered(&registry, GaugeVec::new(opts, &["job"])?)?
            },
            clock_jumps: counters(
                "clock_jumps_total",
                "Jumps of the clock by more than 5 s.",
                &["direction"],
            )?,
            clock_suspect: gauge(
                &registry,
                "clock_suspect",
                "1 while the clock is so far behind the record that nothing is begun.",
            )?,
            engine_restarts: {
                let help = "How often the cron engine was silent and was built anew.";
                registered(&registry, IntCounter::new("engine_restarts_total", help)?)?
            },
            reload_failed: gauge(
                &registry,
                "config_reload_failed",
                "1 if the job files had a problem when they were last read, so that old jobs stay.",
            )?,
            log_lines_lost: {
                let help = "Lines of the log that nobody read in time.";
                registered(&registry, IntCounter::new("log_lines_lost_total", help)?)?
            },
            beat: {
                let help = "When the daemon last looked for due ticks.";
                registered(&registry, Gauge::new("beat_timestamp_seconds", help)?)?
            },
            registry,
        };
        out.begin_at_zero();
        Ok(out)
    }

    /// A series that is absent until something goes wrong cannot be watched.
    fn begin_at_zero(&self) {
        for kind in RunKind::ALL.iter().map(|kind| kind.id()) {
            for fate in Fate::ALL {
                self.rulings.with_label_values(&[kind, fate.id()]).inc_by(0);
            }
            for outcome in AttemptOutcome::ALL {
                self.attempts.with_label_values(&[kind, outcome.id()]).inc_by(0);
            }
            for state in State::ALL.iter().filter(|state| state.has_ended()) {
                self.runs.with_label_values(&[kind, state.id()]).inc_by(0);
            }
        }
        for direction in ["back", "forward"] {
            self.clock_jumps.with_label_values(&[direction]).inc_by(0);
        }
    }

    /// A tick, or a stretch of ticks, was ruled on.
    pub fn ruled(&self, kind: RunKind, fate: Fate) {
        self.rulings.with_label_values(&[kind.id(), fate.id()]).inc();
    }

    /// An attempt at a run ended.
    pub fn attempted(&self, kind: RunKind, outcome: AttemptOutcome) {
        self.attempts.with_label_values(&[kind.id(), outcome.id()]).inc();
    }

    /// A run ended for good.
    pub fn ended(&self, kind: RunKind, state: State) {
        self.runs.with_label_values(&[kind.id(), state.id()]).inc();
    }

    /// A score run of `job` was committed.
    pub fn committed(&self, job: &JobName, at: Timestamp) {
        self.last_commit.with_label_values(&[job.as_str()]).set(seconds(at));
    }

    /// So many runs are being executed.
    pub fn running(&self, runs: usize) {
        self.running.set(whole(runs));
    }

    /// So many runs are stuck.
    pub fn stuck(&self, runs: usize) {
        self.stuck.set(whole(runs));
    }

    /// The clock jumped `back` or `forward`.
    pub fn clock_jumped(&self, direction: &str) {
        self.clock_jumps.with_label_values(&[direction]).inc();
    }

    /// Whether the clock is not believed.
    pub fn clock_suspect(&self, is_suspect: bool) {
        self.clock_suspect.set(i64::from(is_suspect));
    }

    /// The cron engine was built anew.
    pub fn engine_restarted(&self) {
        self.engine_restarts.inc();
    }

    /// Whether the job files could not be taken as they are.
    pub fn reload_failed(&self, has_failed: bool) {
        self.reload_failed.set(i64::from(has_failed));
    }

    /// So many more lines of the log are lost.
    pub fn log_lines_lost(&self, lines: usize) {
        self.log_lines_lost.inc_by(lines as u64);
    }

    /// The daemon looked for due ticks.
    pub fn beat(&self, now: Timestamp) {
        self.beat.set(seconds(now));
    }

    /// Every series in the text format of Prometheus.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Replaces the file `path`; an error if what is there was not written by this.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        require_own(path)?;
        let text = self.text().map_err(io::Error::other)?;
        let mut file = tempfile::Builder::new()
            .prefix(".metrics-")
            .permissions(Permissions::from_mode(0o640))
            .tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    /// Removes the file `path`, if it is there and was written by this.
    pub fn remove(path: &Path) -> io::Result<()> {
        require_own(path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// How every file of metrics begins: the first series by name is one of ours.
const BEGINNING: &[u8] = b"# HELP nightshift_";

/// An error if `path` holds something else than metrics of this program, which nobody may lose by a slip in a key.
fn require_own(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut begins = Vec::new();
    if found.is_file() {
        fs::File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut begins)?;
    }
    if begins == BEGINNING || (found.is_file() && found.len() == 0) {
        return Ok(());
    }
    Err(io::Error::other("it holds something else than metrics, and is left as it is"))
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    registered(registry, IntGauge::new(name, help)?)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1e3
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_of_metrics_is_neither_replaced_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.prom");
        let metrics = Metrics::new().unwrap();
        for _ in 0..2 {
            metrics.write(&path).unwrap();
        }
        Metrics::remove(&path).unwrap();
        Metrics::remove(&path).unwrap();
        fs::write(&path, "id,day\n1,2026-01-01\n").unwrap();
        assert!(metrics.write(&path).is_err() && Metrics::remove(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"id,day\n1,2026-01-01\n");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(metrics.write(&path).is_err() && Metrics::remove(&path).is_err());
    }

    #[test]
    fn every_series_is_there_from_the_start_and_counts() {
        let metrics = Metrics::new().unwrap();
        let before = metrics.text().unwrap();
        for line in [
            "nightshift_tick_rulings_total{decision=\"limit_dropped\",kind=\"score\"} 0",
            "nightshift_attempts_total{kind=\"train\",outcome=\"lost\"} 0",
            "nightshift_runs_total{kind=\"score\",state=\"dead\"} 0",
            "nightshift_clock_jumps_total{direction=\"back\"} 0",
            "nightshift_config_reload_failed 0",
        ] {
            assert!(before.lines().any(|found| found == line), "{line} is not in\n{before}");
        }
        metrics.ruled(RunKind::Score, Fate::LimitDropped);
        metrics.clone().clock_jumped("back");
        metrics.committed(&JobName::new("churn").unwrap(), Timestamp::from_second(90).unwrap());
        let after = metrics.text().unwrap();
        for line in [
            "nightshift_tick_rulings_total{decision=\"limit_dropped\",kind=\"score\"} 1",
            "nightshift_clock_jumps_total{direction=\"back\"} 1",
            "nightshift_last_commit_timestamp_seconds{job=\"churn\"} 90",
        ] {
            assert!(after.lines().any(|found| found == line), "{line} is not in\n{after}");
        }
    }

    #[test]
    fn the_file_is_whole_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let (metrics, path) = (Metrics::new().unwrap(), folder.path().join("x.prom"));
        metrics.write(&path).unwrap();
        metrics.running(3);
        metrics.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("nightshift_runs_running 3\n"), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        Metrics::remove(&path).unwrap();
        Metrics::remove(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
