//! `nightshift score`: only the scoring half of a run.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::verdict::VerdictArgs;
use crate::app::cli::{progress, run};
use crate::domain::run::Trigger;
use crate::engine::execute::{self, Force, Request};
use crate::engine::world::Access;

/// Score one tick with the champion
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift score wine                             the latest tick that was due, or now
  nightshift score wine --tick 2026-01-05 --force   a correction: the next revision of a tick")]
pub(crate) struct ScoreArgs {
    /// The job
    job: String,
    /// The tick to score [default: the latest that was due; without a schedule, now]
    #[arg(long, value_name = "TIME")]
    tick: Option<String>,
    /// Make a new revision of a tick that is committed already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    verdict: VerdictArgs,
}

/// Runs `nightshift score`.
pub(crate) async fn cmd_score(context: &Context, args: &ScoreArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let request = run::request(&loaded, args.tick.as_deref(), Trigger::Manual)?;
    let force = if args.force { Force::NewRevision } else { Force::No };
    let world = context.world(Access::Create).await?;
    let outcome = progress::watched(context.terminal, |progress| {
        execute::score(&world, &loaded, Request { force, progress, ..request })
    });
    Ok(run::answer(context, args.verdict, &outcome.await?))
}
