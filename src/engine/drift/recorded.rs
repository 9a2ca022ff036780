//! The comparison of a score run that is on record, made again by the code that made it.
//!
//! A run stores its profiles, and the version that scored holds the reference, so all numbers can be had
//! again without the data; the rule is that of the job file as the run executed it. What earlier runs
//! make a reference is looked up anew: if they were corrected since, the numbers follow. The finding about
//! all features together needs rows, which are not stored, and is read as it was recorded. Nothing is
//! written.

use jiff::Timestamp;

use super::{Profiles, earlier, report};
use crate::adapters::store::RunRecord;
use crate::domain::finding::{Finding, FindingKind};
use crate::domain::identity::{JobName, RunId, Version};
use crate::domain::job::Job;
use crate::domain::job::parse::parse;
use crate::domain::run::{RunKind, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::offload::offload;
use crate::engine::report::resolve;
use crate::engine::score::{INPUT_PROFILE, SCORE_PROFILE, load_artifact};
use crate::engine::world::World;
use crate::learn::drift::{DriftReport, domain_classifier};
use crate::learn::profile::TableProfile;

/// The stage that errors name.
const STAGE: &str = "compare with the reference";

/// What was found of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedDrift {
    /// The run.
    pub run: RunId,
    /// What it is for.
    pub tick: Timestamp,
    /// The version whose reference it was compared with.
    pub version: Version,
    /// Every column, with its numbers.
    pub report: DriftReport,
    /// All features together, as it was found then: rows are not stored. `None` of a run before that was
    /// looked at.
    pub separation: Option<Finding>,
    /// What was compared with, in words.
    pub against: String,
    /// Whether scores were compared: those of a version that was rolled back in the same run are not on
    /// record.
    pub has_scores: bool,
}

/// Compares the score run that `run` names, or the committed one of the latest tick of `job`.
pub async fn recorded(
    world: &World,
    job: &JobName,
    run: Option<&str>,
) -> Result<RecordedDrift, RunError> {
    let record = match run {
        Some(text) => named(world, job, text).await?,
        None => latest(world, job).await?,
    };
    let run = record.id.clone();
    let missing = |what: &str| {
        let message = format!("run `{run}` has no {what} on record");
        RunError::new(STAGE, Cause::Request, message)
    };
    let definition = definition(world, &record).await?;
    let version = judged_version(world, &record).await?.ok_or_else(|| missing("model"))?;
    let input = profile(world, &run, INPUT_PROFILE).await?.ok_or_else(|| {
        missing("profile").hint("profiles of earlier ticks are deleted after `keep.profiles`")
    })?;
    let mut artifact = load_artifact(world, &world.model(job, version).await?).await?;
    // The scores on record are those of the version that took over.
    let scores = match record.verdict {
        Some(Verdict::RolledBack) => None,
        _ => profile(world, &run, SCORE_PROFILE).await?,
    };
    let has_scores = scores.is_some();
    if !has_scores {
        artifact.score_reference = None;
    }
    let (tick, scores) = (record.slot.tick, scores.unwrap_or_default());
    let earlier = earlier(world, &definition, tick, &artifact).await?;
    let against = earlier.to_string();
    let report = offload(STAGE, move || {
        let profiles = Profiles { input: &input, scores: &scores };
        Ok(report(&definition, &artifact, profiles, &earlier))
    })
    .await?;
    let findings = world.store.findings(&run).await.map_err(RunError::store(STAGE))?;
    let is_separation = |finding: &Finding| {
        finding.kind == FindingKind::Drift && finding.id == domain_classifier::ID
    };
    let separation = findings.into_iter().find(is_separation);
    Ok(RecordedDrift { run, tick, version, report, separation, against, has_scores })
}

/// The score run of `job` that `text` names.
async fn named(world: &World, job: &JobName, text: &str) -> Result<RunRecord, RunError> {
    let run = resolve(world, text).await?;
    let found = world.store.run(&run).await.map_err(RunError::store(STAGE))?;
    let is_asked =
        |record: &RunRecord| record.slot.job == *job && record.slot.kind == RunKind::Score;
    found.filter(is_asked).ok_or_else(|| {
        let message = format!("run `{run}` is no score run of `{job}`");
        RunError::new(STAGE, Cause::Request, message)
            .hint(format!("`nightshift runs {job}` lists them"))
    })
}

/// The committed score run of the latest tick.
async fn latest(world: &World, job: &JobName) -> Result<RunRecord, RunError> {
    let (from, before) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let found = world.store.published_between(job, from, before, 1).await;
    found.map_err(RunError::store(STAGE))?.pop().ok_or_else(|| {
        let message = format!("`{job}` has no committed score run");
        RunError::new(STAGE, Cause::Request, message)
            .hint(format!("`nightshift run {job}` makes one"))
    })
}

/// The job as the run executed it.
async fn definition(world: &World, record: &RunRecord) -> Result<Job, RunError> {
    let found = world.store.definition(&record.job_sha256).await.map_err(RunError::store(STAGE))?;
    let job = found.and_then(|text| parse("the job of the run", text.as_bytes()).ok());
    job.ok_or_else(|| {
        let message = format!("the job file that run `{}` executed is not readable", record.id);
        RunError::new(STAGE, Cause::Request, message)
            .hint(format!("`nightshift show {}` has what was found then", record.id))
    })
}

/// The version whose reference the run was judged by: the one that scored, also if another took over.
async fn judged_version(world: &World, record: &RunRecord) -> Result<Option<Version>, RunError> {
    let published = record.model.map(|pin| pin.version);
    if record.verdict != Some(Verdict::RolledBack) {
        return Ok(published);
    }
    let moves = world.store.history(&record.slot.job).await.map_err(RunError::store(STAGE))?;
    let rolled_back = moves.into_iter().find(|moved| {
        moved.run.as_ref() == Some(&record.id) && moved.to == published && moved.from != published
    });
    Ok(rolled_back.and_then(|moved| moved.from).or(published))
}

async fn profile(world: &World, run: &RunId, name: &str) -> Result<Option<TableProfile>, RunError> {
    let body = world.store.profile(run, name).await.map_err(RunError::store(STAGE))?;
    let decoded = body.map(|body| TableProfile::decode(&body)).transpose();
    decoded.map_err(|error| RunError::new(STAGE, Cause::Damaged, error))
}
