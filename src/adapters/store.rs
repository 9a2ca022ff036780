//! The record of everything: runs, what they read and found and wrote, versions and their aliases.
//!
//! One `SQLite` database in WAL mode. Writes go through one connection and begin as `immediate`
//! transactions, so a write never fails half-way because somebody else wrote; reads use connections
//! that cannot write. Every write on behalf of a run names the token of its claim and changes nothing
//! if the run has been claimed again since.
//!
//! Not its job: reading the clock, touching files other than the database, and deciding anything. What
//! depends on a decision arrives as a value, or as a function that is called within the transaction.

/// Aliases and their history.
mod aliases;
/// A copy before a migration.
mod before_migration;
/// The files beside the database.
mod beside;
/// Columns to values and back.
mod codec;
/// The two transactions around the publication of a run.
mod commit;
/// Opening, migrations, the check for damage.
mod connect;
/// A sound copy of a database that others write to.
pub mod copy;
/// What the daemon asks of the queue.
mod dispatch;
/// JSON in columns.
mod document;
/// Attempts that end without a publication.
mod ending;
/// What can go wrong here.
pub mod error;
/// Inputs, findings and profiles of a run.
mod evidence;
/// Whose record it is.
mod identity;
/// How far the record goes in time.
mod moments;
/// What earlier runs of a job were and said.
mod past;
/// Jobs whose ticks are not run.
mod pauses;
/// Deletion of what nothing needs any more.
mod prune;
/// Queue, claim, start.
mod queue;
/// What goes in and comes out: plain values.
pub mod record;
/// Outputs of earlier schemas.
pub mod relocate;
/// Putting a copy in the place of a database.
pub mod replace;
/// What keeps a rollback whole.
mod rollback;
/// Reading runs.
mod runs;
/// Schedules, cursors and rulings on ticks.
mod schedules;
/// How far the database had come.
mod seal;
/// Settings of connections.
mod settings;
/// The folder of the backups that are made without being asked for.
pub mod shelf;
/// One row for each job.
mod status;
/// What goes of a run while its record stays.
mod thin;
/// What became of each tick.
mod ticks;
/// Versions of models.
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};

use self::connect::Check;
use self::error::Stop;
pub use self::error::StoreError;
pub use self::record::{
    Afterwards, AliasMove, AliasState, Attempt, Attribution, Conclusion, Decision, Enqueued,
    Failure, Finished, FollowUp, Import, Imported, Input, Intent, JobStatus, ModelPin, NewOutput,
    NewRun, NewSchedule, NewVersion, OutputPlace, OutputRecord, OutputRole, Pause, Profile, Rows,
    RuledTicks, RunFilter, RunRecord, ScheduleRecord, Stage, TickDecision, TickRange, TickRecord,
    Transition,
};
use self::seal::Seal;
use crate::adapters::failpoint;

/// How to open a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// For reading only; the database must exist.
    ReadOnly,
    /// For reading and writing; the database must exist.
    ReadWrite,
    /// For reading and writing; the database is made if there is none.
    Create,
}

/// An open database. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    can_write: bool,
    /// How many rows the writer had changed when its transaction began; it has one at a time.
    changes_before: Arc<AtomicI64>,
}

impl Store {
    /// The name of the database within the state directory.
    pub const FILE_NAME: &'static str = "nightshift.db";

    /// Opens the database of `state_dir`, bringing an older one up to date once a copy of it is in the folder
    /// of backups.
    ///
    /// A file that is not ours or is damaged is left as it is. Of a large database only the beginning is
    /// looked at, so that a command that only reads answers at once; the checks below look at all of it.
    pub async fn open(state_dir: &Path, open: Open) -> Result<Self, StoreError> {
        let path = state_dir.join(Self::FILE_NAME);
        let can_write = open != Open::ReadOnly;
        connect::open(&path, open).await.map(|(writer, readers)| Self {
            path,
            writer,
            readers,
            can_write,
            changes_before: Arc::default(),
        })
    }

    /// Looks at every page and row of the database for damage, at about 4 ms for each MiB.
    pub async fn quick_check(&self) -> Result<(), StoreError> {
        connect::check(&self.path, &self.readers, Check::Quick).await
    }

    /// Looks at every page, row and index of the database for damage, at about 6 ms for each MiB.
    pub async fn integrity_check(&self) -> Result<(), StoreError> {
        connect::check(&self.path, &self.readers, Check::Full).await
    }

    /// Closes all connections, and seals what was written unless it is large. The last one to close folds the log
    /// back into the database.
    pub async fn close(self) {
        if self.can_write
            && let Err(error) = self.seal_up_to(connect::CHECKED_BYTES_MAX).await
        {
            tracing::debug!(error = %error, "the database is closed without a seal");
        }
        self.readers.close().await;
        self.writer.close().await;
        if self.can_write {
            connect::leave_empty_log(&self.path).await;
        }
    }

    /// How many commits the database has seen. It grows with each, and with nothing else.
    pub async fn commits(&self) -> Result<i64, StoreError> {
        let failed = |source| self.failed(SEAL, source);
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        let progress = seal::progress(&mut connection).await.map_err(failed)?;
        Ok(progress.map_or(0, |progress| progress.commits))
    }

    /// Notes the hash of all pages beside the database, so that damage to them is noticed by whoever opens it
    /// before something else is written; at about 2 ms for each MiB, and not if it is larger than 64 MiB.
    pub async fn seal(&self) -> Result<(), StoreError> {
        self.seal_up_to(seal::SEALED_BYTES_MAX).await
    }

    async fn seal_up_to(&self, bytes_max: u64) -> Result<(), StoreError> {
        let failed = |source| self.failed(SEAL, source);
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        // In one transaction: the pages are those of the commit.
        let mut transaction = connection.begin().await.map_err(failed)?;
        let is_small = connect::size_bytes(&mut transaction).await.map_err(failed)? <= bytes_max;
        let progress = seal::progress(&mut transaction).await.map_err(failed)?;
        let Some(progress) = progress.filter(|_| is_small) else { return Ok(()) };
        let found = Seal::read(&self.path).map_err(|error| failed(error.into()))?;
        if found.is_some_and(|seal| seal.names_content(&progress)) {
            return Ok(());
        }
        let content = seal::content(&mut transaction).await.map_err(failed)?;
        transaction.rollback().await.map_err(failed)?;
        seal::complete(&self.path, &progress, &content).map_err(|error| failed(error.into()))
    }

    /// Files that stand in `state_dir` only beside a database, or where one has been.
    pub fn traces(state_dir: &Path) -> [PathBuf; 2] {
        let path = state_dir.join(Self::FILE_NAME);
        [beside::SEAL, beside::LOG].map(|suffix| beside::with_suffix(&path, suffix))
    }

    /// The path of the database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a write. Waits for other writers; from here on nobody else writes until it ends.
    async fn begin(
        &self,
        action: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        failpoint::reach("db.busy").map_err(|_| StoreError::Busy { action })?;
        let failed = |source| self.failed(action, source);
        let mut transaction = self.writer.begin_with(BEGIN).await.map_err(failed)?;
        let changes = seal::changes(&mut transaction).await.map_err(failed)?;
        self.changes_before.store(changes, Ordering::Relaxed);
        Ok(transaction)
    }

    /// Makes a write durable: afterwards it survives a loss of power.
    async fn commit(
        &self,
        action: &'static str,
        mut transaction: Transaction<'static, Sqlite>,
    ) -> Result<(), StoreError> {
        let failed = |source| self.failed(action, source);
        let changes_before = self.changes_before.load(Ordering::Relaxed);
        let progress = seal::count(&mut transaction, changes_before).await.map_err(failed)?;
        failpoint::reach("db.full").map_err(|error| self.failed(action, error.into()))?;
        failpoint::reach("db.ioerr_fsync")
            .map_err(|error| StoreError::Fsync { action, source: error.into() })?;
        transaction.commit().await.map_err(failed)?;
        if let Some(progress) = progress {
            seal::write(&self.path, &progress);
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, source: sqlx::Error) -> StoreError {
        StoreError::from_sqlx(&self.path, action, source)
    }

    fn stopped(&self, action: &'static str, stop: Stop) -> StoreError {
        match stop {
            Stop::Sql(source) => self.failed(action, source),
            Stop::Refused(error) => error,
        }
    }
}

const BEGIN: &str = "begin immediate";
const SEAL: &str = "seal the database";

#[cfg(test)]
mod tests;
