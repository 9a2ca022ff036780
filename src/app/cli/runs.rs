//! `nightshift runs`: what ran, newest first.

use crate::adapters::store::{RunFilter, RunRecord};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::overview::RunsDocument;
use crate::app::render::text::format::{NONE, count, instant};
use crate::app::render::text::{Align, Cell, Table, Tone};
use crate::domain::run::State;
use crate::engine::error::RunError;

/// List runs, newest first
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift runs
  nightshift runs wine -n 100")]
pub(crate) struct RunsArgs {
    /// Runs of this job only
    job: Option<String>,
    /// Most runs to list
    #[arg(short, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    n: u32,
}

/// Runs `nightshift runs`.
pub(crate) async fn cmd_runs(context: &Context, args: &RunsArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    let job = args.job.as_deref().map(|name| context.model(name)).transpose()?;
    let filter = RunFilter { job, limit: args.n, ..RunFilter::default() };
    let runs = match context.world_if_any(&loaded.project).await? {
        Some(world) => {
            world.store.runs(&filter).await.map_err(RunError::store("read the record"))?
        }
        None => Vec::new(),
    };
    if let (Some(name), true) = (&args.job, runs.is_empty()) {
        // A job that never ran has no runs; a job that nobody knows is a mistake.
        context.job(name)?;
    }
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("run", left),
        ("job", left),
        ("kind", left),
        ("trigger", left),
        ("tick", left),
        ("ended", left),
        ("rows", right),
        ("model", left),
    ]);
    for run in &runs {
        table.row(cells(run));
    }
    let text =
        if runs.is_empty() { "no run yet\n".to_owned() } else { table.render(context.paint()) };
    Ok(Answer::new(text, &RunsDocument::new(&runs)))
}

fn cells(run: &RunRecord) -> [Cell; 8] {
    let revision = match run.slot.revision {
        0 => String::new(),
        number => format!(" r{number}"),
    };
    let ended = match run.state {
        State::Committed => run.verdict.map_or("committed", |verdict| verdict.id()),
        other => other.id(),
    };
    let tone = match (run.state, run.verdict.map(Exit::of_verdict)) {
        (State::Committed, Some(Exit::Done) | None) => Tone::Good,
        (State::Committed, Some(_)) => Tone::Warning,
        (State::Failed | State::Dead | State::Corrupt, _) => Tone::Bad,
        _ => Tone::Faint,
    };
    [
        run.id.as_str().into(),
        run.slot.job.as_str().into(),
        run.slot.kind.id().into(),
        run.trigger.id().into(),
        format!("{}{revision}", instant(run.slot.tick)).into(),
        Cell::toned(ended.replace('_', " "), tone),
        count(run.rows.read).into(),
        run.model.map_or_else(|| NONE.to_owned(), |model| model.version.to_string()).into(),
    ]
}
