//! How much room a file system has left.

/// Room that is kept for the worst moment.
pub mod reserve;

use std::io;
use std::path::Path;

/// The bytes that an ordinary user can still write to the file system of `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// What file systems are called that other machines may write to, or that a process serves, by their magic
/// numbers: NFS, SMB, CIFS, 9p, FUSE (<https://man7.org/linux/man-pages/man2/statfs.2.html>).
const SHARED: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
];

/// The name of the shared file system that `path` is on; `None` on a local one. `SQLite`'s log needs memory
/// that is shared by all who use the database, which only processes of one machine have.
pub fn shared_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    let found = rustix::fs::statfs(path)?.f_type;
    // The field is signed on some machines; the magic numbers have 32 bits.
    let is_found = |(magic, _): &&(u32, &str)| i64::from(*magic) == (found as i64 & 0xffff_ffff);
    Ok(SHARED.iter().find(is_found).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_a_file_system_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).is_ok());
        assert_eq!(shared_file_system(folder.path()).unwrap(), None);
        let missing = free_bytes(&folder.path().join("nothing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
