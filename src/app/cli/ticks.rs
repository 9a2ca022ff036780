//! `nightshift ticks`: what became of every tick of a job, and why; or the word of a person on one of them.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::ledger::TicksDocument;
use crate::app::render::text;
use crate::engine::world::Access;
use crate::engine::{plan, ticks};

/// Show what became of every tick, and why
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift ticks wine
  nightshift ticks wine -n 200 --output json
  nightshift ticks wine --settle 2026-01-05T02:00:00Z --reason 'its data are lost'

A settled tick needs no run any more: with `schedule.depends_on_past`, the next one may go on.")]
pub(crate) struct TicksArgs {
    /// The job
    job: String,
    /// How many lines at most
    #[arg(short, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    n: u32,
    /// Say that this tick, whose run has failed, needs none any more
    #[arg(long, value_name = "TIME", requires = "reason")]
    settle: Option<String>,
    /// Why, for the record
    #[arg(long, requires = "settle")]
    reason: Option<String>,
}

/// Runs `nightshift ticks`.
pub(crate) async fn cmd_ticks(context: &Context, args: &TicksArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let access = if args.settle.is_some() { Access::Write } else { Access::Read };
    let world = context.world(access).await?;
    if let (Some(text), Some(reason)) = (&args.settle, &args.reason) {
        let tick = instant::parse(text, &plan::zone(&loaded.job))?;
        ticks::settle(&world, &loaded, tick, reason).await?;
    }
    let told = ticks::told(&world, &loaded, args.n).await?;
    Ok(Answer::new(text::ledger::table(&told, context.paint()), &TicksDocument::new(&told)))
}
