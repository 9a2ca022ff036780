//! A folder of hostile data: each file gives a clear error or finding that names it, and leaves nothing
//! half-written behind.
//!
//! The model is trained on sound data first; then the hostile file takes the place of the input. What is
//! said of damaged files in detail is tested in `adapters::dataset`.

use std::fmt::Write as _;
use std::path::Path;

use crate::sandbox::Sandbox;

const JOB: &str = r#"
name = "loan"
[data]
source = "data/today.csv"
id = "id"
label = "late"
[features]
numeric = ["age", "debt"]
categorical = ["city"]
[model]
task = "binary"
[train]
input = "data/past.csv"
[score]
output = "scores/loan"
"#;

const HEADER: &str = "id,age,debt,city,late\n";

fn past() -> String {
    let mut out = HEADER.to_owned();
    for row in 0..600 {
        let city = ["oslo", "bergen", "narvik"][row % 3];
        let (age, debt) = (20 + row * 7 % 50, row * 37 % 1000);
        writeln!(out, "{row},{age},{debt}.5,{city},{}", u8::from(debt + row % 90 > 540)).unwrap();
    }
    out
}

fn trained() -> Sandbox {
    let sandbox = Sandbox::new().job("loan", JOB).data("past.csv", past());
    sandbox.run(["train", "loan"]).expect(0);
    sandbox
}

/// Scores `today` and returns the exit code and everything that was said.
#[track_caller]
fn score(sandbox: &Sandbox, today: impl AsRef<[u8]>) -> (i32, String) {
    sandbox.write("data/today.csv", today);
    let output = sandbox.run(["score", "loan"]);
    (output.status(), format!("{}{}", output.stdout, output.stderr))
}

/// A file that must be refused, with the words that the refusal must hold.
#[track_caller]
fn check_refused(today: impl AsRef<[u8]>, wanted_exit: i32, words: &[&str]) {
    let sandbox = trained();
    let (exit, said) = score(&sandbox, today);
    assert_eq!(exit, wanted_exit, "{said}");
    for word in words {
        assert!(said.contains(word), "wanted `{word}` in:\n{said}");
    }
    assert_eq!(files(&sandbox.root().join("scores")), Vec::<String>::new(), "{said}");
}

/// A file that is scored all the same, with the words that must be told.
#[track_caller]
fn check_scored(today: impl AsRef<[u8]>, rows: u64, words: &[&str]) {
    let sandbox = trained();
    sandbox.write("data/today.csv", today);
    let found = sandbox.run(["score", "loan", "--output", "json"]).expect(0).json();
    assert_eq!(found["rows"]["scored"], rows, "{found}");
    let findings = found["findings"].to_string();
    for word in words {
        assert!(findings.contains(word), "wanted `{word}` in:\n{findings}");
    }
    assert_eq!(found["outputs"].as_array().unwrap().len(), 2, "{found}");
}

/// Every file below `folder`, staging included.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut out = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path.display().to_string());
        }
    }
    out
}

#[test]
fn an_empty_file_is_refused() {
    check_refused("", 1, &["data/today.csv", "empty"]);
}

#[test]
fn a_header_alone_publishes_nothing() {
    check_refused(HEADER, 12, &["input_empty", "no row in 1 file of `data/today.csv`"]);
}

#[test]
fn one_row_is_enough() {
    check_scored(format!("{HEADER}1,30,5.5,oslo,\n"), 1, &[]);
}

#[test]
fn a_column_of_nulls_is_imputed() {
    check_scored(format!("{HEADER}1,,5.5,oslo,\n2,,6.5,oslo,\n"), 2, &[]);
}

#[test]
fn not_a_number_and_infinity_are_counted_by_column() {
    let today = format!("{HEADER}1,30,NaN,oslo,\n2,40,inf,oslo,\n3,41,1.5,oslo,\n");
    check_scored(today, 3, &["not_finite", "column `debt` holds 2 NaN or infinite values"]);
}

#[test]
fn a_missing_column_is_named() {
    check_refused("id,age,city\n1,30,oslo\n", 1, &["column `debt` is missing (wanted float)"]);
}

#[test]
fn a_column_of_another_type_is_named() {
    let today = format!("{HEADER}1,thirty,5.5,oslo,\n");
    check_refused(today, 1, &["data/today.csv", "`age`", "thirty"]);
}

#[test]
fn an_extra_column_is_a_finding() {
    let today = "id,age,debt,city,late,shoe size\n1,30,5.5,oslo,,44\n";
    check_scored(today, 1, &["column `shoe size` (integer) was not there at training"]);
}

#[test]
fn duplicate_ids_publish_nothing() {
    let today = format!("{HEADER}7,30,5.5,oslo,\n8,30,5.5,oslo,\n7,31,5.5,oslo,\n");
    check_refused(today, 12, &["id_unique", "`7`"]);
}

#[test]
fn a_null_id_is_refused() {
    check_refused(format!("{HEADER},30,5.5,oslo,\n"), 1, &["data/today.csv", "`id`"]);
}

#[test]
fn a_broken_quote_is_placed() {
    let today = format!("{HEADER}1,30,5.5,\"oslo,\n2,30,5.5,oslo,\n");
    check_refused(today, 1, &["data/today.csv", "quote"]);
}

#[test]
fn bytes_that_are_not_utf_8_are_placed() {
    let mut today = format!("{HEADER}1,30,5.5,").into_bytes();
    today.extend(b"\xff\xfe,\n");
    check_refused(today, 1, &["data/today.csv", "UTF-8"]);
}

#[test]
fn a_ragged_row_is_placed() {
    check_refused(format!("{HEADER}1,30\n"), 1, &["data/today.csv", "row 1"]);
}

#[test]
fn a_truncated_parquet_is_named() {
    let sandbox = trained();
    sandbox.write("data/today.csv", past());
    let scored = sandbox.run(["score", "loan", "--output", "json"]).expect(0).json();
    let part = sandbox.root().join(scored["outputs"][0]["path"].as_str().unwrap());
    let whole = std::fs::read(part).unwrap();
    let job = JOB.replace("data/today.csv", "data/today.parquet");
    sandbox.write("jobs/loan.toml", job);
    for length in [0, 3, whole.len() / 2, whole.len() - 1] {
        sandbox.write("data/today.parquet", &whole[..length]);
        let output = sandbox.run(["score", "loan"]);
        assert_eq!(output.status(), 1, "{}", output.stderr);
        assert!(output.stderr.contains("data/today.parquet"), "{}", output.stderr);
    }
}

#[test]
fn ten_thousand_columns_are_no_trouble() {
    let names: Vec<String> = (0..10_000).map(|column| format!("extra {column}")).collect();
    let values = vec!["1"; 10_000];
    let today =
        format!("id,age,debt,city,late,{}\n1,30,5.5,oslo,,{}\n", names.join(","), values.join(","));
    check_scored(today, 1, &["column `extra 9999`"]);
}

#[test]
fn labels_of_one_class_are_refused_at_training() {
    let mut past = HEADER.to_owned();
    for row in 0..300 {
        writeln!(past, "{row},30,{row}.5,oslo,1").unwrap();
    }
    let sandbox = Sandbox::new().job("loan", JOB).data("past.csv", past);
    let output = sandbox.run(["train", "loan"]);
    assert_eq!(output.status(), 1, "{}", output.stderr);
    assert!(output.stderr.contains('1') && output.stderr.contains("class"), "{}", output.stderr);
    assert_eq!(files(&sandbox.root().join("state/models")), Vec::<String>::new());
}

#[test]
fn files_outside_of_the_roots_are_refused() {
    let sandbox = trained();
    let outside = sandbox.root().parent().unwrap().join("secret.csv");
    std::fs::write(&outside, past()).unwrap();
    std::os::unix::fs::symlink(&outside, sandbox.root().join("data/today.csv")).unwrap();
    let output = sandbox.run(["score", "loan"]);
    assert_eq!(output.status(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("outside of"), "{}", output.stderr);
}
