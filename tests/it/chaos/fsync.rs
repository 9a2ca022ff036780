//! A sync that fails is never a success: the command exits with 70 and nothing of it is on record as done.

use super::checker;
use super::places::Place;
use super::scene::{Scene, Templates, told};
use super::with_each;

/// Syncs of files and folders on the way of a first run.
const FILES: &[&str] =
    &["model.fsync", "out.fsync_file", "out.fsync_stage", "out.fsync_parent", "commit.fsync_dir"];

/// More transactions than a first run has.
const TRANSACTIONS_MAX: u32 = 16;

const LINE: &str = "run churn";

/// Runs the first run of a project with `points`; says how it ended and how often they were hit.
fn fail(scene: &Scene, point: &str, before: u32) -> (String, usize) {
    let points = format!("{point}={before}*off->return(eio)");
    let ended = scene.start(LINE, &points, "").end(std::time::Duration::from_mins(1));
    (told(ended), scene.hits(point))
}

#[test]
fn a_file_that_is_not_confirmed_is_no_success() {
    let templates = Templates::new();
    let complaints = with_each(
        FILES,
        |point| format!("{point} eio (`{LINE}`)"),
        |point| {
            let mut scene = Scene::new(&templates, Place::Command(LINE));
            let (ended, hits) = fail(&scene, point, 0);
            let committed = scene.standing().map_or(0, |standing| standing.committed);
            if ended != "exit 70" || hits == 0 || committed > 0 {
                let talk = scene.talk();
                return Err(format!("{ended}, {hits} hits, {committed} committed\n{talk}"));
            }
            scene.recover()?;
            scene.check(point, "eio")?;
            Ok(ended)
        },
    );
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_database_that_does_not_confirm_ends_the_command_at_once() {
    let templates = Templates::new();
    let transactions: Vec<u32> = (0..TRANSACTIONS_MAX).collect();
    let complaints = with_each(
        &transactions,
        |before| format!("db.ioerr_fsync eio after {before} (`{LINE}`)"),
        |before| {
            let mut scene = Scene::new(&templates, Place::Command(LINE));
            let (ended, hits) = fail(&scene, "db.ioerr_fsync", *before);
            match (ended.as_str(), hits) {
                ("exit 0", 0) => return Ok("it has no more transactions".to_owned()),
                ("exit 70", 1) => {}
                _ => return Err(format!("{ended}, {hits} hits\n{}", scene.talk())),
            }
            scene.recover()?;
            let complaints = checker::complaints(scene.root(), true);
            if complaints.is_empty() { Ok(ended) } else { Err(complaints.join("\n")) }
        },
    );
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
