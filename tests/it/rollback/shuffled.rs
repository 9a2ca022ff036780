//! A version fitted on shuffled labels. What its own scores show, `previous` shows as well, since the data
//! have moved; only a comparison of the two on the same rows can find it.

use std::path::Path;

use nightshift::adapters::dataset::{ScanRequest, Table, named_files};
use nightshift::domain::frame::Cells;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;

use super::{FEATURES, backfill, calls, champion, findings, job, promote, two_versions};

/// The table at `path` as csv, its column `label` shuffled.
fn shuffled(path: &Path) -> String {
    let files = named_files(&[path.to_str().unwrap().to_owned()]).unwrap();
    let table = Table::open(&files, None).unwrap();
    let names: Vec<String> =
        table.schema().columns.iter().map(|column| column.name.clone()).collect();
    let request = ScanRequest { columns: &names, id: None, time: None, batch_rows: 100_000 };
    let mut columns = vec![Vec::new(); names.len()];
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let done = table.scan(&request, |batch| {
        for (out, column) in columns.iter_mut().zip(batch.frame(&asked).unwrap().columns) {
            out.extend(texts(&column.cells));
        }
        Ok::<(), std::fmt::Error>(())
    });
    done.unwrap();
    let label = names.iter().position(|name| name == "label").unwrap();
    columns[label].shuffle(&mut rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1));
    let mut out = names.join(",");
    for row in 0..columns[label].len() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
        out.push('\n');
        out.push_str(&cells.join(","));
    }
    out
}

/// Cells as csv has them, nulls empty; none of the bank's values has a comma.
fn texts(cells: &Cells<'_>) -> Vec<String> {
    match cells {
        Cells::Number(found) => (0..found.values.len())
            .map(|row| found.value(row).map_or_else(String::new, |value| value.to_string()))
            .collect(),
        Cells::Text(values) => values.iter().map(|cell| cell.unwrap_or("").to_owned()).collect(),
    }
}

#[test]
fn a_version_of_shuffled_labels_is_caught_by_its_difference_from_previous() {
    let Some(calls) = calls() else { return };
    let world = two_versions(&calls, "");
    world.write("shuffled/bank_2008-05.csv", shuffled(&calls.join("bank_2008-05.parquet")));
    world.write("jobs/bank.toml", job(Path::new("shuffled"), FEATURES, ""));
    world.run(["train", "bank", "--tick", "2008-09-01T00:00:02Z", "--no-promote"]).expect(11);
    world.write("jobs/bank.toml", job(&calls, FEATURES, ""));
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
