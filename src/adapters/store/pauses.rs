//! Jobs whose ticks are not run until somebody resumes them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

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

    /// Lets the ticks of a job be run again; false if it was not paused.
    pub async fn resume(&self, job: &JobName) -> Result<bool, StoreError> {
        const ACTION: &str = "resume a job";
        let mut transaction = self.begin(ACTION).await?;
        let changed = sqlx::query("delete from pause where job = ?1")
            .bind(job.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?
            .rows_affected();
        self.commit(ACTION, transaction).await?;
        Ok(changed == 1)
    }
}

const PAUSE: &str = "insert into pause (job, actor, reason, at) values (?1, ?2, ?3, ?4)
     on conflict (job) do nothing";
