//! A train run from beginning to end: read, fit, evaluate on held-out rows, gate, register, roll out.
//!
//! The version that is registered is the one that was evaluated, byte for byte: it is not fitted again
//! on all rows. Whether it becomes champion is said by its gates, and the alias moves in the transaction
//! that registers it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::adapters::store::{
    AliasMove, AliasState, Attribution, Conclusion, Decision, Input, Intent, NewVersion, Rows,
};
use crate::domain::finding::Finding;
use crate::domain::gate::{Circumstances, Rollout, outcome, roll_out};
use crate::domain::identity::Version;
use crate::domain::job::Job;
use crate::domain::registry::{Action, Aliases};
use crate::domain::run::Verdict;
use crate::engine::candidate::{self, Candidate, TrainPlan};
use crate::engine::commit;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Execution, Promotion};
use crate::engine::inputs::unless_unfinished;
use crate::engine::offload::offload;
use crate::engine::pass::Contender;
use crate::engine::plan;
use crate::engine::report::InputFile;
use crate::engine::score::load_artifact;

/// Executes a claimed train run.
pub async fn execute(execution: &mut Execution<'_>) -> Result<(), RunError> {
    let (world, job) = (execution.world, Arc::new(execution.loaded.job.clone()));

    let stage = execution.stage("plan");
    let standing = world
        .store
        .aliases(&execution.slot.job)
        .await
        .map_err(RunError::store("read the registry"))?;
    let champion = champion(execution).await?.map(Arc::new);
    let found_at = world.now();
    let train_plan = plan_training(execution, &job, champion.as_deref())?;
    execution.stage_done(stage);

    let stage = execution.stage("fit");
    let progress = execution.progress.clone();
    let candidate = {
        let (job, champion) = (job.clone(), champion.clone());
        let artifacts = world.artifacts.clone();
        offload("fit", move || {
            candidate::train(&train_plan, &job, champion.as_deref(), &artifacts, progress.as_ref())
                .map_err(|error| unless_unfinished(error, &train_plan.files, found_at))
        })
        .await?
    };
    execution.stage_done(stage);

    let stage = execution.stage("register");
    let inputs: Vec<Input> = candidate.inputs.iter().map(InputFile::record).collect();
    world
        .store
        .record_plan(&execution.claim, None, &inputs)
        .await
        .map_err(RunError::store("record the plan"))?;
    execution.stage_done(stage);
    let around = Circumstances {
        has_champion: champion.is_some(),
        may_promote: execution.promotion == Promotion::IfBlessed,
        gates: job.gates_together,
        strategy: job.rollout,
    };
    let mut rollout = roll_out(&outcome(&candidate.judgements), around);
    if let (Some(version), None) = (standing.aliases.champion, &champion) {
        rollout.reason = format!("{}; {version} cannot be read", rollout.reason);
    }
    let version = NewVersion {
        kind: candidate.method.clone(),
        task: candidate.task.to_owned(),
        sha256: candidate.sha256,
        size_bytes: candidate.size_bytes,
        created_at: world.now(),
        rows: candidate.rows_train,
        rows_test: candidate.rows_test,
        metrics: candidate.metrics.clone(),
        blessing: rollout.blessing,
    };
    register(execution, candidate, version, rollout, standing).await
}

/// The champion, which the candidate is compared with. One whose file is damaged is as good as none:
/// training is how it is replaced.
async fn champion(execution: &Execution<'_>) -> Result<Option<Contender>, RunError> {
    let world = execution.world;
    let Some(model) = world.champion(&execution.slot.job).await? else { return Ok(None) };
    match load_artifact(world, &model).await {
        Ok(artifact) => Ok(Some(Contender { model, artifact })),
        Err(error) if error.cause == Cause::Damaged => {
            tracing::warn!(error = %error.chain(), "{} cannot be compared with", model.version);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn plan_training(
    execution: &Execution<'_>,
    job: &Job,
    champion: Option<&Contender>,
) -> Result<TrainPlan, RunError> {
    let files = plan::train_files(execution.world, job, execution.interval)?;
    if files.is_empty() {
        let template = job.train.input.as_ref().unwrap_or(&job.data.source);
        let message = format!("input_missing: no file matches `{}`", template.as_str());
        return Err(RunError::new("plan", Cause::Data, message)
            .hint("the pattern comes from train.input or data.source"));
    }
    let mut also: BTreeSet<&str> =
        job.gates.iter().filter_map(|gate| gate.slice.as_deref()).collect();
    also.extend(champion.iter().flat_map(|champion| champion.artifact.features.columns()));
    Ok(TrainPlan {
        run: execution.claim.run.clone(),
        interval: execution.interval,
        files,
        job_sha256: execution.job_sha256,
        also: also.into_iter().map(str::to_owned).collect(),
    })
}

async fn register(
    execution: &Execution<'_>,
    candidate: Candidate,
    version: NewVersion,
    rollout: Rollout,
    state: AliasState,
) -> Result<(), RunError> {
    let Rollout { becomes_champion, verdict, reason, .. } = rollout;
    let action = match verdict {
        Verdict::Promoted => "promote",
        Verdict::Rejected => "reject",
        _ => "hold",
    };
    let judged = candidate.judgements.into_iter().map(|judged| judged.finding);
    let findings: Vec<Finding> = judged.chain(candidate.findings).collect();
    let intent = Intent {
        findings,
        rows: Rows { read: candidate.rows_read, scored: candidate.rows_train, quarantined: 0 },
        decision: Some(Decision { action: action.to_owned(), reason: reason.clone() }),
        new_version: Some(version),
        ..Intent::default()
    };
    let by = Attribution {
        action: Action::Promote,
        actor: execution.trigger.id().to_owned(),
        reason,
        run: Some(execution.claim.run.clone()),
    };
    let model = execution.slot.job.clone();
    let conclude = |trained: Option<Version>| Conclusion {
        verdict,
        exit_code: verdict.exit_code(),
        aliases: trained.filter(|_| becomes_champion).map(|version| AliasMove {
            model,
            generation: state.generation,
            after: Aliases {
                champion: Some(version),
                challenger: state.aliases.challenger,
                previous: state.aliases.champion,
            },
            blessing: None,
            by,
        }),
        tick: None,
        follow_ups: Vec::new(),
    };
    commit::commit(execution, None, intent, conclude).await?;
    tracing::info!(
        job.name = %execution.slot.job,
        run.id = %execution.claim.run,
        rows = candidate.rows_train,
        "a version of `{}` is registered: {}", execution.slot.job, verdict
    );
    Ok(())
}
