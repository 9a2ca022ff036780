//! The files that a run reads, and their digests.
//!
//! A digest costs a core a second for every two gigabytes, so it is taken on a thread of its own, from the moment at
//! which the files are known, while versions are loaded and rows are read. A run that fails does not wait for
//! it: the thread ends when nobody wants its digests any more.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crate::adapters::dataset::{self, DatasetError, SourceFile};
use crate::engine::error::{Cause, RunError};
use crate::engine::report::InputFile;

/// Digests that are being taken. Dropped, they are not taken to the end.
#[derive(Debug)]
pub struct InputDigests {
    thread: JoinHandle<Result<Vec<InputFile>, RunError>>,
    /// Held by nobody else.
    _wanted: Arc<()>,
}

impl InputDigests {
    /// Starts to read `files`.
    pub fn start(files: &[SourceFile]) -> Result<Self, RunError> {
        let (wanted, files) = (Arc::new(()), files.to_vec());
        let is_wanted = Arc::downgrade(&wanted);
        let thread = std::thread::Builder::new()
            .name("input digests".to_owned())
            .spawn(move || digests(&files, &is_wanted))
            .map_err(RunError::other("read"))?;
        Ok(Self { thread, _wanted: wanted })
    }

    /// Waits until every file was read, and says what was found, in the order of the files.
    pub fn finish(self) -> Result<Vec<InputFile>, RunError> {
        let panicked = || RunError::new("read", Cause::Other, "hashing the inputs panicked");
        self.thread.join().map_err(|_| panicked())?
    }
}

fn digests(files: &[SourceFile], wanted: &Weak<()>) -> Result<Vec<InputFile>, RunError> {
    let digest = |file: &SourceFile| {
        let found = dataset::file_sha256_while(&file.path, || wanted.strong_count() > 0);
        let (sha256, bytes) = found.map_err(|source| {
            let path = file.path.clone();
            RunError::table("read")(DatasetError::Io { action: "read", path, source })
        })?;
        Ok(InputFile { path: file.relative.clone(), bytes, sha256 })
    };
    files.iter().map(digest).collect()
}
