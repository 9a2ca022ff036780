//! What `doctor` looks at: one function for each line.
//!
//! A probe never fails: what keeps it from looking is what it found.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Line;
use crate::adapters::disk;
use crate::adapters::store::{Open, Store, StoreError};
use crate::app::cli::failure::Failure;
use crate::app::render::text::format::{bytes, counted, instant};
use crate::domain::project::Project;
use crate::domain::schedule::Schedule;
use crate::engine::error::RESTORE;
use crate::engine::jobs::LoadedJobs;
use crate::engine::local::require_local;
use crate::engine::lost;

/// With less, the next nights may fail.
const DISK_FREE_WARN_BYTES: u64 = 1 << 30;
/// With less, `SQLite` itself may not be able to write.
const DISK_FREE_FAIL_BYTES: u64 = 64 << 20;
/// No nightshift was built before; a clock that says so is wrong.
const BUILT_AFTER: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// Whether the files of the project say what they should.
pub(super) fn jobs(loaded: &Result<LoadedJobs, Failure>) -> Vec<Line> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(failure) => {
            return vec![Line::fail("jobs", failure.line(), "make the files readable")];
        }
    };
    let number = |list: usize| u64::try_from(list).unwrap_or(u64::MAX);
    if !loaded.problems.is_empty() {
        let found = counted(number(loaded.problems.len()), "problem", "problems");
        return vec![Line::fail(
            "jobs",
            format!("found {found}"),
            "`nightshift validate` tells them",
        )];
    }
    if loaded.jobs.is_empty() {
        let fix = "`nightshift init DIR` makes a project that works";
        return vec![Line::warn("jobs", "there are none", fix)];
    }
    let jobs = counted(number(loaded.jobs.len()), "job", "jobs");
    let mut lines = vec![Line::ok("jobs", format!("{jobs} without a problem"))];
    for job in &loaded.jobs {
        let found = job.job.schedule.as_ref().map(Schedule::lints).unwrap_or_default();
        lines.extend(found.into_iter().map(|lint| {
            let fix = format!("look at `schedule.cron` in `{}`", job.file);
            Line::warn("schedule", format!("`{}`: {lint}", job.job.name), fix)
        }));
    }
    lines
}

/// Whether the state is on a file system of this machine alone.
pub(super) fn file_system(state_dir: &Path) -> Line {
    const NAME: &str = "file system";
    match require_local(state_dir) {
        Ok(()) => Line::ok(NAME, "the state is on a local file system"),
        Err(error) => Line::fail(NAME, error.chain(), error.hints.join("; ")),
    }
}

/// Whether the database can be opened and is whole, and none was lost.
pub(super) async fn store(project_dir: &Path, project: &Project) -> Line {
    if let Err(error) = lost::require_none(project_dir, project) {
        return Line::fail("store", error.chain(), error.hints.join("; "));
    }
    let state_dir = &project_dir.join(&project.state_dir);
    let checked = async {
        let store = Store::open(state_dir, Open::ReadOnly).await?;
        store.integrity_check().await
    };
    match checked.await {
        Ok(()) => Line::ok("store", "every page and index of the database is whole"),
        Err(StoreError::NotInitialised { .. }) => {
            Line::ok("store", "there is none yet; the first run makes it")
        }
        Err(error @ StoreError::Damaged { .. }) => Line::fail("store", error.to_string(), RESTORE),
        Err(error @ StoreError::Busy { .. }) => {
            Line::warn("store", error.to_string(), "look for another process that writes to it")
        }
        Err(error) => Line::fail("store", error.to_string(), "look at the state folder"),
    }
}

/// Whether the state is writable for us and closed to others.
pub(super) fn permissions(state_dir: &Path) -> Line {
    const NAME: &str = "permissions";
    const WORLD_WRITABLE: u32 = 0o002;
    let shown = state_dir.display();
    let metadata = match state_dir.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Line::ok(NAME, "there is no state folder yet; the first run makes it");
        }
        Err(error) => {
            let message = format!("failed to look at `{shown}`: {error}");
            return Line::fail(NAME, message, "run nightshift as the owner of the project");
        }
    };
    if let Err(error) = try_to_write(state_dir) {
        let message = format!("`{shown}` cannot be written: {error}");
        return Line::fail(NAME, message, "run nightshift as the owner of the folder");
    }
    if metadata.permissions().mode() & WORLD_WRITABLE != 0 {
        let message = format!("everybody may write to `{shown}`");
        return Line::warn(NAME, message, format!("`chmod o-w {shown}`"));
    }
    Line::ok(NAME, "the state folder is writable for us and closed to others")
}

/// Whether there is room for the next nights.
pub(super) fn disk(folder: &Path) -> Line {
    match disk::free_bytes(folder) {
        Ok(free_bytes) => room(free_bytes),
        Err(error) => {
            let message = format!("failed to ask for the free space: {error}");
            Line::warn("disk", message, "look at the file system of the project")
        }
    }
}

fn room(free_bytes: u64) -> Line {
    const FIX: &str = "free some space; `nightshift prune --dry-run` says what could go";
    let message = format!("{} free", bytes(free_bytes));
    match free_bytes {
        ..DISK_FREE_FAIL_BYTES => Line::fail("disk", message, FIX),
        DISK_FREE_FAIL_BYTES..DISK_FREE_WARN_BYTES => Line::warn("disk", message, FIX),
        DISK_FREE_WARN_BYTES.. => Line::ok("disk", message),
    }
}

/// Makes a file in `folder` and removes it.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)
}

/// Whether the clock can be right.
pub(super) fn clock(now: Timestamp) -> Line {
    let message = format!("it is {}", instant(now));
    if now < BUILT_AFTER {
        return Line::fail("clock", message, "set the clock, for instance by NTP");
    }
    Line::ok("clock", message)
}

/// Whether a variable that is there for tests is set.
pub(super) fn environment(pretences: &[String]) -> Line {
    if pretences.is_empty() {
        return Line::ok("environment", "no variable is set that is there for tests");
    }
    let fix = "unset it here and where the daemon is started, and restart the daemon";
    Line::warn("environment", pretences.join("; "), fix)
}

/// Whether schedules can be read in their zones.
pub(super) fn zones() -> Line {
    const PROBED: &str = "Europe/Berlin";
    match TimeZone::get(PROBED) {
        Ok(_) => Line::ok("zones", format!("zone data are there (`{PROBED}` is known)")),
        Err(error) => {
            let message = format!("`{PROBED}` is not known: {error}");
            Line::fail("zones", message, "install the tzdata package")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::cli::doctor::Health;

    #[test]
    fn a_folder_that_everybody_may_write_to_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(permissions(folder.path()).health, Health::Ok);
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let line = permissions(folder.path());
        assert_eq!(line.health, Health::Warn);
        assert!(line.fix.is_some_and(|fix| fix.starts_with("`chmod")));
    }

    #[test]
    fn little_room_is_a_warning_and_none_a_failure() {
        assert_eq!(room(0).health, Health::Fail);
        assert_eq!(room(DISK_FREE_FAIL_BYTES).health, Health::Warn);
        assert_eq!(room(DISK_FREE_WARN_BYTES).health, Health::Ok);
        assert_eq!(disk(Path::new("/nothing/at/all")).health, Health::Warn);
    }

    #[test]
    fn a_clock_before_the_first_release_is_wrong() {
        assert_eq!(clock(Timestamp::UNIX_EPOCH).health, Health::Fail);
        assert_eq!(clock("2026-01-05T00:00:00Z".parse().unwrap()).health, Health::Ok);
    }

    #[test]
    fn a_variable_for_tests_is_a_warning() {
        assert_eq!(environment(&[]).health, Health::Ok);
        let line = environment(&["`NIGHTSHIFT_NOW` is set".to_owned()]);
        assert_eq!(line.health, Health::Warn);
        assert!(line.message.contains("NIGHTSHIFT_NOW") && line.fix.is_some());
    }

    #[test]
    fn zone_data_are_there() {
        assert_eq!(zones().health, Health::Ok);
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project { state_dir: "".into(), ..Project::default() };
        assert_eq!(store(folder.path(), &project).await.health, Health::Ok);
        std::fs::write(folder.path().join(Store::FILE_NAME), "not a database, by far").unwrap();
        let line = store(folder.path(), &project).await;
        assert_eq!(line.health, Health::Fail);
        assert!(line.fix.is_some());
    }
}
