//! A process that was believed gone and goes on changes nothing: no row, no published file.
//!
//! A process that is stopped holds the lock of its run, and nobody takes the run over while it does: the
//! daemon ends it when its time is up, stopped or not. Here the lock file is deleted, as on a disk that
//! loses locks, so that only the token of the claim stands between the two.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::places::Place;
use super::scene::{RUN, Scene, Templates, told};
use super::{checker, with_each};
use crate::published::files_below;

/// Where the process is stopped: from its lock to its commit.
const POINTS: &[&str] = &[
    "child.after_lock",
    "claim.after",
    "child.before_input",
    "input.row_group",
    "score.chunk",
    "drift.compute",
    "out.create",
    "out.write",
    "out.fsync_file",
    "out.manifest",
    "out.fsync_stage",
    "commit.before_a",
    "commit.after_a",
    "commit.take_folder",
    "commit.exchange",
    "commit.exchanged",
    "commit.rename.N",
    "commit.between_renames",
    "commit.fsync_dir",
    "commit.before_b",
];

const LINE: &str = "score churn --tick 2026-01-05T02:30:00Z";

#[test]
fn a_process_that_wakes_up_too_late_changes_nothing() {
    let templates = Templates::new();
    let complaints = with_each(
        POINTS,
        |point| format!("{point} stopped, taken over, continued"),
        |point| {
            let scene = Scene::new(&templates, Place::Child(0));
            let mut stale = scene.start(LINE, &format!("{point}=1*return(stop)"), "");
            scene.wait("the stop", || scene.hits(point) > 0)?;
            // Its lock holds: nobody else gets the run.
            let refused = told(scene.start(LINE, "", "").end(Duration::from_mins(1)));
            std::fs::remove_dir_all(scene.root().join("state/runs")).unwrap();
            let taken = told(scene.start(LINE, "", "").end(Duration::from_mins(1)));
            let before = (published(scene.root()), scene.standing().unwrap_or_default());
            let (ended, is_untouched) = checker::watch(scene.root(), || {
                stale.signal("CONT");
                told(stale.end(Duration::from_mins(1)))
            });
            let mut complaints = checker::complaints(scene.root(), true);
            if (refused.as_str(), taken.as_str()) != ("exit 75", "exit 0") {
                complaints.push(format!("before its lock was gone: {refused}; then: {taken}"));
            }
            if before.0 != published(scene.root()) || before.1.committed != 1 {
                complaints.push(format!("it has touched files: {:?}", before.0));
            }
            if !is_untouched {
                complaints.push("it has changed rows".to_owned());
            }
            if complaints.is_empty() {
                return Ok(format!("{ended}; 0 rows, 0 files"));
            }
            Err(format!("{ended}: {}\n{}", complaints.join("\n"), scene.talk()))
        },
    );
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_stopped_child_is_ended_when_its_time_is_up() {
    let templates = Templates::new();
    let more = format!("{RUN}\ntimeout = \"1s\"\nkill_grace = \"1s\"");
    let complaints = with_each(
        &["child.before_input", "out.write", "commit.before_a", "commit.between_renames"],
        |point| format!("{point} stopped in a child"),
        |point| {
            let mut scene = Scene::new(&templates, Place::Child(0)).with_job(&more);
            let daemon = scene.start("daemon", "", &format!("{point}=1*return(stop)"));
            scene.wait("the stop", || scene.hits(point) > 0)?;
            let is_past = |standing: &checker::Standing| {
                // What was to be published is, by the daemon; anything else is tried again.
                standing.timed_out + i64::try_from(standing.committed).unwrap() > 0
            };
            scene.wait("the end of the child", || scene.standing().is_some_and(|s| is_past(&s)))?;
            drop(daemon);
            scene.recover()?;
            scene.check(point, "stop")?;
            Ok("ended".to_owned())
        },
    );
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The published files: which they are, and when they were written.
fn published(root: &Path) -> Vec<(String, u64, i64, i64)> {
    let mut out: Vec<_> = files_below(&root.join("scores"))
        .into_iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "stage"))
        .map(|path| {
            let found = path.metadata().unwrap();
            (path.display().to_string(), found.ino(), found.mtime(), found.mtime_nsec())
        })
        .collect();
    out.sort();
    out
}
