//! The repository tests itself: arrows between rooms, crates in their places, names, headers, words.
//!
//! A rule is a function from a file to complaints, so that each has a test of its own on a few lines
//! of text that break it: a rule that cannot complain would pass for ever. What the compiler or clippy
//! can check is not checked here.

/// Which room may know which, and where each crate may be named.
mod arrows;
/// What `Cargo.toml` asks for is used.
mod dependencies;
/// What the documents name exists.
mod documents;
/// Every fail point, and where it is.
pub(crate) mod failpoints;
/// Tests that may pass without having looked.
mod skips;
/// A file, and its code without comments and literals.
mod source;
/// Names, headers, length and words of single files.
mod text;

use std::path::Path;

use source::SourceFile;

/// The root of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Folders at the root that are not part of the repository.
const NOT_OURS: &[&str] = &[".git", "target", "state", "scores", "demo"];

/// Every file of the repository: its path relative to the root, and its size in bytes.
fn files() -> Vec<(String, u64)> {
    let mut out = Vec::new();
    let mut folders = vec![Path::new(ROOT).to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
            if NOT_OURS.contains(&relative.as_str()) {
                continue;
            }
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                out.push((relative, metadata.len()));
            }
        }
    }
    out.sort();
    out
}

/// Every file that people write: code, SQL, documents, configuration. Data are not read.
fn source_files() -> Vec<SourceFile> {
    let is_written = |path: &str| {
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("rs" | "sql" | "md" | "toml" | "yml" | "py"))
            || matches!(path, "justfile" | ".ci/run")
    };
    // Inputs that are broken on purpose, as bytes.
    let is_input =
        |path: &str| path.starts_with("tests/it/broken/") || path.starts_with("tests/it/fixtures/");
    let paths = files().into_iter().map(|(path, _)| path);
    paths
        .filter(|path| is_written(path) && !is_input(path))
        .map(|path| {
            SourceFile::new(&path, &std::fs::read_to_string(Path::new(ROOT).join(&path)).unwrap())
        })
        .collect()
}

#[track_caller]
fn assert_tidy(rule: impl Fn(&SourceFile) -> Vec<String>) {
    let complaints: Vec<String> = source_files().iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Asserts that `rule` has one complaint about `text` for each of `wanted`, which it contains.
#[track_caller]
fn check(rule: impl Fn(&SourceFile) -> Vec<String>, path: &str, text: &str, wanted: &[&str]) {
    let found = rule(&SourceFile::new(path, text));
    let is_as_wanted = found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(found, wanted)| found.contains(wanted));
    assert!(is_as_wanted, "wanted {wanted:?}, found {found:?}");
}

#[test]
fn the_rules_see_the_repository() {
    let files = source_files();
    let has = |path: &str| files.iter().any(|file| file.path == path);
    for path in ["src/lib.rs", "src/domain/run.rs", "tests/it/tidy.rs", "README.md", ".ci/run"] {
        assert!(has(path), "`{path}` is not among the files that the rules read");
    }
}

#[test]
fn arrows_between_rooms_go_one_way() {
    assert_tidy(arrows::wrong_arrows);
}

#[test]
fn crates_are_named_only_in_their_places() {
    assert_tidy(arrows::misplaced_crates);
}

#[test]
fn every_dependency_is_placed() {
    let manifest = std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let complaints = arrows::unplaced_dependencies(&manifest);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_dependency_is_used() {
    let manifest = std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let complaints = dependencies::unused_dependencies(&manifest, &source_files());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn domain_and_learn_do_no_io() {
    assert_tidy(arrows::impurities);
}

#[test]
fn runs_have_one_entrance() {
    assert_tidy(arrows::side_entrances);
}

#[test]
fn sql_is_written_in_the_store_only() {
    assert_tidy(arrows::stray_sql);
}

#[test]
fn domain_types_are_not_formats() {
    assert_tidy(arrows::serialised_domain_types);
}

#[test]
fn modules_have_telling_names() {
    assert_tidy(text::banned_names);
}

#[test]
fn modules_fit_a_sitting() {
    assert_tidy(text::long_modules);
}

#[test]
fn modules_begin_with_what_they_are_for() {
    assert_tidy(text::missing_headers);
}

#[test]
fn no_word_is_out_of_place() {
    assert_tidy(text::banned_words);
}

#[test]
fn migrations_begin_with_why() {
    assert_tidy(text::unexplained_migrations);
}

#[test]
fn no_file_is_large() {
    let files = files();
    let complaints: Vec<String> =
        files.iter().filter_map(|(path, size)| text::large_files(path, *size)).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_fail_point_is_in_the_matrix() {
    let complaints = failpoints::stray_points(&source_files());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_skip_is_a_decision() {
    assert_tidy(skips::new_skips);
    assert_tidy(skips::old_skips);
}

#[test]
fn no_invariant_is_held_by_a_test_that_may_skip() {
    let files = source_files();
    assert_tidy(|file| skips::loose_invariants(file, &files));
}

#[test]
fn documents_are_true_to_the_tree() {
    assert_tidy(|file| documents::dead_references(file, Path::new(ROOT)));
    assert_tidy(documents::long_map);
}
