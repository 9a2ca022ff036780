//! The backup of the day: when it is made, what it deletes, and what becomes of the daemon if it cannot be.
//!
//! What is in the folder afterwards is looked at, and what the daemon said.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{PATIENCE, committed, job, project, real_time, stop};
use crate::sandbox::Sandbox;

/// A schedule that is due once, years from now: the daemon has nothing else to do.
const SELDOM: &str = "0 0 29 2 *";

fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.root().join("state/backups")).into_iter().flatten();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let mut out: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
    // One that is being made has no name yet.
    out.retain(|name| !name.starts_with('.'));
    out.sort();
    out
}

fn path(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().join("state/backups").join(name)
}

/// Lets a daemon follow the project from `shown` on until `is_so` holds; returns what it said.
#[track_caller]
fn follow(sandbox: Sandbox, shown: &str, is_so: impl Fn(&Sandbox) -> bool) -> (Sandbox, String) {
    let sandbox = sandbox.env("NIGHTSHIFT_NOW", &format!("{shown}@{}*1", real_time()));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |status| !status["daemon"].is_null() && is_so(&sandbox));
    // What it would do too much, it would do at once.
    std::thread::sleep(Duration::from_secs(2));
    let said = stop(daemon).expect(0).stderr;
    (sandbox, said)
}

#[test]
fn there_is_one_backup_a_day_whoever_restarts_and_a_record_comes_back_from_it() {
    let sandbox = project("2026-01-05T00:00:00Z", 1)
        .file("nightshift.toml", "[keep]\nruns = \"1d\"\n")
        .job("churn", &job("churn", SELDOM, ""));
    for line in ["run churn --tick 2024-02-29", "score churn --tick 2024-02-29 --force"] {
        sandbox.run(line.split(' ')).expect(0);
    }
    // What people put there is theirs.
    for name in ["mine.db", "before-schema-4-20250101T000000Z.db", "20250101T000000Z.db.old"] {
        sandbox.write(format!("state/backups/{name}"), "not ours");
    }
    for day in 1..=20 {
        sandbox.write(format!("state/backups/202512{day:02}T000000Z.db"), "an old backup");
    }
    let runs = |sandbox: &Sandbox| {
        sandbox.run(["runs", "--output", "json"]).expect(0).json()["runs"].as_array().unwrap().len()
    };
    assert_eq!(runs(&sandbox), 3);
    let is_new = |name: &String| name.starts_with("202601");
    let has_one = |sandbox: &Sandbox| names(sandbox).iter().any(is_new);
    let (sandbox, said) = follow(sandbox, "2026-01-05T03:00:00Z", has_one);
    assert!(said.contains("the database is backed up as"), "{said}");
    let found = names(&sandbox);
    assert_eq!(found.iter().filter(|name| is_new(name)).count(), 1, "{found:?}");
    assert_eq!(found.len(), 14 + 3, "{found:?}");
    assert_eq!(found[0], "20250101T000000Z.db.old", "{found:?}");
    assert_eq!(found[1], "20251208T000000Z.db", "{found:?}");
    // Nothing is old enough yet.
    assert_eq!(runs(&sandbox), 3);

    // A restart within the day makes none, and neither does a clock that was set back an hour.
    let (sandbox, _) = follow(sandbox, "2026-01-06T02:00:00Z", |_| true);
    assert_eq!(names(&sandbox), found);

    let has_two =
        |sandbox: &Sandbox| names(sandbox).iter().filter(|name| is_new(name)).count() == 2;
    let (sandbox, said) = follow(sandbox, "2026-01-08T00:00:00Z", has_two);
    assert!(said.contains("the daily deletion is done: 1 backups, 1 runs"), "{said}");
    assert_eq!(names(&sandbox).len(), 14 + 3);
    assert_eq!(runs(&sandbox), 2);
    let doctor = sandbox.run(["doctor"]).expect(0);
    assert!(doctor.stdout.contains("the newest of 14 is of 2026-01-08"), "{}", doctor.stdout);

    let first = names(&sandbox).into_iter().find(|name| is_new(name)).unwrap();
    sandbox.run(["restore", path(&sandbox, &first).to_str().unwrap(), "--yes"]).expect(0);
    assert_eq!(runs(&sandbox), 3);
}

#[test]
fn old_profiles_and_logs_go_once_a_day() {
    let sandbox = project("2026-01-05T00:00:00Z", 1)
        .file("nightshift.toml", "[keep]\nprofiles = \"2d\"\nlogs = \"1d\"\n")
        .job("churn", &job("churn", SELDOM, ""));
    for tick in ["2020-02-29", "2024-02-29"] {
        sandbox.run(["run", "churn", "--tick", tick]).expect(0);
    }
    let logs = |sandbox: &Sandbox| fs::read_dir(sandbox.root().join("state/runs")).unwrap().count();
    let kept = "select run from profile where ?1 <> '' group by run";
    assert_eq!((super::query(sandbox.root(), kept, "any").len(), logs(&sandbox)), (2, 3));
    let has_one = |sandbox: &Sandbox| names(sandbox).len() == 1;
    let (sandbox, said) = follow(sandbox, "2026-01-08T00:00:00Z", has_one);
    assert!(said.contains("profiles of 1 runs, 3 logs"), "{said}");
    assert_eq!((super::query(sandbox.root(), kept, "any").len(), logs(&sandbox)), (1, 0));
}

#[test]
fn a_backup_that_fails_is_told_and_made_an_hour_later() {
    // An hour passes in a second and a half.
    let sandbox = project("2026-01-05T00:00:00Z", 2_400)
        .job("churn", &job("churn", SELDOM, ""))
        .file("state/backups", "not a folder");
    let daemon = sandbox.spawn(["daemon"]);
    sandbox.wait_for(&["status"], |status| !status["daemon"].is_null());
    std::thread::sleep(Duration::from_secs(4));
    fs::remove_file(sandbox.root().join("state/backups")).unwrap();
    sandbox.wait_for(&["status"], |_| !names(&sandbox).is_empty());
    let said = stop(daemon).expect(0).stderr;
    let failures = said.matches("tried again in an hour").count();
    assert!((1..=8).contains(&failures), "{failures} failures:\n{said}");
    assert!(said.contains("failed to list `"), "{said}");
}

#[test]
fn nothing_is_kept_or_deleted_by_a_clock_that_is_not_believed() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    sandbox.run(["run", "churn", "--tick", "2026-01-04"]).expect(0);
    let (sandbox, said) = follow(sandbox, "2026-01-04T00:00:00Z", |_| true);
    assert!(said.contains("nothing is begun until it is right"), "{said}");
    assert_eq!(names(&sandbox), Vec::<String>::new());
}

#[test]
fn runs_go_on_while_the_backup_is_made() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", "* * * * * *", ""));
    let daemon = sandbox.spawn(["daemon"]);
    sandbox
        .wait_for(&["ticks", "churn"], |ticks| committed(ticks) >= 3 && names(&sandbox).len() == 1);
    let said = stop(daemon).expect(0).stderr;
    assert_eq!(said.matches("the database is backed up as").count(), 1, "{said}");
    let name = format!("state/backups/{}", names(&sandbox)[0]);
    sandbox.run(["restore", &name, "--yes"]).expect(0);
    sandbox.run(["run", "churn", "--tick", "2026-01-04"]).expect(0);
}

/// Asks the database `name` below the state folder.
fn ask(sandbox: &Sandbox, name: &str, statement: &'static str) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(sandbox.root().join("state").join(name));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection: SqliteConnection = options.connect().await.unwrap();
        let found = sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        found
    })
}

#[test]
fn a_stop_does_not_wait_for_a_backup_and_none_is_half_made() {
    let sandbox = project("2026-01-05T03:00:00Z", 1).job("churn", &job("churn", SELDOM, ""));
    sandbox.run(["run", "churn", "--tick", "2024-02-29"]).expect(0);
    // So large that a copy takes a while; the seal does not know of it.
    let large = "insert into definition (sha256, body)
                 values (hex(randomblob(32)), hex(zeroblob(30000000))) returning sha256";
    ask(&sandbox, "nightshift.db", large);
    fs::remove_file(sandbox.root().join("state/nightshift.db-seal")).unwrap();
    let folder = sandbox.root().join("state/backups");
    let mut interrupted = 0;
    for milliseconds in [0, 20, 100, 300, 1_000] {
        fs::remove_dir_all(&folder).ok();
        let daemon = sandbox.spawn(["daemon"]);
        let since = Instant::now();
        while !fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            assert!(since.elapsed() < PATIENCE, "no backup is begun");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
        let said = stop(daemon).expect(0).stderr;
        interrupted += usize::from(said.contains("the backup of the day: "));
        for name in names(&sandbox) {
            let found = ask(&sandbox, &format!("backups/{name}"), "pragma integrity_check");
            assert_eq!(found, ["ok"], "{name}");
        }
    }
    assert!(interrupted > 0, "no stop fell into a backup");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir(&folder).unwrap();
    // As a kill leaves it.
    fs::write(folder.join(".nightshift-copy-killed"), "half of one").unwrap();
    let (sandbox, _) = follow(sandbox, "2026-01-05T04:00:00Z", |sandbox| names(sandbox).len() == 1);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{:?}", names(&sandbox));
}
