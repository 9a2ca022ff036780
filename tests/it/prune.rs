//! `prune` on nights of long ago: what of them goes, and what is kept for those that look back on them.
//!
//! Which nights still have profiles is read from the record itself, and so is what was found of them: no
//! command tells either.

use crate::customers::{Like, job, table};
use crate::daemon::query;
use crate::sandbox::{Output, Sandbox};

/// Nights that the world below has scored, of 2026-01-05 and the days after it.
const NIGHTS: u32 = 5;

/// Nights from 5 January on, whose drift is held against `reference`, and nothing old enough to go by itself.
fn world(reference: &str) -> Sandbox {
    let more = format!("[drift]\nreference = {reference}\nthen = \"report\"");
    let sandbox = Sandbox::new()
        .file("nightshift.toml", "[keep]\nprofiles = \"2d\"\nlogs = \"3d\"\n")
        .data("churn.csv", table(24, &[Like::Usual; 12]))
        .job("churn", &job("0 0 * * *", &more));
    for night in 0..NIGHTS {
        run(&sandbox, night);
    }
    sandbox
}

fn run(sandbox: &Sandbox, night: u32) {
    sandbox.run(["run", "churn", "--tick", &format!("2026-01-{:02}", 5 + night)]).expect(0);
}

/// The ticks that have profiles, as days of January.
fn profiled(sandbox: &Sandbox) -> Vec<u32> {
    let sql = "select distinct substr(tick, 9, 2) from run join profile on profile.run = run.id
               where job = ?1 order by 1";
    let rows = query(sandbox.root(), sql, "churn");
    rows.iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect()
}

fn logs(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.root().join("state/runs")).unwrap().count()
}

#[track_caller]
fn prune(sandbox: &Sandbox, more: &[&str]) -> Output {
    sandbox.at("2026-02-01T00:00:00Z");
    sandbox.run(["prune"].iter().chain(more)).expect(0)
}

/// Asserts which of the nights of `reference` keep their profiles.
#[track_caller]
fn check(reference: &str, wanted: &[u32]) {
    let sandbox = world(reference);
    prune(&sandbox, &[]);
    assert_eq!(profiled(&sandbox), wanted, "{reference}");
}

#[test]
fn old_profiles_and_logs_go_and_scores_stay_traceable() {
    let sandbox = world("\"training\"");
    let before = logs(&sandbox);
    assert_eq!(before, 6, "five nights and a training");
    let findings = "select count(*) || '' from finding where kind = ?1 and column_name is not null";
    let count = |sandbox: &Sandbox| query(sandbox.root(), findings, "drift")[0][0].clone().unwrap();
    let judged = count(&sandbox);
    let told = prune(&sandbox, &["--dry-run"]);
    let sentence = "0 runs, 0 model versions, 0 files (0 B), the profiles of 4 runs and 6 logs";
    assert!(told.stdout.contains(&format!("would delete {sentence}")), "{}", told.stdout);
    assert_eq!((profiled(&sandbox).len(), logs(&sandbox)), (5, 6));

    let done = prune(&sandbox, &["--output", "json"]).json();
    assert_eq!(
        (&done["profiles"], &done["logs"], &done["runs"]),
        (&4.into(), &6.into(), &0.into())
    );
    assert_eq!((profiled(&sandbox), logs(&sandbox)), (vec![9], 0));
    assert_ne!(count(&sandbox), judged, "what passed is thinned out");
    let again = prune(&sandbox, &["--output", "json"]).json();
    assert_eq!((&again["profiles"], &again["logs"]), (&0.into(), &0.into()));

    // Every run is there with its files, and the latest can be compared anew.
    let runs = sandbox.run(["runs", "--output", "json"]).expect(0).json();
    let runs = runs["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 6);
    sandbox.run(["verify", "--data"]).expect(0);
    sandbox.run(["drift", "churn"]).expect(0);
    let first = runs.iter().rfind(|run| run["kind"] == "score").unwrap();
    let id = first["run"].as_str().or_else(|| first["id"].as_str()).unwrap();
    sandbox.run(["show", id]).expect(0);
    let refused = sandbox.run(["drift", "churn", "--run", id]).expect(2);
    assert!(refused.stderr.contains("`keep.profiles`"), "{}", refused.stderr);
    run(&sandbox, 6);
}

#[test]
fn what_drift_looks_back_on_stays() {
    check("\"training\"", &[9]);
    check("\"previous\"", &[8, 9]);
    check("{ rolling = \"2d\" }", &[7, 8, 9]);
    // No two of these nights are of the same weekday.
    check("\"same_weekday\"", &[5, 6, 7, 8, 9]);
}

#[test]
fn a_rollback_finds_what_it_compares_corrections_with() {
    let sandbox = world("\"previous\"");
    sandbox.run(["train", "churn", "--tick", "2026-01-09T00:00:01Z", "--no-promote"]).expect(0);
    sandbox.run(["promote", "churn", "2", "--reason", "it looked good", "--yes"]).expect(0);
    for night in [5, 6, 7] {
        run(&sandbox, night);
    }
    prune(&sandbox, &[]);
    // The correction of the 10th is compared with the 9th.
    assert_eq!(profiled(&sandbox), [9, 10, 11, 12]);
    sandbox.run(["rollback", "churn", "--reason", "it was not", "--yes"]).expect(0);
    run(&sandbox, 8);
    let sql = "select finding.message from run join finding on finding.run = run.id
               where job = ?1 and run.state = 'committed' and tick like '2026-01-10%'
                   and finding.kind = 'drift' and finding.test = 'data'";
    let rows = query(sandbox.root(), sql, "churn");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0].as_deref().map(|text| text.contains("insufficient")), Some(false));
}

#[test]
fn a_job_without_a_file_is_taken_as_it_was_last_executed() {
    let sandbox = world("\"previous\"");
    std::fs::remove_file(sandbox.root().join("jobs/churn.toml")).unwrap();
    let gone = prune(&sandbox, &["--dry-run", "--output", "json"]).json();
    assert_eq!(gone["profiles"], 3);
}
