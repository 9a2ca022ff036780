//! A score run from beginning to end: the whole story in one place.
//!
//! Pin the champion, find the input, take every row through one pass, decide, publish. What fails on
//! the way leaves nothing behind that a reader can see.

use std::path::Path;
use std::sync::Arc;

use crate::adapters::artifact::ArtifactError;
use crate::adapters::dataset::{self, SourceFile, Written};
use crate::adapters::publish::Staging;
use crate::adapters::store::{
    Afterwards, Conclusion, Decision, Failure, Input, Intent, ModelPin, NewOutput, OutputRole,
    Profile, TickDecision,
};
use crate::domain::decide::{ScoreDecision, decide_scores};
use crate::domain::identity::{RunId, Sha256, Version};
use crate::domain::run::{AttemptOutcome, Interval, RunSlot, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Execution;
use crate::engine::manifest::{self, MANIFEST_FILE};
use crate::engine::offload::offload;
use crate::engine::pass::{self, Scored};
use crate::engine::plan::{self, ScorePaths};
use crate::engine::report::{InputFile, ModelRef};
use crate::engine::world::World;
use crate::engine::{commit, recover};
use crate::learn::artifact::Artifact;

/// Everything a score run will read, use and write.
#[derive(Debug, Clone)]
pub struct ScorePlan {
    /// Its identity.
    pub run: RunId,
    /// Its place.
    pub slot: RunSlot,
    /// The span of time whose data it covers.
    pub interval: Interval,
    /// The version that scores.
    pub model: ModelRef,
    /// The digest of the job file.
    pub job_sha256: Sha256,
    /// Where it reads and writes.
    pub paths: ScorePaths,
    /// The files it reads.
    pub files: Vec<SourceFile>,
}

/// Executes a claimed score run.
pub async fn execute(execution: &mut Execution<'_>) -> Result<(), RunError> {
    let world = execution.world;
    let job = Arc::new(execution.loaded.job.clone());

    let stage = execution.stage("plan");
    recover::sweep_staging(world, &job).await?;
    let plan = Arc::new(plan_score(execution).await?);
    let artifact = Arc::new(load_artifact(world, &plan.model).await?);
    let pin = ModelPin { version: plan.model.version, sha256: plan.model.sha256 };
    pin_model(execution, pin, &[]).await?;
    let staging = Staging::create(&plan.paths.output_root, &execution.claim)
        .map_err(commit::published("stage"))?;
    execution.stage_done(stage);

    let stage = execution.stage("score");
    let scored = {
        let (plan, job, artifact) = (plan.clone(), job.clone(), artifact.clone());
        let (folder, progress) = (staging.folder().to_owned(), execution.progress.clone());
        offload("score", move || pass::score(&plan, &folder, &job, &artifact, progress.as_ref()))
            .await?
    };
    pin_model(execution, pin, &scored.inputs).await?;
    execution.stage_done(stage);

    match decide_scores(&scored.findings) {
        ScoreDecision::Abort { reason } => {
            staging.remove().map_err(commit::published("stage"))?;
            abort(execution, scored, reason).await
        }
        ScoreDecision::Publish { reason } => {
            let stage = execution.stage("stage");
            let outputs = stage_files(&plan, &staging, &scored)?;
            execution.stage_done(stage);
            publish(execution, staging, scored, outputs, reason).await
        }
    }
}

async fn plan_score(execution: &Execution<'_>) -> Result<ScorePlan, RunError> {
    let (world, job) = (execution.world, &execution.loaded.job);
    let Some(model) = world.champion(&job.name).await? else {
        let message = format!("model `{}` has no champion to score with", job.name);
        return Err(RunError::new("plan", Cause::Request, message).hint(format!(
            "train one with `nightshift train {name}`, or let `nightshift run {name}` do both",
            name = job.name
        )));
    };
    let paths = plan::score_paths(world, job, execution.interval)?;
    let files = dataset::discover(&world.roots, &paths.input, job.data.format)
        .map_err(RunError::data("plan"))?;
    if files.is_empty() {
        let message = format!("input_missing: no file matches `{}`", paths.input);
        return Err(RunError::new("plan", Cause::Data, message).hint(
            "the pattern comes from score.input or data.source; `nightshift plan` shows it",
        ));
    }
    Ok(ScorePlan {
        run: execution.claim.run.clone(),
        slot: execution.slot.clone(),
        interval: execution.interval,
        model,
        job_sha256: execution.job_sha256,
        paths,
        files,
    })
}

/// Reads the artifact of a version, which has the content on record or is refused.
pub async fn load_artifact(world: &World, model: &ModelRef) -> Result<Artifact, RunError> {
    let refuse = |source: Box<dyn std::error::Error + Send + Sync>| {
        RunError::new("load the model", Cause::Damaged, source).hint(format!(
            "roll back with `nightshift rollback {} --reason ...`, or train again",
            model.name
        ))
    };
    let bytes = match world.artifacts.load(&model.sha256) {
        Ok(bytes) => bytes,
        Err(error @ ArtifactError::Corrupt { .. }) => {
            let _marked = world
                .store
                .corrupt_version(&model.name, model.version)
                .await
                .map_err(RunError::store("load the model"))?;
            return Err(refuse(Box::new(error)));
        }
        Err(error) => return Err(refuse(Box::new(error))),
    };
    Artifact::decode(&bytes).map_err(|error| refuse(Box::new(error)))
}

async fn pin_model(
    execution: &Execution<'_>,
    pin: ModelPin,
    inputs: &[InputFile],
) -> Result<(), RunError> {
    let inputs: Vec<Input> = inputs.iter().map(InputFile::record).collect();
    let store = &execution.world.store;
    store
        .record_plan(&execution.claim, Some(pin), &inputs)
        .await
        .map_err(RunError::store("record the plan"))
}

/// Writes the manifest beside the staged parts, and lists every file in the order of publication.
fn stage_files(
    plan: &ScorePlan,
    staging: &Staging,
    scored: &Scored,
) -> Result<Vec<NewOutput>, RunError> {
    let mut out = Vec::new();
    let published = |path: &Path| plan.paths.output_dir.join(path).to_string_lossy().into_owned();
    let mut add = |role, staged: &str, target: &str, written: &Written| {
        let staged = staging.path(staged).map_err(commit::published("stage"))?;
        out.push(NewOutput {
            role,
            staged_path: staged.to_string_lossy().into_owned(),
            final_path: published(Path::new(target)),
            sha256: written.sha256,
            size_bytes: written.size_bytes,
            rows: written.rows,
        });
        Ok::<(), RunError>(())
    };
    let part = pass::part_name(&plan.run);
    add(OutputRole::Part, &part, &part, &scored.part)?;
    if let Some(written) = &scored.quarantine {
        let target = pass::quarantine_target(&plan.run);
        add(OutputRole::Quarantine, &pass::quarantine_name(&plan.run), &target, written)?;
    }
    let text = manifest::encode(plan, scored).map_err(RunError::other("stage"))?;
    let staged = staging.write(MANIFEST_FILE, &text).map_err(commit::published("stage"))?;
    out.push(NewOutput {
        role: OutputRole::Manifest,
        staged_path: staged.path.to_string_lossy().into_owned(),
        final_path: published(Path::new(MANIFEST_FILE)),
        sha256: staged.sha256,
        size_bytes: staged.size_bytes,
        rows: 0,
    });
    Ok(out)
}

async fn publish(
    execution: &mut Execution<'_>,
    staging: Staging,
    scored: Scored,
    outputs: Vec<NewOutput>,
    reason: String,
) -> Result<(), RunError> {
    let tick = execution.loaded.job.schedule.as_ref().map(|_| TickDecision {
        decision: "run".to_owned(),
        reason: execution.trigger.id().to_owned(),
    });
    let intent = Intent {
        outputs,
        profiles: profiles(&scored)?,
        rows: scored.rows,
        decision: Some(Decision { action: "publish".to_owned(), reason }),
        id_set: Some(scored.part.id_set.to_string()),
        findings: scored.findings,
        ..Intent::default()
    };
    let conclude = |_: Option<Version>| Conclusion {
        verdict: Verdict::Ok,
        exit_code: Verdict::Ok.exit_code(),
        aliases: None,
        tick,
    };
    commit::commit(execution, Some(staging), intent, conclude).await?;
    tracing::info!(
        job.name = %execution.slot.job,
        run.id = %execution.claim.run,
        rows = scored.rows.scored,
        "run `{}` of `{}` committed", execution.claim.run, execution.slot.job
    );
    Ok(())
}

/// Ends a run whose findings forbid publication. It did what it should, so it is not tried again.
async fn abort(execution: &Execution<'_>, scored: Scored, reason: String) -> Result<(), RunError> {
    tracing::warn!(run.id = %execution.claim.run, "nothing is published: {reason}");
    let failure = Failure {
        outcome: AttemptOutcome::Failed,
        afterwards: Afterwards::Failed,
        error: None,
        verdict: Some(Verdict::CheckFailed),
        exit_code: Some(Verdict::CheckFailed.exit_code()),
        profiles: profiles(&scored)?,
        findings: scored.findings,
        rows: scored.rows,
        stages: execution.stages.clone(),
        decision: Some(Decision { action: "abort".to_owned(), reason }),
        at: execution.world.now(),
    };
    execution
        .world
        .store
        .fail(&execution.claim, &failure)
        .await
        .map_err(RunError::store("record the findings"))
}

/// The profiles of a run as the store keeps them: without the sample of rows, which would be megabytes
/// a night and is not a summary.
fn profiles(scored: &Scored) -> Result<Vec<Profile>, RunError> {
    let mut out = Vec::new();
    for (name, profile) in [("input", &scored.profile), ("scores", &scored.score_profile)] {
        let body = profile.encode_counts().map_err(RunError::other("profile"))?;
        out.push(Profile { name: name.to_owned(), body });
    }
    Ok(out)
}
