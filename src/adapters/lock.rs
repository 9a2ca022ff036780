//! The lock of a run: held by the process that executes it, from before its first side effect to its end. And
//! that of a state directory, below.
//!
//! The kernel lets go of it when the process ends, however it ends, so a lock that can be taken proves
//! that nobody executes the run any more. Nothing else proves that. The lock is advisory: what keeps a
//! stale process from doing harm is the token of its claim.

/// What the holder of a run's lock tells of its progress.
mod beat;
/// The lock of a state directory.
mod daemon;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub use self::beat::{Beat, Scribe};
pub use self::daemon::DaemonLock;
use crate::domain::identity::RunId;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    file: File,
}

/// Longer than those who look at a lock keep it from being taken.
const LOOK: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(1);

/// Where the locks of runs are within a state directory.
const FOLDER: &str = "runs";

/// A lock file could not be opened or locked, for another reason than that somebody holds it.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} the lock `{path}`")]
pub struct LockError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl RunLock {
    /// Takes the lock of `run`, or returns `None` if somebody holds it.
    pub fn acquire(state_dir: &Path, run: &RunId) -> Result<Option<Self>, LockError> {
        let folder = state_dir.join(FOLDER);
        let path = path_of(state_dir, run);
        let failed = |action| {
            let path = path.clone();
            move |source| LockError { action, path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(&folder)
            .map_err(failed("make the folder of"))?;
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o640)
                .open(&path)
                .map_err(failed("open"))?;
            match take(&file, &path).map_err(failed("take"))? {
                Take::Done => {
                    // What a process told that was killed is not ours.
                    file.set_len(0).map_err(failed("empty"))?;
                    return Ok(Some(Self { path, file }));
                }
                Take::Held => return Ok(None),
                Take::Stale => {}
            }
        }
    }

    /// Whether nobody holds the lock of `run` at this moment. Who means to act on the answer acquires the
    /// lock instead, so that it stays true. To look, this shares the lock for an instant: those who look do not
    /// see each other, and whoever comes to take it waits for them.
    pub fn is_free(state_dir: &Path, run: &RunId) -> Result<bool, LockError> {
        let path = path_of(state_dir, run);
        let failed = |action| {
            let path = path.clone();
            move |source| LockError { action, path, source }
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(failed("open")(error)),
        };
        // Closing the file lets go of it.
        is_locked(file.try_lock_shared()).map_err(failed("try"))
    }

    /// A run whose lock somebody holds, if there is one.
    pub fn any_held(state_dir: &Path) -> Result<Option<RunId>, LockError> {
        let folder = state_dir.join(FOLDER);
        let failed = |source| LockError { action: "look for", path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let run =
                name.to_str().and_then(|name| name.strip_suffix(".lock")).and_then(RunId::parse);
            if let Some(run) = run
                && !Self::is_free(state_dir, &run)?
            {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Removed before it is released, so that nobody can take it in between and lose the file. If it
        // stays, it is a free lock: closing the file releases it in any case. Where somebody has deleted
        // ours, another file is another holder's.
        if is_at(&self.file, &self.path).unwrap_or(false) {
            let _removed = fs::remove_file(&self.path);
        }
        let _released = self.file.unlock();
    }
}

fn path_of(state_dir: &Path, run: &RunId) -> PathBuf {
    state_dir.join(FOLDER).join(format!("{run}.lock"))
}

/// What came of an attempt to lock an open file.
#[derive(Debug, PartialEq, Eq)]
enum Take {
    Done,
    /// Somebody else holds it.
    Held,
    /// The file is no longer at its path: the holder before us has removed it on letting go. A lock on it
    /// is worth nothing, since the next comer makes a new file.
    Stale,
}

fn take(file: &File, path: &Path) -> io::Result<Take> {
    let begun = Instant::now();
    while !is_locked(file.try_lock())? {
        // A holder shares it with nobody; who only looks lets go at once.
        if !is_locked(file.try_lock_shared())? {
            return Ok(Take::Held);
        }
        file.unlock()?;
        if begun.elapsed() > LOOK {
            return Ok(Take::Held);
        }
        thread::sleep(PAUSE);
    }
    Ok(if is_at(file, path)? { Take::Done } else { Take::Stale })
}

/// Whether an attempt to lock a file came off; an error is another one than that somebody has it.
fn is_locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether `file` is the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(held.dev() == found.dev() && held.ino() == found.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::Timestamp;

    fn run() -> RunId {
        RunId::new(Timestamp::UNIX_EPOCH, 7)
    }

    #[test]
    fn one_holder_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        assert!(RunLock::is_free(state.path(), &run()).unwrap());
        let held = RunLock::acquire(state.path(), &run()).unwrap();
        assert!(held.is_some());
        assert!(!RunLock::is_free(state.path(), &run()).unwrap());
        assert_eq!(RunLock::any_held(state.path()).unwrap(), Some(run()));
        assert!(RunLock::acquire(state.path(), &run()).unwrap().is_none());
        drop(held);
        assert_eq!(RunLock::any_held(state.path()).unwrap(), None);
        assert!(RunLock::is_free(state.path(), &run()).unwrap());
        assert!(RunLock::acquire(state.path(), &run()).unwrap().is_some());
    }

    #[test]
    fn a_file_left_by_a_killed_process_is_free() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("runs")).unwrap();
        fs::write(path_of(state.path(), &run()), "").unwrap();
        assert!(RunLock::is_free(state.path(), &run()).unwrap());
        assert!(RunLock::acquire(state.path(), &run()).unwrap().is_some());
        assert!(!path_of(state.path(), &run()).exists());
    }

    #[test]
    fn a_file_that_was_removed_after_it_was_opened_is_no_lock() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("x.lock");
        let opened = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(take(&opened, &path).unwrap(), Take::Stale);
        let newer = File::create(&path).unwrap();
        assert_eq!(take(&opened, &path).unwrap(), Take::Stale);
        assert_eq!(take(&newer, &path).unwrap(), Take::Done);
        let begun = Instant::now();
        assert_eq!(take(&File::open(&path).unwrap(), &path).unwrap(), Take::Held);
        assert!(begun.elapsed() < LOOK, "one that is held is not waited for");
    }

    #[test]
    fn a_lock_whose_file_was_deleted_leaves_that_of_the_next_holder_alone() {
        let state = tempfile::tempdir().unwrap();
        let first = RunLock::acquire(state.path(), &run()).unwrap();
        fs::remove_file(path_of(state.path(), &run())).unwrap();
        let second = RunLock::acquire(state.path(), &run()).unwrap();
        assert!(first.is_some() && second.is_some());
        drop(first);
        assert!(!RunLock::is_free(state.path(), &run()).unwrap());
        drop(second);
        assert!(!path_of(state.path(), &run()).exists());
    }

    #[test]
    fn those_who_look_keep_nobody_from_taking_it() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join(FOLDER)).unwrap();
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                for _ in 0..20_000 {
                    // Of one that was killed: the file is there, and is looked at.
                    fs::write(path_of(state.path(), &run()), "").unwrap();
                    let _is_free = RunLock::is_free(state.path(), &run()).unwrap();
                }
            });
            while !looking.is_finished() {
                assert!(RunLock::acquire(state.path(), &run()).unwrap().is_some());
            }
        });
    }

    #[test]
    fn those_who_look_do_not_see_each_other() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join(FOLDER)).unwrap();
        fs::write(path_of(state.path(), &run()), "").unwrap();
        let looking = File::open(path_of(state.path(), &run())).unwrap();
        looking.try_lock_shared().unwrap();
        assert!(RunLock::is_free(state.path(), &run()).unwrap());
    }

    #[test]
    fn many_threads_never_hold_it_together() {
        let state = tempfile::tempdir().unwrap();
        let (start, holders, taken) = (Barrier::new(4), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..500 {
                        if let Some(lock) = RunLock::acquire(state.path(), &run()).unwrap() {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            holders.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(taken.load(Ordering::SeqCst) > 0);
    }
}
