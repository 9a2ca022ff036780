//! The lock of a state directory: `daemon.lock`, held by the one process that schedules from it.
//!
//! The holder's process id is in the file, for people. The file itself proves nothing and is never removed;
//! the kernel lets go of the lock when the holder ends, however it ends. Children do not hold it: the file
//! is closed when another program is executed.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::LockError;

/// The right to schedule from a state directory, or to replace its database. Held until this is dropped.
#[derive(Debug)]
pub struct DaemonLock {
    file: File,
}

/// Longer than [`DaemonLock::holder`] holds the lock in order to look.
const LOOK: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(5);

impl DaemonLock {
    /// The name of the lock file within the state directory.
    pub const FILE_NAME: &'static str = "daemon.lock";

    /// Takes the lock of `state_dir`, or returns `None` if another process holds it. Takes up to 100 ms.
    pub fn acquire(state_dir: &Path) -> Result<Option<Self>, LockError> {
        let path = path_of(state_dir);
        let failed = |action| {
            let path = path.clone();
            move |source| LockError { action, path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(state_dir)
            .map_err(failed("make the folder of"))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&path)
            .map_err(failed("open"))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Somebody may only look.
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOOK => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed("take")(source)),
            }
        }
        write_holder(&mut file).map_err(failed("write the process id into"))?;
        Ok(Some(Self { file }))
    }

    /// The process that holds the lock of `state_dir`, for messages. `None` if nobody does, or if it has
    /// not said so yet; whoever means to act on it acquires the lock.
    pub fn holder(state_dir: &Path) -> Option<u32> {
        let mut file = File::open(path_of(state_dir)).ok()?;
        // Closing the file lets go of the lock if nobody has it.
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else { return None };
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

impl Drop for DaemonLock {
    fn drop(&mut self) {
        // Nobody believes what a file says that is not locked.
        let _emptied = self.file.set_len(0);
        let _released = self.file.unlock();
    }
}

fn path_of(state_dir: &Path) -> PathBuf {
    state_dir.join(DaemonLock::FILE_NAME)
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_it_can_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(DaemonLock::holder(&state), None);
        let held = DaemonLock::acquire(&state).unwrap();
        assert!(held.is_some());
        assert_eq!(DaemonLock::holder(&state), Some(std::process::id()));
        assert!(DaemonLock::acquire(&state).unwrap().is_none());
        drop(held);
        assert_eq!(DaemonLock::holder(&state), None);
        assert!(DaemonLock::acquire(&state).unwrap().is_some());
    }

    #[test]
    fn what_a_file_says_that_nobody_holds_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(path_of(folder.path()), "4294967295 and more than one number\n").unwrap();
        assert_eq!(DaemonLock::holder(folder.path()), None);
        let _held = DaemonLock::acquire(folder.path()).unwrap().unwrap();
        assert_eq!(DaemonLock::holder(folder.path()), Some(std::process::id()));
    }

    #[test]
    fn those_who_look_keep_nobody_from_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                for _ in 0..2_000 {
                    let _holder = DaemonLock::holder(folder.path());
                }
            });
            while !looking.is_finished() {
                assert!(DaemonLock::acquire(folder.path()).unwrap().is_some());
            }
        });
    }
}
