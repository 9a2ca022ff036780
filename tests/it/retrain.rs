//! Retraining on its own: what starts it, what holds it back, and what its gates let through.
//!
//! Customers are made up, so that each test knows whether the data have moved. The first command of a
//! test trains v1 and scores a usual day.

/// What gates and policies do with a candidate.
mod gates;
/// What tonight is compared with.
mod reference;
/// Parameters that are tried out.
mod search;

use serde_json::Value;

use crate::customers::Like::{self, Moved, Usual};
use crate::customers::{self, table};
use crate::sandbox::Sandbox;

/// A job file that ends with `more`.
fn job(more: &str) -> String {
    customers::job("0 0 * * *", more)
}

/// Two usual days and then `days`; v1 is trained and has scored the second of the usual days.
#[track_caller]
fn world(more: &str, days: &[Like]) -> Sandbox {
    let days = [&[Usual, Usual], days].concat();
    let sandbox = Sandbox::new().job("churn", &job(more)).data("churn.csv", table(24, &days));
    let first = night(&sandbox, 3, 0);
    assert_eq!(first["preceded_by"][0]["verdict"], "promoted", "{first:#}");
    sandbox
}

/// The run for the midnight that ends the day before `day` of January.
#[track_caller]
fn night(sandbox: &Sandbox, day: u32, code: i32) -> Value {
    json(sandbox, &["run", "churn", "--tick", &format!("2026-01-{day:02}")], code)
}

#[track_caller]
fn json(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    sandbox.run(arguments.iter().chain(&["--output", "json"])).expect(code).json()
}

fn champion(sandbox: &Sandbox) -> Value {
    json(sandbox, &["models", "churn"], 0)["aliases"]["champion"].clone()
}

/// The findings of a run of one kind and id, as verdict and message.
fn told<'a>(run: &'a Value, kind: &str, id: &str) -> Vec<(&'a str, &'a str)> {
    let all = run["findings"].as_array().unwrap();
    all.iter()
        .filter(|finding| finding["kind"] == kind && finding["id"] == id)
        .map(|finding| (finding["verdict"].as_str().unwrap(), finding["message"].as_str().unwrap()))
        .collect()
}

/// The one run that `run` has caused.
#[track_caller]
fn caused(run: &Value) -> &Value {
    let followed = run["followed_by"].as_array().unwrap();
    assert_eq!(followed.len(), 1, "{run:#}");
    &followed[0]
}

/// Asserts that `run` has caused nothing.
#[track_caller]
fn check_causes_nothing(run: &Value) {
    assert_eq!(run["followed_by"], serde_json::json!([]), "{run:#}");
}

#[test]
fn drift_trains_and_promotes_in_one_run() {
    let sandbox = world("[retrain]\non = [\"drift\"]", &[Moved, Moved]);
    let run = night(&sandbox, 4, 10);
    assert_eq!(run["verdict"], "drift");
    assert_eq!(
        told(&run, "trigger", "drift"),
        [("warn", "the data have drifted; a version is trained")]
    );
    let trained = caused(&run);
    let found = (&trained["kind"], &trained["trigger"], &trained["verdict"], &trained["exit_code"]);
    assert_eq!(found, (&"train".into(), &"drift".into(), &"promoted".into(), &0.into()));
    assert_eq!((&trained["tick"], champion(&sandbox)), (&run["tick"], 2.into()));
    let gates = told(trained, "gate", "non_inferiority");
    assert_eq!((gates.len(), gates[0].0), (1, "pass"), "{gates:?}");
    let history = json(&sandbox, &["history", "churn"], 0);
    let last = history["moves"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["actor"], &last["run"]), (&"drift".into(), &trained["run"]));
    // The new champion is watched from its first night on.
    let next = night(&sandbox, 5, 10);
    assert_eq!(next["model"]["version"], 2);
    let watched = told(&next, "watch", "watch");
    assert_eq!(watched, [("pass", "v2: 1 of 7 runs watched")]);
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn a_version_whose_held_out_day_was_unusual_may_stay() {
    let sandbox = world("[retrain]", &[Moved, Usual]);
    assert_eq!(caused(&night(&sandbox, 4, 10))["verdict"], "promoted");
    let next = night(&sandbox, 5, 10);
    assert_eq!((&next["verdict"], &next["model"]["version"]), (&"drift".into(), &2.into()));
    let drifted = told(&next, "watch", "score_drift");
    assert!(drifted.iter().all(|(verdict, _)| *verdict != "fail"), "{drifted:?}");
}

#[test]
fn a_training_of_late_holds_the_next_one_back() {
    let sandbox = world("[retrain]\ncooldown = \"3d\"", &[Moved, Moved, Moved]);
    for day in [4, 5] {
        let run = night(&sandbox, day, 10);
        check_causes_nothing(&run);
        let found = told(&run, "trigger", "drift");
        assert_eq!((found.len(), found[0].0), (1, "not_applicable"));
        assert!(
            found[0].1.contains("not trained: a version was trained for 2026-01-03"),
            "{found:?}"
        );
        assert!(found[0].1.contains("the cool-down is 72h"), "{found:?}");
    }
    assert_eq!(caused(&night(&sandbox, 6, 10))["trigger"], "drift");
}

#[test]
fn a_training_that_fails_holds_the_next_ones_back_for_longer_each_time() {
    let sandbox = world("[retrain]", &[Moved; 5]);
    // As if nobody noticed: drift stays, and so does what makes the training fail.
    sandbox.write("jobs/churn.toml", job("[retrain]\n[train]\nrows_min = 100000"));
    for (day, reason) in [
        (4, None),
        (5, None),
        (6, Some("the last 2 trainings failed, that for 2026-01-05T00:00:00Z 24h ago")),
        (7, None),
    ] {
        let run = night(&sandbox, day, if reason.is_none() { 1 } else { 10 });
        let found = told(&run, "trigger", "drift");
        match reason {
            None => {
                assert_eq!(found, [("warn", "the data have drifted; a version is trained")]);
                assert_eq!(caused(&run)["state"], "failed");
            }
            Some(reason) => {
                check_causes_nothing(&run);
                assert_eq!((found.len(), found[0].0), (1, "not_applicable"));
                assert!(found[0].1.contains(reason), "{found:?}");
                assert!(found[0].1.ends_with("the cool-down has grown to 48h"), "{found:?}");
            }
        }
    }
}

/// Runs days until one trains, which must be `day`, because of `reason`.
#[track_caller]
fn check_reason(more: &str, reason: &str, day: u32) {
    let sandbox = world(more, &[Usual; 4]);
    for day in 4..day {
        let run = night(&sandbox, day, 0);
        check_causes_nothing(&run);
        assert_eq!(told(&run, "trigger", reason)[0].0, "pass");
    }
    let run = night(&sandbox, day, 0);
    let found = told(&run, "trigger", reason);
    assert_eq!((found.len(), found[0].0), (1, "warn"), "{found:?}");
    assert_eq!(caused(&run)["trigger"], reason);
}

#[test]
fn new_rows_and_age_train_as_well() {
    // v1 was trained for the 3rd, and 400 rows are scored a day since.
    check_reason("[retrain]\non = [\"new_rows:1200\"]", "new_rows", 6);
    check_reason("[retrain]\non = [\"new_rows:400\", \"age:2d\"]", "new_rows", 4);
    check_reason("[retrain]\non = [\"drift\", \"age:2d\"]", "age", 5);
}

#[test]
fn drift_must_persist_where_the_job_says_so() {
    let more = "[retrain]\n[drift]\npersist = { of = 3, ticks = 2 }";
    let sandbox = world(more, &[Moved, Usual, Moved]);
    let pending = night(&sandbox, 4, 0);
    assert_eq!(told(&pending, "drift", "data")[0].0, "fail");
    let reason = pending["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("fewer ticks than drift.persist"), "{reason}");
    check_causes_nothing(&pending);
    check_causes_nothing(&night(&sandbox, 5, 0));
    assert_eq!(caused(&night(&sandbox, 6, 10))["trigger"], "drift");
}

#[test]
fn what_drift_leads_to_is_the_jobs_to_say() {
    let sandbox = world("[retrain]\n[drift]\nthen = \"quarantine\"", &[Moved]);
    let run = night(&sandbox, 4, 12);
    let found = (&run["state"], &run["verdict"], &run["decision"]["action"]);
    assert_eq!(found, (&"failed".into(), &"check_failed".into(), &"abort".into()));
    assert_eq!(caused(&run)["verdict"], "promoted");
    assert!(!sandbox.root().join("scores/churn/tick=2026-01-04T000000Z").exists());

    let sandbox = world("[retrain]\n[drift]\nthen = \"report\"", &[Moved]);
    let run = night(&sandbox, 4, 0);
    assert_eq!((&run["verdict"], &caused(&run)["verdict"]), (&"ok".into(), &"promoted".into()));

    // Without `[retrain]`, drift is only told.
    let run = night(&world("", &[Moved]), 4, 10);
    check_causes_nothing(&run);
    assert!(told(&run, "trigger", "drift").is_empty());
}

#[test]
fn scoring_alone_trains_nothing() {
    let sandbox = world("[retrain]", &[Moved]);
    let run = json(&sandbox, &["score", "churn", "--tick", "2026-01-04"], 10);
    check_causes_nothing(&run);
}
