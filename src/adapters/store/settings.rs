//! The settings of connections, made when one is opened and read back before it is used.
//!
//! `SQLite` ignores a setting that it cannot make, so nothing is believed because it was asked for. What a
//! commit depends on: with less than `synchronous = full`, one that was reported may be gone after a loss
//! of power, and a run would be executed twice.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, FromRow};

use crate::adapters::store::StoreError;
use crate::adapters::store::connect::failed;

/// How long a write waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers at a time; each has a thread of its own.
const READERS_MAX: u32 = 2;

/// What is left of the log at most, once it is folded back.
const JOURNAL_BYTES_MAX: i64 = 64 << 20;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It alone writes.
    Writing,
    /// It cannot write.
    Reading,
}

/// What a connection says of itself.
#[derive(Debug, PartialEq, Eq, FromRow)]
struct Settings {
    journal_mode: String,
    synchronous: i64,
    busy_timeout_ms: i64,
    foreign_keys: i64,
    trusted_schema: i64,
    cell_size_check: i64,
    query_only: i64,
    #[sqlx(skip)]
    mmap_bytes: i64,
    #[sqlx(skip)]
    journal_bytes_max: i64,
}

/// Settings that every connection has and that write nothing.
pub(super) fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .pragma("mmap_size", "0")
        .pragma("journal_size_limit", JOURNAL_BYTES_MAX.to_string())
        .disable_statement_logging()
}

/// The connections for one use. They live as long as the pool: they are to a file, and do not go stale.
pub(super) fn pool(path: &Path, usage: Use) -> SqlitePool {
    let (connections_max, options) = match usage {
        Use::Writing => (1, plain(path)),
        Use::Reading => (READERS_MAX, plain(path).read_only(true).pragma("query_only", "on")),
    };
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Opens a connection of `pool` and reads back its settings.
pub(super) async fn require(path: &Path, pool: &SqlitePool, usage: Use) -> Result<(), StoreError> {
    const ACTION: &str = "open the database";
    let wrap = |source| StoreError::from_sqlx(path, ACTION, source);
    let mut connection = pool.acquire().await.map_err(wrap)?;
    let mut found: Settings =
        sqlx::query_as(SETTINGS).fetch_one(&mut *connection).await.map_err(wrap)?;
    // These two cannot be read as tables.
    found.mmap_bytes =
        sqlx::query_scalar("pragma mmap_size").fetch_one(&mut *connection).await.map_err(wrap)?;
    found.journal_bytes_max = sqlx::query_scalar("pragma journal_size_limit")
        .fetch_one(&mut *connection)
        .await
        .map_err(wrap)?;
    let wanted = wanted(usage);
    if found == wanted {
        return Ok(());
    }
    let text = format!("the settings of the connection are {found:?}, wanted {wanted:?}");
    Err(failed(ACTION, io::Error::other(text)))
}

const SETTINGS: &str = "select j.journal_mode, s.synchronous, b.timeout as busy_timeout_ms,
        f.foreign_keys, t.trusted_schema, c.cell_size_check, q.query_only
      from pragma_journal_mode j, pragma_synchronous s, pragma_busy_timeout b, pragma_foreign_keys f,
        pragma_trusted_schema t, pragma_cell_size_check c, pragma_query_only q";

fn wanted(usage: Use) -> Settings {
    const FULL: i64 = 2;
    Settings {
        journal_mode: "wal".to_owned(),
        synchronous: FULL,
        busy_timeout_ms: i64::try_from(BUSY_TIMEOUT.as_millis()).unwrap_or(i64::MAX),
        foreign_keys: 1,
        trusted_schema: 0,
        cell_size_check: 1,
        query_only: i64::from(usage == Use::Reading),
        mmap_bytes: 0,
        journal_bytes_max: JOURNAL_BYTES_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(path: &Path, options: SqliteConnectOptions, usage: Use, is_fit: bool) {
        let pool = SqlitePoolOptions::new().connect_lazy_with(options);
        let found = require(path, &pool, usage).await;
        pool.close().await;
        assert_eq!(found.is_ok(), is_fit, "{usage:?}: {found:?}");
    }

    #[tokio::test]
    async fn a_connection_that_is_set_otherwise_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.db");
        let wal =
            |on: SqliteConnectOptions| on.create_if_missing(true).pragma("journal_mode", "wal");
        check(&path, wal(plain(&path)), Use::Writing, true).await;
        check(&path, plain(&path), Use::Reading, false).await;
        check(&path, plain(&path).pragma("query_only", "on"), Use::Reading, true).await;
        for (name, value) in [
            ("synchronous", "normal"),
            ("busy_timeout", "1"),
            ("foreign_keys", "off"),
            ("trusted_schema", "on"),
            ("cell_size_check", "off"),
            ("mmap_size", "65536"),
            ("journal_size_limit", "1"),
            ("query_only", "on"),
        ] {
            check(&path, plain(&path).pragma(name, value), Use::Writing, false).await;
        }
        check(&path, plain(&path).pragma("journal_mode", "delete"), Use::Writing, false).await;
    }
}
