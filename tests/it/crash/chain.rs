//! `kill -9` at random moments of a whole story: drift, retraining, promotion, a bad version that is
//! watched, rollback, corrections, a rollback by hand.
//!
//! The story is told once undisturbed. Then it is told again and again, each command killed at a random
//! moment, some of them twice, and repeated until it has ended: the record, the aliases, their history
//! and the scores must be those of the undisturbed world, but for ids and times.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};

use super::kills;
use super::left::job;
use crate::customers::Like::{Moved, Usual};
use crate::customers::table;
use crate::published::{self, check_files, leftovers};
use crate::sandbox::Sandbox;
use crate::suite::say;

/// One command of the story.
struct Step {
    line: &'static str,
    /// What it exits with undisturbed.
    code: i32,
    /// The version that must be champion for it to be repeated after a kill; 0 is any.
    repeat_while: u64,
}

const fn step(line: &'static str, code: i32) -> Step {
    Step { line, code, repeat_while: 0 }
}

/// A move by hand is not to be done twice.
const fn step_while(repeat_while: u64, line: &'static str) -> Step {
    Step { line, code: 0, repeat_while }
}

const PROMOTE: &str = "promote churn 3 --reason well --yes";

const STORY: [Step; 14] = [
    step("run churn --tick 2026-01-04", 0),
    step("run churn --tick 2026-01-05", 10),
    step("run churn --tick 2026-01-06", 10),
    // Fitted by another job file, which the story puts in its place.
    step("train churn --tick 2026-01-06T01:00 --no-promote", 11),
    step_while(2, PROMOTE),
    step("run churn --tick 2026-01-07", 10),
    step("backfill churn --from 2026-01-08 --to 2026-01-08", 13),
    step_while(2, PROMOTE),
    step("score churn --tick 2026-01-09", 0),
    step("score churn --tick 2026-01-10", 13),
    step_while(2, PROMOTE),
    step("score churn --tick 2026-01-11", 10),
    step_while(3, "rollback churn --reason badly --yes"),
    // Does what a killed rollback has left in the queue.
    step("run churn --tick 2026-01-12", 10),
];

fn world() -> Sandbox {
    let days = [[Usual; 3].as_slice(), &[Moved; 8]].concat();
    let sandbox = Sandbox::new().job("churn", &job()).data("churn.csv", table(24, &days));
    sandbox.at("2026-02-01T00:00:00Z");
    sandbox
}

fn arguments(step: &Step) -> Vec<&'static str> {
    step.line.split(' ').collect()
}

/// Puts the job file in place that a step is to be executed with.
fn set_job(sandbox: &Sandbox, step: &Step) {
    let poor = job().replace(r#"["fee", "age"]"#, r#"["age"]"#);
    sandbox.write("jobs/churn.toml", if step.line.starts_with("train") { poor } else { job() });
}

#[test]
fn a_story_that_is_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let kills = kills();
    let undisturbed = world();
    let mut durations = Vec::new();
    for step in &STORY {
        set_job(&undisturbed, step);
        let begun = Instant::now();
        undisturbed.run(arguments(step)).expect(step.code);
        durations.push(begun.elapsed());
    }
    let wanted = ending(&undisturbed);
    check_story(&wanted);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(kills);
    let (mut sent, mut landed) = (0, 0);
    while sent < kills {
        let sandbox = world();
        for (step, duration) in STORY.iter().zip(&durations) {
            set_job(&sandbox, step);
            let twice = random.gen_bool(0.3);
            for _ in 0..=u64::from(twice) {
                if sent < kills && is_to_be_done(&sandbox, step) {
                    sent += 1;
                    landed += u64::from(kill(&sandbox, step, *duration, &mut random));
                }
            }
            if is_to_be_done(&sandbox, step) {
                let output = sandbox.run(arguments(step));
                let status = output.status();
                // What was committed before the kill has nothing to do any more.
                assert!([0, step.code].contains(&status), "{}: {output:?}", step.line);
                check_nothing_is_left(&sandbox, step);
            }
        }
        check_same(&ending(&sandbox), &wanted);
    }
    assert!(landed > 0, "no kill came in time");
    say(&format!("kill -9: {sent} sent, {landed} before the command had ended"));
}

fn champion(sandbox: &Sandbox) -> Value {
    let models = sandbox.run(["models", "churn", "--output", "json"]);
    models.json()["aliases"]["champion"].clone()
}

fn is_to_be_done(sandbox: &Sandbox, step: &Step) -> bool {
    step.repeat_while == 0 || champion(sandbox) == step.repeat_while
}

/// Kills a step at a random moment; whether that was before it had ended.
fn kill(
    sandbox: &Sandbox,
    step: &Step,
    duration: Duration,
    random: &mut Xoshiro256PlusPlus,
) -> bool {
    let running = sandbox.spawn(arguments(step));
    let moment = duration.mul_f64(random.gen_range(0.0..1.05));
    std::thread::sleep(moment.min(Duration::from_secs(30)));
    running.kill().status() < 0
}

/// A command that has ended leaves nothing for the next one to do.
#[track_caller]
fn check_nothing_is_left(sandbox: &Sandbox, step: &Step) {
    let runs = sandbox.run(["runs", "churn", "-n", "1000", "--output", "json"]).json();
    let is_left = |run: &&Value| {
        ["queued", "claimed", "running", "committing"].iter().any(|state| run["state"] == *state)
    };
    let left = runs["runs"].as_array().unwrap().iter().find(is_left);
    assert!(left.is_none(), "{}: {left:?}", step.line);
}

/// Both worlds have come to the same.
#[track_caller]
fn check_same(found: &[String], wanted: &[String]) {
    let lost: Vec<&String> = wanted.iter().filter(|line| !found.contains(line)).collect();
    let more: Vec<&String> = found.iter().filter(|line| !wanted.contains(line)).collect();
    assert_eq!(found, wanted, "lost {lost:#?}\nand has {more:#?}");
}

/// The story is the one that it is meant to be.
fn check_story(ending: &[String]) {
    for words in [
        r#"["train","initial","2026-01-04T00:00:00Z",0,"committed","promoted"]"#,
        r#"["train","drift","2026-01-06T00:00:00Z",0,"committed","promoted"]"#,
        r#"["score","rollback","2026-01-07T00:00:00Z",1,"committed","ok"]"#,
        r#"["score","backfill","2026-01-08T00:00:00Z",0,"committed","rolled_back"]"#,
        r#"["score","rollback","2026-01-09T00:00:00Z",1,"committed","ok"]"#,
        r#"["champion",2,3,"promote","cli""#,
        r#"["score","manual","2026-01-10T00:00:00Z",0,"committed","rolled_back"]"#,
        r#"["score","rollback","2026-01-11T00:00:00Z",1,"committed","ok"]"#,
        r#"["champion",3,2,"rollback","backfill""#,
        r#"["champion",3,2,"rollback","manual""#,
        r#"["champion",3,2,"rollback","cli""#,
    ] {
        assert!(ending.iter().any(|line| line.starts_with(words)), "{words}: {ending:#?}");
    }
}

/// All that a world has come to, without ids and times; checks that it is consistent in itself.
fn ending(sandbox: &Sandbox) -> Vec<String> {
    let ask = |arguments: &[&str]| {
        sandbox.run(arguments.iter().chain(&["--output", "json"])).expect(0).json()
    };
    let models = ask(&["models", "churn"]);
    let history = ask(&["history", "churn"]);
    let moves = history["moves"].as_array().unwrap();
    for alias in ["champion", "previous"] {
        let last = moves.iter().rfind(|step| step["alias"] == alias);
        assert_eq!(models["aliases"][alias], last.unwrap()["to"], "{alias}: {history:#}");
    }
    let runs = ask(&["runs", "churn", "-n", "1000"]);
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(leftovers(&sandbox.root().join("scores")), Vec::<String>::new());
    assert_eq!(ask(&["verify", "--data"])["broken"], 0);
    let mut told = lines(runs, &["kind", "trigger", "tick", "revision", "state", "verdict"]);
    told.sort();
    let moves = lines(moves, &["alias", "from", "to", "action", "actor", "reason"]);
    [moves, told, scores(sandbox, runs)].concat()
}

/// Some fields of each of `values`, as text.
fn lines(values: &[Value], fields: &[&str]) -> Vec<String> {
    let line = |value: &Value| fields.iter().map(|field| value[*field].clone()).collect::<Value>();
    values.iter().map(|value| line(value).to_string()).collect()
}

/// For each tick what is published, with the version that says so and its digests; checks that it is
/// whole, and that the record says the same.
fn scores(sandbox: &Sandbox, runs: &[Value]) -> Vec<String> {
    let is_current = |run: &&Value| run["kind"] == "score" && run["state"] == "committed";
    let ticks = runs.iter().filter(is_current).count();
    let mut out = Vec::new();
    let output = sandbox.root().join("scores/churn");
    for (_, manifest) in published::ticks(&output) {
        let Some(manifest) = manifest else { continue };
        check_files(&output, &manifest);
        let run = manifest["run"].as_str().unwrap();
        let shown = sandbox.run(["show", run, "--output", "json"]);
        let shown = shown.json();
        assert_eq!(shown["state"], "committed", "{manifest:#}");
        assert_eq!(shown["model"], manifest["model"], "{run}");
        let files = manifest["outputs"].as_array().unwrap();
        let files = lines(files, &["role", "sha256", "rows"]);
        let (tick, revision) = (&manifest["tick"], &manifest["revision"]);
        let version = &manifest["model"]["version"];
        out.push(json!([tick, revision, version, manifest["rows"], files]).to_string());
    }
    assert_eq!(out.len(), ticks, "{out:#?}");
    out.sort();
    out
}
