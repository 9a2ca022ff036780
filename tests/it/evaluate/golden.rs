//! Every number of `../shared/golden/*.perf.json` that nightshift computes too, through the command line.
//!
//! The test prints a table: which statistic, how many values, and the worst distance. Where a value is
//! missing on purpose, it says why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use nightshift::adapters::dataset::{ScanRequest, Table, named_files};
use nightshift::domain::frame::Cells;
use nightshift::learn::metric::interval::error_of_classes;
use nightshift::learn::metric::ranking::Ranking;
use serde_json::Value;

use crate::sandbox::{Sandbox, shared};

/// Metrics by the names of the files, with ours.
const METRICS: [(&str, &str); 16] = [
    ("roc_auc", "roc_auc"),
    ("pr_auc_ap", "pr_auc"),
    ("log_loss", "log_loss"),
    ("brier", "brier"),
    ("ece10", "ece"),
    ("accuracy", "accuracy"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("f1", "f1"),
    ("f1_macro", "f1_macro"),
    ("mc_log_loss_seen_only", "log_loss"),
    ("auc_ovr_macro", "roc_auc"),
    ("rmse", "rmse"),
    ("mae", "mae"),
    ("medae", "median_absolute_error"),
    ("r2", "r2"),
];

/// Rates of groups by the names of the files, with ours.
const RATES: [(&str, &str); 3] = [
    ("selection_rate", "selection_rate"),
    ("tpr", "true_positive_rate"),
    ("fpr", "false_positive_rate"),
];

/// Gaps between groups by the names of the files, with ours.
const GAPS: [(&str, &str); 3] = [
    ("dp_difference", "demographic_parity_difference"),
    ("dp_ratio", "demographic_parity_ratio"),
    ("eo_difference", "equalized_odds_difference"),
];

/// What was compared: how many values, the worst distance, and what is missing on purpose.
#[derive(Default)]
struct Report {
    lines: BTreeMap<String, (u32, f64)>,
    missing: BTreeMap<String, u32>,
}

impl Report {
    #[track_caller]
    fn near(&mut self, name: &str, found: f64, wanted: f64, tolerance: f64) {
        let distance = (found - wanted).abs();
        assert!(distance <= tolerance, "{name}: {found}, wanted {wanted}");
        let line = self.lines.entry(name.to_owned()).or_default();
        *line = (line.0 + 1, line.1.max(distance));
    }

    /// A value that both sides have, or that both leave out.
    #[track_caller]
    fn check(&mut self, name: &str, found: &Value, wanted: &Value) {
        match (found.as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => self.near(name, found, wanted, 1e-9),
            (None, None) => self.near(&format!("{name}, undefined in both"), 0.0, 0.0, 0.0),
            // scikit-learn and fairlearn give 0 to a share of nothing.
            (None, Some(wanted)) if wanted.abs() <= 0.0 => {
                *self.missing.entry(format!("{name}: 0 there, undefined here")).or_default() += 1;
            }
            (found, wanted) => panic!("{name}: {found:?}, wanted {wanted:?}"),
        }
    }

    fn text(&self) -> String {
        let mut out = String::from("| statistic | values | worst distance |\n|---|---|---|\n");
        for (name, (count, worst)) in &self.lines {
            writeln!(out, "| {name} | {count} | {worst:.1e} |").unwrap();
        }
        for (name, count) in &self.missing {
            writeln!(out, "| {name} | {count} | on purpose |").unwrap();
        }
        out
    }
}

fn evaluate(predictions: &Path, task: &str, [score, against]: [&str; 2]) -> Value {
    let grouped: &[&str] = if task == "binary" { &["--group", "group"] } else { &[] };
    let file = predictions.to_str().unwrap();
    let arguments = ["evaluate", file, "--task", task, "--label", "y", "--score", score];
    let more = ["--against", against, "--confidence", "0.975", "--output", "json"];
    let sandbox = Sandbox::new();
    sandbox.run(arguments.iter().chain(&more).chain(grouped)).expect(0).json()
}

/// The columns of a parquet file as numbers.
fn columns(path: &Path, names: &[String]) -> Vec<Vec<f64>> {
    let files = named_files(&[path.to_str().unwrap().to_owned()]).unwrap();
    let table = Table::open(&files, None).unwrap();
    let request = ScanRequest { columns: names, id: None, time: None, batch_rows: 100_000 };
    let mut out = vec![Vec::new(); names.len()];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let done = table.scan(&request, |batch| {
        for (out, column) in out.iter_mut().zip(batch.frame(&names).unwrap().columns) {
            let Cells::Number(found) = column.cells else { panic!("wanted numbers") };
            out.extend_from_slice(&found.values);
        }
        Ok::<(), std::fmt::Error>(())
    });
    done.unwrap();
    out
}

fn comparison<'a>(found: &'a Value, metric: &str) -> &'a Value {
    let all = found["comparisons"].as_array().unwrap();
    all.iter().find(|found| found["metric"] == metric).unwrap()
}

fn metrics(report: &mut Report, found: &Value, wanted: &Value) {
    for (theirs, ours) in METRICS {
        if let Some(wanted) = wanted["metrics"].get(theirs) {
            let value = found["metrics"].get(ours).map_or(&Value::Null, |found| &found["value"]);
            report.check(theirs, value, wanted);
        }
    }
    let fairness = &wanted["fairness_group"];
    for (theirs, ours) in GAPS {
        if let Some(wanted) = fairness.get(theirs) {
            report.check(theirs, &found["disparity"][ours], wanted);
        }
    }
    for (value, wanted) in fairness["per_group"].as_object().into_iter().flatten() {
        let groups = found["groups"].as_array().unwrap();
        let is_it = |group: &&Value| group["value"].as_str().unwrap_or("null") == value;
        let group = groups.iter().find(is_it).unwrap();
        assert_eq!(group["rows"], wanted["n"], "{value}");
        for (theirs, ours) in RATES {
            let found = group.get(ours).map_or(&Value::Null, |rate| &rate["value"]);
            report.check(&format!("{theirs} of a group"), found, &wanted[theirs]);
        }
    }
}

/// The challenger against the champion; the files have the champion first.
fn paired(report: &mut Report, found: &Value, wanted: &Value) {
    let number = |name: &str| wanted[name].as_f64();
    if let Some(z) = number("delong_z") {
        let found = comparison(found, "roc_auc");
        assert_eq!(found["test"], "delong");
        let get = |name: &str| found[name].as_f64().unwrap();
        report.near("delong_z", -get("difference") / get("standard_error"), z, 1e-9);
        report.near("delong_p", get("p_value"), number("delong_p").unwrap(), 1e-9);
        report.near("delong_auc_a", get("baseline"), number("delong_auc_a").unwrap(), 1e-9);
        report.near("delong_auc_b", get("candidate"), number("delong_auc_b").unwrap(), 1e-9);
    }
    if let Some(p) = number("mcnemar_exact_p") {
        let found = comparison(found, "accuracy");
        report.near("mcnemar_exact_p", found["p_value"].as_f64().unwrap(), p, 1e-9);
    }
    let bounds = wanted["boot_rmse_diff_ci95"].as_array();
    for (bound, name) in bounds.into_iter().flatten().zip(["high", "low"]) {
        // Theirs is the larger error of the challenger, ours the gain; other draws, so near is enough.
        let found = -comparison(found, "rmse")[name].as_f64().unwrap();
        let wanted = bound.as_f64().unwrap();
        report.near("boot_rmse_diff_ci95 (other draws)", found, wanted, 0.03 * wanted.abs());
    }
}

/// What the command line does not show: each model's own variance, their covariance, and given draws.
fn areas(report: &mut Report, golden: &Path, test: &Value) {
    let names = ["y", "p_champion", "p_challenger"].map(str::to_owned);
    let found = columns(&golden.join(test["predictions"].as_str().unwrap()), &names);
    let truth: Vec<usize> = found[0].iter().map(|y| usize::from(*y > 0.5)).collect();
    let pulls: Vec<Vec<f64>> = found[1..]
        .iter()
        .map(|scores| {
            let ranking = Ranking::new(scores, |row| truth[row] == 1);
            let mut out = vec![0.0; truth.len()];
            ranking.add_influence(ranking.area().unwrap(), &mut out);
            out
        })
        .collect();
    let variance = |pulls: &[f64]| error_of_classes(&truth, pulls, 2).unwrap().powi(2);
    let [a, b] = [variance(&pulls[0]), variance(&pulls[1])];
    let apart: Vec<f64> = pulls[0].iter().zip(&pulls[1]).map(|(a, b)| a - b).collect();
    let paired = &test["paired"];
    let covariance = f64::midpoint(a, b) - variance(&apart) / 2.0;
    for (name, found) in [("delong_var_a", a), ("delong_var_b", b), ("delong_cov", covariance)] {
        report.near(name, found, paired[name].as_f64().unwrap(), 1e-9);
    }
    let Some(exact) = paired.get("boot_exact") else { return };
    let rows = usize::try_from(exact["n"].as_u64().unwrap()).unwrap();
    let names: Vec<String> = (0..rows).map(|row| format!("i{row}")).collect();
    let index = columns(&golden.join(exact["index_file"].as_str().unwrap()), &names);
    let rankings: Vec<Ranking> = found[1..]
        .iter()
        .map(|scores| Ranking::new(&scores[..rows], |row| truth[row] == 1))
        .collect();
    for (draw, wanted) in exact["draws"].as_array().unwrap().iter().enumerate() {
        let mut weights = vec![0_u8; rows];
        for column in &index {
            let row = (0..rows).find(|row| (column[draw] - *row as f64).abs() < 0.5).unwrap();
            weights[row] += 1;
        }
        let area = |ranking: &Ranking| ranking.area_of(&weights).unwrap();
        let found = area(&rankings[1]) - area(&rankings[0]);
        report.near("boot_exact draws", found, wanted.as_f64().unwrap(), 1e-9);
    }
}

#[test]
fn every_shared_number_is_found_again() {
    let Some(golden) = shared("golden") else { return };
    let mut report = Report::default();
    for name in ["elec2", "bank", "bikes", "wine"] {
        let text = std::fs::read_to_string(golden.join(format!("{name}.perf.json"))).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let task = file["task"].as_str().unwrap();
        let prefix = if task == "multiclass" { "" } else { "p_" };
        let [champion, challenger] = ["champion", "challenger"].map(|of| format!("{prefix}{of}"));
        for test in file["tests"].as_array().unwrap() {
            let predictions = golden.join(test["predictions"].as_str().unwrap());
            let found = evaluate(&predictions, task, [&challenger, &champion]);
            metrics(&mut report, &found, &test["models"]["challenger"]);
            paired(&mut report, &found, &test["paired"]);
            let found = evaluate(&predictions, task, [&champion, &challenger]);
            metrics(&mut report, &found, &test["models"]["champion"]);
            if task == "binary" {
                areas(&mut report, &golden, test);
                let wanted = test["paired"]["delong_ci95_a"].as_array().unwrap();
                for (wanted, name) in wanted.iter().zip(["low", "high"]) {
                    report.check("delong_ci95_a", &found["metrics"]["roc_auc"][name], wanted);
                }
            }
        }
    }
    #[expect(clippy::print_stdout, reason = "the table is for whoever asks with `--nocapture`")]
    {
        print!("{}", report.text());
    }
    assert!(report.lines.len() > 25, "{}", report.lines.len());
}
