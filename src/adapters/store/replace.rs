//! Putting a copy in the place of the database of a state directory, with nobody looking.
//!
//! What was there is kept under other names first: the database, and the log beside it, without which it
//! may be older than it was. A crash on the way leaves the old database, no database, or the new one; never
//! one of them with the log of the other, which `SQLite` would take for its own.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::adapters::store::beside::{self, LOG, SEAL, with_suffix};
use crate::adapters::store::copy::{CopyError, DatabaseCopy, Overwrite, fsync_folder, io_error};
use crate::adapters::store::{Store, StoreError};

/// How long a database that somebody looks at is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Logs that belong to a database: of the mode that it is in, and of the one that a copy is in at first.
const LOGS: [&str; 2] = [LOG, "-journal"];

/// Puts `copy`, which was made in `state_dir`, in the place of the database there. Returns under which name
/// the present one is kept, if there is one. Blocks while somebody has it open, and gives up after 5 s.
pub fn replace(
    state_dir: &Path,
    copy: DatabaseCopy,
    now: Timestamp,
) -> Result<Option<PathBuf>, CopyError> {
    let path = state_dir.join(Store::FILE_NAME);
    let kept = free_name(&path, now)?;
    // Held to the end: closing the file lets go of the lock.
    let lock = exclusive(&path)?;
    for suffix in ["", LOGS[0], LOGS[1]] {
        link(&with_suffix(&path, suffix), &with_suffix(&kept, suffix))?;
    }
    fsync_folder(state_dir)?;
    remove(&path)?;
    // A loss of power must not bring the old database back without its log, nor the new one with it.
    fsync_folder(state_dir)?;
    for suffix in [LOGS[0], LOGS[1], "-shm", SEAL] {
        remove(&with_suffix(&path, suffix))?;
    }
    fsync_folder(state_dir)?;
    copy.persist(&path, Overwrite::No)?;
    Ok(lock.map(|_| kept))
}

/// Waits until nobody has the database open and keeps it so; `None` if there is none.
///
/// Every connection in WAL mode holds a shared lock of the POSIX kind on its file. This one excludes it,
/// and needs no `SQLite`, which could not open a damaged file.
fn exclusive(path: &Path) -> Result<Option<File>, CopyError> {
    const PAUSE: Duration = Duration::from_millis(20);
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let begun = Instant::now();
    loop {
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::AGAIN | Errno::ACCESS) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Err(Errno::AGAIN | Errno::ACCESS) => {
                return Err(StoreError::Busy { action: "replace the database" }.into());
            }
            Err(error) => return Err(io_error("lock", path)(error.into())),
        }
    }
}

/// A name beside `path` that says when the file was put aside.
fn free_name(path: &Path, now: Timestamp) -> Result<PathBuf, CopyError> {
    const NAMES_MAX: u32 = 1_000;
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    for number in 0..NAMES_MAX {
        let more = if number == 0 { String::new() } else { format!("-{number}") };
        let name = with_suffix(path, &format!(".kept-{stamp}{more}"));
        let mut taken = ["", LOGS[0], LOGS[1]].iter().map(|suffix| with_suffix(&name, suffix));
        if !taken.any(|path| path.symlink_metadata().is_ok()) {
            return Ok(name);
        }
    }
    Err(CopyError::Exists { path: with_suffix(path, &format!(".kept-{stamp}")) })
}

/// Gives a file a second name, if it is there; or, on a file system that knows no second names, a copy.
fn link(path: &Path, other: &Path) -> Result<(), CopyError> {
    match fs::hard_link(path, other) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if is_impossible(&error) => duplicate(path, other),
        Err(error) => Err(io_error("keep the database as", other)(error)),
    }
}

/// Whether the file system has no second names: exFAT, SMB and many in user space say so in one of these ways.
fn is_impossible(error: &io::Error) -> bool {
    let reasons = [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK, Errno::XDEV];
    Errno::from_io_error(error).is_some_and(|errno| reasons.contains(&errno))
}

/// Copies a file to a name that is free, durably. One that could not be copied is no copy: its name goes.
fn duplicate(path: &Path, other: &Path) -> Result<(), CopyError> {
    let copied = File::open(path).and_then(|mut source| {
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o640).open(other)?;
        io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).inspect_err(|_| {
            // The error that is told is why there is no copy.
            let _removed = fs::remove_file(other);
        })
    });
    match copied {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        copied => copied.map_err(io_error("keep a copy of the database as", other)),
    }
}

/// Takes a name away, if it is there.
fn remove(path: &Path) -> Result<(), CopyError> {
    beside::remove(path).map_err(io_error("remove", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::store::Open;
    use crate::adapters::store::copy::copy;

    async fn restored(folder: &Path) -> Result<Option<PathBuf>, CopyError> {
        let source = folder.parent().unwrap().join("backup.db");
        replace(folder, copy(&source, folder).await.unwrap(), Timestamp::UNIX_EPOCH)
    }

    /// A state directory, and a copy of its database beside it.
    async fn world() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let store = Store::open(&state, Open::Create).await.unwrap();
        let made = copy(store.path(), folder.path()).await.unwrap();
        made.persist(&folder.path().join("backup.db"), Overwrite::No).unwrap();
        store.close().await;
        (folder, state)
    }

    #[tokio::test]
    async fn the_old_database_is_kept_with_its_log_and_the_new_one_has_none() {
        let (_folder, state) = world().await;
        let path = state.join(Store::FILE_NAME);
        let old = fs::read(&path).unwrap();
        fs::write(with_suffix(&path, "-wal"), "a log").unwrap();
        fs::write(with_suffix(&path, "-shm"), "an index").unwrap();
        for name in ["nightshift.db.kept-19700101T000000Z", "nightshift.db.kept-19700101T000000Z-1"]
        {
            let kept = restored(&state).await.unwrap().unwrap();
            assert_eq!(kept, state.join(name));
            assert!(!with_suffix(&path, "-shm").exists() && !with_suffix(&path, "-wal").exists());
        }
        let kept = state.join("nightshift.db.kept-19700101T000000Z");
        assert_eq!(fs::read(&kept).unwrap(), old);
        assert_eq!(fs::read(with_suffix(&kept, "-wal")).unwrap(), b"a log");
        Store::open(&state, Open::ReadWrite).await.unwrap().close().await;
    }

    #[test]
    fn where_there_are_no_second_names_a_copy_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("x.db"), folder.path().join("x.db.kept"));
        duplicate(&path, &kept).unwrap();
        assert!(!kept.exists(), "of nothing there is no copy");
        fs::write(&path, "a database").unwrap();
        duplicate(&path, &kept).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"a database");
        fs::write(&kept, "another").unwrap();
        assert!(duplicate(&path, &kept).is_err(), "what is there is not replaced");
        assert_eq!(fs::read(&kept).unwrap(), b"another");
        for (errno, wanted) in
            [(Errno::PERM, true), (Errno::OPNOTSUPP, true), (Errno::NOSPC, false)]
        {
            assert_eq!(is_impossible(&io::Error::from(errno)), wanted, "{errno}");
        }
    }

    #[tokio::test]
    async fn a_lost_database_is_replaced_and_a_stray_log_is_kept() {
        let (_folder, state) = world().await;
        let path = state.join(Store::FILE_NAME);
        fs::remove_file(&path).unwrap();
        fs::write(with_suffix(&path, "-wal"), "a log").unwrap();
        assert_eq!(restored(&state).await.unwrap(), None);
        assert!(!with_suffix(&path, "-wal").exists());
        let kept = with_suffix(&path, ".kept-19700101T000000Z-wal");
        assert_eq!(fs::read(kept).unwrap(), b"a log");
        Store::open(&state, Open::ReadWrite).await.unwrap().close().await;
    }
}
