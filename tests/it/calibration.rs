//! Weights and calibration from the job file to the scores: what counts, what is refused, what becomes better.
//!
//! On real data with the kind that is known to be too sure of itself, and on a small table whose weights say
//! more than its rows.

use std::fmt::Write as _;

use crate::sandbox::{Sandbox, shared};

/// A job on `data/visits.csv` with `data` and `model` keys.
fn job(data: &str, model: &str) -> String {
    format!(
        "name = \"visits\"\n[data]\nsource = \"data/visits.csv\"\nid = \"id\"\nlabel = \"bought\"\n{data}\n\
         [model]\ntask = \"binary\"\n{model}\n\
         [score]\ninput = \"data/tonight.csv\"\noutput = \"scores/visits\"\n[gates]\nbeat_dummy = false\n"
    )
}

/// 1,200 visits by pages seen; the weight of row `row` is `weight(row, bought)`.
fn visits(weight: impl Fn(u32, bool) -> String) -> String {
    let mut out = String::from("id,pages,weight,bought\n");
    for row in 0..1_200u32 {
        let pages = row * 7 % 20;
        let bought = row * 13 % 29 < pages;
        let weight = weight(row, bought);
        writeln!(out, "{row},{pages}.5,{weight},{}", u8::from(bought)).unwrap();
    }
    out
}

/// The table of a night: no label and no weight.
fn tonight() -> String {
    let mut out = String::from("id,pages\n");
    for row in 0..40 {
        writeln!(out, "{},{}.5", 5_000 + row, row % 20).unwrap();
    }
    out
}

#[test]
fn weights_and_calibration_are_trained_with_and_scored_without() {
    let weight = |row: u32, bought: bool| match row % 50 {
        0 => "0".to_owned(),
        _ if bought => "3.5".to_owned(),
        _ => "1".to_owned(),
    };
    let model =
        "kind = \"gaussian_nb\"\nparams = { class_weight = \"balanced\" }\ncalibrate = \"platt\"";
    let sandbox = Sandbox::new()
        .job("visits", &job("weight = \"weight\"", model))
        .data("visits.csv", visits(weight))
        .data("tonight.csv", tonight());
    sandbox.run(["validate"]).expect(0);
    let plan = sandbox.run(["plan", "visits"]).expect(0);
    for line in ["data.weight", "model.calibrate", "model.params.class_weight"] {
        assert!(plan.stdout.contains(line), "{}", plan.stdout);
    }
    sandbox.run(["train", "visits"]).expect(0);
    let run = sandbox.run(["run", "visits", "--output", "json"]).expect(0).json();
    assert_eq!(run["rows"]["scored"], 40, "{run:#}");
    let told = run["findings"].to_string();
    assert!(!told.contains("`weight`"), "{told}");
    let models = sandbox.run(["models", "visits", "--output", "json"]).expect(0).json();
    let version = &models["versions"][0];
    assert_eq!(
        (version["kind"].as_str(), version["calibration"].as_str()),
        (Some("gaussian_nb"), Some("platt"))
    );
    let text = sandbox.run(["models", "visits"]).expect(0).stdout;
    assert!(text.contains("gaussian_nb+platt"), "{text}");
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn weights_that_cannot_be_used_are_refused_with_what_to_do() {
    let refused = |weight: &str, wanted: &str| {
        let weight = |row: u32, _| if row == 7 { weight.to_owned() } else { "1".to_owned() };
        let sandbox = Sandbox::new()
            .job("visits", &job("weight = \"weight\"", ""))
            .data("visits.csv", visits(weight));
        let output = sandbox.run(["train", "visits"]);
        assert_ne!(output.status(), 0, "{wanted}");
        let told = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(wanted), "wanted {wanted}, found {told}");
    };
    refused(
        "",
        "column `weight` (data.weight): 1 of 1200 labelled rows have a weight that is null",
    );
    refused("-2", "1 of 1200 labelled rows have a weight that is negative (the first is row 7");
    refused("many", "the weight `weight` is text, wanted numbers");
    let zero = Sandbox::new()
        .job("visits", &job("weight = \"weight\"", ""))
        .data("visits.csv", visits(|_, _| "0".to_owned()));
    let told = zero.run(["train", "visits"]).stderr;
    assert!(told.contains("have the weight 0"), "{told}");
    let absent = Sandbox::new()
        .job("visits", &job("weight = \"importance\"", ""))
        .data("visits.csv", visits(|_, _| "1".to_owned()));
    let told = absent.run(["train", "visits"]).stderr;
    assert!(told.contains("the weight `importance` is not a column"), "{told}");
}

/// Held-out log loss and calibration error of `gaussian_nb` on `data`, by what `calibrate` is.
#[track_caller]
fn held_out((data, excluded): (&str, &str), calibrate: &str) -> Option<(f64, f64)> {
    let folder = shared("data")?.canonicalize().unwrap().display().to_string();
    let sandbox = Sandbox::new()
        .file("nightshift.toml", format!("data_roots = [{folder:?}]\n"))
        .job(
            "real",
            &format!(
                "name = \"real\"\n[data]\n{}\nlabel = \"label\"\n[features]\nexclude = [{excluded}]\n\
                 [model]\ntask = \"binary\"\nkind = \"gaussian_nb\"\ncalibrate = \"{calibrate}\"\n\
                 [score]\noutput = \"scores/real\"\n[gates]\nbeat_dummy = false\n",
                data.replace("$DATA", &folder)
            ),
        );
    sandbox.run(["train", "real", "--tick", "1999-01-01T00:00:00Z"]).expect(0);
    let models = sandbox.run(["models", "real", "--output", "json"]).expect(0).json();
    let metrics = &models["versions"][0]["metrics"];
    let value = |id: &str| metrics[id]["value"].as_f64().unwrap_or(f64::NAN);
    Some((value("log_loss"), value("ece")))
}

#[test]
fn calls_of_a_bank_come_true_as_often_as_is_said() {
    let bank = "source = \"$DATA/bank/*.parquet\"\nid = \"row\"";
    compare("bank", (bank, "\"duration\", \"ym\""));
}

#[test]
fn electricity_prices_rise_as_often_as_is_said() {
    let elec2 = "source = \"$DATA/elec2/*.parquet\"\ntime = \"ts\"";
    compare("elec2", (elec2, "\"date_src\""));
}

#[track_caller]
fn compare(name: &str, data: (&str, &str)) {
    let Some((loss, error)) = held_out(data, "none") else { return };
    for method in ["platt", "isotonic"] {
        let (calibrated_loss, calibrated_error) = held_out(data, method).unwrap();
        let line = format!("{name}, {method}: {loss} {error} {calibrated_loss} {calibrated_error}");
        assert!(calibrated_loss < loss && calibrated_error < error, "{line}");
        crate::suite::say(&line);
    }
}
