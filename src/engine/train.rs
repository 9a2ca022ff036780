//! A train run from beginning to end: read, fit, evaluate on held-out rows, register, roll out.
//!
//! The version that is registered is the one that was evaluated, byte for byte: it is not fitted again
//! on all rows. It becomes champion only where there is none; otherwise it waits for `promote`.

use std::sync::Arc;

use crate::adapters::store::{
    AliasMove, AliasState, Attribution, Conclusion, Decision, Input, Intent, NewVersion, Rows,
};
use crate::domain::identity::Version;
use crate::domain::registry::{Action, Aliases, Blessing};
use crate::domain::run::Verdict;
use crate::engine::candidate::{self, Candidate, TrainPlan};
use crate::engine::commit;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{Execution, Promotion};

use crate::engine::offload::offload;
use crate::engine::plan;
use crate::engine::report::InputFile;

/// Executes a claimed train run.
pub async fn execute(execution: &mut Execution<'_>) -> Result<(), RunError> {
    let (world, job) = (execution.world, Arc::new(execution.loaded.job.clone()));

    let stage = execution.stage("plan");
    let files = plan::train_files(world, &job, execution.interval)?;
    if files.is_empty() {
        let template = job.train.input.as_ref().unwrap_or(&job.data.source);
        let message = format!("input_missing: no file matches `{}`", template.as_str());
        return Err(RunError::new("plan", Cause::Data, message)
            .hint("the pattern comes from train.input or data.source"));
    }
    let train_plan = TrainPlan {
        run: execution.claim.run.clone(),
        interval: execution.interval,
        files,
        job_sha256: execution.job_sha256,
    };
    execution.stage_done(stage);

    let stage = execution.stage("fit");
    let progress = execution.progress.clone();
    let candidate =
        offload("fit", move || candidate::train(&train_plan, &job, progress.as_ref())).await?;
    execution.stage_done(stage);

    let stage = execution.stage("register");
    let inputs: Vec<Input> = candidate.inputs.iter().map(InputFile::record).collect();
    world
        .store
        .record_plan(&execution.claim, None, &inputs)
        .await
        .map_err(RunError::store("record the plan"))?;
    let sha256 =
        world.artifacts.store(&candidate.bytes).map_err(RunError::other("write the model"))?;
    let standing = world
        .store
        .aliases(&execution.slot.job)
        .await
        .map_err(RunError::store("read the registry"))?;
    execution.stage_done(stage);
    let rollout = roll_out(standing, execution.promotion);
    let version = NewVersion {
        kind: candidate.kind.to_owned(),
        task: candidate.task.to_owned(),
        sha256,
        size_bytes: candidate.bytes.len() as u64,
        created_at: world.now(),
        rows: candidate.rows_train,
        rows_test: candidate.rows_test,
        metrics: candidate.metrics.clone(),
        blessing: rollout.blessing,
    };
    register(execution, candidate, version, rollout, standing).await
}

/// Whether a version that was evaluated becomes champion.
struct Rollout {
    becomes_champion: bool,
    blessing: Blessing,
    reason: String,
}

/// A comparison with a champion needs gates; without a champion there is nothing to compare with.
fn roll_out(state: AliasState, promotion: Promotion) -> Rollout {
    let hold =
        |reason: String| Rollout { becomes_champion: false, blessing: Blessing::None, reason };
    match (state.aliases.champion, promotion) {
        (_, Promotion::Never) => hold("promotion was not asked for".to_owned()),
        (Some(champion), Promotion::IfBlessed) => hold(format!(
            "{champion} stays champion: no gate compares a candidate with it; `nightshift diff` and \
             `nightshift promote` do by hand"
        )),
        (None, Promotion::IfBlessed) => Rollout {
            becomes_champion: true,
            blessing: Blessing::RubberStamped,
            reason: "there was no champion to compare it with".to_owned(),
        },
    }
}

async fn register(
    execution: &Execution<'_>,
    candidate: Candidate,
    version: NewVersion,
    rollout: Rollout,
    state: AliasState,
) -> Result<(), RunError> {
    let action = if rollout.becomes_champion { "promote" } else { "hold" };
    let intent = Intent {
        findings: candidate.findings,
        rows: Rows { read: candidate.rows_read, scored: candidate.rows_train, quarantined: 0 },
        decision: Some(Decision { action: action.to_owned(), reason: rollout.reason.clone() }),
        new_version: Some(version),
        ..Intent::default()
    };
    let verdict = if rollout.becomes_champion { Verdict::Promoted } else { Verdict::Held };
    let by = Attribution {
        action: Action::Promote,
        actor: execution.trigger.id().to_owned(),
        reason: rollout.reason,
        run: Some(execution.claim.run.clone()),
    };
    let model = execution.slot.job.clone();
    let conclude = |trained: Option<Version>| Conclusion {
        verdict,
        exit_code: verdict.exit_code(),
        aliases: trained.filter(|_| rollout.becomes_champion).map(|version| AliasMove {
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
