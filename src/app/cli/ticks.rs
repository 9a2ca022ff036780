//! `nightshift ticks`: what became of every tick of a job, and why.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::ledger::TicksDocument;
use crate::app::render::text;
use crate::engine::ticks;
use crate::engine::world::Access;

/// Show what became of every tick, and why
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift ticks wine
  nightshift ticks wine -n 200 --output json")]
pub(crate) struct TicksArgs {
    /// The job
    job: String,
    /// How many lines at most
    #[arg(short, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    n: u32,
}

/// Runs `nightshift ticks`.
pub(crate) async fn cmd_ticks(context: &Context, args: &TicksArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let world = context.world(Access::Read).await?;
    let told = ticks::told(&world, &loaded, args.n).await?;
    Ok(Answer::new(text::ledger::table(&told, context.paint()), &TicksDocument::new(&told)))
}
