//! Databases of earlier schemas: brought up to date only once a copy of them is safe.
//!
//! They are made as an earlier nightshift made them, by the first of the migrations alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use nightshift::adapters::store::copy::{Examined, examine};
use nightshift::adapters::store::{Open, Store, StoreError};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::published;
use crate::sandbox::Sandbox;

/// The runs of a database that is made here.
const RUNS: u64 = 200;

/// Every migration, by its number.
fn migrations() -> Vec<(i64, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut out: Vec<(i64, PathBuf)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap(), path))
        .collect();
    out.sort();
    out
}

fn latest() -> i64 {
    migrations().last().unwrap().0
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Makes the database of a project as the nightshift of `schema` left it, with runs that failed.
fn make(state: &Path, schema: i64) {
    let earlier = tempfile::tempdir().unwrap();
    for (_, path) in migrations().iter().filter(|(number, _)| *number <= schema) {
        std::fs::copy(path, earlier.path().join(path.file_name().unwrap())).unwrap();
    }
    std::fs::create_dir_all(state).unwrap();
    let path = state.join(Store::FILE_NAME);
    wait(async {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let migrator = sqlx::migrate::Migrator::new(earlier.path()).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        let mark = format!(
            "pragma journal_mode = wal; pragma application_id = {};
             pragma user_version = {schema}",
            0x4e53_4654
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut connection).await.unwrap();
        sqlx::query(DEFINE).execute(&mut connection).await.unwrap();
        sqlx::query(FILL)
            .bind(i64::try_from(RUNS).unwrap())
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}

const DEFINE: &str = "insert into definition (sha256, body) values ('00000000000000000000000000000000\
     00000000000000000000000000000000', 'name = \"churn\"')";

const FILL: &str = "with recursive n (n) as (select 1 union all select n + 1 from n where n < ?1)
     insert into run (id, job, kind, tick, revision, trigger, state, interval_end, job_sha256,
         created_at, not_before, error)
     select printf('%026d', n), 'churn', 'score', at, n, 'manual', 'failed', at, sha256, at, at,
         printf('%.*c', 500, 'x')
     from n, definition, (select '2026-01-05T00:00:00.000000Z' as at)";

/// The files in the folder of backups, by name.
fn copies(state: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state.join("backups")).into_iter().flatten();
    let mut out: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    out.sort();
    out
}

fn examined(path: &Path) -> Examined {
    wait(examine(path)).unwrap()
}

#[test]
fn a_database_of_any_earlier_schema_is_copied_and_brought_up_to_date() {
    for schema in 1..latest() {
        let sandbox = Sandbox::new();
        let state = sandbox.root().join("state");
        make(&state, schema);
        sandbox.run(["runs"]).expect(0);
        let found = copies(&state);
        let [kept] = found.as_slice() else { panic!("{found:?}") };
        let name = kept.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("before-schema-{}-2", latest())), "{name}");
        let (before, after) = (examined(kept), examined(&state.join(Store::FILE_NAME)));
        assert_eq!((before.schema, before.runs), (schema, RUNS));
        assert_eq!((after.schema, after.runs), (latest(), RUNS));
        sandbox.run(["runs"]).expect(0);
        assert_eq!(copies(&state), found, "what is up to date is not copied");
        // And back: it is a backup like any other.
        let name = format!("state/backups/{name}");
        sandbox.run(["restore", &name, "--yes"]).expect(0);
        sandbox.run(["runs"]).expect(0);
        assert_eq!(examined(&state.join(Store::FILE_NAME)), after);
    }
}

#[test]
fn of_many_that_come_at_once_one_copies() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), latest() - 1);
    wait(async {
        let mut opens = tokio::task::JoinSet::new();
        for open in [Open::ReadOnly, Open::ReadWrite, Open::Create, Open::ReadOnly] {
            let state = folder.path().to_owned();
            opens.spawn(async move { Store::open(&state, open).await });
        }
        for opened in opens.join_all().await {
            opened.unwrap().close().await;
        }
    });
    assert_eq!(copies(folder.path()).len(), 1);
}

#[test]
fn a_new_database_has_nothing_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    wait(async { Store::open(folder.path(), Open::Create).await.unwrap().close().await });
    assert!(!folder.path().join("backups").exists());
}

#[test]
fn without_a_copy_the_database_stays_as_it_is() {
    let sandbox = Sandbox::new();
    let state = sandbox.root().join("state");
    make(&state, latest() - 1);
    let database = state.join(Store::FILE_NAME);
    let sound = std::fs::read(&database).unwrap();
    let is_untouched = || {
        assert!(std::fs::read(&database).unwrap() == sound, "the database was written to");
        assert_eq!(examined(&database).schema, latest() - 1);
    };
    // Something else is where the folder should be.
    sandbox.write("state/backups", "a file");
    let refused = sandbox.run(["runs"]).expect(1);
    for words in ["stays as it is", "make the folder `", "give the command again"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    is_untouched();
    let error = wait(Store::open(&state, Open::ReadWrite)).unwrap_err();
    assert!(matches!(error, StoreError::NotKept { .. }), "{error:?}");
    std::fs::remove_file(state.join("backups")).unwrap();
    // A file may not grow as large as the copy: first the write fails, as on a full disk; then it kills.
    for (on_limit, is_killed) in [("trap '' XFSZ", false), (":", true)] {
        let command = sandbox.command();
        let mut limited = Command::new("sh");
        let script = format!("{on_limit}; ulimit -f 80; exec \"$0\" runs");
        limited.arg("-c").arg(script).arg(command.get_program()).current_dir(sandbox.root());
        limited.env_clear().envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let ended = limited.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code().is_none(), is_killed, "{said}");
        assert!(is_killed || said.contains("stays as it is"), "{said}");
        is_untouched();
        let names = copies(&state);
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(names.iter().all(|path| name(path).starts_with(".nightshift-copy-")), "{names:?}");
        assert!(is_killed || names.is_empty(), "{names:?}");
    }
    // With room there is a copy, and what was left is gone.
    sandbox.run(["runs"]).expect(0);
    assert_eq!(copies(&state).len(), 1);
    assert_eq!(examined(&database).schema, latest());
}

/// Where the project of the fixture stood.
const HOME: &str = "/srv/nightshift/wards";

/// A project as the last nightshift of schema 6 left it: paths are absolute, and the manifest and what was set
/// aside lie among the rows. Version 2 has published the last three ticks. On record it stands at `home`.
fn schema_6(home: Option<&str>) -> Sandbox {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/schema-6");
    let sandbox = Sandbox::new().copy(&source, "");
    let root = sandbox.root().to_str().unwrap().to_owned();
    let record = std::fs::read_to_string(source.join("record.sql")).unwrap();
    assert!(record.contains(HOME));
    let record = record.replace(HOME, home.unwrap_or(&root));
    std::fs::remove_file(sandbox.root().join("record.sql")).unwrap();
    let path = sandbox.root().join("state").join(Store::FILE_NAME);
    wait(async {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("pragma foreign_keys = off").execute(&mut connection).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(record)).execute(&mut connection).await.unwrap();
        let mark = format!("pragma application_id = {}; pragma user_version = 6", 0x4e53_4654);
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    sandbox.at("2026-03-08T06:00:00Z");
    sandbox
}

#[test]
fn what_schema_6_has_published_is_verified_corrected_and_rolled_back() {
    // Where it stood, and where it was moved to before this version saw it.
    for home in [None, Some(HOME)] {
        let sandbox = schema_6(home);
        let output = sandbox.root().join("scores/wards");
        let tick = |day: u32| format!("tick=2026-03-0{day}T000000Z");
        sandbox.run(["status"]).expect(0);
        sandbox.run(["score", "wards", "--tick", "2026-03-04", "--force"]).expect(0);
        let found = sandbox.run(["verify", "--data", "--output", "json"]).expect(0).json();
        assert_eq!((&found["broken"], &found["checked"]), (&0.into(), &14.into()), "{found:#}");
        // The corrected tick has the layout of today, and nothing of before among its rows.
        assert_eq!(published::files_below(&output.join(tick(4))).len(), 1);
        assert!(published::manifest(&output, &tick(4)).unwrap()["project"].is_string());
        assert_eq!(published::files_below(&output.join(tick(6))).len(), 3, "as it was");
        let kept = published::files_below(&published::beside(&output).join("superseded"));
        assert_eq!(kept.len(), 3, "{kept:?}");

        sandbox.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
        for day in 5..=7 {
            let manifest = published::manifest(&output, &tick(day)).unwrap();
            assert_eq!(manifest["model"]["version"], 1, "{manifest:#}");
            published::check_files(&output, &manifest);
            assert_eq!(published::files_below(&output.join(tick(day))).len(), 1);
        }
        sandbox.run(["verify", "--data"]).expect(0);
        assert_eq!(published::leftovers(&sandbox.root().join("scores")), Vec::<String>::new());
        let place = sandbox.run(["doctor", "--output", "json"]).json();
        let lines = place["lines"].as_array().unwrap();
        let is_home = |line: &Value| line["name"] == "place" && line["verdict"] == "ok";
        assert!(lines.iter().any(is_home), "{lines:#?}");
    }
}

#[test]
fn what_schema_6_knows_of_order_is_what_its_clock_said() {
    let sandbox = schema_6(None);
    let found = sandbox.run(["history", "wards", "--output", "json"]).expect(0).json();
    assert_eq!(found["moves"].as_array().unwrap().len(), 3, "{found:#}");
    sandbox.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
    let runs = sandbox.run(["runs", "wards", "--output", "json"]).expect(0).json();
    let corrected: Vec<&str> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["trigger"] == "rollback")
        .map(|run| run["tick"].as_str().unwrap())
        .collect();
    // The first tick was published by version 1 before the promotion; version 2 has corrected the second since.
    let wanted = ["2026-03-07T00:00:00Z", "2026-03-06T00:00:00Z", "2026-03-05T00:00:00Z"];
    assert_eq!(corrected, wanted, "{runs:#}");
}
