//! From staged files to published ones, so that a crash at any instruction leaves old or new.
//!
//! A run writes into a staging folder of its own, below the root it publishes to, and seals it. When its
//! intent is on record, each file is renamed to its place, the pointer to the others last, and the
//! folders are made durable. Rolling forward repeats that as often as needed and ends in the same state.
//!
//! Invariant: nothing outside the root is read, written or deleted, and no symbolic link is followed on
//! the way. What is published, and when, is the caller's to say.

/// Folders and files that stay after a loss of power, below a root that nothing leaves.
mod durable;
/// The folder that a run writes into.
mod staging;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::staging::{Staged, Staging, StagingName};

use self::durable::{Entry, FOLDER_MODE};
use crate::adapters::failpoint;
use crate::domain::identity::Sha256;

/// A file on its way from staging to its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where it waits.
    pub staged: PathBuf,
    /// Where readers will find it.
    pub target: PathBuf,
    /// Its content.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
}

/// What can go wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A path leaves the root.
    #[error("path `{path}` is not below `{root}`, wanted one that is")]
    Outside {
        /// The path.
        path: PathBuf,
        /// The root.
        root: PathBuf,
    },
    /// Something stands on the way that is neither a folder nor a regular file.
    #[error("`{path}` is {found}, wanted {wanted}")]
    Unexpected {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What should be.
        wanted: &'static str,
    },
    /// A file does not have the content on record, neither staged nor published.
    #[error("file `{path}` is not the one on record: wanted {wanted}, found {found}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Hash or size on record.
        wanted: String,
        /// Hash or size of what is there, or that nothing is.
        found: String,
    },
    /// The disk did not confirm a write. What is on it is not known.
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

/// How much to look at a staged file before it is published.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// Its size: this process has just written and sealed it.
    Size,
    /// Its hash: it has been through a crash.
    Hash,
}

/// Publishes files that this process has just sealed, in order; the last is the pointer to the others.
pub fn publish(root: &Path, placements: &[Placement]) -> Result<(), PublishError> {
    place_all(root, placements, Look::Size)
}

/// Publishes what an earlier process had sealed and put on record, wherever it stopped.
///
/// [`PublishError::Corrupt`] if a file is neither staged nor published with the content on record.
pub fn roll_forward(root: &Path, placements: &[Placement]) -> Result<(), PublishError> {
    place_all(root, placements, Look::Hash)
}

/// Deletes published files, those of a superseded run for instance. Files that are gone are no error.
pub fn remove(root: &Path, targets: &[PathBuf]) -> Result<(), PublishError> {
    let mut touched = BTreeSet::new();
    for target in targets {
        let folder = durable::parent_below(root, target)?;
        if !durable::folder_exists(root, folder)? {
            continue;
        }
        match durable::entry(target)? {
            Entry::Absent => {}
            Entry::File(_) => {
                match fs::remove_file(target) {
                    // Somebody else who deletes it was quicker.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    deleted => deleted.map_err(durable::io_error("delete", target))?,
                }
                touched.insert(folder);
            }
            other => return Err(durable::unexpected(target, &other, "a regular file")),
        }
    }
    touched.into_iter().try_for_each(durable::fsync_folder)
}

fn place_all(root: &Path, placements: &[Placement], look: Look) -> Result<(), PublishError> {
    let Some((pointer, others)) = placements.split_last() else { return Ok(()) };
    let mut touched = BTreeSet::new();
    for placement in others {
        touched.extend(place(root, placement, look)?);
    }
    // A reader who finds the pointer after a loss of power must find what it points to.
    touched.into_iter().try_for_each(confirm)?;
    failpoint::reach("commit.between_renames")
        .map_err(durable::io_error("look at", &pointer.staged))?;
    place(root, pointer, look)?.into_iter().try_for_each(confirm)
}

/// Puts one file in its place and returns the folders that changed. If it is there already, they are
/// returned all the same: whoever put it there may not have got to making it durable.
fn place<'p>(
    root: &Path,
    placement: &'p Placement,
    look: Look,
) -> Result<Vec<&'p Path>, PublishError> {
    let Placement { staged, target, .. } = placement;
    let source_folder = durable::parent_below(root, staged)?;
    let target_folder = durable::parent_below(root, target)?;
    let source_exists = durable::folder_exists(root, source_folder)?;
    let found = if source_exists { durable::entry(staged)? } else { Entry::Absent };
    match found {
        Entry::File(size_bytes) => {
            match look {
                Look::Size => require_size(placement, size_bytes)?,
                Look::Hash => require_hash(staged, &placement.sha256)?,
            }
            durable::make_folders(root, target_folder, FOLDER_MODE)?;
            rename(staged, target)?;
            Ok(vec![source_folder, target_folder])
        }
        Entry::Absent => {
            durable::folder_exists(root, target_folder)?;
            require_hash(target, &placement.sha256)?;
            Ok(if source_exists { vec![source_folder, target_folder] } else { vec![target_folder] })
        }
        other => Err(durable::unexpected(staged, &other, "a regular file")),
    }
}

/// Makes a folder in which files were placed durable.
fn confirm(folder: &Path) -> Result<(), PublishError> {
    failpoint::reach("commit.fsync_dir").map_err(durable::unconfirmed(folder))?;
    durable::fsync_folder(folder)
}

fn require_size(placement: &Placement, found: u64) -> Result<(), PublishError> {
    if found == placement.size_bytes {
        return Ok(());
    }
    Err(PublishError::Corrupt {
        path: placement.staged.clone(),
        wanted: format!("{} bytes", placement.size_bytes),
        found: format!("{found} bytes"),
    })
}

fn require_hash(path: &Path, wanted: &Sha256) -> Result<(), PublishError> {
    let found = match durable::entry(path)? {
        Entry::File(_) => durable::sha256(path)?.to_string(),
        Entry::Absent => "no file".to_owned(),
        other => return Err(durable::unexpected(path, &other, "a regular file")),
    };
    let wanted = wanted.to_string();
    if found == wanted {
        return Ok(());
    }
    Err(PublishError::Corrupt { path: path.to_owned(), wanted, found })
}

#[expect(clippy::disallowed_methods, reason = "this is where files are moved")]
fn rename(source: &Path, target: &Path) -> Result<(), PublishError> {
    failpoint::reach("commit.rename.N")
        .and_then(|()| fs::rename(source, target))
        .map_err(durable::io_error("rename a staged file to", target))
}

#[cfg(test)]
mod tests;
