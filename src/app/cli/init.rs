//! `nightshift init`: a project that works, with a job and data to try it on.
//!
//! Never overwrites: it looks for every file before it writes the first.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::{Failure, Kind};
use crate::app::render::json::text::InitDocument;

/// The table that a new project comes with.
mod sample;

/// Make a project that works: a configuration, a job, and data to try it on
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift init demo
  cd demo && nightshift run churn")]
pub(crate) struct InitArgs {
    /// The folder, made if it is not there [default: the current folder]
    dir: Option<PathBuf>,
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

const NEXT: &str = "nightshift run churn";

/// Runs `nightshift init`.
pub(crate) fn cmd_init(context: &Context, args: &InitArgs) -> Result<Answer, Failure> {
    let folder = args.dir.as_deref().or(context.asked_project()).unwrap_or(Path::new("."));
    let table = sample::table();
    let files = [
        ("nightshift.toml", PROJECT),
        ("jobs/churn.toml", JOB),
        ("data/churn/customers.csv", table.as_str()),
    ];
    for (name, _) in &files {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{}` is there already", path.display()),
            )
            .hint("`nightshift init DIR` makes a project in another folder"));
        }
    }
    for (name, text) in &files {
        let path = folder.join(name);
        write_new(&path, text).map_err(|error| {
            Failure::internal(format!("failed to write `{}`", path.display()), error)
        })?;
    }
    let names = files.map(|(name, _)| name);
    let shown = folder.display().to_string();
    let mut text = format!("made a project in `{shown}`\n");
    text.extend(names.iter().map(|name| format!("  {name}\n")));
    let next = match args.dir {
        Some(_) => format!("cd {} && {NEXT}", quoted(&shown)),
        None => NEXT.to_owned(),
    };
    Ok(Answer::new(text, &InitDocument::new(&shown, &names, &next)).next(&next))
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
