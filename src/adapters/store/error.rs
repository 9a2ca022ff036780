//! What can go wrong with the store, sorted by what the caller must do about it.
//!
//! The process must end (damage, a failed fsync), give up its results (a lost fence), look again (moved
//! aliases), try again (busy), or tell the user.

use std::path::{Path, PathBuf};

use crate::adapters::store::copy::CopyError;
use crate::domain::identity::{JobName, RunId};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database yet.
    #[error("found no database at `{path}`, wanted one: run `nightshift run` once to make it")]
    NotInitialised {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The database cannot be trusted. Nothing was written to it.
    #[error("the database `{path}` is damaged ({found}); nothing was written to it")]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What `SQLite` said, where it was `SQLite` that noticed.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// A later version of nightshift has written this database.
    #[error(
        "the database `{path}` has schema {found}, wanted at most {known}: use the newer nightshift \
         that wrote it"
    )]
    FromNewerVersion {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The latest schema version that this binary knows.
        known: i64,
    },
    /// A database of an older schema is not brought up to date, since no copy of it could be kept. It is as it
    /// was.
    #[error(
        "the database `{path}` has schema {from} and stays as it is: before it gets schema {to}, a copy of it \
         was to be kept in `{folder}`"
    )]
    NotKept {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        from: i64,
        /// The schema version that this binary works with.
        to: i64,
        /// Where the copy was to be.
        folder: PathBuf,
        /// Why it is not there.
        #[source]
        source: Box<CopyError>,
    },
    /// Another process held the database for longer than we wait.
    #[error("failed to {action}: another process is writing to the database; try again")]
    Busy {
        /// What was attempted.
        action: &'static str,
    },
    /// The disk did not confirm a write. What is on it is not known, so the process must end.
    #[error("failed to {action}: the disk did not confirm the write")]
    Fsync {
        /// What was attempted.
        action: &'static str,
        /// What `SQLite` said.
        #[source]
        source: sqlx::Error,
    },
    /// There is no room on the disk. Nothing was written.
    #[error("failed to {action}: the disk is full")]
    Full {
        /// What was attempted.
        action: &'static str,
        /// What `SQLite` said.
        #[source]
        source: sqlx::Error,
    },
    /// The run has been claimed by somebody else, or has ended. Nothing was written.
    #[error("run `{run}` is no longer held by this process; its results are discarded")]
    FenceLost {
        /// The run.
        run: RunId,
    },
    /// An alias or a version number was taken between reading and writing. Nothing was written.
    #[error("the aliases of model `{model}` were moved by somebody else meanwhile; look again")]
    MovedByOther {
        /// The model.
        model: JobName,
    },
    /// A run has published with the version that a rollback leaves, since the rollback was planned. Nothing
    /// was written.
    #[error("a run of `{model}` has published since the rollback was planned; ask for it again")]
    PublishedByOther {
        /// The model.
        model: JobName,
    },
    /// The version that a run scores with was rolled back while it ran. Nothing was written.
    #[error(
        "the version was rolled back while the run scored with it; nothing is published, run it again"
    )]
    RolledBackByOther {
        /// The model.
        model: JobName,
    },
    /// The folder that a run was to publish to is that of another tick. Nothing was written.
    #[error("the folder `{folder}` holds the scores of run `{owner}`, which is for another tick")]
    FolderTaken {
        /// The folder.
        folder: String,
        /// The run that has published there, or is about to.
        owner: RunId,
    },
    /// Anything else.
    #[error("failed to {action}")]
    Failed {
        /// What was attempted.
        action: &'static str,
        /// What `SQLite` or the driver said.
        #[source]
        source: sqlx::Error,
    },
}

/// Why a transaction ends early: the database failed, or what it holds forbids the write.
#[derive(Debug)]
pub(super) enum Stop {
    Sql(sqlx::Error),
    Refused(StoreError),
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// A value in a column that no version of nightshift has written there.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}` holds `{found}`, which is no {wanted}")]
pub(super) struct UnreadableColumn {
    pub(super) column: String,
    pub(super) found: String,
    pub(super) wanted: &'static str,
}

// Primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in
// the low byte.
const SQLITE_ERROR: i32 = 1;
const SQLITE_BUSY: i32 = 5;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_READONLY_ROLLBACK: i32 = 776;
const SQLITE_NOTADB: i32 = 26;
const SQLITE_IOERR_FSYNC: i32 = 1034;
const SQLITE_IOERR_DIR_FSYNC: i32 = 1290;

impl StoreError {
    /// Whether the file has a journal of a write that its process did not live to end, and that a connection
    /// which can only read may not undo.
    pub(super) fn is_half_written(&self) -> bool {
        matches!(self, Self::Failed { source, .. }
            if result_code(source) == Some(SQLITE_READONLY_ROLLBACK))
    }

    /// Sorts an error of the driver that came up while the settings and the schema of a file were read. Nothing
    /// but the file can be at fault where `SQLite` says that the statement is.
    pub(super) fn from_reading(path: &Path, action: &'static str, source: sqlx::Error) -> Self {
        if result_code(&source) == Some(SQLITE_ERROR) {
            let found = "SQLite cannot read it".to_owned();
            return Self::Damaged { path: path.to_owned(), found, source: Some(source) };
        }
        Self::from_sqlx(path, action, source)
    }

    /// Sorts an error of the driver by what the caller must do about it.
    pub(super) fn from_sqlx(path: &Path, action: &'static str, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        match result_code(&source) {
            Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC) => Self::Fsync { action, source },
            Some(code) if code & 0xff == SQLITE_BUSY => Self::Busy { action },
            Some(SQLITE_FULL) => Self::Full { action, source },
            Some(code) if matches!(code & 0xff, SQLITE_CORRUPT | SQLITE_NOTADB) => {
                let found = "SQLite cannot read it".to_owned();
                Self::Damaged { path, found, source: Some(source) }
            }
            Some(_) => Self::Failed { action, source },
            None => match source {
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                    let found = "a row cannot be read".to_owned();
                    Self::Damaged { path, found, source: Some(source) }
                }
                sqlx::Error::PoolTimedOut => Self::Busy { action },
                source => Self::Failed { action, source },
            },
        }
    }
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Code(i32);

    impl std::fmt::Display for Code {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "code {}", self.0)
        }
    }

    impl std::error::Error for Code {}

    impl sqlx::error::DatabaseError for Code {
        fn message(&self) -> &'static str {
            "made for a test"
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.to_string().into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    #[track_caller]
    fn check(code: i32, expect: &str) {
        let source = sqlx::Error::Database(Box::new(Code(code)));
        let found = StoreError::from_sqlx(Path::new("n.db"), "write", source);
        assert!(format!("{found:?}").starts_with(expect), "{code}: {found:?}");
    }

    #[test]
    fn result_codes_are_sorted_by_what_to_do() {
        check(5, "Busy");
        check(517, "Busy");
        check(11, "Damaged");
        check(267, "Damaged");
        check(26, "Damaged");
        check(1034, "Fsync");
        check(1290, "Fsync");
        check(10, "Failed");
        check(13, "Full");
        check(14, "Failed");
    }

    #[test]
    fn the_cause_is_not_in_the_text() {
        let source = sqlx::Error::Database(Box::new(Code(1034)));
        let found = StoreError::from_sqlx(Path::new("n.db"), "commit a run", source);
        assert_eq!(found.to_string(), "failed to commit a run: the disk did not confirm the write");
        assert!(std::error::Error::source(&found).is_some());
    }
}
