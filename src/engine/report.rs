//! What a run did, as it stands in the store: `run` prints what `show` prints a year later.
//!
//! A report is always read back from the store, also right after the run, so that nothing can be told
//! that was not recorded. How it is shown is the business of `app::render`.

use jiff::Timestamp;

use crate::adapters::lock::{Beat, RunLock};
use crate::adapters::store::{self, RunRecord};
pub use crate::adapters::store::{Attempt, Decision, Rows, Stage};
use crate::domain::finding::Finding;
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::run::{Interval, RunKind, State, Trigger, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::world::World;

/// Everything that is known of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// Its identity.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// Whether it scored or trained.
    pub kind: RunKind,
    /// Why it exists.
    pub trigger: Trigger,
    /// The nominal instant it is for.
    pub tick: Timestamp,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// 0 for the first run of its tick.
    pub revision: u32,
    /// Where it stands.
    pub state: State,
    /// `None` until the run is finished.
    pub verdict: Option<Verdict>,
    /// Row counts.
    pub rows: Rows,
    /// The files it published, in order of publication.
    pub outputs: Vec<OutputFile>,
    /// The version that scored, or that was trained.
    pub model: Option<ModelRef>,
    /// The files it read.
    pub inputs: Vec<InputFile>,
    /// What checks, tests and gates found.
    pub findings: Vec<Finding>,
    /// What the findings led to.
    pub decision: Option<Decision>,
    /// Its steps and how long they took.
    pub stages: Vec<Stage>,
    /// The most memory that the process held, file mappings included.
    pub peak_rss_bytes: Option<u64>,
    /// What its process has told of its progress, while it is executed.
    pub progress: Option<Beat>,
    /// Every try.
    pub attempts: Vec<Attempt>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Runs that had to come first: the initial training.
    pub preceded_by: Vec<RunReport>,
    /// Runs that this one caused.
    pub followed_by: Vec<RunReport>,
}

/// A file that a run published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// `part`, `quarantine`, `manifest` or `model`.
    pub role: String,
    /// Relative to the project root where it lies below it.
    pub path: String,
    /// Rows in it, 0 where it has none.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// A file that a run read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Relative to its root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// A version of a model, with the hash of its artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRef {
    /// The model, which has the name of its job.
    pub name: JobName,
    /// The number of the version.
    pub version: Version,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// Most generations of runs that a report goes down.
const GENERATIONS_MAX: usize = 8;

/// Everything that the store knows of `run`, and of the runs that it has caused.
pub async fn load(world: &World, run: &RunId) -> Result<RunReport, RunError> {
    load_down_to(world, run, GENERATIONS_MAX).await
}

async fn load_down_to(
    world: &World,
    run: &RunId,
    generations: usize,
) -> Result<RunReport, RunError> {
    let failed = RunError::store("read the record");
    let record = world.store.run(run).await.map_err(failed)?.ok_or_else(|| {
        RunError::new("read the record", Cause::Request, format!("there is no run `{run}`"))
    })?;
    let inputs = world.store.inputs(run).await.map_err(failed)?;
    let outputs = world.store.outputs(run).await.map_err(failed)?;
    let findings = world.store.findings(run).await.map_err(failed)?;
    let attempts = world.store.attempts(run).await.map_err(failed)?;
    let mut followed_by = Vec::new();
    if generations > 0 {
        for child in world.store.children(run).await.map_err(failed)? {
            followed_by.push(Box::pin(load_down_to(world, &child.id, generations - 1)).await?);
        }
    }
    Ok(RunReport {
        progress: progress_of(world, &record),
        outputs: outputs.into_iter().map(|found| output_file(world, &found.output)).collect(),
        inputs: inputs.into_iter().map(input_file).collect(),
        findings,
        attempts,
        followed_by,
        ..outline(record)
    })
}

/// What the process of a run has told last; `None` if nobody executes it.
pub fn progress_of(world: &World, record: &RunRecord) -> Option<Beat> {
    let is_executed = matches!(record.state, State::Claimed | State::Running | State::Committing);
    is_executed.then(|| RunLock::beat(&world.state_dir(), &record.id)).flatten()
}

/// The run that `text` names: an id, or the beginning of exactly one.
pub async fn resolve(world: &World, text: &str) -> Result<RunId, RunError> {
    let found = world
        .store
        .runs_by_prefix(&text.to_lowercase())
        .await
        .map_err(RunError::store("read the record"))?;
    let refuse = |message: String| {
        Err(RunError::new("find the run", Cause::Request, message)
            .hint("`nightshift runs` lists them"))
    };
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => refuse(format!("there is no run `{text}`")),
        several => refuse(format!("`{text}` is the beginning of {} runs or more", several.len())),
    }
}

/// What the row of a run says, without what other tables hold.
fn outline(record: RunRecord) -> RunReport {
    let name = record.slot.job.clone();
    let model = record.model.map(|pin| ModelRef { name, version: pin.version, sha256: pin.sha256 });
    RunReport {
        run: record.id,
        job: record.slot.job,
        kind: record.slot.kind,
        trigger: record.trigger,
        tick: record.slot.tick,
        interval: record.interval,
        revision: record.slot.revision,
        state: record.state,
        verdict: record.verdict,
        rows: record.rows,
        outputs: Vec::new(),
        model,
        inputs: Vec::new(),
        findings: Vec::new(),
        decision: record.decision,
        stages: record.stages,
        peak_rss_bytes: record.peak_rss_bytes,
        progress: None,
        attempts: Vec::new(),
        error: record.error,
        created_at: record.created_at,
        finished_at: record.finished_at,
        preceded_by: Vec::new(),
        followed_by: Vec::new(),
    }
}

fn output_file(world: &World, found: &store::NewOutput) -> OutputFile {
    OutputFile {
        role: found.role.id().to_owned(),
        path: world.shown(&found.published),
        rows: found.rows,
        bytes: found.size_bytes,
        sha256: found.sha256,
    }
}

impl InputFile {
    /// The file as the store keeps it.
    pub fn record(&self) -> store::Input {
        store::Input { path: self.path.clone(), size_bytes: self.bytes, sha256: self.sha256 }
    }
}

fn input_file(found: store::Input) -> InputFile {
    InputFile { path: found.path, bytes: found.size_bytes, sha256: found.sha256 }
}
