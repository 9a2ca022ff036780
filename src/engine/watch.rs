//! The watch over a promotion: who is watched, what tonight says, and what goes back.
//!
//! A champion is watched from its promotion on, as long as there is a `previous` to restore, until
//! `watch.ticks` runs were committed with it. What was found is decided upon in `domain::watch`; moving
//! the alias back is part of the run's own commit.

/// What a night says.
mod night;
/// The reasons, one by one.
mod reasons;

use jiff::Timestamp;

pub use self::night::{Judgement, Night, judge};
use crate::domain::finding::FindingKind;
use crate::domain::identity::Version;
use crate::domain::job::Job;
use crate::domain::registry::{self, Action, Alias, Aliases, Blessing, Move};
use crate::domain::watch::Watch;
use crate::engine::disagreement::{DISAGREEMENT, FLIP_RATE, SCORE_DISTANCE};
use crate::engine::error::RunError;
use crate::engine::report::ModelRef;
use crate::engine::world::World;

/// The id of the finding that says what a night means for the watch.
const WATCH: &str = "watch";

/// A champion that is watched, with what is known from before its promotion.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Who, since when, with which failures.
    pub watch: Watch,
    /// How much it may differ from `previous`: what its gates saw, or nothing.
    allowance: Allowance,
    /// Where a rollback moves the aliases, planned at [`Self::generation`].
    pub restored: Aliases,
    /// The generation of the aliases when this was looked up; once they have moved, it is another watch.
    pub generation: i64,
}

/// The disagreement with `previous` on held-out rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Allowance {
    /// Whether its gates saw anything; a version that did not pass them is allowed nothing.
    is_seen: bool,
    flip_rate: f64,
    score_distance: f64,
}

impl Allowance {
    /// What is allowed by `metric`, one of `disagreement`'s.
    fn of(self, metric: &str) -> f64 {
        match metric {
            FLIP_RATE => self.flip_rate,
            _ => self.score_distance,
        }
    }
}

/// The watch over `champion`; `None` if it is not watched, or not any more, or nothing can be restored.
pub async fn watched(
    world: &World,
    job: &Job,
    champion: &ModelRef,
) -> Result<Option<Watched>, RunError> {
    let failed = RunError::store("read the registry");
    let store = &world.store;
    let state = store.aliases(&job.name).await.map_err(failed)?;
    let history = store.history(&job.name).await.map_err(failed)?;
    let Some(promotion) = promotion(&history, champion.version) else { return Ok(None) };
    let versions = store.versions(&job.name).await.map_err(failed)?;
    // Never one that was itself rolled back: that takes a person.
    let Ok(restored) = registry::roll_back(state.aliases, None, &versions, &history) else {
        return Ok(None);
    };
    let Some(previous) = restored.champion else { return Ok(None) };
    let (version, since) = (champion.version, promotion.commits);
    let done = store.published_with(&job.name, version, since).await.map_err(failed)?.len();
    let ticks_done = u32::try_from(done).unwrap_or(u32::MAX);
    if ticks_done >= job.watch.ticks {
        return Ok(None);
    }
    let kind = FindingKind::Watch;
    let failures = store.failing_runs(&job.name, version, since, kind).await.map_err(failed)?;
    let judged =
        store.judged_runs(&job.name, version, since, (kind, WATCH)).await.map_err(failed)?;
    let last_rollback = last_rollback(world, &history).await?;
    Ok(Some(Watched {
        watch: Watch { version, previous, ticks_done, failures, judged, last_rollback },
        allowance: allowance(world, job, version).await?,
        restored,
        generation: state.generation,
    }))
}

/// The move that made `champion` what it is, unless that was a rollback or there was none before it.
fn promotion(history: &[Move], champion: Version) -> Option<&Move> {
    let last = history.iter().rfind(|step| step.alias == Alias::Champion)?;
    let is_promotion = last.action == Action::Promote && last.from.is_some();
    (is_promotion && last.to == Some(champion)).then_some(last)
}

/// The tick of the last rollback that no person asked for.
async fn last_rollback(world: &World, history: &[Move]) -> Result<Option<Timestamp>, RunError> {
    let is_automatic = |step: &&Move| step.action == Action::RollBack && step.run.is_some();
    let Some(run) =
        history.iter().filter(is_automatic).filter_map(|step| step.run.clone()).next_back()
    else {
        return Ok(None);
    };
    let found = world.store.run(&run).await.map_err(RunError::store("read the record"))?;
    Ok(found.map(|record| record.slot.tick))
}

/// What the gates of a version saw; nothing for one that did not pass them.
async fn allowance(world: &World, job: &Job, version: Version) -> Result<Allowance, RunError> {
    let failed = RunError::store("read the registry");
    let record = world.store.version(&job.name, version).await.map_err(failed)?;
    let blessed = record.filter(|record| record.blessing == Blessing::Passed);
    let Some(run) = blessed.and_then(|record| record.run) else { return Ok(Allowance::default()) };
    let findings = world.store.findings(&run).await.map_err(failed)?;
    let seen = |metric: &str| {
        findings
            .iter()
            .find(|finding| finding.id == DISAGREEMENT && finding.metric.as_deref() == Some(metric))
            .and_then(|finding| finding.value)
            .unwrap_or(0.0)
    };
    Ok(Allowance {
        is_seen: true,
        flip_rate: seen(FLIP_RATE),
        score_distance: seen(SCORE_DISTANCE),
    })
}
