//! A person ends a run that is queued or being executed.
//!
//! The wish is put on record, and whoever executes the run reads it there and ends (`execute/obey.rs`): a
//! process id on record may be that of another process, here or where the run is executed. What is being
//! published is finished, never torn.

use std::time::{Duration, Instant};

use crate::adapters::lock::RunLock;
use crate::adapters::store::Transition;
use crate::domain::identity::RunId;
use crate::domain::run::{AttemptOutcome, State};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{OBEY_EVERY, definition};
use crate::engine::recover;
use crate::engine::world::World;

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Without a job file on record, a run has so long to end.
const GRACE: Duration = Duration::from_secs(20);

/// After it was ended by force, a process has so long to be gone.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// Cancels `run`; returns the state that it is in then.
pub async fn cancel(world: &World, run: &RunId, reason: &str) -> Result<State, RunError> {
    let failed = RunError::store("cancel");
    match world.store.cancel(run, reason, world.now()).await.map_err(failed)? {
        Transition::Done => {}
        Transition::Refused { found } => return Err(refused(run, found)),
    }
    let found = world.store.run(run).await.map_err(failed)?;
    let Some(record) = found.filter(|record| record.state != State::Cancelled) else {
        return Ok(State::Cancelled);
    };
    let defined = definition(world, &record).await?;
    let grace = defined.map_or(GRACE, |loaded| loaded.job.limits.kill_grace.unsigned_abs());
    // It is read at the next look, then the run has its grace, and after that its process is ended.
    let patience = world.real_span(OBEY_EVERY) + grace + KILL_WAIT;
    wait_until_free(world, run, patience).await?;
    recover::settle(world, run, (AttemptOutcome::Interrupted, reason)).await?;
    let state = world.store.run(run).await.map_err(failed)?.map(|record| record.state);
    match state {
        Some(state @ (State::Claimed | State::Running)) => {
            let message = format!("run `{run}` is still {state}: its process does not end");
            Err(RunError::new("cancel", Cause::Busy, message)
                .hint("the wish is on record: it publishes nothing any more, whenever it ends"))
        }
        Some(state) => Ok(state),
        None => Ok(State::Cancelled),
    }
}

fn is_free(world: &World, run: &RunId) -> Result<bool, RunError> {
    RunLock::is_free(&world.state_dir(), run).map_err(RunError::other("cancel"))
}

async fn wait_until_free(world: &World, run: &RunId, patience: Duration) -> Result<(), RunError> {
    let since = Instant::now();
    while since.elapsed() < patience && !is_free(world, run)? {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn refused(run: &RunId, found: Option<&'static str>) -> RunError {
    let message = match found {
        Some("committing") => format!("run `{run}` is being published, which is always finished"),
        Some(state) => format!("run `{run}` is {state}: there is nothing to cancel"),
        None => format!("there is no run `{run}`"),
    };
    RunError::new("cancel", Cause::Request, message)
}
