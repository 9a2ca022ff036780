//! A version fitted on shuffled labels. What its own scores show, `previous` shows as well, since the data
//! have moved; only a comparison of the two on the same rows can find it.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;

use super::{FEATURES, backfill, champion, findings, job, promote, two_versions};
use crate::calls::months;
use crate::tables::parquet;

/// A csv table with its last column shuffled, which is the label.
fn shuffled(csv: &str) -> String {
    let rows: Vec<(&str, &str)> = csv.lines().map(|line| line.rsplit_once(',').unwrap()).collect();
    let mut labels: Vec<&str> = rows[1..].iter().map(|(_, label)| *label).collect();
    labels.shuffle(&mut rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1));
    let labels = std::iter::once(rows[0].1).chain(labels);
    let lines: Vec<String> =
        rows.iter().zip(labels).map(|((cells, _), label)| format!("{cells},{label}")).collect();
    lines.join("\n")
}

#[test]
fn a_version_of_shuffled_labels_is_caught_by_its_difference_from_previous() {
    let world = two_versions("");
    let (month, calls) = months().next().unwrap();
    let path = format!("shuffled/bank_{month}.parquet");
    world.write(path, parquet(&shuffled(&calls), "row"));
    world.write("jobs/bank.toml", job("shuffled", FEATURES, ""));
    world.run(["train", "bank", "--tick", "2008-09-01T00:00:02Z", "--no-promote"]).expect(11);
    world.write("jobs/bank.toml", job("data", FEATURES, ""));
    promote(&world, "3");
    let runs = backfill(&world, 13);
    let caught = &runs[0];
    assert_eq!(caught["verdict"], "rolled_back", "{caught:#}");
    let watched = findings(caught, "watch");
    let verdict = |id: &str, metric: Option<&str>| {
        let found = watched.iter().find(|found| {
            found["id"] == id && metric.is_none_or(|metric| found["metric"] == metric)
        });
        found.unwrap_or_else(|| panic!("no {id}: {watched:#?}"))["verdict"].clone()
    };
    assert_eq!(verdict("disagreement", Some("score_distance")), "fail");
    assert_ne!(verdict("score_drift", None), "fail");
    assert_eq!(champion(&world), 1);
}
