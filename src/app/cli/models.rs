//! `nightshift models`: the versions of a model.

use crate::adapters::store::AliasState;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::registry::ModelsDocument;
use crate::app::render::text;
use crate::engine::error::RunError;

/// List the versions of a model, with aliases and metrics
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift models wine
  nightshift models wine --output json")]
pub(crate) struct ModelsArgs {
    /// The job, whose model bears the same name
    job: String,
}

/// Runs `nightshift models`.
pub(crate) async fn cmd_models(context: &Context, args: &ModelsArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    let model = context.model(&args.job)?;
    let failed = RunError::store("read the registry");
    let (state, versions) = match context.world_if_any(&loaded.project).await? {
        Some(world) => (
            world.store.aliases(&model).await.map_err(failed)?,
            world.store.versions(&model).await.map_err(failed)?,
        ),
        None => (AliasState::default(), Vec::new()),
    };
    if versions.is_empty() {
        context.job(&args.job)?;
    }
    let text = text::registry::models(&model, state.aliases, &versions, context.paint());
    let answer = Answer::new(text, &ModelsDocument::new(&model, state.aliases, &versions));
    if versions.is_empty() {
        Ok(answer.next(&format!("nightshift run {model}")))
    } else {
        Ok(answer)
    }
}
