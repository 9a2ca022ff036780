//! `nightshift daemon`: follows the schedules of all jobs until it is told to stop.

use std::path::PathBuf;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::adapters::lock::DaemonLock;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::{Failure, Kind};
use crate::engine::daemon::{self, DaemonOptions, Order};
use crate::engine::jobs;
use crate::engine::local::require_local;
use crate::engine::world::Access;

/// Follow the schedules of all jobs until told to stop
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift daemon            in the foreground, as a service manager wants it
  nightshift ticks wine        what became of every tick
  nightshift reload            after a job file was changed

SIGTERM or SIGINT: begins nothing new, waits for what runs, ends; a second one does not wait.
SIGHUP: reads the job files again.")]
pub(crate) struct DaemonArgs {
    /// Begin a new record where the database is gone but models or outputs are there
    #[arg(long)]
    init: bool,
    /// Believe the clock although it is behind what is on record
    #[arg(long)]
    accept_clock: bool,
}

/// `nightshift.daemon/1`: that a daemon has stopped.
#[derive(Debug, Serialize)]
struct DaemonDocument {
    schema: &'static str,
    stopped: bool,
}

/// Runs `nightshift daemon`.
pub(crate) async fn cmd_daemon(context: &Context, args: &DaemonArgs) -> Result<Answer, Failure> {
    let project_dir = context.project_dir()?;
    let project = jobs::load_project(&project_dir)?.project;
    let state_dir = project_dir.join(&project.state_dir);
    require_local(&state_dir)?;
    // Before the lock: who sees it held may send signals.
    let (received, mut listeners) = orders()?;
    let failed = |error| Failure::internal("failed to start the daemon", error);
    let Some(_lock) = DaemonLock::acquire(&state_dir).map_err(failed)? else {
        let message = match DaemonLock::holder(&state_dir) {
            Some(holder) => format!("process {holder} is the daemon of `{}`", state_dir.display()),
            None => format!("another process is the daemon of `{}`", state_dir.display()),
        };
        return Err(Failure::new(Kind::Busy, message));
    };
    let access = if args.init { Access::Begin } else { Access::Create };
    let world = context.world(access).await?;
    context.pretences.told().for_each(|told| tracing::warn!("{told}"));
    // This very program, even if another one has taken its place on the disk since.
    let program = PathBuf::from("/proc/self/exe");
    let options = DaemonOptions { program, accept_clock: args.accept_clock };
    daemon::follow(&world, options, received).await?;
    listeners.abort_all();
    let document = DaemonDocument { schema: "nightshift.daemon/1", stopped: true };
    Ok(Answer::new("the daemon has stopped\n".to_owned(), &document))
}

/// Signals as orders.
fn orders() -> Result<(mpsc::Receiver<Order>, JoinSet<()>), Failure> {
    let (orders, received) = mpsc::channel(8);
    let mut listeners = JoinSet::new();
    let kinds = [
        (SignalKind::terminate(), Order::Stop),
        (SignalKind::interrupt(), Order::Stop),
        (SignalKind::hangup(), Order::Reload),
    ];
    for (kind, order) in kinds {
        let mut signals = signal(kind)
            .map_err(|error| Failure::internal("failed to listen for signals", error))?;
        let orders = orders.clone();
        listeners.spawn(async move {
            while signals.recv().await.is_some() {
                if orders.send(order).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok((received, listeners))
}
