//! Models that learn on: a nightly training of the kind `ftrl` goes on from the champion.
//!
//! What comes of two trainings is what comes of one on all the rows, to the last bit, and what cannot be gone on
//! from is told.

use std::fmt::Write as _;

use serde_json::Value;

use crate::sandbox::Sandbox;

const FIRST: &str = "2026-01-21";
const SECOND: &str = "2026-02-10";

/// Forty days of forty rows each from 2026-01-01 on, in no order.
fn readings() -> String {
    let mut out = String::from("id,ts,load,heat,tripped\n");
    for number in 0..1_600u32 {
        let row = number * 613 % 1_600;
        let (day, minute) = (row / 40, row % 40);
        let (month, day) = if day < 31 { (1, day + 1) } else { (2, day - 30) };
        let (load, heat) = (row * 37 % 101, row * 53 % 89);
        let tripped = u32::from(load + row * 7 % 31 > 60);
        writeln!(
            out,
            "r{row},2026-{month:02}-{day:02}T10:{minute:02}:00Z,{load}.5,{heat}.25,{tripped}"
        )
        .unwrap();
    }
    out
}

fn job(params: &str) -> String {
    format!(
        "name = \"pump\"\n[data]\nsource = \"data/readings.csv\"\nid = \"id\"\ntime = \"ts\"\nlabel = \"tripped\"\n\
         [features]\nscale = \"none\"\n[model]\ntask = \"binary\"\nkind = \"ftrl\"\nparams = {{ {params} }}\n\
         [score]\ninput = \"data/readings.csv\"\noutput = \"scores/pump\"\n[schedule]\ncron = \"0 0 * * *\"\n\
         [drift]\nthen = \"report\"\n[watch]\nticks = 0\n"
    )
}

fn sandbox(params: &str) -> Sandbox {
    Sandbox::new().job("pump", &job(params)).data("readings.csv", readings())
}

/// Trains for `tick`, and returns what the run says of where it began.
#[track_caller]
fn train(sandbox: &Sandbox, tick: &str) -> String {
    let arguments = ["train", "pump", "--tick", tick, "--output", "json"];
    let run = sandbox.run(arguments).expect(0).json();
    let findings = run["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["id"] == "incremental");
    told.map_or_else(String::new, |told| told["message"].as_str().unwrap().to_owned())
}

/// What the champion says of a row.
#[track_caller]
fn explained(sandbox: &Sandbox) -> Value {
    sandbox.run(["score", "pump", "--tick", SECOND]).expect(0);
    let arguments = ["explain", "score", "pump", "r7", "--output", "json"];
    sandbox.run(arguments).expect(0).json()
}

#[test]
fn two_trainings_are_one_on_all_rows() {
    let params = "alpha = 0.05, l1 = 0.01, l2 = 0.02";
    let (twice, once) = (sandbox(params), sandbox(params));
    assert_eq!(train(&twice, FIRST), "");
    let told = train(&twice, SECOND);
    assert!(
        told.starts_with("goes on from v1, which has learned 640 rows, with 640 newer"),
        "{told}"
    );
    let models = twice.run(["models", "pump", "--output", "json"]).expect(0).json();
    let rows: Vec<&Value> =
        models["versions"].as_array().unwrap().iter().map(|version| &version["rows"]).collect();
    assert!(rows.contains(&&1_280.into()), "{models:#}");
    assert_eq!(train(&once, SECOND), "");
    let (twice, once) = (explained(&twice), explained(&once));
    assert_eq!((&twice["version"], &once["version"]), (&2.into(), &1.into()));
    assert_eq!(twice["outputs"], once["outputs"]);
    assert_eq!(twice["features"], once["features"]);
}

#[test]
fn nothing_new_teaches_nothing() {
    let sandbox = sandbox("");
    train(&sandbox, SECOND);
    let before = explained(&sandbox);
    // No row was added meanwhile.
    let told = train(&sandbox, "2026-02-11");
    assert!(told.contains("with 0 newer ones"), "{told}");
    sandbox.run(["score", "pump", "--tick", SECOND, "--force"]).expect(0);
    let after = sandbox.run(["explain", "score", "pump", "r7", "--output", "json"]);
    assert_eq!(after.expect(0).json()["outputs"], before["outputs"]);
}

#[test]
fn what_cannot_be_gone_on_from_is_told() {
    let edited = |from: &str, to: &str| {
        let (sandbox, text) = (sandbox(""), job(""));
        train(&sandbox, FIRST);
        assert!(text.contains(from), "{from}");
        sandbox.write("jobs/pump.toml", text.replace(from, to));
        train(&sandbox, SECOND)
    };
    let told = edited("params = {  }", "params = { alpha = 0.2 }");
    assert!(told.starts_with("begins anew and not from v1: its parameters"), "{told}");
    let told = edited("[features]", "[features]\nexclude = [\"heat\"]");
    assert!(told.contains("its features are others"), "{told}");
    let told = edited("[schedule]", "[train]\nsplit = { by = \"random\", test = 0.2 }\n[schedule]");
    assert!(told.contains("the split is not by time"), "{told}");
}
