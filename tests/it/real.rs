//! Real data with real drift, from `../shared`: trained on the first months, then month by month.
//!
//! The wanted metrics are scikit-learn's (1.9.1: `LogisticRegression(C=1)` on `StandardScaler` and
//! `OneHotEncoder`, `LinearRegression`) on the very same split, which follows from the hash of ids or
//! from the times; the held-out rows are the same ones.

use std::path::Path;

use serde_json::Value;

use crate::sandbox::{Sandbox, shared};

struct Night<'a> {
    name: &'a str,
    /// The job file, in which `$DATA` is the folder of the data.
    job: &'a str,
    train_tick: &'a str,
    backfill: Option<(&'a str, &'a str)>,
    /// Committed ticks, ticks whose month has no file, rows scored in all.
    ticks: (usize, usize, u64),
    metrics: &'a [(&'a str, f64)],
}

#[track_caller]
fn check(night: &Night<'_>) {
    let Some(data) = shared("data") else { return };
    let data = data.canonicalize().unwrap();
    let Night { name, job, train_tick, .. } = night;
    let sandbox = Sandbox::new()
        .file("nightshift.toml", format!("data_roots = [{:?}]\n", data.display().to_string()))
        .job(name, &job.replace("$DATA", &data.display().to_string()));
    sandbox.run(["train", name, "--tick", train_tick]).expect(0);
    let models = sandbox.run(["models", name, "--output", "json"]).expect(0).json();
    let found = &models["versions"][0]["metrics"];
    for (metric, wanted) in night.metrics {
        let value = found[metric]["value"].as_f64().unwrap();
        assert!((value - wanted).abs() < 1e-5, "{metric}: wanted {wanted}, found {value}");
        let (low, high) = (found[metric]["low"].as_f64(), found[metric]["high"].as_f64());
        assert!(low.unwrap() <= value && value <= high.unwrap(), "{metric}: {found}");
    }
    let ticks = match night.backfill {
        Some((from, to)) => {
            let output =
                sandbox.run(["backfill", name, "--from", from, "--to", to, "--output", "json"]);
            output.json()["ticks"].as_array().unwrap().clone()
        }
        None => vec![serde_json::json!({
            // White wines are not red ones, and that is what the run says.
            "run": sandbox.run(["run", name, "--output", "json"]).expect(10).json()
        })],
    };
    let committed: Vec<&Value> =
        ticks.iter().map(|tick| &tick["run"]).filter(|run| run["state"] == "committed").collect();
    let rows: u64 = committed.iter().map(|run| run["rows"]["scored"].as_u64().unwrap()).sum();
    let missing =
        ticks.iter().filter(|tick| tick["error"].to_string().contains("input_missing")).count();
    assert_eq!((committed.len(), missing, rows), night.ticks);
    sandbox.run(["verify", "--data"]).expect(0);
    assert!(Path::new(&sandbox.root().join("scores")).is_dir());
}

#[test]
fn electricity_prices_by_time() {
    check(&Night {
        name: "elec2",
        job: r#"
            name = "elec2"
            [schedule]
            cron = "0 0 1 * *"
            [data]
            source = "$DATA/elec2/*.parquet"
            time = "ts"
            label = "label"
            [features]
            exclude = ["date_src"]
            [model]
            task = "binary"
            [score]
            output = "scores/elec2"
        "#,
        train_tick: "1996-11-01T00:00:00Z",
        backfill: Some(("1996-12-01", "1999-01-01")),
        ticks: (26, 0, 36_768),
        metrics: &[
            ("roc_auc", 0.912_144_139_7),
            ("pr_auc", 0.916_704_509_6),
            ("log_loss", 0.458_656_805_7),
            ("brier", 0.150_647_258_1),
            ("accuracy", 0.757_753_072_0),
            ("f1", 0.710_893_854_7),
        ],
    });
}

#[test]
fn calls_of_a_bank_by_file_name() {
    check(&Night {
        name: "bank",
        job: r#"
            name = "bank"
            [schedule]
            cron = "0 0 1 * *"
            [data]
            source = "$DATA/bank/bank_{interval_start:%Y-%m}.parquet"
            id = "row"
            label = "label"
            [features]
            exclude = ["duration", "ym"]
            [model]
            task = "binary"
            [score]
            output = "scores/bank"
            columns = ["emp.var.rate"]
        "#,
        train_tick: "2008-09-01T00:00:00Z",
        backfill: Some(("2008-10-01", "2010-12-01")),
        ticks: (22, 5, 17_191),
        metrics: &[
            ("roc_auc", 0.560_206_607_4),
            ("log_loss", 0.181_095_680_0),
            ("brier", 0.042_187_721_1),
            ("accuracy", 0.955_897_435_9),
        ],
    });
}

#[test]
fn bicycles_by_the_hour() {
    check(&Night {
        name: "bikes",
        job: r#"
            name = "bikes"
            [schedule]
            cron = "0 0 1 * *"
            [data]
            source = "$DATA/bikes/*.csv"
            id = "instant"
            time = "ts"
            label = "cnt"
            [features]
            exclude = ["casual", "registered", "yr"]
            [model]
            task = "regression"
            [score]
            output = "scores/bikes"
        "#,
        train_tick: "2011-07-01T00:00:00Z",
        backfill: Some(("2011-08-01", "2013-01-01")),
        ticks: (18, 0, 13_129),
        metrics: &[
            ("rmse", 131.408_370_587_9),
            ("mae", 113.513_162_477_4),
            ("r2", 0.258_509_564_9),
        ],
    });
}

#[test]
fn wines_of_another_colour() {
    check(&Night {
        name: "wine",
        job: r#"
            name = "wine"
            [data]
            source = "$DATA/wine/wine_red_*.parquet"
            label = "quality"
            [model]
            task = "multiclass"
            [score]
            input = "$DATA/wine/wine_*.parquet"
            output = "scores/wine"
        "#,
        train_tick: "2026-01-01T00:00:00Z",
        backfill: None,
        ticks: (1, 0, 6_497),
        metrics: &[("log_loss", 1.011_958_709_4), ("accuracy", 0.568_561_872_9)],
    });
}
