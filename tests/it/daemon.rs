//! The daemon, as a process among processes: ticks, queues, signals, limits.
//!
//! These tests run on a clock that goes on, of which every second may be many; what they wait for, they
//! wait for without a limit of their own but a generous one.

/// What a run leads to.
mod chain;
/// Schedules that leave too little time.
mod crowding;
/// Job files that change.
mod edits;
/// Kills at any moment.
mod kills;
/// Ends, beginnings, edits.
mod lifecycle;
/// How many runs of a job are under way at a time.
mod overlap;
/// What people do meanwhile.
mod people;
/// What a daemon leaves that is killed while nothing happens.
mod quiet;
/// Many jobs.
mod scale;
/// A clock that the test moves.
mod simulated;
/// Progress, silence, limits.
mod stuck;
/// The backup of the day.
mod upkeep;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, Row as _};

use crate::customers::{Like, table};
use crate::sandbox::{Output, Running, Sandbox};

/// After this, what was waited for will not come: the machine may be slow, but not that slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// A job whose runs are short.
pub(crate) fn job(name: &str, cron: &str, more: &str) -> String {
    format!(
        r#"
        name = "{name}"
        [data]
        source = "data/churn.csv"
        id = "id"
        label = "left"
        [features]
        numeric = ["fee", "age"]
        [model]
        task = "binary"
        [score]
        output = "scores/{name}"
        [drift]
        then = "report"
        [schedule]
        cron = "{cron}"
        {more}
        "#
    )
}

/// A project with a table, on a clock that began at `shown` and runs `speed` times as fast as the real one.
pub(crate) fn project(shown: &str, speed: u32) -> Sandbox {
    let real = real_time();
    Sandbox::new()
        .data("churn.csv", table(24, &[Like::Usual]))
        .env("NIGHTSHIFT_NOW", &format!("{shown}@{real}*{speed}"))
}

fn real_time() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the daemon's clock has to go on")]
    Timestamp::now()
}

impl Sandbox {
    /// Waits until `is_so` holds of what `nightshift ARGUMENTS --output json` says, and returns that.
    #[track_caller]
    pub(crate) fn wait_for(&self, arguments: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        let mut found = Value::Null;
        while since.elapsed() < PATIENCE {
            let output = self.run(arguments.iter().chain(&["--output", "json"]));
            if output.status() == 0 {
                found = output.json();
                if is_so(&found) {
                    return found;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("waited in vain for {arguments:?}: {found:#}");
    }
}

/// The rows of a query over the record, whose one parameter is `bound`; every column is text or null.
pub(crate) fn query(root: &Path, sql: &'static str, bound: &str) -> Vec<Vec<Option<String>>> {
    let url = format!("sqlite://{}?mode=ro", root.join("state/nightshift.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let found = sqlx::query(sql).bind(bound).fetch_all(&mut connection).await;
        connection.close().await.unwrap();
        found.unwrap()
    });
    let row = |row: &sqlx::sqlite::SqliteRow| {
        (0..row.len()).map(|column| row.get::<Option<String>, _>(column)).collect()
    };
    rows.iter().map(row).collect()
}

/// Changes the record behind everybody's back, as no command would.
fn change(root: &Path, sql: &'static str, bound: &str) {
    let url = format!("sqlite://{}", root.join("state/nightshift.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let done = sqlx::query(sql).bind(bound).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    });
    assert_eq!(changed, 1);
}

/// Tells a daemon to stop, and returns what it said.
#[track_caller]
pub(crate) fn stop(daemon: Running) -> Output {
    daemon.signal("TERM");
    daemon.finish()
}

/// The lines of the ledger of a job.
fn lines(ticks: &Value) -> Vec<Value> {
    ticks["ticks"].as_array().cloned().unwrap_or_default()
}

fn committed(ticks: &Value) -> usize {
    lines(ticks).iter().filter(|line| line["state"] == "committed").count()
}

fn decisions(ticks: &Value) -> Vec<String> {
    lines(ticks).iter().map(|line| line["decision"].as_str().unwrap_or("?").to_owned()).collect()
}

#[test]
fn ticks_are_run_and_a_stop_waits_for_them() {
    let sandbox =
        project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "*/2 * * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn", "-n", "100"], |ticks| committed(ticks) >= 3);
    let stopped = stop(daemon).expect(0);
    assert!(stopped.stdout.contains("stopped"), "{}", stopped.stdout);
    for line in lines(&ticks) {
        let decision = line["decision"].as_str().unwrap();
        assert!(["run", "overlap_skipped", "coalesced"].contains(&decision), "{line}");
        assert_eq!(line["run"].is_null(), decision != "run", "{line}");
    }
    let runs = sandbox.run(["runs", "churn", "--output", "json"]).expect(0).json();
    let states: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert!(states.iter().all(|state| *state == "committed"), "{states:?}");
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn what_was_missed_while_it_was_down_is_on_record() {
    // An hour passes in a second; the second start is days later.
    let sandbox = project("2026-01-05T03:30:00Z", 1).job("churn", &job("churn", "0 * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |_| sandbox.root().join("state/daemon.lock").exists());
    std::thread::sleep(Duration::from_secs(2));
    stop(daemon).expect(0);
    let later = sandbox.env("NIGHTSHIFT_NOW", &format!("2026-01-07T05:10:00Z@{}*1", real_time()));
    let daemon = later.spawn(["daemon"]);
    let ticks = later.wait_for(&["ticks", "churn"], |ticks| committed(ticks) == 1);
    stop(daemon).expect(0);
    let told: Vec<String> = lines(&ticks)
        .iter()
        .map(|line| {
            format!("{} {} {}", line["decision"].as_str().unwrap(), line["first"], line["count"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "run \"2026-01-07T05:00:00Z\" 1",
            "coalesced \"2026-01-06T06:00:00Z\" 23",
            "window_expired \"2026-01-05T04:00:00Z\" 26",
        ],
        "{ticks:#}"
    );
}

#[test]
fn a_daemon_on_a_clock_for_tests_says_so_once() {
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .env("NIGHTSHIFT_TEST", "")
        .job("churn", &job("churn", "*/2 * * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn", "-n", "100"], |ticks| committed(ticks) >= 2);
    // Its runs are under the same clock, and say nothing of it.
    let said = stop(daemon).expect(0).stderr;
    assert_eq!(said.matches("`NIGHTSHIFT_NOW` is set: the clock showed").count(), 1, "{said}");
}

#[test]
fn one_daemon_at_a_time() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "0 3 * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |_| sandbox.root().join("state/daemon.lock").exists());
    let second = sandbox.run(["daemon"]).expect(75);
    assert!(second.stderr.contains("is the daemon of"), "{}", second.stderr);
    let killed = daemon.kill();
    assert_eq!(killed.status(), -9);
    // The lock went with the process.
    let third = sandbox.spawn(["daemon"]);
    std::thread::sleep(Duration::from_secs(1));
    stop(third).expect(0);
}

/// What a kill leaves between the making of the file and that of the tables.
#[test]
fn a_database_whose_making_was_cut_short_is_made() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    sandbox.write("state/nightshift.db", "");
    sandbox.run(["status"]).expect(0);
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
}

#[test]
fn a_paused_job_lets_its_ticks_go_by() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    sandbox.run(["pause", "churn", "--reason", "the source moves"]).expect(0);
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| lines(ticks).len() >= 2);
    assert!(decisions(&ticks).iter().all(|decision| decision == "paused"), "{ticks:#}");
    assert_eq!(ticks["paused"]["reason"], "the source moves");
    sandbox.run(["resume", "churn"]).expect(0);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
}

#[test]
fn job_files_are_swapped_as_a_whole_or_not_at_all() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    sandbox.write("jobs/other.toml", job("other", "* * * * * *", ""));
    let followed = sandbox.run(["reload"]).expect(0);
    // What the daemon has answered, when it has answered.
    assert!(followed.stdout.contains("the daemon follows 2 jobs"), "{}", followed.stdout);
    sandbox.wait_for(&["ticks", "other"], |ticks| committed(ticks) >= 1);
    // A broken file: the command says so, and a signal changes nothing.
    sandbox.write("jobs/broken.toml", "name = ");
    sandbox.run(["reload"]).expect(3);
    daemon.signal("HUP");
    let metrics = sandbox.root().join("state/metrics.prom");
    let measured = |line: &str| {
        let text = std::fs::read_to_string(&metrics).unwrap_or_default();
        text.lines().any(|found| found == line)
    };
    let before =
        committed(&sandbox.run(["ticks", "other", "-n", "9999", "--output", "json"]).json());
    sandbox.wait_for(&["ticks", "other", "-n", "9999"], |ticks| {
        committed(ticks) > before && measured("nightshift_config_reload_failed 1")
    });
    assert!(!measured("nightshift_runs_total{kind=\"score\",state=\"committed\"} 0"));
    let stopped = stop(daemon).expect(0);
    assert!(stopped.stderr.contains("the old jobs stay"), "{}", stopped.stderr);
    assert!(!metrics.exists(), "a daemon that ends well leaves no metrics");
}

#[test]
fn a_run_that_takes_too_long_is_ended_and_tried_again() {
    let more = "[run]\ntimeout = \"1s\"\nkill_grace = \"1s\"\n\
                retry = { attempts = 2, base = \"1s\", jitter = 0 }\npause_after_failures = 1";
    let sandbox = project("2026-01-05T02:59:58Z", 1)
        .data("churn.csv", table(24, &[Like::Usual; 4_000]))
        .job("churn", &job("churn", "0 3 * * *", more));
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| {
        lines(ticks).first().is_some_and(|line| line["state"] == "dead")
    });
    let run = lines(&ticks)[0]["run"].as_str().unwrap().to_owned();
    let shown = sandbox.run(["show", &run, "--output", "json"]).json();
    let attempts = shown["attempts"].as_array().unwrap();
    let outcomes: Vec<&str> =
        attempts.iter().map(|attempt| attempt["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["timed_out", "timed_out"], "{shown:#}");
    // And that was one failure too many.
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| !ticks["paused"].is_null());
    assert_eq!(ticks["paused"]["actor"], "daemon");
    stop(daemon).expect(0);
}

#[test]
fn a_run_is_cancelled_by_hand() {
    let sandbox = project("2026-01-05T02:59:58Z", 1)
        .data("churn.csv", table(24, &[Like::Usual; 4_000]))
        .job("churn", &job("churn", "0 3 * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| {
        lines(ticks).first().is_some_and(|line| line["state"] == "running")
    });
    let run = lines(&ticks)[0]["run"].as_str().unwrap().to_owned();
    let cancelled = sandbox.run(["cancel", &run, "--reason", "wrong data"]).expect(0);
    assert!(cancelled.stdout.contains("is cancelled"), "{}", cancelled.stdout);
    sandbox.run(["cancel", &run]).expect(2);
    stop(daemon).expect(0);
    let shown = sandbox.run(["show", &run, "--output", "json"]).json();
    assert_eq!((&shown["state"], &shown["error"]), (&"cancelled".into(), &"wrong data".into()));
}

/// The id of a process on record, or in the file of a lock, may be that of another one: of the machine, while the
/// holder lives in a container with the same folder.
#[test]
fn no_process_is_signalled_for_its_id_being_on_record() {
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let lines = vec![Like::Usual; 60_000];
    let sandbox = project("2026-01-05T02:59:58Z", 1)
        .data("churn.csv", table(24, &lines))
        .job("churn", &job("churn", "0 3 * * *", ""));
    let running = sandbox.spawn(["run", "churn", "--tick", "2026-01-05T03:00:00Z"]);
    let found =
        sandbox.wait_for(&["runs", "churn"], |found| found["runs"][0]["state"] == "running");
    let run = found["runs"][0]["run"].as_str().unwrap().to_owned();
    let owner = format!("pid:{}", stranger.id());
    change(sandbox.root(), "update run set owner = ?1 where state = 'running'", &owner);
    let cancelled = sandbox.run(["cancel", &run, "--reason", "wrong data"]).expect(0);
    assert!(cancelled.stdout.contains("is cancelled"), "{}", cancelled.stdout);
    assert_eq!(stranger.try_wait().unwrap(), None, "another process was ended");
    // The holder has ended itself, as if it had been asked to.
    running.finish().expect(143);
    let lock = std::fs::File::create(sandbox.root().join("state/daemon.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(sandbox.root().join("state/daemon.lock"), stranger.id().to_string()).unwrap();
    let asking = sandbox.spawn(["reload"]);
    let folder = sandbox.root().join("state/reload");
    let is_asked = || std::fs::read_dir(&folder).is_ok_and(|mut found| found.next().is_some());
    for _ in 0..200 {
        if is_asked() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(is_asked(), "the wish is a file");
    drop(lock);
    let said = asking.finish().expect(2);
    assert!(said.stderr.contains("no daemon follows"), "{}", said.stderr);
    assert!(!is_asked(), "nothing is left of it");
    assert_eq!(stranger.try_wait().unwrap(), None, "another process was ended");
    stranger.kill().unwrap();
    let _ended = stranger.wait().unwrap();
}

#[test]
fn a_run_waits_for_its_input_and_for_the_tick_before_it() {
    let more = "wait_for = \"1h\"\ndepends_on_past = true\noverlap = \"queue_all\"";
    let job = job("churn", "* * * * * *", more)
        .replace("[drift]", "input = \"data/{tick:%H%M%S}/*.csv\"\n[drift]");
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job);
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| lines(ticks).len() >= 3);
    assert_eq!(committed(&ticks), 0, "{ticks:#}");
    let ticks = lines(&ticks);
    let named = |line: &Value| {
        let tick: Timestamp = line["first"].as_str().unwrap().parse().unwrap();
        (tick, format!("data/{}/a.csv", tick.strftime("%H%M%S")))
    };
    // The second tick's input is there first: it waits all the same.
    let [.., second, first] = ticks.as_slice() else { panic!("{ticks:?}") };
    sandbox.write(named(second).1, table(24, &[Like::Usual]));
    std::thread::sleep(Duration::from_secs(3));
    let now = sandbox.run(["ticks", "churn", "-n", "999", "--output", "json"]).json();
    assert_eq!(committed(&now), 0, "{now:#}");
    sandbox.write(named(first).1, table(24, &[Like::Usual]));
    let done = sandbox.wait_for(&["ticks", "churn", "-n", "9999"], |ticks| committed(ticks) >= 2);
    let done: Vec<String> = lines(&done)
        .iter()
        .filter(|line| line["state"] == "committed")
        .map(|line| named(line).0.to_string())
        .collect();
    assert_eq!(done, [named(second).0.to_string(), named(first).0.to_string()]);
    stop(daemon).expect(0);
}

/// A day in a few seconds: a clock that runs fast meets the hour that does not exist.
#[test]
fn a_tick_in_the_hour_that_does_not_exist_is_run_after_it() {
    let job = job("churn", "30 2 * * *", "timezone = \"Europe/Berlin\"\nmisfire_grace = \"2h\"");
    let sandbox = project("2026-03-29T00:00:00Z", 600).job("churn", &job);
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    stop(daemon).expect(0);
    assert_eq!(lines(&ticks).last().unwrap()["first"], "2026-03-29T01:00:00Z", "{ticks:#}");
}
