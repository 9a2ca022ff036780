//! Why one row has its score: the row as it was read, the version that scored it, and what each feature added.
//!
//! What a run has published is not believed but made again: from the file that it read, whose digest must be the
//! one on record, and the model file it used. What comes out is set beside what was published.

use std::path::Path;

use jiff::Timestamp;

use crate::adapters::dataset::{
    self, MADE_UP_ID, ScanError, ScanRequest, SourceFile, Table, TimeFilter, named_files,
};
use crate::adapters::store::{Input, OutputRole, RunRecord};
use crate::domain::frame::{Cells, Frame};
use crate::domain::identity::{JobName, Sha256};
use crate::domain::job::Job;
use crate::domain::run::RunKind;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::definition;
use crate::engine::offload::offload;
use crate::engine::pass::{self, BATCH_ROWS};
use crate::engine::plan;
use crate::engine::report::ModelRef;
use crate::engine::score::load_artifact;
use crate::engine::world::World;
use crate::learn::artifact::Explanation;

const STAGE: &str = "explain the score";

/// A score, and where it comes from.
#[derive(Debug)]
pub struct ExplainedScore {
    /// The committed run of the tick.
    pub run: RunRecord,
    /// The version that scored.
    pub model: ModelRef,
    /// The kind of its model, and how it is calibrated.
    pub method: String,
    /// The file that the row was read from, relative to its root.
    pub file: String,
    /// The number of the row in it, from 1.
    pub row: u64,
    /// What each feature adds.
    pub explanation: Explanation,
    /// What was published of the row, one for each output; `None` if the file is pruned.
    pub published: Option<Vec<f64>>,
}

impl ExplainedScore {
    /// Whether the published score came out again, to the last bit; `None` if it is not there any more.
    pub fn is_reproduced(&self) -> Option<bool> {
        let made = self.explanation.outputs.iter().map(|output| output.score.to_bits());
        let published = self.published.as_ref()?.iter().map(|score| score.to_bits());
        Some(made.eq(published))
    }
}

/// Explains the score that the row called `id` has in the committed run of `tick`, or of the latest tick.
pub async fn explain_score(
    world: &World,
    job: &JobName,
    id: &str,
    tick: Option<Timestamp>,
) -> Result<ExplainedScore, RunError> {
    let run = committed(world, job, tick).await?;
    let undefined = || asked_in_vain(format!("the job file of run `{}` is not readable", run.id));
    let job = definition(world, &run).await?.ok_or_else(undefined)?.job;
    let pin = run.model.ok_or_else(|| asked_in_vain(format!("run `{}` names no model", run.id)))?;
    let model = world.model(&job.name, pin.version).await?;
    let artifact = load_artifact(world, &model).await?;
    let failed = RunError::store(STAGE);
    let inputs = world.store.inputs(&run.id).await.map_err(failed)?;
    let outputs = world.store.outputs(&run.id).await.map_err(failed)?;
    let part = outputs
        .into_iter()
        .find(|record| record.output.role == OutputRole::Part && record.removed_at.is_none());

    let part = part.map(|part| world.path_of(&part.output.published)).transpose()?;
    let paths = plan::score_paths(world, &job, run.interval)?;
    let files = dataset::discover(&world.roots, &paths.input, job.data.format)
        .map_err(RunError::data(STAGE))?;
    let inputs = Inputs::of(files, &inputs);
    let id = id.to_owned();
    offload(STAGE, move || {
        let (method, names) = (artifact.method(), pass::score_columns(&artifact));
        let columns: Vec<String> = artifact.features.columns().map(str::to_owned).collect();
        let wanted = Wanted {
            id: &id,
            id_column: job.data.id.as_deref(),
            columns: &columns,
            time: paths.filter.as_ref(),
        };
        let explain = |frame: &Frame<'_>, row: usize| {
            artifact.explain(frame, row).map_err(RunError::data(STAGE))
        };
        // Opened as the run did: types of columns follow from all files, and from what the version has pinned.
        let opened = Table::open_pinned(&inputs.files, wanted.id_column, &artifact.schema);
        let looked =
            opened.map_err(RunError::table(STAGE)).and_then(|table| wanted.find(&table, explain));
        let found = match looked {
            Ok(found) => found.ok_or_else(|| unknown(&id, &run))?,
            Err(error) => {
                inputs.require_unchanged(None, &run)?;
                return Err(error);
            }
        };
        inputs.require_unchanged(Some(&found.file), &run)?;
        let published = match &part {
            None => None,
            Some(path) => {
                Some(published(path, &job, &id, &names)?.ok_or_else(|| set_aside(&id, &run))?)
            }
        };
        let Found { file, row, told: explanation } = found;
        Ok(ExplainedScore { run, model, method, file, row, explanation, published })
    })
    .await
}

/// The committed score run of `tick`, or of the latest one.
async fn committed(
    world: &World,
    job: &JobName,
    tick: Option<Timestamp>,
) -> Result<RunRecord, RunError> {
    let found = match tick {
        Some(tick) => world.store.current(job, RunKind::Score, tick).await,
        None => world.store.latest(job, RunKind::Score).await,
    };
    found.map_err(RunError::store(STAGE))?.ok_or_else(|| {
        let of = tick.map_or_else(String::new, |tick| format!(" for tick {tick}"));
        asked_in_vain(format!("`{job}` has published no scores{of}"))
            .hint(format!("`nightshift ticks {job}` lists what became of its ticks"))
    })
}

/// A row that is looked for.
struct Wanted<'a> {
    id: &'a str,
    id_column: Option<&'a str>,
    columns: &'a [String],
    time: Option<&'a TimeFilter>,
}

/// A row that was found.
struct Found<T> {
    /// The file, relative to its root.
    file: String,
    /// The number in it, from 1.
    row: u64,
    /// What was made of it.
    told: T,
}

/// Why a pass ended early.
enum Halt<T> {
    Found(Found<T>),
    Failed(RunError),
}

impl Wanted<'_> {
    /// The first row with the id, and what `read` makes of it.
    fn find<T>(
        &self,
        table: &Table,
        read: impl Fn(&Frame<'_>, usize) -> Result<T, RunError>,
    ) -> Result<Option<Found<T>>, RunError> {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let request = ScanRequest {
            columns: self.columns,
            id: self.id_column,
            time: self.time,
            batch_rows: BATCH_ROWS,
        };
        let scanned = table.scan(&request, |batch| {
            let Some(row) = batch.row_with_id(self.id) else { return Ok(()) };
            let frame = batch.frame(&names).map_err(RunError::table(STAGE));
            Err(match frame.and_then(|frame| read(&frame, row)) {
                Ok(told) => {
                    let (file, row) = (batch.file().to_owned(), batch.row_number(row));
                    Halt::Found(Found { file, row, told })
                }
                Err(error) => Halt::Failed(error),
            })
        });
        match scanned {
            Ok(_) => Ok(None),
            Err(ScanError::Callback(Halt::Found(found))) => Ok(Some(found)),
            Err(ScanError::Callback(Halt::Failed(error))) => Err(error),
            Err(ScanError::Dataset(error)) => Err(RunError::table(STAGE)(error)),
        }
    }
}

/// The files that a run has read, as far as they are there.
struct Inputs {
    files: Vec<SourceFile>,
    /// What each had in it when it was read.
    recorded: Vec<Sha256>,
}

impl Inputs {
    fn of(files: Vec<SourceFile>, inputs: &[Input]) -> Self {
        let recorded = |file: SourceFile| {
            let input = inputs.iter().find(|input| input.path == file.relative)?;
            Some((file, input.sha256))
        };
        let (files, recorded) = files.into_iter().filter_map(recorded).unzip();
        Self { files, recorded }
    }

    /// The file called `name`, or every one, must still be what the run has read.
    fn require_unchanged(&self, name: Option<&str>, run: &RunRecord) -> Result<(), RunError> {
        let all = self.files.iter().zip(&self.recorded);
        for (file, recorded) in
            all.filter(|(file, _)| name.is_none_or(|name| file.relative == name))
        {
            let (found, _) = file.sha256_while(|| true).map_err(RunError::table(STAGE))?;
            if found != *recorded {
                let message = format!(
                    "`{}` is not what run `{}` has read: wanted SHA-256 {recorded}, found {found}",
                    file.relative, run.id
                );
                return Err(RunError::new(STAGE, Cause::Data, message)
                    .hint("only the scores of files that have not changed can be explained"));
            }
        }
        Ok(())
    }
}

/// The scores that are published of a row, in the columns called `names`.
fn published(
    path: &Path,
    job: &Job,
    id: &str,
    names: &[String],
) -> Result<Option<Vec<f64>>, RunError> {
    let files = named_files(&[path.to_string_lossy().into_owned()]);
    let files = files.map_err(RunError::table(STAGE))?;
    let id_column = Some(job.data.id.as_deref().unwrap_or(MADE_UP_ID));
    let wanted = Wanted { id, id_column, columns: names, time: None };
    let scores = |frame: &Frame<'_>, row: usize| {
        let score = |name: &String| match frame.column(name) {
            Some(Cells::Number(numbers)) => numbers.value(row),
            _ => None,
        };
        let unreadable = || asked_in_vain(format!("`{}` lacks a score", path.display()));
        names.iter().map(score).collect::<Option<Vec<f64>>>().ok_or_else(unreadable)
    };
    let table = Table::open(&files, id_column).map_err(RunError::table(STAGE))?;
    Ok(wanted.find(&table, scores)?.map(|found| found.told))
}

fn asked_in_vain(message: String) -> RunError {
    RunError::new(STAGE, Cause::Request, message)
}

fn unknown(id: &str, run: &RunRecord) -> RunError {
    let message = format!("no row that run `{}` has read has the id `{id}`", run.id);
    asked_in_vain(message).hint(
        "ids are those of the published scores; `--tick` asks for another tick than the latest, and input \
         files that are gone or moved cannot be read again",
    )
}

fn set_aside(id: &str, run: &RunRecord) -> RunError {
    asked_in_vain(format!("run `{}` set the row `{id}` aside: it has no score", run.id))
        .hint(format!("`nightshift show {}` names the checks that it failed", run.id))
}
