//! `nightshift verify`: the database, and every stored hash against the disk.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::upkeep::{VerifiedFile, VerifyDocument};
use crate::app::render::text::format::counted;
use crate::app::render::text::{Align, Cell, Table, Tone};
use crate::engine::verify::{Scope, Verified, VerifiedOutcome, verify};

/// Look through the database, and compare every stored hash with the disk
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift verify           models
  nightshift verify --data    models, and everything that runs published")]
pub(crate) struct VerifyArgs {
    /// Look at published outputs as well
    #[arg(long)]
    data: bool,
}

/// Runs `nightshift verify`.
pub(crate) async fn cmd_verify(context: &Context, args: &VerifyArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    let scope = if args.data { Scope::ModelsAndData } else { Scope::Models };
    let found = match context.world_if_any(&loaded.project).await? {
        Some(world) => verify(&world, scope).await?,
        None => Vec::new(),
    };
    let document = VerifyDocument::new(found.iter().map(document).collect());
    let number = |wanted: &dyn Fn(&VerifiedOutcome) -> bool| {
        let files = found.iter().filter(|file| wanted(&file.outcome)).count();
        u64::try_from(files).unwrap_or(u64::MAX)
    };
    let table = table(found.iter().filter(|file| file.outcome != VerifiedOutcome::Ok));
    let checked =
        counted(number(&|outcome| *outcome != VerifiedOutcome::Unrecorded), "file", "files");
    let is_sound = |outcome: &VerifiedOutcome| {
        matches!(outcome, VerifiedOutcome::Ok | VerifiedOutcome::Unrecorded)
    };
    let text = table.render(context.paint());
    if number(&|outcome| !is_sound(outcome)) == 0 {
        return Ok(Answer::new(format!("{text}{checked} as recorded\n"), &document));
    }
    Ok(Answer::new(format!("{text}{checked} looked at\n"), &document).exit(Exit::Damaged))
}

/// A row for each file, with what is wrong with it.
pub(crate) fn table<'f>(files: impl Iterator<Item = &'f Verified>) -> Table {
    let left = Align::Left;
    let mut table = Table::aligned(&[left, left, left, left]);
    for file in files {
        let found = match &file.outcome {
            VerifiedOutcome::Changed { wanted, found } => format!("wanted {wanted}, found {found}"),
            _ => String::new(),
        };
        let tone = match &file.outcome {
            VerifiedOutcome::Unrecorded => Tone::Warning,
            _ => Tone::Bad,
        };
        table.row([
            Cell::toned(word(&file.outcome), tone),
            file.what.as_str().into(),
            file.path.as_str().into(),
            found.into(),
        ]);
    }
    table
}

fn word(outcome: &VerifiedOutcome) -> &'static str {
    match outcome {
        VerifiedOutcome::Ok => "ok",
        VerifiedOutcome::Missing => "missing",
        VerifiedOutcome::Changed { .. } => "changed",
        VerifiedOutcome::Unrecorded => "unrecorded",
    }
}

pub(crate) fn document(file: &Verified) -> VerifiedFile<'_> {
    let (wanted, found) = match &file.outcome {
        VerifiedOutcome::Changed { wanted, found } => {
            (Some(wanted.to_string()), Some(found.to_string()))
        }
        VerifiedOutcome::Ok | VerifiedOutcome::Missing | VerifiedOutcome::Unrecorded => {
            (None, None)
        }
    };
    VerifiedFile { path: &file.path, what: &file.what, outcome: word(&file.outcome), wanted, found }
}
