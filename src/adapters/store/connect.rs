//! Opening the database: whose file it is, which schema it has, and whether it is sound.
//!
//! Invariant: a file that is not a sound nightshift database is never written to. It is looked at first,
//! by a connection that cannot write; only then is the journal mode set or a migration run.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteRow;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use crate::adapters::failpoint;
use crate::adapters::store::before_migration::{keep_copy, last_write};
use crate::adapters::store::beside::{self, SEAL, with_suffix};
use crate::adapters::store::codec::{number, optional_time};
use crate::adapters::store::copy::Examined;
use crate::adapters::store::seal::{self, Progress, Seal};
use crate::adapters::store::settings::{self, BUSY_TIMEOUT, Use, plain, pool};
use crate::adapters::store::{BEGIN, Open, StoreError};

/// "NSFT": tells our databases from other people's.
const APPLICATION_ID: i64 = 0x4e53_4654;

/// Up to this size every opening looks at all of a database, at about 8 ms for each MiB. A larger one is
/// looked at by who can wait: `verify`, `doctor`, `backup`, `restore` and the start of a daemon.
pub(super) const CHECKED_BYTES_MAX: u64 = 32 << 20;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// What a database file is, as far as its settings say.
struct Identity {
    application_id: i64,
    schema: i64,
    tables: i64,
    journal_mode: String,
    size_bytes: u64,
}

/// How a database is looked through for damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Every page, every row.
    Quick,
    /// That, and whether indexes and tables say the same.
    Full,
}

/// Opens `path` for a writer and some readers.
pub(super) async fn open(path: &Path, open: Open) -> Result<(SqlitePool, SqlitePool), StoreError> {
    require_file(path, open)?;
    let opened = file_number(path)?;
    // Before what it speaks of is read: a seal that is older than the database accuses nobody.
    let seal = Seal::read(path).map_err(|error| failed(OPEN, error))?;
    let is_current = match is_current(path, open, seal.as_ref()).await {
        Err(error) if error.is_half_written() => {
            undo_half_written(path).await?;
            is_current(path, open, seal.as_ref()).await?
        }
        found => found?,
    };
    if !is_current {
        initialise(path, open).await?;
    }
    let writer = match open {
        Open::ReadOnly => pool(path, Use::Reading),
        Open::ReadWrite | Open::Create => {
            let pool = pool(path, Use::Writing);
            settings::require(path, &pool, Use::Writing).await?;
            pool
        }
    };
    let readers = pool(path, Use::Reading);
    settings::require(path, &readers, Use::Reading).await?;
    // A connection keeps others from replacing the file. One that was opened before it was replaced would
    // write into the old file and the new log.
    if file_number(path)? == opened {
        Ok((writer, readers))
    } else {
        Err(StoreError::Busy { action: OPEN })
    }
}

/// Looks through the database for damage.
pub(super) async fn check(
    path: &Path,
    readers: &SqlitePool,
    check: Check,
) -> Result<(), StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, CHECK, source);
    let seal = Seal::read(path).map_err(|error| failed(CHECK, error))?;
    let mut connection = readers.acquire().await.map_err(wrap)?;
    let mut transaction = connection.begin().await.map_err(wrap)?;
    look_through(path, &mut transaction, check).await?;
    let found = identity(&mut transaction).await.map_err(wrap)?;
    if let Some(seal) = seal {
        let most = seal::SEALED_BYTES_MAX;
        let said = contradiction(&mut transaction, &found, &seal, most).await.map_err(wrap)?;
        if let Some(wrong) = said.filter(|_| seal.is_current(path)) {
            return Err(damaged(path, &wrong));
        }
    }
    transaction.rollback().await.map_err(wrap)
}

/// Looks at all of the database at `path`, whoever uses it, and writes nothing. An error unless it is a sound
/// one, of this schema or of an earlier one.
pub(super) async fn examine(path: &Path) -> Result<Examined, StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, OPEN, source);
    require_file(path, Open::ReadOnly)?;
    let mut connection = plain(path).read_only(true).connect().await.map_err(wrap)?;
    let found = identity(&mut connection).await.map_err(wrap)?;
    judge(path, Open::ReadOnly, &found)?;
    look_through(path, &mut connection, Check::Full).await?;
    let out = sqlx::query(SUMMARY)
        .try_map(|row: SqliteRow| {
            let (runs, latest_run_at) = (number(&row, "runs")?, optional_time(&row, "latest")?);
            Ok(Examined { schema: found.schema, runs, latest_run_at })
        })
        .fetch_one(&mut connection)
        .await
        .map_err(wrap)?;
    connection.close().await.map_err(wrap)?;
    Ok(out)
}

const SUMMARY: &str = "select count(*) as runs, max(created_at) as latest from run";

const OPEN: &str = "open the database";
const CHECK: &str = "check the database";
const MIGRATE: &str = "bring the database up to date";

/// Whether the file is a nightshift database that can be used as it is. An error if it is somebody else's,
/// of a later version, or damaged.
async fn is_current(path: &Path, open: Open, seal: Option<&Seal>) -> Result<bool, StoreError> {
    let wrap = |source| StoreError::from_reading(path, OPEN, source);
    let mut connection = plain(path).read_only(true).connect().await.map_err(wrap)?;
    // In one transaction, or another process could make the database between two of the answers.
    let mut transaction = connection.begin().await.map_err(wrap)?;
    let found = identity(&mut transaction).await.map_err(wrap)?;
    let is_current = judge(path, open, &found)?;
    if found.size_bytes <= CHECKED_BYTES_MAX {
        look_through(path, &mut transaction, Check::Full).await?;
    }
    if let Some(seal) = seal.filter(|_| found.tables > 0) {
        let most = CHECKED_BYTES_MAX;
        match contradiction(&mut transaction, &found, seal, most).await.map_err(wrap)? {
            Some(wrong) if seal.is_current(path) => return Err(damaged(path, &wrong)),
            // Somebody restores a backup just now.
            Some(_) => return Err(StoreError::Busy { action: OPEN }),
            None => {}
        }
    }
    transaction.rollback().await.map_err(wrap)?;
    connection.close().await.map_err(wrap)?;
    Ok(is_current)
}

/// What `seal` says against a database, if it does. The pages of one that is larger than `bytes_max` are not
/// looked at.
async fn contradiction(
    connection: &mut SqliteConnection,
    found: &Identity,
    seal: &Seal,
    bytes_max: u64,
) -> Result<Option<String>, sqlx::Error> {
    let progress = match found.schema {
        seal::SINCE_SCHEMA.. => seal::progress(connection).await?,
        _ => None,
    };
    let is_sealed =
        |progress: &Progress| seal.names_content(progress) && found.size_bytes <= bytes_max;
    let content = if progress.as_ref().is_some_and(is_sealed) {
        // What cannot be looked at, for want of memory, accuses nobody.
        seal::content(connection).await.ok()
    } else {
        None
    };
    Ok(seal.contradiction(progress.as_ref(), content.as_ref()))
}

/// Leaves an empty log and its index beside a database that is closed: without them, somebody who may read the
/// files and write none cannot open it. Failing is no matter for anybody else.
pub(super) async fn leave_empty_log(path: &Path) {
    let Ok(mut connection) = plain(path).read_only(true).connect().await else { return };
    let _shown_by_the_files = identity(&mut connection).await;
    let _nothing_to_lose = connection.close().await;
}

/// Lets `SQLite` undo what a process had begun to write when it was killed, before the database was in WAL
/// mode: only a connection that can write does so.
async fn undo_half_written(path: &Path) -> Result<(), StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, OPEN, source);
    let mut connection = plain(path).connect().await.map_err(wrap)?;
    identity(&mut connection).await.map_err(wrap)?;
    connection.close().await.map_err(wrap)
}

async fn look_through(
    path: &Path,
    connection: &mut SqliteConnection,
    check: Check,
) -> Result<(), StoreError> {
    let statement = match check {
        Check::Quick => "pragma quick_check(5)",
        Check::Full => "pragma integrity_check(5)",
    };
    let said: Vec<String> = sqlx::query_scalar(statement)
        .fetch_all(connection)
        .await
        .map_err(|source| StoreError::from_sqlx(path, CHECK, source))?;
    if said == ["ok"] { Ok(()) } else { Err(damaged(path, &said.join("; "))) }
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
    // A copy of a database is not in WAL mode.
    Ok(found.schema == known && found.journal_mode == "wal")
}

/// Reads who made the database and with which schema. To be called within a transaction.
async fn identity(connection: &mut SqliteConnection) -> Result<Identity, sqlx::Error> {
    let application_id =
        sqlx::query_scalar("pragma application_id").fetch_one(&mut *connection).await?;
    let schema = sqlx::query_scalar("pragma user_version").fetch_one(&mut *connection).await?;
    let tables = sqlx::query_scalar(COUNT_TABLES).fetch_one(&mut *connection).await?;
    let journal_mode =
        sqlx::query_scalar("pragma journal_mode").fetch_one(&mut *connection).await?;
    let size_bytes = size_bytes(&mut *connection).await?;
    Ok(Identity { application_id, schema, tables, journal_mode, size_bytes })
}

/// How large the database is, with what is in its log only.
pub(super) async fn size_bytes(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let found: i64 = sqlx::query_scalar(SIZE).fetch_one(connection).await?;
    Ok(u64::try_from(found).unwrap_or(u64::MAX))
}

const COUNT_TABLES: &str = "select count(*) from sqlite_master";
const SIZE: &str = "select n.page_count * s.page_size from pragma_page_count n, pragma_page_size s";

/// Sets the journal mode and runs what migrations are missing, all of them in one transaction.
///
/// What is there already is copied first. Two processes may come here at once. The second waits, and finds
/// nothing left to do.
async fn initialise(path: &Path, open: Open) -> Result<(), StoreError> {
    let wrap = |source| StoreError::from_sqlx(path, MIGRATE, source);
    let written_at = last_write(path).map_err(|error| failed(MIGRATE, error))?;
    let mut connection = plain(path).connect().await.map_err(wrap)?;
    enter_wal_mode(path, &mut connection).await?;
    let mut transaction = connection.begin_with(BEGIN).await.map_err(wrap)?;
    let found = identity(&mut transaction).await.map_err(wrap)?;
    if found.tables == 0 {
        beside::remove(&with_suffix(path, SEAL)).map_err(|error| failed(MIGRATE, error))?;
    }
    if !judge(path, open, &found)? {
        let (from, to) = (found.schema, schema_known());
        if from > 0 {
            let _kept = keep_copy(path, (from, to), written_at).await?;
        }
        // `run` would do, but the compiler cannot see that its future may move between threads.
        MIGRATIONS
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|source| StoreError::from_sqlx(path, MIGRATE, unwrap_migration(source)))?;
        failpoint::reach("migrate.step").map_err(|error| wrap(error.into()))?;
        // A pragma takes no bound values; these two numbers are ours.
        let mark = format!("pragma application_id = {APPLICATION_ID}; pragma user_version = {to}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(wrap)?;
    }
    // Of a copy that only enters WAL mode, too: its first bytes are others.
    let progress = seal::count(&mut transaction, -1).await.map_err(wrap)?;
    transaction.commit().await.map_err(wrap)?;
    if let Some(progress) = progress {
        seal::write(path, &progress);
    }
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

/// What tells a file from another one that takes its name.
fn file_number(path: &Path) -> Result<(u64, u64), StoreError> {
    let found = fs::metadata(path).map_err(|source| failed(OPEN, source))?;
    Ok((found.dev(), found.ino()))
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

pub(super) fn failed(action: &'static str, source: io::Error) -> StoreError {
    StoreError::Failed { action, source: sqlx::Error::Io(source) }
}

fn damaged(path: &Path, found: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), found: found.to_owned(), source: None }
}
