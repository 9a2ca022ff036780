//! Every id that is read is written once: with a score, or set aside with a reason.

use std::fmt::Write as _;

use crate::sandbox::Sandbox;
use crate::tables::texts;

const JOB: &str = r#"
name = "loan"
[data]
source = "data/past.csv"
id = "id"
label = "late"
[model]
task = "binary"
[score]
input = "data/tonight-*.csv"
output = "scores/loan"
quarantine_max = 0.2
[gates]
beat_dummy = false
[drift]
then = "report"
[[check]]
column = "debt"
not_null = true
then = "quarantine"
"#;

/// Rows with the ids from `first` to `last`; every thirteenth has no debt.
fn rows(first: u32, last: u32, with_debt: bool) -> String {
    let mut out = String::from("id,age,debt,late\n");
    for row in first..=last {
        let debt =
            if with_debt || row % 13 != 0 { format!("{}.5", row % 31) } else { String::new() };
        writeln!(out, "loan {row},{},{debt},{}", row % 61, row * 7 % 31 / 16).unwrap();
    }
    out
}

#[test]
fn ids_out_are_ids_in_minus_the_rows_set_aside() {
    // Of the last file nothing is kept.
    let sandbox = Sandbox::new()
        .job("loan", JOB)
        .data("past.csv", rows(1, 600, true))
        .data("tonight-1.csv", rows(1_001, 1_200, false))
        .data("tonight-2.csv", rows(2_001, 5_000, false))
        .data("tonight-3.csv", rows(13, 13, false));
    let run = sandbox.run(["run", "loan", "--tick", "2026-01-05", "--output", "json"]);
    let run = run.expect(0).json();
    let file = |role: &str| {
        let outputs = run["outputs"].as_array().unwrap();
        let found = outputs.iter().find(|output| output["role"] == role).unwrap();
        sandbox.root().join(found["path"].as_str().unwrap())
    };
    let read: Vec<u32> = (1_001..=1_200).chain(2_001..=5_000).chain([13]).collect();
    let wanted = |is_aside: bool| -> Vec<String> {
        let rows = read.iter().filter(|row| (*row % 13 == 0) == is_aside);
        rows.map(|row| format!("loan {row}")).collect()
    };
    assert!(texts(&file("part"), "id") == wanted(false), "the ids of the scores differ");
    assert!(texts(&file("quarantine"), "id") == wanted(true), "the ids set aside differ");
    let counts = ["read", "scored", "quarantined"].map(|of| run["rows"][of].as_u64().unwrap());
    let lengths = [read.len(), wanted(false).len(), wanted(true).len()];
    assert_eq!(counts.map(|count| usize::try_from(count).unwrap()), lengths);
}
