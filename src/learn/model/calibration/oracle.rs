//! Maps against scikit-learn's `CalibratedClassifierCV`, fitted to the same predictions.
//!
//! The numbers are in `data/oracle/calibration.json`, made by `data/oracle/make_calibration.py`.

use serde::Deserialize;

use super::*;

const ORACLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/oracle/calibration.json"));

#[derive(Deserialize)]
struct Oracle {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    method: String,
    /// One column for each output.
    predictions: Vec<Vec<f64>>,
    index: Vec<u32>,
    weights: Option<Vec<f64>>,
    asked: Vec<Vec<f64>>,
    wanted: Vec<Vec<f64>>,
}

#[test]
fn calibrated_probabilities_agree_with_scikit_learn() {
    let oracle: Oracle = serde_json::from_str(ORACLE).unwrap();
    assert_eq!(oracle.cases.len(), 8);
    for (place, case) in oracle.cases.iter().enumerate() {
        let method = Calibrate::parse(&case.method).unwrap();
        let found =
            Calibration::fit(method, &case.predictions, &case.index, case.weights.as_deref());
        let mut out = case.asked.concat();
        found.apply(&mut out, case.asked[0].len());
        let wanted = case.wanted.concat();
        let gaps = out.iter().zip(&wanted).map(|(found, wanted)| (found - wanted).abs());
        let gap = gaps.fold(0.0, f64::max);
        let within = if method == Calibrate::Platt { 1e-6 } else { 1e-12 };
        assert!(gap <= within, "case {place}, {}: {gap:e}", case.method);
    }
}
