//! The same rows give the same bytes, at any number of threads and however they are batched.
//!
//! Scores must also be what they claim: probabilities between 0 and 1 that add up to 1.

use super::sample::{FITS, Sample};
use crate::domain::job::{Calibrate, ClassWeight, Job};
use crate::learn::artifact::{Artifact, Scores};
use crate::learn::fit::Examples;
use crate::learn::fit::calibrate::FOLDS;
use crate::learn::table::TrainingTable;

/// Enough rows for several lanes and many blocks.
const ROWS: u32 = 30_011;

fn bits(scores: &Scores) -> Vec<u64> {
    scores.columns().iter().flat_map(|column| column.iter().map(|score| score.to_bits())).collect()
}

/// The artifact and the scores of `job`, which are the same at any number of threads.
#[track_caller]
fn same_bytes(sample: &Sample, job: &Job) -> (Vec<u8>, Vec<u64>) {
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let artifact = sample.artifact_of(job);
            (artifact.encode().unwrap(), bits(&artifact.score(&sample.frame()).unwrap()))
        })
    };
    let (kind, task) = (job.model.params.kind(), job.model.task.id());
    let (bytes, scores) = with_threads(1);
    for threads in [2, 8] {
        let (other_bytes, other_scores) = with_threads(threads);
        assert!(bytes == other_bytes, "artifact of {kind} ({task}) at {threads} threads");
        assert!(scores == other_scores, "scores of {kind} ({task}) at {threads} threads");
    }
    (bytes, scores)
}

#[test]
fn artifacts_and_scores_are_the_same_bytes_at_any_number_of_threads() {
    let sample = Sample::new(ROWS);
    for (label, task, kind) in FITS {
        same_bytes(&sample, &Sample::job(label, task, kind));
    }
}

/// A job with weights (some of them 0), balanced classes and calibration.
fn calibrated(label: &str, task: &str, kind: &str, method: Calibrate) -> Job {
    let mut job = Sample::job(label, task, kind);
    job.data.weight = Some("code".to_owned());
    job.model.class_weight = ClassWeight::Balanced;
    job.model.calibrate = Some(method);
    job
}

#[test]
fn weighted_and_calibrated_artifacts_are_the_same_bytes_too() {
    let sample = Sample::new(12_007);
    for (label, task, kind) in FITS {
        for method in [Calibrate::Platt, Calibrate::Isotonic] {
            let mut job = calibrated(label, task, kind, method);
            if *task == "regression" {
                job.model.calibrate = None;
            }
            let (bytes, scores) = same_bytes(&sample, &job);
            // Read back, and cut into other blocks.
            let back = Artifact::decode(&bytes).unwrap();
            assert!(bits(&back.score(&sample.frame()).unwrap()) == scores);
            let part = back.score(&Sample::new(333).frame()).unwrap();
            for (whole, part) in
                back.score(&sample.frame()).unwrap().columns().iter().zip(part.columns())
            {
                assert!(part.iter().zip(*whole).all(|(a, b)| a.to_bits() == b.to_bits()), "{kind}");
            }
        }
    }
}

#[test]
fn calibration_brings_the_base_rate_back_that_balancing_took() {
    let sample = Sample::new(6_000);
    let rate = |artifact: &Artifact| {
        let scores = artifact.score(&sample.frame()).unwrap();
        scores.columns()[0].iter().sum::<f64>() / 6_000.0
    };
    for kind in ["logistic", "gaussian_nb"] {
        let wanted = rate(&sample.artifact("two", "binary", "dummy"));
        let mut job = Sample::job("two", "binary", kind);
        job.model.class_weight = ClassWeight::Balanced;
        let balanced = rate(&sample.artifact_of(&job));
        let moved = (balanced - wanted).abs();
        assert!(kind != "logistic" || moved > 0.015, "{kind}: {balanced} {wanted}");
        for method in [Calibrate::Platt, Calibrate::Isotonic] {
            job.model.calibrate = Some(method);
            let found = rate(&sample.artifact_of(&job));
            assert!((found - wanted).abs() < 0.008, "{kind} {method}: {found} {wanted}");
        }
    }
}

#[test]
fn too_few_rows_of_a_class_are_an_error_and_missing_folds_are_told() {
    let sample = Sample::new(600);
    let mut table = TrainingTable::new(&Sample::schema());
    table.push(&sample.frame()).unwrap();
    let job = calibrated("two", "binary", "gaussian_nb", Calibrate::Platt);
    let columns =
        crate::learn::features::choose(&job.features, &Sample::schema(), &["two"]).unwrap();
    let fit_of = |hits: std::ops::Range<usize>, by_time: bool| {
        let rows: Vec<usize> = (0..600).collect();
        let index = rows.iter().map(|row| u32::from(hits.contains(row) && row % 2 == 0)).collect();
        let names = vec!["no".to_owned(), "yes".to_owned()];
        let labels = crate::learn::model::Labels::Classes { names, index };
        let times = by_time.then(|| (0..600).collect());
        let examples = Examples { times, ..Examples::plain(&rows, &labels) };
        crate::learn::fit::fit_examples(&job, &columns, &table, &examples)
    };
    let told = fit_of(100..110, false).unwrap_err().to_string();
    assert!(told.contains("found 5 of class `yes`; train on more rows, or set"), "{told}");
    let late = fit_of(250..600, true).unwrap();
    let (first, rest) = (&late.warnings[0], late.warnings.len());
    assert!(first.starts_with("calibration goes without fold 1 of 5: all 100 rows"), "{first}");
    assert!((2..FOLDS).contains(&rest), "{:?}", late.warnings);
    let told = fit_of(0..90, true).unwrap_err().to_string();
    assert!(told.contains("found 0 of class `yes`"), "{told}");
}

#[test]
fn batches_do_not_change_scores() {
    let sample = Sample::new(5_000);
    let mut table = TrainingTable::new(&Sample::schema());
    table.push(&sample.frame()).unwrap();
    for (label, task, kind) in FITS {
        let artifact = sample.artifact(label, task, kind);
        let whole = artifact.score(&sample.frame()).unwrap();
        for rows in [0..1, 1..2_050, 4_999..5_000, 7..7] {
            let places: Vec<usize> = rows.clone().collect();
            let part = artifact.score(&table.frame(&places)).unwrap();
            for (whole, part) in whole.columns().iter().zip(part.columns()) {
                let same =
                    whole[rows.clone()].iter().zip(part).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same && part.len() == rows.len(), "{kind} ({task}), rows {rows:?}");
            }
        }
    }
}

#[test]
fn probabilities_are_probabilities() {
    let sample = Sample::new(2_000);
    for (label, task, kind) in FITS.iter().filter(|(_, task, _)| *task != "regression") {
        let scores = sample.artifact(label, task, kind).score(&sample.frame()).unwrap();
        for row in 0..2_000 {
            let shares: Vec<f64> = scores.columns().iter().map(|column| column[row]).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{kind}: {shares:?}");
            let total: f64 = shares.iter().sum();
            assert!(*task == "binary" || (total - 1.0).abs() < 1e-12, "{kind}: {total}");
        }
    }
}
