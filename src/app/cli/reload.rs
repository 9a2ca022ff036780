//! `nightshift reload`: a running daemon reads the job files again.

use jiff::Timestamp;
use serde::Serialize;

use crate::adapters::lock::DaemonLock;
use crate::adapters::process::{Wish, ask};
use crate::adapters::store::ScheduleRecord;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::text::format::instant;
use crate::engine::daemon::catch_up::catch_up;
use crate::engine::world::Access;

/// Let the running daemon read the job files again
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift reload               checks every file first; with a problem, the daemon keeps what it has
  nightshift reload --catch-up    rules on the ticks of jobs that were switched off, too

A job that is switched on again by `enabled = true` begins anew: what was due while it was off is not run.
With `--catch-up` it goes on from its last tick, and `schedule.catchup` says what becomes of those between.")]
pub(crate) struct ReloadArgs {
    /// Rule on what was due while jobs were switched off that are on again now
    #[arg(long)]
    catch_up: bool,
}

/// `nightshift.reload/1`: that a daemon was asked to read the job files again.
#[derive(Debug, Serialize)]
struct ReloadDocument {
    schema: &'static str,
    /// The process that was asked.
    daemon: i32,
    jobs: usize,
    /// The schedules that go on from where they were when they were switched off.
    caught_up: Vec<CaughtUp>,
}

/// A schedule that goes on.
#[derive(Debug, Serialize)]
struct CaughtUp {
    job: String,
    kind: &'static str,
    /// The last tick that was ruled on.
    since: Timestamp,
}

/// Runs `nightshift reload`.
pub(crate) async fn cmd_reload(context: &Context, args: &ReloadArgs) -> Result<Answer, Failure> {
    let loaded = context.load()?;
    if !loaded.problems.is_empty() {
        return Err(Failure::problems(loaded.problems, loaded.sources));
    }
    let state_dir = context.project_dir()?.join(&loaded.project.state_dir);
    let holder = DaemonLock::holder(&state_dir);
    let Some(daemon) = holder.and_then(|pid| i32::try_from(pid).ok()) else {
        return Err(Failure::usage(format!("no daemon follows `{}`", state_dir.display()))
            .hint("`nightshift daemon` starts one, and reads the job files when it does"));
    };
    let mut caught_up = Vec::new();
    if args.catch_up {
        let world = context.world(Access::Write).await?;
        let each = |found: ScheduleRecord| CaughtUp {
            job: found.job.to_string(),
            kind: found.kind.id(),
            since: found.cursor,
        };
        caught_up.extend(catch_up(&world).await?.into_iter().map(each));
    }
    ask(daemon, Wish::Reload)
        .map_err(|error| Failure::internal("failed to ask the daemon", error))?;
    let jobs = loaded.jobs.len();
    let mut text =
        format!("process {daemon} was asked to follow {jobs} jobs as their files are now\n");
    text.extend(caught_up.iter().map(|CaughtUp { job, kind, since }| {
        format!("  {kind} schedule of `{job}` goes on from {}\n", instant(*since))
    }));
    if args.catch_up && caught_up.is_empty() {
        text.push_str(
            "  nothing is to be caught up: no schedule was followed once and is not now\n",
        );
    }
    let document = ReloadDocument { schema: "nightshift.reload/1", daemon, jobs, caught_up };
    Ok(Answer::new(text, &document))
}
