//! The files beside a database, which are named after it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a log in WAL mode is called.
pub(super) const LOG: &str = "-wal";

/// What the seal is called.
pub(super) const SEAL: &str = "-seal";

/// `path` with `suffix` behind its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut out = path.as_os_str().to_owned();
    out.push(suffix);
    out.into()
}

/// Takes a name away, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
