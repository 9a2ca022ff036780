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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_a_file_system_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).is_ok());
        let missing = free_bytes(&folder.path().join("nothing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
