//! The lock of the state directory: of a hundred processes at once one gets it, and it is gone with its
//! holder, whatever the holder has started.
//!
//! The processes are this test binary again, which [`a_process_that_wants_the_lock`] turns into a holder.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nightshift::adapters::lock::DaemonLock;

const PROCESSES: usize = 100;

/// Says which state directory the process wants, if it is one of ours.
const STATE: &str = "NIGHTSHIFT_TEST_STATE";

const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// Started by the test below; as a test of its own it wants nothing.
#[test]
fn a_process_that_wants_the_lock() {
    #[expect(clippy::disallowed_methods, reason = "the suite's own switch, not the program's")]
    let Some(state) = std::env::var_os(STATE) else { return };
    let begun = Instant::now();
    let lock = DaemonLock::acquire(Path::new(&state)).unwrap();
    let mut stdout = std::io::stdout();
    let Some(_lock) = lock else {
        assert!(begun.elapsed() < REFUSED_WITHIN, "refused after {:?}", begun.elapsed());
        stdout.write_all(b"\nrefused\n").unwrap();
        return;
    };
    // Reads what we read, so it lives as long as the test wants.
    let mut child = Command::new("cat").stdout(Stdio::null()).spawn().unwrap();
    stdout.write_all(b"\ntaken\n").unwrap();
    stdout.flush().unwrap();
    child.wait().unwrap();
}

fn start(state: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "daemon_lock::a_process_that_wants_the_lock", "--nocapture"])
        .env(STATE, state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether a process got the lock.
fn has_taken(child: &mut Child) -> bool {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
    let mut said = lines.filter(|line| ["taken", "refused"].contains(&line.as_str()));
    said.next().expect("a process says what it got") == "taken"
}

#[test]
fn of_a_hundred_processes_one_gets_the_lock_until_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(&state)).collect();
    let taken: Vec<bool> = children.iter_mut().map(has_taken).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    let (holders, others): (Vec<_>, Vec<_>) =
        children.into_iter().zip(taken).partition(|(_, taken)| *taken);
    for (mut child, _) in others {
        assert!(child.wait().unwrap().success());
    }
    let [(mut holder, _)] = <[_; 1]>::try_from(holders).unwrap();
    assert_eq!(DaemonLock::holder(&state), Some(holder.id()));
    assert!(DaemonLock::acquire(&state).unwrap().is_none());
    // Its child goes on: it holds our pipe, and not the lock.
    let stdin = holder.stdin.take();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(DaemonLock::holder(&state), None);
    assert!(DaemonLock::acquire(&state).unwrap().is_some());
    drop(stdin);
    // The pipe ends with the last process that writes to it.
    let mut rest = Vec::new();
    holder.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
}
