//! What becomes of a candidate: promoted, held, rejected, by the gates and policies of its job.
//!
//! One candidate is looked at again and again, which drift has trained and which is as good as the
//! champion; only the job file differs.

use std::fmt::Write as _;

use serde_json::Value;

use super::{caused, champion, job, json, night, told, world};
use crate::customers::Like::{self, Moved, Noise, Usual};
use crate::customers::table;
use crate::sandbox::Sandbox;

/// A night of drift, after the job file has come to end with `more`, and what it trains.
#[track_caller]
fn candidate(more: &str, code: i32) -> (Sandbox, Value) {
    let sandbox = world("[retrain]", &[Moved]);
    sandbox.write("jobs/churn.toml", job(&format!("[retrain]\n{more}")));
    let run = night(&sandbox, 4, code);
    let trained = caused(&run).clone();
    (sandbox, trained)
}

/// What is wanted of a candidate.
struct Wanted {
    code: i32,
    verdict: &'static str,
    champion: u32,
    blessing: &'static str,
}

#[track_caller]
fn check(more: &str, wanted: &Wanted) -> Value {
    let (sandbox, trained) = candidate(more, wanted.code);
    let models = json(&sandbox, &["models", "churn"], 0);
    let version = models["versions"].as_array().unwrap();
    let version = version.iter().find(|version| version["version"] == 2).unwrap();
    let found = (&trained["verdict"], champion(&sandbox), &version["blessing"]);
    let wanted = (&wanted.verdict.into(), wanted.champion.into(), &wanted.blessing.into());
    assert_eq!(found, wanted, "{trained:#}");
    trained
}

const REJECTED: Wanted = Wanted { code: 11, verdict: "rejected", champion: 1, blessing: "none" };

#[test]
fn a_threshold_rejects_and_the_champion_stays() {
    let trained = check("[[gate]]\nmetric = \"roc_auc\"\nmin = 0.999", &REJECTED);
    let (verdict, message) = told(&trained, "gate", "threshold")[0];
    assert_eq!((verdict, trained["decision"]["reason"].as_str()), ("fail", Some(message)));
    assert_eq!(trained["decision"]["action"], "reject");
    assert!(message.ends_with("wanted at least 0.999"), "{message}");
}

#[test]
fn every_slice_must_pass() {
    let gate = "[[gate]]\nmetric = \"accuracy\"\nslice = \"region\"\nslice_rows_min = 20\nmin = ";
    let trained = check(&format!("{gate}0.999"), &REJECTED);
    let found = told(&trained, "gate", "threshold");
    for slice in ["north", "south"] {
        assert!(found.iter().any(|(_, message)| message.contains(slice)), "{found:?}");
    }
    let promoted = Wanted { code: 10, verdict: "promoted", champion: 2, blessing: "passed" };
    let trained = check(&format!("{gate}0.5"), &promoted);
    assert!(told(&trained, "gate", "threshold").iter().all(|(verdict, _)| *verdict == "pass"));
}

/// The customers of [`world`], of whom some who stay are said to live in the west.
fn with_a_region_that_nobody_leaves() -> String {
    let lines = table(24, &[Usual, Usual, Moved]);
    let lines = lines.lines().enumerate().map(|(row, line)| match line.strip_suffix(",0") {
        Some(stays) if row % 3 == 0 => {
            let (before, _) = stays.rsplit_once(',').unwrap();
            format!("{before},west,0")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<String>>().join("\n") + "\n"
}

#[test]
fn a_slice_of_one_class_is_told_and_keeps_nobody_back() {
    let compared = "compare = \"non_inferiority\"\nmargin = 0.5";
    for (more, id) in [("min = 0.5", "threshold"), (compared, "non_inferiority")] {
        let gate = "[[gate]]\nmetric = \"roc_auc\"\nslice = \"region\"\nslice_rows_min = 10";
        let sandbox = Sandbox::new()
            .job("churn", &job("[retrain]"))
            .data("churn.csv", with_a_region_that_nobody_leaves());
        night(&sandbox, 3, 0);
        sandbox.write("jobs/churn.toml", job(&format!("[retrain]\n{gate}\n{more}")));
        let trained = caused(&night(&sandbox, 4, 10)).clone();
        assert_eq!(trained["verdict"], "promoted", "{trained:#}");
        let found = told(&trained, "gate", id);
        let wanted = "region = west is not judged: `roc_auc` would rest on 0 rows or ids of the rarest class, \
                      wanted at least 10";
        assert!(found.contains(&("inconclusive", wanted)), "{found:?}");
        assert!(found.iter().any(|(verdict, _)| *verdict == "pass"), "{found:?}");
    }
}

#[test]
fn a_handful_of_one_class_is_no_evidence_however_well_it_is_told_apart() {
    // Everybody leaves whose fee is very high, and of 800 customers 16 do.
    let mut customers = String::from("id,at,fee,age,plan,region,left\n");
    for row in 0..800_u32 {
        let (hour, left) = (row / 18, row % 50 == 7);
        let fee = if left { 90.0 + f64::from(row) / 100.0 } else { f64::from(row % 60) };
        let at = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + hour / 24, hour % 24, row % 18);
        writeln!(customers, "{row},{at},{fee},40,plus,north,{}", u8::from(left)).unwrap();
    }
    let sandbox = Sandbox::new().job("churn", &job("")).data("churn.csv", customers);
    let line = ["train", "churn", "--tick", "2026-01-03T00:00"];
    let trained = json(&sandbox, &line, 11);
    assert_eq!(trained["verdict"], "inconclusive", "{trained:#}");
    let (verdict, message) = told(&trained, "gate", "beat_dummy")[0];
    assert_eq!(verdict, "inconclusive");
    let wanted = "rows or ids of the rarest class, wanted at least 10; wait for more labels, or hold out more \
                  rows by `train.split`";
    assert!(message.ends_with(wanted), "{message}");
    assert_eq!(champion(&sandbox), Value::Null);
}

#[test]
fn too_little_evidence_keeps_the_champion_unless_the_job_says_otherwise() {
    let gate = "[[gate]]\nmetric = \"roc_auc\"\ncompare = \"superiority\"\n";
    let kept = Wanted { code: 11, verdict: "inconclusive", champion: 1, blessing: "none" };
    let trained = check(gate, &kept);
    assert_eq!(told(&trained, "gate", "superiority")[0].0, "inconclusive");
    let promoted = Wanted { code: 10, verdict: "promoted", champion: 2, blessing: "overridden" };
    check(&format!("{gate}[gates]\ninconclusive = \"promote\""), &promoted);
    // A gate that only warns keeps nobody back.
    let promoted = Wanted { blessing: "passed", ..promoted };
    check("[[gate]]\nmetric = \"roc_auc\"\nmin = 0.999\nseverity = \"warn\"", &promoted);
}

#[test]
fn a_manual_rollout_waits_for_a_person() {
    let held = Wanted { code: 10, verdict: "held", champion: 1, blessing: "passed" };
    check("[rollout]\nstrategy = \"manual\"", &held);
    let held = Wanted { code: 0, ..held };
    let more = "[drift]\nthen = \"report\"\n[rollout]\nstrategy = \"manual\"";
    let trained = check(more, &held);
    let reason = trained["decision"]["reason"].as_str().unwrap();
    assert!(reason.contains("`nightshift promote` is waited for"), "{reason}");
}

#[test]
fn a_pipeline_is_on_record_as_such() {
    let sandbox = world("", &[]);
    let line = ["train", "churn", "--tick", "2026-01-03T06:00", "--trigger", "ci"];
    let trained = json(&sandbox, &line, 0);
    assert_eq!((&trained["trigger"], &trained["verdict"]), (&"ci".into(), &"promoted".into()));
    let history = json(&sandbox, &["history", "churn"], 0);
    let moves = history["moves"].as_array().unwrap();
    assert_eq!(moves.last().unwrap()["actor"], "ci", "{history:#}");
    let strict = "[[gate]]\nmetric = \"roc_auc\"\nmin = 0.999";
    sandbox.write("jobs/churn.toml", job(strict));
    let line = ["train", "churn", "--tick", "2026-01-03T07:00", "--trigger", "ci"];
    assert_eq!(json(&sandbox, &line, 11)["verdict"], "rejected");
    assert_eq!(champion(&sandbox), 2);
}

/// A project that has never run, and whose job ends with `more`.
fn untried(more: &str, day: Like) -> Sandbox {
    Sandbox::new().job("churn", &job(more)).data("churn.csv", table(24, &[day; 2]))
}

#[test]
fn a_first_version_may_have_to_wait_as_well() {
    let sandbox = untried("[gates]\nno_champion = \"hold\"", Usual);
    let run = night(&sandbox, 3, 0);
    assert_eq!((&run["kind"], &run["verdict"]), (&"train".into(), &"held".into()));
    assert_eq!(champion(&sandbox), Value::Null);
    sandbox.run(["promote", "churn", "1", "--reason", "looked at", "--yes"]).expect(0);
    assert_eq!(night(&sandbox, 3, 0)["kind"], "score");
}

#[test]
fn a_version_that_knows_nothing_is_rejected_even_if_it_is_the_first() {
    let sandbox = untried("", Noise);
    let run = night(&sandbox, 3, 11);
    assert_eq!((&run["kind"], &run["verdict"]), (&"train".into(), &"rejected".into()));
    let found = told(&run, "gate", "beat_dummy");
    assert_eq!((found.len(), found[0].0), (1, "fail"), "{run:#}");
    assert_eq!(champion(&sandbox), Value::Null);
    let indifferent = untried("[gates]\nbeat_dummy = false", Noise);
    assert_eq!(night(&indifferent, 3, 0)["kind"], "score");
}
