//! `nightshift run`: the whole chain, as the daemon would run it.
//!
//! Holds what `score` and `train` share with it: the request, and the answer with its next command.

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::cli::progress;
use crate::app::cli::verdict::VerdictArgs;
use crate::app::exit::Exit;
use crate::app::render::json::run::RunDocument;
use crate::app::render::text;
use crate::domain::run::{RunKind, State, Trigger, Verdict};
use crate::engine::execute::{self, Force, Outcome, Promotion, Request, Scope};
use crate::engine::jobs::LoadedJob;
use crate::engine::plan::zone;
use crate::engine::report::RunReport;
use crate::engine::world::Access;

/// Run a job for one tick: train a first model if there is none, then score
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift run wine                       the latest tick that was due, or now
  nightshift run wine --tick 2026-01-05     a tick of one's own choosing
  nightshift run wine --output json         for scripts")]
pub(crate) struct RunArgs {
    /// The job
    job: String,
    /// The tick to run for [default: the latest that was due; without a schedule, now]
    #[arg(long, value_name = "TIME")]
    tick: Option<String>,
    /// Why the run exists, for the record
    #[arg(long, value_name = "WHY", value_enum, default_value = "manual")]
    trigger: TriggerArg,
    /// Begin a new record where the database is gone but models or outputs are there
    #[arg(long)]
    init: bool,
    #[command(flatten)]
    verdict: VerdictArgs,
}

/// Why a run that was asked for by hand or by a pipeline exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TriggerArg {
    /// Somebody asked for it
    Manual,
    /// A CI pipeline asked for it
    Ci,
}

impl From<TriggerArg> for Trigger {
    fn from(trigger: TriggerArg) -> Self {
        match trigger {
            TriggerArg::Manual => Self::Manual,
            TriggerArg::Ci => Self::Ci,
        }
    }
}

/// Runs `nightshift run`.
pub(crate) async fn cmd_run(context: &Context, args: &RunArgs) -> Result<Answer, Failure> {
    let loaded = context.job(&args.job)?;
    let request = request(&loaded, args.tick.as_deref(), args.trigger.into())?;
    let access = if args.init { Access::Begin } else { Access::Create };
    let world = context.world(access).await?;
    let outcome = progress::watched(context.terminal, |progress| {
        execute::run(&world, &loaded, Request { progress, ..request })
    });
    Ok(answer(context, args.verdict, &outcome.await?))
}

/// A request without force, for the given tick.
pub(crate) fn request(
    loaded: &LoadedJob,
    tick: Option<&str>,
    trigger: Trigger,
) -> Result<Request, Failure> {
    let tick = tick.map(|text| instant::parse(text, &zone(&loaded.job))).transpose()?;
    Ok(Request {
        tick,
        trigger,
        force: Force::No,
        promotion: Promotion::IfBlessed,
        scope: Scope::Chain,
        progress: None,
    })
}

/// What `run`, `score` and `train` answer.
pub(crate) fn answer(context: &Context, verdict: VerdictArgs, outcome: &Outcome) -> Answer {
    let paint = context.paint();
    match outcome {
        Outcome::NothingToDo(report) => {
            let first = format!("nothing to do: {} is committed already\n\n", report.tick);
            let text = first + &text::run::chain(report, paint);
            Answer::new(text, &RunDocument::nothing_to_do(report))
                .exit(verdict.apply(Exit::NothingToDo))
                .remark(format!(
                    "hint: `nightshift score {} --tick {} --force` makes a new revision of it",
                    report.job, report.tick
                ))
        }
        Outcome::Done(report) => {
            let answer = Answer::new(text::run::chain(report, paint), &RunDocument::new(report))
                .exit(verdict.apply(Exit::of_report(report)));
            match next_command(report) {
                Some(command) => answer.next(&command),
                None => answer,
            }
        }
    }
}

/// What somebody who sees how a run ended probably wants to do; nothing where all is well.
fn next_command(report: &RunReport) -> Option<String> {
    let RunReport { job, run, .. } = report;
    match (report.state, report.kind, report.verdict) {
        (State::Committed, RunKind::Train, Some(Verdict::Promoted)) => {
            Some(format!("nightshift score {job}"))
        }
        (State::Committed, RunKind::Train, _) => Some(format!("nightshift models {job}")),
        (State::Committed, RunKind::Score, _) => None,
        _ => Some(format!("nightshift logs {run}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::example;

    #[test]
    fn the_next_command_follows_from_the_ending() {
        let check = |state, kind, verdict, wanted: Option<&str>| {
            let report = RunReport { kind, state, verdict, ..example::score_run() };
            let found = next_command(&report);
            let found = found.as_deref().map(|command| command.split(' ').nth(1).unwrap());
            assert_eq!(found, wanted, "{state} {kind} {verdict:?}");
        };
        let (train, score) = (RunKind::Train, RunKind::Score);
        check(State::Committed, score, Some(Verdict::Ok), None);
        check(State::Committed, train, Some(Verdict::Promoted), Some("score"));
        check(State::Committed, train, Some(Verdict::Held), Some("models"));
        check(State::Failed, score, Some(Verdict::CheckFailed), Some("logs"));
    }
}
