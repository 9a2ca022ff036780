//! A sound copy of a database, made while others read and write it.
//!
//! The copy is made and checked under a name of its own in the folder that it is meant for, and is durable
//! before it gets its name. A process that is killed meanwhile leaves a file that no name leads to; the
//! next copy into that folder removes it.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::Digest as _;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::NamedTempFile;

use crate::adapters::failpoint;
use crate::adapters::store::StoreError;
use crate::adapters::store::connect::{self, failed};
use crate::adapters::store::settings::plain;
use crate::domain::identity::Sha256;

/// How the names of unfinished copies begin.
const PREFIX: &str = ".nightshift-copy-";

/// What can go wrong with a copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database, or the copy of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a file of that name already.
    #[error("there is a file `{path}` already")]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The disk did not confirm a write.
    #[error("failed to write `{path}` to the disk: it did not confirm the write")]
    Fsync {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("failed to {action} `{path}`")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// What a sound database is, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// The version of its schema.
    pub schema: i64,
    /// How many runs it knows.
    pub runs: u64,
    /// When the latest of them was asked for.
    pub latest_run_at: Option<Timestamp>,
}

/// A copy that is whole and durable, and has no name yet. Deleted if it gets none.
#[derive(Debug)]
pub struct DatabaseCopy {
    file: NamedTempFile,
    /// Its size.
    pub size_bytes: u64,
    /// Its content.
    pub sha256: Sha256,
    /// What is in it.
    pub examined: Examined,
}

/// Whether a file that has the name already may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and there is an error.
    No,
    /// It is replaced by the copy at once.
    Yes,
}

/// Looks at all of the database at `path` and writes nothing. An error unless it is a sound one.
pub async fn examine(path: &Path) -> Result<Examined, StoreError> {
    connect::examine(path).await
}

/// Copies the database `source` into a file in `folder`, as it is at one instant.
///
/// Source and copy are looked through first. What is in the log of the source is in the copy, which needs
/// no other file beside it.
pub async fn copy(source: &Path, folder: &Path) -> Result<DatabaseCopy, CopyError> {
    examine(source).await?;
    remove_unfinished(folder)?;
    let file = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempfile_in(folder)
        .map_err(io_error("make a file in", folder))?;
    // Tells it from one that a killed process has left.
    file.as_file().try_lock().map_err(|error| io_error("lock", file.path())(error.into()))?;
    failpoint::reach("backup.vacuum").map_err(io_error("fill", file.path()))?;
    vacuum_into(source, file.path()).await?;
    let examined = examine(file.path()).await?;
    file.as_file()
        .set_permissions(Permissions::from_mode(0o640))
        .map_err(io_error("protect", file.path()))?;
    fsync(file.as_file(), file.path())?;
    let (sha256, size_bytes) = File::open(file.path())
        .and_then(|mut written| digest(&mut written))
        .map_err(io_error("read", file.path()))?;
    Ok(DatabaseCopy { file, size_bytes, sha256, examined })
}

impl DatabaseCopy {
    /// Names the copy `path`, which is in the folder that it was made in, and makes the name durable.
    pub fn persist(self, path: &Path, overwrite: Overwrite) -> Result<(), CopyError> {
        failpoint::reach("backup.rename").map_err(io_error("make", path))?;
        let named = match overwrite {
            Overwrite::No => self.file.persist_noclobber(path),
            Overwrite::Yes => self.file.persist(path),
        };
        match named {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(CopyError::Exists { path: path.to_owned() });
            }
            Err(error) => return Err(io_error("make", path)(error.error)),
        }
        path.parent().map_or(Ok(()), fsync_folder)
    }
}

async fn vacuum_into(source: &Path, target: &Path) -> Result<(), StoreError> {
    const ACTION: &str = "copy the database";
    let wrap = |error| StoreError::from_sqlx(source, ACTION, error);
    let not_text = || failed(ACTION, io::Error::other("its name is not UTF-8"));
    let name = target.to_str().ok_or_else(not_text)?;
    let mut connection = plain(source).read_only(true).connect().await.map_err(wrap)?;
    sqlx::query("vacuum into ?1").bind(name).execute(&mut connection).await.map_err(wrap)?;
    connection.close().await.map_err(wrap)
}

/// Deletes what killed processes have left in `folder`: unfinished copies whose lock nobody holds.
fn remove_unfinished(folder: &Path) -> Result<(), CopyError> {
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let path = entry.map_err(io_error("list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) {
            continue;
        }
        let is_free = match File::open(&path) {
            Ok(file) => file.try_lock().is_ok(),
            Err(_) => false,
        };
        if is_free {
            // Somebody else may have been quicker.
            let _removed = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// The content of a file, and its size in bytes.
fn digest(file: &mut File) -> io::Result<(Sha256, u64)> {
    const BUFFER_BYTES: usize = 1 << 20;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size_bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((Sha256(hasher.finalize().into()), size_bytes)),
            length => {
                hasher.update(&buffer[..length]);
                size_bytes += length as u64;
            }
        }
    }
}

fn fsync(file: &File, path: &Path) -> Result<(), CopyError> {
    file.sync_all().map_err(|source| CopyError::Fsync { path: path.to_owned(), source })
}

/// Makes the names in a folder durable.
pub(super) fn fsync_folder(folder: &Path) -> Result<(), CopyError> {
    let file = File::open(folder).map_err(io_error("open", folder))?;
    fsync(&file, folder)
}

/// Wraps an error of the kernel with what was attempted on what.
pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> CopyError + use<> {
    let path = path.to_owned();
    move |source| CopyError::Io { action, path, source }
}
