//! Folders and files that stay after a loss of power, below a root that nothing leaves.
//!
//! A name is durable once the folder that holds it was synced; content once the file was. An error of
//! either is final: the kernel may have dropped what it could not write, and a second sync would claim
//! success.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use sha2::Digest as _;

use crate::adapters::failpoint;
use crate::adapters::publish::PublishError;
use crate::domain::identity::Sha256;

/// Folders that readers use.
pub(super) const FOLDER_MODE: u32 = 0o750;

/// What stands at a path, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Absent,
    /// A regular file and its size in bytes.
    File(u64),
    Folder,
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// Looks at `path` without following a link at its end.
pub(super) fn entry(path: &Path) -> Result<Entry, PublishError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Entry::File(found.len())),
        Ok(found) if found.is_dir() => Ok(Entry::Folder),
        Ok(found) if found.is_symlink() => Ok(Entry::Link),
        Ok(_) => Ok(Entry::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Entry::Absent),
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

/// The folder of `path`, if both are below `root` by their names alone.
pub(super) fn parent_below<'p>(root: &Path, path: &'p Path) -> Result<&'p Path, PublishError> {
    let is_plain = |inner: &Path| {
        let mut parts = inner.components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    let is_below = path.strip_prefix(root).is_ok_and(is_plain);
    path.parent()
        .filter(|_| is_below)
        .ok_or_else(|| PublishError::Outside { path: path.to_owned(), root: root.to_owned() })
}

/// Whether `folder`, which is `root` or below it, exists, with no link on the way from `root`.
pub(super) fn folder_exists(root: &Path, folder: &Path) -> Result<bool, PublishError> {
    for step in steps(root, folder) {
        match entry(&step)? {
            Entry::Folder => {}
            Entry::Absent => return Ok(false),
            other => return Err(unexpected(&step, &other, "a folder")),
        }
    }
    Ok(true)
}

/// What is in `folder`, in order of names.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let entries = fs::read_dir(folder).map_err(io_error("list", folder))?;
    let mut out = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(io_error("list", folder)))
        .collect::<Result<Vec<_>, _>>()?;
    out.sort();
    Ok(out)
}

/// Renames `source` to `target`, in whose place a file may be.
#[expect(clippy::disallowed_methods, reason = "this is where files are moved")]
pub(super) fn rename(source: &Path, target: &Path) -> Result<(), PublishError> {
    fs::rename(source, target).map_err(io_error("move a file to", target))
}

/// Makes the names in every one of `folders` durable.
pub(super) fn confirm<'p>(folders: impl IntoIterator<Item = &'p Path>) -> Result<(), PublishError> {
    folders.into_iter().try_for_each(|folder| {
        failpoint::reach("commit.fsync_dir").map_err(unconfirmed(folder))?;
        fsync_folder(folder)
    })
}

/// An error unless the file at `path` is the one that was recorded.
pub(super) fn require_hash(path: &Path, wanted: &Sha256) -> Result<(), PublishError> {
    let found = match entry(path)? {
        Entry::File(_) => sha256(path)?.to_string(),
        Entry::Absent => "no file".to_owned(),
        other => return Err(unexpected(path, &other, "a regular file")),
    };
    let wanted = wanted.to_string();
    if found == wanted {
        return Ok(());
    }
    Err(PublishError::Corrupt { path: path.to_owned(), wanted, found })
}

/// Makes `folder` and what is missing between it and `root`, each durable in its parent.
pub(super) fn make_folders(root: &Path, folder: &Path, mode: u32) -> Result<(), PublishError> {
    for step in steps(root, folder) {
        match entry(&step)? {
            Entry::Folder => {}
            Entry::Absent => make_folder(&step, mode)?,
            other => return Err(unexpected(&step, &other, "a folder")),
        }
    }
    Ok(())
}

fn make_folder(path: &Path, mode: u32) -> Result<(), PublishError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        // Another run makes folders of the same root.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io_error("make the folder", path)(error)),
    }
    path.parent().map_or(Ok(()), fsync_folder)
}

/// The paths from below `root` down to `folder`.
fn steps(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut steps: Vec<_> =
        folder.ancestors().take_while(|step| *step != root).map(Path::to_owned).collect();
    steps.reverse();
    steps
}

/// Makes the content of a file durable.
pub(super) fn fsync_file(path: &Path) -> Result<(), PublishError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    fsync(&file, path)
}

/// Makes the names in a folder durable.
pub(super) fn fsync_folder(path: &Path) -> Result<(), PublishError> {
    fsync_file(path)
}

/// Makes an open file durable.
pub(super) fn fsync(file: &File, path: &Path) -> Result<(), PublishError> {
    file.sync_all().map_err(unconfirmed(path))
}

/// Wraps an error of a sync.
pub(super) fn unconfirmed(path: &Path) -> impl FnOnce(io::Error) -> PublishError + use<> {
    let path = path.to_owned();
    move |source| PublishError::Fsync { path, source }
}

/// The hash of a regular file.
pub(super) fn sha256(path: &Path) -> Result<Sha256, PublishError> {
    const BUFFER_BYTES: usize = 1 << 17;
    let mut file = File::open(path).map_err(io_error("open", path))?;
    let opened = file.metadata().map_err(io_error("look at", path))?;
    let named = fs::symlink_metadata(path).map_err(io_error("look at", path))?;
    if !is_same_file(&opened, &named) {
        return Err(unexpected(path, &Entry::Link, "a regular file"));
    }
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Sha256(hasher.finalize().into())),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error("read", path)(error)),
        }
    }
}

/// Whether what was opened is what the name names, and not what a link there leads to.
fn is_same_file(opened: &Metadata, named: &Metadata) -> bool {
    opened.dev() == named.dev() && opened.ino() == named.ino()
}

/// The error for something that should not be there.
pub(super) fn unexpected(path: &Path, found: &Entry, wanted: &'static str) -> PublishError {
    let found = match found {
        Entry::Absent => "absent",
        Entry::File(_) => "a file",
        Entry::Folder => "a folder",
        Entry::Link => "a symbolic link",
        Entry::Other => "neither file nor folder",
    };
    PublishError::Unexpected { path: path.to_owned(), found, wanted }
}

/// Wraps an error of the kernel with what was attempted on what.
pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> PublishError + use<> {
    let path = path.to_owned();
    move |source| PublishError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(root: &str, path: &str, expect: Option<&str>) {
        let found = parent_below(Path::new(root), Path::new(path)).ok();
        assert_eq!(found, expect.map(Path::new), "{root} {path}");
    }

    #[test]
    fn only_plain_paths_below_the_root_are_let_through() {
        check("/out", "/out/a", Some("/out"));
        check("/out", "/out/a/b", Some("/out/a"));
        check("/out", "/out", None);
        check("/out", "/out/../etc/passwd", None);
        check("/out", "/out/a/../../b", None);
        check("/out", "/output/a", None);
        check("/out", "/etc/passwd", None);
        check("/out", "a", None);
        check("/out", "", None);
    }
}
