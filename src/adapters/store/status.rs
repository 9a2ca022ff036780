//! One row for each job that the store knows: its last run and its champion.
//!
//! Made to answer at once however many runs there are, because people type `nightshift status` often.

use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::{optional_number, text};
use crate::adapters::store::runs::run_record;
use crate::adapters::store::{JobStatus, Store, StoreError};
use crate::domain::identity::{JobName, Version};

impl Store {
    /// Every job that has a run or an alias, by name, with the run that was asked for last.
    pub async fn status(&self) -> Result<Vec<JobStatus>, StoreError> {
        sqlx::query(SELECT_STATUS)
            .try_map(|row: SqliteRow| job_status(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("read the status of all jobs", source))
    }
}

/// Steps from job to job through the index instead of reading every run: the cost is that of the jobs.
const SELECT_STATUS: &str = "with recursive name (job) as (
         select min(job) from run
         union all
         select (select min(run.job) from run where run.job > name.job)
         from name where name.job is not null
     ),
     known (status_job) as (
         select job from name where job is not null union select model from alias
     )
     select known.status_job, alias.champion as status_champion, run.*
     from known
     left join run on run.serial =
         (select max(last.serial) from run last where last.job = known.status_job)
     left join alias on alias.model = known.status_job
     order by known.status_job";

fn job_status(row: &SqliteRow) -> Result<JobStatus, sqlx::Error> {
    let has_run = optional_number::<i64>(row, "serial")?.is_some();
    Ok(JobStatus {
        job: text(row, "status_job", "job name", JobName::new)?,
        last_run: has_run.then(|| run_record(row)).transpose()?,
        champion: optional_number(row, "status_champion")?.map(Version),
    })
}
