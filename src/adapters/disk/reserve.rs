//! Room that is kept for the worst moment: `reserve.bin`, 16 MiB that mean nothing.
//!
//! When the disk is full, not even that a run failed could be recorded. Whoever meets that deletes the file
//! and tries once more. It is made again when there is room again.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use super::free_bytes;

const FILE_NAME: &str = "reserve.bin";
const SIZE_BYTES: u64 = 16 << 20;

/// With less room than this a run could not even be put on record.
const FREE_BYTES_LOW: u64 = 1 << 20;

/// With less room than this a new reserve would be part of the trouble.
const FREE_BYTES_MIN: u64 = 16 * SIZE_BYTES;

/// Makes the reserve of `state_dir` where there is room for it, and gives it up where there is none left.
pub fn tend(state_dir: &Path) -> io::Result<()> {
    let (path, free_bytes) = (path_of(state_dir), free_bytes(state_dir)?);
    match path.try_exists()? {
        true if free_bytes < FREE_BYTES_LOW => fs::remove_file(&path),
        false if free_bytes >= FREE_BYTES_MIN => allocate(&path),
        _ => Ok(()),
    }
}

/// Gives up the reserve of `state_dir`. Says whether there was one, so whether trying again makes sense.
pub fn give_up(state_dir: &Path) -> bool {
    fs::remove_file(path_of(state_dir)).is_ok()
}

/// Writes nothing: blocks are only allocated, and a file system that cannot do that has no reserve.
fn allocate(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(path)?;
    if let Err(error) = fallocate(&file, FallocateFlags::empty(), 0, SIZE_BYTES) {
        fs::remove_file(path)?;
        return Err(error.into());
    }
    Ok(())
}

fn path_of(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE_NAME)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_reserve_is_room_that_can_be_given_up_once() {
        let folder = tempfile::tempdir().unwrap();
        if tend(folder.path()).is_err() || free_bytes(folder.path()).unwrap() < FREE_BYTES_MIN {
            // Not every file system can allocate, and not every disk has room.
            return;
        }
        tend(folder.path()).unwrap();
        let found = fs::metadata(path_of(folder.path())).unwrap();
        assert_eq!(found.len(), SIZE_BYTES);
        assert!(found.blocks() * 512 >= SIZE_BYTES, "{} blocks", found.blocks());
        assert!(give_up(folder.path()));
        assert!(!give_up(folder.path()));
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(tend(Path::new("/nothing/at/all")).is_err());
        assert!(!give_up(Path::new("/nothing/at/all")));
    }
}
