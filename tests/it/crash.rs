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
use sha2::{Digest as _, Sha256};

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
    let Ok(folders) = std::fs::read_dir(root.join("scores/churn")) else { return };
    for folder in folders.map(|entry| entry.unwrap().path()) {
        let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else { continue };
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        check_files(&folder, &manifest);
        let rows = &manifest["rows"];
        let sum = rows["scored"].as_u64().unwrap() + rows["quarantined"].as_u64().unwrap();
        assert_eq!(rows["read"].as_u64().unwrap(), sum);
        assert_eq!(sum, ROWS_A_DAY as u64);
    }
}

/// Every file that the manifest of `folder` names is there and has the digest that it says.
pub(crate) fn check_files(folder: &Path, manifest: &serde_json::Value) {
    for output in manifest["outputs"].as_array().unwrap() {
        let path = folder.join(output["path"].as_str().unwrap());
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut digest = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(digest, "{byte:02x}").unwrap();
        }
        assert_eq!(output["sha256"], digest.as_str(), "{}", path.display());
    }
}

/// What lies in staging folders, and parts that no manifest names.
pub(crate) fn leftovers(output: &Path) -> Vec<String> {
    let mut out = Vec::new();
    let mut folders = vec![output.to_owned()];
    while let Some(folder) = folders.pop() {
        let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if folder.ends_with("stage") {
                    out.push(path.display().to_string());
                }
                folders.push(path);
            } else if name.starts_with("part-") && !manifest.contains(&name) {
                out.push(path.display().to_string());
            }
        }
    }
    out
}
