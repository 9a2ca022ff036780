//! Everything a run will read, use and write, resolved before doing anything.
//!
//! `nightshift plan` prints a [`Plan`] and stops; `score` and `train` start from the same functions, so
//! a dry run is the same code and not a branch.

/// Which files of a template belong to ticks of the past.
mod past;

use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::adapters::dataset::{self, Roots, SourceFile, TimeFilter};
use crate::domain::job::{FileFormat, Job};
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

/// The tick that a request means: the given one, else the latest that was due, else now.
///
/// Without a schedule every run has a tick of its own, to the microsecond: a run by hand is one more run, never the
/// one before again. What is finer than the record keeps is cut, so that the tick whose folder is written is the tick
/// on record.
pub fn tick_of(job: &Job, asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, RunError> {
    let Some(schedule) = &job.schedule else { return Ok(microseconds(asked.unwrap_or(now))) };
    let Some(tick) = asked else {
        return schedule.latest_at_or_before(now).ok_or_else(|| {
            let message = format!("`{}` has had no tick yet", schedule.cron());
            RunError::new("plan", Cause::Request, message).hint("name one with `--tick`")
        });
    };
    if schedule.is_tick(tick) {
        return Ok(tick);
    }
    let shown = |tick: Option<Timestamp>| tick.map_or("none".to_owned(), |tick| tick.to_string());
    let before = shown(schedule.previous_before(tick));
    let after = shown(schedule.next_after(tick));
    let message = format!("{tick} is not a tick of the schedule `{}`", schedule.cron());
    Err(RunError::new("plan", Cause::Request, message)
        .hint(format!("the ticks around it are {before} and {after}")))
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
    /// The output folder, absolute.
    pub output_dir: PathBuf,
    /// The folder above every tick's output; staging is below it.
    pub output_root: PathBuf,
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
    let output = render(&job.score.output, &fields(job, interval))?;
    let output_dir = world
        .roots
        .resolve_output(&output)
        .map_err(|error| RunError::new("plan", Cause::Job, error))?;
    Ok(ScorePaths { input, filter, output, output_dir, output_root: output_root(world, job)? })
}

/// The folder above every tick's output of `job`.
pub fn output_root(world: &World, job: &Job) -> Result<PathBuf, RunError> {
    world
        .roots
        .resolve_output(fixed_part(job.score.output.as_str()))
        .map_err(|error| RunError::new("plan", Cause::Job, error))
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
