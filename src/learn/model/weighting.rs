//! What weights must mean, whatever the kind: a row of weight 3 is the row three times.
//!
//! linfa's logistic and linear regression take a data set with weights and ignore them; that is shown here as
//! well, so that an upgrade which mends it is noticed.

use linfa::traits::Fit as _;
use ndarray::Array1;
use proptest::prelude::*;

use super::*;
use crate::learn::features::BlockColumn;
use crate::learn::weights::RowWeights;

/// Every kind but trees with each of its tasks and parameters, and how far predictions may be apart. Trees choose
/// between splits of equal gain by the last bit, and have tests of their own in `tree`.
fn cases() -> Vec<(ModelParams, Task, f64)> {
    let logistic = ModelParams::Logistic { alpha: 0.7, iterations_max: 1_000, tolerance: 1e-7 };
    let elastic_net = ModelParams::ElasticNet {
        alpha: 0.05,
        l1_ratio: 0.4,
        iterations_max: 10_000,
        tolerance: 1e-10,
    };
    let bayes = ModelParams::GaussianNb { var_smoothing: 1e-3 };
    vec![
        (logistic, Task::Binary, 1e-5),
        (logistic, Task::Multiclass, 1e-5),
        (ModelParams::Linear, Task::Regression, 1e-9),
        (elastic_net, Task::Regression, 1e-7),
        (bayes, Task::Binary, 1e-9),
        (bayes, Task::Multiclass, 1e-9),
        (ModelParams::Dummy, Task::Binary, 1e-12),
        (ModelParams::Dummy, Task::Multiclass, 1e-12),
        (ModelParams::Dummy, Task::Regression, 1e-12),
    ]
}

/// Rows of two columns, with a class below 3 and a value.
#[derive(Debug, Clone, Default)]
struct Rows {
    columns: [Vec<f64>; 2],
    classes: Vec<u32>,
    values: Vec<f64>,
}

impl Rows {
    fn new(rows: u32, salt: u32) -> Self {
        let wave = |step: f64| -> Vec<f64> {
            (0..rows).map(|row| (f64::from(row + salt) * step).sin()).collect()
        };
        let (a, b) = (wave(0.37), wave(1.7));
        let noise = wave(12.9898);
        let value = |row: usize| 1.0 + 2.0 * a[row] - b[row] + noise[row];
        let values: Vec<f64> = (0..rows as usize).map(value).collect();
        let class = |value: &f64| if *value < 0.5 { 0 } else { 1 + u32::from(*value > 2.0) };
        Self { classes: values.iter().map(class).collect(), columns: [a, b], values }
    }

    /// Every row as often as `counts` says.
    fn repeated(&self, counts: &[u32]) -> Self {
        let places = || {
            let times = |(row, count): (usize, &u32)| vec![row; *count as usize];
            counts.iter().enumerate().flat_map(times)
        };
        let column = |values: &[f64]| places().map(|row| values[row]).collect::<Vec<f64>>();
        Self {
            columns: [column(&self.columns[0]), column(&self.columns[1])],
            classes: places().map(|row| self.classes[row]).collect(),
            values: column(&self.values),
        }
    }

    /// What a model of these rows says of the rows of [`block`].
    fn predictions(&self, params: &ModelParams, task: Task, weights: Option<Vec<f64>>) -> Vec<f64> {
        let weights = weights.and_then(|weights| RowWeights::new(weights).unwrap());
        let design = Design::from_columns(&self.columns).weighted(weights);
        let two: Vec<u32> = self.classes.iter().map(|class| (*class).min(1)).collect();
        let (target, outputs) = match task {
            Task::Binary => (Target::binary(&two), 1),
            Task::Multiclass => (Target::multiclass(&self.classes, 3), 3),
            Task::Regression => (Target::Values(&self.values), 1),
        };
        let kind = kind(params.kind()).unwrap();
        let fitted = kind.fit(params, &Training::new(&design, target), 7).unwrap();
        let mut out = vec![0.0; 3 * outputs];
        fitted.model.predict(&block(), &mut out);
        out
    }
}

fn block() -> Block {
    let column = |column, values: [f64; 3]| BlockColumn::Number { column, values: values.to_vec() };
    Block { rows: 3, columns: vec![column(0, [0.1, -0.9, 2.0]), column(1, [0.4, 0.0, -1.0])] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_weight_of_n_is_the_row_n_times(
        salt in 0u32..10_000,
        counts in prop::collection::vec(1u32..5, 90),
    ) {
        let rows = Rows::new(90, salt);
        let repeated = rows.repeated(&counts);
        for (params, task, within) in cases() {
            let weights = counts.iter().map(|count| f64::from(*count)).collect();
            let weighted = rows.predictions(&params, task, Some(weights));
            let plain = repeated.predictions(&params, task, None);
            for (weighted, plain) in weighted.iter().zip(&plain) {
                let gap = (weighted - plain).abs();
                prop_assert!(gap <= within, "{} ({task}): {gap:e}", params.kind());
            }
        }
    }
}

#[test]
fn weights_are_not_ignored_as_linfa_ignores_them() {
    let rows = Rows::new(400, 3);
    let by_row = |row: u32| if row < 200 { 0.1f32 } else { 10.0 };
    let weights: Vec<f64> = (0..400).map(|row| f64::from(by_row(row))).collect();
    for (params, task, _) in cases() {
        let weighted = rows.predictions(&params, task, Some(weights.clone()));
        let plain = rows.predictions(&params, task, None);
        let moved = weighted.iter().zip(&plain).any(|(a, b)| (a - b).abs() > 1e-4);
        assert!(moved, "{} ({task})", params.kind());
    }

    let records = || Design::from_columns(&rows.columns).view().unwrap().to_owned();
    let f32_weights: Array1<f32> = (0..400).map(by_row).collect();
    let values = || linfa::Dataset::new(records(), Array1::from_vec(rows.values.clone()));
    let linear = linfa_linear::LinearRegression::new();
    let plain = linear.fit(&values()).unwrap();
    let weighted = linear.fit(&values().with_weights(f32_weights.clone())).unwrap();
    assert_eq!(plain.params(), weighted.params(), "linfa-linear knows weights by now: use them");
    let two = || {
        let classes = rows.classes.iter().map(|class| (*class).min(1) as usize).collect();
        linfa::Dataset::new(records(), classes)
    };
    let logistic = linfa_logistic::LogisticRegression::default();
    let plain = logistic.fit(&two()).unwrap();
    let weighted = logistic.fit(&two().with_weights(f32_weights)).unwrap();
    assert_eq!(plain.params(), weighted.params(), "linfa-logistic knows weights by now");
}

#[test]
fn only_the_logistic_penalty_depends_on_the_unit_of_weights() {
    let rows = Rows::new(300, 11);
    let weights = |unit: f64| (0..300).map(|row| unit * f64::from(1 + row % 3)).collect::<Vec<_>>();
    for (params, task, within) in cases() {
        let one = rows.predictions(&params, task, Some(weights(1.0)));
        let many = rows.predictions(&params, task, Some(weights(1e3)));
        let gap = one.iter().zip(&many).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let depends = matches!(params, ModelParams::Logistic { .. });
        assert_eq!(gap > within, depends, "{} ({task}): {gap:e}", params.kind());
    }
}
