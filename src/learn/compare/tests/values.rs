//! Values against references and against the metrics themselves, and what has no value.
//!
//! Whatever cannot be compared must say what is missing, because a gate that stays closed shows nothing
//! but that message.

use super::*;
use crate::learn::metric::{MetricError, Resampling, binary, multiclass, regression};

#[track_caller]
fn near(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "{found} is not {wanted}");
}

#[test]
fn values_are_those_of_the_metrics_to_the_last_bit() {
    for count in [40, 60, 333] {
        let alone = Resampling::of_rows(count, 1);
        let rows = Rows::new(count, count as u64);
        let ids = ids(count);
        for (metric, task) in cases() {
            let found = rows.compare(metric, task, [0, 1], &options(&ids)).unwrap();
            let value = |model: usize| {
                let all = match task {
                    Task::Binary => binary(&rows.positive, &rows.binary[model], 0.5, &alone),
                    Task::Multiclass => multiclass(&rows.class, &rows.classes[model], &alone),
                    Task::Regression => regression(&rows.label, &rows.numbers[model], &alone),
                };
                all.unwrap()[metric.id].value.to_bits()
            };
            let bits = [found.candidate.to_bits(), found.baseline.to_bits()];
            assert_eq!(bits, [value(0), value(1)], "{} of {task:?}", metric.id);
        }
    }
}

#[test]
fn the_delong_vector_of_the_statistics_document() {
    let truth: Vec<bool> = (0..10).map(|row| row >= 5).collect();
    let truth = Truth::Binary { truth: &truth, threshold: 0.5 };
    let baseline = [0.1, 0.2, 0.3, 0.4, 0.6, 0.35, 0.5, 0.7, 0.8, 0.9];
    let candidate = [0.2, 0.1, 0.45, 0.3, 0.5, 0.4, 0.55, 0.6, 0.9, 0.8];
    let ids = ids(10);
    // Of fewer rows than a comparison asks for, so the formula is asked itself.
    let pair = Pair::new(metric("roc_auc"), truth, &[&candidate], &[&baseline]).unwrap();
    let found = delong::compare(&pair, &options(&ids)).unwrap();
    near(found.candidate, 0.92, 1e-15);
    near(found.baseline, 0.88, 1e-15);
    near(found.difference, 0.04, 1e-15);
    let error = found.standard_error.unwrap();
    near(error, 0.084_853, 5e-7);
    near(found.difference / error, 0.471_405, 5e-7);
    near(found.p_value.unwrap(), 0.637_352, 5e-7);
    near(found.high, 0.04 + 1.644_853_626_951_472_2 * error, 1e-12);
}

#[test]
fn the_mcnemar_vector_of_the_statistics_document() {
    let scores = |wrong: std::ops::Range<usize>| -> Vec<f64> {
        (0..100).map(|row| if wrong.contains(&row) { 0.1 } else { 0.9 }).collect()
    };
    // Rows 12 to 14 are wrong for the candidate alone, 0 to 11 for the baseline alone.
    let (candidate, baseline) = (scores(12..15), scores(0..12));
    let truth = Truth::Binary { truth: &[true; 100], threshold: 0.5 };
    let ids = ids(100);
    let found =
        compare(metric("accuracy"), truth, &[&candidate], &[&baseline], &options(&ids)).unwrap();
    near(found.p_value.unwrap(), 0.035_156_25, 1e-12);
    near(found.difference, 0.09, 1e-15);
    near(found.low, 0.028_858_241_616_814_894, 1e-12);
    near(found.high, 0.158_763_694_219_679_34, 1e-12);
}

#[test]
fn a_constant_cannot_rank() {
    let rows = Rows::new(200, 6);
    let ids = ids(200);
    let (truth, columns) = rows.of(Task::Binary, 0);
    let found =
        against_constant(metric("roc_auc"), truth, &columns, &[0.3], &options(&ids)).unwrap();
    let alone = Resampling::of_rows(200, 1);
    let own = binary(&rows.positive, &rows.binary[0], 0.5, &alone).unwrap()["roc_auc"];
    near(found.baseline, 0.5, 0.0);
    near(found.difference, own.value - 0.5, 0.0);
    near(
        1.959_963_984_540_054 * found.standard_error.unwrap(),
        own.high.unwrap() - own.value,
        1e-12,
    );
    let (truth, columns) = rows.of(Task::Multiclass, 0);
    let found =
        against_constant(metric("log_loss"), truth, &columns, &[0.4, 0.2, 0.4], &options(&ids));
    assert!(found.unwrap().low > 0.0);
    let (truth, columns) = rows.of(Task::Regression, 0);
    let found = against_constant(metric("r2"), truth, &columns, &[0.5], &options(&ids));
    assert!(found.unwrap().low > 0.0);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let half = [0.5; 20];
    let score: Vec<f64> = (0..20).map(|row| f64::from(row) / 20.0).collect();
    let mixed: Vec<bool> = (0..20).map(|row| row % 2 == 0).collect();
    let ids = ids(20);
    let check = |id: &str, truth: &[bool], candidate: &[f64], wanted: &str| {
        let truth = Truth::Binary { truth, threshold: 0.5 };
        let options = options(&ids[..truth.rows()]);
        let found = compare(metric(id), truth, &[candidate], &[&half[..truth.rows()]], &options);
        assert_eq!(found.unwrap_err().to_string(), wanted);
    };
    let none = "`roc_auc` would rest on 0 rows or ids of the rarest class, wanted at least 10";
    check("roc_auc", &[true; 20], &score, none);
    check("roc_auc", &[], &[], "`roc_auc` of the candidate is not defined on these 0 rows");
    let undefined = "`precision` of the candidate is not defined on these 20 rows";
    check("precision", &mixed, &[0.1; 20], undefined);
    check("log_loss", &mixed, &[f64::NAN; 20], "the candidate cannot be judged");
    check("log_loss", &mixed, &score[1..], "the candidate cannot be judged");
    let one: Vec<bool> = (0..20).map(|row| row == 3).collect();
    let few = "`roc_auc` would rest on 1 rows or ids of the rarest class, wanted at least 10";
    check("roc_auc", &one, &score, few);
    // What the models say is looked at before how much there is to compare.
    check("roc_auc", &one, &[f64::NAN; 20], "the candidate cannot be judged");
}

#[test]
fn uneven_and_unusable_input_is_named() {
    let rows = Rows::new(20, 8);
    let ids = ids(20);
    let (truth, columns) = rows.of(Task::Regression, 0);
    let with = |options: Options<'_>| {
        compare(metric("mae"), truth, &columns, &columns, &options).unwrap_err()
    };
    for confidence in [0.5, 1.0, f64::NAN] {
        let message = with(Options { confidence, ..options(&ids) }).to_string();
        assert!(message.contains("wanted a number above 0.5 and below 1"), "{message}");
    }
    assert_eq!(with(options(&ids[1..])), CompareError::Ids { rows: 20, ids: 19 });
    let found = compare(metric("mae"), truth, &columns, &[], &options(&ids));
    let wanted = CompareError::Columns { side: Side::Baseline, wanted: 1, found: 0 };
    assert_eq!(found, Err(wanted));
    let short = &columns[0][1..];
    let found = compare(metric("mae"), truth, &columns, &[short], &options(&ids));
    let source = MetricError::Uneven { truths: 20, predictions: 19 };
    assert_eq!(found, Err(CompareError::Predictions { side: Side::Baseline, source }));
}

#[test]
fn a_metric_that_most_resamples_leave_undefined_has_no_interval() {
    // Each model decides one row positive, another one, and it is missing from e^-1 of the replicates: both
    // rows are there in (1 - e^-1)^2 = 40 %.
    let truth: Vec<bool> = (0..40).map(|row| row % 2 == 0).collect();
    let only = |decided: usize| -> Vec<f64> {
        (0..40).map(|row| if row == decided { 0.9 } else { 0.1 }).collect()
    };
    let truth = Truth::Binary { truth: &truth, threshold: 0.5 };
    let ids = ids(40);
    let found = compare(metric("precision"), truth, &[&only(0)], &[&only(3)], &options(&ids));
    let Err(CompareError::NoInterval { metric, defined, .. }) = found else {
        panic!("{found:?}");
    };
    assert!(metric == "precision" && (700..900).contains(&defined), "{defined}");
}
