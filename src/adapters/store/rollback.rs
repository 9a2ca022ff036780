//! What keeps a rollback whole: no scores of the version that is left escape their correction.
//!
//! A rollback lists what is to be corrected and a run decides what it publishes long before either is
//! committed. Both are asked again in the transaction that commits them: a rollback whose list is not
//! complete any more is refused, and so is a run whose version was rolled back while it scored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Sqlite, SqliteConnection};

use crate::adapters::store::codec::text;
use crate::adapters::store::error::Stop;
use crate::adapters::store::runs::run_record;
use crate::adapters::store::{FollowUp, RunRecord, Store, StoreError};
use crate::domain::identity::{JobName, RunId, Version};
use crate::domain::registry::Action;

impl Store {
    /// Score runs that have published with `version` since it was last promoted, or are about to; the oldest
    /// tick first, each tick once. To come back by a rollback is no promotion.
    pub async fn to_correct(
        &self,
        job: &JobName,
        version: Version,
    ) -> Result<Vec<RunRecord>, StoreError> {
        to_correct(&self.readers, job, version)
            .await
            .map_err(|source| self.failed("list the ticks that a version published", source))
    }
}

async fn to_correct(
    executor: impl Executor<'_, Database = Sqlite>,
    job: &JobName,
    version: Version,
) -> Result<Vec<RunRecord>, sqlx::Error> {
    let mut found = sqlx::query(SELECT_TO_CORRECT)
        .bind(job.as_str())
        .bind(version.0)
        .bind(Action::RollBack.id())
        .try_map(|row: SqliteRow| run_record(&row))
        .fetch_all(executor)
        .await?;
    found.dedup_by_key(|record| record.slot.tick);
    Ok(found)
}

const SELECT_TO_CORRECT: &str = "select * from run
     where job = ?1 and kind = 'score' and model_version = ?2
         and (state = 'committing'
              or (trigger = 'rollback' and state in ('queued', 'claimed', 'running'))
              or (state = 'committed' and commits >=
                  (select coalesce(max(commits), -9223372036854775808) from alias_history
                   where model = ?1 and alias = 'champion' and to_version = ?2 and action <> ?3)))
     order by tick, revision desc";

/// Refuses a rollback of `version` unless each tick that it has published is among `follow_ups` or is
/// `own`, the tick of the run that rolls back.
pub(super) async fn require_corrections(
    connection: &mut SqliteConnection,
    (job, version): (&JobName, Version),
    follow_ups: &[FollowUp],
    own: Option<Timestamp>,
) -> Result<(), Stop> {
    let published = to_correct(connection, job, version).await?;
    let planned: BTreeSet<Timestamp> =
        follow_ups.iter().map(|planned| planned.tick).chain(own).collect();
    if published.iter().all(|record| planned.contains(&record.slot.tick)) {
        return Ok(());
    }
    Err(Stop::Refused(StoreError::PublishedByOther { model: job.clone() }))
}

/// Refuses to publish scores of a version that was rolled back and not promoted since, or is being rolled
/// back. No run begins with such a version; it has lost it while it scored.
pub(super) async fn require_standing(
    connection: &mut SqliteConnection,
    run: &RunId,
) -> Result<(), Stop> {
    let left: Option<JobName> = sqlx::query(SELECT_LEFT)
        .bind(run.as_str())
        .bind(Action::RollBack.id())
        .try_map(|row: SqliteRow| text(&row, "job", "job name", JobName::new))
        .fetch_optional(connection)
        .await?;
    match left {
        Some(model) => Err(Stop::Refused(StoreError::RolledBackByOther { model })),
        None => Ok(()),
    }
}

const SELECT_LEFT: &str = "select job from run
     where id = ?1 and kind = 'score'
         and (exists (select 1 from alias_history
                      where model = run.job and alias = 'champion' and action = ?2
                          and from_version = run.model_version
                          and id = (select max(id) from alias_history
                                    where model = run.job and alias = 'champion'
                                        and run.model_version in (from_version, to_version)))
              or exists (select 1 from run as other
                         where other.job = run.job and other.id <> run.id and other.state = 'committing'
                             and json_extract(other.conclusion, '$.aliases.action') = ?2
                             and json_extract(other.conclusion, '$.aliases.champion')
                                 <> run.model_version))";
