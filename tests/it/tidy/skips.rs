//! Tests that may pass without having looked: what they need is not there, or they end early.
//!
//! Each is listed with what protects the same thing where it is skipped, so that a new skip is a decision. What
//! the map says an invariant is tested by may never be among them.

use std::collections::BTreeSet;

use regex::Regex;

use super::source::SourceFile;

/// A file, functions of it that may skip, or by which a test may, and why that is no loss.
pub(crate) type Skips = (&'static str, &'static [&'static str], &'static str);

/// Everything that may be skipped.
pub(crate) const MAY_SKIP: &[Skips] = &[
    ("tests/it/suite.rs", &["skip"], "says that a test is skipped"),
    (
        "tests/it/sandbox.rs",
        &["shared", "what_is_shared_is_found_or_its_absence_told"],
        "finds `../shared`, or says that a test is skipped",
    ),
    (
        "tests/it/drift/golden.rs",
        &["every_shared_number_is_found_again"],
        "more tables; `drift/oracle.rs` holds the same numbers to scipy",
    ),
    (
        "tests/it/evaluate/golden.rs",
        &["every_shared_number_is_found_again"],
        "more tables; `evaluate/oracle.rs` holds the same numbers to scikit-learn",
    ),
    (
        "tests/it/real.rs",
        &[
            "check",
            "electricity_prices_by_time",
            "calls_of_a_bank_by_file_name",
            "bicycles_by_the_hour",
            "wines_of_another_colour",
        ],
        "more and larger tables; `months.rs` holds the same metrics to scikit-learn",
    ),
    (
        "tests/it/trees.rs",
        &[
            "check",
            "electricity_prices_are_predicted_as_by_scikit_learn",
            "bicycles_are_predicted_as_by_scikit_learn",
        ],
        "larger tables; `src/learn/fit/oracle_trees.rs` holds the same kinds to scikit-learn",
    ),
    (
        "tests/it/generate.rs",
        &["systemd_finds_nothing_wrong_with_the_unit"],
        "what systemd says of the unit; what the unit holds is tested without it",
    ),
    (
        "src/adapters/dataset/staged_parquet.rs",
        &["a_full_disk_is_an_error_and_not_a_panic"],
        "asks a device that every Linux has",
    ),
    (
        "src/adapters/disk/reserve.rs",
        &["the_reserve_is_room_that_can_be_given_up_once"],
        "needs room on the disk, and a file system that can allocate it",
    ),
    (
        "tests/it/daemon_lock.rs",
        &["a_process_that_wants_the_lock"],
        "the part of a child; the test that starts the children never skips",
    ),
];

/// A function as far as skips are concerned.
struct Function {
    name: String,
    line: usize,
    is_test: bool,
    /// From the brace that opens it to the one that closes it.
    body: String,
    is_ignored: bool,
}

/// The functions of code without comments and literals.
fn functions(code: &str) -> Vec<Function> {
    let head = r"((?:#\[[^\n]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?fn\s+(\w+)";
    let head = Regex::new(head).unwrap();
    let test = Regex::new(r"\btest[\](]").unwrap();
    let mut out = Vec::new();
    for found in head.captures_iter(code) {
        let whole = found.get(0).unwrap();
        let rest = &code[whole.end()..];
        let Some(begin) = rest.find('{') else { continue };
        let mut depth = 0_usize;
        let end = rest[begin..].find(|letter| {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let attributes = &found[1];
        out.push(Function {
            name: found[2].to_owned(),
            line: code[..found.get(2).unwrap().start()].lines().count(),
            is_test: test.is_match(attributes),
            body: rest[begin..end.map_or(rest.len(), |end| begin + end)].to_owned(),
            is_ignored: attributes.contains("#[ignore"),
        });
    }
    out
}

/// Functions of a file by which a test may pass without having looked, in its order: they call `shared` or `skip`
/// or each other, are tests that return early, or are ignored.
fn skipping(file: &SourceFile) -> Vec<(usize, String)> {
    if !file.is_rust() || file.path == "tests/it/tidy/skips.rs" {
        return Vec::new();
    }
    let all = functions(&file.code());
    let early = Regex::new(r"\breturn\s*[;}]").unwrap();
    let call = Regex::new(r"(?:^|[^\w.])(?:(?:sandbox|suite|super|crate)::)*(\w+)\(").unwrap();
    let mut names: BTreeSet<String> = ["shared", "skip"].map(str::to_owned).into();
    loop {
        let calls = |function: &Function| {
            call.captures_iter(&function.body).any(|found| names.contains(&found[1]))
        };
        let skips = |function: &&Function| {
            let is_early = function.is_test && early.is_match(&function.body);
            is_early || function.is_ignored || names.contains(&function.name) || calls(function)
        };
        let found: Vec<&Function> = all.iter().filter(skips).collect();
        let new: Vec<String> = found.iter().map(|function| function.name.clone()).collect();
        let before = names.len();
        let out = found.iter().map(|function| (function.line, function.name.clone())).collect();
        names.extend(new);
        if names.len() == before {
            return out;
        }
    }
}

/// Functions that skip and are not in [`MAY_SKIP`].
pub(crate) fn new_skips(file: &SourceFile) -> Vec<String> {
    // The program has such names too; its unit tests are tests as well.
    let listed = |name: &str| {
        MAY_SKIP.iter().any(|(path, names, _)| *path == file.path && names.contains(&name))
    };
    let found = skipping(file).into_iter().filter(|(_, name)| !listed(name));
    found
        .map(|(line, name)| {
            format!("{}:{line}: `{name}` may skip and is not in `MAY_SKIP`", file.path)
        })
        .collect()
}

/// Entries of [`MAY_SKIP`] for functions of `file` that do not skip.
pub(crate) fn old_skips(file: &SourceFile) -> Vec<String> {
    let found = skipping(file);
    let listed = MAY_SKIP.iter().filter(|(path, ..)| *path == file.path);
    let names = listed.flat_map(|(_, names, _)| names.iter());
    names
        .filter(|name| !found.iter().any(|(_, found)| found == *name))
        .map(|name| format!("{}: `{name}` is in `MAY_SKIP` and does not skip", file.path))
        .collect()
}

/// Invariants of the map that nothing but a test that may skip, or no test at all, is said to hold.
pub(crate) fn loose_invariants(map: &SourceFile, files: &[SourceFile]) -> Vec<String> {
    if map.path != "ARCHITECTURE.md" {
        return Vec::new();
    }
    let row = Regex::new(r"^\| \d+ \|").unwrap();
    let place = Regex::new(r"`([\w/]+\.rs)(?:::(\w+))?`").unwrap();
    let mut out = Vec::new();
    for (line, text) in (1..).zip(map.text.lines()).filter(|(_, text)| row.is_match(text)) {
        let tested_in = text.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
        for found in place.captures_iter(tested_in) {
            let Some(file) = files.iter().find(|file| file.path == found[1]) else { continue };
            let tests: Vec<Function> = functions(&file.code());
            let is_asked = |function: &&Function| {
                function.is_test && found.get(2).is_none_or(|name| name.as_str() == function.name)
            };
            if !tests.iter().any(|function| is_asked(&function)) {
                out.push(format!("{}:{line}: {} is no test", map.path, &found[0]));
            }
            let skips = skipping(file);
            let may_skip = tests
                .iter()
                .filter(is_asked)
                .find(|function| skips.iter().any(|(_, name)| *name == function.name));
            if let Some(function) = may_skip {
                let name = &function.name;
                out.push(format!("{}:{line}: {} may skip: `{name}`", map.path, &found[0]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check;

    #[test]
    fn a_skip_that_is_not_listed_is_found() {
        let wanted = |name: &str| format!("`{name}` may skip");
        let test = |body: &str| format!("#[test]\nfn it() {{ {body} }}\n");
        let path = "tests/it/x.rs";
        check(new_skips, path, &test("assert!(x.skip(1).shared(2));"), &[]);
        check(new_skips, path, &test("if let Some(a) = b { let x = || { return 1; }; }"), &[]);
        check(new_skips, path, &test("let Some(x) = y else { return };"), &[&wanted("it")]);
        check(new_skips, path, &test("crate::suite::skip(\"no\");"), &["x.rs:2: `it` may skip"]);
        check(new_skips, path, "#[test]\n#[ignore = \"slow\"]\nfn it() {}", &[&wanted("it")]);
        let through = format!("{}fn data() {{ shared(\"data\") }}\n", test("check(&data());"));
        check(new_skips, path, &through, &[&wanted("it"), &wanted("data")]);
        check(new_skips, "tests/it/trees.rs", "fn check() { shared(\"data\"); }", &[]);
        check(new_skips, "src/x.rs", "fn it() { return; }", &[]);
    }

    #[test]
    fn a_listed_function_that_does_not_skip_is_found() {
        let text = "fn check() { shared(\"data\"); }";
        let wanted = ["`electricity_prices_are_predicted", "`bicycles_are_predicted"];
        check(old_skips, "tests/it/trees.rs", text, &wanted);
    }

    #[test]
    fn an_invariant_is_held_by_tests_that_never_skip() {
        let text = "#[test]\nfn it() { shared(\"data\"); }\n#[test]\nfn sure() {}\nfn none() {}";
        let files = [SourceFile::new("tests/it/x.rs", text)];
        let rule = |map: &SourceFile| loose_invariants(map, &files);
        check(rule, "ARCHITECTURE.md", "| 1 | a | `tests/it/x.rs::sure` |", &[]);
        check(rule, "ARCHITECTURE.md", "| 1 | a | `tests/it/x.rs` |", &["may skip: `it`"]);
        check(rule, "ARCHITECTURE.md", "| 1 | a | `tests/it/x.rs::it` |", &["may skip: `it`"]);
        check(rule, "ARCHITECTURE.md", "| 1 | a | `tests/it/x.rs::none` |", &["is no test"]);
        check(rule, "ARCHITECTURE.md", "`tests/it/x.rs::none`", &[]);
    }
}
