//! What earlier runs of a job were and said: the memory that drift, retraining and the watch look back on.
//!
//! Where published scores are meant, only committed runs that are current count; what was superseded is no longer what was published.
//! Ticks are nominal instants, so the answers do not depend on when anything was executed.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::{optional_time, optional_time_text, text, time, time_text};
use crate::adapters::store::runs::run_record;
use crate::adapters::store::{RunRecord, Store, StoreError};
use crate::domain::finding::{FindingKind, FindingVerdict};
use crate::domain::identity::{JobName, Version};
use crate::domain::run::RunKind;

impl Store {
    /// Score runs of ticks from `from` up to but not including `before`, the latest tick first, not more
    /// than `limit`.
    pub async fn published_between(
        &self,
        job: &JobName,
        from: Timestamp,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_BETWEEN)
            .bind(job.as_str())
            .bind(time_text(from))
            .bind(time_text(before))
            .bind(limit)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the published ticks of a job", source))
    }

    /// How long the last committed attempts of `job` of a kind took, the latest first, not more than `limit`.
    pub async fn durations(
        &self,
        job: &JobName,
        kind: RunKind,
        limit: u32,
    ) -> Result<Vec<Duration>, StoreError> {
        let spans: Vec<(Timestamp, Timestamp)> = sqlx::query(SELECT_DURATIONS)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(limit)
            .try_map(|row: SqliteRow| Ok((time(&row, "started_at")?, time(&row, "ended_at")?)))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("read how long runs took", source))?;
        // A clock that was set meanwhile makes a span negative, which is none.
        let spans = spans.iter().map(|(begun, ended)| ended.duration_since(*begun));
        Ok(spans.filter_map(|span| Duration::try_from(span).ok()).collect())
    }

    /// Score runs that published with `version` in the commit `since` or later, the oldest tick first.
    pub async fn published_with(
        &self,
        job: &JobName,
        version: Version,
        since: i64,
    ) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_WITH_VERSION)
            .bind(job.as_str())
            .bind(version.0)
            .bind(since)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the ticks that a version published", source))
    }

    /// Rows scored by runs of ticks after `after` and before `before`.
    pub async fn rows_scored_between(
        &self,
        job: &JobName,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let rows: i64 = sqlx::query_scalar(SUM_ROWS)
            .bind(job.as_str())
            .bind(time_text(after))
            .bind(time_text(before))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("count the scored rows of a job", source))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The last tick, and the number, of the ticks after `after` and before `before` for which a training of the job
    /// failed that was not asked for by a person or a pipeline; `None` if there is no such tick.
    pub async fn failed_trainings(
        &self,
        job: &JobName,
        after: Option<Timestamp>,
        before: Timestamp,
    ) -> Result<Option<(Timestamp, u32)>, StoreError> {
        let (last, ticks) = sqlx::query(SELECT_FAILED_TRAININGS)
            .bind(job.as_str())
            .bind(optional_time_text(after))
            .bind(time_text(before))
            .try_map(|row: SqliteRow| {
                Ok((optional_time(&row, "last")?, row.try_get::<u32, _>("ticks")?))
            })
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("look back on trainings", source))?;
        Ok(last.map(|last| (last, ticks)))
    }

    /// The latest tick before `before` whose training waits or is being executed.
    pub async fn pending_training(
        &self,
        job: &JobName,
        before: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        sqlx::query(SELECT_PENDING_TRAINING)
            .bind(job.as_str())
            .bind(time_text(before))
            .try_map(|row: SqliteRow| optional_time(&row, "last"))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("look for a training that has not ended", source))
    }

    /// The verdicts of the finding `(kind, id)` on the ticks before `before`, the latest first, not more
    /// than `limit`; a tick without such a finding has none.
    pub async fn earlier_verdicts(
        &self,
        job: &JobName,
        (kind, id): (FindingKind, &str),
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<FindingVerdict>, StoreError> {
        sqlx::query(SELECT_VERDICTS)
            .bind(job.as_str())
            .bind(kind.id())
            .bind(id)
            .bind(time_text(before))
            .bind(limit)
            .try_map(|row: SqliteRow| {
                text(&row, "verdict", "finding verdict", FindingVerdict::parse)
            })
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("look back on findings", source))
    }

    /// How many of the runs that published with `version` in the commit `since` or later have the finding
    /// `(kind, id)` with another verdict than inconclusive.
    pub async fn judged_runs(
        &self,
        job: &JobName,
        version: Version,
        since: i64,
        (kind, id): (FindingKind, &str),
    ) -> Result<u32, StoreError> {
        sqlx::query(COUNT_JUDGED)
            .bind(job.as_str())
            .bind(version.0)
            .bind(since)
            .bind(kind.id())
            .bind(id)
            .try_map(|row: SqliteRow| row.try_get::<u32, _>("judged"))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("count the judged runs of a version", source))
    }

    /// How many of the runs that published with `version` in the commit `since` or later have a failing
    /// finding of `kind`.
    pub async fn failing_runs(
        &self,
        job: &JobName,
        version: Version,
        since: i64,
        kind: FindingKind,
    ) -> Result<u32, StoreError> {
        sqlx::query(COUNT_FAILING)
            .bind(job.as_str())
            .bind(version.0)
            .bind(since)
            .bind(kind.id())
            .try_map(|row: SqliteRow| row.try_get::<u32, _>("failing"))
            .fetch_one(&self.readers)
            .await
            .map_err(|source| self.failed("count the failing runs of a version", source))
    }
}

const SELECT_BETWEEN: &str = "select * from run
     where job = ?1 and kind = 'score' and state = 'committed' and tick >= ?2 and tick < ?3
     order by tick desc limit ?4";

const SELECT_DURATIONS: &str = "select attempt.started_at, attempt.ended_at from run
     join attempt on attempt.run = run.id and attempt.outcome = 'ok'
     where run.job = ?1 and run.kind = ?2 and run.state in ('committed', 'superseded')
         and attempt.ended_at is not null
     order by run.serial desc limit ?3";

const SELECT_WITH_VERSION: &str = "select * from run
     where job = ?1 and kind = 'score' and state = 'committed' and model_version = ?2
         and commits >= ?3
     order by tick";

const SUM_ROWS: &str = "select coalesce(sum(rows_scored), 0) from run
     where job = ?1 and kind = 'score' and state = 'committed' and tick > ?2 and tick < ?3";

const SELECT_FAILED_TRAININGS: &str =
    "select max(tick) as last, count(distinct tick) as ticks from run
     where job = ?1 and kind = 'train' and state in ('failed', 'dead') and (?2 is null or tick > ?2)
         and tick < ?3 and trigger not in ('manual', 'ci', 'initial')";

const SELECT_PENDING_TRAINING: &str = "select max(tick) as last from run
     where job = ?1 and kind = 'train' and state in ('queued', 'claimed', 'running', 'committing')
         and tick < ?2";

const SELECT_VERDICTS: &str = "select finding.verdict from run
     join finding on finding.run = run.id
     where run.job = ?1 and run.kind = 'score' and run.state = 'committed' and run.tick < ?4
         and finding.kind = ?2 and finding.test = ?3
     order by run.tick desc, finding.seq limit ?5";

const COUNT_JUDGED: &str = "select count(distinct run.id) as judged from run
     join finding on finding.run = run.id
     where run.job = ?1 and run.kind = 'score' and run.state = 'committed' and run.model_version = ?2
         and run.commits >= ?3 and finding.kind = ?4 and finding.test = ?5
         and finding.verdict <> 'inconclusive'";

const COUNT_FAILING: &str = "select count(distinct run.id) as failing from run
     join finding on finding.run = run.id
     where run.job = ?1 and run.kind = 'score' and run.state = 'committed' and run.model_version = ?2
         and run.commits >= ?3 and finding.kind = ?4 and finding.verdict = 'fail'";
