//! Whether a version can use the columns of the table, before any row is read.
//!
//! A lead that cannot is no reason to stop as long as its standby can: that is what it stands by for.

use super::{Contenders, Second};
use crate::adapters::dataset::Table;
use crate::domain::finding::Finding;
use crate::domain::job::Job;
use crate::engine::error::RunError;
use crate::engine::judge;
use crate::engine::score::ScorePlan;
use crate::learn::artifact::Artifact;

/// How the columns of the table suit each version: what the checks say, or why it cannot score.
pub(super) struct Fits {
    pub(super) lead: Result<Vec<Finding>, String>,
    pub(super) second: Result<Vec<Finding>, String>,
}

impl Fits {
    /// What is told of the version that can score.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.lead.as_ref().or(self.second.as_ref()).cloned().unwrap_or_default()
    }
}

/// Opens the table as the lead wants it, or as its standby does if the lead cannot use it.
pub(super) fn open(
    plan: &ScorePlan,
    job: &Job,
    contenders: &Contenders,
) -> Result<(Table, Fits), RunError> {
    let open_for = |artifact: &Artifact| {
        Table::open_pinned(&plan.files, job.data.id.as_deref(), &artifact.schema)
            .map_err(RunError::table("read"))
    };
    let fit = |artifact, table: &Table| judge::schema(job, artifact, table.schema());
    let lead = &contenders.lead.artifact;
    let table = open_for(lead)?;
    match (fit(lead, &table), &contenders.second) {
        (Ok(findings), second) => {
            let second = second.contender().map(|second| fit(&second.artifact, &table));
            let second = second.unwrap_or(Ok(Vec::new())).map_err(|error| error.chain());
            Ok((table, Fits { lead: Ok(findings), second }))
        }
        (Err(error), Second::Standby(standby)) => {
            let table = open_for(&standby.artifact)?;
            match fit(&standby.artifact, &table) {
                Ok(findings) => {
                    Ok((table, Fits { lead: Err(error.chain()), second: Ok(findings) }))
                }
                Err(_) => Err(error),
            }
        }
        (Err(error), _) => Err(error),
    }
}
