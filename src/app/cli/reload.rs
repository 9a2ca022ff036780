//! `nightshift reload`: a running daemon reads the job files again.
//!
//! It is asked through a file of the state folder and answers there, never by a signal: an id of a process that was
//! read from a record may be another's by now, or of another machine.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use crate::adapters::lock::DaemonLock;
use crate::adapters::reload_wish::{OwnWish, ReloadAnswer};
use crate::adapters::store::ScheduleRecord;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::{Failure, Kind};
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

/// The daemon looks once a second; one that does much else may take so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked for an answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `nightshift.reload/1`: that a daemon has read the job files again.
#[derive(Debug, Serialize)]
struct ReloadDocument {
    schema: &'static str,
    /// The daemon's process, as it calls itself: where it runs, it has that id.
    daemon: u32,
    /// How many jobs it follows.
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
    let daemon = DaemonLock::holder(&state_dir).ok_or_else(|| none(&state_dir))?;
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
    let jobs = followed(&state_dir).await?;
    let mut text = format!("the daemon follows {jobs} jobs as their files are now\n");
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

/// Asks the daemon, and waits for its answer: how many jobs it follows.
async fn followed(state_dir: &Path) -> Result<usize, Failure> {
    let failed = |error| Failure::internal("failed to ask the daemon", error);
    let (wish, begun) = (OwnWish::new(state_dir).map_err(failed)?, Instant::now());
    loop {
        // Before the answer is looked for: one that has answered may end.
        let is_there = DaemonLock::holder(state_dir).is_some();
        match wish.answer().map_err(failed)? {
            Some(ReloadAnswer::Followed(jobs)) => return Ok(jobs),
            Some(ReloadAnswer::Refused(problems)) => return Err(refused(&problems)),
            Some(ReloadAnswer::Failed(message)) => {
                let message = format!("the daemon could not read the job files: {message}");
                return Err(
                    Failure::new(Kind::Internal, message).hint("it follows the jobs of before")
                );
            }
            None if !is_there => return Err(none(state_dir)),
            None if begun.elapsed() > PATIENCE => {
                let seconds = PATIENCE.as_secs();
                let message = format!("the daemon has not answered within {seconds} s");
                return Err(Failure::new(Kind::Busy, message)
                    .hint("it follows the jobs of before; its log says what it does, and whether it stops"));
            }
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The daemon has found problems that were not there a moment ago, or that are none where this command runs.
fn refused(problems: &[String]) -> Failure {
    let message = format!("the daemon keeps the jobs of before: {}", problems.join("; "));
    Failure::new(Kind::Job, message)
        .hint("it reads the files where it runs: are they the same there, and its version?")
}

fn none(state_dir: &Path) -> Failure {
    Failure::usage(format!("no daemon follows `{}`", state_dir.display()))
        .hint("`nightshift daemon` starts one, and reads the job files when it does")
}
