//! `nightshift pause` and `nightshift resume`: whether the ticks of a job are run.

use serde::Serialize;

use crate::adapters::store::Pause;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::engine::error::RunError;
use crate::engine::world::Access;

/// Let the ticks of a job go by without running them
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift pause wine --reason 'the source is being moved'
  nightshift resume wine

What is running goes on. Ticks that go by are on record as paused, see `nightshift ticks`;
`nightshift backfill` runs them afterwards. By hand the job can be run as ever.")]
pub(crate) struct PauseArgs {
    /// The job
    job: String,
    /// Why, for the record
    #[arg(long, default_value = "paused by hand")]
    reason: String,
}

/// Let the ticks of a paused job be run again
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift resume wine
  nightshift backfill wine --from 2026-01-05 --to 2026-01-08    what went by meanwhile")]
pub(crate) struct ResumeArgs {
    /// The job
    job: String,
}

/// `nightshift.pause/1`: whether the ticks of a job are run.
#[derive(Debug, Serialize)]
struct PauseDocument<'a> {
    schema: &'static str,
    job: &'a str,
    paused: bool,
    /// Whether the command has changed it.
    changed: bool,
}

/// Runs `nightshift pause`.
pub(crate) async fn cmd_pause(context: &Context, args: &PauseArgs) -> Result<Answer, Failure> {
    let job = context.job(&args.job)?.job.name;
    let world = context.world(Access::Create).await?;
    let pause = Pause {
        job: job.clone(),
        actor: "cli".to_owned(),
        reason: args.reason.clone(),
        at: world.now(),
    };
    let changed = world.store.pause(&pause).await.map_err(RunError::store("pause"))?;
    let text = if changed { "is paused" } else { "was paused already" };
    Ok(answer(job.as_str(), true, changed, text).next(&format!("nightshift resume {job}")))
}

/// Runs `nightshift resume`.
pub(crate) async fn cmd_resume(context: &Context, args: &ResumeArgs) -> Result<Answer, Failure> {
    let job = context.job(&args.job)?.job.name;
    let world = context.world(Access::Create).await?;
    let changed = world.store.resume(&job, world.now()).await.map_err(RunError::store("resume"))?;
    let text = if changed { "is resumed" } else { "was not paused" };
    Ok(answer(job.as_str(), false, changed, text))
}

fn answer(job: &str, paused: bool, changed: bool, text: &str) -> Answer {
    let document = PauseDocument { schema: "nightshift.pause/1", job, paused, changed };
    Answer::new(format!("`{job}` {text}\n"), &document).exit(Exit::Done)
}
