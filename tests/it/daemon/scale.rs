//! Many jobs due in one second, and many that are not due at all.
//!
//! What is asserted is that every tick was queued, once. How long that took, and what the daemon costs
//! while nothing is due, is printed: machines differ. `NIGHTSHIFT_JOBS` sets the number, 10,000 in full.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{job, project, query, stop};
use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

/// Jobs in an ordinary test run.
const JOBS: usize = 300;

fn jobs() -> usize {
    asked("NIGHTSHIFT_JOBS").unwrap_or(JOBS)
}

fn many(jobs: usize, shown: &str, cron: &str) -> Sandbox {
    let sandbox = project(shown, 1);
    for number in 0..jobs {
        let name = format!("job-{number}");
        sandbox.write(format!("jobs/{name}.toml"), job(&name, cron, ""));
    }
    sandbox
}

/// How many runs of schedules the database shows, and how long after `tick` it was asked.
fn queued(root: &Path, tick: Timestamp) -> (usize, f64) {
    let rows = query(root, "select id from run where trigger = ?", "schedule");
    (rows.len(), super::real_time().duration_since(tick).as_secs_f64())
}

/// Resident memory in bytes and processor time in seconds of a process.
fn costs(pid: u32) -> (u64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    (kilobytes * 1024, ticks / 100.0)
}

#[test]
fn every_job_that_is_due_in_one_second_is_queued() {
    let jobs = jobs();
    // The next minute that leaves time to write the files and to begin.
    let ahead = 20 + i64::try_from(jobs / 250).unwrap();
    let minutes = (super::real_time().as_second() + ahead) / 60 + 1;
    let tick = Timestamp::from_second(minutes * 60).unwrap();
    let sandbox = many(jobs, &super::real_time().to_string(), &format!("{} * * * *", minutes % 60));
    let daemon = sandbox.spawn(["daemon"]);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(count, _)| *count < jobs) {
        let is_begun = sandbox.root().join("state/nightshift.db").exists();
        if is_begun && super::real_time() >= tick {
            seen.push(queued(sandbox.root(), tick));
        }
        assert!(seen.last().is_none_or(|(_, lag)| *lag < 300.0), "{:?}", seen.last());
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.signal("TERM");
    stop(daemon).expect(0);
    assert_eq!(queued(sandbox.root(), tick).0, jobs);
    let at = |percent: usize| {
        seen.iter()
            .find(|(count, _)| *count * 100 >= jobs * percent)
            .map_or(f64::NAN, |seen| seen.1)
    };
    say(&format!(
        "{jobs} jobs due in one second, their runs on record after (s): p50 {:.3}, p99 {:.3}, max {:.3}",
        at(50),
        at(99),
        at(100)
    ));
}

#[test]
fn jobs_that_are_not_due_cost_little() {
    let jobs = jobs();
    let sandbox = many(jobs, "2026-01-05T04:00:00Z", "0 3 * * *");
    let daemon = sandbox.spawn(["daemon"]);
    std::thread::sleep(Duration::from_secs(3 + jobs as u64 / 1_000));
    let (_, before) = costs(daemon.pid());
    let since = Instant::now();
    std::thread::sleep(Duration::from_secs(if jobs > JOBS { 30 } else { 3 }));
    let (memory, after) = costs(daemon.pid());
    let share = (after - before) / since.elapsed().as_secs_f64();
    stop(daemon).expect(0);
    say(&format!(
        "{jobs} jobs, none due: {:.2} % of a core, {} MiB resident",
        100.0 * share,
        memory >> 20
    ));
}

/// Down for 40 days with a tick every minute: a few lines for each job, whatever the policy.
#[test]
fn a_long_downtime_is_dealt_with_at_once() {
    let jobs = jobs();
    let sandbox = many(jobs, "2026-01-05T03:00:00Z", "* * * * *");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |_| sandbox.root().join("state/daemon.lock").exists());
    std::thread::sleep(Duration::from_secs(2 + jobs as u64 / 500));
    stop(daemon).expect(0);
    let (began, _) = queued(sandbox.root(), Timestamp::UNIX_EPOCH);
    let real = super::real_time();
    let later = sandbox.env("NIGHTSHIFT_NOW", &format!("2026-02-14T03:00:30Z@{real}*1"));
    let since = Instant::now();
    let daemon = later.spawn(["daemon"]);
    while queued(later.root(), Timestamp::UNIX_EPOCH).0 < began + jobs {
        assert!(since.elapsed() < Duration::from_mins(5));
        std::thread::sleep(Duration::from_millis(100));
    }
    say(&format!(
        "{jobs} jobs, 40 days of minutes missed: ruled on after {:.2} s",
        since.elapsed().as_secs_f64()
    ));
    daemon.signal("TERM");
    stop(daemon).expect(0);
}
