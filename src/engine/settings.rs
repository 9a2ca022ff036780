//! Every setting of a job with its value, and whether the file says so or the default does.
//!
//! Values come from the parsed job, so they are what a run will use; the text of the file only tells
//! which of them were written down.

/// What watches and governs a model.
mod policy;
/// When a job runs and within which limits.
mod timing;

use std::fmt::Write as _;

use crate::domain::job::{
    CategoricalImpute, CheckAction, CheckSpec, ClassWeight, Expectation, FeatureSelection, Job,
    ModelParams, NumericImpute, Scale, Split, TestSize,
};

/// One key of a job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Dotted, as in the file: `train.split`.
    pub key: String,
    /// As a person would say it.
    pub value: String,
    /// Whether the value is the default rather than the file's.
    pub is_default: bool,
}

/// Every setting of `job`, in the order of the documentation. `text` is the file it came from.
pub fn settings(job: &Job, text: &str) -> Vec<Setting> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut out = Vec::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push(Setting { key: key.to_owned(), value, is_default: !is_given(&table, key) });
        }
    };
    add("name", Some(job.name.to_string()));
    add("enabled", Some(job.enabled.to_string()));
    if let Some(schedule) = &job.schedule {
        add("schedule.cron", Some(schedule.cron().to_owned()));
        add("schedule.timezone", Some(schedule.timezone_name().to_owned()));
    }
    timing::add_schedule(job, &mut add);
    timing::add_run(job, &mut add);
    add("data.source", Some(job.data.source.as_str().to_owned()));
    let format = job.data.format.map_or("by extension", |format| format.id());
    add("data.format", Some(format.to_owned()));
    let id = job.data.id.clone().unwrap_or_else(|| "<relative path>#<row>".to_owned());
    add("data.id", Some(id));
    add("data.time", Some(named(job.data.time.as_deref())));
    add("data.label", Some(named(job.data.label.as_deref())));
    add("data.weight", job.data.weight.clone());
    let selection = match &job.features.selection {
        FeatureSelection::All => "every other column".to_owned(),
        FeatureSelection::Except(columns) => {
            format!("every other column but {}", columns.join(", "))
        }
        FeatureSelection::Only { numeric, categorical } => {
            numeric.iter().chain(categorical).cloned().collect::<Vec<_>>().join(", ")
        }
    };
    add("features", Some(selection));
    add("features.impute", Some(impute(job)));
    add("features.scale", Some(scale(job.features.scale).to_owned()));
    add("features.max_categories", Some(job.features.categories_max.to_string()));
    add("model.task", Some(job.model.task.id().to_owned()));
    add("model.kind", Some(job.model.params.kind().to_owned()));
    add("model.params", params(&job.model.params));
    let class_weight = job.model.class_weight;
    let is_balanced = class_weight == ClassWeight::Balanced;
    add("model.params.class_weight", is_balanced.then(|| "balanced".to_owned()));
    add("model.positive", job.model.positive.clone());
    add("model.calibrate", job.model.calibrate.map(|method| method.id().to_owned()));
    let input = job.score.input.as_ref().map(|template| template.as_str().to_owned());
    add("score.input", Some(input.unwrap_or_else(|| "data.source".to_owned())));
    add("score.output", Some(job.score.output.as_str().to_owned()));
    add("score.columns", Some(named(Some(&job.score.columns.join(", ")))));
    add("score.threshold", job.score.threshold.map(|value| value.to_string()));
    add("score.quarantine_max", Some(job.score.quarantine_max.to_string()));
    let input = job.train.input.as_ref().map(|template| template.as_str().to_owned());
    add("train.input", Some(input.unwrap_or_else(|| "data.source".to_owned())));
    let window = job.train.window.map(|span| format!("{span:#}"));
    add("train.window", Some(window.unwrap_or_else(|| "everything".to_owned())));
    add("train.split", Some(split(job.train.split)));
    add("train.rows_min", Some(job.train.rows_min.to_string()));
    add("train.seed", Some(job.train.seed.to_string()));
    let search = job.train.search.as_ref();
    let search = search.map(|spec| format!("{} trials, {} folds", spec.trials.len(), spec.folds));
    add("train.search", Some(search.unwrap_or_else(|| "none".to_owned())));
    for check in &job.checks {
        add("check", Some(describe(check)));
    }
    policy::add(job, &mut add);
    out
}

/// Whether the file holds the dotted `key`.
fn is_given(table: &toml::Table, key: &str) -> bool {
    let mut place = table;
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        match place.get(part) {
            Some(toml::Value::Table(inner)) if parts.peek().is_some() => place = inner,
            Some(_) => return true,
            None => return false,
        }
    }
    true
}

fn named(value: Option<&str>) -> String {
    match value {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => "none".to_owned(),
    }
}

fn impute(job: &Job) -> String {
    let numeric = match job.features.impute_numeric {
        NumericImpute::Auto => "median where the kind needs it".to_owned(),
        NumericImpute::Median => "median".to_owned(),
        NumericImpute::Mean => "mean".to_owned(),
        NumericImpute::Value(value) => value.to_string(),
    };
    let categorical = match job.features.impute_categorical {
        CategoricalImpute::Missing => "missing",
        CategoricalImpute::Mode => "mode",
    };
    format!("numeric {numeric}, categorical {categorical}")
}

fn scale(scale: Scale) -> &'static str {
    match scale {
        Scale::Auto => "standard where the kind needs it",
        Scale::Standard => "standard",
        Scale::None => "none",
    }
}

fn params(params: &ModelParams) -> Option<String> {
    match params {
        ModelParams::Logistic { alpha, iterations_max, tolerance } => {
            Some(format!("alpha {alpha}, max_iterations {iterations_max}, tolerance {tolerance:e}"))
        }
        ModelParams::ElasticNet { alpha, l1_ratio, iterations_max, tolerance } => Some(format!(
            "alpha {alpha}, l1_ratio {l1_ratio}, max_iterations {iterations_max}, tolerance {tolerance:e}"
        )),
        ModelParams::GaussianNb { var_smoothing } => {
            Some(format!("var_smoothing {var_smoothing:e}"))
        }
        ModelParams::DecisionTree { depth_max, leaf_rows_min } => {
            Some(format!("max_depth {depth_max}, min_samples_leaf {leaf_rows_min}"))
        }
        ModelParams::RandomForest { trees, depth_max, leaf_rows_min, columns } => {
            let leaf = leaf_rows_min.map_or("by rows".to_owned(), |rows| rows.to_string());
            let columns = columns.map_or("by task".to_owned(), |share| share.to_string());
            Some(format!(
                "trees {trees}, max_depth {depth_max}, min_samples_leaf {leaf}, max_features {columns}"
            ))
        }
        ModelParams::GradientBoosting {
            iterations_max,
            learning_rate,
            leaves_max,
            depth_max,
            leaf_rows_min,
            l2,
            validation,
            patience,
        } => Some(format!(
            "max_iterations {iterations_max}, learning_rate {learning_rate}, max_leaf_nodes {leaves_max}, \
             max_depth {depth_max}, min_samples_leaf {leaf_rows_min}, l2 {l2}, validation {validation}, \
             patience {patience}"
        )),
        ModelParams::Ftrl { alpha, beta, l1, l2 } => {
            Some(format!("alpha {alpha}, beta {beta}, l1 {l1}, l2 {l2}"))
        }
        ModelParams::Linear | ModelParams::Dummy => None,
    }
}

fn split(split: Split) -> String {
    match split {
        Split::Random { test } => format!("random, test {test}"),
        Split::Time { test: TestSize::Share(share), gap } => {
            format!("by time, test the newest {share}, gap {gap:#}")
        }
        Split::Time { test: TestSize::Span(span), gap } => {
            format!("by time, test the newest {span:#}, gap {gap:#}")
        }
    }
}

fn describe(check: &CheckSpec) -> String {
    let mut out = String::new();
    if let Some(column) = &check.column {
        out.push_str(column);
        out.push(' ');
    }
    out.push_str(check.expectation.id());
    let numbers = match &check.expectation {
        Expectation::Between { min, max } | Expectation::MeanBetween { min, max } => {
            format!(" {min} to {max}")
        }
        Expectation::InSet(values) => format!(" {}", values.join(", ")),
        Expectation::Matches(pattern) => format!(" {pattern}"),
        Expectation::NullsMax(share) => format!(" {share}"),
        Expectation::RowsMin(rows) | Expectation::RowsMax(rows) => format!(" {rows}"),
        Expectation::FreshWithin(span) => format!(" {span:#}"),
        Expectation::NotNull | Expectation::Unique => String::new(),
    };
    out.push_str(&numbers);
    let then = match check.then {
        CheckAction::Fail => "fail",
        CheckAction::Warn => "warn",
        CheckAction::Quarantine => "quarantine",
    };
    // Writing to a string cannot fail.
    let written = write!(out, ", then {then}");
    debug_assert!(written.is_ok());
    out
}
