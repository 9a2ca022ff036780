//! `nightshift backup`: one sound file of the record, made while runs go on.

use std::path::PathBuf;

use crate::adapters::store::copy::Overwrite;
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::render::json::upkeep::BackupDocument;
use crate::app::render::text::format::{bytes, counted};
use crate::engine::backup::back_up;
use crate::engine::world::Access;

/// Write a backup of the database to a file, while runs go on
///
/// The file is complete, checked and durable before it gets its name. It holds the record: runs, findings,
/// decisions, versions, aliases. Models and outputs are not in it: they are plain files that never change
/// under their names, so any tool can copy them. Copy them after the backup, and every file that it names is
/// among them.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift backup /backups/churn-2026-01-05.db && cp -a --update state/models /backups/
  nightshift backup latest.db --force    replace the backup before, once this one is complete")]
pub(crate) struct BackupArgs {
    /// Where to write it; the folder must exist
    file: PathBuf,
    /// Replace a file of this name
    #[arg(long)]
    force: bool,
}

/// Runs `nightshift backup`.
pub(crate) async fn cmd_backup(context: &Context, args: &BackupArgs) -> Result<Answer, Failure> {
    let world = context.world(Access::Read).await?;
    let overwrite = if args.force { Overwrite::Yes } else { Overwrite::No };
    let done = back_up(&world, &args.file, overwrite).await?;
    let path = done.path.to_string_lossy();
    let text = format!(
        "`{path}`: {}, {}, schema {}\nsha256 {}\n",
        bytes(done.size_bytes),
        counted(done.examined.runs, "run", "runs"),
        done.examined.schema,
        done.sha256
    );
    let sha256 = done.sha256.to_string();
    let document = BackupDocument::new(&path, done.size_bytes, sha256, done.examined);
    let models = world.shown_path(&world.state_dir().join("models").to_string_lossy());
    Ok(Answer::new(text, &document)
        .remark(format!("not in it: the files of `{models}` and the outputs; copy them now")))
}
