//! The same rows give the same bytes, at any number of threads and however they are batched.
//!
//! Scores must also be what they claim: probabilities between 0 and 1 that add up to 1.

use super::sample::{FITS, Sample};
use crate::learn::artifact::Scores;
use crate::learn::table::TrainingTable;

/// Enough rows for several lanes and many blocks.
const ROWS: u32 = 30_011;

fn bits(scores: &Scores) -> Vec<u64> {
    scores.columns().iter().flat_map(|column| column.iter().map(|score| score.to_bits())).collect()
}

#[test]
fn artifacts_and_scores_are_the_same_bytes_at_any_number_of_threads() {
    let sample = Sample::new(ROWS);
    for (label, task, kind) in FITS {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let artifact = sample.artifact(label, task, kind);
                (artifact.encode().unwrap(), bits(&artifact.score(&sample.frame()).unwrap()))
            })
        };
        let (bytes, scores) = with_threads(1);
        for threads in [2, 8] {
            let (other_bytes, other_scores) = with_threads(threads);
            assert!(bytes == other_bytes, "artifact of {kind} ({task}) at {threads} threads");
            assert!(scores == other_scores, "scores of {kind} ({task}) at {threads} threads");
        }
    }
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
