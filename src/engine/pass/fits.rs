//! Whether a version can use the columns of the table, before any row is read.
//!
//! A lead that cannot, be it that a column is missing or that values are not of the type it pins, is no reason to
//! stop as long as its standby can: that is what it stands by for.

use super::{Contenders, Second};
use crate::adapters::dataset::Table;
use crate::domain::finding::Finding;
use crate::domain::job::Job;
use crate::engine::error::{Cause, RunError};
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
        let table = Table::open_pinned(&plan.files, job.data.id.as_deref(), &artifact.schema)
            .map_err(RunError::table("read"))?;
        let findings = judge::schema(job, artifact, table.schema())?;
        Ok::<_, RunError>((table, findings))
    };
    let lead = &contenders.lead.artifact;
    let error = match open_for(lead) {
        Ok(found) => return Ok(led(found, job, &contenders.second)),
        Err(error) => error,
    };
    // What the disk refuses says nothing of a version.
    let Some(standby) = contenders.second.standby().filter(|_| error.cause == Cause::Data) else {
        return Err(error);
    };
    let Ok((table, findings)) = open_for(&standby.artifact) else { return Err(error) };
    // Nor does a file that was changing a moment ago: the lead is asked once more before it gives way.
    match open_for(lead) {
        Ok(found) => Ok(led(found, job, &contenders.second)),
        Err(error) => Ok((table, Fits { lead: Err(error.chain()), second: Ok(findings) })),
    }
}

/// The table as the lead wants it, and what that means for the version beside it.
fn led((table, findings): (Table, Vec<Finding>), job: &Job, second: &Second) -> (Table, Fits) {
    let fit = |artifact| judge::schema(job, artifact, table.schema());
    let second = second.contender().map_or(Ok(Vec::new()), |second| fit(&second.artifact));
    let second = second.map_err(|error| error.chain());
    (table, Fits { lead: Ok(findings), second })
}
