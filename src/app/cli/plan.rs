//! `nightshift plan`: what a run would do.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::plan::PlanDocument;
use crate::app::render::text;
use crate::engine::plan::{plan, zone};
use crate::engine::world::Access;

/// Show what a run would read, use and write, with every default filled in
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift plan wine
  nightshift plan wine --tick 2026-01-05")]
pub(crate) struct PlanArgs {
    /// The job
    job: String,
    /// The tick to plan for [default: the latest that was due; without a schedule, now]
    #[arg(long, value_name = "TIME")]
    tick: Option<String>,
}

/// Runs `nightshift plan`.
pub(crate) async fn cmd_plan(context: &Context, args: &PlanArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let zone = zone(&loaded.job);
    let tick = args.tick.as_deref().map(|text| instant::parse(text, &zone)).transpose()?;
    let world = context.world(Access::Create).await?;
    let planned = plan(&world, &loaded, tick).await?;
    let name = &loaded.job.name;
    let text = text::plan::plan(name, &planned, context.paint());
    Ok(Answer::new(text, &PlanDocument::new(name, &planned))
        .next(&format!("nightshift run {name}")))
}
