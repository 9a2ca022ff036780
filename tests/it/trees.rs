//! Kinds made of trees on real data from `../shared`: trained by the binary, held to scikit-learn.
//!
//! The wanted metrics are scikit-learn's (1.9.1) on the same rows, held out by time, with the same limits
//! of size and the mean over five seeds. `data/oracle/make_trees.py` prints them.

use crate::sandbox::{Sandbox, shared};

/// How much of scikit-learn's metric may be missing.
const SHORT_MAX: f64 = 0.005;

/// Seeds whose mean is looked at.
const SEEDS: u32 = 5;

/// A table with what is asked of it.
struct Table<'a> {
    name: &'a str,
    /// The keys of the job file that are not the same for all.
    data: &'a str,
    exclude: &'a str,
    task: &'a str,
    tick: &'a str,
    metric: &'a str,
    /// For each kind the metric of scikit-learn.
    wanted: [(&'a str, f64); 3],
}

#[track_caller]
fn check(table: &Table<'_>) {
    let Some(folder) = shared("data") else { return };
    let folder = folder.canonicalize().unwrap().display().to_string();
    let Table { name, data, exclude, task, tick, metric, .. } = table;
    for (kind, wanted) in table.wanted {
        let value = |seed: u32| {
            let job = format!(
                "name = \"{name}\"\n[schedule]\ncron = \"0 0 1 * *\"\n[data]\n\
                 source = \"{folder}/{name}/*.parquet\"\ntime = \"ts\"\n{data}\n\
                 [features]\nexclude = {exclude}\n[model]\ntask = \"{task}\"\nkind = \"{kind}\"\n\
                 [score]\noutput = \"scores/{name}\"\n[train]\nseed = {seed}\n"
            );
            let sandbox = Sandbox::new()
                .file("nightshift.toml", format!("data_roots = [{folder:?}]\n"))
                .job(name, &job);
            sandbox.run(["train", name, "--tick", tick]).expect(0);
            let models = sandbox.run(["models", name, "--output", "json"]).expect(0).json();
            models["versions"][0]["metrics"][metric]["value"].as_f64().unwrap()
        };
        // One seed says little: on elec2 the area of boosted trees is .868 to .876 here, and .870 to .879 there.
        let seeds = if kind == "decision_tree" { 1 } else { SEEDS };
        let found = (1..=seeds).map(value).sum::<f64>() / f64::from(seeds);
        assert!(
            found >= wanted * (1.0 - SHORT_MAX),
            "{name}, {kind}: {metric} is {found}, scikit-learn's {wanted}"
        );
        assert!(found < 1.0, "{name}, {kind}: {metric} is {found}, so the label was seen");
    }
}

#[test]
fn electricity_prices_are_predicted_as_by_scikit_learn() {
    check(&Table {
        name: "elec2",
        data: "label = \"label\"",
        exclude: "[\"date_src\"]",
        task: "binary",
        tick: "1999-01-01T00:00:00Z",
        metric: "roc_auc",
        wanted: [
            ("decision_tree", 0.807_18),
            ("random_forest", 0.852_23),
            ("gradient_boosting", 0.875_87),
        ],
    });
}

#[test]
fn bicycles_are_predicted_as_by_scikit_learn() {
    check(&Table {
        name: "bikes",
        data: "id = \"instant\"\nlabel = \"cnt\"",
        exclude: "[\"casual\", \"registered\"]",
        task: "regression",
        tick: "2013-01-01T00:00:00Z",
        metric: "r2",
        wanted: [
            ("decision_tree", 0.814_10),
            ("random_forest", 0.899_46),
            ("gradient_boosting", 0.911_85),
        ],
    });
}
