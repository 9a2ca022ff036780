//! linfa-ftrl 0.8.1 beside ours.
//!
//! Where the two are one algorithm they agree; where linfa's is not what a nightly training needs, the tests show
//! what it does and that ours does not.

use linfa::traits::{FitWith as _, Predict as _};
use linfa::{DatasetBase, ParamGuard as _};
use linfa_ftrl::Ftrl as Theirs;
use ndarray::{Array1, Array2};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::*;
use crate::learn::weights::RowWeights;

const RATES: Rates = Rates { alpha: 0.1, beta: 1.0, l1: 0.2, l2: 0.3 };

/// Columns from -1 to 1, of which the first tells the class, mostly, and the last is 0 in every row.
fn columns(rows: u32) -> Vec<Vec<f64>> {
    let value = |row: u32, salt: u32| f64::from(row.wrapping_mul(salt) % 997) / 498.0 - 1.0;
    let of = |salt: u32| (0..rows).map(|row| value(row, salt)).collect();
    vec![of(31), of(71), vec![0.0; rows as usize]]
}

fn classes(columns: &[Vec<f64>]) -> Vec<u32> {
    let rows = columns[0].iter().zip(&columns[1]);
    rows.map(|(one, other)| u32::from(one + other / 4.0 > 0.1)).collect()
}

fn fit(columns: &[Vec<f64>], classes: &[u32]) -> State {
    let design = Design::from_columns(columns);
    RATES.fit(&Training::new(&design, Target::binary(classes))).unwrap()
}

fn theirs(seed: u64) -> linfa_ftrl::FtrlParams<f64, Xoshiro256Plus> {
    Theirs::params_with_rng(Xoshiro256Plus::seed_from_u64(seed))
        .alpha(RATES.alpha)
        .beta(RATES.beta)
        .l1_ratio(RATES.l1)
        .l2_ratio(RATES.l2)
}

fn table(columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| {
        columns[column][rows.start + row]
    })
}

fn truth(classes: &[u32], rows: std::ops::Range<usize>) -> Array1<bool> {
    classes[rows].iter().map(|class| *class == 1).collect()
}

#[test]
fn from_the_same_start_and_row_by_row_the_two_agree() {
    let columns = columns(500);
    let classes = classes(&columns);
    let params = theirs(7).check().unwrap();
    let none = DatasetBase::new(table(&columns, 0..0), truth(&classes, 0..0));
    let mut model = params.fit_with(None, &none).unwrap();
    let start = model.z().to_vec();
    assert!(start.iter().any(|part| *part != 0.0), "linfa's start is random: {start:?}");
    // Ours from that start, without an intercept: one that learns nothing has infinite squares.
    let leanings = [start.as_slice(), &[0.0]].concat();
    let mut own = State { rates: RATES, leanings, squares: vec![0.0, 0.0, 0.0, f64::MAX] };
    for row in 0..500 {
        let one = DatasetBase::new(table(&columns, row..row + 1), truth(&classes, row..row + 1));
        model = params.fit_with(Some(model), &one).unwrap();
        let mut entries = (0..3).map(|column| (column, columns[column][row], 0.0)).collect();
        own.learn(&mut entries, f64::from(classes[row]), 1.0);
        own.leanings[3] = 0.0;
    }
    let weights = model.get_weights();
    for (place, wanted) in weights.iter().enumerate() {
        // Their probabilities are f32.
        assert!(
            (own.weight(place) - wanted).abs() < 1e-6,
            "{place}: {} {wanted}",
            own.weight(place)
        );
    }
    assert!(weights[2] != 0.0, "a column of zeros has learned nothing, and weighs {}", weights[2]);
}

#[test]
fn a_table_is_many_steps_and_starts_from_nothing() {
    let columns = columns(2_000);
    let classes = classes(&columns);
    let right = |probabilities: &mut dyn Iterator<Item = f64>| {
        let hits = probabilities.zip(&classes).filter(|(p, class)| (*p > 0.5) == (**class == 1));
        hits.count() as f64 / 2_000.0
    };
    let whole = DatasetBase::new(table(&columns, 0..2_000), truth(&classes, 0..2_000));
    let [one, other] = [1, 2].map(|seed| {
        let model = theirs(seed).check().unwrap().fit_with(None, &whole).unwrap();
        let share = right(&mut model.predict(&whole).iter().map(|p| f64::from(**p)));
        (model.get_weights(), share)
    });
    assert_ne!(one.0, other.0, "linfa's fit depends on the seed");
    let state = fit(&columns, &classes);
    assert_eq!(state, fit(&columns, &classes));
    assert_eq!(state.weight(2).to_bits(), 0.0f64.to_bits(), "a column of zeros weighs nothing");
    let model = Learned::new(state);
    let column = |(column, values): (usize, &Vec<f64>)| {
        crate::learn::features::BlockColumn::Number { column, values: values.clone() }
    };
    let block = Block { rows: 2_000, columns: columns.iter().enumerate().map(column).collect() };
    let mut found = vec![0.0; 2_000];
    model.predict(&block, &mut found);
    let own = right(&mut found.into_iter());
    assert!(own > 0.95 && own > one.1 + 0.01, "ours {own}, linfa's in one step {}", one.1);
}

#[test]
fn learning_on_is_learning_all_at_once_to_the_last_bit() {
    let columns = columns(900);
    let classes = classes(&columns);
    // Weights whose means differ between portions, and which no division by a mean would bring back.
    let weights: Vec<f64> = (0..900u32).map(|row| f64::from(row % 17 + 1) / 7.0).collect();
    let design = Design::from_columns(&columns).weighted(RowWeights::new(weights.clone()).unwrap());
    let whole = RATES.fit(&Training::new(&design, Target::binary(&classes))).unwrap();
    assert_ne!(whole, fit(&columns, &classes), "weights count");
    for cut in [0, 1, 450, 899, 900] {
        let part = |rows: std::ops::Range<usize>| {
            let cut: Vec<Vec<f64>> =
                columns.iter().map(|column| column[rows.clone()].to_vec()).collect();
            let own = RowWeights::new(weights[rows.clone()].to_vec()).unwrap();
            (Design::from_columns(&cut).weighted(own), classes[rows].to_vec())
        };
        let ((first, known), (second, new)) = (part(0..cut), part(cut..900));
        let params = ModelParams::Ftrl { alpha: 0.1, beta: 1.0, l1: 0.2, l2: 0.3 };
        let before = RATES.fit(&Training::new(&first, Target::binary(&known))).unwrap();
        let before = Learned::new(before);
        let training = Training::new(&second, Target::binary(&new));
        let found = Ftrl.resume(&params, &before, &training).unwrap().unwrap();
        assert_eq!(found.model.encode().unwrap(), postcard::to_stdvec(&whole).unwrap(), "{cut}");
        let other = ModelParams::Ftrl { alpha: 0.2, beta: 1.0, l1: 0.2, l2: 0.3 };
        assert!(Ftrl.resume(&other, &before, &training).is_none(), "other parameters begin anew");
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let check = |rates: Rates, name: &str| {
        let told = FtrlParams(rates).check().unwrap_err().to_string();
        assert!(told.contains(&format!("`{name}`")), "{told}");
    };
    check(Rates { alpha: 0.0, ..RATES }, "alpha");
    check(Rates { beta: -1.0, ..RATES }, "beta");
    check(Rates { l1: f64::NAN, ..RATES }, "l1");
    check(Rates { l2: f64::INFINITY, ..RATES }, "l2");
}
