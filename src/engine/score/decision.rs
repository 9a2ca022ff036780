//! What follows from what a pass has found: whose scores are published, which aliases move, which runs are
//! queued.
//!
//! Only the version that scores is on record when this returns; the rest is recorded with the scores, in one
//! transaction.

use super::Judged;
use super::publication::Publication;
use crate::adapters::store::{AliasMove, Attribution, FollowUp};
use crate::domain::decide::DriftState;
use crate::domain::finding::Finding;
use crate::domain::identity::Version;
use crate::domain::registry::Action;
use crate::domain::retrain::Hindrance;
use crate::domain::run::Verdict;
use crate::domain::watch::WatchStep;
use crate::engine::corrections::corrections;
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Execution;
use crate::engine::pass::{Contender, Scored};
use crate::engine::retrain;
use crate::engine::score::{ScorePlan, pin_model};
use crate::engine::watch::Watched;

/// The version that stands by publishes and is champion again; what the other has published is corrected.
pub(super) async fn roll_back(
    execution: &Execution<'_>,
    (plan, watched, standby): (&ScorePlan, &Watched, &Contender),
    judged: &Judged,
    scored: &Scored,
    reason: &str,
) -> Result<Publication, RunError> {
    let outlook = outlook(execution, judged, scored, Some(Hindrance::RollsBack)).await?;
    let (findings, _) = outlook.unwrap_or_default();
    let corrects = execution.loaded.job.watch.rescore.then_some(plan.model.version);
    let follow_ups = match corrects {
        Some(version) => corrections_beside(execution, version, standby).await?,
        None => Vec::new(),
    };
    pin_model(execution, &standby.model, &scored.inputs).await?;
    Ok(Publication {
        plan: ScorePlan { model: standby.model.clone(), ..plan.clone() },
        is_standby: true,
        verdict: Verdict::RolledBack,
        action: "roll_back",
        reason: reason.to_owned(),
        aliases: Some(back(execution, watched, reason)),
        corrects,
        follow_ups,
        findings,
    })
}

/// The version that was planned publishes, and a training may follow.
pub(super) async fn lead_publishes(
    execution: &Execution<'_>,
    plan: &ScorePlan,
    judged: &Judged,
    scored: &Scored,
    (verdict, reason): (Verdict, String),
) -> Result<Publication, RunError> {
    if let Err(reason) = &scored.lead {
        return Err(RunError::new("score", Cause::Data, reason.clone()));
    }
    let outlook = outlook(execution, judged, scored, None).await?;
    let (findings, follow_ups) = outlook.unwrap_or_default();
    let reason = match &judged.watch {
        Some(WatchStep::Hold { reason }) => reason.clone(),
        _ => reason,
    };
    Ok(Publication {
        plan: plan.clone(),
        is_standby: false,
        verdict,
        action: "publish",
        reason,
        aliases: None,
        corrects: None,
        follow_ups,
        findings,
    })
}

/// The move back to the version that stands by.
fn back(execution: &Execution<'_>, watched: &Watched, reason: &str) -> AliasMove {
    AliasMove {
        model: execution.slot.job.clone(),
        generation: watched.generation,
        after: watched.restored,
        blessing: None,
        by: Attribution {
            action: Action::RollBack,
            actor: execution.trigger.id().to_owned(),
            reason: reason.to_owned(),
            run: Some(execution.claim.run.clone()),
        },
    }
}

/// The corrections of what the version that is rolled back has published, but for the tick of this run,
/// which publishes with the other one.
async fn corrections_beside(
    execution: &Execution<'_>,
    version: Version,
    standby: &Contender,
) -> Result<Vec<FollowUp>, RunError> {
    let (world, job) = (execution.world, &execution.slot.job);
    let mut out = corrections(world, job, version, &standby.model).await?;
    out.retain(|planned| planned.tick != execution.slot.tick);
    Ok(out)
}

/// Whether a version is trained after this run; `None` where nobody asks.
pub(super) async fn outlook(
    execution: &Execution<'_>,
    judged: &Judged,
    scored: &Scored,
    hindrance: Option<Hindrance>,
) -> Result<Option<(Vec<Finding>, Vec<FollowUp>)>, RunError> {
    let night = retrain::Night {
        has_drifted: judged.drift.as_ref().map(|_| judged.state == DriftState::Acts),
        rows_scored: scored.rows.scored,
        hindrance,
    };
    retrain::outlook(execution, &night).await
}
