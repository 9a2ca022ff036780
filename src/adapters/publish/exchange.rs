//! Two folders that change places at once, so that whoever lists one of them sees the old one or the new one.
//!
//! Not every file system can do it (network ones, and some FUSE and overlay mounts): then the caller moves
//! files one by one.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::adapters::publish::PublishError;
use crate::adapters::publish::durable::io_error;

/// What became of an attempt to move a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// It is done.
    Done,
    /// The file system cannot do it; nothing has moved.
    Unsupported,
    /// Something is where nothing was to be, or nothing is where something was; nothing has moved.
    Mistaken,
}

/// Lets two folders change places.
pub(super) fn exchange(one: &Path, other: &Path) -> Result<Exchange, PublishError> {
    rename_with(one, other, RenameFlags::EXCHANGE, "put a folder of rows in the place of")
}

/// Moves a file or folder to a name that nothing has.
pub(super) fn move_to_free(source: &Path, target: &Path) -> Result<Exchange, PublishError> {
    rename_with(source, target, RenameFlags::NOREPLACE, "move to its place")
}

fn rename_with(
    source: &Path,
    target: &Path,
    flags: RenameFlags,
    action: &'static str,
) -> Result<Exchange, PublishError> {
    match renameat_with(CWD, source, CWD, target, flags) {
        Ok(()) => Ok(Exchange::Done),
        Err(Errno::EXIST | Errno::NOENT) => Ok(Exchange::Mistaken),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV) => {
            Ok(Exchange::Unsupported)
        }
        Err(error) => Err(io_error(action, target)(error.into())),
    }
}

/// Whether two folders in `folder`, which is made if it is not there, can change places. Leaves nothing behind.
pub fn can_exchange(folder: &Path) -> io::Result<bool> {
    let keep = tempfile::Builder::new().prefix(".nightshift-exchange-").tempdir_in(folder)?;
    let [one, other] = ["one", "other"].map(|name| keep.path().join(name));
    fs::create_dir(&one)?;
    fs::create_dir(&other)?;
    exchange(&one, &other).map(|found| found == Exchange::Done).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_change_places_and_nothing_is_replaced() {
        let keep = tempfile::tempdir().unwrap();
        let [one, two, three] = ["one", "two", "three"].map(|name| keep.path().join(name));
        fs::create_dir(&one).unwrap();
        assert_eq!(exchange(&one, &two).unwrap(), Exchange::Mistaken);
        fs::create_dir(&two).unwrap();
        fs::write(two.join("file"), "").unwrap();
        if can_exchange(keep.path()).unwrap() {
            assert_eq!(exchange(&one, &two).unwrap(), Exchange::Done);
            assert!(one.join("file").exists() && !two.join("file").exists());
        }
        assert_eq!(move_to_free(&one, &two).unwrap(), Exchange::Mistaken);
        assert_eq!(move_to_free(&one, &three).unwrap(), Exchange::Done);
        assert_eq!(fs::read_dir(keep.path()).unwrap().count(), 2);
    }
}
