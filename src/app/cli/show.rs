//! `nightshift show`: one run, as it stands in the record.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::run::RunDocument;
use crate::app::render::text;
use crate::engine::report;
use crate::engine::world::Access;

/// Show one run: rows, model, files, findings, decision, stages
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift show 01k8h3m           the beginning of the id is enough
  nightshift show 01k8h3m --output json")]
pub(crate) struct ShowArgs {
    /// The run, or the beginning of its id
    run: String,
}

/// Runs `nightshift show`.
pub(crate) async fn cmd_show(context: &Context, args: &ShowArgs) -> Result<Answer, Failure> {
    let world = context.world(Access::Read).await?;
    let run = report::resolve(&world, &args.run).await?;
    let report = report::load(&world, &run).await?;
    Ok(Answer::new(text::run::chain(&report, context.paint()), &RunDocument::new(&report)))
}
