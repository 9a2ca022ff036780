//! Which time zone data are in use: where they are read from, and their version.
//!
//! Countries change their clocks at short notice, so whoever reads a list of ticks wants to know how
//! old the knowledge behind it is. How zones are read is jiff's affair; this module only tells.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The files that name the version of a zone database, each with what stands before it in its first
/// line.
const VERSION_FILES: [(&str, &str); 2] = [("tzdata.zi", "# version "), ("+VERSION", "")];

/// Most bytes of such a file that are read.
const FIRST_LINE_BYTES: u64 = 64;

/// Where the zone data come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneData {
    /// The folder of the system's database, or `bundled`.
    pub source: String,
    /// IANA's version, `2026a` for instance; `None` if the source does not say.
    pub version: Option<String>,
}

/// The zone data that this process uses.
pub fn in_use() -> ZoneData {
    // jiff tells which folder it has found in this form only.
    let shown = format!("{:?}", jiff::tz::db());
    let folder = shown.split_once("ZoneInfo(").and_then(|(_, rest)| rest.strip_suffix("))"));
    match folder {
        Some(folder) => {
            ZoneData { source: folder.to_owned(), version: version_of(Path::new(folder)) }
        }
        None => ZoneData { source: "bundled".to_owned(), version: None },
    }
}

/// The version of the database in `folder`.
fn version_of(folder: &Path) -> Option<String> {
    VERSION_FILES.iter().find_map(|(name, prefix)| {
        let mut start = String::new();
        let file = File::open(folder.join(name)).ok()?;
        file.take(FIRST_LINE_BYTES).read_to_string(&mut start).ok()?;
        let version = start.lines().next()?.strip_prefix(prefix)?.trim();
        (!version.is_empty()).then(|| version.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_in_the_first_line_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(version_of(folder.path()), None);
        std::fs::write(folder.path().join("+VERSION"), "2025a\n").unwrap();
        assert_eq!(version_of(folder.path()).as_deref(), Some("2025a"));
        std::fs::write(folder.path().join("tzdata.zi"), "# version 2026f\n# This\n").unwrap();
        assert_eq!(version_of(folder.path()).as_deref(), Some("2026f"));
    }

    #[test]
    fn the_source_is_a_folder_or_the_copy_that_jiff_bundles() {
        let found = in_use();
        assert!(found.source == "bundled" || Path::new(&found.source).is_dir(), "{found:?}");
    }
}
