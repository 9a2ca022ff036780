//! What a daemon leaves that is killed while nothing happens: a database whose damage is noticed.

use std::fs;
use std::time::{Duration, Instant};

use super::{job, project};

#[test]
fn damage_to_what_a_killed_daemon_has_left_is_told() {
    let sandbox = project("2026-01-05T02:00:00Z", 1).job("churn", &job("churn", "0 3 * * *", ""));
    sandbox.run(["run", "churn"]).expect(0);
    let database = sandbox.root().join("state/nightshift.db");
    let seal = sandbox.root().join("state/nightshift.db-seal");
    let daemon = sandbox.spawn(["daemon"]);
    let is_sealed = || !fs::read_to_string(&seal).unwrap().contains("sha256 -");
    // What it writes at its start makes the seal of the last command void.
    sandbox.wait_for(&["next", "churn"], |_| !is_sealed());
    let since = Instant::now();
    while !is_sealed() {
        assert!(since.elapsed() < super::PATIENCE, "a quiet database is not sealed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let _killed = daemon.kill();
    sandbox.run(["status"]).expect(0);
    let sound = fs::read(&database).unwrap();
    let mut damaged = sound.clone();
    // One bit of each page; some of them are in the log as well, where they are read.
    damaged.chunks_mut(4096).skip(1).for_each(|page| page[2_000] ^= 1);
    fs::write(&database, &damaged).unwrap();
    let daemon = sandbox.run(["daemon"]).expect(74);
    assert!(daemon.stderr.contains("nightshift restore FILE"), "{}", daemon.stderr);
    assert!(fs::read(&database).unwrap() == damaged, "the file was written to");
    fs::write(&database, &sound).unwrap();
    sandbox.run(["status"]).expect(0);
}
