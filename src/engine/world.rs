//! The world of one command: the project, its store, its artifacts, its roots and the clock.
//!
//! Everything outside of a run that a run needs comes through here, as plain structs: tests use a real
//! database and real files in a temporary folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::adapters::artifact::Artifacts;
use crate::adapters::clock::Clock;
use crate::adapters::dataset::Roots;
use crate::adapters::disk::reserve;
use crate::adapters::env::Environment;
use crate::adapters::metrics::{self, Metrics};
use crate::adapters::publish::Site;
use crate::adapters::store::{Open, OutputPlace, Store};
use crate::adapters::telemetry::{RunLog, Telemetry};
use crate::domain::identity::{JobName, RunId, Version};
use crate::domain::layout::TickFolder;
use crate::domain::project::Project;
use crate::domain::run::RunSlot;
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::{LoadedProject, load_project};
use crate::engine::local::require_local;
use crate::engine::report::ModelRef;
use crate::engine::whereabouts::{self, Identity};
use crate::engine::{lost, relocate};

/// What a command will do with the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Look only; the database must exist.
    Read,
    /// Change what is there; the database must exist.
    Write,
    /// Change what is there, and make the database if there is none and nothing says that there was one.
    Create,
    /// Change what is there, and make the database if there is none: whose the files below the project are, is
    /// learned from them.
    Begin,
}

/// Everything outside of a run that a run needs. Clones share the connections of the store.
#[derive(Debug, Clone)]
pub struct World {
    /// Absolute, symbolic links resolved.
    pub project_dir: PathBuf,
    /// What `nightshift.toml` says.
    pub project: Project,
    /// The folders that may be read and written.
    pub roots: Roots,
    /// The record of everything.
    pub store: Store,
    /// The model files.
    pub artifacts: Artifacts,
    /// Whose files are whose.
    pub identity: Identity,
    /// What a daemon counts.
    pub metrics: Metrics,
    clock: Clock,
    environment: Environment,
    telemetry: Option<Telemetry>,
}

impl World {
    /// Opens the project at `project_dir`.
    pub async fn open(project_dir: &Path, access: Access) -> Result<Self, RunError> {
        let stage = "open the project";
        let project_dir = project_dir.canonicalize().map_err(|error| {
            let shown = project_dir.display();
            RunError::new("open the project", Cause::Request, format!("`{shown}`: {error}"))
        })?;
        let LoadedProject { project, problems, .. } = load_project(&project_dir)?;
        if let Some(problem) = problems.first() {
            let message = format!("{}:{}: {}", problem.file, problem.line, problem.message);
            return Err(RunError::new("open the project", Cause::Job, message)
                .hint("`nightshift validate` shows every problem"));
        }
        let state_dir = project_dir.join(&project.state_dir);
        let open = match access {
            Access::Read => Open::ReadOnly,
            Access::Write => Open::ReadWrite,
            Access::Create | Access::Begin => Open::Create,
        };
        require_local(&state_dir)?;
        if access != Access::Begin {
            lost::require_none(&project_dir, &project)?;
        }
        if access != Access::Read
            && let Err(error) = reserve::tend(&state_dir)
        {
            // A new project has no state folder yet, and not every file system can allocate.
            tracing::debug!(error = %error, "there is no reserve for a full disk");
        }
        let store =
            Store::open(&state_dir, open).await.map_err(RunError::store("open the store"))?;
        // What is published below the project was published by it, whatever its record was called.
        if access == Access::Begin {
            for former in lost::former_ids(&project_dir)? {
                store.adopt(&former).await.map_err(RunError::store("open the store"))?;
            }
        }
        let roots = Roots::new(&project_dir, &project.data_roots)
            .map_err(|error| RunError::new("open the project", Cause::Job, error))?;
        let former_home = match access {
            Access::Read => None,
            _ => relocate::relocate(&store, &roots).await?,
        };
        let home = whereabouts::Home { project_dir: &project_dir, project: &project, former_home };
        let identity = whereabouts::identify(&store, home, access).await?;
        let artifacts = Artifacts::new(&state_dir);
        let clock = Clock::from_environment().map_err(RunError::other(stage))?;
        let environment = Environment::read().map_err(RunError::other(stage))?;
        let metrics = Metrics::new().map_err(RunError::other(stage))?;
        Ok(Self {
            project_dir,
            project,
            roots,
            store,
            artifacts,
            identity,
            metrics,
            clock,
            environment,
            telemetry: None,
        })
    }

    /// Opens the project at `project_dir` for reading, unless nothing has ever been recorded in it.
    pub async fn open_if_any(
        project_dir: &Path,
        project: &Project,
    ) -> Result<Option<Self>, RunError> {
        lost::require_none(project_dir, project)?;
        if lost::has_database(project_dir, project)? {
            return Self::open(project_dir, Access::Read).await.map(Some);
        }
        Ok(None)
    }

    /// Lets runs write their logs through `telemetry`.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry: Some(telemetry), ..self }
    }

    /// How many lines of the log could not be told, since nobody read them.
    pub fn log_lines_untold(&self) -> usize {
        self.telemetry.as_ref().map_or(0, Telemetry::lines_untold)
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time of day, for a thread that outlives this borrow.
    pub fn timekeeper(&self) -> impl Fn() -> Timestamp + Send + use<> {
        let clock = self.clock;
        move || clock.now()
    }

    /// How long a span of this world's time takes: less where a test lets its clock run fast.
    pub fn real_span(&self, span: Duration) -> Duration {
        self.clock.real_span(span)
    }

    /// A new run id for `slot`.
    pub fn new_run_id(&self, slot: &RunSlot) -> Result<RunId, RunError> {
        let RunSlot { job, kind, tick, revision } = slot;
        let subject = format!("{job} {kind} {tick} {revision}");
        let random = self.environment.random_bits(&subject).map_err(RunError::other("claim"))?;
        Ok(RunId::new(self.now(), random))
    }

    /// The folder of the database, the models and the runs.
    pub fn state_dir(&self) -> PathBuf {
        self.project_dir.join(&self.project.state_dir)
    }

    /// The file that what the daemon counts is written to.
    pub fn metrics_path(&self) -> PathBuf {
        let place = self.project.daemon.metrics.as_ref();
        place.map_or_else(
            || self.state_dir().join(metrics::FILE_NAME),
            |place| self.project_dir.join(place),
        )
    }

    /// Lets log lines go to the file of `run` until the value is dropped.
    pub fn run_log(&self, run: &RunId) -> Result<Option<RunLog>, RunError> {
        self.telemetry
            .as_ref()
            .map(|telemetry| telemetry.record(&self.state_dir(), run))
            .transpose()
            .map_err(RunError::other("open the log"))
    }

    /// The version that publishes for `model`.
    pub async fn champion(&self, model: &JobName) -> Result<Option<ModelRef>, RunError> {
        let failed = RunError::store("read the registry");
        let state = self.store.aliases(model).await.map_err(failed)?;
        match state.aliases.champion {
            Some(version) => self.model(model, version).await.map(Some),
            None => Ok(None),
        }
    }

    /// One version of `model`, with the hash of its artifact.
    pub async fn model(&self, model: &JobName, version: Version) -> Result<ModelRef, RunError> {
        let found = self
            .store
            .version(model, version)
            .await
            .map_err(RunError::store("read the registry"))?;
        let Some(record) = found else {
            let message = format!("model `{model}` has no version {version}");
            return Err(RunError::new("read the registry", Cause::Request, message)
                .hint(format!("`nightshift models {model}` lists them")));
        };
        Ok(ModelRef { name: model.clone(), version, sha256: record.sha256 })
    }

    /// The folders of a tick as they are now.
    pub fn site(&self, folder: &TickFolder) -> Result<Site, RunError> {
        let root = self.roots.folder_of(folder.root());
        let root = root.map_err(|error| RunError::new("find the scores", Cause::Job, error))?;
        Ok(Site::new(root, folder))
    }

    /// Where a file on record is now.
    pub fn path_of(&self, place: &OutputPlace) -> Result<PathBuf, RunError> {
        match place {
            OutputPlace::Former(path) => Ok(PathBuf::from(path)),
            OutputPlace::At(location) => self
                .roots
                .path_of(location)
                .map_err(|error| RunError::new("find the scores", Cause::Job, error)),
        }
    }

    /// A file on record as people write it: relative to the project, or absolute.
    pub fn shown(&self, place: &OutputPlace) -> String {
        match place {
            OutputPlace::At(location) => location.to_string(),
            OutputPlace::Former(path) => self.shown_path(path),
        }
    }

    /// A path below the project as people write it: relative to the project root.
    pub fn shown_path(&self, path: &str) -> String {
        let relative = Path::new(path).strip_prefix(&self.project_dir).ok();
        relative.map_or_else(|| path.to_owned(), |path| path.to_string_lossy().into_owned())
    }
}
