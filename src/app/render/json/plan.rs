//! `nightshift.plan/1`: what a run would read, use and write, with every default filled in.

use jiff::Timestamp;
use serde::Serialize;

use crate::app::render::json::run::{Interval, Model};
use crate::domain::identity::JobName;
use crate::engine::plan::Plan;

/// The schema's name.
pub(crate) const SCHEMA: &str = "nightshift.plan/1";

/// A plan.
#[derive(Debug, Serialize)]
pub(crate) struct PlanDocument<'a> {
    schema: &'static str,
    job: &'a str,
    file: &'a str,
    tick: Timestamp,
    interval: Interval,
    /// The pattern that the scored files match.
    input: &'a str,
    files: Vec<File<'a>>,
    filter: Option<Filter<'a>>,
    output: &'a str,
    /// The champion; null where the run would train the first version.
    model: Option<Model<'a>>,
    train: Train<'a>,
    settings: Vec<Setting<'a>>,
    next_ticks: Vec<Timestamp>,
}

#[derive(Debug, Serialize)]
struct File<'a> {
    path: &'a str,
    format: &'static str,
    bytes: u64,
}

/// Rows outside of `[from, until)` are not scored.
#[derive(Debug, Serialize)]
struct Filter<'a> {
    column: &'a str,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What a training at this tick would read.
#[derive(Debug, Serialize)]
struct Train<'a> {
    files: Vec<File<'a>>,
    /// Why a training is impossible, where it is.
    obstacle: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Setting<'a> {
    key: &'a str,
    value: &'a str,
    is_default: bool,
}

impl<'a> PlanDocument<'a> {
    /// The document of a plan of `job`.
    pub(crate) fn new(job: &'a JobName, plan: &'a Plan) -> Self {
        let filter = plan.filter.as_ref().map(|filter| Filter {
            column: &filter.column,
            from: filter.from,
            until: filter.until,
        });
        let settings = plan.settings.iter().map(|setting| Setting {
            key: &setting.key,
            value: &setting.value,
            is_default: setting.is_default,
        });
        Self {
            schema: SCHEMA,
            job: job.as_str(),
            file: &plan.file,
            tick: plan.tick,
            interval: Interval { start: plan.interval.start, end: plan.interval.end },
            input: &plan.input,
            files: files(&plan.files),
            filter,
            output: &plan.output,
            model: plan.model.as_ref().map(Model::new),
            train: Train {
                files: files(&plan.train_files),
                obstacle: plan.train_obstacle.as_deref(),
            },
            settings: settings.collect(),
            next_ticks: plan.next_ticks.clone(),
        }
    }
}

fn files(files: &[crate::adapters::dataset::SourceFile]) -> Vec<File<'_>> {
    files
        .iter()
        .map(|file| File { path: &file.relative, format: file.format.id(), bytes: file.size_bytes })
        .collect()
}
