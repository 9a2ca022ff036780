//! The files that a run reads, and their digests.
//!
//! A digest costs a core a second for every two gigabytes, so it is taken on a thread of its own, from the moment at
//! which the files are known, while versions are loaded and rows are read. A run that fails does not wait for
//! it: the thread ends when nobody wants its digests any more. A digest is of the file that was found, as the rows are:
//! if another one stands in its place by then, there is an error and no digest.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use jiff::Timestamp;

use crate::adapters::dataset::{DatasetError, SourceFile};
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

/// An error of a run that has read `files`, found at `found_at`: one of their content is worth another try where it is
/// of a file that may not have been complete. Files that are written in place are seen half written now and then.
pub fn unless_unfinished(error: RunError, files: &[SourceFile], found_at: Timestamp) -> RunError {
    if error.cause != Cause::Data || error.stage != "read" {
        return error;
    }
    let named = error.source.downcast_ref::<DatasetError>().and_then(DatasetError::file);
    let concerned = files.iter().filter(|file| named.is_none_or(|name| file.relative == name));
    let unfinished = concerned.into_iter().find(|file| file.may_be_unfinished(found_at));
    let Some(file) = unfinished else { return error };
    let hint = format!(
        "`{}` was written within a minute of being read, and may not have been complete: the next try may \
         find it whole; write input files elsewhere and move them in place",
        file.relative
    );
    RunError { cause: Cause::Unsettled, ..error }.hint(hint)
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
    use jiff::SignedDuration;

    use super::*;
    use crate::adapters::dataset::{Roots, SETTLING, Table, discover};

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

    #[test]
    fn a_torn_file_is_worth_another_try_while_it_is_young() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::new(folder.path(), &[]).unwrap();
        std::fs::write(folder.path().join("a.csv"), "x,y\n1,2\n").unwrap();
        let check = |name: &str, bytes: &[u8], age: SignedDuration| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            let files = discover(&roots, "*", None).unwrap();
            let torn = files.iter().find(|file| file.relative == name).unwrap();
            let written = Timestamp::try_from(torn.modified).unwrap();
            let error = || RunError::table("read")(Table::open(&files, None).unwrap_err());
            assert_eq!(error().cause, Cause::Data, "{name}: {}", error().chain());
            let young = unless_unfinished(error(), &files, written);
            assert_eq!((young.cause, young.hints.len()), (Cause::Unsettled, 1), "{name}");
            let old = unless_unfinished(error(), &files, written + age);
            assert_eq!((old.cause, old.hints.len()), (Cause::Data, 0), "{name}");
            std::fs::remove_file(folder.path().join(name)).unwrap();
        };
        check("b.csv", b"x,y\n1,2\n3", SETTLING);
        check("b.csv", b"", SETTLING);
        check("b.parquet", b"PAR1\x15\x04", SETTLING);
        check("b.ndjson", b"{\"x\":1,", SETTLING);
    }

    #[test]
    fn what_no_file_is_to_blame_for_is_as_it_was() {
        let check = |stage, cause| {
            let error = unless_unfinished(RunError::new(stage, cause, "x"), &[], Timestamp::MIN);
            assert_eq!((error.stage, error.cause), (stage, cause));
        };
        check("read", Cause::Data);
        check("read", Cause::Other);
        check("plan", Cause::Data);
    }
}
