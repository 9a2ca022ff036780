//! What a killed process has left: runs in the queue, files in staging. Any command that scores does the
//! ones and removes the others, also if it has nothing to do itself.
//!
//! The moments in which a kill leaves just that are short, so it is put there by hand.

use nightshift::adapters::store::{Enqueued, NewRun};
use nightshift::domain::identity::{JobName, RunId};
use nightshift::domain::run::{Interval, RunKind, RunSlot, Trigger};
use nightshift::engine::jobs::load_all;
use nightshift::engine::world::{Access, World};
use serde_json::Value;

use crate::customers::Like::Usual;
use crate::customers::{self, table};
use crate::published::manifest;
use crate::sandbox::Sandbox;

/// A job that drifts, trains, watches and rolls back.
pub(super) fn job() -> String {
    let more = "threshold = 0.5\n[retrain]\non = [\"drift\"]\ncooldown = \"36h\"\n[watch]\nfailures_max = 1";
    customers::job("0 0 * * *", more)
}

const TICK: &str = "2026-01-03";

/// A world with v1, which has scored one tick.
fn world() -> Sandbox {
    let sandbox = Sandbox::new().job("churn", &job()).data("churn.csv", table(24, &[Usual; 2]));
    sandbox.run(["run", "churn", "--tick", TICK]).expect(0);
    sandbox
}

/// Queues a training for noon and does nothing about it, as a process that is killed there.
fn queue(sandbox: &Sandbox, trigger: Trigger) -> RunId {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::open(sandbox.root(), Access::Write).await.unwrap();
        let jobs = load_all(sandbox.root()).unwrap();
        let loaded = jobs.find("churn").unwrap();
        let tick = "2026-01-03T12:00:00Z".parse().unwrap();
        let job = JobName::new("churn").unwrap();
        let slot = RunSlot { job, kind: RunKind::Train, tick, revision: 0 };
        let new = NewRun {
            id: world.new_run_id(&slot).unwrap(),
            slot,
            trigger,
            interval: Interval { start: None, end: tick },
            job_sha256: loaded.sha256(),
            job_text: loaded.text.clone(),
            parent: None,
            created_at: tick,
        };
        match world.store.enqueue(&new).await.unwrap() {
            Enqueued::New(run) => run,
            Enqueued::Existing(found) => panic!("the slot is taken by {}", found.id),
        }
    })
}

fn shown(sandbox: &Sandbox, run: &RunId) -> Value {
    sandbox.run(["show", run.as_str(), "--output", "json"]).json()
}

/// What the files of the project bear.
fn project_id(sandbox: &Sandbox) -> String {
    let tick = format!("tick={TICK}T000000Z");
    let manifest = manifest(&sandbox.root().join("scores/churn"), &tick).unwrap();
    manifest["project"].as_str().unwrap().to_owned()
}

fn champion(sandbox: &Sandbox) -> Value {
    sandbox.run(["models", "churn", "--output", "json"]).json()["aliases"]["champion"].clone()
}

#[test]
fn a_training_that_a_run_has_caused_is_done_by_whoever_runs_the_whole_job() {
    for line in ["run churn --tick 2026-01-03", "backfill churn --from 2026-01-03 --to 2026-01-03"]
    {
        let sandbox = world();
        let run = queue(&sandbox, Trigger::Drift);
        // The tick itself is committed already.
        sandbox.run(line.split(' ').chain(["--detailed-exit-code"])).expect(4);
        let found = shown(&sandbox, &run);
        assert_eq!((&found["state"], &found["verdict"]), (&"committed".into(), &"promoted".into()));
        assert_eq!(champion(&sandbox), 2, "{line}");
    }
}

#[test]
fn a_training_that_a_run_has_caused_is_none_of_those_who_only_score() {
    let sandbox = world();
    let run = queue(&sandbox, Trigger::Drift);
    let line = ["score", "churn", "--tick", "2026-01-03", "--detailed-exit-code"];
    sandbox.run(line).expect(4);
    assert_eq!(shown(&sandbox, &run)["state"], "queued");
    assert_eq!(champion(&sandbox), 1);
}

#[test]
fn what_somebody_has_asked_for_is_left_to_them() {
    let sandbox = world();
    let run = queue(&sandbox, Trigger::Manual);
    sandbox.run(["run", "churn", "--tick", TICK, "--detailed-exit-code"]).expect(4);
    assert_eq!(shown(&sandbox, &run)["state"], "queued");
    assert_eq!(champion(&sandbox), 1);
    // Only who asks again can say that it must not promote.
    let line = ["train", "churn", "--tick", "2026-01-03T12:00:00Z", "--no-promote"];
    sandbox.run(line).expect(0);
    let found = shown(&sandbox, &run);
    assert_eq!((&found["state"], &found["verdict"]), (&"committed".into(), &"held".into()));
    assert_eq!(champion(&sandbox), 1);
}

#[test]
fn what_a_lost_run_has_staged_is_removed_even_if_there_is_nothing_to_do() {
    let sandbox = world();
    let runs = sandbox.run(["runs", "churn", "--output", "json"]).json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let project = project_id(&sandbox);
    let another = "b".repeat(32);
    let staged = |project: &str| format!("scores/churn.nightshift/stage/{project}-{run}-1-1");
    // As an earlier version had it.
    let former = format!("scores/churn/.nightshift/stage/{run}-1-1");
    for folder in [staged(&project), staged(&another), former.clone()] {
        sandbox.write(format!("{folder}/part-{run}-0000.parquet"), "half a file");
    }
    sandbox.run(["run", "churn", "--tick", TICK, "--detailed-exit-code"]).expect(4);
    assert!(!sandbox.root().join(staged(&project)).exists());
    assert!(!sandbox.root().join("scores/churn/.nightshift").exists(), "{former}");
    // What bears another project's name may be being written.
    assert!(sandbox.root().join(staged(&another)).exists());
}
