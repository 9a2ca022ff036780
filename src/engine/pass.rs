//! One pass over the data, in constant memory: the middle of a score run.
//!
//! Each batch is judged, scored, profiled, reconciled and written, and then forgotten. Nothing here
//! decides whether the scores are published; [`Scored`] holds what that decision needs.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::adapters::dataset::{
    self, Batch, DuplicateFinder, IdSet, PartLayout, PartRows, PartWriter, QuarantineWriter, ScanError,
    ScanRequest, SourceFile, Table, Written,
};
use crate::domain::finding::Finding;
use crate::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use crate::domain::identity::RunId;
use crate::domain::job::{CheckAction, Job, Task};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Progress, ProgressEvent};
use crate::engine::judge;
use crate::engine::plan::zone;
use crate::engine::report::{InputFile, Rows};
use crate::engine::score::ScorePlan;
use crate::learn::artifact::{Artifact, Scores};
use crate::learn::check::RowChecks;
use crate::learn::profile::{Profiler, TableProfile};

/// Rows of a batch: enough to keep both cores busy, few enough to stay in memory by the dozen.
pub const BATCH_ROWS: usize = 131_072;
/// Most duplicate ids that a message names.
const DUPLICATES_NAMED_MAX: usize = 5;

/// What the pass found and wrote.
pub struct Scored {
    pub rows: Rows,
    pub findings: Vec<Finding>,
    pub profile: TableProfile,
    pub score_profile: TableProfile,
    pub inputs: Vec<InputFile>,
    pub part: Written,
    /// `None` if no row was set aside.
    pub quarantine: Option<Written>,
    pub id_set: IdSet,
}

/// File name of the scores of `run`.
pub fn part_name(run: &RunId) -> String {
    format!("part-{run}-0000.parquet")
}

/// File name of the rows of `run` that were set aside, while they are staged.
pub fn quarantine_name(run: &RunId) -> String {
    format!("quarantine-{run}.parquet")
}

/// Scores everything that `plan` names, into files in the folder `staging`.
pub fn score(
    plan: &ScorePlan,
    staging: &Path,
    job: &Job,
    artifact: &Artifact,
    progress: Option<&Progress>,
) -> Result<Scored, RunError> {
    let table = Table::open_pinned(&plan.files, job.data.id.as_deref(), &artifact.schema)
        .map_err(|error| RunError::new("read", Cause::Data, error))?;
    let mut findings = judge::schema(job, artifact, table.schema())?;
    let columns = columns_to_read(job, artifact, &table);
    let mut pass = Pass::start(plan, staging, job, artifact, &table, &columns)?;
    let request = ScanRequest {
        columns: &columns,
        id: job.data.id.as_deref(),
        time: plan.paths.filter.as_ref(),
        batch_rows: BATCH_ROWS,
    };
    let (scanned, inputs) = std::thread::scope(|scope| {
        let hashes = scope.spawn(|| hash_inputs(&plan.files));
        let scanned = table.scan(&request, |batch| {
            pass.take(&batch)?;
            if let Some(progress) = progress {
                progress(ProgressEvent::Rows { done: pass.rows.read, of: table.rows_hint() });
            }
            Ok(())
        });
        (scanned, hashes.join())
    });
    let receipt = scanned.map_err(|error| match error {
        ScanError::Callback(error) => error,
        ScanError::Dataset(error) => RunError::new("read", Cause::Data, error),
    })?;
    let inputs = inputs
        .map_err(|_| RunError::new("read", Cause::Other, "hashing the inputs panicked"))??;
    findings.extend(judge::rows_without_time(job, receipt.rows_without_time));
    pass.finish(plan, &table, inputs, findings, receipt.rows_read)
}

/// The columns a score run needs: features, id, time, label, copied and checked ones.
fn columns_to_read(job: &Job, artifact: &Artifact, table: &Table) -> Vec<String> {
    let mut wanted: BTreeSet<&str> = artifact.features.columns().collect();
    wanted.extend(job.data.id.as_deref());
    wanted.extend(job.data.time.as_deref());
    wanted.extend(job.data.label.as_deref());
    wanted.extend(job.score.columns.iter().map(String::as_str));
    wanted.extend(job.checks.iter().filter_map(|check| check.column.as_deref()));
    let present = table.schema().columns.iter().map(|column| column.name.as_str());
    present.filter(|name| wanted.contains(name)).map(str::to_owned).collect()
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

/// Hashes every input file, beside the pass.
pub fn hash_inputs(files: &[SourceFile]) -> Result<Vec<InputFile>, RunError> {
    let mut out = Vec::with_capacity(files.len());
    for file in files {
        let (sha256, bytes) = dataset::file_sha256(&file.path)
            .map_err(|error| RunError::new("read", Cause::Data, error))?;
        out.push(InputFile { path: file.relative.clone(), bytes, sha256 });
    }
    Ok(out)
}

/// The state of the pass between batches.
struct Pass<'a> {
    job: &'a Job,
    artifact: &'a Artifact,
    names: Vec<&'a str>,
    checks: RowChecks,
    profiler: Profiler,
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
    fn start(
        plan: &ScorePlan,
        staging: &Path,
        job: &'a Job,
        artifact: &'a Artifact,
        table: &'a Table,
        columns: &'a [String],
    ) -> Result<Self, RunError> {
        let write = |error| RunError::new("stage", Cause::Other, error);
        let checks = RowChecks::new(&job.checks)
            .map_err(|error| RunError::new("plan", Cause::Job, error))?;
        let score_columns = score_columns(artifact);
        let id = job.data.id.as_deref();
        let layout = PartLayout {
            id: job.data.id.clone(),
            copied: job.score.columns.clone(),
            scores: score_columns.clone(),
            with_prediction: artifact.task == Task::Multiclass,
            with_decision: job.score.threshold.is_some(),
            model_version: plan.model.version.to_string(),
        };
        let part_path = staging.join(part_name(&plan.run));
        let quarantine_path = staging.join(quarantine_name(&plan.run));
        let set_aside = quarantine_columns(job);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let score_reference = artifact.score_reference.clone().unwrap_or_default();
        let score_names: Vec<&str> = score_columns.iter().map(String::as_str).collect();
        Ok(Self {
            job,
            artifact,
            checks,
            profiler: Profiler::new(&artifact.reference, &names),
            score_profiler: Profiler::new(&score_reference, &score_names),
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

    /// Takes one batch through the pass.
    fn take(&mut self, batch: &Batch) -> Result<(), RunError> {
        let read = |error| RunError::new("read", Cause::Data, error);
        let write = |error| RunError::new("stage", Cause::Other, error);
        let frame = batch.frame(&self.names).map_err(read)?;
        let ids = batch.id_hashes();
        let verdicts = self.checks.judge(&frame);
        let scores = self
            .artifact
            .score(&frame)
            .map_err(|error| RunError::new("score", Cause::Data, error))?;
        self.profiler.update(&frame, ids).map_err(RunError::data("profile"))?;
        self.duplicates.push(ids).map_err(write)?;
        self.read.extend(ids);
        if let Some(column) = &self.job.data.time {
            self.newest_micros = self.newest_micros.max(batch.newest_micros(column, &self.zone).map_err(read)?);
        }
        let keep = verdicts.keep();
        self.profile_scores(&scores, keep.as_deref(), ids)?;
        let set_aside = keep.as_ref().map_or(0, |keep| keep.iter().filter(|kept| !**kept).count());
        self.write_scores(batch, &scores, keep.as_deref()).map_err(write)?;
        if set_aside > 0 {
            let reasons = verdicts.set_aside.iter().map(|found| {
                found.map(|index| self.checks.reason(index))
            });
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
    ) -> Result<(), dataset::DatasetError> {
        let columns = scores.columns();
        let decision = match (scores, self.job.score.threshold) {
            (Scores::Value(values), Some(threshold)) => {
                Some(values.iter().map(|score| *score >= threshold).collect::<Vec<bool>>())
            }
            _ => None,
        };
        let prediction = match scores {
            Scores::Value(_) => None,
            Scores::Classes(_) => Some(scores.most_likely(&self.artifact.classes)),
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
        let names = score_columns(self.artifact);
        let Some(keep) = keep else {
            let frame = score_frame(&names, scores.columns());
            return self.score_profiler.update(&frame, ids).map_err(failed);
        };
        let columns: Vec<Vec<f64>> =
            scores.columns().into_iter().map(|values| kept(values, keep)).collect();
        let frame = score_frame(&names, columns.iter().map(Vec::as_slice).collect());
        self.score_profiler.update(&frame, &kept(ids, keep)).map_err(failed)
    }

    /// Ends the pass: duplicates, reconciliation, table checks, files closed.
    fn finish(
        self,
        plan: &ScorePlan,
        table: &Table,
        inputs: Vec<InputFile>,
        mut findings: Vec<Finding>,
        rows_scanned: u64,
    ) -> Result<Scored, RunError> {
        let write = |error| RunError::new("stage", Cause::Other, error);
        let profile = self.profiler.finish();
        let score_profile = self.score_profiler.finish();
        let part = self.part.finish().map_err(write)?;
        let quarantine = self.quarantine.finish().map_err(write)?;
        let mut written = part.id_set.clone();
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
            let id = self.job.data.id.as_deref();
            let filter = plan.paths.filter.as_ref();
            let named =
                dataset::duplicate_ids(table, id, filter, &repeated, DUPLICATES_NAMED_MAX)
                    .map_err(RunError::data("read"))?;
            findings.extend(judge::duplicate_ids(self.job, repeated.count, &named));
        }
        findings.extend(self.checks.findings(self.rows.read));
        let newest = self.newest_micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        findings.extend(judge::table(self.job, &profile, self.rows, newest, plan.interval.end));
        Ok(Scored {
            rows: self.rows,
            findings,
            profile,
            score_profile,
            inputs,
            id_set: part.id_set.clone(),
            part,
            quarantine,
        })
    }
}

/// The values of the rows that are kept.
fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
}

/// Scores as a frame, to be profiled.
pub fn score_frame<'a>(names: &'a [String], columns: Vec<&'a [f64]>) -> Frame<'a> {
    let rows = columns.first().map_or(0, |column| column.len());
    let columns = names
        .iter()
        .zip(columns)
        .map(|(name, values)| FrameColumn {
            name,
            cells: Cells::Number(Numbers { values: values.into(), nulls: Vec::new() }),
        })
        .collect();
    Frame { rows, columns }
}

/// The score columns that a model writes.
pub fn score_columns(artifact: &Artifact) -> Vec<String> {
    match artifact.task {
        Task::Multiclass => artifact.classes.iter().map(|class| format!("score_{class}")).collect(),
        Task::Binary | Task::Regression => vec!["score".to_owned()],
    }
}
