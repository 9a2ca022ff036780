//! Whether there is a recent backup, where somebody relies on the daemon to make one.
//!
//! A project that never had a daemon is backed up by whatever its owner does, and is told nothing here.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::adapters::lock::DaemonLock;
use crate::adapters::store::shelf;
use crate::app::render::text::format::instant;

const NAME: &str = "backups";

/// The daemon makes one each day, so an older one says that it does not run, or cannot write.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(48);

/// The age of the newest backup; `None` where nobody expects one.
pub(super) fn newest(state_dir: &Path, now: Timestamp) -> Option<Line> {
    const FIX: &str = "`nightshift backup FILE` makes one now; a daemon that runs makes one each day and logs \
                       why it cannot";
    let folder = shelf::folder(state_dir);
    let had_daemon = state_dir.join(DaemonLock::FILE_NAME).exists();
    if !had_daemon && !folder.is_dir() {
        return None;
    }
    let found = match shelf::dailies(state_dir) {
        Ok(found) => found,
        Err(error) => {
            return Some(Line::warn(NAME, error.to_string(), "make the folder readable"));
        }
    };
    let Some(newest) = found.iter().find(|daily| daily.at <= now) else {
        return Some(Line::warn(NAME, format!("there is none in `{}`", folder.display()), FIX));
    };
    let (age, count) = (now.duration_since(newest.at), found.len());
    let message =
        format!("the newest of {count} is of {}, {} h ago", instant(newest.at), age.as_hours());
    Some(if age > AGE_MAX { Line::warn(NAME, message, FIX) } else { Line::ok(NAME, message) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::cli::doctor::Health;

    #[test]
    fn a_backup_is_missed_only_where_the_daemon_makes_them() {
        let state = tempfile::tempdir().unwrap();
        let health = |now: &str| newest(state.path(), now.parse().unwrap()).map(|line| line.health);
        assert_eq!(health("2026-01-05T00:00:00Z"), None);
        std::fs::write(state.path().join(DaemonLock::FILE_NAME), "").unwrap();
        assert_eq!(health("2026-01-05T00:00:00Z"), Some(Health::Warn));
        let folder = shelf::folder(state.path());
        std::fs::create_dir(&folder).unwrap();
        let at = "2026-01-05T03:00:00Z".parse().unwrap();
        std::fs::write(folder.join(shelf::daily_name(at)), "").unwrap();
        assert_eq!(health("2026-01-06T04:00:00Z"), Some(Health::Ok));
        assert_eq!(health("2026-01-07T04:00:00Z"), Some(Health::Warn));
        // Of later than now: by a clock that was wrong.
        assert_eq!(health("2026-01-04T00:00:00Z"), Some(Health::Warn));
    }
}
