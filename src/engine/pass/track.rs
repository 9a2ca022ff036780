//! One version in the pass: it scores every batch, and its scores are written and profiled.
//!
//! A version knows nothing of any other that scores beside it; whether its file is published is decided
//! after the pass.

use std::path::Path;

use super::{Contender, TrackScored, score_columns, score_frame};
use crate::adapters::dataset::{Batch, DatasetError, PartLayout, PartRows, PartWriter, Table};
use crate::domain::frame::Frame;
use crate::domain::job::{Job, Task};
use crate::engine::error::{Cause, RunError};
use crate::learn::artifact::{Artifact, ScoreError, Scores};
use crate::learn::profile::Profiler;

/// The state of one version between batches.
pub(super) struct Track<'a> {
    contender: &'a Contender,
    threshold: Option<f64>,
    names: Vec<String>,
    profiler: Profiler,
    part: PartWriter,
}

impl<'a> Track<'a> {
    /// Opens the file at `path` for the scores of `contender`.
    pub(super) fn start(
        contender: &'a Contender,
        path: &Path,
        job: &Job,
        table: &Table,
    ) -> Result<Self, RunError> {
        let Contender { model, artifact } = contender;
        let names = score_columns(artifact);
        let layout = PartLayout {
            id: job.data.id.clone(),
            copied: job.score.columns.clone(),
            scores: names.clone(),
            with_prediction: artifact.task == Task::Multiclass,
            with_decision: job.score.threshold.is_some(),
            model_version: model.version.to_string(),
        };
        let reference = artifact.score_reference.clone().unwrap_or_default();
        let extra: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self {
            contender,
            threshold: job.score.threshold,
            profiler: Profiler::new(&reference, &extra),
            part: PartWriter::create(path, layout, table).map_err(write_error)?,
            names,
        })
    }

    /// The version.
    pub(super) fn artifact(&self) -> &'a Artifact {
        &self.contender.artifact
    }

    /// Scores the rows of a batch.
    pub(super) fn score(&self, frame: &Frame<'_>) -> Result<Scores, ScoreError> {
        self.contender.artifact.score(frame)
    }

    /// Profiles and writes the scores of a batch, of the rows that are kept.
    pub(super) fn take(
        &mut self,
        batch: &Batch,
        scores: &Scores,
        keep: Option<&[bool]>,
    ) -> Result<(), RunError> {
        let Self { contender, threshold, names, profiler, part } = self;
        let (profiled, written) = rayon::join(
            || profile(profiler, names, (scores, keep), batch.id_hashes()),
            || write(part, (contender, *threshold), batch, (scores, keep)),
        );
        profiled?;
        written.map_err(write_error)
    }

    /// Waits until the scores are on disk.
    pub(super) fn finish(self) -> Result<TrackScored, RunError> {
        let scores = self.profiler.finish();
        Ok(TrackScored { part: self.part.finish().map_err(write_error)?, scores })
    }
}

/// Writes the scores of a batch, of the rows that are kept.
fn write(
    part: &mut PartWriter,
    (contender, threshold): (&Contender, Option<f64>),
    batch: &Batch,
    (scores, keep): (&Scores, Option<&[bool]>),
) -> Result<(), DatasetError> {
    let columns = scores.columns();
    let decision = match (scores, threshold) {
        (Scores::Value(values), Some(threshold)) => {
            Some(values.iter().map(|score| *score >= threshold).collect::<Vec<bool>>())
        }
        _ => None,
    };
    let prediction = match scores {
        Scores::Value(_) => None,
        Scores::Classes(_) => Some(scores.most_likely(&contender.artifact.classes)),
    };
    let rows = PartRows {
        keep,
        scores: &columns,
        prediction: prediction.as_deref(),
        decision: decision.as_deref(),
    };
    part.write(batch, &rows)
}

/// Scores are a column like any other; only those that are published count.
fn profile(
    profiler: &mut Profiler,
    names: &[String],
    (scores, keep): (&Scores, Option<&[bool]>),
    ids: &[u64],
) -> Result<(), RunError> {
    let Some(keep) = keep else {
        return Ok(profiler.update(&score_frame(names, scores.columns()), ids)?);
    };
    let columns: Vec<Vec<f64>> =
        scores.columns().into_iter().map(|values| kept(values, keep)).collect();
    let frame = score_frame(names, columns.iter().map(Vec::as_slice).collect());
    Ok(profiler.update(&frame, &kept(ids, keep))?)
}

/// An error of what is read.
pub(super) fn read_error(error: DatasetError) -> RunError {
    RunError::table("read")(error)
}

/// An error of what is written into staging.
pub(super) fn write_error(error: DatasetError) -> RunError {
    let cause = match &error {
        DatasetError::Fsync { .. } => Cause::Fsync,
        _ => Cause::Other,
    };
    RunError::new("stage", cause, error)
}

/// The values of the rows that are kept.
fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
}
