//! What can go wrong between a file and a batch of rows, and how it is told.
//!
//! Every error names the file as the user wrote it (relative to its root), and the row and column where
//! they are known. The cause stays in `source`, so that it is printed once.

use std::fmt;
use std::io;
use std::path::PathBuf;

use polars::prelude::PolarsError;

/// A failure to find, read or write a table.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A path leads out of the folders that the project may use.
    #[error(
        "`{path}` is outside of {}; move it there or add its folder to `data_roots` in nightshift.toml",
        listed(roots)
    )]
    Outside {
        /// The path, as far as it could be resolved.
        path: PathBuf,
        /// The folders that may be used.
        roots: Vec<PathBuf>,
    },
    /// A path or pattern that cannot be used for what it was given for.
    #[error("`{path}` {problem}")]
    Path {
        /// The path or pattern as it was given.
        path: String,
        /// What is wrong with it and what to do, as the rest of a sentence.
        problem: String,
    },
    /// The operating system refused.
    #[error("failed to {action} `{path}`")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The disk did not confirm a write. What is on it is not known.
    #[error("failed to write `{path}` to the disk: it did not confirm the write")]
    Fsync {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// polars could not read or write a file.
    #[error("failed to {action} `{file}`")]
    Polars {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        file: String,
        /// Why it failed.
        #[source]
        source: PolarsError,
    },
    /// A file holds something that it must not hold.
    #[error("`{file}`{place}: {problem}")]
    Content {
        /// The file, relative to its root.
        file: String,
        /// Where in the file.
        place: Place,
        /// What was wanted and found.
        problem: String,
    },
    /// A column cannot be used in the way that was asked for.
    #[error("column `{column}` {problem}")]
    Column {
        /// The name of the column.
        column: String,
        /// What is wrong with it, as the rest of a sentence.
        problem: String,
    },
    /// A file is not the one that was found, or did not stay as it was.
    #[error(
        "`{file}` changed after it was found; write input files elsewhere and move them in place"
    )]
    Changed {
        /// The file, relative to its root.
        file: String,
    },
    /// A computation panicked; that is a defect, here or in polars.
    #[error("panicked while trying to {action} `{file}`: {message}")]
    Panicked {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        file: String,
        /// What the panic said.
        message: String,
    },
}

/// A place in a file; what is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The row, counted from 1 and without the header.
    pub row: Option<u64>,
    /// The name of the column.
    pub column: Option<String>,
}

impl Place {
    /// The whole file.
    pub fn file() -> Self {
        Self::default()
    }

    /// A row, counted from 1.
    pub fn row(row: u64) -> Self {
        Self { row: Some(row), column: None }
    }

    /// A column.
    pub fn column(column: &str) -> Self {
        Self { row: None, column: Some(column.to_owned()) }
    }

    /// A value.
    pub fn cell(row: u64, column: &str) -> Self {
        Self { row: Some(row), column: Some(column.to_owned()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        Ok(())
    }
}

impl DatasetError {
    pub(super) fn content(file: &str, place: Place, problem: impl Into<String>) -> Self {
        Self::Content { file: file.to_owned(), place, problem: problem.into() }
    }

    pub(super) fn column(column: &str, problem: impl Into<String>) -> Self {
        Self::Column { column: column.to_owned(), problem: problem.into() }
    }

    pub(super) fn path(path: &str, problem: impl Into<String>) -> Self {
        Self::Path { path: path.to_owned(), problem: problem.into() }
    }

    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn polars(
        action: &'static str,
        file: &str,
    ) -> impl FnOnce(PolarsError) -> Self + use<> {
        let file = file.to_owned();
        move |source| Self::Polars { action, file, source }
    }

    /// The file that does not hold what it should, relative to its root, where it is one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Polars { file, .. } | Self::Content { file, .. } | Self::Changed { file } => {
                Some(file)
            }
            _ => None,
        }
    }

    /// Whether the disk is at fault, and not what is on it.
    pub fn is_of_the_disk(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_of_the_disk(source),
            Self::Polars { source: PolarsError::IO { error, .. }, .. } => is_of_the_disk(error),
            _ => false,
        }
    }

    /// Runs `work`; a panic in it becomes an error.
    pub(super) fn guard<T>(
        action: &'static str,
        file: &str,
        work: impl FnOnce() -> Result<T, Self>,
    ) -> Result<T, Self> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
            .unwrap_or_else(|payload| Err(Self::panicked(action, file, payload.as_ref())))
    }

    pub(super) fn panicked(
        action: &'static str,
        file: &str,
        payload: &(dyn std::any::Any + Send),
    ) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("no message").to_owned();
        Self::Panicked { action, file: file.to_owned(), message }
    }
}

/// Whether an error of the kernel may be gone the next time: it was interrupted, it had no room, it could
/// not read. A file that is missing or forbidden stays so.
fn is_of_the_disk(error: &io::Error) -> bool {
    // It has no kind of its own in the standard library.
    const EIO: i32 = 5;
    let kinds = [io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock, io::ErrorKind::StorageFull];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(EIO)
}

fn listed(roots: &[PathBuf]) -> String {
    let shown: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_what_is_known() {
        assert_eq!(Place::file().to_string(), "");
        assert_eq!(Place::row(3).to_string(), ", row 3");
        assert_eq!(Place::cell(3, "age").to_string(), ", row 3, column `age`");
        let error = DatasetError::content("a.csv", Place::column("age"), "wanted one, found two");
        assert_eq!(error.to_string(), "`a.csv`, column `age`: wanted one, found two");
    }

    #[test]
    fn what_may_be_gone_the_next_time_is_the_disk() {
        let check = |code: i32, expect: bool| {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(is_of_the_disk(&error), expect, "{error}");
            let wrapped = DatasetError::io("open", "a.csv")(error);
            assert_eq!(wrapped.is_of_the_disk(), expect);
            let polars = PolarsError::from(io::Error::from_raw_os_error(code));
            assert_eq!(DatasetError::polars("read", "a.csv")(polars).is_of_the_disk(), expect);
        };
        for (code, expect) in
            [(2, false), (4, true), (5, true), (11, true), (13, false), (28, true)]
        {
            check(code, expect);
        }
        assert!(!DatasetError::Changed { file: "a.csv".to_owned() }.is_of_the_disk());
    }

    #[test]
    fn a_panic_keeps_its_message() {
        let shown = |payload: &(dyn std::any::Any + Send)| {
            DatasetError::panicked("read", "a.parquet", payload).to_string()
        };
        assert!(shown(&"static text").ends_with("static text"));
        assert!(shown(&"owned text".to_owned()).ends_with("owned text"));
        assert!(shown(&7_u8).ends_with("no message"));
    }
}
