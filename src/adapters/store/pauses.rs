//! Jobs whose ticks are not run until somebody resumes them, and what pauses one: failures in a row.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::adapters::store::codec::{text, time, time_text};
use crate::adapters::store::{Pause, Store, StoreError};
use crate::domain::identity::JobName;

impl Store {
    /// Every job that is paused.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        sqlx::query("select * from pause order by job")
            .try_map(|row: SqliteRow| {
                Ok(Pause {
                    job: text(&row, "job", "job name", JobName::new)?,
                    actor: row.try_get("actor")?,
                    reason: row.try_get("reason")?,
                    at: time(&row, "at")?,
                })
            })
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the paused jobs", source))
    }

    /// Pauses a job; false if it was paused already, which stays as it is.
    pub async fn pause(&self, pause: &Pause) -> Result<bool, StoreError> {
        const ACTION: &str = "pause a job";
        let mut transaction = self.begin(ACTION).await?;
        let changed = sqlx::query(PAUSE)
            .bind(pause.job.as_str())
            .bind(&pause.actor)
            .bind(&pause.reason)
            .bind(time_text(pause.at))
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?
            .rows_affected();
        self.commit(ACTION, transaction).await?;
        Ok(changed == 1)
    }

    /// Lets the ticks of a job be run again from `at` on; false if it was not paused. Failures before `at` are
    /// not held against it any more.
    pub async fn resume(&self, job: &JobName, at: Timestamp) -> Result<bool, StoreError> {
        const ACTION: &str = "resume a job";
        let mut transaction = self.begin(ACTION).await?;
        let changed = resume(&mut transaction, job, at)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await?;
        Ok(changed == 1)
    }

    /// How many of the latest runs of a job were given up, without one that was committed between, since it was
    /// last resumed.
    pub async fn given_up_in_a_row(&self, job: &JobName, limit: u32) -> Result<u32, StoreError> {
        let states: Vec<String> = sqlx::query_scalar(SELECT_LATEST_ENDS)
            .bind(job.as_str())
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("count the failures of a job", source))?;
        let dead = states.iter().take_while(|state| *state == "dead").count();
        Ok(u32::try_from(dead).unwrap_or(u32::MAX))
    }
}

async fn resume(
    connection: &mut SqliteConnection,
    job: &JobName,
    at: Timestamp,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(DELETE_PAUSE).bind(job.as_str()).execute(&mut *connection).await?;
    sqlx::query(RESUME).bind(job.as_str()).bind(time_text(at)).execute(connection).await?;
    Ok(deleted.rows_affected())
}

const DELETE_PAUSE: &str = "delete from pause where job = ?1";

const RESUME: &str = "insert into resumption (job, at, commits)
     values (?1, ?2, (select commits + 1 from seal))
     on conflict (job) do update set at = excluded.at, commits = excluded.commits";

/// What failed and was not given up is of somebody who tried by hand, or of a run that another one has caused.
const SELECT_LATEST_ENDS: &str = "select state from run
     where job = ?1 and commits is not null and state in ('committed', 'dead')
         and commits > coalesce((select commits from resumption where job = ?1), -9223372036854775808)
     order by commits desc, serial desc limit ?2";

const PAUSE: &str = "insert into pause (job, actor, reason, at) values (?1, ?2, ?3, ?4)
     on conflict (job) do nothing";
