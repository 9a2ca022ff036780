//! Everything a run will read, use and write, resolved before doing anything.
//!
//! `nightshift plan` prints a [`Plan`] and stops; `score` and `train` start from the same functions, so
//! a dry run is the same code and not a branch.

/// Which files of a template belong to ticks of the past.
mod past;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::adapters::dataset::{self, Roots, SourceFile, TimeFilter};
use crate::adapters::publish::Site;
use crate::domain::job::{FileFormat, Job};
use crate::domain::layout::{Location, TickFolder};
use crate::domain::run::Interval;
use crate::domain::template::{Template, TickFields};
use crate::engine::error::{Cause, RunError};
use crate::engine::jobs::LoadedJob;
use crate::engine::report::ModelRef;
use crate::engine::settings::{Setting, settings};
use crate::engine::world::World;

use self::past::Candidate;

/// How many ticks `plan` shows.
const TICKS_SHOWN: usize = 3;

/// What a run of a job for a tick would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The job file, relative to the project root.
    pub file: String,
    /// The tick it is for.
    pub tick: Timestamp,
    /// The data interval of that tick.
    pub interval: Interval,
    /// The pattern that the scored files match.
    pub input: String,
    /// The files that match it.
    pub files: Vec<SourceFile>,
    /// Rows outside of this range of time are not scored.
    pub filter: Option<TimeFilter>,
    /// The folder that the scores go to, as the job file says it.
    pub output: String,
    /// The champion, or `None` where the run would train the first version.
    pub model: Option<ModelRef>,
    /// What a training at this tick would read.
    pub train_files: Vec<SourceFile>,
    /// Why a training is impossible, where it is.
    pub train_obstacle: Option<String>,
    /// Every setting with its value.
    pub settings: Vec<Setting>,
    /// The next ticks after now; empty without a schedule.
    pub next_ticks: Vec<Timestamp>,
}

/// Resolves what `run` would do for `tick` (the latest tick that was due, if `None`).
pub async fn plan(
    world: &World,
    loaded: &LoadedJob,
    tick: Option<Timestamp>,
) -> Result<Plan, RunError> {
    let job = &loaded.job;
    let tick = tick_of(job, tick, world.now())?;
    let interval = interval_of(job, tick);
    let paths = score_paths(world, job, interval)?;
    let files = discover(&world.roots, &paths.input, job.data.format)?;
    let (train_files, train_obstacle) = match train_files(world, job, interval) {
        Ok(files) => (files, None),
        Err(error) => (Vec::new(), Some(error.chain())),
    };
    let next_ticks = job.schedule.as_ref().map_or_else(Vec::new, |schedule| {
        schedule.ticks_after(world.now()).take(TICKS_SHOWN).collect()
    });
    Ok(Plan {
        file: loaded.file.clone(),
        tick,
        interval,
        input: paths.input,
        files,
        filter: paths.filter,
        output: paths.output,
        model: world.champion(&job.name).await?,
        train_files,
        train_obstacle,
        settings: settings(job, &loaded.text),
        next_ticks,
    })
}

/// The tick that a request means: the given one, which must not lie in the future, else the latest that was due,
/// else now.
///
/// Without a schedule every run has a tick of its own, to the microsecond: a run by hand is one more run, never the
/// one before again. What is finer than the record keeps is cut, so that the tick whose folder is written is the tick
/// on record.
pub fn tick_of(job: &Job, asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, RunError> {
    let Some(schedule) = &job.schedule else {
        let tick = microseconds(asked.unwrap_or(now));
        return require_due(job, tick, now).map(|()| tick);
    };
    let Some(tick) = asked else {
        return schedule.latest_at_or_before(now).ok_or_else(|| {
            let message = format!("`{}` has had no tick yet", schedule.cron());
            RunError::new("plan", Cause::Request, message).hint("name one with `--tick`")
        });
    };
    if schedule.is_tick(tick) {
        return require_due(job, tick, now).map(|()| tick);
    }
    let shown = |tick: Option<Timestamp>| tick.map_or("none".to_owned(), |tick| tick.to_string());
    let before = shown(schedule.previous_before(tick));
    let after = shown(schedule.next_after(tick));
    let message = format!("{tick} is not a tick of the schedule `{}`", schedule.cron());
    Err(RunError::new("plan", Cause::Request, message)
        .hint(format!("the ticks around it are {before} and {after}")))
}

/// Refuses a tick in the future: its data are not all there yet, and a run that is committed before they are would
/// keep the schedule from running the tick when it is due.
pub fn require_due(job: &Job, tick: Timestamp, now: Timestamp) -> Result<(), RunError> {
    if tick <= now {
        return Ok(());
    }
    let message = format!("{tick} is in the future: its interval ends then, and it is {now} now");
    let latest = job.schedule.as_ref().and_then(|schedule| schedule.latest_at_or_before(now));
    let hint = match (latest, &job.schedule) {
        (Some(latest), _) => format!("wait until then, or name the latest that was due, {latest}"),
        (None, Some(_)) => "wait until then: no tick of the schedule was due yet".to_owned(),
        (None, None) => "wait until then, or leave out `--tick`, which means now".to_owned(),
    };
    Err(RunError::new("plan", Cause::Request, message).hint(hint))
}

/// Cuts what is finer than a microsecond.
fn microseconds(tick: Timestamp) -> Timestamp {
    let rounding = TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc);
    tick.round(rounding).unwrap_or(tick)
}

/// The data interval of `tick`.
pub fn interval_of(job: &Job, tick: Timestamp) -> Interval {
    match &job.schedule {
        Some(schedule) => schedule.interval(tick),
        None => Interval { start: None, end: tick },
    }
}

/// Where a score run reads and writes.
#[derive(Debug, Clone)]
pub struct ScorePaths {
    /// The pattern that the scored files match.
    pub input: String,
    /// Rows outside of it are not scored; `None` scores all.
    pub filter: Option<TimeFilter>,
    /// The output folder, as the job file says it.
    pub output: String,
    /// The folder of the tick, and those that belong to it, as they stand on record.
    pub folder: TickFolder,
    /// The same as they are now.
    pub site: Site,
}

/// The pattern that the files of a score run for `interval` match.
pub fn score_input(job: &Job, interval: Interval) -> Result<String, RunError> {
    let template = job.score.input.as_ref().unwrap_or(&job.data.source);
    render(template, &fields(job, interval))
}

/// The files that match `pattern`.
pub fn discover(
    roots: &Roots,
    pattern: &str,
    format: Option<FileFormat>,
) -> Result<Vec<SourceFile>, RunError> {
    dataset::discover(roots, pattern, format)
        .map_err(|error| RunError::new("plan", Cause::Data, error))
}

/// Resolves the paths of a score run for `interval`.
pub fn score_paths(world: &World, job: &Job, interval: Interval) -> Result<ScorePaths, RunError> {
    let input = score_input(job, interval)?;
    let is_filtered = job.score.input.is_none() && !job.data.source.has_fields();
    let filter = match &job.data.time {
        Some(column) if is_filtered => Some(TimeFilter {
            column: column.clone(),
            zone: zone(job),
            from: interval.start,
            until: Some(interval.end),
        }),
        _ => None,
    };
    let output = score_output(job, interval)?;
    let folder = tick_folder(world, job, &output)?;
    let site = world.site(&folder)?;
    Ok(ScorePaths { input, filter, output, folder, site })
}

/// The folder that the scores for `interval` go to, as the job file says it.
pub fn score_output(job: &Job, interval: Interval) -> Result<String, RunError> {
    render(&job.score.output, &fields(job, interval))
}

/// The folder that is `output` for a tick of `job`.
fn tick_folder(world: &World, job: &Job, output: &str) -> Result<TickFolder, RunError> {
    let root = fixed_part(job.score.output.as_str());
    let (of_job, of_tick) = (located(world, root)?, located(world, output)?);
    let found = TickFolder::new(of_job.root.clone(), &of_job.path, &of_tick.path)
        .filter(|_| of_job.root == of_tick.root);
    found.ok_or_else(|| {
        let message =
            format!("`{output}` is no folder below `{root}`, wanted one that no link leads out of");
        RunError::new("plan", Cause::Job, message)
            .hint("begin `score.output` with a folder of its own, such as `scores/NAME`")
    })
}

/// The place that `path`, which need not exist, is now.
fn located(world: &World, path: &str) -> Result<Location, RunError> {
    world
        .roots
        .resolve_output(path)
        .and_then(|resolved| world.roots.locate(&resolved))
        .map_err(|error| RunError::new("plan", Cause::Job, error))
}

/// The folders of no tick of `job`: those that all of its ticks share are right.
pub fn any_site(world: &World, job: &Job) -> Result<Site, RunError> {
    any_folder(world, job).map(|(_, site)| site)
}

/// The same, with how it stands on record.
pub fn any_folder(world: &World, job: &Job) -> Result<(TickFolder, Site), RunError> {
    let root = located(world, fixed_part(job.score.output.as_str()))?;
    let folder = TickFolder::new(root.root.clone(), &root.path, &root.join("-").path);
    let folder = folder.ok_or_else(|| {
        let message = format!("`{}` has no folder of its own", job.score.output.as_str());
        RunError::new("plan", Cause::Job, message)
            .hint("begin `score.output` with a folder, such as `scores/NAME`")
    })?;
    let site = world.site(&folder)?;
    Ok((folder, site))
}

/// The folders of a template before its first field: `scores/wine` of `scores/wine/tick={tick:%F}`.
pub(super) fn fixed_part(template: &str) -> &str {
    let until_field = template.split('{').next().unwrap_or(template);
    match until_field.rfind('/') {
        Some(end) if until_field.len() < template.len() => &until_field[..end],
        None if until_field.len() < template.len() => ".",
        _ => template,
    }
}

/// The files that a training at the end of `interval` reads, oldest interval first where there are any.
pub fn train_files(
    world: &World,
    job: &Job,
    interval: Interval,
) -> Result<Vec<SourceFile>, RunError> {
    let template = job.train.input.as_ref().unwrap_or(&job.data.source);
    let candidates = discover(&world.roots, &template.glob(), job.data.format)?;
    if !template.has_fields() {
        return Ok(candidates);
    }
    let Some(schedule) = &job.schedule else {
        let message = format!("`{}` holds a field of the tick", template.as_str());
        return Err(RunError::new("plan", Cause::Job, message)
            .hint("add [schedule], or name the training files with a glob in train.input"));
    };
    let candidates = candidates
        .into_iter()
        .map(|file| Candidate { name: named_like(template, &file), file })
        .collect();
    past::files_of_ticks(template, schedule, candidates, interval.end)
}

/// The name of `file` in the form that `template` uses: absolute, or relative to the project.
fn named_like(template: &Template, file: &SourceFile) -> String {
    if template.as_str().starts_with('/') {
        file.path.to_string_lossy().into_owned()
    } else {
        file.relative.clone()
    }
}

/// The zone of templates and of naive times.
pub fn zone(job: &Job) -> TimeZone {
    job.schedule.as_ref().map_or(TimeZone::UTC, |schedule| schedule.timezone().clone())
}

fn fields(job: &Job, interval: Interval) -> TickFields {
    TickFields {
        tick: interval.end,
        interval_start: interval.start,
        interval_end: interval.end,
        zone: zone(job),
    }
}

fn render(template: &Template, fields: &TickFields) -> Result<String, RunError> {
    template.render(fields).map_err(|error| RunError::new("plan", Cause::Job, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(schedule: &str) -> Job {
        let text = format!(
            "name = \"wine\"\n{schedule}[data]\nsource = \"data/*.csv\"\nlabel = \"y\"\n[model]\n\
             task = \"binary\"\n[score]\noutput = \"scores/wine\"\n"
        );
        crate::domain::job::parse::parse("wine.toml", text.as_bytes()).unwrap()
    }

    #[test]
    fn a_tick_in_the_future_is_refused() {
        let check = |schedule: &str, asked: &str, told: Option<(&str, &str)>| {
            let now = "2026-01-05T03:00:00Z".parse().unwrap();
            let found = tick_of(&job(schedule), Some(asked.parse().unwrap()), now);
            let error = found.err().map(|error| {
                assert_eq!(error.cause, Cause::Request);
                (error.source.to_string(), error.hints[0].clone())
            });
            let told = told.map(|(message, hint)| (message.to_owned(), hint.to_owned()));
            assert_eq!(error, told, "{schedule} {asked}");
        };
        let hourly = "[schedule]\ncron = \"0 * * * *\"\n";
        check(hourly, "2026-01-05T03:00:00Z", None);
        check(
            hourly,
            "2026-01-05T04:00:00Z",
            Some((
                "2026-01-05T04:00:00Z is in the future: its interval ends then, and it is \
                 2026-01-05T03:00:00Z now",
                "wait until then, or name the latest that was due, 2026-01-05T03:00:00Z",
            )),
        );
        check("", "2026-01-05T03:00:00Z", None);
        check("", "1999-01-05T03:00:00Z", None);
        check(
            "",
            "2026-01-05T03:00:00.000001Z",
            Some((
                "2026-01-05T03:00:00.000001Z is in the future: its interval ends then, and it is \
                 2026-01-05T03:00:00Z now",
                "wait until then, or leave out `--tick`, which means now",
            )),
        );
    }

    #[test]
    fn staging_is_above_every_tick() {
        let check = |template: &str, wanted: &str| assert_eq!(fixed_part(template), wanted);
        check("scores/wine/tick={tick:%F}", "scores/wine");
        check("scores/{tick:%Y}/wine", "scores");
        check("{tick:%F}", ".");
        check("scores/day-{tick:%F}", "scores");
        check("scores/wine", "scores/wine");
    }
}
