//! From files to a candidate: read, split, fit, evaluate on held-out rows, pack an artifact.
//!
//! At tick T only rows before T are used. Evaluation goes through the very code that scores, on the
//! artifact as it was decoded from its own bytes: what is registered is what was measured.

use std::collections::BTreeMap;

use sha2::Digest as _;

use crate::adapters::dataset::SourceFile;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::frame::Frame;
use crate::domain::identity::{RunId, Sha256};
use crate::domain::job::Job;
use crate::domain::registry::MetricValue;
use crate::domain::run::Interval;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Progress;
use crate::engine::pass::{hash_inputs, score_columns, score_frame};
use crate::engine::report::InputFile;
use crate::engine::training_rows::{TrainingRows, read};
use crate::learn::artifact::{Artifact, Scores, TrainingFacts};
use crate::learn::fit::fit;
use crate::learn::metric;
use crate::learn::model::{Labels, ReadLabels, read_labels};
use crate::learn::profile::ReferenceProfile;
use crate::learn::split::{SplitRows, split};

/// Held-out rows that the artifact is tried on before it is registered.
const TRIAL_ROWS: usize = 100;
/// Where a probability becomes a decision, for metrics of a job without `score.threshold`.
const DECISION_THRESHOLD: f64 = 0.5;

/// Everything a training will read.
#[derive(Debug, Clone)]
pub struct TrainPlan {
    /// The run.
    pub run: RunId,
    /// Rows at or after its end are not used; rows before its start, if it has one, are not either.
    pub interval: Interval,
    /// The files.
    pub files: Vec<SourceFile>,
    /// Digest of the job file.
    pub job_sha256: Sha256,
}

/// An evaluated version, not yet registered.
#[derive(Debug)]
pub struct Candidate {
    /// The artifact, encoded.
    pub bytes: Vec<u8>,
    /// The model kind.
    pub kind: &'static str,
    /// The task.
    pub task: &'static str,
    /// Rows that were read.
    pub rows_read: u64,
    /// Rows it was fitted on.
    pub rows_train: u64,
    /// Rows it was evaluated on.
    pub rows_test: u64,
    /// By id, on the rows it was evaluated on.
    pub metrics: BTreeMap<String, MetricValue>,
    /// What a person should know: dropped columns, rows without label.
    pub findings: Vec<Finding>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
}

/// Trains what `job` says on what `plan` names.
pub fn train(
    plan: &TrainPlan,
    job: &Job,
    progress: Option<&Progress>,
) -> Result<Candidate, RunError> {
    let rows = read(plan, job, progress)?;
    let inputs = hash_inputs(&plan.files)?;
    let mut findings = rows.findings.clone();
    let read = labels(job, &rows)?;
    if read.missing > 0 {
        let message = format!("{} rows have no `{}` and were not used", read.missing, rows.label);
        findings.push(told("label_null", message));
    }
    let sides = sides(job, &rows, &read.rows)?;
    let (train_rows, test_rows) = (pick(&read.rows, &sides.train), pick(&read.rows, &sides.test));
    let train_labels = read.labels.gather(&sides.train);
    let fitted = fit(job, &rows.columns, &rows.table, &train_rows, &train_labels)
        .map_err(RunError::data("fit"))?;
    findings.extend(fitted.warnings.iter().map(|text| told("fit", text.clone())));

    let facts = TrainingFacts {
        model: job.name.to_string(),
        tick: plan.interval.end.to_string(),
        rows: train_rows.len() as u64,
        rows_test: test_rows.len() as u64,
        interval_micros: rows.times.as_deref().and_then(span),
        data_sha256: data_digest(&inputs),
        job_sha256: plan.job_sha256.0,
        seed: job.train.seed,
        versions: vec![("nightshift".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
    };
    let labelled_ids = pick(&rows.ids, &read.rows);
    let categories_max = job.features.categories_max;
    let reference =
        ReferenceProfile::of(&rows.table.frame(&read.rows), &labelled_ids, categories_max)
            .map_err(RunError::data("profile"))?;
    let mut artifact = fitted.into_artifact(facts, rows.schema.clone(), reference);
    let test = rows.table.frame(&test_rows);
    let scores = artifact.score(&test).map_err(RunError::data("evaluate"))?;
    let test_ids = pick(&rows.ids, &test_rows);
    artifact.score_reference = Some(score_reference(&artifact, &scores, &test_ids)?);
    let metrics = evaluate(job, &artifact, &read.labels.gather(&sides.test), &scores)?;
    let bytes = artifact.encode().map_err(RunError::other("write the model"))?;
    let tried = &test_rows[..test_rows.len().min(TRIAL_ROWS)];
    try_out(&bytes, &rows.table.frame(tried), &scores)?;
    Ok(Candidate {
        bytes,
        kind: job.model.params.kind(),
        task: job.model.task.id(),
        rows_read: rows.table.rows() as u64,
        rows_train: train_rows.len() as u64,
        rows_test: test_rows.len() as u64,
        metrics,
        findings,
        inputs,
    })
}

/// The labels of the rows that have one.
fn labels(job: &Job, rows: &TrainingRows) -> Result<ReadLabels, RunError> {
    let all: Vec<usize> = (0..rows.table.rows()).collect();
    let Some(cells) = rows.table.cells(&rows.label, &all) else {
        let message = format!("the label `{}` was not read; this is a bug", rows.label);
        return Err(RunError::new("read the labels", Cause::Other, message));
    };
    let read = read_labels(job.model.task, &cells).map_err(|error| {
        let message = format!("label `{}`: {error}", rows.label);
        RunError::new("read the labels", Cause::Data, message)
    })?;
    let labelled = read.rows.len() as u64;
    if labelled < job.train.rows_min {
        let message =
            format!("found {labelled} labelled rows, wanted at least {}", job.train.rows_min);
        return Err(RunError::new("read the labels", Cause::Data, message)
            .hint("wait for more labels, or lower train.rows_min"));
    }
    Ok(read)
}

/// Which of the labelled rows are fitted on and which are held out, as places among them.
fn sides(job: &Job, rows: &TrainingRows, labelled: &[usize]) -> Result<SplitRows, RunError> {
    let ids = pick(&rows.ids, labelled);
    let times = rows.times.as_ref().map(|times| pick(times, labelled));
    split(&job.train.split, job.train.seed, &ids, times.as_deref())
        .map_err(RunError::data("split the rows"))
}

/// Metrics of the scores of held-out rows.
fn evaluate(
    job: &Job,
    artifact: &Artifact,
    labels: &Labels,
    scores: &Scores,
) -> Result<BTreeMap<String, MetricValue>, RunError> {
    let seed = job.train.seed;
    let found = match (labels, scores) {
        (Labels::Values(truth), Scores::Value(predicted)) => {
            metric::regression(truth, predicted, seed)
        }
        (Labels::Classes { index, .. }, Scores::Value(probability)) => {
            let positive = u32::try_from(artifact.positive).unwrap_or(u32::MAX);
            let truth: Vec<bool> = index.iter().map(|class| *class == positive).collect();
            let threshold = job.score.threshold.unwrap_or(DECISION_THRESHOLD);
            metric::binary(&truth, probability, threshold, seed)
        }
        (Labels::Classes { index, .. }, Scores::Classes(probability)) => {
            metric::multiclass(index, probability, seed)
        }
        (Labels::Values(_), Scores::Classes(_)) => {
            let message = "a regression gave scores for classes; this is a bug";
            return Err(RunError::new("evaluate", Cause::Other, message));
        }
    };
    let found = found.map_err(RunError::data("evaluate"))?;
    Ok(found.into_iter().map(|(id, value)| (id.to_owned(), value)).collect())
}

/// The profile of held-out scores: in-sample ones would make every night look drifted.
fn score_reference(
    artifact: &Artifact,
    scores: &Scores,
    ids: &[u64],
) -> Result<ReferenceProfile, RunError> {
    let names = score_columns(artifact);
    let frame = score_frame(&names, scores.columns());
    ReferenceProfile::of(&frame, ids, 0).map_err(RunError::data("profile"))
}

/// Decodes the artifact as a score run will, and compares its scores with those in memory, bit for bit.
fn try_out(bytes: &[u8], frame: &Frame<'_>, wanted: &Scores) -> Result<(), RunError> {
    let decoded = Artifact::decode(bytes).map_err(RunError::other("read the model back"))?;
    let found = decoded.score(frame).map_err(RunError::other("read the model back"))?;
    let same = found.columns().iter().zip(wanted.columns()).all(|(found, wanted)| {
        found.iter().zip(wanted).all(|(found, wanted)| found.to_bits() == wanted.to_bits())
    });
    if same {
        return Ok(());
    }
    let message = "the model scores otherwise after it was written and read; this is a bug";
    Err(RunError::new("read the model back", Cause::Other, message))
}

/// One digest over the names and contents of all files.
fn data_digest(inputs: &[InputFile]) -> [u8; 32] {
    let mut digest = sha2::Sha256::new();
    for input in inputs {
        digest.update((input.path.len() as u64).to_le_bytes());
        digest.update(input.path.as_bytes());
        digest.update(input.sha256.0);
    }
    digest.finalize().into()
}

fn span(times: &[i64]) -> Option<(i64, i64)> {
    Some((*times.iter().min()?, *times.iter().max()?))
}

fn pick<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|place| values[*place]).collect()
}

fn told(id: &str, message: String) -> Finding {
    Finding::new(FindingKind::Check, id, FindingVerdict::Warn, message)
}
