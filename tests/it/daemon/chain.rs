//! What a run leads to goes through the same queue, and what surrounds the daemon is told.
//!
//! Then what goes wrong around it: a tick that was tried by hand, a job whose output cannot be written, a
//! project file that is broken for a moment. One job's trouble is no other's.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::{committed, job, lines, project, query, stop};
use crate::customers::{self, Like, table};

#[test]
fn a_model_is_retrained_by_its_own_schedule() {
    let more = "[retrain]\ncron = \"*/2 * * * * *\"\non = [\"age:1000d\"]";
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "0 3 * * *", more));
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 2);
    stop(daemon).expect(0);
    assert!(lines(&ticks).iter().any(|line| line["kind"] == "train"), "{ticks:#}");
    let triggers = query(
        sandbox.root(),
        "select trigger from run where kind = ? and state = 'committed'",
        "train",
    );
    assert!(triggers.contains(&vec![Some("schedule".to_owned())]), "{triggers:?}");
}

#[test]
fn drift_is_noticed_and_answered_through_the_queue() {
    let text = customers::job("0 0 * * *", "[retrain]\non = [\"drift\"]");
    let sandbox = project("2026-01-05T00:00:10Z", 1)
        .data("churn.csv", table(24, &[Like::Usual, Like::Usual, Like::Moved, Like::Moved]))
        .job("churn", &text);
    sandbox.run(["run", "churn", "--tick", "2026-01-03T00:00:00Z"]).expect(0);
    let daemon = sandbox.spawn(["daemon"]);
    // Nothing is due before tomorrow: a new schedule is not retroactive. So the clock goes on a day.
    std::thread::sleep(Duration::from_secs(1));
    stop(daemon).expect(0);
    let real = super::real_time();
    let later = sandbox.env("NIGHTSHIFT_NOW", &format!("2026-01-06T00:00:02Z@{real}*1"));
    later.write(
        "data/churn.csv",
        table(24, &[Like::Usual, Like::Usual, Like::Usual, Like::Moved, Like::Moved]),
    );
    let daemon = later.spawn(["daemon"]);
    later.wait_for(&["runs", "churn"], |runs| {
        runs["runs"].as_array().unwrap().iter().any(|run| {
            run["trigger"] == "drift" && run["kind"] == "train" && run["state"] == "committed"
        })
    });
    stop(daemon).expect(0);
}

#[test]
fn a_run_may_not_take_more_memory_than_its_job_says() {
    let limited = |bytes: &str| {
        let more = format!("[run]\nmemory_max = \"{bytes}\"\nretry = {{ attempts = 1 }}");
        let sandbox = project("2026-01-05T02:59:58Z", 1)
            .data("churn.csv", table(24, &[Like::Usual; 1_000]))
            .job("churn", &job("churn", "0 3 * * *", &more));
        let daemon = sandbox.spawn(["daemon"]);
        let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| {
            lines(ticks)
                .first()
                .is_some_and(|line| line["state"] == "dead" || line["state"] == "committed")
        });
        stop(daemon).expect(0);
        lines(&ticks)[0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(limited("48MiB"), "dead");
    assert_eq!(limited("1GiB"), "committed");
}

#[test]
fn a_service_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .job("churn", &job("churn", "0 3 * * *", ""))
        .env("NOTIFY_SOCKET", path.to_str().unwrap());
    let daemon = sandbox.spawn(["daemon"]);
    let mut buffer = [0; 1_024];
    let mut next = || {
        let size = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..size]).into_owned()
    };
    let first = next();
    assert!(first.contains("READY=1") && first.contains("STATUS=following 1 schedules"), "{first}");
    assert!(next().contains("WATCHDOG=1"));
    daemon.signal("TERM");
    let mut last = next();
    while last.contains("WATCHDOG") {
        last = next();
    }
    assert!(last.contains("STOPPING=1"), "{last}");
    stop(daemon).expect(0);
}

#[test]
fn a_tick_that_was_tried_by_hand_in_vain_is_run_when_it_is_due() {
    let text =
        job("churn", "0 3 * * *", "").replace("[drift]", "input = \"data/tonight/*.csv\"\n[drift]");
    let sandbox = project("2026-01-05T02:59:52Z", 1).job("churn", &text);
    // The schedule begins, and the daemon is down when its tick is due.
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |status| !status["jobs"][0]["next_tick"].is_null());
    stop(daemon).expect(0);
    let by_hand = || sandbox.run(["run", "churn", "--tick", "2026-01-05T03:00:00Z"]).status();
    while by_hand() == 2 {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(by_hand(), 1);
    sandbox.write("data/tonight/a.csv", table(24, &[Like::Usual]));
    let daemon = sandbox.spawn(["daemon"]);
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) == 1);
    stop(daemon).expect(0);
    assert_eq!(lines(&ticks)[0]["decision"], "run", "{ticks:#}");
}

#[test]
fn an_input_that_is_still_written_costs_an_attempt_and_not_the_tick() {
    let begins: jiff::Timestamp = "2026-01-05T03:00:00Z".parse().unwrap();
    let more = "[run]\nretry = { attempts = 50, base = \"1s\", factor = 1, jitter = 0 }";
    let text = job("churn", "*/5 * * * * *", more)
        .replace("[drift]", "input = \"data/tonight/*.csv\"\n[drift]");
    let (whole, path) = (table(24, &[Like::Usual]), "data/tonight/a.csv");
    let torn = &whole[..whole.len() - 12];
    let sandbox = project(&begins.to_string(), 1).job("churn", &text).file(path, torn);
    // Just written, by the clock of the daemon.
    let file = std::fs::File::options().append(true).open(sandbox.root().join(path)).unwrap();
    file.set_modified((begins + jiff::SignedDuration::from_secs(30)).into()).unwrap();
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| !lines(ticks).is_empty());
    let tried = || {
        let failed = "select run.id, attempt.error from run join attempt on attempt.run = run.id
             where run.job = ? and run.kind = 'score' and attempt.outcome = 'failed'";
        query(sandbox.root(), failed, "churn")
    };
    sandbox.wait_for(&["status"], |_| !tried().is_empty());
    let found = tried().remove(0);
    let [Some(run), Some(error)] = found.as_slice() else { panic!("{found:?}") };
    assert!(error.contains("a.csv`, row 400"), "{error}");
    sandbox.write("data/whole", &whole);
    let place = |name| sandbox.root().join(name);
    #[expect(clippy::disallowed_methods, reason = "as whoever delivers files does it")]
    std::fs::rename(place("data/whole"), place(path)).unwrap();
    sandbox.wait_for(&["show", run], |shown| shown["state"] == "committed");
    stop(daemon).expect(0);
}

#[test]
fn one_job_whose_output_cannot_be_written_disturbs_no_other() {
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .job("sound", &job("sound", "* * * * * *", ""))
        .job("broken", &job("broken", "* * * * * *", "[run]\nretry = { attempts = 1 }"))
        .file("scores/broken", "a file where a folder should be");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "broken"], |ticks| !ticks["paused"].is_null());
    sandbox.wait_for(&["ticks", "sound"], |ticks| committed(ticks) >= 3);
    stop(daemon).expect(0);
    // And it begins again, with all that left over.
    let daemon = sandbox.spawn(["daemon"]);
    let before =
        committed(&sandbox.run(["ticks", "sound", "-n", "999", "--output", "json"]).json());
    sandbox.wait_for(&["ticks", "sound", "-n", "999"], |ticks| committed(ticks) > before);
    stop(daemon).expect(0);
}

#[test]
fn a_project_file_that_is_broken_for_a_moment_costs_no_run() {
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .job("churn", &job("churn", "*/2 * * * * *", "overlap = \"queue_all\""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 1);
    sandbox.write("nightshift.toml", "jobs_dir = ");
    std::thread::sleep(Duration::from_secs(5));
    sandbox.write("nightshift.toml", "");
    stop(daemon).expect(0);
    let given_up = query(sandbox.root(), "select id from run where state = ?", "dead");
    assert!(given_up.is_empty(), "{given_up:?}");
}
