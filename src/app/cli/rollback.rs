//! `nightshift rollback`: a person takes the champion back to what it was before, and with it what the
//! rolled back version has published.
//!
//! The alias moves and the corrections are queued in one transaction; then they are executed here. What an
//! earlier command has left is done before, so that the list of ticks is whole.

use crate::app::cli::answer::Answer;
use crate::app::cli::confirm::{self, ConsentArgs};
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::progress;
use crate::app::cli::promote::{ACTOR, reason, version};
use crate::app::exit::Exit;
use crate::app::render::json::registry::MovedDocument;
use crate::app::render::text;
use crate::app::render::text::format::counted;
use crate::app::render::text::registry::moved;
use crate::domain::identity::{JobName, Version};
use crate::domain::registry::Action;
use crate::domain::run::State;
use crate::engine::execute::{self, Scope};
use crate::engine::jobs::LoadedJob;
use crate::engine::recover;
use crate::engine::registry::{self, RollbackPlan};
use crate::engine::report::{self, RunReport};
use crate::engine::world::{Access, World};

/// What does not happen, said before somebody relies on it.
const SCORES_STAY: &str = "scores that are published already stay as they are";

/// Make the version champion that was champion before, and score its ticks again
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift rollback wine --reason \"complaints since Monday\"
  nightshift rollback wine --to 2 --reason \"last good one\" --yes
  nightshift rollback wine --no-rescore --reason \"only from now on\"")]
pub(crate) struct RollbackArgs {
    /// The job, whose model bears the same name
    job: String,
    /// The version to go back to [default: the latest former champion that was not rolled back]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    to: Option<Version>,
    /// Leave scores as they are that the version has published; otherwise each is corrected
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
    // Scores are made by the job; moving an alias needs only the registry.
    let loaded = if args.no_rescore { None } else { Some(context.job(&args.job)?) };
    let world = context.world(Access::Write).await?;
    // What an earlier command has left may be published with the version that goes.
    match &loaded {
        Some(loaded) => execute::catch_up(&world, loaded, Scope::ScoresOnly, None).await?,
        None => recover::recover(&world).await?,
    }
    let plan = registry::plan_rollback(&world, &model, args.to, loaded.is_some()).await?;
    let told = told(context, &model, &plan, args.no_rescore);
    confirm::require(context, args.consent, &told, "Do this?").await?;
    let words = (args.reason.as_str(), ACTOR);
    registry::roll_back(&world, &model, &plan, loaded.as_ref(), words).await?;
    let corrections = match &loaded {
        Some(loaded) => correct(context, &world, loaded, &plan).await?,
        None => Vec::new(),
    };
    let (before, after) = (plan.moves.before, plan.moves.after);
    let mut out = format!("rolled `{model}` back\n") + &moved(before, after, context.paint());
    for report in &corrections {
        out.push('\n');
        out.push_str(&text::run::chain(report, context.paint()));
    }
    let document = MovedDocument::new(&model, Action::RollBack.id(), &args.reason, (before, after))
        .with_corrections(&corrections);
    let exit = corrections.iter().map(failure_of).max().unwrap_or(Exit::Done);
    let answer = Answer::new(out, &document).exit(exit);
    Ok(if args.no_rescore { answer.remark(format!("note: {SCORES_STAY}")) } else { answer })
}

/// What is about to happen.
fn told(context: &Context, model: &JobName, plan: &RollbackPlan, no_rescore: bool) -> String {
    let moves = moved(plan.moves.before, plan.moves.after, context.paint());
    let ticks = u64::try_from(plan.corrections.len()).unwrap_or(u64::MAX);
    let scores = match (no_rescore, ticks) {
        (true, _) => SCORES_STAY.to_owned(),
        (false, 0) => "no tick was published with it".to_owned(),
        (false, ticks) => format!("{} will be scored again", counted(ticks, "tick", "ticks")),
    };
    format!("`{model}`:\n{moves}  {scores}\n")
}

/// Executes the corrections, and reads them back.
async fn correct(
    context: &Context,
    world: &World,
    loaded: &LoadedJob,
    plan: &RollbackPlan,
) -> Result<Vec<RunReport>, Failure> {
    let done = progress::watched(context.terminal, |progress| async move {
        execute::drain(world, loaded, Scope::ScoresOnly, progress.as_ref()).await
    });
    done.await?;
    let mut out = Vec::with_capacity(plan.corrections.len());
    for planned in &plan.corrections {
        out.push(report::load(world, &planned.id).await?);
    }
    Ok(out)
}

/// Whether a correction failed, or was not made. What it says of its data is old news, and no verdict on the
/// rollback.
fn failure_of(report: &RunReport) -> Exit {
    if report.state == State::Queued {
        return Exit::Failed;
    }
    let exit = Exit::of_report(report);
    if exit.is_verdict() && exit != Exit::CheckFailed { Exit::Done } else { exit }
}
