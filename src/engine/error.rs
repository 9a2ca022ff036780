//! What stopped a run, and at which stage: the first thing a user asks.
//!
//! Errors of the rooms below are sorted here by the remedy they need; which exit code that is, and how it
//! is told, is the business of `app`.

use std::error::Error;
use std::fmt;

use crate::adapters::artifact::ArtifactError;
use crate::adapters::dataset::{DatasetError, ScanError};
use crate::adapters::store::StoreError;
use crate::adapters::store::copy::CopyError;
use crate::domain::identity::RunId;
use crate::learn::profile::ProfileError;

/// An error of the engine: where it happened, what it was, and what kind of remedy it needs.
#[derive(Debug)]
pub struct RunError {
    /// The verb that was under way: `plan`, `read`, `score`, `fit`, `commit`, ...
    pub stage: &'static str,
    /// What the caller can do about it.
    pub cause: Cause,
    /// The run, once there is one.
    pub run: Option<RunId>,
    /// What happened.
    pub source: Box<dyn Error + Send + Sync>,
    /// Actions that may help.
    pub hints: Vec<String>,
}

/// What helps where the database is damaged or gone.
pub const RESTORE: &str =
    "`nightshift restore FILE` puts a backup in its place and keeps what is there";

/// What helps where a copy of the database could not be kept.
const MAKE_ROOM: &str =
    "make the folder writable, or free room on its disk (`df` tells), and give the command again";

/// What kind of remedy an error needs; the command line chooses its exit code by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The request makes no sense: no such run, no such version, a refusal by the registry.
    Request,
    /// The job file, or what it says about data that turn out otherwise.
    Job,
    /// The data: missing, unreadable, of another schema, too few rows.
    Data,
    /// The data as well, but files that have changed since they were found, or may not have been complete.
    Unsettled,
    /// Somebody else owns the run.
    Busy,
    /// An fsync failed: what is on disk cannot be trusted.
    Fsync,
    /// The database or a model file is damaged.
    Damaged,
    /// Anything else: IO, a bug.
    Other,
}

impl RunError {
    /// An error of `stage` with nothing to hint at.
    pub fn new(
        stage: &'static str,
        cause: Cause,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { stage, cause, run: None, source: source.into(), hints: Vec::new() }
    }

    /// Turns an error of the store into one of `stage`.
    pub fn store(stage: &'static str) -> impl Fn(StoreError) -> Self + Copy {
        move |error| {
            let cause = match &error {
                StoreError::Damaged { .. } | StoreError::FromNewerVersion { .. } => Cause::Damaged,
                StoreError::Fsync { .. } => Cause::Fsync,
                StoreError::NotKept { source, .. }
                    if matches!(**source, CopyError::Fsync { .. }) =>
                {
                    Cause::Fsync
                }
                StoreError::FenceLost { .. }
                | StoreError::MovedByOther { .. }
                | StoreError::PublishedByOther { .. }
                | StoreError::RolledBackByOther { .. }
                | StoreError::FolderTaken { .. }
                | StoreError::Busy { .. } => Cause::Busy,
                StoreError::NotInitialised { .. } => Cause::Request,
                StoreError::NotKept { .. }
                | StoreError::Full { .. }
                | StoreError::Failed { .. } => Cause::Other,
            };
            let hint = match &error {
                StoreError::Damaged { .. } => Some(RESTORE),
                StoreError::NotKept { .. } => Some(MAKE_ROOM),
                _ => None,
            };
            let out = Self::new(stage, cause, error);
            if let Some(hint) = hint { out.hint(hint) } else { out }
        }
    }

    /// Turns an error of a copy of the database into one of `stage`.
    pub fn copy(stage: &'static str) -> impl Fn(CopyError) -> Self + Copy {
        move |error| match error {
            CopyError::Store(error) => Self::store(stage)(error),
            error @ CopyError::Fsync { .. } => Self::new(stage, Cause::Fsync, error),
            error @ CopyError::Exists { .. } => Self::new(stage, Cause::Request, error),
            error @ CopyError::Io { .. } => Self::new(stage, Cause::Other, error),
        }
    }

    /// Turns an error of a table into one of `stage`: of the data, unless these have changed, or the disk is at
    /// fault, or the program, which is tried again wherever it panics.
    pub fn table(stage: &'static str) -> impl Fn(DatasetError) -> Self + Copy {
        move |error| {
            let cause = match &error {
                DatasetError::Fsync { .. } => Cause::Fsync,
                DatasetError::Panicked { .. } => Cause::Other,
                DatasetError::Changed { .. } => Cause::Unsettled,
                error if error.is_of_the_disk() => Cause::Other,
                _ => Cause::Data,
            };
            Self::new(stage, cause, error)
        }
    }

    /// Turns an error of a model file that is written into one of `stage`.
    pub fn artifact(stage: &'static str) -> impl Fn(ArtifactError) -> Self + Copy {
        move |error| {
            let cause = match &error {
                ArtifactError::Fsync { .. } => Cause::Fsync,
                _ => Cause::Other,
            };
            Self::new(stage, cause, error)
        }
    }

    /// Turns an error about what the user's data hold into one of `stage`.
    pub fn data<E: Into<Box<dyn Error + Send + Sync>>>(
        stage: &'static str,
    ) -> impl Fn(E) -> Self + Copy {
        move |error| Self::new(stage, Cause::Data, error)
    }

    /// Turns an error of the machine (disk, memory) into one of `stage`.
    pub fn other<E: Into<Box<dyn Error + Send + Sync>>>(
        stage: &'static str,
    ) -> impl Fn(E) -> Self + Copy {
        move |error| Self::new(stage, Cause::Other, error)
    }

    /// Whether the database has not confirmed a write: it must not be written to again.
    pub fn is_of_an_unconfirmed_database(&self) -> bool {
        matches!(self.source.downcast_ref(), Some(StoreError::Fsync { .. }))
    }

    /// Whether there is no database yet.
    pub fn is_of_no_database(&self) -> bool {
        matches!(self.source.downcast_ref(), Some(StoreError::NotInitialised { .. }))
    }

    /// Whether nothing can be trusted any more: the database is damaged, or the disk did not confirm what was
    /// written to it. A file of one run that is damaged or not confirmed is that run's trouble.
    pub fn ends_everything(&self) -> bool {
        let is_of_database = self.source.downcast_ref::<StoreError>().is_some();
        is_of_database && matches!(self.cause, Cause::Fsync | Cause::Damaged)
    }

    /// Adds an action that may help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The error and its causes in one line, for the record of the run.
    pub fn chain(&self) -> String {
        let mut out = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(error) = cause {
            out.push_str(": ");
            out.push_str(&error.to_string());
            cause = error.source();
        }
        out
    }
}

impl From<ScanError<RunError>> for RunError {
    /// What ended a pass: the caller's own error, or one of the table.
    fn from(error: ScanError<RunError>) -> Self {
        match error {
            ScanError::Callback(error) => error,
            ScanError::Dataset(error) => Self::table("read")(error),
        }
    }
}

impl From<ProfileError> for RunError {
    /// Columns that cannot be profiled.
    fn from(error: ProfileError) -> Self {
        Self::data("profile")(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.stage)?;
        self.run.as_ref().map_or(Ok(()), |run| write!(f, " (run `{run}`)"))
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_no_fault_of_the_data() {
        let path = || "a.parquet".into();
        let io = |code| std::io::Error::from_raw_os_error(code);
        let read = |code| DatasetError::Io { action: "read", path: path(), source: io(code) };
        let fsync = DatasetError::Fsync { path: path(), source: io(5) };
        let (file, message) = ("a.parquet".to_owned(), "a bug".to_owned());
        let panicked = DatasetError::Panicked { action: "read", file, message };
        assert_eq!(RunError::table("read")(panicked).cause, Cause::Other);
        let changed = DatasetError::Changed { file: "a.parquet".to_owned() };
        for (error, cause) in [
            (read(5), Cause::Other),
            (read(2), Cause::Data),
            (fsync, Cause::Fsync),
            (changed, Cause::Unsettled),
        ] {
            assert_eq!(RunError::table("read")(error).cause, cause);
        }
        let source = sqlx::Error::Io(io(5));
        let unconfirmed = RunError::store("commit")(StoreError::Fsync { action: "write", source });
        assert!(unconfirmed.is_of_an_unconfirmed_database() && unconfirmed.cause == Cause::Fsync);
        let fsync = ArtifactError::Fsync { path: path(), source: io(5) };
        let fsync = RunError::artifact("write the model")(fsync);
        assert!(!fsync.is_of_an_unconfirmed_database() && fsync.cause == Cause::Fsync);
    }
}
