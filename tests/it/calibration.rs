//! Weights and calibration from the job file to the scores: what counts, what is refused, what becomes better.
//!
//! On wines, on readings that repeat one another, which make the kind that is used too sure of itself, and on a
//! small table whose weights say more than its rows.

use std::fmt::Write as _;

use rand::{Rng as _, SeedableRng as _};

use crate::sandbox::Sandbox;

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

/// Held-out log loss and calibration error of `gaussian_nb` on `table`, by what `calibrate` is.
#[track_caller]
fn held_out(table: &str, keys: &str, calibrate: &str) -> (f64, f64) {
    let sandbox = Sandbox::new().data("table.csv", table).job(
        "sure",
        &format!(
            "name = \"sure\"\n[data]\nsource = \"data/table.csv\"\n{keys}\n\
             [model]\ntask = \"binary\"\nkind = \"gaussian_nb\"\ncalibrate = \"{calibrate}\"\n\
             [score]\noutput = \"scores/sure\"\n[gates]\nbeat_dummy = false\n"
        ),
    );
    sandbox.run(["train", "sure", "--tick", "2026-03-01"]).expect(0);
    let models = sandbox.run(["models", "sure", "--output", "json"]).expect(0).json();
    let metrics = &models["versions"][0]["metrics"];
    let value = |id: &str| metrics[id]["value"].as_f64().unwrap();
    (value("log_loss"), value("ece"))
}

/// Readings of four probes of one pump, a minute each, which tell hardly more than one of them.
fn readings() -> String {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(3);
    let first: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut out = String::from("at,a,b,c,d,failed\n");
    for minute in 0..6_000 {
        let at = first + jiff::SignedDuration::from_mins(minute);
        let heat: f64 = random.gen_range(-2.0..2.0);
        let probes = [(); 4].map(|()| heat + random.gen_range(-0.3..0.3));
        let failed = u8::from(random.gen_bool(1.0 / (1.0 + (-heat).exp())));
        let [a, b, c, d] = probes;
        writeln!(out, "{at},{a:.3},{b:.3},{c:.3},{d:.3},{failed}").unwrap();
    }
    out
}

#[test]
fn wines_are_good_as_often_as_is_said() {
    // Too few wines are held out to say more than that their log loss becomes smaller.
    let wines = include_str!("../../data/wine/red.csv");
    compare("wine", wines, "label = \"quality_good\"");
}

#[test]
fn pumps_fail_as_often_as_is_said() {
    let [error, calibrated @ ..] =
        compare("pump", &readings(), "time = \"at\"\nlabel = \"failed\"");
    for found in calibrated {
        assert!(found < error / 2.0, "{found} is not much less than {error}");
    }
}

/// The calibration error of `table` before and after each method, which make the log loss smaller.
#[track_caller]
fn compare(name: &str, table: &str, keys: &str) -> [f64; 3] {
    let (loss, error) = held_out(table, keys, "none");
    let calibrated = ["platt", "isotonic"].map(|method| {
        let (calibrated_loss, calibrated_error) = held_out(table, keys, method);
        let line = format!("{name}, {method}: {loss} {error} {calibrated_loss} {calibrated_error}");
        assert!(calibrated_loss < loss, "{line}");
        crate::suite::say(&line);
        calibrated_error
    });
    [error, calibrated[0], calibrated[1]]
}
