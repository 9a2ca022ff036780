//! `kill -9` of the daemon, of the processes that it has started, or of both, at random moments.
//!
//! The checker reads what the program leaves: the ledger, the runs, and the output folders with their
//! manifests. Every tick must have one fate, every run of a tick an end, and every published file a run.
//! `NIGHTSHIFT_KILLS` sets the count, and `NIGHTSHIFT_KILL_JOBS` how many jobs there are, with periods of 10 to
//! 60 s then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::{job, project, query, stop};
use crate::published;
use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

/// Kills in an ordinary test run; the whole story is told with 1,000.
const KILLS: u64 = 12;

/// Jobs of an ordinary test run, each with a tick every so many seconds.
const PERIODS: [u32; 4] = [1, 2, 3, 5];

/// The same where the number of jobs was asked for.
const PERIODS_OF_MANY: [u32; 6] = [10, 12, 15, 20, 30, 60];

fn kills() -> u64 {
    asked("NIGHTSHIFT_KILLS").unwrap_or(KILLS)
}

/// The jobs, by name, and their periods in seconds, each of which divides a minute.
fn jobs() -> Vec<(String, u32)> {
    let name = |number: usize, period: u32| (format!("job-{number}-every-{period}"), period);
    match asked::<usize>("NIGHTSHIFT_KILL_JOBS") {
        None => PERIODS.iter().enumerate().map(|(number, period)| name(number, *period)).collect(),
        Some(count) => {
            let periods = PERIODS_OF_MANY.iter().cycle().enumerate();
            periods.take(count).map(|(number, period)| name(number, *period)).collect()
        }
    }
}

#[test]
fn no_tick_is_lost_or_doubled_by_kills_at_any_moment() {
    let policies =
        [("skip", "all"), ("queue_one", "all"), ("queue_all", "all"), ("replace", "latest")];
    let mut sandbox =
        project("2026-01-05T03:00:00Z", 1).file("nightshift.toml", "[daemon]\nmax_running = 3\n");
    let jobs = jobs();
    for ((name, period), (overlap, catchup)) in jobs.iter().zip(policies.iter().cycle()) {
        let more = format!(
            "overlap = \"{overlap}\"\ncatchup = \"{catchup}\"\nmisfire_grace = \"1s\"\n\
             [run]\nretry = {{ attempts = 50, base = \"0s\" }}"
        );
        let field = if *period == 60 { "0".to_owned() } else { format!("*/{period}") };
        sandbox = sandbox.job(name, &job(name, &format!("{field} * * * * *"), &more));
    }
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(kills());
    let (mut of_daemon, mut of_children) = (0_u64, 0_u64);
    for _ in 0..kills() {
        let daemon = sandbox.spawn(["daemon"]);
        std::thread::sleep(Duration::from_millis(random.gen_range(100..2_500)));
        if random.gen_bool(0.5) {
            let children = some_children(sandbox.root());
            std::thread::sleep(Duration::from_millis(random.gen_range(0..40)));
            for pid in &children {
                of_children += u64::from(kill(*pid));
            }
            std::thread::sleep(Duration::from_millis(random.gen_range(0..700)));
        }
        of_daemon += u64::from(daemon.kill().status() == -9);
        assert!(orphans_end(sandbox.root()), "a child outlives its daemon");
    }
    let daemon = sandbox.spawn(["daemon"]);
    for (name, _) in &jobs {
        sandbox.run(["pause", name]).expect(0);
    }
    std::thread::sleep(Duration::from_secs(2));
    for (name, _) in &jobs {
        sandbox.run(["resume", name]).expect(0);
    }
    std::thread::sleep(Duration::from_secs(3));
    stop(daemon).expect(0);
    let mut told = BTreeMap::new();
    for (name, period) in &jobs {
        check_job(&sandbox, (name, *period), &mut told);
    }
    sandbox.run(["verify", "--data"]).expect(0);
    say(&format!(
        "kill -9: {of_daemon} of daemons, {of_children} of children of {} jobs; ticks by fate: {told:?}",
        jobs.len()
    ));
    assert_eq!(of_daemon, kills());
}

/// Every tick of the job has one fate, and what was published is what is on record.
fn check_job(sandbox: &Sandbox, (name, period): (&str, u32), told: &mut BTreeMap<String, u64>) {
    let ticks = sandbox.run(["ticks", name, "-n", "100000", "--output", "json"]).expect(0).json();
    let span = SignedDuration::from_secs(i64::from(period));
    let mut fates: BTreeMap<Timestamp, u32> = BTreeMap::new();
    let lines = ticks["ticks"].as_array().unwrap();
    let single = |line: &&Value| line["first"] == line["last"];
    let points: BTreeSet<Timestamp> =
        lines.iter().filter(single).map(|line| time(line, "first")).collect();
    for line in lines {
        let (first, last) = (time(line, "first"), time(line, "last"));
        let mut tick = first;
        while tick <= last {
            // Within a minute the ticks of `*/5` are five seconds apart, and 60 is a multiple of each period.
            if first == last || !points.contains(&tick) {
                *fates.entry(tick).or_default() += 1;
                *told.entry(line["decision"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            tick += span;
        }
    }
    let (first, last) = (*fates.keys().next().unwrap(), *fates.keys().next_back().unwrap());
    let mut tick = first;
    while tick <= last {
        assert_eq!(fates.get(&tick), Some(&1), "tick {tick} of {name}");
        tick += span;
    }
    let runs = sandbox.run(["runs", name, "--output", "json", "-n", "100000"]).expect(0).json();
    let mut committed = BTreeSet::new();
    for run in runs["runs"].as_array().unwrap() {
        let state = run["state"].as_str().unwrap();
        let may = ["committed", "queued", "superseded", "failed"];
        assert!(may.contains(&state), "{run}");
        if state == "committed" && run["kind"] == "score" {
            assert!(committed.insert(run["tick"].as_str().unwrap().to_owned()), "twice: {run}");
        }
    }
    check_attempts(sandbox.root(), name);
    let published = published::ticks(&sandbox.root().join("scores").join(name));
    assert!(published.iter().all(|(_, manifest)| manifest.is_some()), "{published:?}");
    assert_eq!(published.len(), committed.len(), "{name}");
}

/// No two attempts of score runs of the job were under way at the same time.
fn check_attempts(root: &Path, name: &str) {
    let found = query(
        root,
        "select attempt.started_at, attempt.ended_at from attempt join run on run.id = attempt.run
         where run.job = ? and run.kind = 'score' order by attempt.token",
        name,
    );
    for pair in found.windows(2) {
        let (ended, next) = (pair[0][1].as_deref(), pair[1][0].as_deref());
        assert!(ended.is_some() && ended <= next, "attempts of {name} overlap: {pair:?}");
    }
}

fn time(line: &Value, key: &str) -> Timestamp {
    line[key].as_str().unwrap().parse().unwrap()
}

/// The processes that execute runs of the project at `root`.
pub(super) fn children_of(root: &Path) -> Vec<u32> {
    let wanted = root.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            words.contains(&wanted.as_bytes()) && words.contains(&b"execute".as_slice())
        })
        .collect()
}

/// The same, as soon as there is one; none if there is none within two seconds.
fn some_children(root: &Path) -> Vec<u32> {
    let since = Instant::now();
    loop {
        let found = children_of(root);
        if !found.is_empty() || since.elapsed() > Duration::from_secs(2) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn kill(pid: u32) -> bool {
    let mut command = std::process::Command::new("kill");
    command.args(["-s", "KILL", &pid.to_string()]).stderr(std::process::Stdio::null());
    command.status().unwrap().success()
}

/// Whether the children of a killed daemon are gone, soon.
fn orphans_end(root: &Path) -> bool {
    (0..100).any(|_| {
        let is_over = children_of(root).is_empty();
        if !is_over {
            std::thread::sleep(Duration::from_millis(20));
        }
        is_over
    })
}
