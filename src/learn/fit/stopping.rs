//! Boosting is told when to stop by rows as far from those it is fitted to as the rows it is judged by.
//!
//! Sixty rows of one customer have the same label, which follows from nothing but who it is: a model that
//! is stopped by other rows of the same customers learns them all by heart.

use super::*;
use crate::domain::frame::{Cells, FrameColumn, Numbers};
use crate::domain::job::parse::parse;
use crate::domain::job::{Split, TestSize};
use crate::domain::table::{ColumnSchema, ColumnType};
use crate::learn::features::choose;

const ROWS: usize = 12_000;
const ROWS_OF_CUSTOMER: usize = 60;

fn job(split: &str) -> Job {
    let text = format!(
        "name = \"by_heart\"\n[data]\nsource = \"data/*.csv\"\nlabel = \"y\"\ntime = \"at\"\n[features]\n\
         numeric = [\"x\"]\n[model]\ntask = \"binary\"\nkind = \"gradient_boosting\"\n\
         [score]\noutput = \"scores\"\n[train]\nsplit = {split}\n"
    );
    parse("by_heart.toml", text.as_bytes()).unwrap()
}

/// A number below 1,000 that looks drawn.
fn drawn(customer: usize, salt: usize) -> usize {
    (customer + 1) * (customer + salt) * 7_919 % 997
}

/// How many bytes the model of these rows has, and what the fit warns of.
fn size(job: &Job, ids: Vec<u64>, times: Option<Vec<i64>>) -> (usize, Vec<String>) {
    let x = (0..ROWS).map(|row| drawn(row / ROWS_OF_CUSTOMER, 3) as f64).collect::<Vec<f64>>();
    let schema = TableSchema {
        columns: vec![ColumnSchema { name: "x".to_owned(), kind: ColumnType::Float }],
    };
    let cells = Cells::Number(Numbers { values: x.into(), nulls: Vec::new() });
    let mut table = TrainingTable::new(&schema);
    table.push(&Frame { rows: ROWS, columns: vec![FrameColumn { name: "x", cells }] }).unwrap();
    let index = (0..ROWS).map(|row| u32::from(drawn(row / ROWS_OF_CUSTOMER, 11) < 498)).collect();
    let labels = Labels::Classes { names: vec!["no".to_owned(), "yes".to_owned()], index };
    let rows: Vec<usize> = (0..ROWS).collect();
    let examples = Examples { rows, labels, weights: None, ids, times };
    let columns = choose(&job.features, &schema, &[]).unwrap();
    let fitted = fit_examples(job, &columns, &table, &examples).unwrap();
    (fitted.model.encode().unwrap().len(), fitted.warnings)
}

#[test]
fn rows_of_one_id_do_not_tell_when_to_stop_on_the_others() {
    let job = job("{ by = \"random\", test = 0.2 }");
    let (by_row, _) = size(&job, (0..ROWS as u64).collect(), None);
    let customers = (0..ROWS).map(|row| (row / ROWS_OF_CUSTOMER) as u64).collect();
    let (by_customer, _) = size(&job, customers, None);
    assert!(by_customer * 4 < by_row, "{by_customer} and {by_row} bytes");
}

#[test]
fn later_rows_tell_when_to_stop_where_the_split_is_by_time() {
    let job = job("{ by = \"time\", test = 0.2 }");
    let ids: Vec<u64> = (0..ROWS as u64).collect();
    let (by_row, _) = size(&job, ids.clone(), None);
    // Customers come one after the other, so the newest rows are of other customers.
    let (by_time, told) = size(&job, ids.clone(), Some((0..12_000).collect()));
    assert!(by_time * 4 < by_row, "{by_time} and {by_row} bytes");
    assert_eq!(told, [""; 0]);
    let (_, told) = size(&job, ids, Some(vec![7; ROWS]));
    assert_eq!(told, [NOTHING_STOPS]);
}

#[test]
fn what_is_held_out_keeps_the_gap_and_leaves_enough_to_fit_to() {
    let rows: Vec<usize> = (0..100).collect();
    let labels = Labels::Values(vec![0.0; 100]);
    let plain = Examples::plain(&rows, &labels);
    let by_time =
        Split::Time { test: TestSize::Share(0.2), gap: jiff::SignedDuration::from_micros(5) };
    let at = |times: Vec<i64>| Examples { times: Some(times), ..plain.clone() };
    let found = at((0..100).collect()).for_stopping(&by_time, 7, 0.1).unwrap();
    assert_eq!((found.train, found.test), ((0..85).collect(), (90..100).collect()));
    // Nearly all rows are of the newest instant.
    let newest = (0..100).map(|row| i64::from(row > 10)).collect();
    assert_eq!(at(newest).for_stopping(&by_time, 7, 0.1), None);
    let random = Split::Random { test: 0.2 };
    let found = plain.for_stopping(&random, 7, 0.5).unwrap();
    assert!((35..65).contains(&found.test.len()), "{found:?}");
    // Of the rows that a random split of the same seed leaves, some are held out all the same.
    let left = split_of(&plain, &random);
    assert!(left.for_stopping(&random, 7, 0.1).is_some_and(|found| !found.test.is_empty()));
}

fn split_of(examples: &Examples, split: &Split) -> Examples {
    let found = crate::learn::split::split(split, 7, &examples.ids, None).unwrap();
    examples.gather(&found.train)
}
