//! `nightshift history`: every move of every alias of a model.

use jiff::tz::TimeZone;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::registry::HistoryDocument;
use crate::app::render::text;
use crate::app::render::text::format;
use crate::domain::registry::champion_at;
use crate::engine::error::RunError;
use crate::engine::plan::zone;

/// Show every move of every alias: when, from, to, who, why
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift history wine
  nightshift history wine --at 2026-01-05T02:30:00Z    what was champion then")]
pub(crate) struct HistoryArgs {
    /// The job, whose model bears the same name
    job: String,
    /// Say what was champion at this time
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Runs `nightshift history`.
pub(crate) async fn cmd_history(context: &Context, args: &HistoryArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    let model = context.model(&args.job)?;
    let zone = loaded.find(&args.job).map_or(TimeZone::UTC, |loaded| zone(&loaded.job));
    let at = args.at.as_deref().map(|text| instant::parse(text, &zone)).transpose()?;
    let moves = match context.world_if_any(&loaded.project).await? {
        Some(world) => {
            world.store.history(&model).await.map_err(RunError::store("read the registry"))?
        }
        None => Vec::new(),
    };
    if moves.is_empty() {
        context.job(&args.job)?;
    }
    let document = HistoryDocument::new(&model, &moves);
    let Some(at) = at else {
        let text = text::registry::history(&model, &moves, context.paint());
        return Ok(Answer::new(text, &document));
    };
    let champion = champion_at(&moves, at);
    let text = match champion {
        Some(version) => format!("{version} was champion at {}\n", format::instant(at)),
        None => format!("`{model}` had no champion at {}\n", format::instant(at)),
    };
    Ok(Answer::new(text, &document.with_champion(at, champion)))
}
