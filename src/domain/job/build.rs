//! From checked values to a [`Job`].
//!
//! No text is read and no problem is found here: every value was checked, every rule holds. `None` means
//! that a value is absent which the table of keys requires.

/// The tables that watch and govern a model.
mod policy;
/// What is tried before a version is fitted.
mod search;
/// When a job runs and within which limits.
mod timing;

use jiff::SignedDuration;

use crate::domain::identity::JobName;
use crate::domain::job::keys::kinds;
use crate::domain::job::rules::Schedules;
use crate::domain::job::section::Section;
use crate::domain::job::{
    Calibrate, CategoricalImpute, CheckAction, CheckSpec, ClassWeight, DataSpec, Expectation,
    FeatureSelection, FeaturesSpec, FileFormat, Job, ModelParams, ModelSpec, NumericImpute, Scale,
    ScoreSpec, Split, Task, TestSize, TrainSpec,
};

/// The job that a file without a fault describes.
pub(crate) fn job(job: &Section, schedules: Schedules) -> Option<Job> {
    let data = data(job.section("data"))?;
    let train = train(job, data.time.is_some())?;
    let checks = job.sections("check").iter().map(check).collect::<Option<_>>()?;
    let model = model(job.section("model"))?;
    let retrain = if job.has("retrain") {
        Some(policy::retrain(job.section("retrain"), schedules.retrain)?)
    } else {
        None
    };
    Some(Job {
        name: JobName::new(job.text("name")?)?,
        description: job.text("description").map(str::to_owned),
        owner: job.text("owner").map(str::to_owned),
        enabled: job.flag("enabled")?,
        schedule: schedules.score,
        timing: timing::timing(job.section("schedule"))?,
        limits: timing::limits(job.section("run"))?,
        data,
        features: features(job.section("features"))?,
        gates: policy::gates(job, model.task)?,
        model,
        score: score(job.section("score"))?,
        train,
        checks,
        drift: policy::drift(job.section("drift"))?,
        retrain,
        gates_together: policy::gates_together(job.section("gates"))?,
        rollout: policy::strategy(job.section("rollout"))?,
        watch: policy::watch(job.section("watch"))?,
    })
}

fn data(data: &Section) -> Option<DataSpec> {
    Some(DataSpec {
        source: data.template("source")?.clone(),
        format: data.text("format").and_then(FileFormat::parse),
        id: data.text("id").map(str::to_owned),
        time: data.text("time").map(str::to_owned),
        label: data.text("label").map(str::to_owned),
        weight: data.text("weight").map(str::to_owned),
    })
}

fn features(features: &Section) -> Option<FeaturesSpec> {
    let selection = if features.has("exclude") {
        FeatureSelection::Except(texts(features, "exclude"))
    } else if features.has("numeric") || features.has("categorical") {
        FeatureSelection::Only {
            numeric: texts(features, "numeric"),
            categorical: texts(features, "categorical"),
        }
    } else {
        FeatureSelection::All
    };
    let impute = features.section("impute");
    let impute_numeric = match (impute.text("numeric"), impute.number("numeric")) {
        (Some("mean"), _) => NumericImpute::Mean,
        (Some(_), _) => NumericImpute::Median,
        (None, Some(value)) => NumericImpute::Value(value),
        (None, None) => NumericImpute::Auto,
    };
    let impute_categorical = match impute.text("categorical")? {
        "mode" => CategoricalImpute::Mode,
        _ => CategoricalImpute::Missing,
    };
    let scale = match features.text("scale") {
        Some("standard") => Scale::Standard,
        Some(_) => Scale::None,
        None => Scale::Auto,
    };
    let categories_max = features.integer("max_categories").and_then(to_usize)?;
    Some(FeaturesSpec { selection, impute_numeric, impute_categorical, scale, categories_max })
}

fn model(model: &Section) -> Option<ModelSpec> {
    Some(ModelSpec {
        task: Task::parse(model.text("task")?)?,
        params: model_params(kind_of(model)?, model.section("params"))?,
        positive: model.text("positive").map(str::to_owned),
        class_weight: match model.section("params").text("class_weight") {
            Some("balanced") => ClassWeight::Balanced,
            _ => ClassWeight::None,
        },
        calibrate: model.text("calibrate").and_then(Calibrate::parse),
    })
}

/// The kind that `[model]` names, or else that of its task.
fn kind_of(model: &Section) -> Option<&str> {
    model.text("kind").or_else(|| model.text("task").map(kinds::default_kind))
}

fn model_params(kind: &str, params: &Section) -> Option<ModelParams> {
    Some(match kind {
        "logistic" => ModelParams::Logistic {
            alpha: params.number("alpha")?,
            iterations_max: params.integer("max_iterations")?.try_into().ok()?,
            tolerance: params.number("tolerance")?,
        },
        "linear" => ModelParams::Linear,
        "elastic_net" => ModelParams::ElasticNet {
            alpha: params.number("alpha")?,
            l1_ratio: params.number("l1_ratio")?,
            iterations_max: params.integer("max_iterations")?.try_into().ok()?,
            tolerance: params.number("tolerance")?,
        },
        "gaussian_nb" => ModelParams::GaussianNb { var_smoothing: params.number("var_smoothing")? },
        "decision_tree" => ModelParams::DecisionTree {
            depth_max: count(params, "max_depth")?,
            leaf_rows_min: count(params, "min_samples_leaf")?,
        },
        "random_forest" => ModelParams::RandomForest {
            trees: count(params, "trees")?,
            depth_max: count(params, "max_depth")?,
            leaf_rows_min: count(params, "min_samples_leaf"),
            columns: params.number("max_features"),
        },
        "gradient_boosting" => ModelParams::GradientBoosting {
            iterations_max: count(params, "max_iterations")?,
            learning_rate: params.number("learning_rate")?,
            leaves_max: count(params, "max_leaf_nodes")?,
            depth_max: count(params, "max_depth")?,
            leaf_rows_min: count(params, "min_samples_leaf")?,
            l2: params.number("l2")?,
            validation: params.number("validation")?,
            patience: count(params, "patience")?,
        },
        "ftrl" => ModelParams::Ftrl {
            alpha: params.number("alpha")?,
            beta: params.number("beta")?,
            l1: params.number("l1")?,
            l2: params.number("l2")?,
        },
        "dummy" => ModelParams::Dummy,
        _ => return None,
    })
}

fn count(params: &Section, name: &str) -> Option<u32> {
    params.integer(name)?.try_into().ok()
}

fn score(score: &Section) -> Option<ScoreSpec> {
    Some(ScoreSpec {
        input: score.template("input").cloned(),
        output: score.template("output")?.clone(),
        columns: texts(score, "columns"),
        threshold: score.number("threshold"),
        quarantine_max: score.number("quarantine_max")?,
    })
}

fn train(job: &Section, has_time: bool) -> Option<TrainSpec> {
    let (train, model) = (job.section("train"), job.section("model"));
    let seed = train.integer("seed")?.try_into().ok()?;
    let search = if train.has("search") { Some(search::search(train, model, seed)?) } else { None };
    let split = train.section("split");
    let by_time = match split.text("by") {
        Some(by) => by == "time",
        None => has_time,
    };
    let share = split.number("test");
    let split = if by_time {
        let test = match split.duration("test") {
            Some(span) => TestSize::Span(span),
            None => TestSize::Share(share?),
        };
        Split::Time { test, gap: split.duration("gap").unwrap_or(SignedDuration::ZERO) }
    } else {
        Split::Random { test: share? }
    };
    Some(TrainSpec {
        input: train.template("input").cloned(),
        window: train.duration("window"),
        split,
        rows_min: train.integer("rows_min")?.try_into().ok()?,
        seed,
        search,
    })
}

fn check(check: &Section) -> Option<CheckSpec> {
    let then = match check.text("then")? {
        "warn" => CheckAction::Warn,
        "quarantine" => CheckAction::Quarantine,
        _ => CheckAction::Fail,
    };
    let column = check.text("column").map(str::to_owned);
    Some(CheckSpec { column, expectation: expectation(check)?, then })
}

fn expectation(check: &Section) -> Option<Expectation> {
    let is = |name: &str| check.has(name);
    Some(if is("not_null") {
        Expectation::NotNull
    } else if is("unique") {
        Expectation::Unique
    } else if is("between") {
        let (min, max) = check.range("between")?;
        Expectation::Between { min, max }
    } else if is("mean_between") {
        let (min, max) = check.range("mean_between")?;
        Expectation::MeanBetween { min, max }
    } else if is("in_set") {
        Expectation::InSet(texts(check, "in_set"))
    } else if is("matches") {
        Expectation::Matches(check.text("matches")?.to_owned())
    } else if is("nulls_max") {
        Expectation::NullsMax(check.number("nulls_max")?)
    } else if is("rows_min") {
        Expectation::RowsMin(check.integer("rows_min")?.try_into().ok()?)
    } else if is("rows_max") {
        Expectation::RowsMax(check.integer("rows_max")?.try_into().ok()?)
    } else {
        Expectation::FreshWithin(check.duration("fresh_within")?)
    })
}

fn texts(section: &Section, name: &str) -> Vec<String> {
    section.texts(name).into_iter().map(|(text, _)| text.to_owned()).collect()
}

fn to_usize(integer: i64) -> Option<usize> {
    integer.try_into().ok()
}
