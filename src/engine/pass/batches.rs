//! The rows of a pass: each batch is judged, scored, profiled and written, and then forgotten.
//!
//! Ids are counted on the way in and on the way out; if the two differ at the end, the pass fails
//! rather than publish. Which rows there are, and what becomes of the result, is not known here.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::adapters::dataset::{
    self, Batch, DatasetError, DuplicateFinder, IdSet, PartLayout, PartRows, PartWriter,
    QuarantineWriter, Table,
};
use crate::domain::finding::Finding;
use crate::domain::job::{CheckAction, Job, Task};
use crate::engine::error::{Cause, RunError};
use crate::engine::judge;
use crate::engine::pass::{Scored, part_name, quarantine_name, score_columns, score_frame};
use crate::engine::plan::zone;
use crate::engine::report::{InputFile, Rows};
use crate::engine::score::ScorePlan;
use crate::learn::artifact::{Artifact, Scores};
use crate::learn::check::RowChecks;
use crate::learn::profile::Profiler;

/// Most duplicate ids that a message names.
const DUPLICATES_NAMED_MAX: usize = 5;

/// What a pass is about; the same for every batch.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) plan: &'a ScorePlan,
    /// The folder that files are written into.
    pub(super) staging: &'a Path,
    pub(super) job: &'a Job,
    pub(super) artifact: &'a Artifact,
    pub(super) table: &'a Table,
    /// The columns that are read.
    pub(super) columns: &'a [String],
}

/// The state of the pass between batches.
pub(super) struct Pass<'a> {
    subject: Subject<'a>,
    names: Vec<&'a str>,
    checks: RowChecks,
    profiler: Profiler,
    score_names: Vec<String>,
    score_profiler: Profiler,
    duplicates: DuplicateFinder,
    read: IdSet,
    part: PartWriter,
    quarantine: QuarantineWriter<'a>,
    rows: Rows,
    newest_micros: Option<i64>,
    zone: TimeZone,
}

impl<'a> Pass<'a> {
    /// Opens the files that the pass writes.
    pub(super) fn start(subject: Subject<'a>) -> Result<Self, RunError> {
        let Subject { plan, staging, job, artifact, table, columns } = subject;
        let write = |error| RunError::new("stage", Cause::Other, error);
        let checks = RowChecks::new(&job.checks)
            .map_err(|error| RunError::new("plan", Cause::Job, error))?;
        let score_names = score_columns(artifact);
        let id = job.data.id.as_deref();
        let layout = PartLayout {
            id: job.data.id.clone(),
            copied: job.score.columns.clone(),
            scores: score_names.clone(),
            with_prediction: artifact.task == Task::Multiclass,
            with_decision: job.score.threshold.is_some(),
            model_version: plan.model.version.to_string(),
        };
        let part_path = staging.join(part_name(&plan.run));
        let quarantine_path = staging.join(quarantine_name(&plan.run));
        let set_aside = quarantine_columns(job);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let score_reference = artifact.score_reference.clone().unwrap_or_default();
        let extra: Vec<&str> = score_names.iter().map(String::as_str).collect();
        Ok(Self {
            subject,
            checks,
            profiler: Profiler::new(&artifact.reference, &names),
            score_profiler: Profiler::new(&score_reference, &extra),
            score_names,
            duplicates: DuplicateFinder::new(staging),
            read: IdSet::default(),
            part: PartWriter::create(&part_path, layout, table).map_err(write)?,
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

    /// Takes one batch through the pass.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(), RunError> {
        let read = |error| RunError::new("read", Cause::Data, error);
        let write = |error| RunError::new("stage", Cause::Other, error);
        let frame = batch.frame(&self.names).map_err(read)?;
        let ids = batch.id_hashes();
        let verdicts = self.checks.judge(&frame);
        let scores = self
            .subject
            .artifact
            .score(&frame)
            .map_err(|error| RunError::new("score", Cause::Data, error))?;
        self.profiler.update(&frame, ids).map_err(RunError::data("profile"))?;
        self.duplicates.push(ids).map_err(write)?;
        self.read.extend(ids);
        if let Some(column) = &self.subject.job.data.time {
            self.newest_micros =
                self.newest_micros.max(batch.newest_micros(column, &self.zone).map_err(read)?);
        }
        let keep = verdicts.keep();
        self.profile_scores(&scores, keep.as_deref(), ids)?;
        let set_aside = keep.as_ref().map_or(0, |keep| keep.iter().filter(|kept| !**kept).count());
        self.write_scores(batch, &scores, keep.as_deref()).map_err(write)?;
        if set_aside > 0 {
            let reasons =
                verdicts.set_aside.iter().map(|found| found.map(|index| self.checks.reason(index)));
            self.quarantine.write(batch, &reasons.collect::<Vec<_>>()).map_err(write)?;
        }
        let read = batch.rows() as u64;
        self.rows.read += read;
        self.rows.quarantined += set_aside as u64;
        self.rows.scored += read - set_aside as u64;
        Ok(())
    }
}

impl Pass<'_> {
    fn write_scores(
        &mut self,
        batch: &Batch,
        scores: &Scores,
        keep: Option<&[bool]>,
    ) -> Result<(), DatasetError> {
        let columns = scores.columns();
        let decision = match (scores, self.subject.job.score.threshold) {
            (Scores::Value(values), Some(threshold)) => {
                Some(values.iter().map(|score| *score >= threshold).collect::<Vec<bool>>())
            }
            _ => None,
        };
        let prediction = match scores {
            Scores::Value(_) => None,
            Scores::Classes(_) => Some(scores.most_likely(&self.subject.artifact.classes)),
        };
        let rows = PartRows {
            keep,
            scores: &columns,
            prediction: prediction.as_deref(),
            decision: decision.as_deref(),
        };
        self.part.write(batch, &rows)
    }

    /// Scores are a column like any other; only those that are published count.
    fn profile_scores(
        &mut self,
        scores: &Scores,
        keep: Option<&[bool]>,
        ids: &[u64],
    ) -> Result<(), RunError> {
        let failed = RunError::data("profile");
        let names = &self.score_names;
        let Some(keep) = keep else {
            let frame = score_frame(names, scores.columns());
            return self.score_profiler.update(&frame, ids).map_err(failed);
        };
        let columns: Vec<Vec<f64>> =
            scores.columns().into_iter().map(|values| kept(values, keep)).collect();
        let frame = score_frame(names, columns.iter().map(Vec::as_slice).collect());
        self.score_profiler.update(&frame, &kept(ids, keep)).map_err(failed)
    }

    /// Ends the pass: duplicates, reconciliation, table checks, files closed.
    pub(super) fn finish(
        self,
        inputs: Vec<InputFile>,
        mut findings: Vec<Finding>,
        rows_scanned: u64,
    ) -> Result<Scored, RunError> {
        let Subject { plan, job, table, .. } = self.subject;
        let write = |error| RunError::new("stage", Cause::Other, error);
        let profile = self.profiler.finish();
        let score_profile = self.score_profiler.finish();
        let part = self.part.finish().map_err(write)?;
        let quarantine = self.quarantine.finish().map_err(write)?;
        let mut written = part.id_set;
        if let Some(quarantine) = &quarantine {
            written.merge(&quarantine.id_set);
        }
        if self.rows.read != rows_scanned || written != self.read {
            let message = format!(
                "the ids read and the ids written differ: {rows_scanned} rows were scanned, {} were \
                 taken, {} were written; this is a bug",
                self.rows.read,
                written.count()
            );
            return Err(RunError::new("reconcile", Cause::Other, message));
        }
        let repeated = self.duplicates.finish().map_err(write)?;
        if repeated.count > 0 {
            let id = job.data.id.as_deref();
            let filter = plan.paths.filter.as_ref();
            let named = dataset::duplicate_ids(table, id, filter, &repeated, DUPLICATES_NAMED_MAX)
                .map_err(RunError::data("read"))?;
            findings.extend(judge::duplicate_ids(job, repeated.count, &named));
        }
        findings.extend(self.checks.findings(self.rows.read));
        let newest = self.newest_micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        findings.extend(judge::table(job, &profile, self.rows, newest, plan.interval.end));
        Ok(Scored { rows: self.rows, findings, profile, score_profile, inputs, part, quarantine })
    }
}

/// The values of the rows that are kept.
fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
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
