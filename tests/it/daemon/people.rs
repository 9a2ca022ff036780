//! What people do while ticks are due: mend a job file, settle a tick, hold a first version, set the clock.
//!
//! Each has a daemon of its own at work, and is looked at from outside: by the ledger, by the record, by what
//! the commands say.

use serde_json::Value;

use super::{committed, job, lines, project, query, real_time, stop};
use crate::customers::{Like, table};

/// So many rows that a run takes a second or more.
const LONG: [Like; 4_000] = [Like::Usual; 4_000];

#[test]
fn a_mended_job_file_reaches_what_is_queued() {
    // Time enough to write the table and to begin before the tick.
    let sandbox = project("2026-01-05T02:59:48Z", 1)
        .data("churn.csv", table(24, &LONG))
        .job("a-first", &job("a-first", "0 3 * * *", ""))
        .job("later", &job("later", "0 3 * * *", ""));
    sandbox.write("nightshift.toml", "[daemon]\nmax_running = 1\n");
    let daemon = sandbox.spawn(["daemon"]);
    let state = |ticks: &Value, wanted: &str| {
        lines(ticks).first().is_some_and(|line| line["state"] == wanted)
    };
    sandbox.wait_for(&["ticks", "a-first"], |ticks| state(ticks, "running"));
    sandbox.wait_for(&["ticks", "later"], |ticks| state(ticks, "queued"));
    let mended =
        job("later", "0 3 * * *", "").replace("[data]", "description = \"mended\"\n[data]");
    sandbox.write("jobs/later.toml", mended);
    sandbox.run(["reload"]).expect(0);
    sandbox.wait_for(&["ticks", "later"], |ticks| state(ticks, "committed"));
    stop(daemon).expect(0);
    let executed = "select definition.body from run join definition on sha256 = job_sha256
                    where run.job = ? and run.kind = 'score'";
    let texts = query(sandbox.root(), executed, "later");
    assert!(texts[0][0].as_deref().unwrap().contains("mended"), "{texts:?}");
}

#[test]
fn a_settled_tick_lets_the_next_one_go_on() {
    let more = "depends_on_past = true\noverlap = \"queue_all\"\ncatchup = \"all\"\n\
                [run]\nretry = { attempts = 1 }\npause_after_failures = 100";
    let job = job("churn", "*/10 * * * * *", more)
        .replace("[drift]", "input = \"data/{tick:%H%M%S}/*.csv\"\n[drift]");
    let sandbox = project("2026-01-05T03:00:01Z", 1).job("churn", &job);
    for second in (20..60).step_by(10) {
        sandbox.write(format!("data/0300{second}/a.csv"), table(24, &[Like::Usual]));
    }
    sandbox.run(["train", "churn", "--tick", "2026-01-05T03:00:00Z"]).expect(0);
    let daemon = sandbox.spawn(["daemon"]);
    // The first tick has no input, and the others wait for it.
    sandbox.wait_for(&["ticks", "churn", "-n", "99"], |ticks| lines(ticks).len() >= 2);
    let settle = ["ticks", "churn", "--settle", "2026-01-05T03:00:10Z"];
    sandbox.run(settle).expect(2);
    let settle = [&settle[..], &["--reason", "its data are lost"]].concat();
    let told = sandbox.run(&settle).expect(0);
    assert!(told.stdout.contains("its data are lost"), "{}", told.stdout);
    let ticks = sandbox.wait_for(&["ticks", "churn", "-n", "99"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
    let ticks = lines(&ticks);
    let first = ticks.last().unwrap();
    assert_eq!((&first["decision"], &first["state"]), (&"settled".into(), &"dead".into()));
    // It is settled, and what is committed needs no word.
    let again = sandbox.run(&settle).expect(2);
    assert!(again.stderr.contains("is settled"), "{}", again.stderr);
}

#[test]
fn a_version_that_waits_for_a_person_is_not_trained_again() {
    let more = "overlap = \"queue_all\"\n[gates]\nno_champion = \"hold\"\n\
                [run]\nretry = { attempts = 1 }\npause_after_failures = 100";
    let sandbox =
        project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", more));
    let daemon = sandbox.spawn(["daemon"]);
    let is_dead = |line: &Value| line["state"] == "dead";
    sandbox.wait_for(&["ticks", "churn"], |ticks| {
        lines(ticks).iter().filter(|line| is_dead(line)).count() >= 3
    });
    let models = sandbox.run(["models", "churn", "--output", "json"]).expect(0).json();
    assert_eq!(models["versions"].as_array().unwrap().len(), 1, "{models:#}");
    let refused = sandbox.run(["score", "churn", "--tick", "2026-01-05T02:00:00Z"]);
    assert!(refused.stderr.contains("nightshift promote churn"), "{}", refused.stderr);
    sandbox.run(["promote", "churn", "1", "--reason", "looked at", "--yes"]).expect(0);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
}

#[test]
fn one_of_many_runs_at_a_time_trains_the_first_version() {
    let more = "overlap = \"allow\"\nmax_concurrent = 3\ncatchup = \"all\"";
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .data("churn.csv", table(24, &LONG))
        .job("churn", &job("churn", "* * * * * *", more));
    sandbox.write("nightshift.toml", "[daemon]\nmax_running = 3\n");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn", "-n", "999"], |ticks| committed(ticks) >= 3);
    daemon.signal("TERM");
    stop(daemon).expect(0);
    let trained = query(sandbox.root(), "select id from run where kind = ?", "train");
    assert_eq!(trained.len(), 1, "{trained:?}");
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_silences_nothing_for_years() {
    let sandbox = project("2099-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
    let now = format!("2026-01-05T03:00:00Z@{}*1", real_time());
    let sandbox = sandbox.env("NIGHTSHIFT_NOW", &now);
    let ruled = "select tick from tick where tick < ?";
    let daemon = sandbox.spawn(["daemon"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let stopped = stop(daemon).expect(0);
    assert!(stopped.stderr.contains("--accept-clock"), "{}", stopped.stderr);
    assert!(query(sandbox.root(), ruled, "2090").is_empty());
    let daemon = sandbox.spawn(["daemon", "--accept-clock"]);
    sandbox.wait_for(&["ticks", "churn", "-n", "999"], |ticks| {
        let is_today = |line: &&Value| line["first"].as_str().unwrap().starts_with("2026");
        lines(ticks).iter().filter(is_today).any(|line| line["state"] == "committed")
    });
    stop(daemon).expect(0);
}
