//! `backup` and `restore`: what they refuse, what they leave as it is, and what the next run makes of it.
//!
//! That a backup is sound whatever is written or killed meanwhile is in `crash/backup.rs`.

/// Runs that were under way when the backup was made.
mod unfinished;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use nightshift::adapters::lock::{DaemonLock, RunLock};
use nightshift::adapters::store::{Open, Store};
use nightshift::domain::identity::RunId;

use crate::customers::Like::Usual;
use crate::customers::{self, table};
use crate::sandbox::Sandbox;

const DATABASE: &str = "state/nightshift.db";

/// A project with two ticks scored.
fn project() -> Sandbox {
    let sandbox = Sandbox::new()
        .job("churn", &customers::job("0 0 * * *", ""))
        .data("churn.csv", table(24, &[Usual; 4]));
    for tick in ["2026-01-03", "2026-01-04"] {
        sandbox.run(["run", "churn", "--tick", tick]).expect(0);
    }
    sandbox
}

fn runs(sandbox: &Sandbox) -> String {
    sandbox.run(["runs", "--output", "json"]).expect(0).stdout
}

/// Every file below `folder` with its content, but for the lock of the daemon and what `SQLite` shares.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(tree(&path));
        } else if !path.ends_with(DaemonLock::FILE_NAME)
            && !path.to_string_lossy().ends_with("-shm")
        {
            out.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    out
}

#[test]
fn what_is_restored_is_what_was_backed_up_and_can_be_undone() {
    let sandbox = project();
    let before = runs(&sandbox);
    let said = sandbox.run(["backup", "b.db"]).expect(0);
    insta::assert_snapshot!(said.redacted(), @r"
    exit 0
    --- stdout
    `$SANDBOX/b.db`: 252.0 KiB, 3 runs, schema 7
    sha256 $SHA256
    --- stderr
    not in it: the files of `state/models` and the outputs; copy them now
    ");
    let mode = fs::metadata(sandbox.root().join("b.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    sandbox.run(["run", "churn", "--tick", "2026-01-05"]).expect(0);
    let after = runs(&sandbox);
    assert_ne!(before, after);
    sandbox.at("2026-01-06T00:00:00Z");
    let said = sandbox.run(["restore", "b.db", "--yes"]).expect(0);
    insta::assert_snapshot!(said.redacted(), @r"
    exit 0
    --- stdout
    restored `b.db`: 3 runs, the latest of 2026-01-05T03:00:01Z
    the database before is kept as `state/nightshift.db.kept-20260106T000000Z`
    --- stderr
    next: `nightshift verify --data`
    ");
    assert_eq!(runs(&sandbox), before);
    // What was published since is scored again.
    sandbox.run(["run", "churn", "--tick", "2026-01-05", "--detailed-exit-code"]).expect(0);
    sandbox.run(["verify", "--data"]).expect(0);
    // With its log, without which it would be older than it was.
    sandbox.run(["restore", "state/nightshift.db.kept-20260106T000000Z", "--yes"]).expect(0);
    assert_eq!(runs(&sandbox), after);
}

#[test]
fn a_backup_takes_no_place_that_it_was_not_given() {
    let sandbox = project();
    let root = sandbox.root();
    fs::write(root.join("there.db"), "mine").unwrap();
    fs::hard_link(root.join(DATABASE), root.join("other-name.db")).unwrap();
    // Who reads leaves an empty log and its index.
    sandbox.run(["runs"]).expect(0);
    let sound = tree(&root.join("state"));
    for (line, code) in [
        ("backup there.db", 2),
        ("backup state", 2),
        ("backup nowhere/b.db", 2),
        ("backup ..", 2),
        ("backup state/nightshift.db", 2),
        ("backup state/nightshift.db --force", 2),
        ("backup state/nightshift.db-wal --force", 2),
        ("backup other-name.db --force", 2),
        ("backup there.db --force", 0),
    ] {
        let kept = fs::read(root.join("there.db")).unwrap();
        sandbox.run(line.split(' ')).expect(code);
        assert_eq!(tree(&root.join("state")), sound, "{line}");
        assert_eq!(fs::read(root.join("there.db")).unwrap() == kept, code != 0, "{line}");
    }
    let empty = Sandbox::new();
    empty.run(["backup", "b.db"]).expect(2);
    assert!(!empty.root().join("b.db").exists() && !empty.root().join("state").exists());
}

#[test]
fn what_a_killed_backup_has_left_is_removed_by_the_next() {
    let sandbox = project().file("copies/.nightshift-copy-abcdef", "half a file");
    let held = sandbox.root().join("copies/.nightshift-copy-held");
    fs::write(&held, "somebody writes this").unwrap();
    let file = fs::File::open(&held).unwrap();
    file.try_lock().unwrap();
    sandbox.run(["backup", "copies/b.db"]).expect(0);
    let found = fs::read_dir(sandbox.root().join("copies")).unwrap();
    let mut names: Vec<_> = found.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".nightshift-copy-held", "b.db"]);
}

#[test]
fn nothing_is_restored_without_consent_or_from_what_is_no_backup() {
    let sandbox = project();
    let root = sandbox.root();
    sandbox.run(["backup", "b.db"]).expect(0);
    let mut damaged = fs::read(root.join("b.db")).unwrap();
    damaged[4096..8192].fill(0);
    fs::write(root.join("damaged.db"), &damaged).unwrap();
    let mut newer = fs::read(root.join("b.db")).unwrap();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(root.join("newer.db"), newer).unwrap();
    fs::write(root.join("empty.db"), "").unwrap();
    let sound = tree(&root.join("state"));
    for (line, code, word) in [
        ("restore b.db", 2, "--yes"),
        ("restore nothing.db --yes", 2, "there is no backup"),
        ("restore empty.db --yes", 2, "there is no backup"),
        ("restore state --yes", 74, "not a regular file"),
        ("restore damaged.db --yes", 74, "older backup"),
        ("restore nightshift.toml --yes", 2, "there is no backup"),
        ("restore jobs/churn.toml --yes", 74, "older backup"),
        ("restore newer.db --yes", 74, "newer nightshift"),
    ] {
        let said = sandbox.run(line.split(' ')).expect(code);
        assert!(said.stderr.contains(word), "{line}: {}", said.stderr);
        assert_eq!(tree(&root.join("state")), sound, "{line}");
    }
}

#[test]
fn nothing_is_restored_while_somebody_is_at_work() {
    let sandbox = project();
    let state = sandbox.root().join("state");
    sandbox.run(["backup", "b.db"]).expect(0);
    let sound = tree(&state);
    let check = |word: &str| {
        let said = sandbox.run(["restore", "b.db", "--yes"]).expect(75);
        assert!(said.stderr.contains(word), "{}", said.stderr);
        let mut found = tree(&state);
        found.retain(|path, _| sound.contains_key(path));
        assert_eq!(found, sound);
    };
    let daemon = DaemonLock::acquire(&state).unwrap().unwrap();
    check(&format!("a daemon (process {}) owns", std::process::id()));
    drop(daemon);
    let run = RunId::new(Timestamp::UNIX_EPOCH, 7);
    let lock = RunLock::acquire(&state, &run).unwrap().unwrap();
    check(&format!("run `{run}` is being executed"));
    drop(lock);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(Store::open(&state, Open::ReadOnly)).unwrap();
    check("another process");
    runtime.block_on(store.close());
    sandbox.run(["restore", "b.db", "--yes"]).expect(0);
}

#[test]
fn a_database_that_is_gone_is_not_made_anew_unasked() {
    let sandbox = project();
    sandbox.run(["backup", "b.db"]).expect(0);
    let lose = || {
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(sandbox.root().join(format!("{DATABASE}{suffix}"))).ok();
        }
    };
    let refused = |line: &str, code: i32| {
        let said = sandbox.run(line.split(' ')).expect(code);
        let text = said.stdout + &said.stderr;
        assert!(
            text.contains("is gone, but") && text.contains("nightshift restore FILE"),
            "{text}"
        );
    };
    let lines =
        ["run churn", "score churn", "train churn", "plan churn", "status", "verify", "prune"];
    lose();
    for line in lines {
        refused(line, 74);
    }
    refused("doctor", 1);
    sandbox.write(DATABASE, "");
    for line in lines {
        refused(line, 74);
    }
    sandbox.run(["restore", "b.db", "--yes"]).expect(0);
    let known = runs(&sandbox);
    // The outputs alone say it as well.
    lose();
    fs::remove_dir_all(sandbox.root().join("state/models")).unwrap();
    refused("run churn", 74);
    sandbox.run(["run", "churn", "--tick", "2026-01-03", "--init"]).expect(0);
    assert_ne!(runs(&sandbox), known);
    // With nothing left there is nothing to lose.
    fs::remove_dir_all(sandbox.root().join("state")).unwrap();
    fs::remove_dir_all(sandbox.root().join("scores")).unwrap();
    sandbox.run(["run", "churn", "--tick", "2026-01-03"]).expect(0);
}
