//! The rows of a pass: each batch is read and profiled, judged, scored and written, and then forgotten.
//!
//! Ids are counted on the way in and on the way out; if the two differ at the end, the pass fails
//! rather than publish. Which rows there are, and what becomes of the result, is not known here.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::counted::Counted;
use super::fits::Fits;
use super::track::{read_error, write_error};
use super::versions::{Versions, VersionsScored};
use crate::adapters::dataset::{self, Batch, QuarantineWriter};
use crate::adapters::failpoint;
use crate::domain::finding::Finding;
use crate::domain::job::{CheckAction, Job};
use crate::engine::error::{Cause, RunError};
use crate::engine::judge;
use crate::engine::pass::{Scored, Subject, quarantine_name};
use crate::engine::plan::zone;
use crate::engine::report::{InputFile, Rows};
use crate::learn::check::RowChecks;

/// Most duplicate ids that a message names.
const DUPLICATES_NAMED_MAX: usize = 5;

/// The state of the pass between batches.
pub(super) struct Pass<'a> {
    subject: Subject<'a>,
    names: Vec<&'a str>,
    checks: RowChecks,
    counted: Counted,
    versions: Versions<'a>,
    quarantine: QuarantineWriter<'a>,
    rows: Rows,
    newest_micros: Option<i64>,
    zone: TimeZone,
}

impl<'a> Pass<'a> {
    /// Opens the files that the pass writes.
    pub(super) fn start(subject: Subject<'a>, fits: Fits) -> Result<Self, RunError> {
        let Subject { plan, staging, job, contenders, table, columns } = subject;
        let checks = RowChecks::new(&job.checks)
            .map_err(|error| RunError::new("plan", Cause::Job, error))?;
        let id = job.data.id.as_deref();
        let lead = &contenders.lead;
        // A reference of other types would refuse the columns.
        let profiled_for = match (&fits.lead, contenders.second.standby()) {
            (Err(_), Some(standby)) => standby,
            _ => lead,
        };
        let quarantine_path = staging.join(quarantine_name(&plan.run));
        let set_aside = quarantine_columns(job);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        Ok(Self {
            subject,
            checks,
            counted: Counted::new(&profiled_for.artifact.reference, &names, staging),
            versions: Versions::start(subject, fits)?,
            quarantine: QuarantineWriter::new(&quarantine_path, id, &set_aside, table),
            rows: Rows::default(),
            newest_micros: None,
            zone: zone(job),
            names,
        })
    }

    /// Rows that were taken so far.
    pub(super) fn rows_read(&self) -> u64 {
        self.rows.read
    }

    /// Rows of them that have scores.
    pub(super) fn rows_scored(&self) -> u64 {
        self.rows.scored
    }

    /// Takes one batch through the pass.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(), RunError> {
        failpoint::reach("score.chunk").map_err(RunError::other("score"))?;
        let frame = self.counted.take(batch, &self.names)?;
        let verdicts = self.checks.judge(&frame);
        let keep = verdicts.keep();
        if let Some(column) = &self.subject.job.data.time {
            self.newest_micros = self
                .newest_micros
                .max(batch.newest_micros(column, &self.zone).map_err(read_error)?);
        }
        self.versions.take(batch, &frame, keep.as_deref())?;
        let set_aside = keep.as_ref().map_or(0, |keep| keep.iter().filter(|kept| !**kept).count());
        if set_aside > 0 {
            let reasons =
                verdicts.set_aside.iter().map(|found| found.map(|index| self.checks.reason(index)));
            self.quarantine.write(batch, &reasons.collect::<Vec<_>>()).map_err(write_error)?;
        }
        let read = batch.rows() as u64;
        self.rows.read += read;
        self.rows.quarantined += set_aside as u64;
        self.rows.scored += read - set_aside as u64;
        Ok(())
    }
}

impl Pass<'_> {
    /// Ends the pass: duplicates, reconciliation, table checks, files closed.
    pub(super) fn finish(
        self,
        inputs: Vec<InputFile>,
        mut findings: Vec<Finding>,
        rows_scanned: u64,
    ) -> Result<Scored, RunError> {
        let Subject { plan, job, table, .. } = self.subject;
        let (counted, versions) = (self.counted, self.versions);
        // While what was scored reaches the disk.
        let (versions, counted) = rayon::join(|| versions.finish(), || counted.finish());
        let (versions, (profile, ids, repeated)) = (versions?, counted);
        let quarantine = self.quarantine.finish().map_err(write_error)?;
        for scored in versions.of_all_rows() {
            let mut written = scored.part.id_set;
            if let Some(quarantine) = &quarantine {
                written.merge(&quarantine.id_set);
            }
            if self.rows.read != rows_scanned || written != ids {
                let message = format!(
                    "the ids read and the ids written differ: {rows_scanned} rows were scanned, {} were \
                     taken, {} were written; this is a bug",
                    self.rows.read,
                    written.count()
                );
                return Err(RunError::new("reconcile", Cause::Other, message));
            }
        }
        let repeated = repeated?;
        if repeated.count > 0 {
            let id = job.data.id.as_deref();
            let filter = plan.paths.filter.as_ref();
            let named = dataset::duplicate_ids(table, id, filter, &repeated, DUPLICATES_NAMED_MAX)
                .map_err(RunError::data("read"))?;
            findings.extend(judge::duplicate_ids(job, repeated.count, &named));
        }
        let (files, filter) = (plan.files.len(), plan.paths.filter.as_ref());
        let searched = judge::Searched { pattern: &plan.paths.input, files, filter };
        findings.extend(judge::input_empty(job, self.rows.read, searched));
        findings.extend(self.checks.findings(self.rows.read));
        let newest = self.newest_micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        findings.extend(judge::table(job, &profile, self.rows, newest, plan.interval.end));
        let VersionsScored { lead, second } = versions;
        Ok(Scored { rows: self.rows, findings, profile, inputs, quarantine, lead, second })
    }
}

/// What is kept of a row that is set aside: the copied columns and those that can set it aside.
fn quarantine_columns(job: &Job) -> Vec<String> {
    let mut out = job.score.columns.clone();
    let judged = job.checks.iter().filter(|check| check.then == CheckAction::Quarantine);
    for column in judged.filter_map(|check| check.column.as_ref()) {
        if !out.contains(column) {
            out.push(column.clone());
        }
    }
    out
}
