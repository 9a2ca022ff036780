//! The files that a run reads, and their digests.
//!
//! A digest costs a core a second for every two gigabytes, so it is taken on a thread of its own, from the moment at
//! which the files are known, while versions are loaded and rows are read. A run that fails does not wait for
//! it: the thread ends when nobody wants its digests any more. A digest is of the file that was found, as the rows are:
//! if another one stands in its place by then, there is an error and no digest.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crate::adapters::dataset::SourceFile;
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
        let found = file.sha256_while(|| wanted.strong_count() > 0);
        let (sha256, bytes) = found.map_err(RunError::table("read"))?;
        Ok(InputFile { path: file.relative.clone(), bytes, sha256 })
    };
    files.iter().map(digest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::dataset::{Roots, discover};

    #[test]
    fn a_file_that_was_replaced_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "x\n1\n").unwrap();
        let roots = Roots::new(folder.path(), &[]).unwrap();
        let files = discover(&roots, "a.csv", None).unwrap();
        let found = InputDigests::start(&files).unwrap().finish().unwrap();
        assert_eq!((found.len(), found[0].bytes), (1, 4));
        std::fs::write(folder.path().join("new"), "x\n2\n").unwrap();
        #[expect(clippy::disallowed_methods, reason = "as whoever delivers files does it")]
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        let told = InputDigests::start(&files).unwrap().finish().unwrap_err();
        assert!(told.chain().starts_with("`a.csv` changed after it was found"), "{}", told.chain());
    }
}
