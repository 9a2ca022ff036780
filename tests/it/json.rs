//! `--output json` of every command, field by field against the contract.
//!
//! The shapes below say what scripts may rely on: fields may be added to a document, but none of these
//! may go or change its type. What the values mean is tested with the behaviour that makes them.

/// The document of `drift`.
mod drift;
/// The document of `evaluate`.
mod evaluate;
/// Every command that fails.
mod failure;
mod story;
/// The documents about the health of the project.
mod upkeep;

use serde_json::Value;

use self::upkeep::{DOCTOR, PRUNE, VERIFY};
use crate::sandbox::{Output, Sandbox};

/// What a value must be.
enum Shape {
    Text,
    /// RFC 3339 in UTC.
    Time,
    /// A whole number from 0.
    Whole,
    Number,
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Null, or that.
    Maybe(&'static Self),
    /// A list of those.
    Each(&'static Self),
    /// An object with at least these fields.
    Fields(&'static [(&'static str, Self)]),
    /// An object whose values are those, under names that differ.
    Named(&'static Self),
    /// An object, or anything else.
    Any,
}

use Shape::{Any, Each, Fields, Flag, Maybe, Named, Number, Text, Time, Whole, Word};

/// Every way in which `value` is not what `shape` says; `place` is where it stands.
fn differences(shape: &Shape, value: &Value, place: &str, out: &mut Vec<String>) {
    let fits = match shape {
        Text => value.is_string(),
        Time => value
            .as_str()
            .is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()),
        Whole => value.is_u64(),
        Number => value.is_number(),
        Flag => value.is_boolean(),
        Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Maybe(inner) => {
            if !value.is_null() {
                differences(inner, value, place, out);
            }
            true
        }
        Each(inner) => {
            for (number, value) in value.as_array().into_iter().flatten().enumerate() {
                differences(inner, value, &format!("{place}[{number}]"), out);
            }
            value.is_array()
        }
        Fields(fields) => {
            for (name, inner) in *fields {
                match value.get(name) {
                    Some(value) => differences(inner, value, &format!("{place}.{name}"), out),
                    None => out.push(format!("{place}.{name} is missing")),
                }
            }
            value.is_object()
        }
        Named(inner) => {
            for (name, value) in value.as_object().into_iter().flatten() {
                differences(inner, value, &format!("{place}.{name}"), out);
            }
            value.is_object()
        }
        Any => true,
    };
    if !fits {
        out.push(format!("{place} is {value}"));
    }
}

static RUN: Shape = Fields(&[
    ("schema", Word(&["nightshift.run/1"])),
    ("run", Text),
    ("job", Text),
    ("kind", Word(&["score", "train"])),
    ("trigger", Word(&["manual", "ci", "initial", "backfill", "drift", "age", "rollback"])),
    ("tick", Time),
    ("interval", Fields(&[("start", Maybe(&Time)), ("end", Time)])),
    ("state", Word(&["committed", "failed", "superseded"])),
    (
        "verdict",
        Maybe(&Word(&[
            "ok",
            "drift",
            "promoted",
            "held",
            "inconclusive",
            "rejected",
            "check_failed",
            "rolled_back",
        ])),
    ),
    ("revision", Whole),
    ("exit_code", Whole),
    ("nothing_to_do", Flag),
    ("rows", Fields(&[("read", Whole), ("scored", Whole), ("quarantined", Whole)])),
    (
        "outputs",
        Each(&Fields(&[("path", Text), ("rows", Whole), ("bytes", Whole), ("sha256", Text)])),
    ),
    ("inputs", Each(&Fields(&[("path", Text), ("bytes", Whole), ("sha256", Text)]))),
    ("model", Maybe(&Fields(&[("name", Text), ("version", Whole), ("sha256", Text)]))),
    (
        "findings",
        Each(&Fields(&[
            ("kind", Word(&["check", "drift", "gate", "watch", "trigger"])),
            ("id", Text),
            ("column", Maybe(&Text)),
            ("slice", Maybe(&Text)),
            ("metric", Maybe(&Text)),
            ("value", Maybe(&Number)),
            ("baseline", Maybe(&Number)),
            ("low", Maybe(&Number)),
            ("high", Maybe(&Number)),
            ("p_value", Maybe(&Number)),
            ("limit", Maybe(&Number)),
            ("verdict", Word(&["pass", "warn", "fail", "inconclusive", "not_applicable"])),
            ("message", Text),
        ])),
    ),
    ("decision", Maybe(&Fields(&[("action", Text), ("reason", Text)]))),
    ("stages", Each(&Fields(&[("name", Text), ("seconds", Number)]))),
    ("peak_rss_bytes", Maybe(&Whole)),
    ("progress", Maybe(&PROGRESS)),
    ("preceded_by", Each(&RUN)),
    ("followed_by", Each(&RUN)),
]);

const PROGRESS: Shape = Fields(&[
    ("stage", Text),
    ("rows_read", Whole),
    ("rows_of", Maybe(&Whole)),
    ("rows_scored", Whole),
    ("at", Time),
]);

const METRIC: Shape =
    Fields(&[("value", Number), ("low", Maybe(&Number)), ("high", Maybe(&Number))]);

const ALIASES: Shape = Fields(&[
    ("champion", Maybe(&Whole)),
    ("challenger", Maybe(&Whole)),
    ("previous", Maybe(&Whole)),
]);

static ERROR: Shape = Fields(&[
    ("schema", Word(&["nightshift.error/1"])),
    ("kind", Word(&["usage", "job", "data", "busy", "fsync", "damaged", "internal"])),
    ("exit_code", Whole),
    ("message", Text),
    ("causes", Each(&Text)),
    ("hints", Each(&Text)),
    ("run", Maybe(&Text)),
    ("problems", Each(&PROBLEM)),
]);

const PROBLEM: Shape = Fields(&[
    ("file", Text),
    ("line", Whole),
    ("column", Whole),
    ("code", Text),
    ("message", Text),
    ("help", Maybe(&Text)),
]);

static VALIDATE: Shape = Fields(&[
    ("schema", Word(&["nightshift.validate/1"])),
    ("jobs", Each(&Text)),
    ("problems", Each(&PROBLEM)),
]);

const FILE: Shape = Fields(&[("path", Text), ("format", Text), ("bytes", Whole)]);

static PLAN: Shape = Fields(&[
    ("schema", Word(&["nightshift.plan/1"])),
    ("job", Text),
    ("file", Text),
    ("tick", Time),
    ("interval", Fields(&[("start", Maybe(&Time)), ("end", Time)])),
    ("input", Text),
    ("files", Each(&FILE)),
    ("output", Text),
    ("model", Maybe(&Fields(&[("name", Text), ("version", Whole), ("sha256", Text)]))),
    ("train", Fields(&[("files", Each(&FILE)), ("obstacle", Maybe(&Text))])),
    ("settings", Each(&Fields(&[("key", Text), ("value", Text), ("is_default", Flag)]))),
    ("next_ticks", Each(&Time)),
]);

static BACKFILL: Shape = Fields(&[
    ("schema", Word(&["nightshift.backfill/1"])),
    ("job", Text),
    ("dry_run", Flag),
    ("exit_code", Whole),
    ("ticks", Each(&Fields(&[("tick", Time), ("run", Maybe(&RUN)), ("error", Maybe(&ERROR))]))),
]);

static STATUS: Shape = Fields(&[
    ("schema", Word(&["nightshift.status/1"])),
    ("daemon", Maybe(&Whole)),
    (
        "jobs",
        Each(&Fields(&[
            ("job", Text),
            ("last_run", Maybe(&Text)),
            ("verdict", Maybe(&Text)),
            ("champion", Maybe(&Whole)),
            ("next_tick", Maybe(&Time)),
            ("paused", Flag),
            ("progress", Maybe(&PROGRESS)),
        ])),
    ),
]);

const TICK: Shape = Fields(&[
    ("utc", Time),
    ("local", Text),
    ("zone", Text),
    ("gap_seconds", Maybe(&Whole)),
    ("note", Maybe(&Text)),
]);

static NEXT: Shape = Fields(&[
    ("schema", Word(&["nightshift.next/1"])),
    ("ticks", Each(&TICK)),
    ("lints", Each(&Text)),
    ("zone_data", Fields(&[("source", Text), ("version", Maybe(&Text))])),
]);

static RUNS: Shape = Fields(&[
    ("schema", Word(&["nightshift.runs/1"])),
    (
        "runs",
        Each(&Fields(&[
            ("run", Text),
            ("job", Text),
            ("kind", Text),
            ("trigger", Text),
            ("tick", Time),
            ("revision", Whole),
            ("state", Text),
            ("verdict", Maybe(&Text)),
            ("created_at", Time),
        ])),
    ),
]);

static LOGS: Shape = Fields(&[
    ("schema", Word(&["nightshift.logs/1"])),
    ("run", Text),
    (
        "lines",
        Each(&Fields(&[
            ("at", Time),
            ("level", Word(&["ERROR", "WARN", "INFO", "DEBUG"])),
            ("message", Text),
            ("fields", Named(&Any)),
        ])),
    ),
]);

static MODELS: Shape = Fields(&[
    ("schema", Word(&["nightshift.models/1"])),
    ("model", Text),
    ("aliases", ALIASES),
    (
        "versions",
        Each(&Fields(&[
            ("version", Whole),
            ("kind", Text),
            ("sha256", Text),
            ("created_at", Time),
            ("run", Maybe(&Text)),
            ("rows", Whole),
            ("metrics", Named(&METRIC)),
            ("blessing", Word(&["passed", "rubber_stamped", "overridden", "none"])),
        ])),
    ),
]);

const PAIR_OF_TEXTS: Shape =
    Fields(&[("name", Text), ("before", Maybe(&Text)), ("after", Maybe(&Text))]);
const PAIR_OF_NUMBERS: Shape =
    Fields(&[("name", Text), ("before", Maybe(&Number)), ("after", Maybe(&Number))]);
const PAIR_OF_METRICS: Shape =
    Fields(&[("name", Text), ("before", Maybe(&METRIC)), ("after", Maybe(&METRIC))]);

static DIFF: Shape = Fields(&[
    ("schema", Word(&["nightshift.diff/1"])),
    ("model", Text),
    ("before", Whole),
    ("after", Whole),
    ("metrics", Each(&PAIR_OF_METRICS)),
    ("facts", Each(&PAIR_OF_TEXTS)),
    ("features", Fields(&[("added", Each(&Text)), ("removed", Each(&Text))])),
    ("table", Each(&Text)),
    ("coefficients", Each(&PAIR_OF_NUMBERS)),
]);

static HISTORY: Shape = Fields(&[
    ("schema", Word(&["nightshift.history/1"])),
    (
        "moves",
        Each(&Fields(&[
            ("at", Time),
            ("alias", Word(&["champion", "challenger", "previous"])),
            ("from", Maybe(&Whole)),
            ("to", Maybe(&Whole)),
            ("action", Word(&["promote", "rollback", "import"])),
            ("actor", Text),
            ("reason", Text),
            ("run", Maybe(&Text)),
        ])),
    ),
]);

static CHAMPION_THEN: Shape = Fields(&[("at", Time), ("champion", Maybe(&Whole))]);

static MOVED: Shape = Fields(&[
    ("schema", Word(&["nightshift.aliases/1"])),
    ("model", Text),
    ("action", Word(&["promote", "rollback"])),
    ("reason", Text),
    ("before", ALIASES),
    ("after", ALIASES),
    ("corrections", Each(&RUN)),
]);

static IMPORT: Shape = Fields(&[
    ("schema", Word(&["nightshift.import/1"])),
    ("model", Text),
    ("version", Whole),
    ("before", ALIASES),
    ("after", ALIASES),
]);

const EXPLAINED: [&str; 7] =
    ["check", "model_kind", "metric", "comparison", "drift_test", "problem_code", "cron"];

static EXPLAIN: Shape = Fields(&[
    ("schema", Word(&["nightshift.explain/1"])),
    ("thing", Text),
    ("kind", Word(&EXPLAINED)),
    ("text", Text),
    ("ticks", Each(&TICK)),
    ("lints", Each(&Text)),
]);

static EXPLAIN_SCORE: Shape = Fields(&[
    ("schema", Word(&["nightshift.explain_score/1"])),
    ("job", Text),
    ("id", Text),
    ("tick", Time),
    ("run", Text),
    ("version", Whole),
    ("method", Text),
    ("file", Text),
    ("row", Whole),
    ("scale", Word(&["prediction", "log_odds", "log_shares"])),
    (
        "outputs",
        Each(&Fields(&[
            ("class", Maybe(&Text)),
            ("base", Number),
            ("sum", Number),
            ("prediction", Number),
            ("score", Number),
        ])),
    ),
    ("features", Each(&Fields(&[("feature", Text), ("value", Any), ("adds", Each(&Number))]))),
    ("published", Maybe(&Each(&Number))),
    ("reproduced", Maybe(&Flag)),
]);

static INIT: Shape = Fields(&[
    ("schema", Word(&["nightshift.init/1"])),
    ("project", Text),
    ("files", Each(&Text)),
    ("next", Text),
    (
        "chapters",
        Each(&Fields(&[("title", Text), ("commands", Each(&Text)), ("lines", Each(&Text))])),
    ),
]);

static GENERATE: Shape = Fields(&[
    ("schema", Word(&["nightshift.generate/1"])),
    ("asset", Word(&["schema", "completions", "systemd", "man"])),
    ("text", Text),
]);

/// Runs a command and holds its document against `shape`.
#[track_caller]
fn check(sandbox: &Sandbox, line: &str, code: i32, shape: &Shape) -> Value {
    let arguments = line.split(' ').chain(["--output", "json"]);
    let output: Output = sandbox.run(arguments).expect(code);
    let document = output.json();
    let mut out = Vec::new();
    differences(shape, &document, line, &mut out);
    assert!(out.is_empty(), "{out:#?}\n{document:#}");
    document
}

/// A project made by `init`, with one version trained and one tick scored.
fn project() -> Sandbox {
    let folder = Sandbox::new();
    std::fs::remove_file(folder.root().join("nightshift.toml")).unwrap();
    check(&folder, "init", 0, &INIT);
    folder
}

#[test]
fn every_document_is_as_the_contract_says() {
    let sandbox = project();
    check(&sandbox, "validate", 0, &VALIDATE);
    check(&sandbox, "status", 0, &STATUS);
    check(&sandbox, "runs", 0, &RUNS);
    check(&sandbox, "models churn", 0, &MODELS);
    check(&sandbox, "history churn", 0, &HISTORY);
    check(&sandbox, "verify", 0, &VERIFY);
    check(&sandbox, "prune", 0, &PRUNE);
    check(&sandbox, "plan churn", 0, &PLAN);

    let ran = check(&sandbox, "run churn", 0, &RUN);
    assert_eq!(ran["preceded_by"][0]["trigger"], "initial");
    let run = ran["run"].as_str().unwrap();
    let again = check(&sandbox, "run churn --detailed-exit-code", 4, &RUN);
    assert_eq!((&again["run"], &again["nothing_to_do"]), (&ran["run"], &true.into()));
    let corrected = check(&sandbox, "score churn --force", 0, &RUN);
    assert_eq!(corrected["revision"], 1);
    check(&sandbox, "train churn --trigger ci --no-promote", 0, &RUN);
    check(&sandbox, &format!("show {run}"), 0, &RUN);
    check(&sandbox, &format!("explain {run}"), 0, &RUN);
    check(&sandbox, "explain score churn C00001", 0, &EXPLAIN_SCORE);
    let logs = check(&sandbox, &format!("logs {run}"), 0, &LOGS);
    assert_ne!(logs["lines"], serde_json::json!([]));

    let range = "--from 2026-01-02 --to 2026-01-05T03:00:00Z";
    let planned = check(&sandbox, &format!("backfill churn {range} --dry-run"), 0, &BACKFILL);
    let done = check(&sandbox, &format!("backfill churn {range}"), 0, &BACKFILL);
    let ticks = |document: &Value| -> Vec<Value> {
        document["ticks"].as_array().unwrap().iter().map(|tick| tick["tick"].clone()).collect()
    };
    assert_eq!((ticks(&planned), ticks(&done).len()), (ticks(&done), 3));
    check(&sandbox, &format!("backfill churn {range} --detailed-exit-code"), 4, &BACKFILL);
    let runs = check(&sandbox, "runs churn", 0, &RUNS);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(7));
    assert_eq!(check(&sandbox, "status", 0, &STATUS)["jobs"][0]["champion"], 1);
    assert_eq!(check(&sandbox, "next churn -n 3", 0, &NEXT)["ticks"][2]["job"], "churn");
    check(&sandbox, "verify --data", 0, &VERIFY);
    check(&sandbox, "prune --dry-run", 0, &PRUNE);
    check(&sandbox, "doctor", 0, &DOCTOR);
}

#[test]
fn every_document_of_the_registry_is_as_the_contract_says() {
    let sandbox = project();
    check(&sandbox, "train churn", 0, &RUN);
    let text = std::fs::read_to_string(sandbox.root().join("jobs/churn.toml")).unwrap();
    let less = "[features]\nexclude = [\"contract\", \"support_calls\"]\n[model]";
    sandbox.write("jobs/churn.toml", text.replace("[model]", less));
    check(&sandbox, "train churn --no-promote", 11, &RUN);
    sandbox.write("jobs/churn.toml", text);
    let models = check(&sandbox, "models churn", 0, &MODELS);
    assert_eq!(models["aliases"]["champion"], 1);
    check(&sandbox, "diff churn v1 v2", 0, &DIFF);
    let moved = check(&sandbox, "promote churn 2 --reason better --yes", 0, &MOVED);
    assert_eq!((&moved["before"]["champion"], &moved["after"]["champion"]), (&1.into(), &2.into()));
    check(&sandbox, "score churn", 13, &RUN);
    let history = check(&sandbox, "history churn", 0, &HISTORY);
    assert_eq!(history["moves"].as_array().unwrap().last().unwrap()["action"], "rollback");
    check(&sandbox, "promote churn 2 --reason again --yes", 0, &MOVED);
    let moved = check(&sandbox, "rollback churn --reason worse --yes", 0, &MOVED);
    assert_eq!(moved["after"]["champion"], 1);
    let history = check(&sandbox, "history churn", 0, &HISTORY);
    assert!(history.get("champion").is_none(), "{history:#}");
    let then = check(&sandbox, "history churn --at 2026-01-04", 0, &CHAMPION_THEN);
    assert!(then["champion"].is_null());
    let later = check(&sandbox, "history churn --at 2027-01-01", 0, &CHAMPION_THEN);
    assert_eq!(later["champion"], 1);
    let sha256 = models["versions"][0]["sha256"].as_str().unwrap();
    let artifact = format!("state/models/{}/{sha256}.nsm", &sha256[..2]);
    let other = project().copy(&sandbox.root().join(artifact), "model.nsm");
    let imported = check(&other, "import churn model.nsm --reason elsewhere", 0, &IMPORT);
    assert_eq!((&imported["version"], &imported["after"]["champion"]), (&1.into(), &1.into()));
}

#[test]
fn every_document_without_a_project_is_as_the_contract_says() {
    let sandbox = Sandbox::new();
    for (thing, kind) in [
        ("not_null", "check"),
        ("logistic", "model_kind"),
        ("roc_auc", "metric"),
        ("delong", "comparison"),
        ("psi", "drift_test"),
        ("unknown_key", "problem_code"),
        ("@daily", "cron"),
    ] {
        let found = check(&sandbox, &format!("explain {thing}"), 0, &EXPLAIN);
        assert_eq!(found["kind"], kind, "{thing}");
    }
    for asset in ["schema", "completions bash", "systemd", "man", "man run"] {
        check(&sandbox, &format!("generate {asset}"), 0, &GENERATE);
    }
    check(&sandbox, "next", 0, &NEXT);
    check(&sandbox, "status", 0, &STATUS);
}

#[test]
fn a_broken_job_file_is_told_with_its_problems() {
    let sandbox = Sandbox::new().job("wine", "name = \"wine\"\nlable = 1\n");
    let found = check(&sandbox, "validate", 3, &VALIDATE);
    assert!(found["problems"].as_array().unwrap().len() > 1, "{found:#}");
    let failed = check(&sandbox, "run wine", 3, &ERROR);
    assert_eq!(failed["kind"], "job");
    assert_eq!(failed["problems"], found["problems"]);
}

#[test]
fn a_shape_refuses_what_it_does_not_say() {
    let check = |shape: &Shape, value: Value| {
        let mut out = Vec::new();
        differences(shape, &value, "", &mut out);
        out.len()
    };
    assert_eq!(check(&Time, "2026-01-05T02:30:00Z".into()), 0);
    assert_eq!(check(&Time, "2026-01-05T02:30:00+01:00".into()), 1);
    assert_eq!(check(&Whole, (-1).into()), 1);
    assert_eq!(check(&Each(&Text), serde_json::json!(["a", 1])), 1);
    assert_eq!(check(&Fields(&[("a", Text), ("b", Flag)]), serde_json::json!({"a": 1})), 2);
    assert_eq!(check(&Maybe(&Text), Value::Null), 0);
    assert_eq!(check(&Named(&Number), serde_json::json!({"a": "x"})), 1);
}
