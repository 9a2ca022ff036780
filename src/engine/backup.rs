//! A backup of the record: one file, sound and durable, made while runs go on.
//!
//! Models and outputs are not in it. They are plain files that never change under their names, so any tool
//! can copy them; `verify` says which of those that a restored record names are missing.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::adapters::store::Store;
use crate::adapters::store::copy::{self, CopyError, Examined, Overwrite};
use crate::domain::identity::Sha256;
use crate::engine::error::{Cause, RunError};
use crate::engine::world::World;

const STAGE: &str = "back up";

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its content.
    pub sha256: Sha256,
    /// What is in it.
    pub examined: Examined,
}

/// Writes a backup of the record to `file`.
pub async fn back_up(
    world: &World,
    file: &Path,
    overwrite: Overwrite,
) -> Result<BackedUp, RunError> {
    let (folder, path) = place(file)?;
    require_not_ours(world, &folder, &path)?;
    if overwrite == Overwrite::No && path.symlink_metadata().is_ok() {
        return Err(failed(CopyError::Exists { path }));
    }
    let made = copy::copy(world.store.path(), &folder).await.map_err(failed)?;
    let (size_bytes, sha256, examined) = (made.size_bytes, made.sha256, made.examined);
    made.persist(&path, overwrite).map_err(failed)?;
    Ok(BackedUp { path, size_bytes, sha256, examined })
}

/// The folder of `file`, which must exist, and the full path.
fn place(file: &Path) -> Result<(PathBuf, PathBuf), RunError> {
    let refused = |message: String| RunError::new(STAGE, Cause::Request, message);
    let shown = file.display();
    let name = file.file_name().filter(|_| !file.is_dir());
    let name = name.ok_or_else(|| refused(format!("`{shown}` names a folder, wanted a file")))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "it does not exist".to_owned(),
            _ => error.to_string(),
        };
        refused(format!("the folder of `{shown}` cannot be used: {reason}"))
    })?;
    let path = folder.join(name);
    Ok((folder, path))
}

/// An error if a backup at `path` would take the place of the database, or of a file that belongs to it.
fn require_not_ours(world: &World, folder: &Path, path: &Path) -> Result<(), RunError> {
    let is_state = world.state_dir().canonicalize().is_ok_and(|state| state == folder);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let is_database = number(path).is_some_and(|found| Some(found) == number(world.store.path()));
    if is_database || (is_state && name.starts_with(Store::FILE_NAME)) {
        let message = format!("`{}` is the database itself or belongs to it", path.display());
        return Err(RunError::new(STAGE, Cause::Request, message));
    }
    Ok(())
}

fn failed(error: CopyError) -> RunError {
    let exists = matches!(error, CopyError::Exists { .. });
    let out = RunError::copy(STAGE)(error);
    if exists { out.hint("`--force` replaces it, once the new backup is complete") } else { out }
}
