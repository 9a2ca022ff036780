//! `nightshift validate`: what a user sees of every sort of broken job file, and of sound ones.
//!
//! The files of `broken/` show one or two faults each; some hold bytes that no editor writes. Each has a
//! snapshot of its own, so that a change of a message shows where it is read.

use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

/// The files below `tests/it/<folder>`, by name.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// A project with one job file.
fn project(file: &str, bytes: &[u8]) -> Sandbox {
    Sandbox::new().file(format!("jobs/{file}"), bytes)
}

#[test]
fn every_broken_file_is_shown_with_its_place() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/validate");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let broken = files("broken");
    assert!(broken.len() >= 60, "found {}", broken.len());
    for (file, bytes) in broken {
        let output = project(&file, &bytes).run(["validate"]).expect(3);
        assert!(!output.stderr.contains("panicked"), "{file}: {}", output.stderr);
        let name = file.trim_end_matches(".toml");
        settings.bind(|| insta::assert_snapshot!(name, output.redacted()));
    }
}

#[test]
fn every_problem_is_an_entry_of_the_json() {
    for (file, bytes) in files("broken") {
        let output = project(&file, &bytes).run(["validate", "--output", "json"]).expect(3);
        let document = output.json();
        assert_eq!(document["schema"], "nightshift.validate/1", "{file}");
        let problems = document["problems"].as_array().unwrap();
        assert!(!problems.is_empty(), "{file}");
        for problem in problems {
            assert_eq!(problem["file"], format!("jobs/{file}"));
            assert!(problem["line"].as_u64().unwrap() >= 1, "{problem}");
            assert!(problem["column"].as_u64().unwrap() >= 1, "{problem}");
            assert!(!problem["message"].as_str().unwrap().is_empty(), "{problem}");
            let code = problem["code"].as_str().unwrap();
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || b"_8".contains(&byte)));
        }
    }
}

#[test]
fn sound_files_have_no_problem() {
    for (file, bytes) in files("valid") {
        let output = project(&file, &bytes).run(["validate"]).expect(0);
        assert!(output.stderr.is_empty(), "{file}: {}", output.stderr);
    }
}

#[test]
fn all_files_are_looked_at_and_compared() {
    let valid = files("valid");
    let (_, smallest) = valid.iter().find(|(file, _)| file == "smallest.toml").unwrap();
    let broken = files("broken");
    let (_, unknown_key) = broken.iter().find(|(file, _)| file.contains("unknown-key")).unwrap();
    let sandbox = Sandbox::new()
        .file("nightshift.toml", "jobs_dri = \"jobs\"\n")
        .file("jobs/a.toml", smallest)
        .file("jobs/b.toml", smallest)
        .file("jobs/c.toml", unknown_key);
    let found = sandbox.run(["validate", "--output", "json"]).expect(3).json();
    let told: Vec<(&str, &str)> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["file"].as_str().unwrap(), problem["code"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("nightshift.toml", "unknown_key"),
        ("jobs/b.toml", "name_taken"),
        ("jobs/b.toml", "output_taken"),
        ("jobs/c.toml", "unknown_key"),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn every_code_that_is_shown_can_be_explained() {
    let sandbox = Sandbox::new();
    for code in ["unknown_key", "not_supported_yet", "template_form", "check_quarantine"] {
        let output = sandbox.run(["explain", code]).expect(0);
        assert!(output.stdout.len() > 80, "{code}: {}", output.stdout);
    }
}

#[test]
fn a_pipe_among_the_job_files_is_told_and_not_waited_for() {
    let sandbox = Sandbox::new().job("wine", include_str!("../../jobs/wine.toml"));
    let pipe = sandbox.root().join("jobs/pipe.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let said = sandbox.run(["validate"]).expect(1);
    assert!(said.stderr.contains("it is no regular file"), "{}", said.stderr);
}
