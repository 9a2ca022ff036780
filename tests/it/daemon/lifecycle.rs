//! How a daemon ends, how quickly a run begins, and what any edit of the job files does to it.
//!
//! `NIGHTSHIFT_DRAINS`, `NIGHTSHIFT_SECONDS` and `NIGHTSHIFT_EDITS` set the counts.

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

#[test]
fn no_edit_of_a_job_file_loses_a_tick_or_ends_a_run() {
    let edits: u64 = asked("NIGHTSHIFT_EDITS").unwrap_or(12);
    let kept = job("kept", "* * * * * *", "overlap = \"queue_all\"");
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("kept", &kept);
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "kept"], |ticks| committed(ticks) >= 1);
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(28);
    let path = sandbox.root().join("jobs/edited.toml");
    for edit in 0..edits {
        let period = random.gen_range(2..30);
        let text =
            job("edited", &format!("*/{period} * * * * *"), &format!("jitter = \"{edit}s\""));
        match random.gen_range(0..6) {
            // Broken, half-written, of another job, gone, or as an editor replaces a file.
            0 => std::fs::write(&path, text.replace("[model]", "[modle]")).unwrap(),
            1 => std::fs::write(&path, &text[..text.len() / 2]).unwrap(),
            2 => std::fs::write(&path, &kept).unwrap(),
            3 => std::fs::remove_file(&path).unwrap_or_default(),
            4 => {
                let new = path.with_extension("new");
                std::fs::write(&new, &text).unwrap();
                #[expect(clippy::disallowed_methods, reason = "as an editor does it")]
                std::fs::rename(&new, &path).unwrap();
            }
            _ => std::fs::write(&path, &text).unwrap(),
        }
        daemon.signal("HUP");
        std::thread::sleep(Duration::from_millis(random.gen_range(0..300)));
    }
    std::thread::sleep(Duration::from_secs(2));
    stop(daemon).expect(0);
    // On a machine that is too busy, ticks come too late, and are on record as a stretch.
    let spans = query(
        sandbox.root(),
        "select tick, tick from tick where job = ?1
         union all select first, last from tick_range where job = ?1 order by 1",
        "kept",
    );
    let time = |text: &Option<String>| text.as_ref().unwrap().parse::<Timestamp>().unwrap();
    let spans: Vec<(Timestamp, Timestamp)> =
        spans.iter().map(|row| (time(&row[0]), time(&row[1]))).collect();
    for pair in spans.windows(2) {
        assert_eq!(pair[1].0.duration_since(pair[0].1).as_secs(), 1, "{pair:?}");
    }
    let lost = "select run from attempt where outcome is not 'ok' or outcome = ?";
    assert_eq!(query(sandbox.root(), lost, ""), Vec::<Vec<Option<String>>>::new());
    say(&format!("{edits} edits, {} ticks of the job that was not edited, none lost", spans.len()));
}
