//! The project around the jobs: `nightshift.toml`.
//!
//! Every key has a default, and a project without the file works. Where the project is, and whether its
//! folders exist, is not known here.

use std::fmt;
use std::path::PathBuf;

use jiff::SignedDuration;

use crate::domain::job::document;
use crate::domain::job::problem::{Faults, Problem};
use crate::domain::job::reader::Reader;
use crate::domain::job::section::Section;
use crate::domain::run::named;

/// Every key of the file.
mod keys;

/// The name of the file, at the root of a project.
pub const FILE_NAME: &str = "nightshift.toml";

/// What `nightshift.toml` says, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Where job files are, below the project root.
    pub jobs_dir: PathBuf,
    /// Where all state is: below the project root, or absolute.
    pub state_dir: PathBuf,
    /// Absolute folders outside of the project that jobs may read and write.
    pub data_roots: Vec<PathBuf>,
    /// How much is logged.
    pub log: LogLevel,
    /// What may be deleted.
    pub keep: Keep,
    /// How the daemon works.
    pub daemon: DaemonSpec,
}

/// `[keep]`: what `prune` may delete. What an alias, a watch or a rollback needs is never deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How long runs are kept.
    pub runs: SignedDuration,
    /// How long the profiles of score runs are kept, and their drift findings that passed.
    pub profiles: SignedDuration,
    /// How long logs of runs are kept.
    pub logs: SignedDuration,
    /// How many versions of each model are kept.
    pub model_versions: usize,
    /// How long files stay that a correction has replaced.
    pub superseded: SignedDuration,
}

/// `[daemon]`: how the daemon works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSpec {
    /// Most runs at a time; `None` is half the cores, at least 1.
    pub running_max: Option<usize>,
    /// How long stopping waits for runs to end.
    pub drain_timeout: SignedDuration,
    /// Whether job files are read again when they have changed.
    pub reload_on_change: bool,
    /// The file of metrics, below the project root or absolute; `None` is one in the state directory.
    pub metrics: Option<PathBuf>,
}

/// How much is logged: each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may need a person.
    Warn,
    /// What an operator would tell a colleague.
    Info,
    /// What happens within a step.
    Debug,
    /// Everything.
    Trace,
}

named!(LogLevel {
    Error => "error",
    Warn => "warn",
    Info => "info",
    Debug => "debug",
    Trace => "trace",
});

impl Default for Project {
    fn default() -> Self {
        Self {
            jobs_dir: PathBuf::from("jobs"),
            state_dir: PathBuf::from("state"),
            data_roots: Vec::new(),
            log: LogLevel::Info,
            keep: Keep {
                runs: SignedDuration::from_hours(365 * 24),
                profiles: SignedDuration::from_hours(365 * 24),
                logs: SignedDuration::from_hours(365 * 24),
                model_versions: 20,
                superseded: SignedDuration::from_hours(24),
            },
            daemon: DaemonSpec {
                running_max: None,
                drain_timeout: SignedDuration::from_secs(300),
                reload_on_change: false,
                metrics: None,
            },
        }
    }
}

impl Project {
    /// Reads `nightshift.toml`; the error holds every problem of the file, at least one.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, Vec<Problem>> {
        let mut faults = Faults::default();
        let Some(document) = document::read(text, &mut faults) else {
            return Err(faults.into_problems(file, text));
        };
        let mut reader = Reader::new(document.text, keys::PROJECT, "the project file");
        let section = reader.file(&document.table);
        faults.append(document.without_consequences(reader.faults));
        if document.is_sound() {
            folders(&section, &mut faults);
            metrics_file(&section, &mut faults);
        }
        if !faults.is_empty() {
            return Err(faults.into_problems(file, text));
        }
        let Some(project) = build(&section) else {
            unreachable!("a value is absent only where a fault says why")
        };
        Ok(project)
    }
}

/// Jobs and state have a folder each, neither inside the other.
fn folders(project: &Section, faults: &mut Faults) {
    let (Some(jobs), Some(state)) = (project.text("jobs_dir"), project.text("state_dir")) else {
        return;
    };
    let is_inside =
        |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
    if is_inside(jobs, state) || is_inside(state, jobs) {
        let message = format!("`state_dir` = `\"{state}\"` and `jobs_dir` = `\"{jobs}\"` overlap");
        let key = if project.has("state_dir") { "state_dir" } else { "jobs_dir" };
        let help = "give each a folder of its own";
        faults.add_with_help(project.span(key), "path_form", message, help);
    }
}

/// What collects metrics reads files of this name only, and nothing else of a project is named so.
fn metrics_file(project: &Section, faults: &mut Faults) {
    let daemon = project.section("daemon");
    let Some(path) = daemon.text("metrics") else { return };
    if std::path::Path::new(path).extension().is_none_or(|found| found != "prom") {
        let message = format!("`daemon.metrics` = `\"{path}\"` does not end in `.prom`");
        let help = "name a file of its own, such as `\"state/metrics.prom\"`: it is replaced every few seconds";
        faults.add_with_help(daemon.span("metrics"), "path_form", message, help);
    }
}

fn build(project: &Section) -> Option<Project> {
    let keep = project.section("keep");
    let runs = keep.duration("runs")?;
    let daemon = project.section("daemon");
    Some(Project {
        jobs_dir: PathBuf::from(project.text("jobs_dir")?),
        state_dir: PathBuf::from(project.text("state_dir")?),
        data_roots: project.texts("data_roots").into_iter().map(|(text, _)| text.into()).collect(),
        log: LogLevel::parse(project.text("log")?)?,
        keep: Keep {
            runs,
            profiles: keep.duration("profiles").unwrap_or(runs),
            logs: keep.duration("logs").unwrap_or(runs),
            model_versions: keep.integer("model_versions")?.try_into().ok()?,
            superseded: keep.duration("superseded")?,
        },
        daemon: DaemonSpec {
            running_max: daemon.integer("max_running").and_then(|count| count.try_into().ok()),
            drain_timeout: daemon.duration("drain_timeout")?,
            reload_on_change: daemon.flag("reload_on_change")?,
            metrics: daemon.text("metrics").map(PathBuf::from),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: &[&str]) {
        let problems = Project::parse("nightshift.toml", text.as_bytes()).err().unwrap_or_default();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_file_without_keys_gives_the_defaults() {
        assert_eq!(Project::parse("nightshift.toml", b""), Ok(Project::default()));
    }

    #[test]
    fn every_key_is_read() {
        let text = "jobs_dir = \"a/jobs\"\nstate_dir = \"a/state\"\ndata_roots = [\"/srv/x\"]\n\
                    log = \"debug\"\n[daemon]\nreload_on_change = true\n\
                    metrics = \"/srv/collector/x.prom\"\n[keep]\nruns = \"4w\"\nmodel_versions = 3\n\
                    superseded = \"0s\"\nprofiles = \"2w\"\nlogs = \"1d\"\n";
        let wanted = Project {
            jobs_dir: PathBuf::from("a/jobs"),
            state_dir: PathBuf::from("a/state"),
            data_roots: vec![PathBuf::from("/srv/x")],
            log: LogLevel::Debug,
            keep: Keep {
                runs: SignedDuration::from_hours(28 * 24),
                profiles: SignedDuration::from_hours(14 * 24),
                logs: SignedDuration::from_hours(24),
                model_versions: 3,
                superseded: SignedDuration::ZERO,
            },
            daemon: DaemonSpec {
                reload_on_change: true,
                metrics: Some(PathBuf::from("/srv/collector/x.prom")),
                ..Project::default().daemon
            },
        };
        assert_eq!(Project::parse("nightshift.toml", text.as_bytes()), Ok(wanted));
    }

    #[test]
    fn profiles_and_logs_are_kept_as_long_as_runs_unless_said() {
        let found = Project::parse("nightshift.toml", b"[keep]\nruns = \"4w\"\nlogs = \"1w\"\n");
        let days =
            |keep: Keep| [keep.runs, keep.profiles, keep.logs].map(|kept| kept.as_hours() / 24);
        assert_eq!(found.map(|project| days(project.keep)), Ok([28, 28, 7]));
    }

    #[test]
    fn the_state_may_be_outside_of_the_project() {
        let found =
            Project::parse("nightshift.toml", b"state_dir = \"/var/lib/nightshift/wine\"\n");
        let wanted = PathBuf::from("/var/lib/nightshift/wine");
        assert_eq!(found.map(|project| project.state_dir), Ok(wanted));
    }

    #[test]
    fn faults_are_named() {
        check(
            "job_dir = \"x\"\nstate_dir = \"../x\"\ndata_roots = [\"srv\"]\nlog = 3\n",
            &[
                "nightshift.toml:1:1: unknown_key: `job_dir` is not a key of the project file",
                "nightshift.toml:2:13: path_form: `state_dir` = `\"../x\"` has the component `..`",
                "nightshift.toml:3:15: path_form: `data_roots` = `\"srv\"` is relative",
                "nightshift.toml:4:7: wrong_type: `log` wants one of `\"error\"`, `\"warn\"`, \
                 `\"info\"`, `\"debug\"`, `\"trace\"`, found the number 3",
            ],
        );
        check(
            "[daemon]\nmetrics = \"data/a.csv\"\n",
            &[
                "nightshift.toml:2:11: path_form: `daemon.metrics` = `\"data/a.csv\"` does not end in `.prom`",
            ],
        );
        check(
            "jobs_dir = \"state/jobs\"\n",
            &["nightshift.toml:1:12: path_form: `state_dir` = `\"state\"` and `jobs_dir` = \
               `\"state/jobs\"` overlap"],
        );
        check(
            "[daemon]\nmax_running = 0\n[api]\nlisten = \"localhost\"\n[keep]\nmodel_versions = 0\n",
            &[
                "nightshift.toml:2:15: out_of_range: `daemon.max_running` wants a whole number from 1 \
                 to 1024, found 0",
                "nightshift.toml:3:2: not_supported_yet: `[api]` is not supported yet",
                "nightshift.toml:4:10: address_form: `api.listen` wants an address such as \
                 `\"127.0.0.1:8700\"`, found `\"localhost\"`",
                "nightshift.toml:6:18: out_of_range: `keep.model_versions` wants a whole number from 1 \
                 to 1000000, found 0",
            ],
        );
    }
}
