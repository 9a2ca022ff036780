//! Fitted models against scikit-learn's, on the wine table, through the code that jobs run through.
//!
//! The numbers are in `data/oracle/models.json`, made by `data/oracle/make_models.py`, which prepares the
//! table by hand in the same way.

/// The same with weights.
mod weighted;

use std::fmt::Write as _;

use serde::Deserialize;

use super::*;
use crate::domain::frame::{Cells, FrameColumn, Numbers};
use crate::domain::job::parse::parse;
use crate::domain::table::{ColumnSchema, ColumnType};
use crate::learn::features::choose;
use crate::learn::model::read_labels;
use crate::learn::split::FittedRows;

const WINE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/wine/red.csv"));
const ORACLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/oracle/models.json"));

#[derive(Deserialize)]
struct Oracle {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    job: String,
    columns: Vec<String>,
    #[serde(default)]
    weights: Vec<Vec<f64>>,
    #[serde(default)]
    intercepts: Vec<f64>,
    log_loss: Option<f64>,
    /// Of the first rows, one class after the other.
    predictions: Vec<f64>,
}

/// The wine table with nulls and two columns of text, as `data/oracle/make_models.py` makes it.
struct Wine {
    names: Vec<String>,
    numbers: Vec<Numbers<'static>>,
    band: Vec<Option<String>>,
    strength: Vec<&'static str>,
}

impl Wine {
    fn read() -> Self {
        let mut lines = WINE.lines();
        let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let rows: Vec<Vec<f64>> =
            lines.map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
        let place = |name: &str| names.iter().position(|known| known == name).unwrap();
        let column = |column: usize| rows.iter().map(|row| row[column]).collect::<Vec<f64>>();
        let numbers = (0..names.len()).map(|place| {
            let is_citric = names[place] == "citric acid";
            let nulls = (0..rows.len()).map(|row| is_citric && row % 13 == 0).collect();
            Numbers { values: column(place).into(), nulls }
        });
        let (sulphates, alcohol) = (column(place("sulphates")), column(place("alcohol")));
        let band = sulphates
            .iter()
            .enumerate()
            .map(|(row, value)| (row % 17 != 0).then(|| format!("s{}", (value * 10.0).floor())));
        let strength = alcohol.iter().map(|value| match value {
            value if *value < 10.0 => "low",
            value if *value < 11.0 => "mid",
            _ => "strong",
        });
        Self {
            numbers: numbers.collect(),
            band: band.collect(),
            strength: strength.collect(),
            names,
        }
    }

    fn frame(&self) -> Frame<'_> {
        let numbers = self
            .names
            .iter()
            .zip(&self.numbers)
            .map(|(name, numbers)| FrameColumn { name, cells: Cells::Number(numbers.clone()) });
        let text = |name, cells| FrameColumn { name, cells: Cells::text(cells) };
        let band = text("band", self.band.iter().map(Option::as_deref).collect::<Vec<_>>());
        let strength = text("strength", self.strength.iter().map(|name| Some(*name)).collect());
        Frame { rows: self.band.len(), columns: numbers.chain([band, strength]).collect() }
    }

    fn schema(&self) -> TableSchema {
        let column = |name: &str, kind| ColumnSchema { name: name.to_owned(), kind };
        let numbers = self.names.iter().map(|name| column(name, ColumnType::Float));
        let text = ["band", "strength"].map(|name| column(name, ColumnType::Text));
        TableSchema { columns: numbers.chain(text).collect() }
    }
}

/// A job from the line that a case has for it.
fn job(line: &str, is_scaled: bool) -> Job {
    let (label, rest) = line.strip_prefix("label = ").unwrap().split_once(' ').unwrap();
    let mut words = rest.split(' ');
    let (task, kind) = (words.next().unwrap(), words.next().unwrap());
    let mut text = format!("name = \"wine\"\n[data]\nsource = \"data/*.csv\"\nlabel = {label}\n");
    let excluded = match label {
        "\"quality_good\"" => "\"strength\"",
        "\"strength\"" => "\"quality_good\", \"alcohol\"",
        _ => "\"quality_good\", \"strength\"",
    };
    let scale = if is_scaled { "standard" } else { "none" };
    writeln!(text, "[features]\nexclude = [{excluded}]\nmax_categories = 4\nscale = \"{scale}\"")
        .unwrap();
    writeln!(text, "[model]\ntask = \"{task}\"\nkind = \"{kind}\"\n[model.params]").unwrap();
    for word in words {
        writeln!(text, "{}", word.replace('=', " = ")).unwrap();
    }
    if kind == "logistic" {
        writeln!(text, "tolerance = 1e-7").unwrap();
    }
    text.push_str("[score]\noutput = \"scores/wine\"\n");
    parse("wine.toml", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
}

fn facts() -> TrainingFacts {
    TrainingFacts {
        model: "wine".to_owned(),
        tick: "2026-01-05T00:00:00Z".to_owned(),
        rows: 1_599,
        rows_test: 0,
        interval_micros: None,
        fitted: FittedRows { span_micros: Some((-1, 1)), random: Some((7, 0.2)) },
        data_sha256: [1; 32],
        job_sha256: [2; 32],
        seed: 7,
        versions: Vec::new(),
    }
}

fn fitted(job: &Job, wine: &Wine) -> (Artifact, Labels) {
    fitted_with(job, wine, None)
}

fn fitted_with(job: &Job, wine: &Wine, weights: Option<Vec<f64>>) -> (Artifact, Labels) {
    let mut table = TrainingTable::new(&wine.schema());
    table.push(&wine.frame()).unwrap();
    let rows: Vec<usize> = (0..table.rows()).collect();
    let label = job.data.label.as_deref().unwrap();
    let labels = read_labels(job.model.task, &table.cells(label, &rows).unwrap()).unwrap().labels;
    let columns = choose(&job.features, &wine.schema(), &[label]).unwrap();
    let examples = Examples { weights, ..Examples::plain(&rows, &labels) };
    let fitted = fit_examples(job, &columns, &table, &examples).unwrap();
    let reference = ReferenceProfile::default();
    (fitted.into_artifact(facts(), wine.schema(), reference), labels)
}

#[track_caller]
fn check_close(what: &str, found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (place, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let gap = (found - wanted).abs();
        assert!(gap <= tolerance, "{what}, {place}: found {found}, wanted {wanted}");
    }
}

/// Mean of the negative log of the probability of the class that each row has.
fn log_loss(scores: &Scores, labels: &Labels) -> f64 {
    let Labels::Classes { index, .. } = labels else { panic!("wanted classes") };
    let of = |(row, class): (usize, &u32)| match scores {
        Scores::Value(shares) => (if *class == 1 { shares[row] } else { 1.0 - shares[row] }).ln(),
        Scores::Classes(columns) => columns[*class as usize][row].ln(),
    };
    -index.iter().enumerate().map(of).sum::<f64>() / index.len() as f64
}

/// How far weights and predictions may be from scikit-learn's.
fn tolerances(case: &Case) -> (f64, f64) {
    match case.job.split(' ').nth(4).unwrap() {
        "logistic" => (1e-5, 1e-6),
        "linear" => (1e-9, 1e-9),
        "elastic_net" => (1e-6, 1e-6),
        "gaussian_nb" => (0.0, 1e-9),
        other => panic!("no tolerance for {other}"),
    }
}

#[test]
fn models_agree_with_scikit_learn() {
    let wine = Wine::read();
    let oracle: Oracle = serde_json::from_str(ORACLE).unwrap();
    assert_eq!(oracle.cases.len(), 9);
    for case in &oracle.cases {
        let is_scaled = !case.name.ends_with("_raw") && !case.name.starts_with("bayes");
        let (artifact, labels) = fitted(&job(&case.job, is_scaled), &wine);
        let (weights_within, predictions_within) = tolerances(case);
        assert_eq!(artifact.features.names(), case.columns, "{}", case.name);
        let scores = artifact.score(&wine.frame()).unwrap();
        let shown = case.predictions.len() / scores.columns().len();
        let found: Vec<f64> =
            scores.columns().iter().flat_map(|column| column[..shown].to_vec()).collect();
        check_close(&case.name, &found, &case.predictions, predictions_within);
        if let Some(wanted) = case.log_loss {
            check_close(&case.name, &[log_loss(&scores, &labels)], &[wanted], 1e-8);
        }
        let weights = artifact.model.weights().unwrap_or_default();
        assert_eq!(weights.len(), case.weights.len(), "{}", case.name);
        for (output, (intercept, found)) in weights.into_iter().enumerate() {
            let (mut wanted, mut base) = (case.weights[output].clone(), 0.0);
            if case.name == "linear" {
                // scikit-learn spreads what the categories share; ours are relative to the most frequent.
                let first = wanted.len() - 6;
                let place = found[first..].iter().position(|weight| *weight == 0.0).unwrap();
                base = wanted[first + place];
                wanted[first..].iter_mut().for_each(|weight| *weight -= base);
            }
            check_close(&case.name, &found, &wanted, weights_within);
            let wanted = [case.intercepts[output] + base];
            check_close(&case.name, &[intercept], &wanted, weights_within * 100.0);
        }
    }
}

#[test]
fn coefficients_are_in_units_of_the_columns() {
    let wine = Wine::read();
    let (artifact, _) = fitted(&job("label = \"alcohol\" regression linear", true), &wine);
    let scores = artifact.score(&wine.frame()).unwrap();
    let coefficients = artifact.coefficients();
    let value = |name: &str| {
        coefficients.iter().find(|known| known.column == name).map(|known| known.value).unwrap()
    };
    for row in [1, 5, 40, 1_000] {
        let mut sum =
            value("(intercept)") + value(&format!("band={}", level(&artifact, &wine, row)));
        for (name, numbers) in wine.names.iter().zip(&wine.numbers) {
            if artifact.features.columns().any(|column| column == name) {
                sum += value(name) * numbers.value(row).unwrap();
            }
        }
        assert!((sum - scores.columns()[0][row]).abs() < 1e-9, "{row}");
    }
}

fn level(artifact: &Artifact, wine: &Wine, row: usize) -> String {
    let own = wine.band[row].clone().unwrap();
    let name = format!("band={own}");
    if artifact.features.names().contains(&name) { own } else { "__other__".to_owned() }
}

#[test]
fn the_other_class_may_be_the_positive_one() {
    let wine = Wine::read();
    let mut job = job("label = \"quality_good\" binary logistic alpha=1.0", true);
    let (one, _) = fitted(&job, &wine);
    job.model.positive = Some("0".to_owned());
    let (zero, _) = fitted(&job, &wine);
    assert_eq!((one.positive_class(), zero.positive_class()), (Some("1"), Some("0")));
    let (ones, zeros) = (one.score(&wine.frame()).unwrap(), zero.score(&wine.frame()).unwrap());
    for (one, zero) in ones.columns()[0].iter().zip(zeros.columns()[0]) {
        assert!((one + zero - 1.0).abs() < 1e-7);
    }
}
