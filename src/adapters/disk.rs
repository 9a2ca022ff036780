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
/// numbers (<https://man7.org/linux/man-pages/man2/statfs.2.html>, `linux/magic.h`, and the sources of those that
/// are not part of Linux).
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x0000_517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00c3_6400, "CephFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0xaad7_aaea, "PanFS"),
];

/// The name of the shared file system that `path` is on, or would be if it were made; `None` on a local one.
/// `SQLite`'s log needs memory that is shared by all who use the database, which only processes of one machine
/// have.
pub fn shared_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    let mut missing = None;
    // A relative path ends with an empty one, which is the folder that it is relative to.
    for folder in path.ancestors() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match rustix::fs::statfs(folder) {
            // The field is signed on some machines; the magic numbers have 32 bits.
            Ok(found) => return Ok(name_of(found.f_type & 0xffff_ffff)),
            Err(error @ rustix::io::Errno::NOENT) => missing = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    missing.map_or(Ok(None), |error| Err(error.into()))
}

fn name_of(magic: i64) -> Option<&'static str> {
    SHARED.iter().find(|(known, _)| i64::from(*known) == magic).map(|(_, name)| *name)
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
        assert_eq!(shared_file_system(&folder.path().join("not/yet")).unwrap(), None);
        assert_eq!(shared_file_system(Path::new("not/yet")).unwrap(), None);
    }

    #[test]
    fn file_systems_of_many_machines_are_known_and_those_of_disks_are_not() {
        for (magic, wanted) in [
            (0x6969, Some("NFS")),
            (0xfe53_4d42, Some("SMB")),
            (0x00c3_6400, Some("CephFS")),
            (0x0bd0_0bd0, Some("Lustre")),
            (0x786f_4256, Some("vboxsf")),
            // ext4, XFS, btrfs, tmpfs, overlayfs, ZFS.
            (0xef53, None),
            (0x5846_5342, None),
            (0x9123_683e, None),
            (0x0102_1994, None),
            (0x794c_7630, None),
            (0x2fc1_2fc1, None),
        ] {
            assert_eq!(name_of(magic), wanted, "{magic:#x}");
        }
    }
}
