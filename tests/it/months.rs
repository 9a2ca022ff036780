//! A job from training to its last night, on wines as if they had come in month by month: held-out metrics against
//! scikit-learn, months without a file, and every row scored once.
//!
//! The wanted metrics are in `data/oracle/months.json`, made by `data/oracle/make_months.py`, which makes the same
//! table and holds the same rows out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sandbox::Sandbox;

const ORACLE: &str = include_str!("../../data/oracle/months.json");
const WINES: &str = include_str!("../../data/wine/red.csv");

/// The ticks that score July, August and September.
const RANGE: [&str; 4] = ["--from", "2025-08-01", "--to", "2025-10-01"];

/// The rows of each month as csv, by the name of the month: row n has the id n and is 6n hours younger than the
/// first of January 2025.
fn months() -> BTreeMap<String, String> {
    let first: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
    let mut lines = WINES.lines();
    let names = lines.next().unwrap();
    let alcohol = names.split(',').position(|name| name == "alcohol").unwrap();
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for (row, line) in (0_i64..).zip(lines) {
        let at = first + SignedDuration::from_hours(6 * row);
        let strength = match line.split(',').nth(alcohol).unwrap().parse::<f64>().unwrap() {
            value if value < 10.0 => "low",
            value if value < 11.0 => "mid",
            _ => "strong",
        };
        let month = out.entry(at.to_string()[..7].to_owned());
        let month = month.or_insert_with(|| format!("row,at,{names},strength\n"));
        writeln!(month, "{row},{at},{line},{strength}").unwrap();
    }
    out
}

/// A project with all months but those that are `missing`, whose job has these keys.
fn project(source: &str, data: &str, excluded: &str, task: &str, missing: &[&str]) -> Sandbox {
    let job = format!(
        "name = \"wine\"\n[schedule]\ncron = \"0 0 1 * *\"\n[data]\nsource = \"data/{source}\"\nid = \"row\"\n{data}\n\
         [features]\nexclude = [{excluded}]\n[model]\ntask = \"{task}\"\n[score]\noutput = \"scores/wine\"\n\
         [drift]\nthen = \"report\"\n"
    );
    let sandbox = Sandbox::new().job("wine", &job);
    let kept = months().into_iter().filter(|(month, _)| !missing.contains(&month.as_str()));
    kept.for_each(|(month, rows)| sandbox.write(format!("data/wine_{month}.csv"), rows));
    sandbox
}

/// Trains on the months until July, holds the metrics to those of the case `name`, and scores three months, of
/// which `missing` have no file.
#[track_caller]
fn check(name: &str, sandbox: &Sandbox, missing: usize) {
    let oracle: Value = serde_json::from_str(ORACLE).unwrap();
    let cases = oracle["cases"].as_array().unwrap();
    let wanted = cases.iter().find(|case| case["name"] == name).unwrap();
    sandbox.run(["train", "wine", "--tick", "2025-07-01"]).expect(0);
    let models = sandbox.run(["models", "wine", "--output", "json"]).expect(0).json();
    let version = &models["versions"][0];
    assert_eq!(serde_json::json!([version["rows"], version["rows_test"]]), wanted["rows"]);
    for (metric, wanted) in wanted["metrics"].as_object().unwrap() {
        let found = &version["metrics"][metric];
        let (value, wanted) = (found["value"].as_f64().unwrap(), wanted.as_f64().unwrap());
        assert!((value - wanted).abs() < 1e-6, "{metric}: wanted {wanted}, found {value}");
        let [low, high] = ["low", "high"].map(|end| found[end].as_f64().unwrap());
        assert!(low < value && value < high, "{metric}: {found}");
    }
    let arguments = ["backfill", "wine"].into_iter().chain(RANGE).chain(["--output", "json"]);
    let ticks = sandbox.run(arguments).json()["ticks"].as_array().unwrap().clone();
    let runs: Vec<&Value> =
        ticks.iter().map(|tick| &tick["run"]).filter(|run| run["state"] == "committed").collect();
    let rows: Vec<u64> = runs.iter().map(|run| run["rows"]["scored"].as_u64().unwrap()).collect();
    let absent =
        ticks.iter().filter(|tick| tick["error"].to_string().contains("input_missing")).count();
    assert_eq!(absent, missing, "{ticks:#?}");
    // July, August and September have 31, 31 and 30 days of four rows each.
    let all = [124, 124, 120];
    assert_eq!(rows, all[..2 - missing].iter().chain(&all[2..]).copied().collect::<Vec<u64>>());
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn the_newest_rows_are_held_out() {
    let data = "time = \"at\"\nlabel = \"quality_good\"";
    let sandbox = project("wine_*.csv", data, "\"strength\"", "binary", &[]);
    check("good_by_time", &sandbox, 0);
}

#[test]
fn rows_are_held_out_by_their_ids_and_a_month_has_no_file() {
    let source = "wine_{interval_start:%Y-%m}.csv";
    let excluded = "\"strength\", \"at\"";
    let sandbox = project(source, "label = \"quality_good\"", excluded, "binary", &["2025-08"]);
    check("good_by_id", &sandbox, 1);
}

#[test]
fn numbers_are_predicted() {
    let data = "time = \"at\"\nlabel = \"alcohol\"";
    let sandbox = project("wine_*.csv", data, "\"strength\", \"quality_good\"", "regression", &[]);
    check("alcohol_by_time", &sandbox, 0);
}

#[test]
fn classes_are_predicted() {
    let source = "wine_{interval_start:%Y-%m}.csv";
    let excluded = "\"alcohol\", \"quality_good\", \"at\"";
    let sandbox = project(source, "label = \"strength\"", excluded, "multiclass", &[]);
    check("strength_by_id", &sandbox, 0);
}
