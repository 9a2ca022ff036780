//! A bad version is published, watched, rolled back, and what it published is corrected: on calls of a bank
//! whose features move, by a night's own watch and by a person.
//!
//! The proof that nothing of a bad version stays is a second world in which it was never promoted: both
//! must end with the same bytes. The bad versions are fitted by variants of the job file, on two features
//! or on shuffled labels, and promoted by hand.

/// What `[watch]` says, one key at a time.
mod policy;
/// What counts against a watched version and what does not.
mod reasons;
/// A version that was fitted on shuffled labels.
mod shuffled;

use std::path::PathBuf;

use serde_json::Value;

use crate::calls::months;
use crate::published::{manifest, path_of};
use crate::sandbox::{Output, Sandbox, redact};
use crate::tables::parquet;

const TRAINED: &str = "2008-09-01T00:00:00Z";
/// Three ticks of 280, 2,450 and 3,100 rows.
const RANGE: [&str; 4] = ["--from", "2009-04-01", "--to", "2009-06-01"];
const TICKS: [&str; 3] = ["2009-04-01T000000Z", "2009-05-01T000000Z", "2009-06-01T000000Z"];

const FEATURES: &str = r#"exclude = ["duration", "model_version"]"#;
const TWO_FEATURES: &str = "numeric = [\"campaign\"]\ncategorical = [\"contact\"]";

/// A job file that reads the tables of `folder`, looks at `features`, and ends with `more`.
fn job(folder: &str, features: &str, more: &str) -> String {
    format!(
        r#"
        name = "bank"
        [schedule]
        cron = "0 0 1 * *"
        [data]
        source = "{folder}/bank_{{interval_start:%Y-%m}}.parquet"
        id = "row"
        label = "label"
        [features]
        {features}
        [model]
        task = "binary"
        [score]
        output = "scores/bank"
        threshold = 0.1
        {more}
        "#
    )
}

/// A project with a good v1, which is champion, and a v2 of two features that is only registered.
fn two_versions(more: &str) -> Sandbox {
    let sandbox = Sandbox::new().job("bank", &job("data", FEATURES, more));
    for (month, calls) in months() {
        sandbox.write(format!("data/bank_{month}.parquet"), parquet(&calls, "row"));
    }
    sandbox.run(["train", "bank", "--tick", TRAINED]).expect(0);
    sandbox.write("jobs/bank.toml", job("data", TWO_FEATURES, more));
    sandbox.run(["train", "bank", "--tick", "2008-09-01T00:00:01Z", "--no-promote"]).expect(11);
    sandbox.write("jobs/bank.toml", job("data", FEATURES, more));
    sandbox
}

fn promote(sandbox: &Sandbox, version: &str) {
    sandbox.run(["promote", "bank", version, "--reason", "it looked good", "--yes"]).expect(0);
}

/// What a command says as JSON, which ends with `code`.
#[track_caller]
fn json(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    let output: Output = sandbox.run(arguments.iter().chain(&["--output", "json"]));
    output.expect(code).json()
}

/// The runs of a backfill of the three ticks, oldest first.
#[track_caller]
fn backfill(sandbox: &Sandbox, code: i32) -> Vec<Value> {
    let arguments: Vec<&str> = ["backfill", "bank"].into_iter().chain(RANGE).collect();
    let done = json(sandbox, &arguments, code);
    done["ticks"].as_array().unwrap().iter().map(|tick| tick["run"].clone()).collect()
}

fn champion(sandbox: &Sandbox) -> Value {
    json(sandbox, &["models", "bank"], 0)["aliases"]["champion"].clone()
}

/// The findings of a run of one kind.
fn findings<'a>(run: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = run["findings"].as_array().unwrap();
    all.iter().filter(|finding| finding["kind"] == kind).collect()
}

/// The output of the job and the manifest of a tick.
fn published(sandbox: &Sandbox, tick: &str) -> (PathBuf, Value) {
    let output = sandbox.root().join("scores/bank");
    let manifest = manifest(&output, &format!("tick={tick}")).unwrap();
    (output, manifest)
}

/// The file of a role that a manifest names, with its entry.
fn file_of<'a>(manifest: &'a Value, role: &str) -> Option<&'a Value> {
    manifest["outputs"].as_array().unwrap().iter().find(|output| output["role"] == role)
}

/// The bytes of the scores of a tick.
fn scores(sandbox: &Sandbox, tick: &str) -> Vec<u8> {
    let (output, manifest) = published(sandbox, tick);
    std::fs::read(path_of(&output, file_of(&manifest, "part").unwrap())).unwrap()
}

/// The manifest of a tick without what two worlds may differ in: project, run, revision, list of
/// changes.
fn manifest_of_any_world(sandbox: &Sandbox, tick: &str) -> Value {
    let (_, mut manifest) = published(sandbox, tick);
    manifest["revision"] = Value::Null;
    manifest["project"] = Value::Null;
    manifest["outputs"].as_array_mut().unwrap().retain(|output| output["role"] != "changes");
    // Digests must agree, so they are kept out of the redaction; run ids are all that is left.
    let digests: Vec<String> = manifest["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["sha256"].as_str().unwrap().to_owned())
        .collect();
    let model = manifest["model"].to_string();
    let text = redact(&manifest.to_string(), sandbox.root());
    serde_json::json!([text, digests, model])
}

#[test]
fn a_bad_version_is_rolled_back_and_nothing_of_it_stays() {
    let borne = "[watch]\nfailures_max = 1";
    let world = two_versions(borne);
    promote(&world, "2");
    let runs = backfill(&world, 13);
    check_first_night(&runs[0]);
    check_rollback(&world, &runs[1], &runs[0]);
    check_normal_night(&runs[2]);
    check_history(&world, &runs[1]);
    let verified = json(&world, &["verify", "--data"], 0);
    assert_eq!(verified["broken"], 0, "{verified:#}");

    let other = two_versions(borne);
    assert_eq!(backfill(&other, 10).len(), 3);
    assert_eq!(champion(&other), 1);
    for tick in TICKS {
        assert!(scores(&world, tick) == scores(&other, tick), "the scores of {tick} differ");
        let (found, wanted) =
            (manifest_of_any_world(&world, tick), manifest_of_any_world(&other, tick));
        assert_eq!(found, wanted, "{tick}");
    }
}

/// The first night was published with v2, and its failure was borne.
fn check_first_night(run: &Value) {
    let watched: Vec<(&Value, &Value)> =
        findings(run, "watch").iter().map(|found| (&found["metric"], &found["verdict"])).collect();
    let fail = &Value::from("fail");
    assert!(watched.contains(&(&"score_distance".into(), fail)), "{watched:?}");
    assert_eq!(run["decision"]["action"], "publish", "{run:#}");
    assert_eq!(run["model"]["version"], 2);
}

/// The second night was published with v1's scores, and v1 is champion again.
fn check_rollback(sandbox: &Sandbox, run: &Value, first: &Value) {
    assert_eq!((&run["verdict"], &run["exit_code"]), (&"rolled_back".into(), &13.into()));
    assert_eq!(run["decision"]["action"], "roll_back");
    let reason = run["decision"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("v2 failed 2 of 2 watched runs: "), "{reason}");
    assert_eq!(champion(sandbox), 1);
    let (_, manifest) = published(sandbox, TICKS[1]);
    assert_eq!((&manifest["model"]["version"], &manifest["run"]), (&1.into(), &run["run"]));
    assert_eq!(manifest["revision"], 0);

    let followed = run["followed_by"].as_array().unwrap();
    assert_eq!(followed.len(), 1, "{followed:#?}");
    let correction = &followed[0];
    assert_eq!(correction["tick"], first["tick"]);
    assert_eq!(correction["trigger"], "rollback");
    assert_eq!((&correction["revision"], &correction["state"]), (&1.into(), &"committed".into()));
    assert_eq!(correction["model"]["version"], 1);
    check_changes(sandbox, correction);
    let superseded = json(sandbox, &["show", first["run"].as_str().unwrap()], 0);
    assert_eq!(superseded["state"], "superseded");
}

/// The correction says how many decisions it changed, and lists just as many.
fn check_changes(sandbox: &Sandbox, correction: &Value) {
    let told: Vec<&Value> = findings(correction, "watch");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["id"], &told[0]["verdict"]), (&"correction".into(), &"pass".into()));
    let (output, manifest) = published(sandbox, TICKS[0]);
    assert_eq!(manifest["run"], correction["run"]);
    let changes = file_of(&manifest, "changes").unwrap();
    let run = correction["run"].as_str().unwrap();
    assert_eq!(changes["path"], format!("tick={}/changes-{run}.parquet", TICKS[0]));
    assert!(path_of(&output, changes).is_file());
    let (rows, value) = (changes["rows"].as_f64(), told[0]["value"].as_f64());
    assert_eq!(rows, value);
    assert!(rows.unwrap() > 0.0, "{manifest:#}");
}

/// The third night knows of no watch and causes nothing.
fn check_normal_night(run: &Value) {
    assert_eq!((&run["verdict"], &run["model"]["version"]), (&"drift".into(), &1.into()));
    assert_eq!((findings(run, "watch").len(), &run["revision"]), (0, &0.into()));
    assert_eq!(run["followed_by"], serde_json::json!([]));
}

/// The history says who moved the champion back and why.
fn check_history(sandbox: &Sandbox, run: &Value) {
    let history = json(sandbox, &["history", "bank"], 0);
    let moves = history["moves"].as_array().unwrap();
    let back: Vec<&Value> = moves.iter().filter(|step| step["action"] == "rollback").collect();
    let champion = back.iter().find(|step| step["alias"] == "champion").unwrap();
    assert_eq!((&champion["from"], &champion["to"]), (&2.into(), &1.into()));
    assert_eq!((&champion["actor"], &champion["run"]), (&"backfill".into(), &run["run"]));
    assert_eq!(champion["reason"], run["decision"]["reason"]);
    let previous = back.iter().find(|step| step["alias"] == "previous").unwrap();
    assert_eq!((&previous["from"], &previous["to"]), (&1.into(), &Value::Null));
}
