//! Where linfa's trees fail, ours do not: one test each, through the kinds as jobs use them.
//!
//! What linfa 0.8.1 does instead was read in its source and measured; it is no dependency, so that its own
//! answers are not asserted here.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::domain::job::{ModelParams, Split};
use crate::learn::features::{Block, BlockColumn, Design};
use crate::learn::model::{FitError, Kind, Model, Target, Training, kind};
use crate::learn::split::split;

const TREE: ModelParams = ModelParams::DecisionTree { depth_max: 3, leaf_rows_min: 1 };
const DEEP: ModelParams = ModelParams::DecisionTree { depth_max: 64, leaf_rows_min: 1 };
const FOREST: ModelParams =
    ModelParams::RandomForest { trees: 10, depth_max: 32, leaf_rows_min: None, columns: None };
const BOOSTING: ModelParams = ModelParams::GradientBoosting {
    iterations_max: 30,
    learning_rate: 0.3,
    leaves_max: 31,
    depth_max: 64,
    leaf_rows_min: 1,
    l2: 0.0,
    validation: 0.1,
    patience: 10,
};

fn kind_of(params: &ModelParams) -> &'static dyn Kind {
    kind(params.kind()).unwrap()
}

fn try_fit(
    params: &ModelParams,
    columns: &[Vec<f64>],
    target: Target<'_>,
) -> Result<Box<dyn Model>, FitError> {
    let design = Design::from_columns(columns);
    let training = Training::new(&design, target);
    kind_of(params).fit(params, &training, 7).map(|fitted| fitted.model)
}

fn fit(params: &ModelParams, columns: &[Vec<f64>], target: Target<'_>) -> Box<dyn Model> {
    try_fit(params, columns, target).unwrap()
}

fn predict(model: &dyn Model, columns: &[Vec<f64>], outputs: usize) -> Vec<f64> {
    let rows = columns[0].len();
    let column = |(column, values): (usize, &Vec<f64>)| BlockColumn::Number {
        column,
        values: values.clone(),
    };
    let block = Block { rows, columns: columns.iter().enumerate().map(column).collect() };
    let mut out = vec![f64::NAN; rows * outputs];
    model.predict(&block, &mut out);
    out
}

fn noise(row: u32, salt: u32) -> f64 {
    let mixed = (row ^ salt.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
    f64::from((mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35)) / f64::from(u32::MAX)
}

/// linfa: the split is searched in the order of all rows, and 0 of 20 shuffles are fitted.
#[test]
fn eight_cells_are_told_apart_by_three_questions() {
    // The last is parity, of which no single question tells anything.
    for cells in [0b0110_1001u32, 0b1100_1010, 0b0001_0110, 0b1001_0110] {
        for shuffle in 0..20 {
            let mut rows: Vec<u32> = (0..800).map(|row| row % 8).collect();
            rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(shuffle));
            let bit = |power: u32| rows.iter().map(|row| f64::from(row >> power & 1)).collect();
            let columns: [Vec<f64>; 3] = [bit(0), bit(1), bit(2)];
            let index: Vec<u32> = rows.iter().map(|row| cells >> row & 1).collect();
            let model = fit(&TREE, &columns, Target::binary(&index));
            let wanted: Vec<f64> = index.iter().map(|class| f64::from(*class)).collect();
            assert_eq!(predict(model.as_ref(), &columns, 1), wanted, "cells {cells:b}");
            let model = fit(&TREE, &columns, Target::multiclass(&index, 2));
            let shares = predict(model.as_ref(), &columns, 2);
            assert_eq!(shares[800..], wanted, "cells {cells:b}");
        }
    }
}

/// linfa: an absolute tolerance of 1e-5 makes one leaf of such a column.
#[test]
fn a_column_is_told_apart_at_any_scale() {
    let index: Vec<u32> = (0..100).map(|row| u32::from(row >= 50)).collect();
    for scale in [1e-300, 1e-8, 1.0, 1e90] {
        let column: Vec<f64> = (0..100).map(|row| f64::from(row) * scale).collect();
        for params in [TREE, DEEP, FOREST, BOOSTING] {
            let model = fit(&params, std::slice::from_ref(&column), Target::binary(&index));
            let shares = predict(model.as_ref(), std::slice::from_ref(&column), 1);
            assert!(shares[..48].iter().all(|share| *share < 0.1), "{params:?} at {scale}");
            assert!(shares[52..].iter().all(|share| *share > 0.9), "{params:?} at {scale}");
        }
        let values: Vec<f64> =
            index.iter().map(|class| f64::from(*class) * scale.clamp(1e-270, 1e80)).collect();
        let model = fit(&TREE, std::slice::from_ref(&column), Target::Values(&values));
        let found = predict(model.as_ref(), std::slice::from_ref(&column), 1);
        for (found, wanted) in found.iter().zip(&values) {
            assert!((found - wanted).abs() <= wanted * 1e-9, "{found} for {wanted} at {scale}");
        }
    }
}

/// linfa: fits `x <= t` and predicts by `x < t`.
#[test]
fn a_value_on_a_cut_goes_where_it_was_fitted() {
    // Nothing is between neighbours, so that the cut is the smaller one.
    let first = 1.0f64;
    let column: Vec<f64> = (0..64).map(|n| f64::from_bits(first.to_bits() + n)).collect();
    let index: Vec<u32> = (0..64).map(|row| row / 8 % 2).collect();
    let wanted: Vec<f64> = index.iter().map(|class| f64::from(*class)).collect();
    let model = fit(&DEEP, std::slice::from_ref(&column), Target::binary(&index));
    assert_eq!(predict(model.as_ref(), std::slice::from_ref(&column), 1), wanted);
    // Where something is, the cut is the middle, and belongs to the left.
    let model = fit(&TREE, &[vec![1.0, 3.0]], Target::binary(&[0, 1]));
    let asked = [f64::MIN, 1.0, 2.0, 2.0f64.next_up(), 3.0, f64::MAX].to_vec();
    assert_eq!(predict(model.as_ref(), &[asked], 1), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
}

/// linfa: takes NaN without a word.
#[test]
fn missing_values_are_a_side_of_their_own() {
    for missing_class in [0, 1] {
        let rows = 0..300u32;
        let value = |row: u32| if row.is_multiple_of(3) { f64::NAN } else { f64::from(row % 50) };
        let class = |row: u32| match row % 3 {
            0 => missing_class,
            _ => u32::from(row % 50 >= 25),
        };
        let column: Vec<f64> = rows.clone().map(value).collect();
        let index: Vec<u32> = rows.map(class).collect();
        for params in [DEEP, FOREST, BOOSTING] {
            let model = fit(&params, std::slice::from_ref(&column), Target::binary(&index));
            let shares = predict(model.as_ref(), std::slice::from_ref(&column), 1);
            for (share, class) in shares.iter().zip(&index) {
                assert!((share - f64::from(*class)).abs() < 0.1, "{params:?}: {share}");
            }
        }
    }
    // Where training missed none, a missing value goes with the larger part.
    let model = fit(&TREE, &[vec![1.0, 2.0, 3.0, 4.0]], Target::binary(&[0, 1, 1, 1]));
    assert_eq!(predict(model.as_ref(), &[vec![f64::NAN, 1.0]], 1), [1.0, 0.0]);
}

/// linfa: two identical fits differ, in leaves and in the class of a tie.
#[test]
fn identical_fits_are_identical() {
    let rows = 5_000u32;
    let columns: Vec<Vec<f64>> =
        (0..6).map(|salt| (0..rows).map(|row| noise(row, salt)).collect()).collect();
    let index: Vec<u32> = (0..rows).map(|row| row / 3 % 3).collect();
    for params in [DEEP, FOREST, BOOSTING] {
        let bytes = || fit(&params, &columns, Target::multiclass(&index, 3)).encode().unwrap();
        assert!(bytes() == bytes(), "{params:?}");
    }
    let seeded = |seed| {
        let design = Design::from_columns(&columns);
        let training = Training::new(&design, Target::multiclass(&index, 3));
        kind_of(&FOREST).fit(&FOREST, &training, seed).unwrap().model.encode().unwrap()
    };
    assert!(seeded(1) != seeded(2), "another seed draws other rows");
    // A tie is told as one.
    let model = fit(&TREE, &[vec![5.0; 4]], Target::multiclass(&[0, 1, 2, 2], 3));
    assert_eq!(predict(model.as_ref(), &[vec![5.0]], 3), [0.25, 0.25, 0.5]);
}

/// linfa: a tree is kept as nested nodes, of which a reader takes 128 at most.
#[test]
fn a_tree_of_any_depth_is_read_back() {
    // Each value is as large as all before it together, so that every split takes off one row.
    let column: Vec<f64> = (0..60).map(f64::from).collect();
    let values: Vec<f64> = (0..60).map(|power| 4f64.powi(power)).collect();
    let model = fit(&DEEP, std::slice::from_ref(&column), Target::Values(&values));
    let bytes = model.encode().unwrap();
    let slots = Design::from_columns(std::slice::from_ref(&column)).slots().to_vec();
    let back = kind_of(&DEEP).decode(&bytes, &slots, 1).unwrap();
    assert_eq!(back.encode().unwrap(), bytes);
    let found = predict(back.as_ref(), std::slice::from_ref(&column), 1);
    assert_eq!(found, predict(model.as_ref(), std::slice::from_ref(&column), 1));
    assert!((found[59] / values[59] - 1.0).abs() < 1e-12);
}

#[test]
fn what_does_not_vary_is_one_leaf() {
    let columns = [vec![2.0; 50], vec![f64::NAN; 50]];
    let values: Vec<f64> = (0..50).map(|row| f64::from(row) / 49.0).collect();
    for params in [DEEP, FOREST, BOOSTING] {
        let model = fit(&params, &columns, Target::Values(&values));
        let found = predict(model.as_ref(), &[vec![2.0, f64::NAN], vec![f64::NAN, 9.0]], 1);
        assert!(
            found[0].total_cmp(&found[1]).is_eq() && (found[0] - 0.5).abs() < 0.15,
            "{params:?}: {found:?}"
        );
    }
}

#[test]
fn values_that_overflow_are_an_error_and_no_model() {
    let column = vec![1.0, 2.0, 3.0, 4.0];
    let values = [f64::MAX, f64::MAX, -f64::MAX, f64::MAX];
    for params in [DEEP, FOREST, BOOSTING] {
        let found = try_fit(&params, std::slice::from_ref(&column), Target::Values(&values));
        match found {
            Err(FitError::Unfit { .. }) => {}
            Err(other) => panic!("{params:?}: {other}"),
            Ok(model) => {
                let found = predict(model.as_ref(), std::slice::from_ref(&column), 1);
                assert!(found.iter().all(|value| !value.is_nan()), "{params:?}: {found:?}");
            }
        }
    }
}

#[test]
fn rows_held_out_end_growing_and_later_rounds_are_left_out() {
    let rows = 12_000u32;
    let columns = [(0..rows).map(|row| noise(row, 1)).collect::<Vec<f64>>()];
    let index: Vec<u32> = (0..rows)
        .map(|row| u32::from(noise(row, 2) < 0.3 + 0.4 * columns[0][row as usize]))
        .collect();
    let bytes = |validation, rounds| {
        let ModelParams::GradientBoosting {
            learning_rate,
            leaves_max,
            depth_max,
            leaf_rows_min,
            l2,
            patience,
            ..
        } = BOOSTING
        else {
            panic!("wanted boosting")
        };
        let params = ModelParams::GradientBoosting {
            iterations_max: rounds,
            learning_rate,
            leaves_max,
            depth_max,
            leaf_rows_min,
            l2,
            validation,
            patience,
        };
        let design = Design::from_columns(&columns);
        let share = kind_of(&params).stopping_share(&params, design.rows());
        let ids: Vec<u64> = (0..u64::from(rows)).collect();
        let parts = split(&Split::Random { test: share }, 7, &ids, None).ok();
        let design = design.parted(parts);
        let training = Training::new(&design, Target::binary(&index));
        let fitted = kind_of(&params).fit(&params, &training, 7).unwrap();
        fitted.model.encode().unwrap().len()
    };
    assert!(bytes(0.0, 60) > bytes(0.0, 30), "nothing ends growing without rows held out");
    assert_eq!(bytes(0.1, 60), bytes(0.1, 120), "noise is soon all there is");
    assert!(bytes(0.1, 60) < bytes(0.0, 60) / 2);
}
