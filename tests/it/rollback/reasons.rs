//! What counts against a watched version and what does not: on made-up customers, an hour a tick.
//!
//! The version that is watched was fitted by a variant of the job file and promoted by hand.

use std::fmt::Write as _;

use serde_json::Value;

use super::{findings, json};
use crate::customers::{Like, job, table};
use crate::sandbox::Sandbox;

/// Features of a version that does not see the fee.
pub(super) const ONLY_AGE: [&str; 2] = [r#"numeric = ["fee", "age"]"#, r#"numeric = ["age"]"#];
/// Features of a version that sees a column more.
const REGION: [&str; 2] = [r#"categorical = ["plan"]"#, r#"categorical = ["plan", "region"]"#];
/// A version like the first.
const SAME: [&str; 2] = ["", ""];

/// A project whose job file ends with `more`, with v1, and a v2 that is only registered; v2 was trained by a
/// job file in which one text has taken the place of another.
pub(super) fn hourly(more: &str, customers: &str, [from, to]: [&str; 2]) -> Sandbox {
    let job = job("@hourly", more);
    let sandbox = Sandbox::new().job("churn", &job).data("churn.csv", customers);
    sandbox.run(["train", "churn", "--tick", "2026-01-01T20:00"]).expect(0);
    sandbox.write("jobs/churn.toml", job.replace(from, to));
    let trained = sandbox.run(["train", "churn", "--tick", "2026-01-01T20:01", "--no-promote"]);
    assert!([0, 11].contains(&trained.status()), "{}", trained.stderr);
    sandbox.write("jobs/churn.toml", job);
    sandbox
}

#[track_caller]
pub(super) fn promote_second(sandbox: &Sandbox) {
    sandbox.run(["promote", "churn", "2", "--reason", "it looked good", "--yes"]).expect(0);
}

#[track_caller]
fn run(sandbox: &Sandbox, tick: &str, code: i32) -> Value {
    json(sandbox, &["run", "churn", "--tick", tick], code)
}

/// The verdicts of the findings of the watch with an id.
fn verdicts<'a>(run: &'a Value, id: &str) -> Vec<&'a str> {
    let of_watch = findings(run, "watch").into_iter();
    of_watch
        .filter(|finding| finding["id"] == id)
        .map(|finding| finding["verdict"].as_str().unwrap())
        .collect()
}

#[test]
fn a_check_that_warns_whoever_scores_is_no_reason() {
    let check = "[[check]]\ncolumn = \"fee\"\nnot_null = true\nthen = \"quarantine\"";
    let mut customers = table(1, &[Like::Usual; 24]);
    writeln!(customers, "x,2026-01-01T20:30:00Z,,40,plus,north,0").unwrap();
    let sandbox = hourly(check, &customers, SAME);
    promote_second(&sandbox);
    let night = run(&sandbox, "2026-01-01T21:00", 0);
    let warned = findings(&night, "check").into_iter().any(|finding| finding["verdict"] == "warn");
    assert!(warned, "{night:#}");
    assert_eq!(verdicts(&night, "check"), Vec::<&str>::new());
    assert_eq!((&night["verdict"], verdicts(&night, "watch")), (&"ok".into(), vec!["pass"]));
}

#[test]
fn a_version_that_cannot_use_the_columns_of_the_night_gives_way() {
    let customers = table(1, &[Like::Usual; 24]);
    let sandbox = hourly("", &customers, REGION);
    promote_second(&sandbox);
    assert_eq!(run(&sandbox, "2026-01-01T21:00", 0)["model"]["version"], 2);
    let without =
        customers.replace(",region,", ",").replace(",north,", ",").replace(",south,", ",");
    sandbox.write("data/churn.csv", without);
    let night = run(&sandbox, "2026-01-01T22:00", 13);
    assert_eq!((verdicts(&night, "error"), &night["model"]["version"]), (vec!["fail"], &1.into()));
    // What v2 has published is put right though v2 cannot score it again.
    let corrected = &night["followed_by"][0];
    assert_eq!((&corrected["state"], &corrected["revision"]), (&"committed".into(), &1.into()));
    assert_eq!(verdicts(corrected, "correction"), ["warn"]);
    assert_eq!(run(&sandbox, "2026-01-01T23:00", 0)["model"]["version"], 1);
}

#[test]
fn a_version_whose_types_the_night_breaks_gives_way() {
    let customers = table(1, &[Like::Usual; 24]);
    // An age that is no number: v1 does not look at it and has seen such; v2 pins numbers.
    let odd = customers.clone() + "x,2026-01-01T00:30:00Z,40,unknown,plus,north,0\n";
    let job = job("@hourly", "");
    let sandbox = Sandbox::new()
        .job("churn", &job.replace(ONLY_AGE[0], r#"numeric = ["fee"]"#))
        .data("churn.csv", &odd);
    sandbox.run(["train", "churn", "--tick", "2026-01-01T20:00"]).expect(0);
    sandbox.write("data/churn.csv", &customers);
    sandbox.write("jobs/churn.toml", &job);
    let trained = sandbox.run(["train", "churn", "--tick", "2026-01-01T20:01", "--no-promote"]);
    assert!([0, 11].contains(&trained.status()), "{}", trained.stderr);
    promote_second(&sandbox);
    assert_eq!(run(&sandbox, "2026-01-01T21:00", 0)["model"]["version"], 2);
    sandbox.write("data/churn.csv", &odd);
    let night = run(&sandbox, "2026-01-01T22:00", 13);
    assert_eq!((verdicts(&night, "error"), &night["model"]["version"]), (vec!["fail"], &1.into()));
    let told = findings(&night, "watch");
    assert!(
        told.iter().any(|finding| finding["message"].as_str().unwrap().contains("unknown")),
        "{told:#?}"
    );
}

#[test]
fn drift_that_would_keep_scores_back_keeps_no_bad_version_in_place() {
    let spells = [[Like::Usual; 20], [Like::Moved; 20]].concat();
    let sandbox = hourly("[drift]\nthen = \"quarantine\"", &table(1, &spells), ONLY_AGE);
    promote_second(&sandbox);
    let night = run(&sandbox, "2026-01-01T21:00", 13);
    assert_eq!((&night["verdict"], &night["model"]["version"]), (&"rolled_back".into(), &1.into()));
    // Now it is the drift of the data alone.
    assert_eq!(run(&sandbox, "2026-01-01T22:00", 12)["decision"]["action"], "abort");
}

#[test]
fn a_night_that_is_not_published_says_nothing_of_the_version() {
    let check = "[[check]]\nrows_min = 1000";
    let sandbox = hourly(check, &table(1, &[Like::Usual; 24]), ONLY_AGE);
    promote_second(&sandbox);
    let night = run(&sandbox, "2026-01-01T21:00", 12);
    assert_eq!(verdicts(&night, "watch"), ["inconclusive"]);
    let champion = json(&sandbox, &["models", "churn"], 0)["aliases"]["champion"].clone();
    assert_eq!(champion, 2);
}

#[test]
fn a_watch_that_could_judge_nothing_is_not_passed() {
    let sandbox = hourly(
        "[watch]\nticks = 2\n[drift]\nrows_min = 1000",
        &table(1, &[Like::Usual; 24]),
        ONLY_AGE,
    );
    promote_second(&sandbox);
    for (tick, told) in [("21:00", "1 of 2 runs"), ("22:00", "no run could be judged")] {
        let night = run(&sandbox, &format!("2026-01-01T{tick}"), 0);
        assert_eq!(verdicts(&night, "watch"), ["inconclusive"]);
        let of_watch = findings(&night, "watch");
        let message = of_watch.last().unwrap()["message"].as_str().unwrap();
        assert!(message.contains(told), "{message}");
    }
    let after = run(&sandbox, "2026-01-01T23:00", 0);
    assert!(findings(&after, "watch").is_empty());
}
