//! `nightshift reload`: a running daemon reads the job files again.

use serde::Serialize;

use crate::adapters::lock::DaemonLock;
use crate::adapters::process::{Wish, ask};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;

/// Let the running daemon read the job files again
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift reload    checks every file first; with a problem, the daemon keeps what it has")]
pub(crate) struct ReloadArgs {}

/// `nightshift.reload/1`: that a daemon was asked to read the job files again.
#[derive(Debug, Serialize)]
struct ReloadDocument {
    schema: &'static str,
    /// The process that was asked.
    daemon: i32,
    jobs: usize,
}

/// Runs `nightshift reload`.
pub(crate) fn cmd_reload(context: &Context, _args: &ReloadArgs) -> Result<Answer, Failure> {
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
    ask(daemon, Wish::Reload)
        .map_err(|error| Failure::internal("failed to ask the daemon", error))?;
    let jobs = loaded.jobs.len();
    let document = ReloadDocument { schema: "nightshift.reload/1", daemon, jobs };
    let text = format!("process {daemon} was asked to follow {jobs} jobs as their files are now\n");
    Ok(Answer::new(text, &document))
}
