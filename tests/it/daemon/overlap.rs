//! However long runs take, a job never has more of them under way than its policy allows.
//!
//! Runs that take from a fraction of their period to several, all policies, kills of the daemon and reloads
//! meanwhile. What is looked at are the attempts on record: one that was cut off counts until somebody has
//! found its lock free. `NIGHTSHIFT_JOBS` sets the number of jobs, 500 in full.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};

use super::{job, project, query, stop};
use crate::customers::{Like, table};
use crate::suite::{asked, say};

/// Jobs in an ordinary test run.
const JOBS: usize = 10;

/// Each policy with how many runs it allows at a time.
const POLICIES: [(&str, usize); 5] = [
    ("overlap = \"skip\"", 1),
    ("overlap = \"queue_one\"", 1),
    ("overlap = \"queue_all\"", 1),
    ("overlap = \"replace\"", 1),
    ("overlap = \"allow\"\nmax_concurrent = 2", 2),
];

/// Daemons that are killed, one after the other.
const KILLS: usize = 4;

#[test]
fn no_policy_lets_more_runs_be_under_way_than_it_says() {
    let jobs = asked("NIGHTSHIFT_JOBS").unwrap_or(JOBS);
    let mut sandbox = project("2026-01-05T03:00:00Z", 1)
        .data("long.csv", table(24, &[Like::Usual; 3_000]))
        .file("nightshift.toml", "[daemon]\nmax_running = 4\n");
    let text = |number: usize, more: &str| {
        let (policy, _) = POLICIES[number % POLICIES.len()];
        // So many jobs have so many runs in their period that the machine is busy.
        let period = (1 + number % 3 + jobs / 20).min(59);
        let more = format!("{policy}\n{more}\n[run]\nretry = {{ attempts = 50, base = \"0s\" }}");
        let text = job(&format!("job-{number}"), &format!("*/{period} * * * * *"), &more);
        if number.is_multiple_of(4) { text.replace("churn.csv", "long.csv") } else { text }
    };
    for number in 0..jobs {
        sandbox = sandbox.job(&format!("job-{number}"), &text(number, ""));
    }
    let life = 2_500 + 150 * jobs as u64;
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(19);
    for _ in 0..KILLS {
        let daemon = sandbox.spawn(["daemon"]);
        std::thread::sleep(Duration::from_millis(random.gen_range(life / 2..life)));
        let edited = random.gen_range(0..jobs);
        sandbox.write(format!("jobs/job-{edited}.toml"), text(edited, "misfire_grace = \"30s\""));
        daemon.signal("HUP");
        std::thread::sleep(Duration::from_millis(random.gen_range(0..life / 2)));
        assert_eq!(daemon.kill().status(), -9);
    }
    let daemon = sandbox.spawn(["daemon"]);
    std::thread::sleep(Duration::from_millis(life));
    daemon.signal("TERM");
    stop(daemon).expect(0);
    let (mut attempts, mut most) = (0, vec![0; POLICIES.len()]);
    for number in 0..jobs {
        let policy = number % POLICIES.len();
        let found = query(
            sandbox.root(),
            "select attempt.started_at, attempt.ended_at from attempt join run on run.id = attempt.run
             where run.job = ? and run.kind = 'score'",
            &format!("job-{number}"),
        );
        attempts += found.len();
        let together = most_at_a_time(&found);
        let allowed = POLICIES[policy].1;
        assert!(
            together <= allowed,
            "job-{number}: {together} at a time, wanted {allowed}: {found:?}"
        );
        most[policy] = most[policy].max(together);
    }
    say(&format!(
        "{jobs} jobs, {attempts} attempts, {KILLS} daemons killed; at most at a time, by policy: {most:?}"
    ));
    assert!(attempts >= jobs, "{attempts} attempts of {jobs} jobs show nothing");
}

/// How many of these spans, each begin and end as text, hold one instant at most.
fn most_at_a_time(spans: &[Vec<Option<String>>]) -> usize {
    let mut changes: Vec<(&str, i32)> = Vec::new();
    for span in spans {
        let [Some(began), Some(ended)] = span.as_slice() else {
            panic!("without an end: {span:?}")
        };
        // One may begin at the instant at which another ends.
        changes.extend([(began.as_str(), 1), (ended.as_str(), -1)]);
    }
    changes.sort_unstable();
    let mut under_way = 0;
    let counts = changes.iter().map(|(_, change)| {
        under_way += change;
        under_way
    });
    usize::try_from(counts.max().unwrap_or(0)).unwrap()
}
