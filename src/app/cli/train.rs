//! `nightshift train`: only the training half of a run.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::run::TriggerArg;
use crate::app::cli::verdict::VerdictArgs;
use crate::app::cli::{progress, run};
use crate::engine::execute::{self, Promotion, Request};
use crate::engine::world::Access;

/// Train one version, register it, and promote it where the rules let it
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift train wine                 on everything known now
  nightshift train wine --no-promote    only register the version
  nightshift train wine --trigger ci    from a pipeline, for the record")]
pub(crate) struct TrainArgs {
    /// The job
    job: String,
    /// Train as of this time: only rows and labels before it are used [default: now]
    #[arg(long, value_name = "TIME")]
    tick: Option<String>,
    /// Why the run exists, for the record
    #[arg(long, value_name = "WHY", value_enum, default_value = "manual")]
    trigger: TriggerArg,
    /// Register the version but leave the champion where it is
    #[arg(long)]
    no_promote: bool,
    #[command(flatten)]
    verdict: VerdictArgs,
}

/// Runs `nightshift train`.
pub(crate) async fn cmd_train(context: &Context, args: &TrainArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let request = run::request(&loaded, args.tick.as_deref(), args.trigger.into())?;
    let promotion = if args.no_promote { Promotion::Never } else { Promotion::IfBlessed };
    let world = context.world(Access::Create).await?;
    let outcome = progress::watched(context.terminal, |progress| {
        execute::train(&world, &loaded, Request { promotion, progress, ..request })
    });
    Ok(run::answer(context, args.verdict, &outcome.await?))
}
