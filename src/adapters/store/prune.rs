//! Lists what could go and deletes what the caller names.
//!
//! Which of it may go is the caller's to decide; what a run in progress needs is refused here all the
//! same.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::time_text;
use crate::adapters::store::runs::run_record;
use crate::adapters::store::{RunRecord, Store, StoreError};
use crate::domain::identity::RunId;

impl Store {
    /// Runs that ended before a moment, oldest first, not more than `limit`.
    pub async fn runs_ended_before(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_ENDED)
            .bind(time_text(before))
            .bind(limit)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list old runs", source))
    }

    /// Superseded runs whose parts an earlier version has not removed, oldest first: a crash came between.
    pub async fn unswept(&self) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_UNSWEPT)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list superseded runs", source))
    }

    /// Superseded runs whose files may still be there, and whose successor was committed before a moment; oldest
    /// first, not more than `limit`.
    pub async fn superseded_before(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_SUPERSEDED)
            .bind(time_text(before))
            .bind(limit)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list superseded runs", source))
    }

    /// The runs that `run` has taken the place of.
    pub async fn replaced_by(&self, run: &RunId) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_REPLACED)
            .bind(run.as_str())
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list what a run has replaced", source))
    }

    /// Deletes ended runs with everything that belongs to them, and job files that no run needs any more.
    /// Versions, moves of aliases and the ledger of ticks stay. Returns how many runs were deleted.
    pub async fn delete_runs(&self, runs: &[RunId]) -> Result<u64, StoreError> {
        const ACTION: &str = "delete old runs";
        let mut transaction = self.begin(ACTION).await?;
        let mut deleted = 0;
        for run in runs {
            let out = sqlx::query(DELETE_RUN)
                .bind(run.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(|source| self.failed(ACTION, source))?;
            deleted += out.rows_affected();
        }
        sqlx::query(DELETE_UNUSED_DEFINITIONS)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(deleted)
    }
}

const SELECT_ENDED: &str = "select * from run
     where finished_at < ?1
         and state in ('committed', 'failed', 'dead', 'cancelled', 'superseded', 'corrupt')
     order by serial limit ?2";

const SELECT_UNSWEPT: &str = "select * from run
     where state = 'superseded' and exists (select 1 from output
         where output.run = run.id and output.role in ('part', 'quarantine')
             and output.removed_at is null and output.staged_path like '%/.nightshift/stage/%')
     order by serial";

/// A successor that is not on record any more was committed long ago.
const SELECT_SUPERSEDED: &str =
    "select run.* from run left join run as next on next.id = run.superseded_by
     where run.state = 'superseded' and coalesce(next.finished_at, '') < ?1
         and exists (select 1 from output where output.run = run.id and output.removed_at is null)
     order by run.serial limit ?2";

/// Of one slot, so that the index over the slots finds them.
const SELECT_REPLACED: &str = "select old.* from run as new
     join run as old on old.job = new.job and old.kind = new.kind and old.tick = new.tick
         and old.superseded_by = new.id
     where new.id = ?1 order by old.serial";

const DELETE_RUN: &str = "delete from run
     where id = ?1
         and state in ('committed', 'failed', 'dead', 'cancelled', 'superseded', 'corrupt')";

const DELETE_UNUSED_DEFINITIONS: &str = "delete from definition
     where not exists (select 1 from run where run.job_sha256 = definition.sha256)";
