//! Models fitted with weights against scikit-learn's with `sample_weight`.
//!
//! The numbers are in `data/oracle/weights.json`, made by `data/oracle/make_weights.py`.

use super::*;

const WEIGHTED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/oracle/weights.json"));

#[derive(Deserialize)]
struct Weighted {
    cases: Vec<WeightedCase>,
}

#[derive(Deserialize)]
struct WeightedCase {
    name: String,
    job: String,
    scaled: bool,
    #[serde(default)]
    weights: Vec<Vec<f64>>,
    #[serde(default)]
    intercepts: Vec<f64>,
    predictions: Vec<f64>,
}

/// The weights, as `data/oracle/make_weights.py` makes them.
fn weights() -> Vec<f64> {
    let weight = |row: u32| {
        let extra = if row % 40 == 3 { 30.0 } else { 0.0 };
        0.25 + f64::from(row * 7 % 11) / 4.0 + extra
    };
    (0..1_599).map(weight).collect()
}

#[test]
fn weighted_models_agree_with_scikit_learn() {
    let wine = Wine::read();
    let oracle: Weighted = serde_json::from_str(WEIGHTED).unwrap();
    assert_eq!(oracle.cases.len(), 8);
    for case in &oracle.cases {
        let job = job(&case.job, case.scaled);
        let (artifact, _) = fitted_with(&job, &wine, Some(weights()));
        let (weights_within, predictions_within) = match job.model.params.kind() {
            "logistic" => (1e-5, 1e-6),
            "elastic_net" => (1e-6, 1e-6),
            "gaussian_nb" => (0.0, 1e-7),
            _ => (1e-9, 1e-9),
        };
        let scores = artifact.score(&wine.frame()).unwrap();
        let shown = case.predictions.len() / scores.columns().len();
        let found: Vec<f64> =
            scores.columns().iter().flat_map(|column| column[..shown].to_vec()).collect();
        check_close(&case.name, &found, &case.predictions, predictions_within);
        let weights = artifact.model.weights().unwrap_or_default();
        assert_eq!(weights.len(), case.weights.len(), "{}", case.name);
        // Of collinear columns scikit-learn's least squares shares out what ours gives to one.
        if case.name == "linear" {
            continue;
        }
        for (output, (intercept, found)) in weights.into_iter().enumerate() {
            check_close(&case.name, &found, &case.weights[output], weights_within);
            let wanted = [case.intercepts[output]];
            check_close(&case.name, &[intercept], &wanted, weights_within * 100.0);
        }
    }
}

#[test]
fn a_row_of_weight_0_is_not_there_and_weights_of_1_change_no_byte() {
    let wine = Wine::read();
    for line in [
        "label = \"quality_good\" binary logistic alpha=1.0",
        "label = \"strength\" multiclass gaussian_nb",
        "label = \"alcohol\" regression linear",
        "label = \"alcohol\" regression elastic_net alpha=0.1",
        "label = \"alcohol\" regression dummy",
    ] {
        let job = job(line, true);
        let bytes =
            |weights: Option<Vec<f64>>| fitted_with(&job, &wine, weights).0.encode().unwrap();
        assert!(bytes(None) == bytes(Some(vec![1.0; 1_599])), "{line}");

        let mut table = TrainingTable::new(&wine.schema());
        table.push(&wine.frame()).unwrap();
        let label = job.data.label.as_deref().unwrap();
        let columns = choose(&job.features, &wine.schema(), &[label]).unwrap();
        let fit_of = |rows: &[usize], weights: Option<Vec<f64>>| {
            let cells = table.cells(label, rows).unwrap();
            let labels = read_labels(job.model.task, &cells).unwrap().labels;
            let examples = Examples { weights, ..Examples::plain(rows, &labels) };
            fit_examples(&job, &columns, &table, &examples)
        };
        let all: Vec<usize> = (0..1_599).collect();
        let some: Vec<usize> = all.iter().copied().filter(|row| row % 3 > 0).collect();
        let zeros = all.iter().map(|row| if row % 3 > 0 { 1.0 } else { 0.0 }).collect();
        let (kept, zeroed) = (fit_of(&some, None).unwrap(), fit_of(&all, Some(zeros)).unwrap());
        assert_eq!(kept.features, zeroed.features);
        assert!(kept.model.encode().unwrap() == zeroed.model.encode().unwrap(), "{line}");

        let nothing = fit_of(&all, Some(vec![0.0; 1_599])).unwrap_err();
        assert!(matches!(nothing, TrainError::Weight(WeightError::AllZero { rows: 1_599 })));
        let ragged = fit_of(&all, Some(vec![1.0])).unwrap_err().to_string();
        assert_eq!(ragged, "found 1 weights for 1599 training rows, wanted one for each");
    }
}
