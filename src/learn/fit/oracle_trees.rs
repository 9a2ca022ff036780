//! Kinds made of trees against scikit-learn's, on made-up rows, through the code that jobs run through.
//!
//! Trees are drawn, so that no two libraries grow the same: what must agree is how well rows are predicted
//! that were not fitted. The numbers are in `data/oracle/trees.json`, made by `data/oracle/make_trees.py`,
//! which makes the same rows.

use serde::Deserialize;

use super::*;
use crate::domain::frame::{Cells, FrameColumn, Numbers};
use crate::domain::job::parse::parse;
use crate::domain::table::{ColumnSchema, ColumnType};
use crate::learn::features::choose;
use crate::learn::model::read_labels;
use crate::learn::split::FittedRows;

const ORACLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/oracle/trees.json"));

const ROWS: u32 = 9_000;
const TRAIN: usize = 6_000;
/// How much of scikit-learn's metric may be missing.
const SHORT_MAX: f64 = 0.005;
/// Seeds over which the metric is averaged.
const SEEDS: u64 = 3;

#[derive(Deserialize)]
struct Oracle {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    task: String,
    label: String,
    /// The area under the ROC curve, or R² of the value, or of the indicators of classes.
    metric: f64,
}

/// A number from 0 to 1, by a hash of 32 bits.
fn noise(row: u32, salt: u32) -> f64 {
    let mut mixed = (row ^ salt.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85eb_ca6b);
    f64::from(mixed ^ (mixed >> 15)) / f64::from(u32::MAX)
}

/// The names and values of all columns.
fn columns() -> Vec<(&'static str, Vec<f64>)> {
    const EFFECTS: [f64; 12] = [0.9, -0.4, 0.1, -1.0, 0.5, 0.0, -0.7, 0.8, -0.2, 0.3, 1.0, -0.9];
    let names = ["x0", "x1", "x2", "x3", "x4", "city", "value", "two", "three"];
    let mut out: Vec<(&str, Vec<f64>)> = names.map(|name| (name, Vec::new())).to_vec();
    for row in 0..ROWS {
        let x = [1, 2, 3, 4, 5].map(|salt| noise(row, salt));
        let city = (noise(row, 6) * 12.0).floor();
        let effect =
            EFFECTS.iter().zip(0u32..).find(|(_, code)| f64::from(*code) >= city).unwrap().0;
        let is_gap = noise(row, 7) < 0.1;
        let step = if x[3] > 0.7 { 2.0 } else { 0.0 };
        let last = if is_gap { 1.0 } else { x[4] };
        let signal = 3.0 * x[0] * x[1] + (x[2] - 0.5).abs() * 4.0 - step + effect + last;
        let value = signal + 2.0 * (noise(row, 8) + noise(row, 9) - 1.0);
        let two = f64::from(u8::from(value > 2.0));
        let three = f64::from(u8::from(value >= 1.0) + u8::from(value >= 2.5));
        let last = if is_gap { f64::NAN } else { x[4] };
        let cells = [x[0], x[1], x[2], x[3], last, city, value, two, three];
        out.iter_mut().zip(cells).for_each(|((_, column), cell)| column.push(cell));
    }
    out
}

fn frame(columns: &[(&'static str, Vec<f64>)], from: usize) -> Frame<'static> {
    let column = |(name, values): &(&'static str, Vec<f64>)| {
        let values = values[from..].to_vec().into();
        FrameColumn { name, cells: Cells::Number(Numbers { values, nulls: Vec::new() }) }
    };
    Frame { rows: ROWS as usize - from, columns: columns.iter().map(column).collect() }
}

/// The scores of the rows that were not fitted, one column for each output.
fn scores(case: &Case, columns: &[(&'static str, Vec<f64>)], seed: u64) -> Vec<Vec<f64>> {
    let Case { kind, task, label, .. } = case;
    let text = format!(
        "name = \"made_up\"\n[data]\nsource = \"data/*.csv\"\nlabel = \"{label}\"\n[features]\n\
         numeric = [\"x0\", \"x1\", \"x2\", \"x3\", \"x4\"]\ncategorical = [\"city\"]\n[model]\n\
         task = \"{task}\"\nkind = \"{kind}\"\n[score]\noutput = \"scores\"\n[train]\nseed = {seed}\n"
    );
    let job = parse("made_up.toml", text.as_bytes()).unwrap();
    let schema = TableSchema {
        columns: columns
            .iter()
            .map(|(name, _)| ColumnSchema { name: (*name).to_owned(), kind: ColumnType::Float })
            .collect(),
    };
    let mut table = TrainingTable::new(&schema);
    table.push(&frame(columns, 0)).unwrap();
    let rows: Vec<usize> = (0..TRAIN).collect();
    let labels = read_labels(job.model.task, &table.cells(label, &rows).unwrap()).unwrap().labels;
    let chosen = choose(&job.features, &schema, &[label]).unwrap();
    let fitted = fit(&job, &chosen, &table, &rows, &labels).unwrap();
    let facts = TrainingFacts {
        model: "made_up".to_owned(),
        tick: "2026-01-05T00:00:00Z".to_owned(),
        rows: TRAIN as u64,
        rows_test: 0,
        interval_micros: None,
        fitted: FittedRows { span_micros: None, random: None },
        data_sha256: [1; 32],
        job_sha256: [2; 32],
        seed,
        versions: Vec::new(),
    };
    let artifact = fitted.into_artifact(facts, schema, ReferenceProfile::default());
    let scores = artifact.score(&frame(columns, TRAIN)).unwrap();
    scores.columns().into_iter().map(<[f64]>::to_vec).collect()
}

/// 1 − the squares about the scores, divided by those about the mean.
fn r_squared(pairs: &[(f64, f64)]) -> (f64, f64) {
    let mean = pairs.iter().map(|(wanted, _)| wanted).sum::<f64>() / pairs.len() as f64;
    let about_score = pairs.iter().map(|(wanted, found)| (wanted - found).powi(2)).sum();
    let about_mean = pairs.iter().map(|(wanted, _)| (wanted - mean).powi(2)).sum();
    (about_score, about_mean)
}

fn metric(task: &str, labels: &[f64], scores: &[Vec<f64>]) -> f64 {
    if task == "binary" {
        let (mut above, mut pairs) = (0.0, 0.0);
        for (row, score) in scores[0].iter().enumerate().filter(|(row, _)| labels[*row] > 0.5) {
            assert!(labels[row] < 1.5);
            for (_, other) in labels.iter().zip(&scores[0]).filter(|(label, _)| **label < 0.5) {
                pairs += 1.0;
                above +=
                    if score > other { 1.0 } else { f64::from(u8::from(score >= other)) / 2.0 };
            }
        }
        return above / pairs;
    }
    let mut sums = (0.0, 0.0);
    for (class, column) in (0u8..).zip(scores) {
        let wanted = |label: &f64| match task {
            "regression" => *label,
            _ => f64::from(u8::from((label - f64::from(class)).abs() < 0.5)),
        };
        let pairs: Vec<(f64, f64)> =
            labels.iter().map(wanted).zip(column.iter().copied()).collect();
        let (about_score, about_mean) = r_squared(&pairs);
        sums = (sums.0 + about_score, sums.1 + about_mean);
    }
    1.0 - sums.0 / sums.1
}

#[test]
fn rows_held_out_are_predicted_as_well_as_by_scikit_learn() {
    let oracle: Oracle = serde_json::from_str(ORACLE).unwrap();
    assert_eq!(oracle.cases.len(), 9);
    let columns = columns();
    for case in &oracle.cases {
        let (_, labels) = columns.iter().find(|(name, _)| *name == case.label).unwrap();
        let of = |seed| metric(&case.task, &labels[TRAIN..], &scores(case, &columns, seed));
        let found = (1..=SEEDS).map(of).sum::<f64>() / SEEDS as f64;
        let (kind, task, wanted) = (&case.kind, &case.task, case.metric);
        assert!(found >= wanted * (1.0 - SHORT_MAX), "{kind}, {task}: {found}, wanted {wanted}");
        assert!(found < 0.95, "{kind}, {task}: {found} is more than the noise leaves");
    }
}
