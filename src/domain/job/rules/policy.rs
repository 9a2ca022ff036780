//! The rules of the tables that watch and govern a model.
//!
//! Whether a column exists, and whether a test suits what it holds, is not known here.

use crate::domain::job::Task;
use crate::domain::job::problem::Faults;
use crate::domain::job::section::Section;
use crate::domain::job::words::shorten;

/// Which metrics a gate may name, and the tasks that have them. The calibration error is not among them:
/// its estimate is biased, so that a comparison of two models errs far more often than it says.
pub(crate) static METRICS_OF_TASKS: &[(&str, &[Task])] = &[
    ("roc_auc", &[Task::Binary, Task::Multiclass]),
    ("pr_auc", &[Task::Binary]),
    ("log_loss", &[Task::Binary, Task::Multiclass]),
    ("brier", &[Task::Binary, Task::Multiclass]),
    ("accuracy", &[Task::Binary, Task::Multiclass]),
    ("precision", &[Task::Binary]),
    ("recall", &[Task::Binary]),
    ("f1", &[Task::Binary]),
    ("f1_macro", &[Task::Multiclass]),
    ("rmse", &[Task::Regression]),
    ("mae", &[Task::Regression]),
    ("median_absolute_error", &[Task::Regression]),
    ("r2", &[Task::Regression]),
    ("bias", &[Task::Regression]),
];

/// Applies every rule of these tables.
pub(super) fn apply(job: &Section, faults: &mut Faults) {
    drift(job.section("drift"), faults);
    let task = job.section("model").text("task").and_then(Task::parse);
    for section in job.sections("gate") {
        gate(section, task, faults);
    }
    retrain(job, faults);
}

fn drift(drift: &Section, faults: &mut Faults) {
    let persist = drift.section("persist");
    if let (Some(of), Some(ticks)) = (persist.integer("of"), persist.integer("ticks"))
        && ticks > of
    {
        let message = format!("`drift.persist` wants {ticks} ticks of the last {of}");
        let help = "`ticks` is at most `of`";
        faults.add_with_help(persist.span("ticks"), "drift_persist", message, help);
    }
    let mut named: Vec<&str> = Vec::new();
    for section in drift.sections("column") {
        for (column, span) in section.texts("columns") {
            if named.contains(&column) {
                let message =
                    format!("the column `{}` is in two `[[drift.column]]`", shorten(column));
                faults.add_with_help(span, "drift_column", message, "leave it in one of them");
            }
            named.push(column);
        }
    }
}

/// Keys of a gate that change nothing unless another one is there, and what to do.
const IDLE_WITHOUT: &[(&str, &str, &str)] = &[
    ("margin", "compare", "add `compare = \"non_inferiority\"`, or remove it"),
    ("confidence", "compare", "add `compare = \"non_inferiority\"`, or remove it"),
    ("slice_rows_min", "slice", "add `slice = \"<a column>\"`, or remove it"),
];

fn gate(gate: &Section, task: Option<Task>, faults: &mut Faults) {
    if !["min", "max", "compare"].iter().any(|key| gate.has(key)) {
        let message = "this `[[gate]]` asks for nothing".to_owned();
        let help = "add `min`, `max` or `compare = \"non_inferiority\"`";
        faults.add_with_help(gate.start(), "gate_form", message, help);
    }
    if let (Some(min), Some(max)) = (gate.number("min"), gate.number("max"))
        && min > max
    {
        let message = format!("`gate.min` is {min} and `gate.max` is {max}");
        faults.add_with_help(gate.span("min"), "gate_form", message, "`min` is at most `max`");
    }
    for (key, needs, help) in IDLE_WITHOUT {
        if gate.has(key) && !gate.has(needs) {
            let message = format!("`gate.{key}` says nothing without `gate.{needs}`");
            faults.add_with_help(gate.span(key), "gate_form", message, *help);
        }
    }
    if gate.text("compare") == Some("superiority") && gate.has("margin") {
        let message =
            "`gate.margin` says nothing of `superiority`, which asks for any gain".to_owned();
        let help = "remove it, or ask for `non_inferiority`";
        faults.add_with_help(gate.span("margin"), "gate_form", message, help);
    }
    let (Some(metric), Some(task)) = (gate.text("metric"), task) else { return };
    let has_it = |(_, tasks): &&(&str, &[Task])| tasks.contains(&task);
    let known = METRICS_OF_TASKS.iter().find(|(name, _)| *name == metric);
    if known.is_some_and(|entry| !has_it(&entry)) {
        let message = format!("the metric `{metric}` is not one of the task `{task}`");
        let names: Vec<String> =
            METRICS_OF_TASKS.iter().filter(has_it).map(|(name, _)| format!("`{name}`")).collect();
        let help = format!("metrics of {task}: {}", names.join(", "));
        faults.add_with_help(gate.span("metric"), "metric_task", message, help);
    }
}

/// What retrains by itself must be able to train.
fn retrain(job: &Section, faults: &mut Faults) {
    if job.has("retrain") && !job.section("data").has("label") {
        let message = "`[retrain]` trains, and there is no `data.label`".to_owned();
        let help = "add `label = \"<the column to learn>\"` to `[data]`";
        faults.add_with_help(job.key_span("retrain"), "needs_label", message, help);
    }
}
