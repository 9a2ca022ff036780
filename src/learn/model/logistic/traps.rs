//! What linfa-logistic does, and what ours does instead: the reasons why it is not used.
//!
//! Where linfa is asked as well, its answer is asserted too: a test that fails after an upgrade says
//! that linfa has become better, and that this kind should be reconsidered.

use linfa::Dataset;
use linfa::traits::Fit as _;
use linfa_logistic::LogisticRegression;
use ndarray::Array1;

use super::*;

fn wave(step: f64, rows: u32) -> Vec<f64> {
    (0..rows).map(|row| (f64::from(row) * step).sin()).collect()
}

fn fit(
    columns: &[Vec<f64>],
    index: &[u32],
    params: (f64, u64, f64),
) -> Result<FittedModel, FitError> {
    let design = Design::from_columns(columns);
    let count = index.iter().max().map_or(0, |largest| *largest as usize + 1);
    let (alpha, iterations_max, tolerance) = params;
    let params = ModelParams::Logistic { alpha, iterations_max, tolerance };
    let target = if count == 2 { Target::binary(index) } else { Target::multiclass(index, count) };
    Logistic.fit(&params, &Training::new(&design, target), 7)
}

fn weights(model: &FittedModel) -> Vec<(f64, Vec<f64>)> {
    model.model.weights().unwrap()
}

#[test]
fn the_positive_class_does_not_depend_on_the_class_balance() {
    let column = wave(0.37, 1_000);
    for share in [0.3, 0.7] {
        let bound = 1.0 - 2.0 * share;
        let index: Vec<u32> =
            column.iter().map(|x| u32::from(*x + 0.3 * (x * 40.0).sin() > bound)).collect();
        let ours = fit(std::slice::from_ref(&column), &index, (1.0, 1_000, 1e-6)).unwrap();
        assert!(weights(&ours)[0].1[0] > 0.0, "class 1 is where the column is large");

        let records =
            Design::from_columns(std::slice::from_ref(&column)).view().unwrap().to_owned();
        let dataset = Dataset::new(records, Array1::from_vec(index));
        let theirs = LogisticRegression::default().fit(&dataset).unwrap();
        let majority = u32::from(share > 0.5);
        assert_eq!(theirs.labels().pos.class, majority, "linfa's positive class is the majority");
    }
}

#[test]
fn reaching_the_limit_of_iterations_is_an_error() {
    let columns = [wave(0.37, 1_000), wave(1.7, 1_000)];
    let index: Vec<u32> = (0..1_000)
        .map(|row| {
            u32::from(columns[0][row] + columns[1][row] * 0.5 + (row % 5) as f64 * 0.2 > 0.4)
        })
        .collect();
    let told = fit(&columns, &index, (1.0, 1, 1e-9)).unwrap_err().to_string();
    assert!(told.starts_with("kind `logistic` did not converge in 1 iterations"), "{told}");

    let records = Design::from_columns(&columns).view().unwrap().to_owned();
    let dataset = Dataset::new(records, Array1::from_vec(index.clone()));
    let params = LogisticRegression::default().alpha(1.0).gradient_tolerance(1e-8);
    let stopped = params.clone().max_iterations(1).fit(&dataset).unwrap();
    let finished = params.max_iterations(1_000).fit(&dataset).unwrap();
    let gap = (stopped.params()[0] - finished.params()[0]).abs();
    assert!(gap > 0.1, "linfa says Ok though it is {gap} away");
    let ours = fit(&columns, &index, (1.0, 1_000, 1e-8)).unwrap();
    let sign = if finished.labels().pos.class == 1 { 1.0 } else { -1.0 };
    assert!((weights(&ours)[0].1[0] - sign * finished.params()[0]).abs() < 1e-5);
}

#[test]
fn unscaled_columns_converge() {
    let units = [1.0, 1e4, 1e8];
    let plain = [wave(0.37, 3_000), wave(1.7, 3_000), wave(0.9, 3_000)];
    let index: Vec<u32> = (0..3_000usize)
        .map(|row| {
            let at = |column: usize| plain[column][row];
            if row % 11 == 0 {
                return [0, 1, 2][row % 3];
            }
            if at(0) + 0.3 * at(2) > 0.4 {
                2
            } else {
                u32::from(at(1) - 0.5 * at(0) > (row % 3) as f64 * 0.3)
            }
        })
        .collect();
    let large: Vec<Vec<f64>> = plain
        .iter()
        .zip(units)
        .map(|(values, scale)| values.iter().map(|value| scale * (value + 3.0)).collect())
        .collect();
    let params = (0.0, 1_000, 1e-6);
    let (plain, large) =
        (fit(&plain, &index, params).unwrap(), fit(&large, &index, params).unwrap());
    for ((_, plain), (_, large)) in weights(&plain).iter().zip(weights(&large)) {
        for ((plain, large), scale) in plain.iter().zip(large).zip(units) {
            assert!((plain - large * scale).abs() < 1e-3, "{plain} {}", large * scale);
        }
    }
}

#[test]
fn collinear_columns_share_their_weight() {
    let column = wave(0.37, 1_000);
    let index: Vec<u32> =
        (0..1_000).map(|row| u32::from(column[row] + (row % 5) as f64 * 0.2 > 0.4)).collect();
    let constant = vec![2.0; 1_000];
    let twice = [column.clone(), constant, column.iter().map(|value| 5.0 - value).collect()];
    let found = fit(&twice, &index, (1.0, 1_000, 1e-7)).unwrap();
    let (_, found) = &weights(&found)[0];
    assert!((found[0] + found[2]).abs() < 1e-5 && found[1].abs() < f64::MIN_POSITIVE, "{found:?}");
}

#[test]
fn classes_that_can_be_told_apart_need_a_penalty() {
    let column = wave(0.37, 1_000);
    let index: Vec<u32> = column.iter().map(|value| u32::from(*value > 0.2)).collect();
    assert!(fit(std::slice::from_ref(&column), &index, (1e-3, 1_000, 1e-6)).is_ok());
    let told = fit(&[column], &index, (0.0, 25, 1e-12)).unwrap_err().to_string();
    assert!(told.contains("raise `alpha`"), "{told}");
}

#[test]
fn parameters_out_of_range_are_refused() {
    let index = [0, 1, 1, 0];
    let told = |params| fit(&[wave(1.0, 4)], &index, params).unwrap_err().to_string();
    assert_eq!(
        told((-1.0, 9, 1e-6)),
        "parameter `alpha` of kind `logistic` is -1, wanted 0 or more"
    );
    assert_eq!(
        told((f64::NAN, 9, 1e-6)),
        "parameter `alpha` of kind `logistic` is NaN, wanted 0 or more"
    );
    assert_eq!(
        told((1.0, 0, 1e-6)),
        "parameter `max_iterations` of kind `logistic` is 0, wanted 1 or more"
    );
    assert_eq!(
        told((1.0, 9, 0.0)),
        "parameter `tolerance` of kind `logistic` is 0, wanted more than 0"
    );
    let nan = fit(&[vec![1.0, f64::NAN, 2.0, 3.0]], &index, (1.0, 9, 1e-6));
    assert!(matches!(nan, Err(FitError::NotFinite { .. })));
}
