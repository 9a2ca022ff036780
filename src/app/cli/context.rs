//! What every command shares: where the project is, its jobs, its world, and what output is for.
//!
//! A problem in one job file never keeps a command about another job from its work; a problem in
//! `nightshift.toml` stops everything, since nobody knows where the state is then.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;

use crate::adapters::clock::Clock;
use crate::adapters::store::Store;
use crate::adapters::telemetry::{Colors, LastWords, Reader, Telemetry};
use crate::app::cli::failure::{Failure, Kind};
use crate::app::cli::pretence::Pretences;
use crate::app::cli::terminal::{Talk, Terminal};
use crate::app::render::text::Paint;
use crate::domain::identity::JobName;
use crate::domain::project::{LogLevel, Project};
use crate::engine::jobs::{self, LoadedJob, LoadedJobs, PROJECT_FILE};
use crate::engine::world::{Access, World};

/// Most jobs that a hint names.
const NAMES_MAX: usize = 20;

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// People
    Text,
    /// Machines: one JSON object
    Json,
}

/// What every command shares.
#[derive(Debug)]
pub(crate) struct Context {
    asked: Option<PathBuf>,
    clock: Clock,
    reader: Reader,
    last_words: OnceLock<LastWords>,
    store: OnceLock<Store>,
    /// What the environment pretends.
    pub(crate) pretences: Pretences,
    /// What standard output is for.
    pub(crate) format: Format,
    /// Where output goes.
    pub(crate) terminal: Terminal,
}

impl Context {
    /// A context for the project `asked` for, or else the one around the current folder. What is logged
    /// for `reader` has been told, as far as it could be, when the context is dropped.
    pub(crate) fn new(
        asked: Option<PathBuf>,
        format: Format,
        terminal: Terminal,
        clock: Clock,
        reader: Reader,
    ) -> Self {
        Self {
            asked,
            clock,
            reader,
            last_words: OnceLock::new(),
            store: OnceLock::new(),
            pretences: Pretences::default(),
            format,
            terminal,
        }
    }

    /// The same under what the environment pretends.
    pub(crate) fn with_pretences(self, pretences: Pretences) -> Self {
        Self { pretences, ..self }
    }

    /// How text on standard output is coloured.
    pub(crate) fn paint(&self) -> Paint {
        Paint { color: self.terminal.color_out && self.format == Format::Text }
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The project that was asked for by name, if one was.
    pub(crate) fn asked_project(&self) -> Option<&Path> {
        self.asked.as_deref()
    }

    /// The root of the project.
    pub(crate) fn project_dir(&self) -> Result<PathBuf, Failure> {
        if let Some(asked) = &self.asked {
            if asked.is_dir() {
                return Ok(asked.clone());
            }
            return Err(Failure::usage(format!("there is no folder `{}`", asked.display()))
                .hint("`--project` names the folder that holds `nightshift.toml` or `jobs`"));
        }
        let here = std::env::current_dir()
            .map_err(|error| Failure::internal("failed to find the current folder", error))?;
        Ok(nearest_project(&here).unwrap_or(&here).to_owned())
    }

    /// Everything the files of the project say, problems included.
    pub(crate) fn load(&self) -> Result<LoadedJobs, Failure> {
        Ok(jobs::load_all(&self.project_dir()?)?)
    }

    /// Everything the files of the project say, if `nightshift.toml` has no problem.
    ///
    /// Problems of job files are only mentioned: they do not keep other jobs from their work.
    pub(crate) fn jobs(&self) -> Result<LoadedJobs, Failure> {
        let mut loaded = self.load()?;
        let (of_project, of_jobs): (Vec<_>, Vec<_>) =
            loaded.problems.into_iter().partition(|problem| problem.file == PROJECT_FILE);
        if !of_project.is_empty() {
            return Err(Failure::problems(of_project, loaded.sources));
        }
        if !of_jobs.is_empty() {
            let number = of_jobs.len();
            let noun = if number == 1 { "problem" } else { "problems" };
            self.terminal
                .say(&format!("warning: {number} {noun} in job files, see `nightshift validate`"));
        }
        loaded.problems = of_jobs;
        Ok(loaded)
    }

    /// The job called `name`.
    pub(crate) fn job(&self, name: &str) -> Result<LoadedJob, Failure> {
        let loaded = self.load()?;
        let blocked = loaded.problems.iter().any(|problem| problem.file == PROJECT_FILE);
        match loaded.find(name) {
            Some(job) if !blocked => Ok(job.clone()),
            _ if !loaded.problems.is_empty() => {
                Err(Failure::problems(loaded.problems, loaded.sources))
            }
            _ => Err(no_such_job(name, &loaded)),
        }
    }

    /// The model called `name`, which the store may know although its job file is gone.
    pub(crate) fn model(&self, name: &str) -> Result<JobName, Failure> {
        JobName::new(name).ok_or_else(|| match self.load() {
            Ok(loaded) => no_such_job(name, &loaded),
            Err(failure) => failure,
        })
    }

    /// The world of the project. Whoever changes something in it also logs what happens.
    pub(crate) async fn world(&self, access: Access) -> Result<World, Failure> {
        let project_dir = self.project_dir()?;
        if access == Access::Read {
            return Ok(World::open(&project_dir, access).await?);
        }
        let project = jobs::load_project(&project_dir)?.project;
        let telemetry = self.start_log(project.log)?;
        let world = World::open(&project_dir, access).await?;
        self.store.get_or_init(|| world.store.clone());
        Ok(world.with_telemetry(telemetry))
    }

    /// Closes what a command that has ended well has written to. A process that executes one run for a daemon
    /// leaves that to the daemon.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.store.get() {
            store.clone().close().await;
        }
    }

    /// Begins to log: on standard error what flags or else `configured` say, and for each run a file.
    fn start_log(&self, configured: LogLevel) -> Result<Telemetry, Failure> {
        let level = match self.terminal.talk {
            Talk::Quiet => LevelFilter::ERROR,
            Talk::Verbose => LevelFilter::INFO,
            Talk::Debug => LevelFilter::DEBUG,
            Talk::Normal => match configured {
                LogLevel::Error => LevelFilter::ERROR,
                LogLevel::Warn => LevelFilter::WARN,
                LogLevel::Info => LevelFilter::INFO,
                LogLevel::Debug => LevelFilter::DEBUG,
                LogLevel::Trace => LevelFilter::TRACE,
            },
        };
        let colors = if self.terminal.color_err { Colors::On } else { Colors::Off };
        let clock = self.clock;
        let (telemetry, last_words) =
            Telemetry::start(level, colors, self.reader, move || clock.now())
                .map_err(|error| Failure::internal("failed to start the log", error))?;
        // There is one log in a process: a second one would have failed to start.
        self.last_words.get_or_init(|| last_words);
        Ok(telemetry)
    }

    /// The world of the project for reading, if anything has ever been recorded in it. A database whose
    /// making was cut short is none.
    pub(crate) async fn world_if_any(&self, project: &Project) -> Result<Option<World>, Failure> {
        match World::open_if_any(&self.project_dir()?, project).await {
            Err(error) if error.is_of_no_database() => Ok(None),
            found => Ok(found?),
        }
    }
}

/// The nearest folder at or above `start` that holds a `nightshift.toml`.
fn nearest_project(start: &Path) -> Option<&Path> {
    start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file())
}

fn no_such_job(name: &str, loaded: &LoadedJobs) -> Failure {
    let names: Vec<&str> = loaded.jobs.iter().map(|loaded| loaded.job.name.as_str()).collect();
    let failure = Failure::new(Kind::Usage, format!("there is no job `{name}`"));
    if let Some(nearest) = nearest(name, &names) {
        return failure.hint(format!("the nearest name is `{nearest}`"));
    }
    match names.len() {
        0 => {
            failure.hint("there are no jobs here; `nightshift init DIR` makes a project that works")
        }
        1 => failure.hint(format!("the only job is `{}`", names[0])),
        2..=NAMES_MAX => failure.hint(format!("the jobs are {}", names.join(", "))),
        _ => failure.hint("`nightshift status` lists the jobs"),
    }
}

/// The name that `text` was probably meant to be.
pub(crate) fn nearest<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.8;
    names
        .iter()
        .map(|name| (strsim::jaro_winkler(text, name), *name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_the_nearest_folder_above() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(nearest_project(&deep), None);
        std::fs::write(root.path().join("nightshift.toml"), "").unwrap();
        assert_eq!(nearest_project(&deep), Some(root.path()));
        std::fs::write(root.path().join("a/b/nightshift.toml"), "").unwrap();
        assert_eq!(nearest_project(&deep), Some(root.path().join("a/b").as_path()));
        // A folder of that name is not a project.
        std::fs::create_dir(deep.join("nightshift.toml")).unwrap();
        assert_eq!(nearest_project(&deep), Some(root.path().join("a/b").as_path()));
    }

    #[test]
    fn a_name_is_suggested_only_if_it_is_near() {
        assert_eq!(nearest("wnie", &["churn", "wine"]), Some("wine"));
        assert_eq!(nearest("bikes", &["churn", "wine"]), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
