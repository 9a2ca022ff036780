//! The lock of a state directory: at most one daemon follows its schedules.
//!
//! The kernel lets go of it when the process ends, however it ends; children do not inherit it. The file
//! holds the process id of whoever has it, for messages only, and stays when the lock is let go.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A lock that is held until this is dropped, or the process ends.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
}

/// The lock file could not be opened, locked or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} the lock of the daemon `{path}`")]
pub struct DaemonLockError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl DaemonLock {
    /// Takes the lock of `state_dir`, which is made if it is missing; `None` if somebody has it.
    pub fn acquire(state_dir: &Path) -> Result<Option<Self>, DaemonLockError> {
        let path = path_of(state_dir);
        let failed = |action| {
            let path = path.clone();
            move |source| DaemonLockError { action, path, source }
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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(failed("take")(source)),
        }
        file.set_len(0).map_err(failed("empty"))?;
        writeln!(file, "{}", std::process::id()).map_err(failed("write"))?;
        Ok(Some(Self { _file: file }))
    }

    /// The process that has the lock of `state_dir` at this moment; `None` if nobody has it.
    pub fn holder(state_dir: &Path) -> Result<Option<i32>, DaemonLockError> {
        let path = path_of(state_dir);
        let failed = |action| {
            let path = path.clone();
            move |source| DaemonLockError { action, path, source }
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open")(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(failed("try")(source)),
        }
        let text = fs::read_to_string(&path).map_err(failed("read"))?;
        // Whoever has just taken it may not have written yet.
        Ok(Some(text.trim().parse().unwrap_or(0)))
    }
}

fn path_of(state_dir: &Path) -> PathBuf {
    state_dir.join("daemon.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(DaemonLock::holder(state.path()).unwrap(), None);
        let held = DaemonLock::acquire(state.path()).unwrap();
        assert!(held.is_some());
        assert!(DaemonLock::acquire(state.path()).unwrap().is_none());
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(DaemonLock::holder(state.path()).unwrap(), Some(own));
        drop(held);
        assert_eq!(DaemonLock::holder(state.path()).unwrap(), None);
        assert!(DaemonLock::acquire(state.path()).unwrap().is_some());
    }
}
