//! The one integration binary. One file for each behaviour that a user can see, and the tests that
//! the repository runs on itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop where it stands"
)]

mod backup;
mod calibration;
mod calls;
#[cfg(feature = "failpoints")]
mod chaos;
mod cli;
mod comparisons;
mod crash;
mod customers;
mod daemon;
mod daemon_lock;
mod damage;
mod determinism;
mod drift;
mod evaluate;
mod explain;
mod generate;
mod glob;
mod hostile;
mod ids;
mod incremental;
mod inputs;
mod json;
mod months;
mod moves;
mod outputs;
mod permissions;
mod prune;
mod published;
mod readme;
mod real;
mod retrain;
mod rollback;
mod sandbox;
mod schedule;
mod suite;
mod tables;
mod tidy;
mod trees;
mod upgrade;
mod validate;
mod walk;

/// A file that no `mod` line names is never compiled, so its tests would pass by absence.
#[test]
fn no_test_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut forgotten: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "main" && !main.lines().any(|line| line == format!("mod {name};")))
        .collect();
    forgotten.sort();
    assert!(forgotten.is_empty(), "no `mod` line in tests/it/main.rs for: {forgotten:?}");
}
