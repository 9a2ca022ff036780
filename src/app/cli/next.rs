//! `nightshift next`: upcoming ticks, local and in UTC.
//!
//! Which instants are ticks is the schedule's to say; here they are merged over jobs and shown in a zone. Of a
//! job that is asked for by name it is also told what is probably not meant, by its schedule and by how long
//! its runs took.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::adapters::zone_data::{self, ZoneData};
use crate::app::cli::answer::Answer;
use crate::app::cli::context::Context;
use crate::app::cli::failure::Failure;
use crate::app::cli::instant;
use crate::app::render::json::next::NextDocument;
use crate::app::render::text::ticks::{self, ShownTick};
use crate::domain::schedule::{Schedule, ScheduleProblem, zone_named};
use crate::engine::crowding;
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

/// Runs `nightshift next`.
pub(crate) async fn cmd_next(context: &Context, args: &NextArgs) -> Result<Answer, Failure> {
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
    let mut shown = Vec::new();
    for job in &jobs {
        let Some(schedule) = job.job.schedule.as_ref().filter(|_| is_shown(job, args)) else {
            continue;
        };
        let from = match args.from.as_deref() {
            Some(text) => {
                instant::parse(text, zone.as_ref().map_or(schedule.timezone(), |(zone, _)| zone))?
            }
            None => context.now(),
        };
        shown.extend(upcoming(Some(job.job.name.as_str()), schedule, from, args.n));
    }
    if let Some((zone, name)) = &zone {
        for tick in &mut shown {
            tick.local = tick.local.with_time_zone(zone.clone());
            tick.zone = name;
        }
    }
    shown.sort_by(|a, b| a.local.timestamp().cmp(&b.local.timestamp()).then(a.job.cmp(&b.job)));
    shown.truncate(usize::from(args.n));
    let asked = jobs.first().filter(|_| args.job.is_some());
    let mut lints = Vec::new();
    if let Some(job) = asked {
        lints.extend(job.job.schedule.iter().flat_map(Schedule::lints));
        if let Some(world) = context.world_if_any(&context.jobs()?.project).await? {
            lints.extend(crowding::lints(&world, &job.job).await?);
        }
    }
    Ok(answer(context, &shown, &lints, &zone_data::in_use()))
}

fn answer(
    context: &Context,
    shown: &[ShownTick<'_>],
    lints: &[String],
    zone_data: &ZoneData,
) -> Answer {
    let document = NextDocument::new(shown, lints, zone_data);
    if shown.is_empty() {
        return Answer::new("no job has a schedule\n".to_owned(), &document);
    }
    let mut text = ticks::table(shown, 0, context.paint());
    text.extend(lints.iter().map(|lint| format!("\nnote: {lint}\n")));
    let version = zone_data.version.as_deref().unwrap_or("of a version that it does not tell");
    text.extend([format!("\ntime zone data: {version}, {}\n", zone_data.source)]);
    Answer::new(text, &document)
}

/// The first `most` ticks of `schedule` after `from`, in its own zone.
pub(crate) fn upcoming<'a>(
    job: Option<&'a str>,
    schedule: &'a Schedule,
    from: Timestamp,
    most: u16,
) -> impl Iterator<Item = ShownTick<'a>> {
    schedule.ticks_after(from).take(usize::from(most)).map(move |tick| ShownTick {
        job,
        local: tick.to_zoned(schedule.timezone().clone()),
        zone: schedule.timezone_name(),
        gap: schedule.gap_before(tick),
        note: schedule.note(tick),
    })
}

/// A job that is off has no ticks, unless it was asked for by name.
fn is_shown(job: &LoadedJob, args: &NextArgs) -> bool {
    job.job.enabled || args.job.is_some()
}

/// The zone that a command line names.
pub(crate) fn zone_called(name: &str) -> Result<TimeZone, Failure> {
    zone_named(name).map_err(|problem| refused(&problem))
}

/// The failure of a command line with a schedule or a zone that is not as it should be.
pub(crate) fn refused(problem: &ScheduleProblem) -> Failure {
    let failure = Failure::usage(problem.to_string());
    match &problem.help {
        Some(help) => failure.hint(help.as_str()),
        None => failure,
    }
}
