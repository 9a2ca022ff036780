//! What holds for every comparison: which test it is, its symmetry, and that it repeats itself.
//!
//! The rows are made for all three tasks at once, from the same labels with independent noise, so that
//! two models of about the same quality disagree on them.

use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::domain::job::Task;
use crate::learn::metric::{METRICS, find};

/// Values against references, and what has none.
mod values;

fn metric(id: &str) -> &'static Metric {
    find(id).unwrap()
}

/// Rows of their own.
fn ids(rows: usize) -> Vec<u64> {
    (0..rows as u64).collect()
}

fn options(ids: &[u64]) -> Options<'_> {
    Options { confidence: 0.95, seed: 7, ids }
}

/// Labels and the predictions of two models of about the same quality, for each task.
struct Rows {
    positive: Vec<bool>,
    class: Vec<u32>,
    label: Vec<f64>,
    binary: [Vec<f64>; 2],
    classes: [Vec<Vec<f64>>; 2],
    numbers: [Vec<f64>; 2],
}

impl Rows {
    fn new(count: usize, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut uniform = || random.gen_range(0.01..0.99);
        let label: Vec<f64> = (0..count).map(|_| uniform()).collect();
        let mut noisy = || label.iter().map(|x| f64::midpoint(*x, uniform())).collect();
        let [one, other, outcome]: [Vec<f64>; 3] = [noisy(), noisy(), noisy()];
        let three = |p: &[f64]| {
            let low: Vec<f64> = p.iter().map(|p| (1.0 - p) * (1.0 - p)).collect();
            let high: Vec<f64> = p.iter().map(|p| p * p).collect();
            let rest = low.iter().zip(&high).map(|(low, high)| 1.0 - low - high).collect();
            vec![low, rest, high]
        };
        Self {
            positive: outcome.iter().map(|x| *x > 0.6).collect(),
            class: outcome.iter().map(|x| u32::from(*x > 0.4) + u32::from(*x > 0.6)).collect(),
            classes: [three(&one), three(&other)],
            numbers: [one.iter().map(|x| x * 1.1).collect(), other.clone()],
            binary: [one, other],
            label,
        }
    }

    /// The truth of a task, and the columns of one of two models.
    fn of(&self, task: Task, model: usize) -> (Truth<'_>, Vec<&[f64]>) {
        match task {
            Task::Binary => {
                (Truth::Binary { truth: &self.positive, threshold: 0.5 }, vec![&self.binary[model]])
            }
            Task::Multiclass => (
                Truth::Multiclass(&self.class),
                self.classes[model].iter().map(Vec::as_slice).collect(),
            ),
            Task::Regression => (Truth::Regression(&self.label), vec![&self.numbers[model]]),
        }
    }

    fn compare(
        &self,
        metric: &'static Metric,
        task: Task,
        models: [usize; 2],
        options: &Options<'_>,
    ) -> Result<Comparison, CompareError> {
        let [candidate, baseline] = models;
        let (truth, columns) = self.of(task, candidate);
        compare(metric, truth, &columns, &self.of(task, baseline).1, options)
    }
}

/// Every metric with every task it is computed for.
fn cases() -> impl Iterator<Item = (&'static Metric, Task)> {
    METRICS.iter().flat_map(|metric| metric.tasks.iter().map(|task| (*metric, *task)))
}

#[test]
fn every_metric_can_be_compared_for_each_of_its_tasks() {
    let rows = Rows::new(200, 1);
    let ids = ids(200);
    for (metric, task) in cases() {
        let found = rows.compare(metric, task, [0, 1], &options(&ids)).unwrap();
        let wanted = match metric.id {
            "roc_auc" => "delong",
            "accuracy" => "mcnemar",
            _ => "bootstrap",
        };
        assert_eq!(found.test, wanted, "{} of {task:?}", metric.id);
        let is_between = found.low <= found.difference && found.difference <= found.high;
        assert!(is_between && found.low < found.high, "{} of {task:?}: {found:?}", metric.id);
        let gain = metric.direction.gain(found.candidate, found.baseline);
        assert!((gain - found.difference).abs() <= 0.0);
        let (error, mde) = (found.standard_error.unwrap(), found.mde.unwrap());
        assert!(error > 0.0 && (mde / error - 2.486_474_86).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn metrics_of_other_tasks_are_refused() {
    let rows = Rows::new(50, 1);
    let ids = ids(50);
    for metric in METRICS {
        for task in [Task::Binary, Task::Multiclass, Task::Regression] {
            if !metric.tasks.contains(&task) {
                let found = rows.compare(metric, task, [0, 1], &options(&ids));
                assert_eq!(found, Err(CompareError::OtherTask { metric: metric.id }));
            }
        }
    }
}

#[test]
fn the_same_predictions_are_no_difference_without_a_doubt() {
    let rows = Rows::new(60, 2);
    let alone = ids(60);
    let grouped: Vec<u64> = alone.iter().map(|id| id / 3).collect();
    for ids in [&alone, &grouped] {
        for (metric, task) in cases() {
            let found = rows.compare(metric, task, [0, 0], &options(ids)).unwrap();
            let numbers = [found.difference, found.low, found.high, found.mde.unwrap()];
            assert!(numbers.iter().all(|number| number.abs() <= 0.0), "{found:?}");
            assert!(found.p_value.is_none_or(|p| p >= 1.0));
        }
    }
}

#[test]
fn threads_make_no_difference_and_seeds_do() {
    let rows = Rows::new(300, 3);
    let ids: Vec<u64> = (0..300).map(|row| row / 4).collect();
    let all = |seed| -> Vec<Comparison> {
        let options = Options { seed, ..options(&ids) };
        cases()
            .map(|(metric, task)| rows.compare(metric, task, [0, 1], &options).unwrap())
            .collect()
    };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| all(7))
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_ne!(one, all(8));
}

#[test]
fn rows_of_one_id_count_less_than_rows_of_their_own() {
    let few = Rows::new(100, 4);
    let repeat =
        |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|value| [*value; 4]).collect() };
    let truth: Vec<bool> = few.positive.iter().flat_map(|positive| [*positive; 4]).collect();
    let truth = Truth::Binary { truth: &truth, threshold: 0.5 };
    let [candidate, baseline] = [repeat(&few.binary[0]), repeat(&few.binary[1])];
    let grouped: Vec<u64> = (0..400).map(|row| row / 4).collect();
    for id in ["log_loss", "accuracy", "roc_auc"] {
        let against = |ids: &[u64]| {
            compare(metric(id), truth, &[&candidate], &[&baseline], &options(ids)).unwrap()
        };
        let (alone, together) = (against(&ids(400)), against(&grouped));
        assert_eq!(together.test, "bootstrap");
        assert!((alone.difference - together.difference).abs() < 1e-15);
        // Four copies of a row are one row, so the error doubles.
        let ratio = together.standard_error.unwrap() / alone.standard_error.unwrap();
        assert!((1.8..2.2).contains(&ratio), "{id}: {ratio}");
    }
}

#[test]
fn a_bootstrap_of_a_mean_is_near_its_normal_interval() {
    let rows = Rows::new(2_000, 5);
    let found =
        rows.compare(metric("log_loss"), Task::Binary, [0, 1], &options(&ids(2_000))).unwrap();
    let loss = |row: usize, model: usize| {
        crate::learn::metric::binary::log_loss(rows.positive[row], rows.binary[model][row])
    };
    let gains: Vec<f64> = (0..2_000).map(|row| loss(row, 1) - loss(row, 0)).collect();
    let moments = crate::learn::profile::moments::Moments::of(&gains);
    let error = (moments.variance_sample().unwrap() / 2_000.0).sqrt();
    assert!((moments.mean - found.difference).abs() < 1e-12);
    let ratio = found.standard_error.unwrap() / error;
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
    let half = 1.644_853_627 * error;
    assert!((found.low - (moments.mean - half)).abs() < 0.1 * half, "{found:?} {half}");
    assert!((found.high - (moments.mean + half)).abs() < 0.1 * half, "{found:?} {half}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn swapping_the_models_mirrors_everything(
        count in 20_usize..120,
        seed in 0_u64..1_000,
        group in 1_u64..3,
    ) {
        let rows = Rows::new(count, seed);
        let ids: Vec<u64> = (0..count as u64).map(|row| row / group).collect();
        for (metric, task) in cases() {
            let one = rows.compare(metric, task, [0, 1], &options(&ids));
            let other = rows.compare(metric, task, [1, 0], &options(&ids));
            let (Ok(one), Ok(other)) = (one, other) else { continue };
            let mirrored = [other.difference, other.high, other.low].map(|x| -x);
            for (found, wanted) in [one.difference, one.low, one.high].iter().zip(mirrored) {
                prop_assert!((found - wanted).abs() < 1e-12, "{} {one:?} {other:?}", metric.id);
            }
            let p = [one.p_value, other.p_value].map(|p| p.unwrap_or(-1.0));
            prop_assert!((p[0] - p[1]).abs() < 1e-12);
        }
    }
}
