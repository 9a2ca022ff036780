//! From files to a candidate: read, split, fit, evaluate on held-out rows, judge, pack an artifact.
//!
//! At tick T only rows before T are used. Evaluation goes through the very code that scores, and what was
//! stored is tried beside it: what is registered is what was measured. The champion scores the same rows,
//! so that gates compare like with like.

/// The columns that it leans on.
mod leaning;
/// The fit itself, and going on from the champion.
mod learned;

use std::collections::BTreeMap;

use sha2::Digest as _;

use self::leaning::leaning;
use self::learned::learn;
use crate::adapters::artifact::Artifacts;
use crate::adapters::dataset::SourceFile;
use crate::adapters::failpoint;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::frame::Cells;
use crate::domain::gate::Judgement;
use crate::domain::identity::{RunId, Sha256};
use crate::domain::job::{Job, Split, Task};
use crate::domain::registry::MetricValue;
use crate::domain::run::Interval;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Progress;
use crate::engine::gates::{self, Baseline, Evidence, HeldOut, infra};
use crate::engine::inputs::InputDigests;
use crate::engine::pass::{Contender, score_columns, score_frame};
use crate::engine::report::InputFile;
use crate::engine::search;
use crate::engine::training_rows::{TrainingRows, read};
use crate::learn::artifact::{Artifact, Scores, TrainingFacts};
use crate::learn::fit::{Examples, Fitted};
use crate::learn::model::{Labels, ReadLabels, read_labels};
use crate::learn::profile::ReferenceProfile;
use crate::learn::split::{FittedRows, SplitRows, split};
use crate::learn::weights::{WeightError, read_weights};

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
    /// Columns that are read besides features and label, where they are there.
    pub also: Vec<String>,
}

/// An evaluated version, not yet registered.
#[derive(Debug)]
pub struct Candidate {
    /// Names its model file.
    pub sha256: Sha256,
    /// The size of its model file.
    pub size_bytes: u64,
    /// The model kind, and after a `+` how it is calibrated.
    pub method: String,
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
    /// What its gates say.
    pub judgements: Vec<Judgement>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
}

/// Trains what `job` says on what `plan` names, stores the model file, and judges what was stored beside
/// `champion`. A file that no version is registered for is invisible, and removed by `prune`.
pub fn train(
    plan: &TrainPlan,
    job: &Job,
    champion: Option<&Contender>,
    artifacts: &Artifacts,
    progress: Option<&Progress>,
) -> Result<Candidate, RunError> {
    let digests = InputDigests::start(&plan.files)?;
    let rows = read(plan, job, progress)?;
    let inputs = digests.finish()?;
    let mut findings = rows.findings.clone();
    let read = labels(job, &rows)?;
    if read.missing > 0 {
        let message = format!("{} rows have no `{}` and were not used", read.missing, rows.label);
        findings.push(told("label_null", message));
    }
    let sides = sides(job, &rows, &read.rows)?;
    let (train_rows, test_rows) = (pick(&read.rows, &sides.train), pick(&read.rows, &sides.test));
    let labelled = examples(job, &rows, &read)?;
    let (examples, held_out) = (labelled.gather(&sides.train), labelled.gather(&sides.test));
    failpoint::reach("train.fit").map_err(RunError::other("fit"))?;
    let searched = search::search(job, &rows, &examples)?;
    findings.extend(searched.findings);
    let job = &searched.job;
    let learned = learn(job, &rows, &examples, champion)?;
    findings.extend(learned.findings);
    let fitted = learned.fitted;
    findings.extend(fit_findings(&fitted));

    let mut facts = facts(plan, job, &rows, &inputs, (&train_rows, &test_rows));
    if let Some((before, new)) = learned.on {
        facts.rows = before.rows + new;
        facts.fitted = facts.fitted.and(&before.fitted);
    }
    let rows_train = facts.rows;
    let labelled_ids = pick(&rows.ids, &read.rows);
    let categories_max = job.features.categories_max;
    let reference =
        ReferenceProfile::of(&rows.profiled(&read.rows), &labelled_ids, categories_max)?;
    let mut artifact = fitted.into_artifact(facts, rows.schema.clone(), reference);
    let test = rows.table.frame(&test_rows);
    let scores = artifact.score(&test).map_err(RunError::data("evaluate"))?;
    let test_ids = pick(&rows.ids, &test_rows);
    artifact.score_reference = Some(score_reference(&artifact, &scores, &test_ids)?);
    findings.extend(leaning(job, &rows, (&examples, &held_out), &mut artifact)?);
    let bytes = artifact.encode().map_err(RunError::other("write the model"))?;
    let sha256 = artifacts.store(&bytes).map_err(RunError::artifact("write the model"))?;
    let tried = &test_rows[..test_rows.len().min(infra::TRIAL_ROWS)];
    let mut judgements = vec![infra::judge(artifacts, &sha256, &rows.table.frame(tried), &scores)];
    let held_out = HeldOut {
        artifact: &artifact,
        labels: &read.labels.gather(&sides.test),
        scores: &scores,
        ids: &test_ids,
    };
    let all: Vec<usize> = (0..test_rows.len()).collect();
    let metrics = held_out.metrics(job, &all)?;
    let evidence = evidence(job, &rows, (&read, &sides), held_out, champion);
    failpoint::reach("gate.eval").map_err(RunError::other("judge the candidate"))?;
    judgements.extend(gates::judge(&evidence)?);
    Ok(Candidate {
        sha256,
        size_bytes: bytes.len() as u64,
        method: artifact.method(),
        task: job.model.task.id(),
        rows_read: rows.table.rows() as u64,
        rows_train,
        rows_test: test_rows.len() as u64,
        metrics: metrics.into_iter().map(|(id, value)| (id.to_owned(), value)).collect(),
        findings,
        judgements,
        inputs,
    })
}

/// What the candidate is made of.
fn facts(
    plan: &TrainPlan,
    job: &Job,
    rows: &TrainingRows,
    inputs: &[InputFile],
    (train_rows, test_rows): (&[usize], &[usize]),
) -> TrainingFacts {
    let times = rows.times.as_ref().map(|times| pick(times, train_rows));
    TrainingFacts {
        model: job.name.to_string(),
        tick: plan.interval.end.to_string(),
        rows: train_rows.len() as u64,
        rows_test: test_rows.len() as u64,
        interval_micros: rows.times.as_deref().and_then(span),
        fitted: FittedRows::of(&job.train.split, job.train.seed, times.as_deref()),
        data_sha256: data_digest(inputs),
        job_sha256: plan.job_sha256.0,
        seed: job.train.seed,
        versions: vec![("nightshift".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
    }
}

/// What the fit warns of, and that it was calibrated.
fn fit_findings(fitted: &Fitted) -> Vec<Finding> {
    let warnings = fitted.warnings.iter().map(|text| told("fit", text.clone()));
    let calibrated = fitted.calibration.as_ref().map(|calibration| {
        let message = format!(
            "probabilities are calibrated by `{}`, on training rows that the models of folds had not seen",
            calibration.method()
        );
        Finding::new(FindingKind::Check, "calibration", FindingVerdict::Pass, message)
    });
    warnings.chain(calibrated).collect()
}

/// Everything that gates look at.
fn evidence<'a>(
    job: &'a Job,
    rows: &TrainingRows,
    (read, sides): (&ReadLabels, &SplitRows),
    held_out: HeldOut<'a>,
    champion: Option<&'a Contender>,
) -> Evidence<'a> {
    let test_rows = pick(&read.rows, &sides.test);
    let times = rows.times.as_ref().map(|times| pick(times, &test_rows));
    let is_fair = |row: &usize| {
        let time = times.as_ref().map(|times| times[*row]);
        champion.is_none_or(|champion| {
            !champion.artifact.facts.fitted.may_hold(held_out.ids[*row], time)
        })
    };
    let fair = (0..test_rows.len()).filter(is_fair).collect();
    let gates = job.gates.iter().filter_map(|gate| gate.slice.as_ref());
    let slices = gates.filter_map(|column| {
        let cells = rows.table.cells(column, &test_rows)?;
        Some((column.clone(), values_as_text(&cells)))
    });
    Evidence {
        job,
        baseline: champion.map(|champion| {
            let found = champion.artifact.score(&rows.table.frame(&test_rows));
            let obstacle = found.as_ref().err().map(ToString::to_string);
            let (version, artifact) = (champion.model.version, &champion.artifact);
            Baseline { version, artifact, scores: found.ok(), obstacle }
        }),
        fair,
        constant: constant(held_out.artifact, &read.labels.gather(&sides.train)),
        last_value: last_value(job, rows, read, sides, held_out.artifact),
        slices: slices.collect(),
        held_out,
    }
}

/// What the constant predictor says: the class shares of the training rows, or the mean of their labels.
fn constant(artifact: &Artifact, labels: &Labels) -> Vec<f64> {
    let rows = labels.len().max(1) as f64;
    match labels {
        Labels::Values(values) => vec![values.iter().sum::<f64>() / rows],
        Labels::Classes { index, .. } => {
            let mut counts = vec![0.0; artifact.classes.len()];
            for class in index {
                counts[*class as usize] += 1.0;
            }
            let shares = counts.into_iter().map(|count| count / rows);
            match artifact.task {
                Task::Multiclass => shares.collect(),
                _ => shares.skip(artifact.positive).take(1).collect(),
            }
        }
    }
}

/// For each held-out row what the label of the row before it in time was; NaN for the first. `None` without
/// times, and for classes beyond two, where a label is no probability.
fn last_value(
    job: &Job,
    rows: &TrainingRows,
    read: &ReadLabels,
    sides: &SplitRows,
    artifact: &Artifact,
) -> Option<Vec<f64>> {
    let times = pick(rows.times.as_ref()?, &read.rows);
    let value = |place: usize| match (&read.labels, job.model.task) {
        (Labels::Values(values), _) => Some(values[place]),
        (Labels::Classes { index, .. }, Task::Binary) => {
            Some(f64::from(u8::from(index[place] as usize == artifact.positive)))
        }
        (Labels::Classes { .. }, _) => None,
    };
    let mut in_time: Vec<usize> = (0..times.len()).collect();
    in_time.sort_by_key(|place| times[*place]);
    let mut before = vec![f64::NAN; times.len()];
    for pair in in_time.windows(2) {
        before[pair[1]] = value(pair[0])?;
    }
    Some(pick(&before, &sides.test))
}

/// The value of each row as text; a number as it prints.
fn values_as_text(cells: &Cells<'_>) -> Vec<Option<String>> {
    match cells {
        Cells::Text(values) => values.iter().map(|value| value.map(str::to_owned)).collect(),
        Cells::Number(numbers) => {
            let rows = 0..numbers.values.len();
            rows.map(|row| numbers.value(row).map(|value| (value + 0.0).to_string())).collect()
        }
    }
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

/// The labelled rows with all that a fit may know of them. Times count where the split is by time: what was
/// later is then never used to predict what was earlier.
fn examples(job: &Job, rows: &TrainingRows, read: &ReadLabels) -> Result<Examples, RunError> {
    let weights = match rows.weight.as_ref() {
        Some(column) => {
            let cells = rows.table.cells(column, &read.rows);
            let found =
                cells.map_or(Err(WeightError::Text), |cells| read_weights(&cells, &read.rows));
            Some(found.map_err(|error| {
                let message = format!("column `{column}` (data.weight): {error}");
                RunError::new("read the weights", Cause::Data, message)
            })?)
        }
        None => None,
    };
    let is_by_time = matches!(job.train.split, Split::Time { .. });
    let times = rows.times.as_ref().filter(|_| is_by_time).map(|times| pick(times, &read.rows));
    let (labels, ids) = (read.labels.clone(), pick(&rows.ids, &read.rows));
    Ok(Examples { rows: read.rows.clone(), labels, weights, ids, times })
}

/// Which of the labelled rows are fitted on and which are held out, as places among them.
fn sides(job: &Job, rows: &TrainingRows, labelled: &[usize]) -> Result<SplitRows, RunError> {
    let ids = pick(&rows.ids, labelled);
    let times = rows.times.as_ref().map(|times| pick(times, labelled));
    split(&job.train.split, job.train.seed, &ids, times.as_deref())
        .map_err(RunError::data("split the rows"))
}

/// The profile of held-out scores: in-sample ones would make every night look drifted.
fn score_reference(
    artifact: &Artifact,
    scores: &Scores,
    ids: &[u64],
) -> Result<ReferenceProfile, RunError> {
    let names = score_columns(artifact);
    let frame = score_frame(&names, scores.columns());
    Ok(ReferenceProfile::of(&frame, ids, 0)?)
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
