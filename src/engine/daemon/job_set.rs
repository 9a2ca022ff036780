//! The jobs that a daemon knows, with their schedules.
//!
//! A set is never changed, only replaced as a whole: a job file that is half written changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::adapters::store::NewSchedule;
use crate::domain::identity::{JobName, Sha256};
use crate::domain::job::problem::Problem;
use crate::domain::run::RunKind;
use crate::domain::schedule::Schedule;
use crate::engine::error::RunError;
use crate::engine::jobs::{LoadedJob, LoadedJobs, load_all};

/// Jobs by name, and what is wrong with files that are none.
#[derive(Debug)]
pub struct JobSet {
    jobs: BTreeMap<JobName, KnownJob>,
    problems: Vec<Problem>,
}

/// A job with the digest of its file.
#[derive(Debug)]
pub struct KnownJob {
    /// The job.
    pub loaded: LoadedJob,
    /// The digest of its file.
    pub sha256: Sha256,
}

impl JobSet {
    /// Reads every job file of a project.
    pub fn load(project_dir: &Path) -> Result<Self, RunError> {
        let LoadedJobs { jobs, problems, .. } = load_all(project_dir)?;
        let known = |loaded: LoadedJob| {
            (loaded.job.name.clone(), KnownJob { sha256: loaded.sha256(), loaded })
        };
        Ok(Self { jobs: jobs.into_iter().map(known).collect(), problems })
    }

    /// The job called `name`.
    pub fn get(&self, name: &JobName) -> Option<&KnownJob> {
        self.jobs.get(name)
    }

    /// Every job, by name.
    pub fn all(&self) -> impl Iterator<Item = &LoadedJob> {
        self.jobs.values().map(|known| &known.loaded)
    }

    /// What is wrong with the files, in order of file and place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The schedule of a job for a kind of run; `None` if the job has none or is not enabled.
    pub fn schedule(&self, name: &JobName, kind: RunKind) -> Option<&Schedule> {
        let job = &self.get(name)?.loaded.job;
        job.schedule_of(kind).filter(|_| job.enabled)
    }

    /// Every schedule of every job.
    pub fn schedules(&self) -> Vec<NewSchedule> {
        let every =
            self.jobs.keys().flat_map(|job| RunKind::ALL.iter().map(move |kind| (job, *kind)));
        every
            .filter_map(|(job, kind)| {
                let definition = self.schedule(job, kind)?.definition();
                Some(NewSchedule { job: job.clone(), kind, definition })
            })
            .collect()
    }
}
