//! `nightshift next`: upcoming ticks, local and in UTC.
//!
//! Which instants are ticks is the schedule's to say; here they are merged over jobs and shown in a zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::next::{NextDocument, TickDocument};
use crate::app::render::text::{Align, Cell, Table, Tone};
use crate::domain::schedule::Schedule;
use crate::engine::jobs::LoadedJob;

/// Show upcoming ticks, local and in UTC, and what daylight saving does to them
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  nightshift next                                  of every job
  nightshift next churn -n 20
  nightshift next churn --from 2026-03-28 --tz Europe/Berlin")]
pub(crate) struct NextArgs {
    /// The job [default: every job with a schedule]
    job: Option<String>,
    /// How many ticks
    #[arg(short, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    n: u16,
    /// Ticks after this time [default: now]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The zone to show them in, by its IANA name [default: that of the job]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
}

/// A tick of one of the jobs.
struct Upcoming<'a> {
    job: &'a str,
    tick: Timestamp,
    zone: &'a TimeZone,
    zone_name: &'a str,
    note: Option<String>,
}

/// Runs `nightshift next`.
pub(crate) fn cmd_next(context: &Context, args: &NextArgs) -> Result<Answer, Failure> {
    let jobs = match &args.job {
        Some(name) => vec![context.job(name)?],
        None => context.jobs()?.jobs,
    };
    if let (Some(name), [job]) = (&args.job, jobs.as_slice())
        && job.job.schedule.is_none()
    {
        return Err(Failure::usage(format!("job `{name}` has no schedule"))
            .hint("add `[schedule]` with a `cron` to its file"));
    }
    let zone = args.tz.as_deref().map(|name| zone_called(name).map(|zone| (zone, name)));
    let zone = zone.transpose()?;
    let mut ticks = Vec::new();
    for job in &jobs {
        let Some(schedule) = job.job.schedule.as_ref().filter(|_| is_shown(job, args)) else {
            continue;
        };
        let (zone, zone_name) = zone.as_ref().map_or_else(
            || (schedule.timezone(), schedule.timezone_name()),
            |(zone, name)| (zone, *name),
        );
        let from = match args.from.as_deref() {
            Some(text) => instant::parse(text, zone)?,
            None => context.now(),
        };
        let job = job.job.name.as_str();
        let of_job = upcoming(schedule, from, usize::from(args.n)).into_iter();
        ticks.extend(of_job.map(|tick| {
            let note = schedule.note(tick);
            Upcoming { job, tick, zone, zone_name, note }
        }));
    }
    ticks.sort_by(|a, b| a.tick.cmp(&b.tick).then(a.job.cmp(b.job)));
    ticks.truncate(usize::from(args.n));
    Ok(answer(context, &ticks))
}

fn answer(context: &Context, ticks: &[Upcoming<'_>]) -> Answer {
    let left = Align::Left;
    let mut table =
        Table::new(&[("job", left), ("utc", left), ("local", left), ("zone", left), ("", left)]);
    let mut documents = Vec::with_capacity(ticks.len());
    for upcoming in ticks {
        let local = upcoming.tick.to_zoned(upcoming.zone.clone());
        table.row([
            upcoming.job.into(),
            upcoming.tick.to_string().into(),
            local.strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string().into(),
            upcoming.zone_name.into(),
            Cell::toned(upcoming.note.as_deref().unwrap_or_default(), Tone::Warning),
        ]);
        let note = upcoming.note.as_deref();
        documents.push(TickDocument::new(upcoming.job, &local, upcoming.zone_name, note));
    }
    let text = if ticks.is_empty() {
        "no job has a schedule\n".to_owned()
    } else {
        table.render(context.paint())
    };
    Answer::new(text, &NextDocument::new(documents))
}

/// The first `most` ticks after `from`.
pub(crate) fn upcoming(schedule: &Schedule, from: Timestamp, most: usize) -> Vec<Timestamp> {
    std::iter::successors(schedule.next_after(from), |tick| schedule.next_after(*tick))
        .take(most)
        .collect()
}

/// A job that is off has no ticks, unless it was asked for by name.
fn is_shown(job: &LoadedJob, args: &NextArgs) -> bool {
    job.job.enabled || args.job.is_some()
}

fn zone_called(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name).map_err(|_| {
        Failure::usage(format!("there is no time zone `{name}`"))
            .hint("zones have IANA names like `Europe/Berlin` and `UTC`")
    })
}
