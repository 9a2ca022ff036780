//! `nightshift explain score`: the sum that ends in the score that was published.
//!
//! Of every kind of model and every task, and what cannot be explained: rows that nobody read, rows that were
//! set aside, files that are not what they were.

use std::fmt::Write as _;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// 450 visits of two files of them, some without a number of pages.
fn visits(first: u32) -> String {
    let mut out = String::from("id,pages,channel,spent,bought,rating\n");
    for row in first..first + 450 {
        let pages = match row {
            17 => "999".to_owned(),
            row if row % 11 == 0 => String::new(),
            row => (row * 7 % 20).to_string(),
        };
        let channel = ["mail", "search", "shop"][row as usize % 3];
        let bought = row * 13 % 29 < row * 7 % 20;
        let rating = ["bad", "good", "poor"][(row * 7 % 20 / 7) as usize];
        let spent = f64::from(row * 7 % 20) * 1.5 + f64::from(row % 3);
        writeln!(out, "v-{row},{pages},{channel},{spent},{},{rating}", u8::from(bought)).unwrap();
    }
    out
}

fn sandbox(task: &str, model: &str) -> Sandbox {
    let label = match task {
        "binary" => "bought",
        "multiclass" => "rating",
        _ => "spent",
    };
    let job = format!(
        "name = \"visits\"\n[data]\nsource = \"data/visits-*.csv\"\nid = \"id\"\nlabel = \"{label}\"\n\
         [features]\nnumeric = [\"pages\"]\ncategorical = [\"channel\"]\n[model]\ntask = \"{task}\"\n{model}\n\
         [[check]]\ncolumn = \"pages\"\nbetween = [0, 100]\nthen = \"quarantine\"\n\
         [score]\noutput = \"scores/visits\"\n[gates]\nbeat_dummy = false\n"
    );
    Sandbox::new()
        .job("visits", &job)
        .data("visits-1.csv", visits(0))
        .data("visits-2.csv", visits(450))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The terms add up to the score, which is the one that was published.
#[track_caller]
fn check(task: &str, model: &str, scale: &str) -> Value {
    let sandbox = sandbox(task, model);
    sandbox.run(["run", "visits"]).expect(0);
    let found = sandbox.run(["explain", "score", "visits", "v-500", "--output", "json"]);
    let found = found.expect(0).json();
    assert_eq!(found["scale"], scale, "{model}: {found:#}");
    assert_eq!((&found["reproduced"], &found["row"]), (&true.into(), &51.into()), "{found:#}");
    assert!(found["file"].as_str().unwrap().ends_with("visits-2.csv"), "{found:#}");
    let outputs = found["outputs"].as_array().unwrap();
    let features = found["features"].as_array().unwrap();
    assert_eq!(features.len(), 2, "{found:#}");
    let published = numbers(&found["published"]);
    let sums: Vec<f64> = outputs.iter().map(|output| output["sum"].as_f64().unwrap()).collect();
    let total: f64 = sums.iter().map(|sum| sum.exp()).sum();
    for (place, output) in outputs.iter().enumerate() {
        let added = features.iter().map(|feature| numbers(&feature["adds"])[place]).sum::<f64>();
        let sum = output["base"].as_f64().unwrap() + added;
        assert!((sum - sums[place]).abs() < 1e-12, "{model}: {found:#}");
        let linked = match scale {
            "log_odds" => 1.0 / (1.0 + (-sum).exp()),
            "log_shares" => sum.exp() / total,
            _ => sum,
        };
        assert!((linked - output["prediction"].as_f64().unwrap()).abs() < 1e-12, "{found:#}");
        assert_eq!(output["score"], published[place], "{model}: {found:#}");
    }
    let text = sandbox.run(["explain", "score", "visits", "v-500"]).expect(0).stdout;
    assert!(text.contains("the same, to the last bit") && text.contains("channel"), "{text}");
    found
}

#[test]
fn scores_are_sums_of_what_features_add() {
    check("binary", "kind = \"logistic\"", "log_odds");
    check("binary", "kind = \"gradient_boosting\"", "log_odds");
    check("binary", "kind = \"random_forest\"", "prediction");
    check("multiclass", "kind = \"logistic\"", "log_shares");
    check("multiclass", "kind = \"gradient_boosting\"", "log_shares");
    check("multiclass", "kind = \"decision_tree\"", "prediction");
    check("regression", "kind = \"linear\"", "prediction");
    check("regression", "kind = \"gradient_boosting\"", "prediction");
}

#[test]
fn calibrated_scores_are_explained_to_the_end() {
    let model = "kind = \"gaussian_nb\"\ncalibrate = \"platt\"";
    let found = check("binary", model, "log_odds");
    assert_eq!(found["method"], "gaussian_nb+platt");
    assert_ne!(found["outputs"][0]["score"], found["outputs"][0]["prediction"], "{found:#}");
}

#[test]
fn what_has_no_score_or_no_source_any_more_is_told() {
    let sandbox = sandbox("binary", "");
    sandbox.run(["run", "visits"]).expect(0);
    let told = |id: &str, more: &[&str]| {
        let arguments = ["explain", "score", "visits", id];
        let output = sandbox.run(arguments.iter().chain(more));
        assert_ne!(output.status(), 0, "{id}: {}", output.stdout);
        output.stderr
    };
    assert!(told("v-9000", &[]).contains("has the id `v-9000`"));
    // 999 pages are more than the check allows.
    let aside = told("v-17", &[]);
    assert!(aside.contains("set the row `v-17` aside") && aside.contains("show"), "{aside}");
    let other = told("v-1", &["--tick", "2025-01-01"]);
    assert!(other.contains("no scores for tick 2025-01-01T00:00:00Z"), "{other}");
    sandbox.write("data/visits-1.csv", visits(0).replace("v-2,", "v-two,"));
    let changed = told("v-1", &[]);
    assert!(changed.contains("visits-1.csv") && changed.contains("wanted SHA-256"), "{changed}");
    // The other file is what it was.
    sandbox.run(["explain", "score", "visits", "v-500"]).expect(0);
    sandbox.run(["explain", "psi", "--tick", "2025-01-01"]).expect(2);
}
