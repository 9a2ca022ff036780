//! `nightshift validate`: every problem of every job.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::diagnostic;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::validate::ValidateDocument;
use crate::app::render::text::format::counted;
use crate::domain::job::problem::Problem;
use crate::engine::jobs::{LoadedJobs, PROJECT_FILE};

/// Show every problem of every job file, and of `nightshift.toml`
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift validate               every job
  nightshift validate wine churn    these jobs, by name or file")]
pub(crate) struct ValidateArgs {
    /// Jobs by name, or their files [default: all]
    jobs: Vec<String>,
}

/// Runs `nightshift validate`.
pub(crate) fn cmd_validate(context: &Context, args: &ValidateArgs) -> Result<Answer, Failure> {
    let loaded = context.load()?;
    let asked = args
        .jobs
        .iter()
        .map(|name| file_of(&loaded, name))
        .collect::<Result<Vec<String>, Failure>>()?;
    let is_asked =
        |file: &str| asked.is_empty() || file == PROJECT_FILE || asked.iter().any(|a| a == file);
    let problems: Vec<&Problem> =
        loaded.problems.iter().filter(|problem| is_asked(&problem.file)).collect();
    let has_problem = |file: &str| problems.iter().any(|problem| problem.file == file);
    let sound: Vec<&str> = loaded
        .jobs
        .iter()
        .filter(|job| is_asked(&job.file) && !has_problem(&job.file))
        .map(|job| job.job.name.as_str())
        .collect();
    let document = ValidateDocument::new(sound.clone(), &problems);
    let jobs = counted(many(sound.len()), "job", "jobs");
    if problems.is_empty() {
        let text = if sound.is_empty() {
            "there are no jobs\n".to_owned()
        } else {
            format!("{jobs} without a problem: {}\n", sound.join(", "))
        };
        return Ok(Answer::new(text, &document));
    }
    let mut text = diagnostic::render(
        &problems,
        &loaded.sources,
        context.terminal.width,
        context.paint().color,
    );
    let number = counted(many(problems.len()), "problem", "problems");
    text.extend([format!("\n{number}; {jobs} without one\n")]);
    Ok(Answer::new(text, &document).exit(Exit::Job))
}

/// The file that `name` means: a job's name, a file's path, or the end of one.
fn file_of(loaded: &LoadedJobs, name: &str) -> Result<String, Failure> {
    if let Some(job) = loaded.find(name) {
        return Ok(job.file.clone());
    }
    let file = format!("{name}.toml");
    let is_meant = |path: &str| {
        let last = path.rsplit('/').next().unwrap_or(path);
        path == name || last == name || last == file
    };
    loaded.sources.keys().find(|path| is_meant(path)).cloned().ok_or_else(|| {
        let files: Vec<&str> = loaded.sources.keys().map(String::as_str).collect();
        Failure::usage(format!("there is no job or job file `{name}`"))
            .hint(format!("the files are {}", files.join(", ")))
    })
}

fn many(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
