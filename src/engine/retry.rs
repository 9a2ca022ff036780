//! Where an attempt that published nothing leaves its run: tried again, given up, stopped.
//!
//! What the daemon starts is tried again as its job says. What a person asks for is not: the person sees
//! the error and asks again.

use crate::adapters::store::{Afterwards, Attempt, RunRecord};
use crate::domain::job::timing::Limits;
use crate::domain::retry::{Tries, next_try};
use crate::domain::run::{AttemptOutcome, State, Trigger};
use crate::engine::error::{Cause, RunError};
use crate::engine::world::World;

/// How often the process of a run that another one has caused may be lost.
const LOST_MAX: u32 = 10;

/// How often a run may be interrupted without its being an attempt.
const INTERRUPTED_MAX: usize = 3;

/// Whether what stopped a run may be gone the next time.
pub fn is_worth_another_try(cause: Cause) -> bool {
    match cause {
        Cause::Other | Cause::Busy | Cause::Unsettled => true,
        Cause::Request | Cause::Job | Cause::Data | Cause::Fsync | Cause::Damaged => false,
    }
}

/// What follows the latest attempt of a run by the policy of its job: another try, or none any more.
pub async fn by_policy(
    world: &World,
    record: &RunRecord,
    limits: &Limits,
) -> Result<Afterwards, RunError> {
    Ok(next(world, record, limits, &attempts(world, record).await?))
}

/// The same, of attempts that were read already.
fn next(world: &World, record: &RunRecord, limits: &Limits, attempts: &[Attempt]) -> Afterwards {
    let free =
        attempts.iter().filter(|attempt| is_interrupted(attempt)).count().min(INTERRUPTED_MAX);
    let used = attempts.len().saturating_sub(free);
    // From the end of the first that failed: one that took as long as it may is worth another try.
    let first = attempts.iter().find(|attempt| !is_interrupted(attempt));
    let since = first.and_then(|attempt| attempt.ended_at).unwrap_or_else(|| world.now());
    let tries = Tries { used: u32::try_from(used).unwrap_or(u32::MAX), since };
    next_try(&limits.retry, &record.id, tries, world.now())
        .map_or(Afterwards::Dead, |not_before| Afterwards::Retry { not_before })
}

async fn attempts(world: &World, record: &RunRecord) -> Result<Vec<Attempt>, RunError> {
    world.store.attempts(&record.id).await.map_err(RunError::store("look at the attempts"))
}

fn is_interrupted(attempt: &Attempt) -> bool {
    attempt.outcome == Some(AttemptOutcome::Interrupted)
}

/// What a run becomes that somebody wants to end.
pub fn cancelled(record: &RunRecord) -> Afterwards {
    match record.cancel {
        Some((State::Superseded, _)) => Afterwards::Superseded,
        _ => Afterwards::Cancelled,
    }
}

/// What follows an attempt whose process is gone. `limits` is what the job of the run says, where known.
pub async fn after_end(
    world: &World,
    record: &RunRecord,
    limits: Option<&Limits>,
    outcome: AttemptOutcome,
) -> Result<Afterwards, RunError> {
    if record.cancel.is_some() {
        return Ok(cancelled(record));
    }
    if record.trigger != Trigger::Schedule && !record.trigger.is_consequence() {
        return Ok(Afterwards::Failed);
    }
    let now = Afterwards::Retry { not_before: world.now() };
    // What another run has caused is nobody's request: whoever runs the job next executes it first.
    if outcome == AttemptOutcome::Lost && record.trigger.is_consequence() {
        return Ok(if record.attempt < LOST_MAX { now } else { Afterwards::Dead });
    }
    let attempts = attempts(world, record).await?;
    let interruptions = attempts.iter().filter(|attempt| is_interrupted(attempt)).count();
    if outcome == AttemptOutcome::Interrupted && interruptions < INTERRUPTED_MAX {
        return Ok(now);
    }
    Ok(limits.map_or(Afterwards::Dead, |limits| next(world, record, limits, &attempts)))
}
