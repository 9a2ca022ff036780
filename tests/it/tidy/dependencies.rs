//! What `Cargo.toml` asks for is used: a dependency by code that is shipped, one of the tests by any.
//!
//! The compiler says nothing of a crate that nobody names, and whoever builds the program compiles it all the
//! same. Which room may name a crate is the business of `arrows`.

use std::collections::BTreeSet;

use regex::Regex;

use super::source::SourceFile;

/// Dependencies that no code names, and why they are there.
const HELD: &[(&str, &str)] = &[
    (
        "argmin_math",
        "argmin finds its traits for ndarray there, by a feature that is asked for here",
    ),
    ("serde_core", "its features are those with which polars' dependencies have been built"),
];

/// Dependencies of the manifest that nobody needs where they stand.
pub(crate) fn unused_dependencies(manifest: &str, files: &[SourceFile]) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let tests = test_modules(files);
    let shipped = files.iter().filter(|file| {
        file.path.starts_with("src/") && file.is_rust() && !tests.contains(&file.path)
    });
    let shipped: String = shipped.map(|file| file.shipped_code() + "\n").collect();
    let all = files.iter().filter(|file| file.is_rust());
    let all: String = all.map(|file| file.code() + "\n").collect();
    let mut out = Vec::new();
    for name in names(&manifest, "dependencies") {
        if HELD.iter().any(|(held, _)| *held == name) || is_named(&name, &shipped) {
            continue;
        }
        let told = if is_named(&name, &all) {
            "is used by tests only: it belongs in [dev-dependencies]"
        } else {
            "is used nowhere: remove it"
        };
        out.push(format!("`{name}` {told}"));
    }
    let of_tests = names(&manifest, "dev-dependencies").into_iter();
    let unused = of_tests.filter(|name| !is_named(name, &all));
    out.extend(unused.map(|name| format!("`{name}` is used by no test: remove it")));
    out
}

/// The crates of every table called `table`, as code names them.
fn names(manifest: &toml::Table, table: &str) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values);
    let tables = manifest.get(table).into_iter().chain(targets.filter_map(|of| of.get(table)));
    let names = tables.filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
    names.map(|name| name.replace('-', "_")).collect()
}

/// The files of modules that are there for tests only: `#[cfg(test)] mod traps;` beside them says so.
fn test_modules(files: &[SourceFile]) -> BTreeSet<String> {
    let module = Regex::new(r"#\[cfg\(test\)\]\s*mod (\w+);").unwrap();
    let mut out = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/") && file.is_rust()) {
        let folder = file.path.trim_end_matches(".rs");
        for found in module.captures_iter(&file.code()) {
            out.insert(format!("{folder}/{}.rs", &found[1]));
        }
    }
    out
}

fn is_named(name: &str, code: &str) -> bool {
    let named = format!(r"(?m)(^|[^\w:]|[^\w:]::){name}\s*::|^\s*(pub )?use {name}( as \w+)?;");
    Regex::new(&named).unwrap().is_match(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(manifest: &str, wanted: &[&str]) {
        let files = [
            ("src/lib.rs", "use used::x;\n#[cfg(test)]\nmod traps;\nfn f() { late::x(); }\n"),
            ("src/lib/traps.rs", "use trapped::x;\n"),
            ("src/a.rs", "// unused::x\n#[cfg(test)]\nmod tests {\nuse tested::x;\n}\n"),
            ("tests/it/main.rs", "use proptest::x;\n"),
        ];
        let files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        assert_eq!(unused_dependencies(manifest, &files), wanted, "{manifest}");
    }

    #[test]
    fn what_nobody_uses_is_told() {
        check("[dependencies]\nused = \"1\"\nlate = \"1\"\nserde_core = \"1\"", &[]);
        check("[dependencies]\nunused = \"1\"", &["`unused` is used nowhere: remove it"]);
        let moved = "is used by tests only: it belongs in [dev-dependencies]";
        for name in ["tested", "trapped", "proptest"] {
            check(&format!("[dependencies]\n{name} = \"1\""), &[&format!("`{name}` {moved}")]);
            check(&format!("[dev-dependencies]\n{name} = \"1\""), &[]);
        }
        let unused = "[target.'cfg(unix)'.dependencies]\nun-used = \"1\"";
        check(unused, &["`un_used` is used nowhere: remove it"]);
        check("[dev-dependencies]\nunused = \"1\"", &["`unused` is used by no test: remove it"]);
    }
}
