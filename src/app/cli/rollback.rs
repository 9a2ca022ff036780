//! `nightshift rollback`: a person takes the champion back to what it was before.

use crate::app::cli::answer::Answer;
use crate::app::cli::confirm::{self, ConsentArgs};
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::promote::{ACTOR, reason, version};
use crate::app::render::json::registry::MovedDocument;
use crate::app::render::text::registry::moved;
use crate::domain::identity::Version;
use crate::domain::registry::Action;
use crate::engine::registry;
use crate::engine::world::Access;

/// What does not happen, said before somebody relies on it.
const SCORES_STAY: &str = "scores that are published already stay as they are";

/// Make the version champion that was champion before
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift rollback wine --no-rescore --reason \"complaints since Monday\"
  nightshift rollback wine --to 2 --no-rescore --reason \"last good one\" --yes")]
pub(crate) struct RollbackArgs {
    /// The job, whose model bears the same name
    job: String,
    /// The version to go back to [default: the latest former champion that was not rolled back]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    to: Option<Version>,
    /// Leave scores that are published already as they are; needed, since re-scoring is not built yet
    #[arg(long)]
    no_rescore: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    consent: ConsentArgs,
}

/// Runs `nightshift rollback`.
pub(crate) async fn cmd_rollback(
    context: &Context,
    args: &RollbackArgs,
) -> Result<Answer, Failure> {
    let model = context.model(&args.job)?;
    if !args.no_rescore {
        return Err(Failure::usage("re-scoring after a rollback is not supported yet")
            .hint(format!("give `--no-rescore`: the alias moves, and {SCORES_STAY}"))
            .hint(format!("`nightshift score {model} --tick TIME --force` corrects one tick")));
    }
    let world = context.world(Access::Write).await?;
    let planned = registry::preview_rollback(&world, &model, args.to).await?;
    let moves = moved(planned.before, planned.after, context.paint());
    let plan = format!("`{model}`:\n{moves}  {SCORES_STAY}\n");
    confirm::require(context, args.consent, &plan, "Move these aliases?").await?;
    let done = registry::rollback(&world, &model, args.to, &args.reason, ACTOR).await?;
    let text =
        format!("rolled `{model}` back\n") + &moved(done.before, done.after, context.paint());
    let ends = (done.before, done.after);
    let document = MovedDocument::new(&model, Action::RollBack.id(), &args.reason, ends);
    Ok(Answer::new(text, &document).remark(format!("note: {SCORES_STAY}")))
}
