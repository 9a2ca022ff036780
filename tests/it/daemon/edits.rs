//! Job files that change while the daemon runs: by hand, by an editor, half-written, switched off and on.
//!
//! `NIGHTSHIFT_EDITS` sets the number of edits.

use std::time::Duration;

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _};

use super::{committed, job, project, query, stop};
use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

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
    let spans = spans(&sandbox, "kept");
    assert_eq!(gaps(&spans), Vec::<i64>::new());
    let lost = "select run from attempt where outcome is not 'ok' or outcome = ?";
    assert_eq!(query(sandbox.root(), lost, ""), Vec::<Vec<Option<String>>>::new());
    say(&format!("{edits} edits, {} ticks of the job that was not edited, none lost", spans.len()));
}

/// What was ruled on, in order. On a machine that is too busy, ticks come too late, and are on record as a
/// stretch.
fn spans(sandbox: &Sandbox, job: &str) -> Vec<(Timestamp, Timestamp)> {
    let spans = query(
        sandbox.root(),
        "select tick, tick from tick where job = ?1
         union all select first, last from tick_range where job = ?1 order by 1",
        job,
    );
    let time = |text: &Option<String>| text.as_ref().unwrap().parse::<Timestamp>().unwrap();
    spans.iter().map(|row| (time(&row[0]), time(&row[1]))).collect()
}

/// The seconds between two that follow each other, where it is more than one.
fn gaps(spans: &[(Timestamp, Timestamp)]) -> Vec<i64> {
    let between = spans.windows(2).map(|pair| pair[1].0.duration_since(pair[0].1).as_secs());
    between.filter(|seconds| *seconds != 1).collect()
}

#[test]
fn job_files_are_read_when_they_change_if_that_is_wanted() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("first", &job("first", "* * * * * *", ""));
    sandbox.write("nightshift.toml", "[daemon]\nreload_on_change = true\n");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "first"], |ticks| committed(ticks) >= 1);
    // A problem leaves everything as it is.
    sandbox.write("jobs/second.toml", "name = ");
    std::thread::sleep(Duration::from_secs(2));
    assert!(spans(&sandbox, "second").is_empty());
    sandbox.write("jobs/second.toml", job("second", "* * * * * *", ""));
    sandbox.wait_for(&["ticks", "second"], |ticks| committed(ticks) >= 1);
    // A file that is gone may be on its way: somebody has to say that it is meant to be.
    std::fs::remove_file(sandbox.root().join("jobs/second.toml")).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let followed = || query(sandbox.root(), "select job from schedule where job <> ?", "").len();
    assert_eq!(followed(), 2);
    sandbox.run(["reload"]).expect(0);
    sandbox.wait_for(&["status"], |_| followed() == 1);
    let said = stop(daemon).expect(0).stderr;
    for told in ["problems in the job files: the old jobs stay", "is gone: the old jobs stay"] {
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(gaps(&spans(&sandbox, "first")), Vec::<i64>::new());
}

#[test]
fn what_was_due_while_a_job_was_off_is_ruled_on_if_that_is_wanted() {
    let on = job("churn", "* * * * * *", "");
    let off = on.replace("[data]", "enabled = false\n[data]");
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &on);
    sandbox.run(["reload", "--catch-up"]).expect(2);
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    let mut gone = 0;
    for options in [&["reload"][..], &["reload", "--catch-up"][..]] {
        sandbox.write("jobs/churn.toml", &off);
        sandbox.run(["reload"]).expect(0);
        std::thread::sleep(Duration::from_secs(4));
        sandbox.write("jobs/churn.toml", &on);
        let before = spans(&sandbox, "churn").len();
        let said = sandbox.run(options).expect(0);
        assert_eq!(said.stdout.contains("goes on from"), options.len() == 2, "{}", said.stdout);
        sandbox.wait_for(&["ticks", "churn"], |_| spans(&sandbox, "churn").len() > before + 1);
        let found = gaps(&spans(&sandbox, "churn"));
        if options.len() == 1 {
            assert!(found.iter().any(|seconds| *seconds >= 3), "{found:?}");
            gone = found.len();
        }
        assert_eq!(found.len(), gone, "{found:?}");
    }
    stop(daemon).expect(0);
}
