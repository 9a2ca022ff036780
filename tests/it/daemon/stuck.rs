//! What a process tells of its progress, what the daemon says when it falls silent, and the limits that the
//! kernel keeps where no daemon can.
//!
//! The clock runs fast here: what is a minute to the daemon is a few seconds to the test.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::kills::children_of;
use super::{PATIENCE, committed, job, lines, project, real_time};
use crate::customers::{Like, table};
use crate::sandbox::Sandbox;

/// Waits until `found` is something.
#[track_caller]
fn wait<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain for {what}");
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// A daemon whose words can be read while it runs; ended with the test.
struct Daemon(Child);

impl Daemon {
    fn start(sandbox: &Sandbox, mut command: Command) -> Self {
        let log = File::create(sandbox.root().join("daemon.log")).unwrap();
        Self(command.stderr(log).spawn().unwrap())
    }

    fn said(sandbox: &Sandbox) -> String {
        std::fs::read_to_string(sandbox.root().join("daemon.log")).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A project whose one run takes a while.
fn slow(shown: &str, speed: u32, more: &str) -> Sandbox {
    project(shown, speed)
        .data("churn.csv", table(24, &vec![Like::Usual; 20_000]))
        .job("churn", &job("churn", "0 3 * * *", more))
        // The table has taken its time.
        .env("NIGHTSHIFT_NOW", &format!("{shown}@{}*{speed}", real_time()))
}

/// The child that executes the run, once it has told something.
fn child(sandbox: &Sandbox) -> u32 {
    wait("a child", || {
        let mut told = std::fs::read_dir(sandbox.root().join("state/runs")).into_iter().flatten();
        let has_told = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.is_ok_and(|entry| {
                entry.path().extension().is_some_and(|extension| extension == "lock")
                    && entry.metadata().is_ok_and(|found| found.len() > 0)
            })
        };
        told.any(has_told).then(|| children_of(sandbox.root()))?.pop()
    })
}

#[test]
fn a_process_that_is_stopped_is_told_once_and_goes_on_unharmed() {
    // A minute is five seconds.
    let (shown, speed) = ("2026-01-05T02:59:00Z", 12);
    let sandbox = slow(shown, speed, "");
    // Else the run would train the first version, which is a run as well.
    sandbox.run(["train", "churn", "--tick", "2026-01-05T02:00:00Z"]).expect(0);
    let sandbox = sandbox.env("NIGHTSHIFT_NOW", &format!("{shown}@{}*{speed}", real_time()));
    let mut command = sandbox.command();
    command.arg("daemon");
    let mut daemon = Daemon::start(&sandbox, command);
    // Stopped before it has begun, it would have nothing to say.
    sandbox.wait_for(&["status"], |status| status["jobs"][0]["progress"]["rows_read"].is_u64());
    let stopped = child(&sandbox);
    signal(stopped, "STOP");
    let silent = Instant::now();
    let said =
        wait("the alarm", || Some(Daemon::said(&sandbox)).filter(|said| said.contains("is stuck")));
    assert!(silent.elapsed() > Duration::from_secs(3), "{said}");
    assert!(
        said.contains("it was last heard of at 2026-01-05T0") && said.contains("in stage `"),
        "{said}"
    );
    // Its progress is there for people, too.
    let status = sandbox.run(["status", "--output", "json"]).expect(0).json();
    let progress = &status["jobs"][0]["progress"];
    assert!(progress["stage"].is_string() && progress["rows_read"].is_u64(), "{status:#}");
    let run = status["jobs"][0]["last_run"].as_str().unwrap();
    let shown = sandbox.run(["show", run, "--output", "json"]).expect(0).json();
    assert_eq!(shown["progress"]["at"], progress["at"], "{shown:#}");
    let text = sandbox.run(["show", run]).expect(0).stdout;
    assert!(text.contains("progress"), "{text}");
    std::thread::sleep(Duration::from_secs(2));
    signal(stopped, "CONT");
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| committed(ticks) == 1);
    let said = Daemon::said(&sandbox);
    assert_eq!(said.matches("is stuck").count(), 1, "{said}");
    assert_eq!(said.matches("goes on").count(), 1, "{said}");
    let run = lines(&ticks)[0]["run"].as_str().unwrap().to_owned();
    let shown = sandbox.run(["show", &run, "--output", "json"]).expect(0).json();
    assert_eq!(shown["attempts"].as_array().map(Vec::len), Some(1), "it was not ended for it");
    assert!(shown["progress"].is_null(), "{shown:#}");
    signal(daemon.0.id(), "TERM");
    assert!(daemon.0.wait().unwrap().success());
}

#[test]
fn a_child_has_the_limits_of_its_job_and_may_open_what_the_kernel_allows() {
    let more = "[run]\ntimeout = \"10m\"\nkill_grace = \"20s\"\nthreads = 2";
    let sandbox = slow("2026-01-05T02:59:55Z", 1, more);
    let own = sandbox.command();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 200; exec \"$0\" daemon"]).arg(own.get_program());
    command.current_dir(sandbox.root()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let daemon = Daemon::start(&sandbox, command);
    let limits = |pid: u32, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        let words = line.unwrap_or_default();
        let mut words = words.split_whitespace().map(str::to_owned);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    };
    let child = child(&sandbox);
    assert_eq!(limits(child, "Max cpu time").0, (2 * (600 + 20)).to_string());
    let (soft, hard) = limits(child, "Max open files");
    assert_eq!(soft, hard);
    assert_eq!(limits(daemon.0.id(), "Max open files").0, "200");
    assert_eq!(limits(daemon.0.id(), "Max cpu time").0, "unlimited");
}

#[test]
fn the_kernel_ends_a_run_that_no_daemon_can_end() {
    let more =
        "[run]\ntimeout = \"1s\"\nkill_grace = \"1s\"\nthreads = 1\nretry = { attempts = 1 }";
    let sandbox = slow("2026-01-05T02:59:55Z", 1, more);
    let mut command = sandbox.command();
    command.arg("daemon");
    let daemon = Daemon::start(&sandbox, command);
    child(&sandbox);
    signal(daemon.0.id(), "STOP");
    // A child that nobody waits for stays as a name without a command line.
    wait("the end of the child", || children_of(sandbox.root()).is_empty().then_some(()));
    signal(daemon.0.id(), "CONT");
    let ticks = sandbox.wait_for(&["ticks", "churn"], |ticks| {
        lines(ticks).first().is_some_and(|line| line["state"] == "dead")
    });
    let run = lines(&ticks)[0]["run"].as_str().unwrap().to_owned();
    let shown = sandbox.run(["show", &run, "--output", "json"]).json();
    let error = shown["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("processor time") || error.contains("took longer than"), "{error}");
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let fails = job("fails", "*/2 * * * * *", "[run]\nretry = { attempts = 1 }")
        .replace("data/churn.csv", "data/none.csv");
    let sandbox = project("2026-01-05T03:00:00Z", 1)
        .job("churn", &job("churn", "*/2 * * * * *", ""))
        .job("fails", &fails);
    let (unread, mut log) = std::io::pipe().unwrap();
    // Full: the next word that is written here waits for ever.
    log.write_all(&vec![b'.'; 1 << 16]).unwrap();
    let mut command = sandbox.command();
    let mut daemon =
        Daemon(command.arg("daemon").stderr(log).stdout(Stdio::null()).spawn().unwrap());
    sandbox.wait_for(&["ticks", "churn", "-n", "100"], |ticks| committed(ticks) >= 2);
    // The last words of a process that fails do not keep it either: after five of them the job is paused.
    sandbox.wait_for(&["status"], |status| status["jobs"][1]["paused"] == true);
    signal(daemon.0.id(), "TERM");
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    drop(unread);
}
