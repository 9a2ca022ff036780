//! `nightshift restore`: a backup in the place of the database.

use std::path::PathBuf;

use crate::adapters::store::copy::Examined;
use crate::app::cli::answer::Answer;
use crate::app::cli::confirm::{self, ConsentArgs};
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::verify;
use crate::app::render::json::upkeep::RestoreDocument;
use crate::app::render::text::format::{counted, instant};
use crate::engine::error::RunError;
use crate::engine::restore;
use crate::engine::verify::{Scope, VerifiedOutcome, verify as compare};
use crate::engine::world::Access;

/// Put a backup in the place of the database, which is kept beside it
///
/// Nobody may be at work: a daemon or a run that holds its lock ends this with exit code 75. The backup is
/// looked through first; one that is damaged changes nothing. Models and outputs stay as they are. What was
/// published since the backup is not known to it: such a tick counts as not scored, and the next run of it
/// replaces what is there. Runs that were under way when the backup was made are ended by the next command
/// that runs something.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift restore /backups/churn-2026-01-05.db
  nightshift restore latest.db --yes && nightshift verify --data
  nightshift restore state/nightshift.db.kept-20260105T030000Z    undo a restore")]
pub(crate) struct RestoreArgs {
    /// A file that `nightshift backup` has written
    file: PathBuf,
    #[command(flatten)]
    consent: ConsentArgs,
}

/// Runs `nightshift restore`.
pub(crate) async fn cmd_restore(context: &Context, args: &RestoreArgs) -> Result<Answer, Failure> {
    let project = context.jobs()?.project;
    let state_dir = context.project_dir()?.join(&project.state_dir);
    let path = args.file.to_string_lossy();
    let found = restore::preview(&state_dir, &args.file).await?;
    let plan = format!(
        "`{path}`, with {}, takes the place of the database in `{}`, which is kept beside it",
        contents(&found),
        state_dir.display()
    );
    confirm::require(context, args.consent, &plan, "Restore this backup?").await?;
    let kept = restore::restore(&state_dir, &args.file, context.now()).await?;
    // A record that begins anew, too, has to learn what the project was called by the one that it replaces.
    let world = context.world(Access::Begin).await?;
    let kept = kept.map(|path| world.shown_path(&path.to_string_lossy()));
    let unfinished = world.store.unfinished().await.map_err(RunError::store("restore"))?.len();
    let files = compare(&world, Scope::Models).await?;
    let missing: Vec<_> = files.iter().filter(|file| file.outcome != VerifiedOutcome::Ok).collect();

    let mut text = format!("restored `{path}`: {}\n", contents(&found));
    if let Some(kept) = &kept {
        text.extend([format!("the database before is kept as `{kept}`\n")]);
    }
    if unfinished > 0 {
        let runs = counted(u64::try_from(unfinished).unwrap_or(u64::MAX), "run", "runs");
        text.extend([format!("{runs} under way when it was made: the next run ends them\n")]);
    }
    text += &verify::table(missing.iter().copied()).render(context.paint());
    let document = RestoreDocument::new(&path, found, kept.as_deref())
        .with(unfinished, missing.iter().map(|file| verify::document(file)).collect());
    let answer = Answer::new(text, &document);
    if missing.is_empty() {
        return Ok(answer.next("nightshift verify --data"));
    }
    Ok(answer.remark("copy these model files back, or train again".to_owned()))
}

/// `48 runs, the latest of 2026-01-05T03:00:00Z`.
fn contents(found: &Examined) -> String {
    let runs = counted(found.runs, "run", "runs");
    match found.latest_run_at {
        Some(at) => format!("{runs}, the latest of {}", instant(at)),
        None => runs,
    }
}
