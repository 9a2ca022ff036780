//! What a score run puts where readers find it, and what it puts on record.
//!
//! Either scores are published, by the lead or by its standby, or nothing is; the findings are recorded
//! both times.

use crate::adapters::dataset::Written;
use crate::adapters::publish::{ROWS, Staging};
use crate::adapters::store::{
    Afterwards, AliasMove, Conclusion, Decision, Failure, FollowUp, Intent, NewOutput, OutputPlace,
    OutputRole, Profile, TickDecision,
};
use crate::domain::finding::Finding;
use crate::domain::identity::Version;
use crate::domain::layout::MANIFEST_FILE;
use crate::domain::run::{AttemptOutcome, Verdict};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::Execution;
use crate::engine::manifest::{self, Published};
use crate::engine::pass::{self, Scored, SecondScored, TrackScored};
use crate::engine::score::{INPUT_PROFILE, SCORE_PROFILE, ScorePlan};
use crate::engine::world::World;
use crate::engine::{commit, output};
use crate::learn::profile::TableProfile;

/// Scores that are to be published, and everything that happens with them.
pub(super) struct Publication {
    /// The plan, with the version whose scores are published.
    pub(super) plan: ScorePlan,
    /// Whether they are the standby's.
    pub(super) is_standby: bool,
    /// What the run says.
    pub(super) verdict: Verdict,
    /// What is decided: `publish` or `roll_back`.
    pub(super) action: &'static str,
    /// Why.
    pub(super) reason: String,
    /// Where the aliases go in the same transaction.
    pub(super) aliases: Option<AliasMove>,
    /// The version that is rolled back, where what it has published is corrected.
    pub(super) corrects: Option<Version>,
    /// Runs that are queued in the same transaction.
    pub(super) follow_ups: Vec<FollowUp>,
    /// Findings beyond those of the pass.
    pub(super) findings: Vec<Finding>,
}

/// A run that publishes nothing because of what it found.
pub(super) struct Abortion {
    pub(super) scored: Scored,
    pub(super) reason: String,
    pub(super) follow_ups: Vec<FollowUp>,
}

/// Publishes what a pass has staged.
pub(super) async fn publish(
    execution: &mut Execution<'_>,
    staging: Staging,
    scored: Scored,
    publication: Publication,
) -> Result<(), RunError> {
    let stage = execution.stage("stage");
    let outputs = stage_files(execution.world, &publication, &staging, &scored)?;
    let strangers = output::strangers(execution.world, &publication.plan.paths).await?;
    let folder = Some(publication.plan.paths.folder.clone());
    execution.stage_done(stage);
    let tick = execution.loaded.job.schedule.as_ref().map(|_| TickDecision {
        decision: "run".to_owned(),
        reason: execution.trigger.id().to_owned(),
    });
    let track = publication.track(&scored)?;
    let id_set = track.part.id_set.to_string();
    let profiles = profiles(&scored.profile, Some(&track.scores))?;
    let Publication { verdict, action, reason, aliases, corrects, follow_ups, findings, .. } =
        publication;
    let intent = Intent {
        folder,
        outputs,
        profiles,
        rows: scored.rows,
        decision: Some(Decision { action: action.to_owned(), reason }),
        id_set: Some(id_set),
        corrects,
        findings: scored.findings.into_iter().chain(findings).chain(strangers).collect(),
        ..Intent::default()
    };
    let conclude = |_: Option<Version>| Conclusion {
        verdict,
        exit_code: verdict.exit_code(),
        aliases,
        tick,
        follow_ups,
    };
    commit::commit(execution, Some(staging), intent, conclude).await?;
    tracing::info!(
        job.name = %execution.slot.job,
        run.id = %execution.claim.run,
        rows = scored.rows.scored,
        verdict = %verdict,
        "run `{}` of `{}` committed", execution.claim.run, execution.slot.job
    );
    Ok(())
}

/// Ends a run whose findings forbid publication. It did what it should, so it is not tried again.
pub(super) async fn abort(execution: &Execution<'_>, abortion: Abortion) -> Result<(), RunError> {
    let Abortion { scored, reason, follow_ups } = abortion;
    tracing::warn!(run.id = %execution.claim.run, "nothing is published: {reason}");
    let failure = Failure {
        outcome: AttemptOutcome::Failed,
        afterwards: Afterwards::Failed,
        error: None,
        verdict: Some(Verdict::CheckFailed),
        exit_code: Some(Verdict::CheckFailed.exit_code()),
        profiles: profiles(&scored.profile, scored.lead.as_ref().ok().map(|lead| &lead.scores))?,
        findings: scored.findings,
        rows: scored.rows,
        stages: execution.stages.clone(),
        decision: Some(Decision { action: "abort".to_owned(), reason }),
        follow_ups,
        at: execution.world.now(),
    };
    execution
        .world
        .store
        .fail(&execution.claim, &failure)
        .await
        .map_err(RunError::store("record the findings"))
}

impl Publication {
    /// The scores that are published.
    fn track<'s>(&self, scored: &'s Scored) -> Result<&'s TrackScored, RunError> {
        let found = if self.is_standby { scored.standby() } else { scored.lead.as_ref().ok() };
        found.ok_or_else(|| {
            let message = "the scores to be published were not made; this is a bug";
            RunError::new("stage", Cause::Other, message)
        })
    }
}

/// Writes the manifest beside the staged parts, and lists every file in the order of publication.
fn stage_files(
    world: &World,
    publication: &Publication,
    staging: &Staging,
    scored: &Scored,
) -> Result<Vec<NewOutput>, RunError> {
    let plan = &publication.plan;
    let track = publication.track(scored)?;
    let folder = &plan.paths.folder;
    let stage = folder.stage().join(&staging.name().file_name());
    let mut out = Vec::new();
    let mut add = |role, name: &str, written: &Written| {
        let (staged, published) = match role {
            OutputRole::Part => (stage.join(ROWS), folder.rows()),
            _ => (stage.clone(), folder.beside()),
        };
        out.push(NewOutput {
            role,
            staged: OutputPlace::At(staged.join(name)),
            published: OutputPlace::At(published.join(name)),
            sha256: written.sha256,
            size_bytes: written.size_bytes,
            rows: written.rows,
        });
    };
    let part = pass::part_name(&plan.run);
    let staged = if publication.is_standby { pass::standby_name(&plan.run) } else { part.clone() };
    staging.add_rows(&staged, &part).map_err(output::published("stage"))?;
    add(OutputRole::Part, &part, &track.part);
    if let Some(written) = &scored.quarantine {
        add(OutputRole::Quarantine, &pass::quarantine_name(&plan.run), written);
    }
    let changes = match &scored.second {
        SecondScored::Replaced { changes, .. } => changes.as_ref(),
        SecondScored::None | SecondScored::Standby { .. } | SecondScored::Uncompared(_) => None,
    };
    if let Some(written) = changes {
        add(OutputRole::Changes, &pass::changes_name(&plan.run), written);
    }
    let files = Published { part: &track.part, quarantine: scored.quarantine.as_ref(), changes };
    let text = manifest::encode(world.identity.project(), plan, scored, &files)
        .map_err(RunError::other("stage"))?;
    let staged = staging.write(MANIFEST_FILE, &text).map_err(output::published("stage"))?;
    out.push(NewOutput {
        role: OutputRole::Manifest,
        staged: OutputPlace::At(stage.join(MANIFEST_FILE)),
        published: OutputPlace::At(folder.beside().join(MANIFEST_FILE)),
        sha256: staged.sha256,
        size_bytes: staged.size_bytes,
        rows: 0,
    });
    Ok(out)
}

/// The profiles of a run as the store keeps them: without the sample of rows, which would be megabytes
/// a night and is not a summary.
fn profiles(input: &TableProfile, scores: Option<&TableProfile>) -> Result<Vec<Profile>, RunError> {
    let mut out = Vec::new();
    let named = [(INPUT_PROFILE, Some(input)), (SCORE_PROFILE, scores)];
    for (name, profile) in named.into_iter().filter_map(|(name, found)| Some((name, found?))) {
        let body = profile.encode_counts().map_err(RunError::other("profile"))?;
        out.push(Profile { name: name.to_owned(), body });
    }
    Ok(out)
}
