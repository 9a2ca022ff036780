//! Rules about single files: their names, headers, length and words.
//!
//! Patterns that a rule looks for are written in pieces here, because this file is read as well.

use regex::Regex;

use super::source::SourceFile;

/// Names that have no natural limit, so that a module called so grows without one.
const BANNED_NAMES: &[&str] = &[
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "manager",
    "handler",
    "processor",
    "service",
];

/// Most lines of a module, its tests not counted.
const LINES_MAX: usize = 600;

/// Up to here a module may say in one line what it is; beyond, the reader needs three.
const TINY_LINES: usize = 120;

/// Lines of a module's `//!` header, at most.
const HEADER_LINES_MAX: usize = 15;

/// Largest file outside `data/`.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Modules with a banned name, and `mod.rs`.
pub(crate) fn banned_names(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let path = file.path.trim_end_matches(".rs");
    let mut out: Vec<String> = path
        .split('/')
        .filter(|name| BANNED_NAMES.contains(name))
        .map(|name| format!("{}: `{name}` says nothing, name what is in it", file.path))
        .collect();
    if path.ends_with("/mod") {
        out.push(format!("{}: wanted `foo.rs` beside `foo/`", file.path));
    }
    let inline = Regex::new(r"\bmod (\w+)").unwrap();
    for (line, code) in (1..).zip(file.code().lines()) {
        let names = inline.captures_iter(code).map(|found| found[1].to_owned());
        let banned = names.filter(|name| BANNED_NAMES.contains(&name.as_str()));
        out.extend(banned.map(|name| format!("{}:{line}: `{name}` says nothing", file.path)));
    }
    out
}

/// Modules that are too long to be read.
pub(crate) fn long_modules(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let lines = file.shipped_code().lines().count();
    let complaint = format!("{}: {lines} lines without tests, at most {LINES_MAX}", file.path);
    if lines > LINES_MAX { vec![complaint] } else { Vec::new() }
}

/// Modules that do not say what they are for.
pub(crate) fn missing_headers(file: &SourceFile) -> Vec<String> {
    let is_module = file.is_rust() && file.path != "src/main.rs";
    if !is_module {
        return Vec::new();
    }
    let found = file.text.lines().take_while(|line| line.starts_with("//!")).count();
    let lines = file.shipped_code().lines().count();
    let wanted = if lines <= TINY_LINES { 1 } else { 3 };
    if (wanted..=HEADER_LINES_MAX).contains(&found) {
        return Vec::new();
    }
    let complaint =
        format!("a `//!` header of {found} lines, wanted {wanted} to {HEADER_LINES_MAX}");
    vec![format!("{}: {complaint}", file.path)]
}

/// Words that must not reach main: notes without an issue, silenced lints, paths of one machine.
pub(crate) fn banned_words(file: &SourceFile) -> Vec<String> {
    let mut rules = vec![(r"(^|[^\w.~-])/(root|work|Users|home)/\w", "a path of one machine")];
    if file.extension() != Some("md") {
        rules.push((
            concat!(r"\bFIX", r"ME\b"),
            "a defect that is known: mend it, or open an issue",
        ));
        rules.push((
            concat!(r"\bTO", r"DO\b( ?[^ (]| [^(]|\([^#]|$)"),
            "a note without an issue number",
        ));
    }
    if file.is_rust() {
        rules.push((concat!(r"#!?\[al", r"low\("), "use `expect` with a reason"));
    }
    if file.room().is_some() {
        rules.push((concat!(r"\bfn ge", r"t_"), "a getter is the noun"));
    }
    let rules: Vec<_> =
        rules.into_iter().map(|(pattern, why)| (Regex::new(pattern).unwrap(), why)).collect();
    let mut out = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        for (pattern, why) in &rules {
            if let Some(found) = pattern.find(text) {
                out.push(format!("{}:{line}: `{}`: {why}", file.path, found.as_str()));
            }
        }
    }
    out
}

/// Migrations that do not begin with the reason for them.
pub(crate) fn unexplained_migrations(file: &SourceFile) -> Vec<String> {
    let is_migration = file.path.starts_with("migrations/") && file.extension() == Some("sql");
    if !is_migration || file.text.starts_with("-- ") {
        return Vec::new();
    }
    vec![format!("{}: wanted a comment first that says why", file.path)]
}

/// Files that would make every clone slow.
pub(crate) fn large_files(path: &str, size_bytes: u64) -> Option<String> {
    let is_large = size_bytes > FILE_BYTES_MAX && !path.starts_with("data/");
    is_large.then(|| format!("{path}: {size_bytes} bytes, at most {FILE_BYTES_MAX} outside data/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check;

    #[test]
    fn modules_are_named_after_what_is_in_them() {
        let rule = banned_names;
        check(rule, "src/app/cli.rs", "mod tests {}\nmod render;", &[]);
        check(rule, "src/app/utils.rs", "", &["`utils` says nothing"]);
        check(rule, "src/app/helper/x.rs", "", &["`helper` says nothing"]);
        check(rule, "src/app/x.rs", "\npub(crate) mod common {", &["src/app/x.rs:2: `common`"]);
        check(rule, "src/app/mod.rs", "", &["`foo.rs` beside `foo/`"]);
        check(rule, "docs/common.md", "", &[]);
    }

    #[test]
    fn modules_are_short() {
        let long = "x\n".repeat(LINES_MAX);
        check(long_modules, "src/app/x.rs", &long, &[]);
        check(long_modules, "src/app/x.rs", &format!("{long}y"), &["601 lines without tests"]);
        let tested = format!("{long}#[cfg(test)]\nmod tests {{\n{long}}}\n");
        check(long_modules, "src/app/x.rs", &tested, &[]);
    }

    #[test]
    fn modules_say_what_they_are_for() {
        let rule = missing_headers;
        let long = "x\n".repeat(TINY_LINES);
        check(rule, "src/app/x.rs", "//! One.\nx", &[]);
        check(rule, "src/app/x.rs", "x", &["a `//!` header of 0 lines, wanted 1"]);
        check(rule, "src/app/x.rs", &format!("//! One.\n{long}"), &["header of 1 lines, wanted 3"]);
        check(rule, "src/app/x.rs", &format!("//! One.\n//!\n//! Two.\n{long}"), &[]);
        check(rule, "src/app/x.rs", &"//! x\n".repeat(16), &["header of 16 lines"]);
    }

    #[test]
    fn words_that_stay_out() {
        let rule = banned_words;
        let pieces = |parts: &[&str]| parts.concat();
        check(rule, "src/app/x.rs", &pieces(&["\n// FIX", "ME: x"]), &["src/app/x.rs:2: "]);
        check(rule, "src/app/x.rs", &pieces(&["// TO", "DO: x"]), &["without an issue number"]);
        check(rule, "src/app/x.rs", &pieces(&["// TO", "DO x"]), &["without an issue number"]);
        check(rule, "src/app/x.rs", &pieces(&["// TO", "DO"]), &["without an issue number"]);
        check(rule, "src/app/x.rs", &pieces(&["// TO", "DO(#12): x"]), &[]);
        check(rule, "src/app/x.rs", &pieces(&["// TO", "DO (#12): x"]), &[]);
        check(rule, "src/app/x.rs", &pieces(&["#[al", "low(dead_code)]"]), &["use `expect`"]);
        check(rule, "tests/it/x.rs", &pieces(&["#![al", "low(x)]"]), &["use `expect`"]);
        check(rule, "src/app/x.rs", &pieces(&["pub fn ge", "t_x()"]), &["a getter is the noun"]);
        check(rule, "src/app/x.rs", "fn widget_x() {} map.get_mut()", &[]);
        check(rule, "README.md", &pieces(&["cd /ro", "ot/x"]), &["a path of one machine"]);
        check(rule, "src/app/x.rs", &pieces(&["\"/ho", "me/ann/x\""]), &["a path of one machine"]);
        check(rule, "src/app/x.rs", "let path = project/root/x; $HOME/x", &[]);
    }

    #[test]
    fn migrations_say_why() {
        let rule = unexplained_migrations;
        check(rule, "migrations/0001_runs.sql", "-- Runs, because.\ncreate table run", &[]);
        check(rule, "migrations/0001_runs.sql", "create table run", &["wanted a comment first"]);
    }

    #[test]
    fn only_data_may_be_large() {
        assert_eq!(large_files("src/x.rs", FILE_BYTES_MAX), None);
        assert_eq!(large_files("data/x.csv", FILE_BYTES_MAX + 1), None);
        assert!(large_files("tests/it/x.json", FILE_BYTES_MAX + 1).is_some());
    }
}
