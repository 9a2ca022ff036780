//! What a job and a person decide about rollbacks: whether anybody watches, whether published scores are
//! corrected, and how often a champion may go back by itself.
//!
//! The bad version is that of the first story; what it leads to differs by the job file.

use serde_json::Value;

use super::reasons::{ONLY_AGE, hourly, promote_second};
use super::{
    FEATURES, TICKS, backfill, champion, findings, job, json, promote, published, scores,
    two_versions,
};
use crate::customers::{Like, table};
use crate::sandbox::Sandbox;

/// The version that the manifest of each tick names.
fn versions(sandbox: &Sandbox) -> Vec<Value> {
    TICKS.iter().map(|tick| published(sandbox, tick).1["model"]["version"].clone()).collect()
}

#[test]
fn without_a_watch_a_bad_version_stays_until_a_person_takes_it_back() {
    // A gate that nothing passes: a person's rollback is not asked for evidence.
    let gate = "[watch]\nticks = 0\n[[gate]]\nmetric = \"roc_auc\"\nmin = 0.999";
    let world = two_versions("[watch]\nticks = 0");
    promote(&world, "2");
    let runs = backfill(&world, 10);
    assert!(runs.iter().all(|run| findings(run, "watch").is_empty()));
    assert_eq!(versions(&world), [2, 2, 2]);
    world.write("jobs/bank.toml", job("data", FEATURES, gate));

    let back = ["rollback", "bank", "--reason", "complaints since Monday", "--yes"];
    let done = json(&world, &back, 0);
    assert_eq!((&done["action"], &done["after"]["champion"]), (&"rollback".into(), &1.into()));
    let corrections = done["corrections"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value)> =
        corrections.iter().map(|run| (&run["tick"], &run["state"], &run["revision"])).collect();
    let wanted: Vec<(&Value, Value, Value)> =
        runs.iter().map(|run| (&run["tick"], "committed".into(), 1.into())).collect();
    assert!(
        told.iter().zip(&wanted).all(|(a, b)| (a.0, a.1, a.2) == (b.0, &b.1, &b.2)),
        "{told:?}"
    );
    assert_eq!((told.len(), versions(&world)), (3, vec![1.into(), 1.into(), 1.into()]));

    let next = json(&world, &["run", "bank", "--tick", "2009-07-01"], 10);
    assert_eq!((findings(&next, "watch").len(), &next["model"]["version"]), (0, &1.into()));
    world.run(["verify", "--data"]).expect(0);
}

#[test]
fn no_watch_follows_a_rollback_by_hand_which_may_leave_scores_as_they_are() {
    let world = two_versions("[watch]\nfailures_max = 9");
    promote(&world, "2");
    backfill(&world, 10);
    let before: Vec<Vec<u8>> = TICKS.iter().map(|tick| scores(&world, tick)).collect();
    let back = ["rollback", "bank", "--no-rescore", "--reason", "from now on", "--yes"];
    let output = world.run(back).expect(0);
    assert!(output.stderr.contains("stay as they are"), "{}", output.stderr);
    let after: Vec<Vec<u8>> = TICKS.iter().map(|tick| scores(&world, tick)).collect();
    assert!(before == after, "scores have changed");
    assert_eq!(
        (versions(&world), champion(&world)),
        (vec![2.into(), 2.into(), 2.into()], 1.into())
    );
    let next = json(&world, &["run", "bank", "--tick", "2009-07-01"], 10);
    assert_eq!((findings(&next, "watch").len(), &next["model"]["version"]), (0, &1.into()));
}

#[test]
fn a_rollback_corrects_nothing_where_the_job_says_so() {
    let world = two_versions("[watch]\nfailures_max = 1\nrescore = false");
    promote(&world, "2");
    let runs = backfill(&world, 13);
    assert_eq!(runs[1]["verdict"], "rolled_back");
    assert_eq!(runs[1]["followed_by"], serde_json::json!([]));
    assert_eq!(
        (versions(&world), champion(&world)),
        (vec![2.into(), 1.into(), 1.into()], 1.into())
    );
}

#[test]
fn a_second_rollback_within_a_day_of_ticks_waits_for_a_person() {
    let sandbox = hourly("", &table(1, &[Like::Usual; 60]), ONLY_AGE);
    let promote = || promote_second(&sandbox);
    let run = |tick: &str, code| json(&sandbox, &["run", "churn", "--tick", tick], code);

    promote();
    assert_eq!(run("2026-01-01T21:00", 13)["verdict"], "rolled_back");
    promote();
    for tick in ["2026-01-01T22:00", "2026-01-02T20:00"] {
        let held = run(tick, 0);
        let told = findings(&held, "watch").pop().unwrap().clone();
        assert_eq!((&told["id"], &told["verdict"]), (&"watch".into(), &"warn".into()));
        let reason = held["decision"]["reason"].as_str().unwrap();
        assert!(reason.contains("not rolled back again"), "{reason}");
        assert_eq!(held["model"]["version"], 2);
    }
    let back = run("2026-01-02T21:00", 13);
    let corrected: Vec<&Value> =
        back["followed_by"].as_array().unwrap().iter().map(|run| &run["tick"]).collect();
    assert_eq!(corrected, ["2026-01-01T22:00:00Z", "2026-01-02T20:00:00Z"]);
}
