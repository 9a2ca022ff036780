//! A backup that was made while a run was under way. What is on disk has gone on since: the run has ended,
//! and a later revision has taken its place.
//!
//! The moments in which a backup holds just that are short, so the backup is put there by hand.

use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::{project, tree};
use crate::sandbox::Sandbox;

const TICK: &str = "2026-01-04T00:00:00Z";

/// Changes the database at `path`, which belongs to nobody.
fn edit(path: &Path, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// A project whose second tick was committed, and a backup of the moment in which its run was `state`.
fn world(state: &str, more: &str) -> (Sandbox, String) {
    let sandbox = project();
    let found = sandbox.run(["runs", "--output", "json"]).json();
    let runs = found["runs"].as_array().unwrap();
    let of_tick = |run: &&Value| run["tick"] == TICK && run["kind"] == "score";
    let run = runs.iter().find(of_tick).unwrap()["run"].as_str().unwrap().to_owned();
    sandbox.run(["backup", "b.db"]).expect(0);
    let statements = format!(
        "update run set state = '{state}', finished_at = null, verdict = null, exit_code = null
             where id = '{run}';
         update attempt set outcome = null, ended_at = null where run = '{run}';
         delete from tick where run = '{run}'; {more}"
    );
    edit(&sandbox.root().join("b.db"), &statements.replace("{run}", &run));
    (sandbox, run)
}

fn state(sandbox: &Sandbox, run: &str) -> Value {
    sandbox.run(["show", run, "--output", "json"]).json()["state"].clone()
}

fn restore(sandbox: &Sandbox) {
    let found = sandbox.run(["restore", "b.db", "--yes", "--output", "json"]).expect(0).json();
    assert_eq!(found["unfinished"], 1, "{found}");
}

#[test]
fn a_run_that_was_being_published_is_found_published() {
    let (sandbox, run) = world("committing", "");
    let before = tree(&sandbox.root().join("scores"));
    restore(&sandbox);
    assert_eq!(state(&sandbox, &run), "committing");
    sandbox.run(["run", "churn", "--tick", TICK, "--detailed-exit-code"]).expect(4);
    assert_eq!(state(&sandbox, &run), "committed");
    assert_eq!(tree(&sandbox.root().join("scores")), before);
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn a_run_that_was_being_published_and_is_superseded_by_now_takes_nothing_back() {
    let (sandbox, run) = world("committing", "");
    sandbox.run(["score", "churn", "--tick", TICK, "--force"]).expect(0);
    let before = tree(&sandbox.root().join("scores"));
    restore(&sandbox);
    // Its part is gone, so it cannot be what readers see: said once, and nothing is moved.
    let line = ["run", "churn", "--tick", "2026-01-03", "--detailed-exit-code"];
    let said = sandbox.run(line).expect(4);
    assert!(said.stderr.contains("is not the one on record"), "{}", said.stderr);
    assert_eq!(state(&sandbox, &run), "corrupt");
    assert_eq!(tree(&sandbox.root().join("scores")), before);
    sandbox.run(["run", "churn", "--tick", "2026-01-03", "--detailed-exit-code"]).expect(4);
    sandbox.run(["run", "churn", "--tick", "2026-01-05"]).expect(0);
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn a_run_that_was_being_executed_is_lost_and_its_tick_is_scored_again() {
    let more = "delete from output where run = '{run}'; delete from finding where run = '{run}';";
    let (sandbox, run) = world("running", more);
    sandbox.run(["score", "churn", "--tick", TICK, "--force"]).expect(0);
    restore(&sandbox);
    sandbox.run(["run", "churn", "--tick", "2026-01-03", "--detailed-exit-code"]).expect(4);
    assert_eq!(state(&sandbox, &run), "failed");
    sandbox.run(["run", "churn", "--tick", TICK]).expect(0);
    assert_eq!(state(&sandbox, &run), "committed");
    sandbox.run(["verify", "--data"]).expect(0);
}
