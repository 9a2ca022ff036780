//! Kills during the recovery from a kill, and during the recovery from that.
//!
//! The first kill leaves a run that is to be published, one that is lost, or files that are nobody's. Then a
//! daemon is killed when it recovers them, and the next one again, and again the one after that.

use super::places::Place;
use super::scene::{Scene, Templates};
use super::{repeats, with_each};

/// Where the first kill lands, and the step of the recovery at which those after it do.
const CASES: &[(&str, &str)] = &[
    ("commit.after_a", "recover.integrity"),
    ("commit.after_a", "recover.rollforward"),
    ("commit.after_a", "commit.rename.N"),
    ("commit.after_a", "commit.between_renames"),
    ("commit.after_a", "commit.fsync_dir"),
    ("commit.after_a", "commit.before_b"),
    ("commit.after_a", "commit.after_b"),
    ("commit.between_renames", "recover.rollforward"),
    ("commit.between_renames", "commit.before_b"),
    ("commit.before_b", "recover.rollforward"),
    ("commit.before_b", "commit.before_b"),
    ("child.before_input", "recover.integrity"),
    ("child.before_input", "recover.lost"),
    ("child.before_input", "recover.gc"),
    ("out.manifest", "recover.lost"),
    ("out.manifest", "recover.gc"),
    ("commit.before_a", "recover.gc"),
    ("claim.after", "recover.lost"),
    ("plan.after_commit", "plan.before_txn"),
];

#[test]
fn a_recovery_that_is_killed_again_and_again_ends_the_same() {
    let templates = Templates::new();
    let cases = CASES.repeat(repeats());
    let complaints = with_each(
        &cases,
        |(first, then)| format!("kill at {first}, then thrice at {then}"),
        |(first, then)| {
            let mut scene = Scene::new(&templates, Place::Child(0));
            let kill = |point: &str| format!("{point}=return(kill)");
            // The child waits there until it dies with its daemon, which so cannot recover it itself.
            let busy = format!("{first}=sleep(60000)");
            let of_daemon = if first.starts_with("plan") { &busy } else { "" };
            let daemon = scene.start("daemon", of_daemon, &busy);
            let reached = format!("reached {first} ");
            let is_there = || scene.points().iter().any(|line| line.starts_with(&reached));
            scene.wait("the first point", is_there)?;
            drop(daemon);
            let mut hits = 0;
            for _ in 0..3 {
                let before = scene.hits(then);
                let mut daemon = scene.start("daemon", &kill(then), "");
                // What the one before has done is not done again.
                let ended = daemon.end(std::time::Duration::from_secs(4));
                hits += usize::from(ended.is_some() && scene.hits(then) > before);
            }
            scene.recover()?;
            scene.check(then, "kill")?;
            if hits == 0 { Err("it was not hit".to_owned()) } else { Ok(format!("{hits} hits")) }
        },
    );
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
