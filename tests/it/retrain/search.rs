//! Parameters that are tried before a version is fitted: the best is chosen, and every trial is on record.

use serde_json::Value;

use super::{job, json, told};
use crate::customers::Like::Usual;
use crate::customers::table;
use crate::sandbox::Sandbox;

const TRAIN: [&str; 6] = ["train", "churn", "--tick", "2026-01-05", "--output", "json"];

/// A project whose job ends with `more`.
fn project(more: &str) -> Sandbox {
    Sandbox::new().job("churn", &job(more)).data("churn.csv", table(24, &[Usual; 4]))
}

/// The same, and its first training.
fn trained(more: &str) -> (Sandbox, Value) {
    let sandbox = project(more);
    let run = sandbox.run(TRAIN).expect(0).json();
    (sandbox, run)
}

fn sha256(run: &Value) -> &str {
    run["model"]["sha256"].as_str().unwrap()
}

const GRID: &str = "[train.search]\nspace = { alpha = [1e9, 1.0, 1e8] }";

#[test]
fn the_best_of_a_grid_is_fitted_and_every_trial_is_on_record() {
    let (sandbox, run) = trained(GRID);
    let trials = told(&run, "search", "trial");
    let verdicts: Vec<&str> = trials.iter().map(|(verdict, _)| *verdict).collect();
    assert_eq!(verdicts, ["not_applicable", "pass", "not_applicable"], "{trials:?}");
    assert!(trials[1].1.starts_with("trial 2 of 3: alpha = 1.0: 0."), "{trials:?}");
    assert!(trials[1].1.ends_with("on the folds; chosen"), "{trials:?}");
    let shown = sandbox.run(["show", run["run"].as_str().unwrap()]).expect(0);
    assert!(shown.stdout.contains("trial 3 of 3: alpha = 100000000.0"), "{}", shown.stdout);
    let planned = json(&sandbox, &["plan", "churn"], 0);
    assert!(planned.to_string().contains("3 trials, 3 folds"), "{planned:#}");
    // What is fitted is what the parameters themselves would have given.
    let scores = |more: &str| {
        let (sandbox, _) = trained(more);
        let run = json(&sandbox, &["score", "churn", "--tick", "2026-01-05"], 0);
        run["outputs"][0]["sha256"].clone()
    };
    assert_eq!(scores(GRID), scores("[model.params]\nalpha = 1.0"));
    assert_ne!(scores(GRID), scores("[model.params]\nalpha = 1e8"));
}

#[test]
fn a_search_gives_the_same_model_again() {
    let random = "[train.search]\nmethod = \"random\"\ntrials = 4\nfolds = 2\n\
                  space = { alpha = [0.01, 0.1, 1.0, 10.0, 100.0], tolerance = [1e-6, 1e-8] }";
    let (_, one) = trained(random);
    let trials = told(&one, "search", "trial");
    assert_eq!(trials.len(), 4);
    for threads in ["1", "8"] {
        let sandbox = project(random).env("RAYON_NUM_THREADS", threads);
        let two = sandbox.run(TRAIN).expect(0).json();
        assert_eq!((sha256(&one), &trials), (sha256(&two), &told(&two, "search", "trial")));
    }
}

#[test]
fn a_trial_that_cannot_be_fitted_is_told_and_another_chosen() {
    let (_, run) = trained("[train.search]\nspace = { max_iterations = [1, 1000] }");
    let trials = told(&run, "search", "trial");
    assert_eq!((trials[0].0, trials[1].0), ("warn", "pass"), "{trials:?}");
    assert!(trials[0].1.contains("did not converge in 1 iterations"), "{trials:?}");
}

#[test]
fn a_search_that_finds_nothing_says_why() {
    let refused =
        project("[train.search]\nspace = { max_iterations = [1, 2] }").run(TRAIN).expect(1);
    let wanted =
        "none of 2 trials could be judged; the first: kind `logistic` did not converge in 1";
    assert!(refused.stdout.contains(wanted), "{}", refused.stdout);
}
