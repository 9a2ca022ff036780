//! The folder of the backups that are made without being asked for: `backups` in a state directory.
//!
//! A name says when the backup was made, so the folder itself tells whether another one is due. Those of each
//! day are `<UTC time>.db`; those before a migration are `before-schema-<number>-<UTC time>.db`. Only a plain
//! file with a name of the first kind ever counts, and only such a file is ever deleted: whatever else people
//! put here stays.

use std::cmp::Reverse;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::adapters::store::copy::{CopyError, fsync_folder, io_error};

/// The name of the folder within the state directory.
const FOLDER: &str = "backups";

/// The form of a time in a name.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A backup of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    /// When it was made, as its name says.
    pub at: Timestamp,
    /// Where it is.
    pub path: PathBuf,
}

/// Where the backups of a state directory are, whether there are any or not.
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER)
}

/// Makes the folder, durably, if it is not there.
pub fn make_folder(state_dir: &Path) -> Result<PathBuf, CopyError> {
    let folder = folder(state_dir);
    match DirBuilder::new().mode(0o750).create(&folder) {
        Ok(()) => fsync_folder(state_dir)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => return Err(io_error("make the folder", &folder)(error)),
    }
    Ok(folder)
}

/// The name of a backup of the day, made at `at`.
pub fn daily_name(at: Timestamp) -> String {
    format!("{}.db", at.strftime(STAMP))
}

/// The name of the copy of a database that was last written to at `at`, before it gets schema `schema`.
pub(super) fn before_schema_name(schema: i64, at: Timestamp) -> String {
    format!("before-schema-{schema}-{}.db", at.strftime(STAMP))
}

/// The backups of each day, the newest first.
pub fn dailies(state_dir: &Path) -> Result<Vec<Daily>, CopyError> {
    let folder = folder(state_dir);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("list", &folder)(error)),
    };
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list", &folder))?;
        let is_file = entry.file_type().is_ok_and(|found| found.is_file());
        if let Some(at) = entry.file_name().to_str().and_then(time_of).filter(|_| is_file) {
            out.push(Daily { at, path: entry.path() });
        }
    }
    out.sort_by_key(|daily| Reverse(daily.at));
    Ok(out)
}

/// Deletes the backups of each day up to `now` but the newest `keep` of them; returns how many. One that says
/// that it is of later comes from a clock that was wrong: it neither counts nor goes.
pub fn thin_out(state_dir: &Path, keep: usize, now: Timestamp) -> Result<usize, CopyError> {
    let found = dailies(state_dir)?;
    let doomed = found.iter().filter(|daily| daily.at <= now).skip(keep);
    let mut count = 0;
    for daily in doomed {
        fs::remove_file(&daily.path).map_err(io_error("delete", &daily.path))?;
        count += 1;
    }
    Ok(count)
}

/// When the backup of a day with this name was made; `None` if it is not such a name.
fn time_of(name: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(STAMP, name.strip_suffix(".db")?).ok()?;
    let at = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    // What reads as a time may be written otherwise than we write it.
    (daily_name(at) == name).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_names_that_we_give_count() {
        assert_eq!(time_of("20260105T030001Z.db"), Some(at("2026-01-05T03:00:01Z")));
        for name in [
            "20260105T030001Z",
            "20260105T030001Z.db.old",
            "20260105T030001.db",
            "2026015T030001Z.db",
            "20261305T030001Z.db",
            " 20260105T030001Z.db",
            "before-schema-5-20260105T030001Z.db",
            "latest.db",
            ".db",
        ] {
            assert_eq!(time_of(name), None, "{name}");
        }
    }

    #[test]
    fn the_oldest_go_and_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let folder = make_folder(state.path()).unwrap();
        assert_eq!(make_folder(state.path()).unwrap(), folder);
        let names = |days: &[i8]| {
            let mut out: Vec<String> =
                days.iter().map(|day| format!("202601{day:02}T030000Z.db")).collect();
            out.extend(
                ["20990101T000000Z.db", "before-schema-5-20250101T000000Z.db"].map(String::from),
            );
            out.extend(["mine.db", "20250101T000000Z.db"].map(String::from));
            out.sort();
            out
        };
        let days: Vec<i8> = (1..=20).collect();
        for name in names(&days) {
            // The last of them is a folder, which no backup is.
            if name == "20250101T000000Z.db" {
                fs::create_dir(folder.join(name)).unwrap();
            } else {
                fs::write(folder.join(name), "").unwrap();
            }
        }
        assert_eq!(thin_out(state.path(), 14, at("2026-01-21T00:00:00Z")).unwrap(), 6);
        let mut found: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(found, names(&days[6..]));
        assert_eq!(dailies(state.path()).unwrap()[1].at, at("2026-01-20T03:00:00Z"));
        // By an earlier clock, those of later are nobody's business.
        assert_eq!(thin_out(state.path(), 14, at("2026-01-10T00:00:00Z")).unwrap(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(dailies(state.path()).unwrap(), []);
        fs::write(folder(state.path()), "a file").unwrap();
        assert!(make_folder(state.path()).is_err() && dailies(state.path()).is_err());
    }
}
