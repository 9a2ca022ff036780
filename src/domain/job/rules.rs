//! What the keys of a job must be together.
//!
//! Each key was looked at by itself before; a value that was refused then is not here, and no rule is
//! applied to it. Every rule that is broken is told, none hides another.

use std::ops::Range;

use crate::domain::job::FileFormat;
use crate::domain::job::keys::{Support, kinds};
use crate::domain::job::path;
use crate::domain::job::problem::Faults;
use crate::domain::job::search::{TRIALS_MAX, combinations};
use crate::domain::job::section::Section;
use crate::domain::job::words::shorten;
use crate::domain::schedule::{DayMatch, Part, Schedule, ScheduleProblem};
use crate::domain::template::Template;

/// The rules of `[[check]]`.
mod check;
/// The rules about columns.
mod columns;
/// The rules of `score.output`.
pub(crate) mod output;
/// The rules of what watches and governs a model.
pub(crate) mod policy;

/// The rules of `[schedule]`.
mod timing;

/// The schedules of a job, understood while its rules were applied.
#[derive(Default)]
pub(crate) struct Schedules {
    /// When to score.
    pub(crate) score: Option<Schedule>,
    /// When to retrain.
    pub(crate) retrain: Option<Schedule>,
}

/// Applies every rule; returns the schedules, which are understood on the way.
pub(crate) fn apply(job: &Section, faults: &mut Faults) -> Schedules {
    let score = schedule(job.section("schedule"), faults);
    let retrain = retraining(job, faults);
    timing::apply(job, faults);
    model(job.section("model"), faults);
    binary(job, faults);
    classes(job.section("model"), faults);
    columns::apply(job, faults);
    templates(job, faults);
    let read = template_places(job).into_iter().filter(|(.., is_read)| *is_read);
    let inputs: Vec<_> = read.map(|(path, template, ..)| (path, template)).collect();
    output::apply(job, &inputs, score.as_ref(), faults);
    train(job, faults);
    for section in job.sections("check") {
        check::apply(section, job.section("data").has("time"), faults);
    }
    policy::apply(job, faults);
    Schedules { score, retrain }
}

/// A cron expression has its own grammar, and the zone and the day rule are read with it.
fn schedule(schedule: &Section, faults: &mut Faults) -> Option<Schedule> {
    let cron = schedule.text("cron")?;
    let timezone = schedule.text("timezone")?;
    let day_match = schedule.text("day_match").and_then(DayMatch::parse);
    match Schedule::parse(cron, timezone, day_match) {
        Ok(schedule) => Some(schedule),
        Err(problem) => {
            let (key, code) = match problem.part {
                Part::Cron => ("cron", "cron_form"),
                Part::Timezone => ("timezone", "timezone_form"),
                Part::DayMatch => ("day_match", "day_match_form"),
            };
            // A key that is missing has no place of its own; the expression that asks for it has one.
            let place = if schedule.has(key) { key } else { "cron" };
            let field = match problem.field {
                "" => String::new(),
                field if key == "cron" => format!("{field}: "),
                _ => String::new(),
            };
            let message = format!("`schedule.{key}`: {field}{}", problem.message);
            match problem.help {
                Some(help) => faults.add_with_help(schedule.span(place), code, message, help),
                None => faults.add(schedule.span(place), code, message),
            }
            None
        }
    }
}

/// `[retrain].cron`, in the zone and with the day rule of the schedule. What is wrong with the zone was told there.
fn retraining(job: &Section, faults: &mut Faults) -> Option<Schedule> {
    let retrain = job.section("retrain");
    let cron = retrain.text("cron")?;
    let schedule = job.section("schedule");
    let day_match = schedule.text("day_match").and_then(DayMatch::parse);
    match Schedule::parse(cron, schedule.text("timezone")?, day_match) {
        Ok(schedule) => Some(schedule),
        Err(ScheduleProblem { part: Part::Timezone, .. }) => None,
        Err(problem) => {
            let message = format!("`retrain.cron`: {problem}");
            let code = if problem.part == Part::Cron { "cron_form" } else { "day_match_form" };
            match problem.help {
                Some(help) => faults.add_with_help(retrain.span("cron"), code, message, help),
                None => faults.add(retrain.span("cron"), code, message),
            }
            None
        }
    }
}

fn model(model: &Section, faults: &mut Faults) {
    let (Some(task), Some(name)) = (model.text("task"), model.text("kind")) else {
        return;
    };
    let Some(kind) = kinds::kind(name).filter(|kind| !kind.tasks.contains(&task)) else {
        return;
    };
    let message =
        format!("kind `{name}` is for {}, found the task `{task}`", kind.tasks.join(" and "));
    let others: Vec<String> = kinds::KINDS
        .iter()
        .filter(|kind| kind.tasks.contains(&task) && kind.support == Support::Now)
        .map(|kind| format!("`{}`", kind.name))
        .collect();
    let help = format!("kinds for {task}: {}", others.join(", "));
    faults.add_with_help(model.span("kind"), "kind_task", message, help);
}

/// Keys that make sense only where there are two classes.
fn binary(job: &Section, faults: &mut Faults) {
    let Some(task) = job.section("model").text("task").filter(|task| *task != "binary") else {
        return;
    };
    for (table, key) in [("model", "positive"), ("score", "threshold")] {
        let section = job.section(table);
        if section.has(key) {
            let message = format!("`{table}.{key}` is for the task `binary`, found `{task}`");
            let help = "leave it out";
            faults.add_with_help(section.key_span(key), "binary_only", message, help);
        }
    }
}

/// Keys that make sense only where there are classes, and models of folds.
fn classes(model: &Section, faults: &mut Faults) {
    let calibrate = model.text("calibrate").filter(|found| *found != "none");
    if let Some(found) = calibrate.filter(|_| model.text("kind") == Some("ftrl")) {
        let message = format!(
            "`model.calibrate` = `\"{found}\"` needs models of folds, found the kind `ftrl`, which goes on from \
             the champion"
        );
        let help = "leave it out; `gradient_boosting` and `logistic` can be calibrated";
        faults.add_with_help(model.span("calibrate"), "calibrate_kind", message, help);
    }
    if model.text("task") != Some("regression") {
        return;
    }
    if let Some(found) = calibrate {
        let message = format!(
            "`model.calibrate` = `\"{found}\"` is for classes, found the task `regression`"
        );
        let help = "leave it out; a regression predicts no probabilities";
        faults.add_with_help(model.span("calibrate"), "classes_only", message, help);
    }
    let params = model.section("params");
    if params.text("class_weight").is_some_and(|found| found != "none") {
        let message = "`model.params.class_weight` is for classes, found the task `regression`";
        let help = "leave it out; `data.weight` weighs the rows of a regression";
        let (span, code) = (params.span("class_weight"), "classes_only");
        faults.add_with_help(span, code, message.to_owned(), help);
    }
}

/// The templates of a job: where they stand, and whether they name files that are read.
fn template_places(job: &Section) -> Vec<(&'static str, &Template, Range<usize>, bool)> {
    [
        ("data", "source", "data.source", true),
        ("score", "input", "score.input", true),
        ("score", "output", "score.output", false),
        ("train", "input", "train.input", true),
    ]
    .into_iter()
    .filter_map(|(table, key, path, is_read)| {
        let section = job.section(table);
        section.template(key).map(|template| (path, template, section.span(key), is_read))
    })
    .collect()
}

fn templates(job: &Section, faults: &mut Faults) {
    let has_format = job.section("data").has("format");
    for (path, template, span, is_read) in template_places(job) {
        if template.uses_interval() && !job.has("schedule") {
            let message =
                format!("`{path}` has a field of the data interval, and there is no schedule");
            let help = "add `[schedule]`, or use `{tick:...}`";
            faults.add_with_help(span.clone(), "needs_schedule", message, help);
        }
        let glob = template.glob();
        let format = path::extension(&glob).and_then(FileFormat::from_extension);
        if is_read && format.is_none() && !has_format {
            let message = format!(
                "`{path}` does not say the format of its files, found `\"{}\"`",
                shorten(template.as_str())
            );
            let help =
                "end it in `.parquet`, `.csv`, `.ndjson` or `.ipc`, or add `format` to `[data]`";
            faults.add_with_help(span, "format_unknown", message, help);
        }
    }
}

fn train(job: &Section, faults: &mut Faults) {
    let train = job.section("train");
    let has_time = job.section("data").has("time");
    if train.has("window") && !has_time {
        needs_time("train.window", train.key_span("window"), faults);
    }
    search(train.section("search"), faults);
    let split = train.section("split");
    match split.text("by") {
        Some("time") if !has_time => {
            needs_time("train.split.by = \"time\"", split.span("by"), faults);
        }
        Some("random") => {
            if split.duration("test").is_some() {
                let message = "a random split wants a share as `test`, found a duration".to_owned();
                let help = "write a number such as `0.2`";
                faults.add_with_help(split.span("test"), "split_form", message, help);
            }
            if split.has("gap") {
                let message = "a random split has no `gap`".to_owned();
                let help = "leave it out, or split `by = \"time\"`";
                faults.add_with_help(split.key_span("gap"), "split_form", message, help);
            }
        }
        _ => {}
    }
}

/// A search has something to try, and no more than it may.
fn search(search: &Section, faults: &mut Faults) {
    if !search.has("space") {
        return;
    }
    let space = search.space("space");
    if space.is_empty() {
        let message = "`train.search.space` names no parameter to try".to_owned();
        let help = "name one with its values, as in `{ alpha = [0.1, 1.0] }`, or leave out `[train.search]`";
        faults.add_with_help(search.span("space"), "search_space", message, help);
        return;
    }
    let found = combinations(space.iter().map(|(_, values)| values.len()));
    if search.text("method") == Some("random") {
        if found.is_none() {
            let message =
                "`train.search.space` has more combinations than can be numbered".to_owned();
            let help = "name fewer values";
            faults.add_with_help(search.span("space"), "search_space", message, help);
        }
        return;
    }
    let asked = search.integer("trials").and_then(|trials| u64::try_from(trials).ok());
    let most = asked.unwrap_or(TRIALS_MAX);
    if found.is_none_or(|found| found > most) {
        let found = found.map_or("too many".to_owned(), |found| found.to_string());
        let message = format!(
            "the grid of `train.search.space` has {found} combinations, wanted at most {most}"
        );
        let help =
            "name fewer values, allow more `trials`, or draw some with `method = \"random\"`";
        faults.add_with_help(search.span("space"), "search_space", message, help);
    }
}

/// Says that a key needs to know the time of a row.
fn needs_time(what: &str, span: Range<usize>, faults: &mut Faults) {
    let message = format!("`{what}` needs the time of a row, and there is no `data.time`");
    let help = "add `time = \"<a date or datetime column>\"` to `[data]`";
    faults.add_with_help(span, "needs_time", message, help);
}
