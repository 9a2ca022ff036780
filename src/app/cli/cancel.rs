//! `nightshift cancel`: ends a run that is queued or being executed.

use serde::Serialize;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::engine::cancel;
use crate::engine::report;
use crate::engine::world::Access;

/// End a run that is queued or being executed
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift cancel 01k8
  nightshift cancel 01k8 --reason 'the input is wrong'

A run that is being published is finished, and the command says so.")]
pub(crate) struct CancelArgs {
    /// The run, or the beginning of its id
    run: String,
    /// Why, for the record
    #[arg(long, default_value = "cancelled by hand")]
    reason: String,
}

/// `nightshift.cancel/1`: what became of a run that was to end.
#[derive(Debug, Serialize)]
struct CancelDocument<'a> {
    schema: &'static str,
    run: &'a str,
    state: &'static str,
}

/// Runs `nightshift cancel`.
pub(crate) async fn cmd_cancel(context: &Context, args: &CancelArgs) -> Result<Answer, Failure> {
    let world = context.world(Access::Write).await?;
    let run = report::resolve(&world, &args.run).await?;
    let state = cancel::cancel(&world, &run, &args.reason).await?;
    let document =
        CancelDocument { schema: "nightshift.cancel/1", run: run.as_str(), state: state.id() };
    Ok(Answer::new(format!("run `{run}` is {state}\n"), &document))
}
