//! What is not there yet, or not any more: inputs without a row, ticks to come, files that are no models.

use crate::customers::{self, Like, table};
use crate::sandbox::{Output, Sandbox};

/// Three days of customers, scored at midnight.
fn world(more: &str) -> Sandbox {
    Sandbox::new()
        .job("churn", &customers::job("0 0 * * *", more))
        .data("churn.csv", table(24, &[Like::Usual; 3]))
}

/// The manifest of the tick at the beginning of `day`, if there is one.
fn manifest(sandbox: &Sandbox, day: &str) -> Option<String> {
    let path = format!("scores/churn.nightshift/tick={day}T000000Z/manifest.json");
    std::fs::read_to_string(sandbox.root().join(path)).ok()
}

#[test]
fn a_night_without_rows_publishes_nothing() {
    let sandbox = world("");
    sandbox.run(["run", "churn", "--tick", "2026-01-04"]).expect(0);
    let before = manifest(&sandbox, "2026-01-04");
    assert!(before.is_some());
    // The next day has no row in the table.
    let line = ["run", "churn", "--tick", "2026-01-05", "--output", "json"];
    let empty = sandbox.run(line).expect(12).json();
    assert_eq!((&empty["verdict"], &empty["state"]), (&"check_failed".into(), &"failed".into()));
    assert_eq!(empty["rows"]["read"], 0);
    let findings = empty["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["id"] == "input_empty").unwrap();
    assert_eq!((&found["kind"], &found["verdict"]), (&"check".into(), &"fail".into()));
    assert_eq!(
        found["message"],
        "no row with `at` from 2026-01-04T00:00:00Z until 2026-01-05T00:00:00Z in 1 file of \
         `data/churn.csv`, wanted one or more; a job whose ticks may be empty says `[[check]] rows_min = 0`"
    );
    assert_eq!(empty["decision"]["reason"], found["message"]);
    assert_eq!(manifest(&sandbox, "2026-01-05"), None);
    // A correction of a tick whose rows are gone leaves what was published.
    sandbox.write("data/churn.csv", "id,at,fee,age,plan,region,left\n");
    sandbox.run(["score", "churn", "--tick", "2026-01-04", "--force"]).expect(12);
    assert_eq!(manifest(&sandbox, "2026-01-04"), before);
    let told = sandbox.run(["explain", "input_empty"]).expect(0).stdout;
    assert!(told.contains("rows_min = 0"), "{told}");
}

#[test]
fn a_job_may_say_that_a_night_without_rows_is_fine() {
    let sandbox = world("[[check]]\nrows_min = 0\n");
    sandbox.run(["run", "churn", "--tick", "2026-01-04"]).expect(0);
    let line = ["run", "churn", "--tick", "2026-01-05", "--output", "json"];
    let empty = sandbox.run(line).expect(0).json();
    assert_eq!((&empty["verdict"], &empty["state"]), (&"ok".into(), &"committed".into()));
    assert_eq!(empty["rows"]["read"], 0);
    assert!(manifest(&sandbox, "2026-01-05").is_some());
}

/// Runs `arguments` at that very moment, whatever tick they name.
#[track_caller]
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let out = sandbox.command().args(arguments).output().unwrap();
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{arguments:?}: {told}");
    told
}

#[test]
fn a_tick_in_the_future_is_refused_by_whatever_takes_one() {
    let sandbox = world("");
    let now = || sandbox.at("2026-01-03T12:00:00Z");
    for command in ["run", "score", "train", "plan"] {
        let told = refused(now(), &[command, "churn", "--tick", "2026-01-04T00:00:00Z"]);
        assert!(
            told.contains(
                "2026-01-04T00:00:00Z is in the future: its interval ends then, and it is \
                 2026-01-03T12:00:00Z now"
            ),
            "{command}: {told}"
        );
        let hint = "hint: wait until then, or name the latest that was due, 2026-01-03T00:00:00Z";
        assert!(told.contains(hint), "{command}: {told}");
    }
    for more in [None, Some("--dry-run")] {
        let mut line = vec!["backfill", "churn", "--from", "2026-01-02", "--to", "2026-01-05"];
        line.extend(more);
        let told = refused(now(), &line);
        assert!(told.contains("the interval of the tick 2026-01-04T00:00:00Z ends then"), "{told}");
        assert!(told.contains("hint: end the range before 2026-01-04T00:00:00Z"), "{told}");
    }
    let runs = sandbox.run(["runs", "--output", "json"]).expect(0).json();
    assert_eq!(runs["runs"], serde_json::json!([]));
    // A range that ends before the next tick is due holds none of the future.
    let line = ["backfill", "churn", "--from", "2026-01-03", "--to", "2026-01-03T23:59:59Z"];
    let done: std::process::Output = now().command().args(line).output().unwrap();
    assert_eq!(done.status.code(), Some(0));
}

#[test]
fn what_has_no_end_is_not_imported() {
    let sandbox = world("");
    let import = |path: &str| -> Output { sandbox.run(["import", "churn", path, "--reason", "x"]) };
    let told = import("/dev/zero").expect(2).stderr;
    assert!(told.contains("`/dev/zero` is no regular file, wanted a model file"), "{told}");
    let told = import("data").expect(2).stderr;
    assert!(told.contains("`data` is no regular file"), "{told}");
    import("nothing.nsm").expect(2);
}
