//! Where a folder stands, and what is at a place where it once stood.
//!
//! Reads what the kernel tells of the machine; what follows from it is not decided here.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::domain::whereabouts::{Found, Place};

const MACHINE_ID: &str = "/etc/machine-id";
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const MOUNT_NAMESPACE: &str = "/proc/self/ns/mnt";

/// Where the folder `path` stands. What the kernel does not tell is empty, which is like nothing else's.
pub fn of(path: &Path) -> io::Result<Place> {
    let found = fs::metadata(path)?;
    Ok(Place {
        host: word(MACHINE_ID).or_else(|| word(HOST_NAME)).unwrap_or_default(),
        boot: word(BOOT_ID).unwrap_or_default(),
        namespace: fs::read_link(MOUNT_NAMESPACE)
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default(),
        path: path.to_string_lossy().into_owned(),
        device: found.dev().to_string(),
        inode: found.ino().to_string(),
    })
}

/// What is at the place `recorded`. `has_record` says whether a folder holds the record of the same project.
pub fn look(recorded: &Place, has_record: impl Fn(&Path) -> bool) -> Found {
    let path = Path::new(&recorded.path);
    match fs::metadata(path) {
        Ok(found) if found.ino().to_string() == recorded.inode => Found::TheOriginal,
        Ok(_) if has_record(path) => Found::TheRecord,
        Ok(_) => Found::AnotherThing,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Found::Nothing
        }
        Err(_) => Found::Unseen,
    }
}

/// The one word of a small file of the kernel.
fn word(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let word = text.trim();
    (!word.is_empty()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a person moves the folder")]
    fn a_folder_is_known_again_by_its_number() {
        let keep = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| keep.path().join(name));
        fs::create_dir(&one).unwrap();
        let recorded = of(&one).unwrap();
        assert_eq!(look(&recorded, |_| true), Found::TheOriginal);
        fs::rename(&one, &two).unwrap();
        assert_eq!(look(&recorded, |_| true), Found::Nothing);
        let moved = of(&two).unwrap();
        assert_eq!((&moved.device, &moved.inode), (&recorded.device, &recorded.inode));
        fs::create_dir(&one).unwrap();
        assert_eq!(look(&recorded, |_| true), Found::TheRecord);
        assert_eq!(look(&recorded, |_| false), Found::AnotherThing);
        assert!(!recorded.boot.is_empty() && !recorded.host.is_empty());
    }
}
