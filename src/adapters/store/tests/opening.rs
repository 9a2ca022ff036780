//! Whose file a database is, which schema it has, and whether it is sound.
//!
//! A file that fails here must be byte for byte what it was before it was opened.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::fixture::{committed, store};
use crate::adapters::store::{Open, Store, StoreError};
use crate::domain::run::RunKind;

#[tokio::test]
async fn nothing_is_made_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for open in [Open::ReadOnly, Open::ReadWrite] {
        let error = Store::open(folder.path(), open).await.unwrap_err();
        assert!(matches!(error, StoreError::NotInitialised { .. }), "{error:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let state = folder.path().join("state");
    let store = Store::open(&state, Open::Create).await.unwrap();
    store.close().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join(Store::FILE_NAME))), (0o750, 0o640));
    for open in [Open::ReadOnly, Open::ReadWrite, Open::Create] {
        Store::open(&state, open).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn many_processes_may_make_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut opens = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = folder.path().to_owned();
        opens.spawn(async move { Store::open(&path, Open::Create).await.map(|_| ()) });
    }
    for opened in opens.join_all().await {
        opened.unwrap();
    }
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (folder, store) = store().await;
    store.close().await;
    let reader = Store::open(folder.path(), Open::ReadOnly).await.unwrap();
    assert!(reader.unfinished().await.unwrap().is_empty());
    let new = super::fixture::new_run(1, "churn", RunKind::Score, 0);
    assert!(matches!(reader.enqueue(&new).await, Err(StoreError::Failed { .. })));
}

#[tokio::test]
async fn every_statement_prepares() {
    use sqlx::{Executor as _, SqlSafeStr as _};
    let (_folder, store) = store().await;
    let sources = Path::new(file!()).parent().and_then(Path::parent).unwrap();
    let mut statements = 0;
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        for text in statements_of(&fs::read_to_string(&path).unwrap()) {
            let sql = sqlx::AssertSqlSafe(text.clone()).into_sql_str();
            let prepared = store.writer.acquire().await.unwrap().prepare(sql).await;
            assert!(prepared.is_ok(), "{}: {text}: {:?}", path.display(), prepared.err());
            statements += 1;
        }
    }
    assert!(statements >= 50, "found {statements} statements");
}

/// The texts of the constants that hold SQL.
fn statements_of(source: &str) -> Vec<String> {
    let verbs = ["select ", "insert ", "update ", "delete ", "with ", "pragma "];
    let constants = source
        .split("\nconst ")
        .skip(1)
        .filter(|rest| rest.split_once('=').is_some_and(|(head, _)| head.contains(": &str")));
    let texts = constants.filter_map(|rest| rest.split('"').nth(1));
    let sql = texts.filter(|text| verbs.iter().any(|verb| text.starts_with(verb)));
    sql.map(str::to_owned).collect()
}

#[test]
fn statements_are_found_in_source() {
    let source = "//! x\nconst A: &str = \"select 1\n  from a\";\nconst B: u32 = 1;\nconst C: &str =\n    \
                  \"delete from b\";\nconst D: &str = \"commit a run\";\n";
    assert_eq!(statements_of(source), ["select 1\n  from a", "delete from b"]);
}

#[tokio::test]
async fn what_is_closed_can_be_opened_by_who_may_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let _content = file_with_content(folder.path()).await;
    // Without these two, SQLite wants to make them.
    let length = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(length("nightshift.db-wal") == 0 && length("nightshift.db-shm") > 0);
}

#[tokio::test]
async fn a_transaction_that_changes_nothing_is_no_commit() {
    let (folder, store) = store().await;
    let commits = async || {
        let seal = fs::read_to_string(folder.path().join("nightshift.db-seal")).unwrap();
        let told = seal.split("commits ").nth(1).unwrap()[..20].parse::<i64>().unwrap();
        let counted: i64 =
            sqlx::query_scalar("select commits from seal").fetch_one(&store.readers).await.unwrap();
        assert_eq!(told, counted);
        counted
    };
    let before = commits().await;
    for _ in 0..3 {
        let transaction = store.begin("change nothing").await.unwrap();
        store.commit("change nothing", transaction).await.unwrap();
    }
    assert_eq!(commits().await, before);
    let new = super::fixture::new_run(1, "churn", RunKind::Score, 0);
    store.enqueue(&new).await.unwrap();
    assert_eq!(commits().await, before + 1);
    // The same again is no change.
    store.enqueue(&new).await.unwrap();
    assert_eq!(commits().await, before + 1);
}

#[tokio::test]
async fn commits_that_are_gone_are_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Store::FILE_NAME);
    let before = file_with_content(folder.path()).await;
    let store = Store::open(folder.path(), Open::ReadWrite).await.unwrap();
    committed(&store, 99, RunKind::Score, 99).await;
    store.close().await;
    fs::write(&path, &before).unwrap();
    for open in [Open::ReadOnly, Open::ReadWrite, Open::Create] {
        let error = Store::open(folder.path(), open).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("commit"), "{error}");
    }
    assert!(fs::read(&path).unwrap() == before, "the file was written to");
    fs::remove_file(folder.path().join("nightshift.db-seal")).unwrap();
    Store::open(folder.path(), Open::ReadWrite).await.unwrap().close().await;
}

#[tokio::test]
async fn pages_of_a_large_database_are_looked_at_by_the_check() {
    let (folder, store) = store().await;
    let path = folder.path().join(Store::FILE_NAME);
    let large = "insert into definition (sha256, body) values (hex(randomblob(32)), hex(zeroblob(18000000)))";
    sqlx::query(large).execute(&store.writer).await.unwrap();
    store.seal().await.unwrap();
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    // Within a text of zeros, behind the number of the page that it goes on in.
    let middle = bytes.len() / 2 / 4096 * 4096 + 1_000;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(folder.path(), Open::ReadWrite).await.unwrap();
    let error = store.quick_check().await.unwrap_err();
    assert!(error.to_string().contains("is not what it was"), "{error}");
    store.close().await;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(folder.path(), Open::ReadWrite).await.unwrap();
    store.quick_check().await.unwrap();
    store.close().await;
}

async fn file_with_content(folder: &Path) -> Vec<u8> {
    let store = Store::open(folder, Open::Create).await.unwrap();
    for number in 0..40 {
        committed(&store, number, RunKind::Score, u32::try_from(number).unwrap()).await;
    }
    store.close().await;
    fs::read(folder.join(Store::FILE_NAME)).unwrap()
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Store::FILE_NAME);
    let sound = file_with_content(folder.path()).await;
    let mut no_header = sound.clone();
    no_header[..16].fill(b'x');
    let mut other_application = sound.clone();
    other_application[68..72].copy_from_slice(b"abcd");
    let mut bad_schema = sound.clone();
    bad_schema[100..140].fill(0xff);
    let text =
        b"these are not the bytes of a database, and they are longer than a header. ".repeat(20);
    for damaged in [no_header, other_application, bad_schema, text] {
        fs::write(&path, &damaged).unwrap();
        for open in [Open::ReadOnly, Open::ReadWrite, Open::Create] {
            let error = Store::open(folder.path(), open).await.unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        }
        assert!(fs::read(&path).unwrap() == damaged, "the file was written to");
    }
}

#[tokio::test]
async fn damage_within_pages_is_found_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Store::FILE_NAME);
    let sound = file_with_content(folder.path()).await;
    let store = Store::open(folder.path(), Open::ReadOnly).await.unwrap();
    store.quick_check().await.unwrap();
    store.close().await;
    let mut missed = Vec::new();
    for page in 1..sound.len() / 4096 {
        let mut damaged = sound.clone();
        damaged[page * 4096..page * 4096 + 64].fill(0xff);
        fs::write(&path, &damaged).unwrap();
        let checked = match Store::open(folder.path(), Open::ReadOnly).await {
            Ok(store) => store.quick_check().await,
            Err(error) => Err(error),
        };
        match checked {
            Err(StoreError::Damaged { .. }) => {}
            other => missed.push((page, other)),
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

#[tokio::test]
async fn a_truncated_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Store::FILE_NAME);
    let sound = file_with_content(folder.path()).await;
    for length in [1, 50, 99, 511, 4096, sound.len() / 2, sound.len() - 4096] {
        fs::write(&path, &sound[..length]).unwrap();
        let checked = match Store::open(folder.path(), Open::ReadWrite).await {
            Ok(store) => store.quick_check().await,
            Err(error) => Err(error),
        };
        assert!(matches!(checked, Err(StoreError::Damaged { .. })), "{length}: {checked:?}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (folder, store) = store().await;
    sqlx::raw_sql("pragma user_version = 99").execute(&store.writer).await.unwrap();
    store.close().await;
    for open in [Open::ReadOnly, Open::ReadWrite, Open::Create] {
        let error = Store::open(folder.path(), open).await.unwrap_err();
        assert!(matches!(error, StoreError::FromNewerVersion { found: 99, .. }), "{error:?}");
    }
}
