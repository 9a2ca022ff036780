//! What the holder of a run's lock tells of its progress: one line in the lock file.
//!
//! Only the holder writes there, it costs no transaction, and the line is gone with the lock, which is when it
//! means nothing any more. Numbers of progress, and no proof of life: who holds the lock is what the kernel
//! says. The line has one length, so that it is replaced in one write; a reader that meets it half-written
//! finds none.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RunLock, path_of};
use crate::domain::identity::RunId;

/// The length of the line, its end included.
const LINE_BYTES: usize = 256;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When this was told.
    pub at: Timestamp,
    /// How often something was told before: two lines of one run are never the same.
    pub number: u64,
    /// What the run is doing.
    pub stage: String,
    /// Rows read so far.
    pub rows_read: u64,
    /// Rows of all files that it reads, where that is known.
    pub rows_of: Option<u64>,
    /// Rows scored so far.
    pub rows_scored: u64,
}

/// Writes the progress of one run.
#[derive(Debug)]
pub struct Scribe {
    file: File,
}

impl RunLock {
    /// What writes the progress of the run whose lock this is. It shares the lock's open file, and is to be
    /// dropped before it.
    pub fn scribe(&self) -> io::Result<Scribe> {
        self.file.try_clone().map(|file| Scribe { file })
    }

    /// What the holder of the lock of `run` has told last; `None` if nothing can be read. A process that was
    /// killed leaves what it told.
    pub fn beat(state_dir: &Path, run: &RunId) -> Option<Beat> {
        let bytes = fs::read(path_of(state_dir, run)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl Scribe {
    /// Replaces what was told before.
    pub fn tell(&self, beat: &Beat) -> io::Result<()> {
        let mut line = serde_json::to_vec(beat)?;
        if line.len() >= LINE_BYTES {
            return Err(io::Error::other("the line is longer than its place"));
        }
        line.resize(LINE_BYTES - 1, b' ');
        line.push(b'\n');
        self.file.write_all_at(&line, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_holder_tells_is_read_and_gone_with_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId::new(Timestamp::UNIX_EPOCH, 7);
        assert_eq!(RunLock::beat(folder.path(), &run), None);
        let lock = RunLock::acquire(folder.path(), &run).unwrap().unwrap();
        assert_eq!(RunLock::beat(folder.path(), &run), None);
        let scribe = lock.scribe().unwrap();
        for (number, stage) in [(0, "read the longest of all stages"), (1, "score")] {
            let (at, stage) = (Timestamp::MAX, stage.to_owned());
            let (rows_read, rows_of, rows_scored) = (u64::MAX, Some(u64::MAX), u64::MAX);
            let beat = Beat { at, number, stage, rows_read, rows_of, rows_scored };
            scribe.tell(&beat).unwrap();
            assert_eq!(RunLock::beat(folder.path(), &run), Some(beat));
        }
        // Another handle on the file keeps nothing locked.
        drop(lock);
        assert!(RunLock::is_free(folder.path(), &run).unwrap());
        assert_eq!(RunLock::beat(folder.path(), &run), None);
        drop(scribe);
    }

    #[test]
    fn what_a_killed_process_told_is_not_what_the_next_one_tells() {
        let state = tempfile::tempdir().unwrap();
        let run = RunId::new(Timestamp::UNIX_EPOCH, 7);
        let path = path_of(state.path(), &run);
        fs::create_dir(path.parent().unwrap()).unwrap();
        let line = r#"{"at":"2026-01-05T03:00:00Z","number":3,"stage":"score","rows_read":9,"rows_of":null,"rows_scored":9}"#;
        fs::write(&path, line).unwrap();
        assert_eq!(RunLock::beat(state.path(), &run).map(|beat| beat.number), Some(3));
        let _lock = RunLock::acquire(state.path(), &run).unwrap().unwrap();
        assert_eq!(RunLock::beat(state.path(), &run), None);
    }
}
