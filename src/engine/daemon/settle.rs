//! What became of a run whose process has ended: on record, told, counted.
//!
//! What the process says of itself counts only where the store says nothing.

use jiff::{SignedDuration, Timestamp};

use super::child::Report;
use crate::adapters::store::{Pause, RunRecord};
use crate::domain::identity::{JobName, RunId};
use crate::domain::run::{RunKind, State};
use crate::engine::error::{Cause, RunError};
use crate::engine::recover;
use crate::engine::world::World;

/// How long a run waits whose process could not begin.
const START_WAIT: SignedDuration = SignedDuration::from_secs(30);

/// Exit codes of the command line that say that a run could not begin.
const EXIT_JOB: i32 = 3;
const EXIT_BUSY: i32 = 75;

/// Puts on record what became of a run whose process has ended.
///
/// `attempts_before` are the attempts at the run before that process, which says of itself what is in `report`. So
/// many runs in a row may be given up before the job is paused, if it is still there.
pub(super) async fn settle(
    world: &World,
    run: &RunId,
    (attempts_before, report): (u32, &Report),
    given_up_max: Option<u32>,
) -> Result<(), RunError> {
    let failed = RunError::store("settle a run");
    let Some(record) = world.store.run(run).await.map_err(failed)? else { return Ok(()) };
    if record.state == State::Queued && record.attempt == attempts_before {
        if matches!(report.code, Some(EXIT_JOB | EXIT_BUSY)) {
            // The project's file was broken for the moment, or somebody was in its way: nothing was tried.
            let until = world.now().saturating_add(START_WAIT).unwrap_or(Timestamp::MAX);
            tracing::warn!(run.id = %run, "run `{run}` could not begin: {}", report.words);
            return world.store.postpone(run, until).await.map_err(failed);
        }
        // It ended before it had claimed the run. That is an attempt: else it would be made for ever.
        let owner = format!("pid:{}", std::process::id());
        if let Some(claim) = world.store.claim(run, &owner, world.now()).await.map_err(failed)? {
            world.store.start(&claim).await.map_err(failed)?;
        }
    }
    if !recover::settle(world, run, (report.outcome, &report.words)).await? {
        // Somebody looks whether it is held, for an instant, or recovers it.
        return Err(RunError::new("settle a run", Cause::Busy, format!("run `{run}` is held")));
    }
    let Some(record) = world.store.run(run).await.map_err(failed)? else { return Ok(()) };
    let RunRecord { state, attempt, .. } = record;
    let error = record.error.as_deref().unwrap_or("no error");
    let (job, tick) = (&record.slot.job, record.slot.tick);
    count(world, &record).await?;
    match state {
        State::Committed => {
            tracing::info!(job.name = %job, run.id = %run, "run `{run}` of `{job}` for {tick} is committed");
        }
        State::Queued => {
            tracing::warn!(job.name = %job, run.id = %run, "attempt {attempt} of run `{run}` of `{job}` failed and is made again: {error}");
        }
        _ => {
            tracing::error!(job.name = %job, run.id = %run, "run `{run}` of `{job}` for {tick} is {state}: {error}");
        }
    }
    if state == State::Dead {
        pause_if_hopeless(world, job, given_up_max).await?;
    }
    Ok(())
}

/// Counts the attempt that has ended, and the run if it has ended with it.
async fn count(world: &World, record: &RunRecord) -> Result<(), RunError> {
    let kind = record.slot.kind;
    let failed = RunError::store("settle a run");
    let attempts = world.store.attempts(&record.id).await.map_err(failed)?;
    if let Some(outcome) = attempts.last().and_then(|attempt| attempt.outcome) {
        world.metrics.attempted(kind, outcome);
    }
    if record.state.has_ended() {
        world.metrics.ended(kind, record.state);
    }
    if record.state == State::Committed && kind == RunKind::Score {
        world.metrics.committed(&record.slot.job, world.now());
    }
    Ok(())
}

/// Pauses a job whose runs were given up too often in a row.
async fn pause_if_hopeless(
    world: &World,
    job: &JobName,
    given_up_max: Option<u32>,
) -> Result<(), RunError> {
    let failed = RunError::store("pause a job");
    let Some(most) = given_up_max else { return Ok(()) };
    let found = world.store.given_up_in_a_row(job, most).await.map_err(failed)?;
    if found < most {
        return Ok(());
    }
    let reason = format!("{found} runs in a row were given up (`run.pause_after_failures`)");
    tracing::error!(job.name = %job, "`{job}` is paused: {reason}");
    let pause = Pause { job: job.clone(), actor: "daemon".to_owned(), reason, at: world.now() };
    world.store.pause(&pause).await.map_err(failed).map(|_| ())
}
