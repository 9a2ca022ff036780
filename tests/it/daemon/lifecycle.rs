//! How a daemon ends, and how quickly a run begins.
//!
//! It is stopped at random moments; nothing may be lost, and nobody left behind. `NIGHTSHIFT_DRAINS` and
//! `NIGHTSHIFT_SECONDS` set the counts.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _};

use super::kills::children_of;
use super::{committed, job, lines, project, query, stop};
use crate::customers::{Like, table};
use crate::suite::{asked, say};

#[test]
fn a_stop_at_any_moment_loses_nothing() {
    let drains: u64 = asked("NIGHTSHIFT_DRAINS").unwrap_or(5);
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .job("a", &job("a", "* * * * * *", "overlap = \"queue_all\""))
        .job("b", &job("b", "*/2 * * * * *", "overlap = \"queue_one\""));
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(23);
    let mut longest = Duration::ZERO;
    for _ in 0..drains {
        let daemon = sandbox.spawn(["daemon"]);
        std::thread::sleep(Duration::from_millis(random.gen_range(300..2_500)));
        let since = Instant::now();
        stop(daemon).expect(0);
        longest = longest.max(since.elapsed());
        assert_eq!(children_of(sandbox.root()), Vec::<u32>::new());
        let unfinished =
            "select id from run where state in ('claimed', 'running', 'committing') or id = ?";
        assert!(query(sandbox.root(), unfinished, "").is_empty());
        let lost = "select run from attempt where outcome is not 'ok' or outcome = ?";
        assert!(query(sandbox.root(), lost, "").is_empty());
    }
    say(&format!("{drains} stops, the longest took {:.2} s", longest.as_secs_f64()));
}

#[test]
fn a_second_signal_does_not_wait_and_the_run_is_made_again() {
    let sandbox = project("2026-01-05T02:59:58Z", 1)
        .data("churn.csv", table(24, &[Like::Usual; 4_000]))
        .job("churn", &job("churn", "0 3 * * *", "catchup = \"all\""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| {
        lines(ticks).first().is_some_and(|line| line["state"] == "running")
    });
    daemon.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    let since = Instant::now();
    stop(daemon).expect(0);
    say(&format!("the second signal ended it after {:.2} s", since.elapsed().as_secs_f64()));
    let outcomes =
        query(sandbox.root(), "select outcome from attempt where outcome = ?", "interrupted");
    assert!(!outcomes.is_empty(), "nothing was interrupted");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) == 1);
    stop(daemon).expect(0);
}

#[test]
fn runs_begin_soon_after_their_tick() {
    let seconds: u64 = asked("NIGHTSHIFT_SECONDS").unwrap_or(8);
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    sandbox.run(["run", "churn"]).expect(0);
    let daemon = sandbox.spawn(["daemon"]);
    std::thread::sleep(Duration::from_secs(seconds));
    stop(daemon).expect(0);
    let found = query(
        sandbox.root(),
        "select run.tick, attempt.started_at from attempt join run on run.id = attempt.run
         where run.trigger = ?",
        "schedule",
    );
    let time = |text: &Option<String>| text.as_ref().unwrap().parse::<Timestamp>().unwrap();
    let mut lags: Vec<f64> =
        found.iter().map(|row| time(&row[1]).duration_since(time(&row[0])).as_secs_f64()).collect();
    lags.sort_by(f64::total_cmp);
    assert!(lags.first().is_some_and(|lag| *lag >= 0.0), "a run began before its tick: {lags:?}");
    let at = |percent: usize| lags[(lags.len() - 1) * percent / 100];
    say(&format!(
        "{} runs, one a second, began after (s): p50 {:.3}, p99 {:.3}, max {:.3}",
        lags.len(),
        at(50),
        at(99),
        at(100)
    ));
}
