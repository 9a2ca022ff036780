//! `kill -9` at random moments of `run`: whatever was under way, the next `run` finishes the tick once.
//!
//! The checker reads what a reader reads (manifests and the files they name) and what the record says
//! (`runs`, `verify`); it knows nothing of how the program recovers. `NIGHTSHIFT_KILLS` sets the count.

/// Backups while runs commit.
mod backup;
/// A chain of runs that cause one another, up to a rollback.
mod chain;
/// What is there when a process is killed.
mod left;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _};

use crate::published::{check_files, leftovers, ticks};
use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

/// Kills in an ordinary test run; the whole story is told with 200.
const KILLS: u64 = 12;

const JOB: &str = r#"
name = "churn"
[schedule]
cron = "0 3 * * *"
[data]
source = "data/rows.csv"
id = "id"
time = "day"
label = "left"
[features]
numeric = ["age", "fee"]
categorical = ["plan"]
[model]
task = "binary"
[score]
output = "scores/churn"
[train]
split = { by = "random", test = 0.2 }
[[check]]
column = "age"
between = [18, 119]
then = "quarantine"
"#;

const ROWS_A_DAY: usize = 1_500;

/// `days` days of customers from 2026-01-01 on; one of each day is 120 years old.
fn table(days: usize) -> String {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
    let mut out = String::from("id,day,age,fee,plan,left\n");
    let first: jiff::civil::Date = "2026-01-01".parse().unwrap();
    for day in 0..days {
        let date = first + jiff::Span::new().days(i64::try_from(day).unwrap());
        for row in 0..ROWS_A_DAY {
            let age = if row == 0 { 120 } else { random.gen_range(18..90) };
            let fee: f64 = random.gen_range(5.0..80.0);
            let plan = ["basic", "plus", "all"][random.gen_range(0..3)];
            let left = u8::from(random.gen_range(0.0..1.0) < fee / 100.0);
            writeln!(out, "{},{date},{age},{fee:.2},{plan},{left}", day * ROWS_A_DAY + row)
                .unwrap();
        }
    }
    out
}

fn kills() -> u64 {
    asked("NIGHTSHIFT_KILLS").unwrap_or(KILLS)
}

#[test]
fn nothing_is_lost_or_doubled_by_kills_at_any_moment() {
    let kills = kills();
    let days = usize::try_from(kills).unwrap() + 3;
    let sandbox = Sandbox::new().job("churn", JOB).data("rows.csv", table(days));
    let tick = |day: u64| {
        let first: jiff::Timestamp = "2026-01-02T03:00:00Z".parse().unwrap();
        (first + jiff::SignedDuration::from_hours(24 * i64::try_from(day).unwrap())).to_string()
    };
    // The first run trains as well; the second is what the kills have to meet.
    sandbox.run(["run", "churn", "--tick", &tick(0)]).expect(0);
    let begun = Instant::now();
    sandbox.run(["run", "churn", "--tick", &tick(1)]).expect(0);
    let undisturbed = begun.elapsed();
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(kills);
    let mut ended_before = 0;
    for kill in 1..=kills {
        let tick = tick(kill + 1);
        let running = sandbox.spawn(["run", "churn", "--tick", &tick]);
        let moment = undisturbed.mul_f64(random.gen_range(0.0..1.05));
        std::thread::sleep(moment.min(Duration::from_secs(30)));
        if running.kill().status() == 0 {
            ended_before += 1;
        }
        check_readers_view(sandbox.root());
        let found = sandbox.run(["run", "churn", "--tick", &tick, "--output", "json"]).expect(0);
        let found = found.json();
        assert_eq!(found["state"], "committed", "{found}");
        assert_eq!(found["rows"]["quarantined"], 1, "{found}");
    }
    let runs = sandbox.run(["runs", "churn", "--output", "json", "-n", "5000"]).expect(0);
    check_record(&runs.json(), kills + 2);
    check_readers_view(sandbox.root());
    sandbox.run(["verify", "--data"]).expect(0);
    assert_eq!(leftovers(&sandbox.root().join("scores")), Vec::<String>::new());
    assert!(ended_before < kills, "no kill came in time");
    let stopped = kills - ended_before;
    say(&format!("kill -9: {kills} sent, {stopped} before the command had ended"));
}

/// Each tick has exactly one committed score run, and no run is unfinished.
fn check_record(runs: &serde_json::Value, ticks: u64) {
    let mut committed = std::collections::BTreeMap::new();
    for run in runs["runs"].as_array().unwrap() {
        let state = run["state"].as_str().unwrap();
        assert!(["committed", "failed"].contains(&state), "{run}");
        if state == "committed" && run["kind"] == "score" {
            *committed.entry(run["tick"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(committed.len() as u64, ticks);
    assert!(committed.values().all(|count| *count == 1), "{committed:?}");
}

/// Every manifest names files that are there, whole, and of the tick they are said to be of.
fn check_readers_view(root: &Path) {
    let output = root.join("scores/churn");
    for (_, manifest) in ticks(&output) {
        // A kill between the rows and their first manifest leaves them without one until the next command.
        let Some(manifest) = manifest else { continue };
        check_files(&output, &manifest);
        let rows = &manifest["rows"];
        let sum = rows["scored"].as_u64().unwrap() + rows["quarantined"].as_u64().unwrap();
        assert_eq!(rows["read"].as_u64().unwrap(), sum);
        assert_eq!(sum, ROWS_A_DAY as u64);
    }
}
