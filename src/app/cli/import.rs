//! `nightshift import`: an existing artifact becomes a version.

use std::path::PathBuf;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::promote::{ACTOR, reason};
use crate::app::render::json::registry::ImportDocument;
use crate::app::render::text::registry::moved;
use crate::engine::registry;
use crate::engine::world::Access;

/// Register an existing artifact as a version, and as champion if there is none
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift import wine model.nsm --reason \"trained on the other cluster\"")]
pub(crate) struct ImportArgs {
    /// The job, whose model bears the same name
    job: String,
    /// The artifact: a file that nightshift wrote
    file: PathBuf,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// Runs `nightshift import`.
pub(crate) async fn cmd_import(context: &Context, args: &ImportArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let model = &loaded.job.name;
    let world = context.world(Access::Create).await?;
    let (version, done) = registry::import(&world, model, &args.file, &args.reason, ACTOR).await?;
    let text = format!("imported `{}` as `{model}` {version}\n", args.file.display())
        + &moved(done.before, done.after, context.paint());
    let ends = (done.before, done.after);
    let answer = Answer::new(text, &ImportDocument::new(model, version, &args.reason, ends));
    if done.after.champion == Some(version) {
        return Ok(answer.next(&format!("nightshift score {model}")));
    }
    Ok(answer.next(&format!("nightshift promote {model} {} --reason REASON", version.0)))
}
