//! `nightshift init`: a project that works, with a job and data to try it on; with `--demo`, ten weeks of
//! its nights as well.
//!
//! Never overwrites: it looks for every file before it writes the first.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::{Failure, Kind};
use crate::app::cli::progress;
use crate::app::render::json::text::{ChapterDocument, InitDocument};
use crate::app::render::text::Tone;
use crate::engine::jobs;
use crate::engine::world::{Access, World};

/// The data of the demo.
mod demo;
/// Numbers that look random.
mod random;
/// The table that a new project comes with.
mod sample;
/// Ten weeks of nights.
mod story;

/// Make a project that works: a configuration, a job, and data to try it on
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift init churn && cd churn && nightshift run churn
  nightshift init --demo            ten weeks of nights in `demo`, played in a few seconds")]
pub(crate) struct InitArgs {
    /// The folder, made if it is not there [default: the current folder; with `--demo`, `demo`]
    dir: Option<PathBuf>,
    /// Play ten weeks of nights: drift, retraining, a rejected candidate, a rollback
    #[arg(long)]
    demo: bool,
}

const PROJECT: &str = r#"# A nightshift project. Every key is optional; these are the defaults.
jobs_dir  = "jobs"     # where job files are
state_dir = "state"    # the record of runs and models

[keep]                 # what `nightshift prune` may delete
runs           = "365d"
model_versions = 20
"#;

const JOB: &str = r#"# Which customers are about to leave? Scored every night at half past two.
# `nightshift plan churn` shows every setting with its default.
name        = "churn"
description = "probability that a customer leaves within a month"

[schedule]
cron     = "30 2 * * *"
timezone = "UTC"

[data]
source = "data/churn/*.csv"
id     = "customer"
label  = "churned"

[model]
task = "binary"

[score]
output    = "scores/churn"
columns   = ["contract"]
threshold = 0.5

[[check]]              # a run with fewer rows publishes nothing
rows_min = 100

[[check]]              # rows without this value are set aside, not scored
column   = "monthly_fee"
not_null = true
then     = "quarantine"
"#;

/// The name of the job, in both projects.
const JOB_NAME: &str = "churn";

/// The folder that `--demo` makes if no other is named.
const DEMO_DIR: &str = "demo";

/// Runs `nightshift init`.
pub(crate) async fn cmd_init(context: &Context, args: &InitArgs) -> Result<Answer, Failure> {
    let asked = args.dir.as_deref().or(context.asked_project());
    let folder = asked.unwrap_or(Path::new(if args.demo { DEMO_DIR } else { "." }));
    let files = if args.demo { demo_files() } else { sample_files() };
    write_all(folder, &files)?;
    let shown = folder.display().to_string();
    if args.demo {
        Box::pin(play(context, folder, &files)).await
    } else {
        Ok(made(args, &shown, &files))
    }
}

fn sample_files() -> Vec<(String, String)> {
    vec![
        ("nightshift.toml".to_owned(), PROJECT.to_owned()),
        ("jobs/churn.toml".to_owned(), JOB.to_owned()),
        ("data/churn/customers.csv".to_owned(), sample::table()),
    ]
}

fn demo_files() -> Vec<(String, String)> {
    let project = [
        ("nightshift.toml".to_owned(), PROJECT.to_owned()),
        ("jobs/churn.toml".to_owned(), demo::JOB.to_owned()),
    ];
    let days = (0..demo::DAYS).map(|number| (demo::file(number), demo::table(number)));
    project.into_iter().chain(days).collect()
}

/// The answer for a project that waits for its first run.
fn made(args: &InitArgs, shown: &str, files: &[(String, String)]) -> Answer {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!("made a project in `{shown}`\n");
    text.extend(names.iter().map(|name| format!("  {name}\n")));
    let run = format!("nightshift run {JOB_NAME}");
    let next = match args.dir {
        Some(_) => format!("cd {} && {run}", quoted(shown)),
        None => run,
    };
    Answer::new(text, &InitDocument::new(shown, &names, &next, Vec::new())).next(&next)
}

/// Plays the nights of the demo project in `folder`.
async fn play(
    context: &Context,
    folder: &Path,
    files: &[(String, String)],
) -> Result<Answer, Failure> {
    let loaded = jobs::load_all(folder)?;
    let Some(job) = loaded.find(JOB_NAME) else {
        return Err(Failure::problems(loaded.problems, loaded.sources));
    };
    let world = World::open(folder, Access::Create).await?;
    let played = progress::watched(context.terminal, |progress| story::play(&world, job, progress));
    let chapters = Box::pin(played).await?;
    let (shown, paint) = (folder.display().to_string(), context.paint());
    let mut text = format!("ten weeks of nights, played in `{shown}`\n");
    for chapter in &chapters {
        text.push('\n');
        text.push_str(&paint.tone(Tone::Strong, chapter.title));
        text.push_str(&format_lines(chapter));
    }
    text.push('\n');
    text.push_str(&story::table(&chapters, paint));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let told = chapters.iter().map(|chapter| ChapterDocument {
        title: chapter.title,
        commands: chapter.command.split("\n$ ").collect(),
        lines: &chapter.lines,
    });
    let next = format!("nightshift history {JOB_NAME} --project {}", quoted(&shown));
    Ok(Answer::new(text, &InitDocument::new(&shown, &names, &next, told.collect())).next(&next))
}

/// What a person typed, and what came of it.
fn format_lines(chapter: &story::Chapter) -> String {
    let mut out = format!("\n$ {}\n", chapter.command);
    for line in &chapter.lines {
        out.extend(["  ", line, "\n"]);
    }
    out
}

/// Writes files that must not be there yet; looks at all of them before it writes the first.
fn write_all(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    for (name, _) in files {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            let shown = path.display();
            return Err(Failure::new(Kind::Usage, format!("`{shown}` is there already"))
                .hint("`nightshift init DIR` makes a project in another folder"));
        }
    }
    for (name, text) in files {
        let path = folder.join(name);
        write_new(&path, text).map_err(|error| {
            Failure::internal(format!("failed to write `{}`", path.display()), error)
        })?;
    }
    Ok(())
}

/// Writes a file that was not there, with the folders above it.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if !path.is_empty() && path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::parse::parse;
    use crate::domain::project::Project;

    #[test]
    fn the_files_have_no_problem() {
        assert_eq!(Project::parse("nightshift.toml", PROJECT.as_bytes()).map(drop), Ok(()));
        let job = parse("jobs/churn.toml", JOB.as_bytes()).unwrap();
        assert_eq!(job.name.as_str(), "churn");
        assert_eq!(job.checks.len(), 2);
    }

    #[test]
    fn paths_survive_a_shell() {
        for (path, wanted) in
            [("demo", "demo"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$HOME", "'$HOME'")]
        {
            assert_eq!(quoted(path), wanted);
        }
    }
}
