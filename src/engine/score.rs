//! A score run from beginning to end: the whole story in one place.
//!
//! Pin the versions, find the input, take every row through one pass, judge, decide, publish. What fails on
//! the way leaves nothing behind that a reader can see.

/// The versions that score.
mod contenders;
/// What follows from what was found.
mod decision;
/// What is published, and how it gets on record.
mod publication;

use std::sync::Arc;

pub use self::contenders::load_artifact;
use self::contenders::{champion, contenders};
use self::decision::{lead_publishes, outlook, roll_back};
use self::publication::Abortion;
use crate::adapters::dataset::{self, SourceFile};
use crate::adapters::failpoint;
use crate::adapters::publish::{Staging, StagingName};
use crate::adapters::store::{Input, ModelPin};
use crate::domain::decide::{DriftState, ScoreDecision, decide_scores};
use crate::domain::finding::Finding;
use crate::domain::identity::{RunId, Sha256};
use crate::domain::retrain::Hindrance;
use crate::domain::run::{Interval, RunSlot, Trigger};
use crate::domain::watch::WatchStep;
use crate::engine::drift::{self, Drift, Profiles};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Execution;
use crate::engine::inputs::{self, InputDigests};
use crate::engine::offload::offload;
use crate::engine::pass::{self, Contenders, Scored, SecondScored, TrackScored};
use crate::engine::plan::{self, ScorePaths};
use crate::engine::report::{InputFile, ModelRef};
use crate::engine::watch::{self, Night, Watched};
use crate::engine::{judge, output, recover};

/// The name of the stored profile of the columns that a run read.
pub const INPUT_PROFILE: &str = "input";
/// The name of the stored profile of the scores that a run published.
pub const SCORE_PROFILE: &str = "scores";

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

/// What a night's pass is judged to mean.
struct Judged {
    drift: Option<Drift>,
    /// Whether drift has consequences for this run.
    state: DriftState,
    watch: Option<WatchStep>,
}

/// Executes a claimed score run.
pub async fn execute(execution: &mut Execution<'_>) -> Result<(), RunError> {
    let world = execution.world;
    let job = Arc::new(execution.loaded.job.clone());

    let stage = execution.stage("plan");
    recover::sweep_staging(world, &job).await?;
    let found_at = world.now();
    let plan = Arc::new(plan_score(execution).await?);
    let digests = InputDigests::start(&plan.files)?;
    let (contenders, watched) = contenders(execution, &plan).await?;
    let contenders = Arc::new(contenders);
    pin_model(execution, &plan.model, &[]).await?;
    let name = StagingName::of(world.identity.project(), &execution.claim);
    let staging =
        Staging::create(plan.paths.site.clone(), name).map_err(output::published("stage"))?;
    execution.stage_done(stage);

    let stage = execution.stage("score");
    failpoint::reach("child.before_input").map_err(RunError::other("score"))?;
    let mut scored = {
        let (plan, job, contenders) = (plan.clone(), job.clone(), contenders.clone());
        let (folder, progress) = (staging.folder().to_owned(), execution.progress.clone());
        let read = move || {
            pass::score((&plan, digests), &folder, &job, &contenders, progress.as_ref())
                .map_err(|error| inputs::unless_unfinished(error, &plan.files, found_at))
        };
        offload("score", read).await?
    };
    pin_model(execution, &plan.model, &scored.inputs).await?;
    execution.stage_done(stage);

    let stage = execution.stage("judge");
    let (judged, findings) = judge_night(execution, &scored, &contenders, watched.as_ref()).await?;
    scored.findings.extend(findings);
    execution.stage_done(stage);

    // What drift leads to is a matter of the version that is scored with; one that is rolled back goes.
    if let (Some(WatchStep::RollBack { reason }), Some(watched), Some(standby)) =
        (&judged.watch, &watched, contenders.second.standby())
    {
        let publication =
            roll_back(execution, (&plan, watched, standby), &judged, &scored, reason).await?;
        return publication::publish(execution, staging, scored, publication).await;
    }
    match decide_scores(&scored.findings, judged.state, &job.drift) {
        ScoreDecision::Abort { reason } => {
            staging.remove().map_err(output::published("stage"))?;
            let is_failed = scored.findings.iter().any(Finding::is_failed_check);
            let hindrance = is_failed.then_some(Hindrance::CheckFailed);
            let outlook = outlook(execution, &judged, &scored, hindrance).await?;
            let (findings, follow_ups) = outlook.unwrap_or_default();
            scored.findings.extend(findings);
            publication::abort(execution, Abortion { scored, reason, follow_ups }).await
        }
        ScoreDecision::Publish { verdict, reason } => {
            let publication =
                lead_publishes(execution, &plan, &judged, &scored, (verdict, reason)).await?;
            publication::publish(execution, staging, scored, publication).await
        }
    }
}

async fn plan_score(execution: &Execution<'_>) -> Result<ScorePlan, RunError> {
    let (world, job) = (execution.world, &execution.loaded.job);
    let model = match execution.pinned {
        Some(pin) => world.model(&job.name, pin.version).await?,
        None => champion(world, &job.name).await?,
    };
    let paths = plan::score_paths(world, job, execution.interval)?;
    output::require_own(world, &execution.slot, &paths).await?;
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

/// Puts on record which version scores, and what it has read.
async fn pin_model(
    execution: &Execution<'_>,
    model: &ModelRef,
    inputs: &[InputFile],
) -> Result<(), RunError> {
    let inputs: Vec<Input> = inputs.iter().map(InputFile::record).collect();
    let pin = ModelPin { version: model.version, sha256: model.sha256 };
    let store = &execution.world.store;
    store
        .record_plan(&execution.claim, Some(pin), &inputs)
        .await
        .map_err(RunError::store("record the plan"))
}

/// What the pass means, and the findings that this adds: drift, watch, what a correction changes.
async fn judge_night(
    execution: &Execution<'_>,
    scored: &Scored,
    contenders: &Contenders,
    watched: Option<&Watched>,
) -> Result<(Judged, Vec<Finding>), RunError> {
    let (world, job, slot) = (execution.world, &execution.loaded.job, &execution.slot);
    let lead = &contenders.lead;
    let drift = match &scored.lead {
        Ok(TrackScored { scores, .. }) => {
            failpoint::reach("drift.compute").map_err(RunError::other("judge"))?;
            let profiles = Profiles { input: &scored.profile, scores };
            Some(drift::judge_night(world, job, slot, &lead.artifact, profiles).await?)
        }
        Err(_) => None,
    };
    let mut findings = drift::unjudged(job, &lead.artifact);
    findings.extend(drift.iter().flat_map(Drift::findings));
    match &scored.second {
        SecondScored::Replaced { agreement, changes } => {
            findings.push(judge::correction(agreement, changes.as_ref()));
        }
        SecondScored::Uncompared(reason) => findings.push(judge::uncompared(reason)),
        SecondScored::None | SecondScored::Standby { .. } => {}
    }
    let judgement = watched.map(|watched| {
        let night = Night { job, slot, scored, contenders: (lead, contenders.second.standby()) };
        watch::judge(watched, &night)
    });
    findings.extend(judgement.iter().flat_map(|judgement| judgement.findings.clone()));
    let step = judgement.map(|judgement| judgement.step);
    // A correction replaces what was published already; what drift leads to was decided then.
    let state = match &drift {
        Some(drift) if execution.trigger != Trigger::Rollback => drift.state,
        _ => DriftState::Quiet,
    };
    Ok((Judged { drift, state, watch: step }, findings))
}

impl Scored {
    /// What the standby has ready to be published.
    pub fn standby(&self) -> Option<&TrackScored> {
        match &self.second {
            SecondScored::Standby { scored: Ok(scored), .. } => Some(scored),
            _ => None,
        }
    }
}
