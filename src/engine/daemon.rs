//! The daemon: it follows schedules, and every tick gets an answer.
//!
//! One loop. The cron engine wakes it every second, and a timer when the next tick is due; the planner
//! rules on the ticks that are due and queues their runs in the store; the dispatcher starts a process for
//! each run that may begin, and settles it when the process has ended. Nothing is only in memory but the
//! processes themselves: a daemon that is killed is started again, and goes on from what the store says.

/// Reloads that a command has asked for.
mod asked;
/// Cursors of schedules that were switched off.
pub mod catch_up;
/// A process that executes a run, attended to its end.
mod child;
/// Whether the clock can be believed.
mod clock;
/// Which runs begin, and what became of them.
mod dispatcher;
/// Whether job files have changed.
mod edits;
/// Which jobs there are, and what their schedules are.
pub mod job_set;
/// Whether the input of runs is there.
mod lookout;
/// Which ticks are due, and what becomes of them.
pub mod planner;
/// What wakes the loop, and what happens when it does not.
mod pulse;
/// A seal in each pause.
mod quiet;
/// Runs that nobody attends.
mod recovery;
/// Which job files are followed.
mod reload;
/// What became of a run whose process has ended.
mod settle;
/// Runs whose process lives and says nothing.
mod stuck;
/// Backup and deletion, once a day.
mod upkeep;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use self::asked::Asked;
use self::clock::ClockWatch;
use self::dispatcher::{Dispatcher, Drained};
use self::edits::Edits;
use self::job_set::JobSet;
use self::planner::Planner;
use self::pulse::Pulse;
use self::quiet::Quiet;
use self::recovery::Recovery;
use self::reload::{Reloaded, Wish, give_up_queued, load, reload, tell_crowding};
use self::stuck::StuckWatch;
use self::upkeep::Upkeep;
use crate::adapters::failpoint;
use crate::adapters::metrics::Metrics;
use crate::adapters::supervisor::Supervisor;
use crate::domain::job::Job;
use crate::engine::error::{Cause, RunError};
use crate::engine::recover;
use crate::engine::score::load_artifact;
use crate::engine::world::World;

/// What somebody asks of a running daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Read the job files again.
    Reload,
    /// Begin nothing new, wait for what runs, end.
    Stop,
}

/// How a daemon is to work.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    /// The program that executes runs, with its arguments but the last, which is the run.
    pub program: PathBuf,
    /// Whether a clock that is behind the record is believed all the same.
    pub accept_clock: bool,
}

/// What is being published when everything else has stopped may take so long at least.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How often the metrics are written, in beats.
const MEASURE_EVERY: u64 = 5;

/// Follows the schedules of a project until it is told to stop. The caller holds the daemon's lock.
pub async fn follow(
    world: &World,
    options: DaemonOptions,
    mut orders: mpsc::Receiver<Order>,
) -> Result<(), RunError> {
    let supervisor = Supervisor;
    failpoint::reach("recover.integrity").map_err(RunError::other("check the database"))?;
    world.store.quick_check().await.map_err(RunError::store("check the database"))?;
    let mut clock = ClockWatch::new(world.now());
    if options.accept_clock {
        ClockWatch::accept(world).await?;
    }
    // Told before anything is written by it; each beat decides anew.
    clock.may_be_believed(world, world.now(), options.accept_clock).await?;
    // Before the jobs are read: no change falls between.
    let (mut edits, mut asked) = (Edits::new(world), Asked::new(world));
    let mut jobs = take_over(world).await?;
    let mut planner = Planner::new(world, &jobs).await?;
    let mut dispatcher = Dispatcher::new(world, options.program)?;
    let mut pulse = Pulse::new(world.metrics.clone()).await;
    let (mut upkeep, mut stuck, mut quiet) = (Upkeep::new(), StuckWatch::new(world), Quiet::new());
    supervisor.ready(&format!("following {} schedules", planner.len()));
    tracing::info!("the daemon follows {} schedules", planner.len());
    tell_crowding(world, &jobs).await?;
    let mut recovery = Recovery::new();
    let (mut beats, mut untold): (u64, usize) = (0, 0);
    loop {
        if beats.is_multiple_of(MEASURE_EVERY) {
            tell_metrics(world, dispatcher.len());
            untold = tell_untold(world, untold);
        }
        // The engine looks twice a second; a tick is not kept waiting for it.
        let due = planner.due_in(world.now()).map_or(Duration::MAX, |span| world.real_span(span));
        tokio::select! {
            () = pulse.beat() => {}
            () = tokio::time::sleep(due) => {}
            () = dispatcher.someone_ended() => {}
            order = orders.recv() => match order {
                Some(Order::Reload) => {
                    // Nobody waits for an answer to a signal; the log has it.
                    let _told = reload(world, &mut jobs, &mut planner, Wish::Somebody).await?;
                }
                Some(Order::Stop) | None => break,
            },
        }
        pulse.mend().await;
        if edits.are_to_be_read() {
            tracing::info!("job files have changed");
            let reloaded = reload(world, &mut jobs, &mut planner, Wish::Change).await?;
            if matches!(reloaded, Reloaded::Failed(_)) {
                edits.try_again();
            }
        }
        asked.tend(world, &mut jobs, &mut planner).await?;
        let now = world.now();
        let has_settled = dispatcher.settle(world, &jobs)?;
        if clock.may_be_believed(world, now, options.accept_clock).await? {
            planner.reconcile(world, &jobs, now).await?;
            dispatcher.dispatch(world, &jobs, now).await?;
            upkeep.tend(world, now)?;
        }
        stuck.look(world).await.or_else(|error| endure(error, "look for stuck runs"))?;
        quiet.tend(world).await.or_else(|error| endure(error, "seal the database"))?;
        // One that has ended may have had a run of its own in hand: a first training.
        recovery.tend(world, has_settled, |run| dispatcher.attends(run)).await?;
        beats += 1;
        supervisor.alive();
    }
    tracing::info!("the daemon stops: {} runs are waited for", dispatcher.len());
    pulse.stop().await;
    upkeep.stop().await;
    stop(world, &jobs, (dispatcher, recovery), orders).await?;
    Metrics::remove(&world.metrics_path()).map_err(RunError::other("remove the metrics"))
}

/// Waits for what runs and what is being published, as long as the project says, or until a second order to stop.
async fn stop(
    world: &World,
    jobs: &JobSet,
    (mut dispatcher, recovery): (Dispatcher, Recovery),
    mut orders: mpsc::Receiver<Order>,
) -> Result<(), RunError> {
    let (begun, patience) = (Instant::now(), duration(world.project.daemon.drain_timeout));
    let longest = patience + dispatcher::KILL_GRACE + dispatcher::KILL_WAIT + LAST_WAIT;
    Supervisor.stopping(longest);
    let rest = match dispatcher.drain(world, jobs, patience, &mut orders).await? {
        Drained::Patiently => patience.saturating_sub(begun.elapsed()).max(LAST_WAIT),
        Drained::Hurried => LAST_WAIT,
    };
    // One that has ended may have had a run of its own in hand: a first training.
    let hurried = async { while let Some(Order::Reload) = orders.recv().await {} };
    tokio::select! {
        ended = recovery.finish(world, rest, |run| dispatcher.attends(run)) => ended,
        () = hurried => Ok(()),
    }
}

/// Sets right what the last daemon has left, and reads the jobs.
async fn take_over(world: &World) -> Result<JobSet, RunError> {
    let unfinished = world.store.unfinished().await.map_err(RunError::store("recover"))?;
    recover::recover_each(world, &unfinished).await.or_else(|error| endure(error, "recover"))?;
    let jobs = load(world).await?;
    for loaded in jobs.all() {
        if let Err(error) = look_after(world, &loaded.job).await {
            endure(error, "look after a job")?;
        }
    }
    give_up_queued(world, &jobs).await?;
    Ok(jobs)
}

/// Says how many lines of the log nobody read, if that are more than `known`; returns how many they are.
fn tell_untold(world: &World, known: usize) -> usize {
    let untold = world.log_lines_untold();
    if untold > known {
        world.metrics.log_lines_lost(untold - known);
        tracing::error!("nobody read the log: {untold} of its lines are lost");
    }
    untold
}

/// Writes what was counted, for whoever collects it. It stops nothing if that fails.
fn tell_metrics(world: &World, running: usize) {
    world.metrics.running(running);
    world.metrics.beat(world.now());
    if let Err(error) = world.metrics.write(&world.metrics_path()) {
        tracing::warn!(error = %error, "failed to write the metrics");
    }
}

/// Removes what killed runs of a job have staged, and says it if the model file of its champion is missing or
/// damaged: nothing is scored with it, and the next night is a bad moment to learn that. A damaged version is
/// marked, so that no alias is moved to it.
async fn look_after(world: &World, job: &Job) -> Result<(), RunError> {
    recover::sweep_staging(world, job).await?;
    failpoint::reach("recover.verify_models").map_err(RunError::other("look at the models"))?;
    let Some(champion) = world.champion(&job.name).await? else { return Ok(()) };
    match load_artifact(world, &champion).await {
        Ok(_sound) => Ok(()),
        Err(error) if error.cause == Cause::Damaged && !error.ends_everything() => {
            let (name, version, found) = (&job.name, champion.version, error.chain());
            tracing::error!(job.name = %name, "{version} of `{name}` cannot score: {found}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// A span of a job file as one of the monotonic clock.
fn duration(span: jiff::SignedDuration) -> Duration {
    span.unsigned_abs()
}

/// An error that says that nothing can be trusted any more ends the daemon; any other one is told, and a
/// later beat tries again. What is damaged of a single run is on record with that run, and no concern of
/// the others.
fn endure(error: RunError, what: &str) -> Result<(), RunError> {
    if error.ends_everything() {
        return Err(error);
    }
    tracing::error!(error = %error.chain(), "failed to {what}; it is tried again");
    Ok(())
}

/// A moment, for log lines.
fn told(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::publish::PublishError;
    use crate::adapters::store::StoreError;

    #[track_caller]
    fn check(error: RunError, ends: bool) {
        assert_eq!(endure(error, "try").is_err(), ends);
    }

    #[test]
    fn only_what_concerns_every_run_ends_the_daemon() {
        let path = PathBuf::from("state/nightshift.db");
        let damaged = StoreError::Damaged { path, found: "a page".to_owned(), source: None };
        check(RunError::store("try")(damaged), true);
        // Of the scores of one run, which has failed for good.
        check(RunError::new("try", Cause::Fsync, "a sync failed"), false);
        check(RunError::store("try")(StoreError::Busy { action: "write" }), false);
        check(RunError::other("try")(std::io::Error::other("no room")), false);
        let (path, wanted, found) = (PathBuf::from("part"), "1".to_owned(), "2".to_owned());
        let of_one_run = PublishError::Corrupt { path, wanted, found };
        check(RunError::new("try", Cause::Damaged, of_one_run), false);
    }
}
