//! The chain for each missing tick, oldest first, as of that tick.
//!
//! Ticks that are not due yet are not missing; a range that holds some is refused as a whole.

use jiff::{SignedDuration, Timestamp};

use crate::domain::run::{RunKind, Trigger};
use crate::engine::error::{Cause, RunError};
use crate::engine::execute::{self, Force, Outcome, Progress, Promotion, Request, Scope};
use crate::engine::jobs::LoadedJob;
use crate::engine::world::World;

/// Which ticks to run.
#[derive(Clone)]
pub struct BackfillRequest {
    /// The first instant, included.
    pub from: Timestamp,
    /// The last instant, included.
    pub to: Timestamp,
    /// Most ticks to run.
    pub max: usize,
    /// Whether committed ticks are run again.
    pub force: Force,
    /// Told of stages and rows as they are done.
    pub progress: Option<Progress>,
}

/// What became of one tick.
pub type BackfilledTick = (Timestamp, Result<Outcome, RunError>);

/// Ticks from `from` to `to`, both included, that have no committed score run; at most `max`.
pub async fn missing(
    world: &World,
    loaded: &LoadedJob,
    from: Timestamp,
    to: Timestamp,
    max: usize,
) -> Result<Vec<Timestamp>, RunError> {
    require_past(world, loaded, to)?;
    ticks(world, loaded, &BackfillRequest { from, to, max, force: Force::No, progress: None }).await
}

/// Refuses a range that holds ticks of the future, all of them or some: whoever names them expects them to be run.
fn require_past(world: &World, loaded: &LoadedJob, to: Timestamp) -> Result<(), RunError> {
    let now = world.now();
    let next = loaded.job.schedule.as_ref().and_then(|schedule| schedule.next_after(now));
    let Some(next) = next.filter(|next| *next <= to) else { return Ok(()) };
    let message = format!(
        "`--to` {to} is in the future: the interval of the tick {next} ends then, and it is {now} now"
    );
    Err(RunError::new("backfill", Cause::Request, message)
        .hint(format!("end the range before {next}")))
}

/// Runs the chain for each tick of the request. A tick that fails does not keep the later ones from
/// running, unless the failure says that nothing can be trusted any more.
pub async fn backfill(
    world: &World,
    loaded: &LoadedJob,
    request: BackfillRequest,
) -> Result<Vec<BackfilledTick>, RunError> {
    require_past(world, loaded, request.to)?;
    // Also if no tick is missing: the last one may have been killed before what it had caused.
    execute::catch_up(world, loaded, Scope::Chain, request.progress.as_ref()).await?;
    let mut out = Vec::new();
    for tick in ticks(world, loaded, &request).await? {
        let asked = Request {
            tick: Some(tick),
            trigger: Trigger::Backfill,
            force: request.force,
            promotion: Promotion::IfBlessed,
            scope: Scope::Chain,
            progress: request.progress.clone(),
        };
        let outcome = execute::run(world, loaded, asked).await;
        let is_fatal = matches!(&outcome, Err(error) if stops_everything(error.cause));
        out.push((tick, outcome));
        if is_fatal {
            break;
        }
    }
    Ok(out)
}

fn stops_everything(cause: Cause) -> bool {
    match cause {
        Cause::Fsync | Cause::Damaged => true,
        Cause::Request
        | Cause::Job
        | Cause::Data
        | Cause::Unsettled
        | Cause::Busy
        | Cause::Other => false,
    }
}

async fn ticks(
    world: &World,
    loaded: &LoadedJob,
    request: &BackfillRequest,
) -> Result<Vec<Timestamp>, RunError> {
    let job = &loaded.job;
    let Some(schedule) = &job.schedule else {
        let message = format!("job `{}` has no schedule, so no tick is missing", job.name);
        return Err(RunError::new("backfill", Cause::Request, message));
    };
    let instant = SignedDuration::from_nanos(1);
    let after = request.from.saturating_sub(instant).unwrap_or(request.from);
    let mut out = Vec::new();
    for tick in schedule.ticks(after, request.to) {
        if out.len() == request.max {
            break;
        }
        let current = world
            .store
            .current(&job.name, RunKind::Score, tick)
            .await
            .map_err(RunError::store("backfill"))?;
        if current.is_none() || request.force == Force::NewRevision {
            out.push(tick);
        }
    }
    Ok(out)
}
