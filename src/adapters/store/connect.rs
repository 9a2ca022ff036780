//! Opening the database: whose file it is, which schema it has, and the settings of each connection.
//!
//! Invariant: a file that is not a sound nightshift database is never written to. What it is is read
//! first, by a connection that sets nothing; only then is the journal mode set or a migration run.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use crate::adapters::failpoint;
use crate::adapters::store::{BEGIN, Open, StoreError};

/// "NSFT": tells our databases from other people's.
const APPLICATION_ID: i64 = 0x4e53_4654;

/// How long a write waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers at a time; each has a thread of its own.
const READERS_MAX: u32 = 2;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// What a database file is, as far as its settings say.
struct Identity {
    application_id: i64,
    schema: i64,
    tables: i64,
}

/// Opens `path` for a writer and some readers.
pub(super) async fn open(path: &Path, open: Open) -> Result<(SqlitePool, SqlitePool), StoreError> {
    require_file(path, open)?;
    if !is_current(path, open).await? {
        initialise(path, open).await?;
    }
    let writer = match open {
        Open::ReadOnly => pool(1).connect_lazy_with(reading(path)),
        Open::ReadWrite | Open::Create => {
            let pool = pool(1).connect_lazy_with(writing(path));
            require_settings(path, &pool).await?;
            pool
        }
    };
    Ok((writer, pool(READERS_MAX).connect_lazy_with(reading(path))))
}

/// Looks at every page of the database for damage.
pub(super) async fn quick_check(path: &Path, readers: &SqlitePool) -> Result<(), StoreError> {
    let said: Vec<String> = sqlx::query_scalar("pragma quick_check(5)")
        .fetch_all(readers)
        .await
        .map_err(|source| StoreError::from_sqlx(path, "check the database", source))?;
    if said == ["ok"] { Ok(()) } else { Err(damaged(path, &said.join("; "))) }
}

const OPEN: &str = "open the database";
const MIGRATE: &str = "bring the database up to date";

/// Whether the file is a nightshift database with today's schema. An error if it is somebody else's, of a
/// later version, or damaged.
async fn is_current(path: &Path, open: Open) -> Result<bool, StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, OPEN, source);
    let mut connection = plain(path).read_only(true).connect().await.map_err(wrap)?;
    // In one transaction, or another process could make the database between two of the answers.
    let mut transaction = connection.begin().await.map_err(wrap)?;
    let found = identity(&mut transaction).await.map_err(wrap)?;
    transaction.rollback().await.map_err(wrap)?;
    connection.close().await.map_err(wrap)?;
    judge(path, open, &found)
}

fn judge(path: &Path, open: Open, found: &Identity) -> Result<bool, StoreError> {
    let known = schema_known();
    let is_empty = found.application_id == 0 && found.schema == 0 && found.tables == 0;
    if is_empty && open == Open::Create {
        return Ok(false);
    }
    if is_empty {
        return Err(StoreError::NotInitialised { path: path.to_owned() });
    }
    if found.application_id != APPLICATION_ID {
        let found = format!(
            "its application id is {:#x}, wanted {APPLICATION_ID:#x}",
            found.application_id
        );
        return Err(damaged(path, &found));
    }
    if found.schema > known {
        let path = path.to_owned();
        return Err(StoreError::FromNewerVersion { path, found: found.schema, known });
    }
    Ok(found.schema == known)
}

/// Reads who made the database and with which schema. To be called within a transaction.
async fn identity(connection: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    let application_id =
        sqlx::query_scalar("pragma application_id").fetch_one(&mut *connection).await?;
    let schema = sqlx::query_scalar("pragma user_version").fetch_one(&mut *connection).await?;
    let tables = sqlx::query_scalar(COUNT_TABLES).fetch_one(&mut *connection).await?;
    Ok(Identity { application_id, schema, tables })
}

const COUNT_TABLES: &str = "select count(*) from sqlite_master";

/// Sets the journal mode and runs what migrations are missing, all of them in one transaction.
///
/// Two processes may come here at once. The second waits, and finds nothing left to do.
async fn initialise(path: &Path, open: Open) -> Result<(), StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, MIGRATE, source);
    let mut connection = plain(path).connect().await.map_err(wrap)?;
    enter_wal_mode(path, &mut connection).await?;
    let mut transaction = connection.begin_with(BEGIN).await.map_err(wrap)?;
    let found = identity(&mut transaction).await.map_err(wrap)?;
    if !judge(path, open, &found)? {
        // `run` would do, but the compiler cannot see that its future may move between threads.
        MIGRATIONS
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|source| StoreError::from_sqlx(path, MIGRATE, unwrap_migration(source)))?;
        failpoint::reach("migrate.step").map_err(|error| wrap(error.into()))?;
        // A pragma takes no bound values; these two numbers are ours.
        let mark = format!(
            "pragma application_id = {APPLICATION_ID}; pragma user_version = {}",
            schema_known()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(wrap)?;
    }
    transaction.commit().await.map_err(wrap)?;
    connection.close().await.map_err(wrap)
}

/// Sets the journal mode, which `SQLite` does not wait for while somebody else has the file.
async fn enter_wal_mode(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        let mode = sqlx::query_scalar::<_, String>("pragma journal_mode = wal")
            .fetch_one(&mut *connection)
            .await
            .map_err(|source| StoreError::from_sqlx(path, MIGRATE, source));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let found = format!("the journal mode stays `{mode}` on this disk, wanted `wal`");
                return Err(failed(MIGRATE, io::Error::other(found)));
            }
            Err(StoreError::Busy { .. }) if waited < BUSY_TIMEOUT => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads back what a commit depends on, since `SQLite` ignores a setting it cannot make.
async fn require_settings(path: &Path, writer: &SqlitePool) -> Result<(), StoreError> {
    let (journal, synchronous, foreign_keys): (String, i64, i64) = sqlx::query_as(SETTINGS)
        .fetch_one(writer)
        .await
        .map_err(|source| StoreError::from_sqlx(path, OPEN, source))?;
    if (journal.as_str(), synchronous, foreign_keys) == ("wal", 2, 1) {
        return Ok(());
    }
    let found = format!(
        "journal_mode is `{journal}`, synchronous {synchronous}, foreign_keys {foreign_keys}; wanted \
         `wal`, 2, 1"
    );
    Err(failed(OPEN, io::Error::other(found)))
}

const SETTINGS: &str = "select j.journal_mode, s.synchronous, f.foreign_keys
      from pragma_journal_mode j, pragma_synchronous s, pragma_foreign_keys f";

/// Settings that every connection has and that write nothing.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .pragma("mmap_size", "0")
        .disable_statement_logging()
}

fn writing(path: &Path) -> SqliteConnectOptions {
    plain(path).pragma("journal_size_limit", "67108864")
}

fn reading(path: &Path) -> SqliteConnectOptions {
    plain(path).read_only(true).pragma("query_only", "on")
}

/// A pool whose connections live as long as it does: they are to a file, and do not go stale.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes sure that there is a file that may be a database.
fn require_file(path: &Path, open: Open) -> Result<(), StoreError> {
    // A database has at least one page of 512 bytes. SQLite takes what is smaller for an empty one, and
    // would write over it.
    const SIZE_BYTES_MIN: u64 = 512;
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(damaged(path, "it is not a regular file")),
        Ok(found) if (1..SIZE_BYTES_MIN).contains(&found.len()) => {
            Err(damaged(path, &format!("it has {} bytes", found.len())))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match open {
            Open::Create => make_file(path),
            Open::ReadOnly | Open::ReadWrite => {
                Err(StoreError::NotInitialised { path: path.to_owned() })
            }
        },
        Err(error) => Err(failed(OPEN, error)),
    }
}

/// Makes an empty file that only its owner writes and its group reads; `SQLite` gives its other files the
/// same mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(folder)
            .map_err(|source| failed(OPEN, source))?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(OPEN, error)),
    }
}

/// The schema version that this binary knows: the number of its last migration.
fn schema_known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The error of the database within the error of a migration, so that it is sorted like any other.
fn unwrap_migration(error: MigrateError) -> sqlx::Error {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => source,
        other => sqlx::Error::Migrate(Box::new(other)),
    }
}

fn failed(action: &'static str, source: io::Error) -> StoreError {
    StoreError::Failed { action, source: sqlx::Error::Io(source) }
}

fn damaged(path: &Path, found: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), found: found.to_owned(), source: None }
}
