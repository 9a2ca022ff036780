//! What of a run that is over may go while its record stays: profiles, and drift findings of single columns
//! that passed.
//!
//! Which runs are old enough and looked back on by nobody is the caller's to decide; what a run in progress
//! needs is refused here all the same.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::{optional_time, text, time_text};
use crate::adapters::store::{Store, StoreError};
use crate::domain::identity::{JobName, RunId};

/// Runs that are thinned out in one transaction: a backlog keeps no run from its commit for long.
const RUNS_PER_TRANSACTION: usize = 500;

impl Store {
    /// Score runs of `job` that have profiles, ended before `ended` and are of ticks before `tick`; the oldest
    /// tick first, not more than `limit`.
    pub async fn profiled_runs(
        &self,
        job: &JobName,
        (tick, ended): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<RunId>, StoreError> {
        sqlx::query(SELECT_PROFILED)
            .bind(job.as_str())
            .bind(time_text(tick))
            .bind(time_text(ended))
            .bind(limit)
            .try_map(|row: SqliteRow| text(&row, "id", "run id", RunId::parse))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list runs with profiles", source))
    }

    /// The first tick of `job` whose score run waits or is being executed.
    pub async fn first_pending_tick(&self, job: &JobName) -> Result<Option<Timestamp>, StoreError> {
        sqlx::query(SELECT_FIRST_PENDING)
            .bind(job.as_str())
            .try_map(|row: SqliteRow| optional_time(&row, "first"))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("look for score runs that have not ended", source))
    }

    /// Whether a run ended before `before`, or is not on record.
    pub async fn is_over(&self, run: &RunId, before: Timestamp) -> Result<bool, StoreError> {
        sqlx::query(SELECT_IS_OVER)
            .bind(run.as_str())
            .bind(time_text(before))
            .try_map(|row: SqliteRow| row.try_get::<bool, _>("is_over"))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("look whether a run is over", source))
    }

    /// Deletes the profiles of runs that are over, and their drift findings of single columns that passed.
    /// Returns how many runs had profiles.
    pub async fn thin_out(&self, runs: &[RunId]) -> Result<u64, StoreError> {
        const ACTION: &str = "delete old profiles";
        let mut thinned = 0;
        for some in runs.chunks(RUNS_PER_TRANSACTION) {
            let mut transaction = self.begin(ACTION).await?;
            for run in some {
                let mut deleted = 0;
                for statement in [DELETE_PASSED, DELETE_PROFILES] {
                    let done = sqlx::query(statement).bind(run.as_str()).execute(&mut *transaction);
                    deleted =
                        done.await.map_err(|source| self.failed(ACTION, source))?.rows_affected();
                }
                thinned += u64::from(deleted > 0);
            }
            self.commit(ACTION, transaction).await?;
        }
        Ok(thinned)
    }
}

const SELECT_PROFILED: &str = "select id from run
     where job = ?1 and kind = 'score' and tick < ?2 and finished_at < ?3
         and state in ('committed', 'failed', 'dead', 'cancelled', 'superseded', 'corrupt')
         and exists (select 1 from profile where profile.run = run.id)
     order by tick limit ?4";

const SELECT_FIRST_PENDING: &str = "select min(tick) as first from run
     where job = ?1 and kind = 'score' and state in ('queued', 'claimed', 'running', 'committing')";

const SELECT_IS_OVER: &str = "select not exists (select 1 from run
     where id = ?1 and (finished_at is null or finished_at >= ?2
         or state in ('queued', 'claimed', 'running', 'committing'))) as is_over";

/// A finding about all columns together is looked back on by `drift.persist`, and so stays.
const DELETE_PASSED: &str = "delete from finding
     where run = ?1 and kind = 'drift' and verdict = 'pass' and column_name is not null
         and exists (select 1 from run where run.id = finding.run
             and state in ('committed', 'failed', 'dead', 'cancelled', 'superseded', 'corrupt'))";

const DELETE_PROFILES: &str = "delete from profile
     where run = ?1 and exists (select 1 from run where run.id = profile.run
         and state in ('committed', 'failed', 'dead', 'cancelled', 'superseded', 'corrupt'))";
