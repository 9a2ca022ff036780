//! `nightshift backfill`: the chain for every tick that was missed, oldest first.
//!
//! Which ticks are missing, and whether an error ends it all, is decided by the engine.

use jiff::Timestamp;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::verdict::VerdictArgs;
use crate::app::cli::{instant, progress};
use crate::app::exit::Exit;
use crate::app::render::json::overview::{BackfillDocument, BackfilledTick};
use crate::app::render::json::run::RunDocument;
use crate::app::render::text::format::{self, counted};
use crate::app::render::text::nights::{self, Night};
use crate::engine::backfill::{BackfillRequest, backfill, missing};
use crate::engine::error::RunError;
use crate::engine::execute::{Force, Outcome};
use crate::engine::plan::zone;
use crate::engine::world::Access;

/// Run the chain for each missing tick, oldest first, as of that tick
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift backfill churn --from 2026-01-01 --to 2026-02-01 --dry-run
  nightshift backfill churn --from 2026-01-01 --to 2026-02-01 --max 10")]
pub(crate) struct BackfillArgs {
    /// The job; it needs a schedule
    job: String,
    /// The first instant of the range, included
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The last instant of the range, included
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Run ticks that are committed already as well, as new revisions
    #[arg(long)]
    force: bool,
    /// Most ticks to run
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    max: usize,
    /// Only list the ticks
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    verdict: VerdictArgs,
}

type Backfilled = (Timestamp, Result<Outcome, RunError>);

/// Runs `nightshift backfill`.
pub(crate) async fn cmd_backfill(
    context: &Context,
    args: &BackfillArgs,
) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let name = &loaded.job.name;
    if loaded.job.schedule.is_none() {
        return Err(Failure::usage(format!("job `{name}` has no schedule, so no tick is missing"))
            .hint(format!("`nightshift run {name} --tick TIME` runs it for one instant")));
    }
    let zone = zone(&loaded.job);
    let (from, to) = (instant::parse(&args.from, &zone)?, instant::parse(&args.to, &zone)?);
    if from > to {
        return Err(Failure::usage(format!("`--from` {from} is after `--to` {to}")));
    }
    let world = context.world(Access::Create).await?;
    let force = if args.force { Force::NewRevision } else { Force::No };
    if args.dry_run {
        let ticks = missing(&world, &loaded, from, to, args.max).await?;
        let mut text = format!("{} to run\n", counted(many(ticks.len()), "tick", "ticks"));
        text.extend(ticks.iter().map(|tick| format!("  {tick}\n")));
        return Ok(Answer::new(text, &BackfillDocument::planned(name.as_str(), &ticks)));
    }
    let done = progress::watched(context.terminal, |progress| {
        backfill(&world, &loaded, BackfillRequest { from, to, max: args.max, force, progress })
    });
    Ok(answer(context, args.verdict, name.as_str(), done.await?))
}

fn answer(context: &Context, verdict: VerdictArgs, job: &str, done: Vec<Backfilled>) -> Answer {
    let ends: Vec<(Timestamp, Result<Outcome, Failure>)> =
        done.into_iter().map(|(tick, outcome)| (tick, outcome.map_err(Failure::from))).collect();
    let exit = ends.iter().map(|(_, end)| exit_of(end)).max().unwrap_or(Exit::NothingToDo);
    let nights: Vec<(String, Night<'_>)> = ends
        .iter()
        .map(|(tick, end)| match end {
            Ok(outcome) => (format::instant(*tick), Night::Run(outcome.report())),
            Err(failure) => (format::instant(*tick), Night::Failed(failure.line())),
        })
        .collect();
    let mut text = nights::nights(&nights, context.paint());
    if ends.is_empty() {
        text = format!("nothing to do: no tick of `{job}` is missing in this range\n");
    }
    let told: Vec<_> = ends.iter().map(|(_, end)| end.as_ref().err().map(Failure::told)).collect();
    let ticks = ends.iter().zip(&told).map(|((tick, end), told)| BackfilledTick {
        tick: *tick,
        run: end.as_ref().ok().map(|outcome| RunDocument::new(outcome.report())),
        error: end.as_ref().err().zip(told.as_ref()).map(|(failure, told)| failure.document(told)),
    });
    Answer::new(text, &BackfillDocument::done(job, ticks.collect(), exit)).exit(verdict.apply(exit))
}

fn exit_of(end: &Result<Outcome, Failure>) -> Exit {
    match end {
        Ok(Outcome::Done(report)) => Exit::of_report(report),
        Ok(Outcome::NothingToDo(_)) => Exit::NothingToDo,
        Err(failure) => failure.exit(),
    }
}

fn many(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
