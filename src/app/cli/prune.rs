//! `nightshift prune`: deletes what `[keep]` allows and nothing needs any more.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::upkeep::PruneDocument;
use crate::app::render::text::format::{bytes, counted};
use crate::engine::prune::{self, PrunePlan};
use crate::engine::world::Access;

/// Delete what `[keep]` allows; what an alias, a rollback or `drift.reference` needs stays
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift prune --dry-run    say what would go
  nightshift prune")]
pub(crate) struct PruneArgs {
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

/// Runs `nightshift prune`.
pub(crate) async fn cmd_prune(context: &Context, args: &PruneArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    if context.world_if_any(&loaded.project).await?.is_none() {
        let text = "nothing was recorded yet, so nothing can go\n".to_owned();
        return Ok(Answer::new(text, &PruneDocument::done(&PrunePlan::default())));
    }
    let world = context.world(Access::Write).await?;
    if args.dry_run {
        let plan = prune::plan(&world).await?;
        let answer =
            Answer::new(sentence("would delete", &plan), &PruneDocument::done(&plan).into_plan());
        return Ok(answer.next("nightshift prune"));
    }
    let done = prune::prune(&world).await?;
    Ok(Answer::new(sentence("deleted", &done), &PruneDocument::done(&done)))
}

fn sentence(verb: &str, plan: &PrunePlan) -> String {
    format!(
        "{verb} {}, {}, {} ({}), the profiles of {} and {}\n",
        counted(plan.runs, "run", "runs"),
        counted(plan.versions, "model version", "model versions"),
        counted(plan.files, "file", "files"),
        bytes(plan.bytes),
        counted(plan.profiles, "run", "runs"),
        counted(plan.logs, "log", "logs"),
    )
}
