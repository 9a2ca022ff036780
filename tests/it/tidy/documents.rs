//! Rules that keep the documents true: what they name exists, and the map stays short.
//!
//! Whether a sentence is right is for reviewers; whether its paths lead anywhere is checked here.

use std::path::Path;

use regex::Regex;

use super::source::SourceFile;

/// Most lines of `ARCHITECTURE.md`: a map that nobody reads is none.
const MAP_LINES_MAX: usize = 300;

/// Paths in backticks that are not in the repository below `root`, and tests that are not in theirs.
///
/// `src/domain/run.rs` must exist; `src/domain/run.rs::names_read_back` must be a function there.
pub(crate) fn dead_references(file: &SourceFile, root: &Path) -> Vec<String> {
    if file.extension() != Some("md") {
        return Vec::new();
    }
    let place =
        r"`((?:src|tests|benches|migrations|jobs|data|\.ci|\.github)/[\w./-]*)(?:::(\w+))?`";
    let place = Regex::new(place).unwrap();
    let mut out = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        for found in place.captures_iter(text) {
            let path = root.join(&found[1]);
            let function = found.get(2).map(|name| format!("fn {}(", name.as_str()));
            let exists = match function {
                None => path.exists(),
                Some(function) => {
                    std::fs::read_to_string(path).is_ok_and(|text| text.contains(&function))
                }
            };
            if !exists {
                out.push(format!("{}:{line}: there is no {}", file.path, &found[0]));
            }
        }
    }
    out
}

/// A map that has outgrown its limit.
pub(crate) fn long_map(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().count();
    let is_long = file.path == "ARCHITECTURE.md" && lines >= MAP_LINES_MAX;
    let complaint = || format!("{}: {lines} lines, wanted under {MAP_LINES_MAX}", file.path);
    is_long.then(complaint).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{ROOT, check};

    #[test]
    fn documents_name_what_exists() {
        let rule = |file: &SourceFile| dead_references(file, Path::new(ROOT));
        check(rule, "A.md", "see `tests/it/main.rs` and `src/`", &[]);
        check(rule, "A.md", "`tests/it/main.rs::no_test_file_is_forgotten`", &[]);
        check(rule, "A.md", "\nsee `src/no/such.rs`", &["A.md:2: there is no `src/no/such.rs`"]);
        check(rule, "A.md", "`tests/it/main.rs::no_such_test`", &["no_such_test"]);
        check(rule, "A.md", "`src/learn/model/<id>.rs`, `src/{a,b}.rs`", &[]);
        check(rule, "src/lib.rs", "`src/no/such.rs`", &[]);
    }

    #[test]
    fn the_map_is_short() {
        check(long_map, "ARCHITECTURE.md", &"x\n".repeat(MAP_LINES_MAX - 1), &[]);
        check(long_map, "ARCHITECTURE.md", &"x\n".repeat(MAP_LINES_MAX), &["300 lines"]);
        check(long_map, "CHANGELOG.md", &"x\n".repeat(MAP_LINES_MAX), &[]);
    }
}
