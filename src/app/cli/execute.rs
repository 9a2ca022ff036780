//! `nightshift execute`: what the daemon starts for a run. Not for people, who have `run`.

use crate::adapters::process::confine::{ConfineError, Most, confine};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::{Failure, Kind};
use crate::app::exit::Exit;
use crate::app::render::json::run::RunDocument;
use crate::app::render::text;
use crate::domain::identity::RunId;
use crate::engine::execute;
use crate::engine::world::Access;

/// Execute a queued run on behalf of the daemon
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct ExecuteArgs {
    /// The run
    run: String,
    /// The process that has started this one, and with which this one dies
    #[arg(long, value_name = "PID")]
    parent: i32,
    /// The most private memory that may be allocated, in bytes
    #[arg(long, value_name = "BYTES")]
    memory_max: Option<u64>,
    /// The most processor time that may be used, of all threads together, in seconds
    #[arg(long, value_name = "SECONDS")]
    cpu_max: Option<u64>,
}

/// Runs `nightshift execute`.
pub(crate) async fn cmd_execute(context: &Context, args: &ExecuteArgs) -> Result<Answer, Failure> {
    let most = Most { memory: args.memory_max, cpu_seconds: args.cpu_max };
    confine(args.parent, most).map_err(|error| match error {
        ConfineError::Orphaned { .. } => Failure::new(Kind::Busy, error),
        ConfineError::Refused { .. } => Failure::internal("failed to begin the run", error),
    })?;
    let Some(run) = RunId::parse(&args.run) else {
        return Err(Failure::usage(format!("`{}` is not the id of a run", args.run)));
    };
    let world = context.world(Access::Write).await?;
    let report = execute::execute_alone(&world, &run).await?;
    let text = text::run::chain(&report, context.paint());
    Ok(Answer::new(text, &RunDocument::new(&report)).exit(Exit::of_report(&report)))
}
