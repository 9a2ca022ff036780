//! The profile that tonight's is compared with: that of the training rows, or of earlier nights.
//!
//! Earlier nights were counted on the grid of the champion's reference, as tonight is, so their stored
//! counts add up to one table without going back to the data. A night that another version scored was
//! counted on another grid and is left out; the first nights after a promotion therefore have fewer
//! earlier ones to look back on, and none at all at first.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::adapters::store::RunRecord;
use crate::domain::job::Job;
use crate::domain::job::policy::DriftReference;
use crate::engine::error::RunError;
use crate::engine::plan::zone;
use crate::engine::score::{INPUT_PROFILE, SCORE_PROFILE};
use crate::engine::world::World;
use crate::learn::artifact::Artifact;
use crate::learn::profile::TableProfile;

/// Most earlier nights that are looked at.
const NIGHTS_MAX: u32 = 1_000;
/// How many nights of the same weekday make a reference.
const WEEKDAYS: usize = 4;

/// What tonight's profile is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// What it is, in words.
    title: String,
    /// Input and scores of earlier nights; `None` is the reference of the model version itself.
    nights: Option<(TableProfile, TableProfile)>,
}

impl Earlier {
    /// The rows that `artifact` was trained on.
    pub fn training(artifact: &Artifact) -> Self {
        let rows = artifact.reference.rows;
        Self { title: format!("the {rows} training rows of {}", artifact.facts.tick), nights: None }
    }

    /// The columns of earlier nights; `None` compares with the reference of the model version.
    pub(super) fn input(&self) -> Option<&TableProfile> {
        self.nights.as_ref().map(|(input, _)| input)
    }

    /// The scores of earlier nights.
    pub(super) fn scores(&self) -> Option<&TableProfile> {
        self.nights.as_ref().map(|(_, scores)| scores)
    }
}

impl fmt::Display for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

/// What the job compares a night with: `drift.reference`, as of `tick`.
pub async fn earlier(
    world: &World,
    job: &Job,
    tick: Timestamp,
    artifact: &Artifact,
) -> Result<Earlier, RunError> {
    let name = match job.drift.reference {
        DriftReference::Training => return Ok(Earlier::training(artifact)),
        DriftReference::Previous => "the previous tick",
        DriftReference::Rolling(_) => "the ticks of the rolling span",
        DriftReference::SameWeekday => "earlier ticks of the same weekday",
    };
    let runs = published_before(world, job, tick).await?;
    let mut nights = Vec::new();
    for run in chosen(job, tick, runs) {
        nights.extend(night(world, &run, artifact).await?);
    }
    let count = nights.len();
    // The latest tick comes first; sums are made in the order of the ticks.
    let merged = nights.into_iter().rev().reduce(merge).unwrap_or_default();
    Ok(Earlier { title: format!("{name} ({count} of them)"), nights: Some(merged) })
}

/// The first tick that a night of `tick`, or of any later one, is compared with; `tick` itself if there is none.
pub async fn looks_back_to(
    world: &World,
    job: &Job,
    tick: Timestamp,
) -> Result<Timestamp, RunError> {
    let runs = match job.drift.reference {
        DriftReference::Training => return Ok(tick),
        _ => published_before(world, job, tick).await?,
    };
    let first = match job.drift.reference {
        DriftReference::Training => None,
        DriftReference::Previous => runs.first(),
        DriftReference::Rolling(_) => runs.last(),
        DriftReference::SameWeekday => {
            // A later night may be of any weekday.
            let (zone, mut seen) = (zone(job), BTreeMap::new());
            let mut is_looked_at = |run: &&RunRecord| {
                let weekday = run.slot.tick.to_zoned(zone.clone()).weekday();
                let count = seen.entry(weekday.to_monday_zero_offset()).or_insert(0);
                *count += 1;
                *count <= WEEKDAYS
            };
            runs.iter().filter(|run| is_looked_at(run)).last()
        }
    };
    Ok(first.map_or(tick, |run| run.slot.tick))
}

/// The published nights that `tick` may be compared with, the latest first.
async fn published_before(
    world: &World,
    job: &Job,
    tick: Timestamp,
) -> Result<Vec<RunRecord>, RunError> {
    let from = match job.drift.reference {
        DriftReference::Rolling(span) => tick.checked_sub(span).unwrap_or(Timestamp::MIN),
        _ => Timestamp::MIN,
    };
    let from = from.max(Timestamp::UNIX_EPOCH);
    let found = world.store.published_between(&job.name, from, tick, NIGHTS_MAX).await;
    found.map_err(RunError::store("judge"))
}

/// The runs that make the reference, the latest first.
fn chosen(job: &Job, tick: Timestamp, runs: Vec<RunRecord>) -> Vec<RunRecord> {
    match job.drift.reference {
        DriftReference::Training => Vec::new(),
        DriftReference::Previous => runs.into_iter().take(1).collect(),
        DriftReference::Rolling(_) => runs,
        DriftReference::SameWeekday => {
            let zone = zone(job);
            let weekday = |at: Timestamp| at.to_zoned(zone.clone()).weekday();
            let same = runs.into_iter().filter(|run| weekday(run.slot.tick) == weekday(tick));
            same.take(WEEKDAYS).collect()
        }
    }
}

/// The profiles of one night, if it was counted on the grids of `artifact`.
async fn night(
    world: &World,
    run: &RunRecord,
    artifact: &Artifact,
) -> Result<Option<(TableProfile, TableProfile)>, RunError> {
    let read = async |name: &str| {
        let body = world.store.profile(&run.id, name).await.map_err(RunError::store("judge"))?;
        // A profile of an older nightshift may not be readable any more; the night is left out then.
        Ok::<_, RunError>(body.and_then(|body| TableProfile::decode(&body).ok()))
    };
    let (input, scores) = (read(INPUT_PROFILE).await?, read(SCORE_PROFILE).await?);
    Ok(input.zip(scores).filter(|(input, _)| {
        artifact.reference.columns.iter().all(|column| {
            input.column(&column.name).is_some_and(|counted| counted.is_counted_on(column))
        })
    }))
}

/// Adds the later of two nights to the earlier one; one that has other columns changes nothing.
fn merge(
    earlier: (TableProfile, TableProfile),
    (input, scores): (TableProfile, TableProfile),
) -> (TableProfile, TableProfile) {
    let mut both = earlier.clone();
    if both.0.merge(&input).is_ok() && both.1.merge(&scores).is_ok() { both } else { earlier }
}
