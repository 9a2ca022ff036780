//! `nightshift drift`: what has drifted in a run of a job, and between any two tables.
//!
//! What the numbers must be is tested where they are made, and against other libraries in `oracle` and
//! `golden`; here they are made to be seen, and the verdicts are tried where peers are blind.

/// Against scipy and Evidently, on the files of `../shared`.
mod golden;
/// Against scipy, on tables of the repository.
mod oracle;
/// How often the rule errs.
mod simulation;

use std::fmt::Write as _;

use crate::sandbox::{Output, Sandbox};

const JOB: &str = r#"name = "wine"
[data]
source = "data/wine/*.csv"
label = "good"
[model]
task = "binary"
[score]
output = "scores/wine"
"#;

/// A table of so many rows: a number that moves by `shift`, a word, and a number that never changes.
fn table(rows: u32, shift: f64) -> String {
    let mut out = String::from("size,word,fixed\n");
    for row in 0..rows {
        let size = f64::from(row * 37 % 101) + shift;
        writeln!(out, "{size},{},7", ["red", "green", "blue"][row as usize % 3]).unwrap();
    }
    out
}

fn drift(sandbox: &Sandbox, line: &str) -> Output {
    sandbox.run(["drift"].into_iter().chain(line.split(' ')))
}

/// Compares `before` with `now` and returns the document.
#[track_caller]
fn compare(before: &str, now: &str, more: &str, code: i32) -> serde_json::Value {
    let sandbox = Sandbox::new().data("before.csv", before).data("now.csv", now);
    let line = format!("--reference data/before.csv --current data/now.csv{more} --output json");
    drift(&sandbox, &line).expect(code).json()
}

fn column<'a>(document: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let columns = document["columns"].as_array().unwrap();
    columns.iter().find(|column| column["column"] == name).unwrap()
}

/// A column of one name, a value a row.
fn lines(name: &str, values: impl IntoIterator<Item = String>) -> String {
    values.into_iter().fold(format!("{name},row\n"), |mut out, value| {
        writeln!(out, "{value},1").unwrap();
        out
    })
}

#[test]
fn the_worst_column_comes_first_and_the_verdict_last() {
    let now = table(400, 20.0).replace(",fixed\n", ",fix\n");
    let sandbox = Sandbox::new().data("before.csv", table(600, 0.0)).data("now.csv", now);
    let line = "--reference data/before.csv --current data/now.csv";
    insta::assert_snapshot!(drift(&sandbox, line).redacted(), @r"
    exit 10
    --- stdout
    400 rows against the 600 of data/before.csv
      column  verdict  test              effect   floor  statistic         p  adjusted  rows  before
      fixed   broken   -                      -  0.1000          -         -         -     -       -
      size    drifted  psi                1.145  0.1000      1.145  8.778e-9  1.756e-8   400     600
                       ks                0.1992             0.1992  8.778e-9
                       jensen_shannon    0.3498             0.3498  8.778e-9
                       wasserstein       0.6844              19.97  8.778e-9
      word    stable   psi             1.248e-5  0.1000   1.248e-5    0.9985    0.9985   400     600
                       chi_square      0.001731           0.002997    0.9985
                       jensen_shannon  0.001500           0.001500    0.9985
      fixed: the column is missing
      domain_classifier: warn: a classifier tells the rows from those of the reference: roc_auc 0.6784 (0.6156 to 0.7412, alpha 0.01), 0.5 is chance and 0.65 the limit; 400 rows against 600; it only informs
    drifted: 2 of 3 columns drifted or broken, 0.3000 of them is the limit; alpha 0.01
    ");
    assert_eq!(drift(&sandbox, &format!("{line} --exit-zero")).status(), 0);
    assert_eq!(drift(&sandbox, &format!("{line} --share 0.8")).status(), 0);
    assert_eq!(drift(&sandbox, &format!("{line} --column word")).status(), 0);
}

#[test]
fn the_latest_run_is_compared_again_from_what_is_on_record() {
    let rows = |shift: u32| -> String {
        let rows = (0..400)
            .map(|row| format!("{},{},{}\n", row % 17 + shift, row % 5, u8::from(row % 17 > 8)));
        "pH,colour,good\n".to_owned() + &rows.collect::<String>()
    };
    let sandbox = Sandbox::new().job("wine", JOB).data("wine/a.csv", rows(0));
    let refused = drift(&sandbox, "wine").expect(2);
    assert!(refused.stderr.contains("`nightshift run`"), "{}", refused.stderr);
    let first = sandbox.run(["run", "wine", "--output", "json"]).expect(0).json();
    assert_eq!(drift(&sandbox, "wine").status(), 0);
    sandbox.write("data/wine/a.csv", rows(9));
    // The data are not looked at again, nor is a job file that says something else by now.
    let second = sandbox.run(["score", "wine", "--output", "json"]).json();
    sandbox.write("data/wine/a.csv", "");
    sandbox.write("jobs/wine.toml", format!("{JOB}[drift]\nfloor = 99\n"));
    insta::assert_snapshot!(drift(&sandbox, "wine").redacted(), @r"
    exit 10
    --- stdout
    run $RUN of tick 2026-01-05T03:00:03Z, v1, against the 400 training rows of 2026-01-05T03:00:01Z
      column        verdict            test  effect   floor  statistic          p   adjusted  rows  before  importance
      pH            drifted            psi    4.992  0.1000      4.992  4.089e-55  1.227e-54   400     400      0.9970
      colour        stable             psi        0  0.1000          0          1          1   400     400    0.002995
      good (label)  stable             psi        0  0.1000          0          1          1   400     400           -
      score         insufficient_data  psi    4.661  0.1000      4.661  3.325e-23          -   400      85           -
      domain_classifier: warn: a classifier tells the rows from the 400 training rows of 2026-01-05T03:00:01Z: roc_auc 0.8888 (0.8492 to 0.9284, alpha 0.01), 0.5 is chance and 0.65 the limit; 400 rows against 400; it only informs
    drifted: 1 of 3 columns drifted or broken, 0.3000 of them is the limit; alpha 0.01
    ");
    let found = drift(&sandbox, "wine --output json").expect(10).json();
    assert_eq!(found["run"], second["run"]);
    let findings = second["findings"].as_array().unwrap();
    for column in found["columns"].as_array().unwrap() {
        let is_it = |finding: &&serde_json::Value| finding["column"] == column["column"];
        let finding = findings.iter().find(is_it).unwrap();
        assert_eq!(finding["value"], column["tests"][0]["effect"], "{finding:#}");
        assert_eq!(finding["p_value"], column["tests"][0]["p_adjusted"], "{finding:#}");
    }
    let run = first["run"].as_str().unwrap();
    let found = drift(&sandbox, &format!("wine --run {run} --output json")).expect(0).json();
    assert_eq!((&found["run"], &found["verdict"]), (&first["run"], &"stable".into()));
    let trained = first["preceded_by"][0]["run"].as_str().unwrap();
    let refused = drift(&sandbox, &format!("wine --run {trained}")).expect(2);
    assert!(refused.stderr.contains("is no score run of `wine`"), "{}", refused.stderr);
}

#[test]
fn a_column_that_cannot_be_compared_is_broken() {
    let check = |now: &str, wanted: &str| {
        let found = compare(&table(200, 0.0), now, " --column size --column word", 10);
        let first = &found["columns"][0];
        assert_eq!((&first["verdict"], &first["broken"]), (&"broken".into(), &wanted.into()));
        assert_eq!(first["tests"].as_array().unwrap().len(), 0);
    };
    let now = table(200, 0.0);
    check(&now.replace("size,", "length,"), "the column is missing");
    check(&now.replacen("\n37,", "\nlong,", 1), "found text, wanted integer");
    let empty = lines("word,size", (0..200).map(|_| "red,".to_owned()));
    check(&empty, "none of 200 rows has a value, and the reference has some");
    let (before, of_days) = (lines("size", ["1".to_owned()]), lines("size", ["2026-01-05".into()]));
    let found = compare(&before, &of_days, "", 10);
    assert_eq!(column(&found, "size")["broken"], "found date, wanted integer");
}

#[test]
fn drift_in_a_feature_that_moves_the_score_ranks_first() {
    let rows = |strong: u32, weak: u32, fixed: u32| -> String {
        let row = |row: u32| {
            let (s, w) = (row * 37 % 101, row * 61 % 103);
            format!("{},{},{fixed},{}\n", s + strong, w + weak, u8::from(s + w / 20 > 50))
        };
        "strong,weak,fixed,good\n".to_owned() + &(0..800).map(row).collect::<String>()
    };
    let sandbox = Sandbox::new().job("wine", JOB).data("wine/a.csv", rows(0, 0, 7));
    sandbox.run(["run", "wine"]).expect(0);
    sandbox.write("data/wine/a.csv", rows(12, 60, 8));
    let run = sandbox.run(["score", "wine", "--output", "json"]).expect(10).json();
    let found = drift(&sandbox, "wine --output json").expect(10).json();
    let [strong, weak, fixed] = ["strong", "weak", "fixed"].map(|name| column(&found, name));
    for column in [strong, weak, fixed] {
        assert_eq!(column["verdict"], "drifted", "{column:#}");
    }
    let effect = |column: &serde_json::Value| column["tests"][0]["effect"].as_f64().unwrap();
    assert!(effect(strong) < effect(weak) && effect(weak) < effect(fixed), "{found:#}");
    let importance = |column: &serde_json::Value| column["importance"].as_f64().unwrap();
    assert!(importance(strong) > 10.0 * importance(weak) && importance(fixed) <= 0.0);
    let features = |columns: &serde_json::Value| -> Vec<String> {
        let names =
            columns.as_array().unwrap().iter().filter_map(|column| column["column"].as_str());
        names.filter(|name| !["good", "score"].contains(name)).map(str::to_owned).collect()
    };
    assert_eq!(features(&found["columns"]), ["strong", "weak", "fixed"]);
    assert_eq!(features(&run["findings"]), ["strong", "weak", "fixed"]);
    assert_eq!(column(&found, "score")["importance"], serde_json::Value::Null);
}

#[test]
fn a_change_that_no_column_shows_is_told_and_decides_nothing() {
    let rows = |follows: bool| -> String {
        let row = |row: u32| {
            let (x, y) = (row * 37 % 101, (row * 61 + row / 101 * 17) % 101);
            format!("{x},{},{}\n", if follows { x } else { y }, u8::from(x > 50))
        };
        "x,y,good\n".to_owned() + &(0..606).map(row).collect::<String>()
    };
    let found = compare(&rows(false), &rows(true), " --column x --column y", 0);
    assert_eq!(found["verdict"], "stable", "{found:#}");
    let all = &found["domain_classifier"];
    assert_eq!((&all["verdict"], &all["metric"]), (&"warn".into(), &"roc_auc".into()), "{all:#}");
    assert!(all["value"].as_f64() > Some(0.7) && all["low"].as_f64() > Some(0.5), "{all:#}");
    let same = compare(&rows(false), &rows(false), "", 0);
    assert_eq!(same["domain_classifier"]["verdict"], "pass");

    let sandbox = Sandbox::new().job("wine", JOB).data("wine/a.csv", rows(false));
    sandbox.run(["run", "wine"]).expect(0);
    sandbox.write("data/wine/a.csv", rows(true));
    let run = sandbox.run(["score", "wine", "--output", "json"]).expect(0).json();
    assert_eq!(run["verdict"], "ok");
    let findings = run["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["id"] == "domain_classifier").unwrap();
    assert_eq!((&told["kind"], &told["verdict"]), (&"drift".into(), &"warn".into()));
    // The rows of the run are gone; what was found of them is on record.
    sandbox.write("data/wine/a.csv", "");
    let found = drift(&sandbox, "wine --output json").expect(0).json();
    for field in ["value", "low", "high", "limit", "verdict", "message"] {
        assert_eq!(found["domain_classifier"][field], told[field], "{field}");
    }
    let text = drift(&sandbox, "wine").expect(0).stdout;
    assert!(
        text.contains("\n  domain_classifier: warn: a classifier tells the rows from"),
        "{text}"
    );
}

#[test]
fn a_surge_of_nulls_is_drift() {
    let nulls = |of_hundred: u32| {
        lines(
            "x",
            (0..2000_u32).map(|row| {
                let is_null = row * 61 % 100 < of_hundred;
                if is_null { String::new() } else { (row * 37 % 1009).to_string() }
            }),
        )
    };
    let found = compare(&nulls(5), &nulls(15), "", 10);
    let x = column(&found, "x");
    assert_eq!(x["verdict"], "drifted", "{x:#}");
    // The values that are there are alike, which is what the p-value of `ks` says.
    let p_values: Vec<f64> = x["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["p_value"].as_f64().unwrap())
        .collect();
    assert!(p_values[0] < 1e-9 && p_values[1] > 0.5, "{p_values:?}");
    let found = compare(&nulls(5), &nulls(5), "", 0);
    assert_eq!(column(&found, "x")["verdict"], "stable");
}

#[test]
fn a_shift_off_a_constant_is_drift() {
    let constant = |value: &str| lines("x", (0..300).map(|_| value.to_owned()));
    let found = compare(&constant("4"), &constant("5"), "", 10);
    let x = column(&found, "x");
    assert_eq!(x["verdict"], "drifted", "{x:#}");
    assert!(x["tests"].as_array().unwrap().iter().all(|test| test["effect"].as_f64() >= Some(1.0)));
    assert_eq!(column(&compare(&constant("4"), &constant("4"), "", 0), "x")["verdict"], "stable");
}

#[test]
fn one_outlier_changes_no_verdict() {
    let shifted = table(400, 14.0);
    let with_outlier = shifted.replacen("\n14,", "\n1000000,", 1);
    assert_ne!(shifted, with_outlier);
    for (before, code) in [(table(1000, 0.0), 10), (table(1000, 14.0), 0)] {
        let [clean, blinded] = [&shifted, &with_outlier]
            .map(|now| compare(&before, now, " --column size --test psi", code));
        assert_eq!(clean["verdict"], blinded["verdict"]);
        let effect = |found: &serde_json::Value| {
            column(found, "size")["tests"][0]["effect"].as_f64().unwrap()
        };
        assert!((effect(&clean) - effect(&blinded)).abs() < 0.01);
    }
}

#[test]
fn tests_and_columns_are_chosen_by_name() {
    let found = compare(&table(200, 0.0), &table(200, 0.0), " --test chi_square --test ks", 0);
    let tests = |name: &str| column(&found, name)["tests"].as_array().unwrap().len();
    assert_eq!((tests("word"), tests("size")), (1, 1));
    let found = compare(&table(200, 0.0), &table(200, 0.0), " --test ks", 0);
    assert_eq!(found["left_out"], serde_json::json!(["word"]));
    assert_eq!(column(&found, "size")["tests"][0]["test"], "ks");
}

#[test]
fn too_few_rows_are_not_judged() {
    let found = compare(&table(200, 0.0), &table(20, 50.0), "", 0);
    assert_eq!(found["verdict"], "insufficient_data");
    assert_eq!(column(&found, "size")["tests"][0]["n_current"], 20);
    let found = compare(&table(200, 0.0), &table(20, 50.0), " --rows-min 20", 10);
    assert_eq!(found["verdict"], "drifted");
    let found = compare(&table(200, 0.0), "size,word,fixed\n", "", 0);
    assert_eq!((&found["verdict"], &found["share"]), (&"insufficient_data".into(), &().into()));
}

#[test]
fn what_cannot_be_asked_says_why() {
    let sandbox = Sandbox::new().data("a.csv", table(200, 0.0));
    let check = |line: &str, code: i32, wanted: &str| {
        let found = drift(&sandbox, line).expect(code);
        assert!(found.stderr.contains(wanted), "{line}: {}", found.stderr);
    };
    let tables = "--reference data/a.csv --current data/a.csv";
    check(&format!("{tables} --test wasserstien"), 2, "the nearest name is `wasserstein`");
    check(&format!("{tables} --test other"), 2, "the tests are psi, ks, chi_square");
    check(&format!("{tables} --column sise"), 2, "the columns are size, word, fixed");
    let wrong = "column `word` is text, which none of the tests compares";
    check(&format!("{tables} --test ks --column word"), 2, wrong);
    check(&format!("{tables} --alpha 2"), 2, "wanted a number from 0 to 1");
    check("--reference data/none.csv --current data/a.csv", 1, "matches no file");
    check("--reference data/a.csv", 2, "--current");
    check(&format!("wine {tables}"), 2, "cannot be used with");
    check("wine --floor 0.2", 2, "--reference");
    check("wine", 2, "there is no job `wine`");
}

#[test]
fn neither_a_project_nor_a_state_is_needed_or_made() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.root().parent().unwrap().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("a.csv"), table(200, 0.0)).unwrap();
    let mut command = sandbox.command();
    command.current_dir(&elsewhere).args(["drift", "--reference", "a.csv", "--current", "*.csv"]);
    let found = command.output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 1);
}
