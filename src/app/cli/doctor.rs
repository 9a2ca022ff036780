//! `nightshift doctor`: what could keep the project from working, each with a fix.
//!
//! Looks and never repairs, but for what a person says of the project. Each probe is on its own: what one finds does not keep the others from
//! looking.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::upkeep::{DoctorDocument, DoctorLine};
use crate::app::render::text::{Align, Cell, Table, Tone};
use crate::engine::whereabouts;
use crate::engine::world::Access;

/// Whether there is a recent backup.
mod backups;
/// Whose record it is, and how scores are put in place.
mod place;
/// What is looked at.
mod probe;

/// Look at store, disk, clock, zones, permissions and jobs, with a fix for what is wrong
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift doctor
  nightshift doctor --output json
  nightshift doctor --moved     this is the project that has written its record, at another place
  nightshift doctor --copied    this is a copy of it, and is to have an id of its own")]
pub(crate) struct DoctorArgs {
    /// Say that this is the project that has written its record, moved to where it is now
    #[arg(long, conflicts_with = "copied")]
    moved: bool,
    /// Say that this is a copy of the project that has written its record
    #[arg(long)]
    copied: bool,
}

impl DoctorArgs {
    /// What is said of the project, if anything is.
    fn said(&self) -> Option<whereabouts::Answer> {
        match (self.moved, self.copied) {
            (true, _) => Some(whereabouts::Answer::Moved),
            (_, true) => Some(whereabouts::Answer::Copied),
            _ => None,
        }
    }
}

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Ok,
    Warn,
    Fail,
}

impl Health {
    fn id(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Warn => Tone::Warning,
            Self::Fail => Tone::Bad,
        }
    }
}

/// What one probe found.
#[derive(Debug)]
struct Line {
    name: &'static str,
    health: Health,
    message: String,
    fix: Option<String>,
}

impl Line {
    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, health: Health::Ok, message: message.into(), fix: None }
    }

    fn warn(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, health: Health::Warn, message: message.into(), fix: Some(fix.into()) }
    }

    fn fail(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, health: Health::Fail, message: message.into(), fix: Some(fix.into()) }
    }
}

/// Runs `nightshift doctor`.
pub(crate) async fn cmd_doctor(context: &Context, args: &DoctorArgs) -> Result<Answer, Failure> {
    let project_dir = context.project_dir()?;
    if let Some(said) = args.said() {
        let world = context.world(Access::Write).await?;
        whereabouts::answer(&world.store, &world.project_dir, said).await?;
    }
    let loaded = context.load();
    let mut lines = probe::jobs(&loaded);
    let project = loaded.map(|loaded| loaded.project).unwrap_or_default();
    let state_dir = project_dir.join(&project.state_dir);
    lines.push(probe::file_system(&state_dir));
    let store = probe::store(&project_dir, &project).await;
    let health = store.health;
    lines.push(store);
    lines.extend(place::lines(context, &project, health).await);
    lines.extend(backups::newest(&state_dir, context.now()));
    lines.push(probe::permissions(&state_dir));
    let folder = if state_dir.is_dir() { &state_dir } else { &project_dir };
    lines.push(probe::disk(folder));
    lines.push(probe::clock(context.now()));
    lines.push(probe::zones());
    lines.push(probe::environment(context.pretences.all()));
    Ok(answer(context, &lines))
}

fn answer(context: &Context, lines: &[Line]) -> Answer {
    let worst = lines.iter().map(|line| line.health).max().unwrap_or(Health::Ok);
    let left = Align::Left;
    let mut table = Table::aligned(&[left, left, left]);
    for line in lines {
        table.row([
            Cell::toned(line.health.id(), line.health.tone()),
            line.name.into(),
            line.message.as_str().into(),
        ]);
        if let Some(fix) = &line.fix {
            table.row(["".into(), "".into(), Cell::toned(format!("fix: {fix}"), Tone::Strong)]);
        }
    }
    let documents = lines.iter().map(|line| DoctorLine {
        name: line.name,
        verdict: line.health.id(),
        message: &line.message,
        fix: line.fix.as_deref(),
    });
    let document = DoctorDocument::new(worst.id(), documents.collect());
    let exit = if worst == Health::Fail { Exit::Failed } else { Exit::Done };
    Answer::new(table.render(context.paint()), &document).exit(exit)
}
