//! `nightshift status`: every job at a glance.
//!
//! Answers at once: it parses the job files and reads one row for each job, and touches no data.

use jiff::Timestamp;

use crate::adapters::lock::{Beat, DaemonLock};
use crate::adapters::store::{JobStatus, Pause, RunRecord};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::exit::Exit;
use crate::app::render::json::overview::{JobLine, StatusDocument};
use crate::app::render::json::run::ProgressDocument;
use crate::app::render::text::format::{NONE, instant};
use crate::app::render::text::run::progress;
use crate::app::render::text::{Align, Cell, Table, Tone};
use crate::domain::run::Verdict;
use crate::engine::error::RunError;
use crate::engine::jobs::LoadedJob;
use crate::engine::report::progress_of;

/// Show every job: its last run, its champion, its next tick
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift status
  nightshift status --output json")]
pub(crate) struct StatusArgs {}

/// Runs `nightshift status`.
pub(crate) async fn cmd_status(context: &Context, _: &StatusArgs) -> Result<Answer, Failure> {
    let loaded = context.jobs()?;
    let failed = RunError::store("read the record");
    let world = context.world_if_any(&loaded.project).await?;
    let (known, pauses) = match &world {
        Some(world) => (
            world.store.status().await.map_err(failed)?,
            world.store.pauses().await.map_err(failed)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let progress = |run: &RunRecord| world.as_ref().and_then(|world| progress_of(world, run));
    let daemon = DaemonLock::holder(&context.project_dir()?.join(&loaded.project.state_dir));
    let now = context.now();
    let lines: Vec<Glance<'_>> = loaded
        .jobs
        .iter()
        .map(|job| Glance::new(job, (&known, &pauses), now).with_progress(progress))
        .collect();
    let left = Align::Left;
    let mut table = Table::new(&[
        ("job", left),
        ("last run", left),
        ("tick", left),
        ("champion", left),
        ("next tick", left),
    ]);
    for line in &lines {
        table.row(line.cells());
    }
    let text = if lines.is_empty() {
        "there are no jobs\n".to_owned()
    } else {
        table.render(context.paint())
    };
    let document = lines.iter().map(Glance::document).collect();
    let answer = Answer::new(text, &StatusDocument::new(document, loaded.problems.len(), daemon));
    let follows_nothing = daemon.is_none() && lines.iter().any(|line| line.next_tick.is_some());
    Ok(match daemon {
        Some(pid) => answer.remark(format!("the daemon is process {pid}")),
        None if follows_nothing => answer.remark("no daemon follows the schedules".to_owned()),
        None => answer,
    })
}

/// One job, as its file and the record have it.
struct Glance<'a> {
    job: &'a LoadedJob,
    known: Option<&'a JobStatus>,
    pause: Option<&'a Pause>,
    next_tick: Option<Timestamp>,
    progress: Option<Beat>,
}

impl<'a> Glance<'a> {
    fn new(
        loaded: &'a LoadedJob,
        (known, pauses): (&'a [JobStatus], &'a [Pause]),
        now: Timestamp,
    ) -> Self {
        let job = &loaded.job;
        let schedule = job.schedule.as_ref().filter(|_| job.enabled);
        Self {
            job: loaded,
            known: known.iter().find(|status| status.job == job.name),
            pause: pauses.iter().find(|pause| pause.job == job.name),
            next_tick: schedule.and_then(|schedule| schedule.next_after(now)),
            progress: None,
        }
    }

    /// The same, with what the process of the last run has told.
    fn with_progress(self, of: impl Fn(&RunRecord) -> Option<Beat>) -> Self {
        let run = self.known.and_then(|status| status.last_run.as_ref());
        Self { progress: run.and_then(of), ..self }
    }

    fn is_off(&self) -> bool {
        self.job.job.schedule.is_some() && !self.job.job.enabled
    }

    fn cells(&self) -> [Cell; 5] {
        let run = self.known.and_then(|status| status.last_run.as_ref());
        let last = run.map_or_else(
            || Cell::toned("never", Tone::Faint),
            |run| {
                let word = run.verdict.map_or_else(|| run.state.id(), |verdict| verdict.id());
                let failed = run.error.is_some();
                let tone = match run.verdict.map(Exit::of_verdict) {
                    _ if failed => Tone::Bad,
                    Some(Exit::Done) => Tone::Good,
                    Some(_) => Tone::Warning,
                    None => Tone::Faint,
                };
                let progress = self.progress.as_ref().map(progress);
                let progress = progress.map_or_else(String::new, |text| format!(" ({text})"));
                let word = word.replace('_', " ");
                Cell::toned(format!("{} {word}{progress}", run.slot.kind), tone)
            },
        );
        let champion = self.known.and_then(|status| status.champion);
        let next_tick = match self.next_tick {
            _ if self.is_off() => Cell::toned("off", Tone::Warning),
            _ if self.pause.is_some() => Cell::toned("paused", Tone::Warning),
            Some(tick) => instant(tick).into(),
            None => NONE.into(),
        };
        [
            self.job.job.name.as_str().into(),
            last,
            run.map_or_else(|| NONE.to_owned(), |run| instant(run.slot.tick)).into(),
            champion.map_or_else(|| NONE.to_owned(), |version| version.to_string()).into(),
            next_tick,
        ]
    }

    fn document(&self) -> JobLine<'_> {
        let run = self.known.and_then(|status| status.last_run.as_ref());
        JobLine {
            job: self.job.job.name.as_str(),
            last_run: run.map(|run| run.id.as_str()),
            kind: run.map(|run| run.slot.kind.id()),
            tick: run.map(|run| run.slot.tick),
            state: run.map(|run| run.state.id()),
            progress: self.progress.as_ref().map(ProgressDocument::new),
            verdict: run.and_then(|run| run.verdict).map(Verdict::id),
            champion: self.known.and_then(|status| status.champion).map(|version| version.0),
            next_tick: self.next_tick,
            paused: self.is_off() || self.pause.is_some(),
        }
    }
}
