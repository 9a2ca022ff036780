//! Which room may know which: `app -> engine -> {adapters, learn} -> domain`, adapters never each
//! other, and every crate only where `ARCHITECTURE.md` allows it.
//!
//! One package cannot enforce this with the compiler, so these rules read the paths in the code.

use regex::Regex;

use super::source::SourceFile;

/// Each room with the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("learn", &["domain", "learn"]),
    ("adapters", &["domain", "adapters"]),
    ("engine", &["domain", "learn", "adapters", "engine"]),
    ("app", &["domain", "learn", "adapters", "engine", "app"]),
];

/// Every dependency, with the modules that may name it. A crate that is new here is a decision.
const CRATES: &[(&str, &[&str])] = &[
    ("argmin", &["learn"]),
    ("argmin_math", &["learn"]),
    ("blake3", &["learn", "adapters"]),
    ("clap", &["app"]),
    ("clap_complete", &["app"]),
    ("clap_mangen", &["app"]),
    ("fail", &["adapters/failpoint"]),
    ("glob", &["adapters", "engine/plan"]),
    ("indicatif", &["app"]),
    ("jiff", &["domain", "learn", "adapters", "engine", "app"]),
    ("libc", &["adapters/before_threads"]),
    ("linfa", &["learn"]),
    ("linfa_bayes", &["learn"]),
    ("linfa_linear", &["learn"]),
    ("miette", &["app/cli/diagnostic"]),
    ("mimalloc", &["main"]),
    ("ndarray", &["learn"]),
    ("polars", &["adapters/dataset"]),
    ("postcard", &["learn"]),
    ("prometheus", &["adapters/metrics"]),
    ("rand", &["learn", "adapters/env"]),
    ("rand_xoshiro", &["learn"]),
    ("rayon", &["learn", "adapters/dataset", "engine"]),
    ("regex", &["domain", "learn"]),
    (
        "rustix",
        &[
            "adapters/dataset/scan/groups",
            "adapters/disk",
            "adapters/failpoint",
            "adapters/folder_watch",
            "adapters/process",
            "adapters/publish",
            "adapters/store",
        ],
    ),
    ("sd_notify", &["adapters/supervisor"]),
    ("serde", &["domain", "learn", "adapters", "engine", "app"]),
    ("serde_core", &[]),
    ("serde_json", &["domain/job", "learn", "adapters", "engine", "app"]),
    ("sha2", &["learn", "adapters", "engine"]),
    ("sqlx", &["adapters/store"]),
    ("statrs", &["learn"]),
    ("strsim", &["domain", "app"]),
    ("tempfile", &["adapters"]),
    ("thiserror", &["learn", "adapters", "engine", "app"]),
    ("tokio", &["adapters", "engine", "app", "main"]),
    ("tokio_cron_scheduler", &["adapters/heartbeat"]),
    ("toml", &["domain", "engine/settings"]),
    ("tracing", &["adapters", "engine", "app"]),
    ("tracing_appender", &["adapters/telemetry"]),
    ("tracing_subscriber", &["adapters/telemetry"]),
];

/// What the pure rooms never touch, because it could make them fail or differ from run to run.
const OUTSIDE_WORLD: &str = concat!(
    r"std::(fs|env|process|thread)\b",
    r"|\b(Tcp|Udp|Unix)(Stream|Listener|Socket)\b|\bToSocketAddrs\b",
    r"|\b(Instant|SystemTime)::",
    r"|\basync (fn|move|\{)|\.await\b",
);

/// Paths from a room to one that it may not know.
pub(crate) fn wrong_arrows(file: &SourceFile) -> Vec<String> {
    let Some(room) = file.room() else { return Vec::new() };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: there is no room `{room}`, wanted one of the five", file.path)];
    };
    let own_adapter = file.path.split('/').nth(2).map(|name| name.trim_end_matches(".rs"));
    let path = Regex::new(r"\bcrate::(\w+)(?:::(\w+))?").unwrap();
    let mut out = Vec::new();
    for (line, code) in (1..).zip(file.code().lines()) {
        let mut complain = |what: String| out.push(format!("{}:{line}: {what}", file.path));
        for found in path.captures_iter(code) {
            let target = &found[1];
            let is_room = ROOMS.iter().any(|(name, _)| *name == target);
            if is_room && !allowed.contains(&target) {
                complain(format!("`{room}` may not use `{target}`"));
            }
            let module = found.get(2).map(|module| module.as_str());
            // A test's hand in every adapter, which knows none of them.
            let is_failpoint = module == Some("failpoint");
            if room == "adapters" && target == "adapters" && module != own_adapter && !is_failpoint
            {
                complain(format!("an adapter may not use the adapter `{}`", module.unwrap_or("?")));
            }
        }
        if code.contains("crate::{") {
            complain("write one `use crate::<room>::` line for each room".to_owned());
        }
        if code.contains("super::super::") {
            complain("write the path from `crate::`, which shows the room".to_owned());
        }
    }
    out
}

/// Crates named in a module that is not theirs.
pub(crate) fn misplaced_crates(file: &SourceFile) -> Vec<String> {
    let Some(module) = file.path.strip_prefix("src/").map(|path| path.trim_end_matches(".rs"))
    else {
        return Vec::new();
    };
    let is_in = |place: &str| module == place || module.starts_with(&format!("{place}/"));
    let code = file.shipped_code();
    let mut out = Vec::new();
    for (name, places) in CRATES {
        if places.iter().any(|place| is_in(place)) {
            continue;
        }
        let named = format!(r"(?m)(^|[^\w:]|[^\w:]::){name}\s*::|^\s*(pub )?use {name}( as \w+)?;");
        for found in Regex::new(&named).unwrap().find_iter(&code) {
            let line = code[..found.end()].lines().count();
            out.push(format!("{}:{line}: `{name}` belongs in {places:?} only", file.path));
        }
    }
    out.dedup();
    out
}

/// IO, clocks, threads and async in the rooms that have none.
pub(crate) fn impurities(file: &SourceFile) -> Vec<String> {
    if !matches!(file.room(), Some("domain" | "learn")) {
        return Vec::new();
    }
    let impure = Regex::new(OUTSIDE_WORLD).unwrap();
    let code = file.shipped_code();
    let lines = (1..).zip(code.lines());
    let found =
        lines.filter_map(|(line, code)| impure.find(code).map(|what| (line, what.as_str())));
    found.map(|(line, what)| format!("{}:{line}: no `{what}` in a pure room", file.path)).collect()
}

/// Calls that execute a run beside `engine/execute.rs`: a second entrance would skip the first's rules.
pub(crate) fn side_entrances(file: &SourceFile) -> Vec<String> {
    if file.room().is_none() || file.path == "src/engine/execute.rs" {
        return Vec::new();
    }
    let entrance = Regex::new(r"\b(score|train)::execute\b").unwrap();
    let code = file.shipped_code();
    let lines = (1..).zip(code.lines()).filter(|(_, code)| entrance.is_match(code));
    let complaint = "runs are executed by `engine::execute` only";
    lines.map(|(line, _)| format!("{}:{line}: {complaint}", file.path)).collect()
}

/// SQL anywhere but in the store.
pub(crate) fn stray_sql(file: &SourceFile) -> Vec<String> {
    if file.room().is_none() || file.path.starts_with("src/adapters/store") {
        return Vec::new();
    }
    let sql = Regex::new(
        r#""\s*(insert( or \w+)? into|delete from|select [^"]* from|update \w+ set|create table) "#,
    );
    let sql = sql.unwrap();
    let lines = (1..).zip(file.text.lines()).filter(|(_, text)| sql.is_match(text));
    lines.map(|(line, _)| format!("{}:{line}: SQL lives in `adapters/store`", file.path)).collect()
}

/// Serialised domain types: what crosses a boundary is a type of its own.
pub(crate) fn serialised_domain_types(file: &SourceFile) -> Vec<String> {
    // A model version pins its schema, so the schema of a table is part of the artifact's format.
    let is_pinned = file.path == "src/domain/table.rs";
    if file.room() != Some("domain") || is_pinned {
        return Vec::new();
    }
    let derive = Regex::new(r"derive\([^)]*\b(Serialize|Deserialize)\b").unwrap();
    let code = file.shipped_code();
    let lines = (1..).zip(code.lines()).filter(|(_, code)| derive.is_match(code));
    let complaint = "public formats are types of `app/render`, rows of `adapters/store`";
    lines.map(|(line, _)| format!("{}:{line}: {complaint}", file.path)).collect()
}

/// Dependencies of `Cargo.toml` that [`CRATES`] does not place, and rows of it that are none.
pub(crate) fn unplaced_dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values);
    let tables = std::iter::once(&manifest["dependencies"])
        .chain(targets.filter_map(|target| target.get("dependencies")));
    let wanted: Vec<String> = tables
        .flat_map(|table| table.as_table().unwrap().keys())
        .map(|name| name.replace('-', "_"))
        .collect();
    let placed: Vec<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    let unplaced = wanted.iter().filter(|name| !placed.contains(&name.as_str()));
    let unplaced =
        unplaced.map(|name| format!("`{name}` has no row in `CRATES`: say which room may use it"));
    let unused = placed.iter().filter(|name| !wanted.iter().any(|known| known == *name));
    unplaced
        .chain(unused.map(|name| format!("`{name}` of `CRATES` is not in Cargo.toml")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::check;

    #[test]
    fn arrows_go_one_way() {
        let rule = wrong_arrows;
        check(rule, "src/learn/x.rs", "use crate::domain::job::Job;", &[]);
        check(rule, "src/app/cli.rs", "use crate::learn::metric;\nuse crate::app::render;", &[]);
        check(
            rule,
            "src/domain/x.rs",
            "\nuse crate::learn::x;",
            &["src/domain/x.rs:2: `domain` may not use `learn`"],
        );
        check(
            rule,
            "src/learn/x.rs",
            "fn f() { crate::adapters::clock::now() }",
            &["`learn` may not use `adapters`"],
        );
        check(rule, "src/engine.rs", "pub use crate::app::cli;", &["`engine` may not use `app`"]);
        check(rule, "src/domain/x.rs", "/// See [`crate::engine::plan`].", &[]);
        check(
            rule,
            "src/app/x.rs",
            "use crate::{domain, learn};",
            &["one `use crate::<room>::` line"],
        );
        check(rule, "src/learn/a/b.rs", "use super::super::c;", &["which shows the room"]);
        check(rule, "src/web/x.rs", "", &["there is no room `web`"]);
    }

    #[test]
    fn adapters_never_meet() {
        let rule = wrong_arrows;
        check(rule, "src/adapters/store/run.rs", "use crate::adapters::store::pool;", &[]);
        check(rule, "src/adapters/lock.rs", "use crate::adapters::lock::x;", &[]);
        check(
            rule,
            "src/adapters/store.rs",
            "use crate::adapters::clock::now;",
            &["the adapter `clock`"],
        );
        check(rule, "src/engine/x.rs", "use crate::adapters::clock::now;", &[]);
        check(rule, "src/adapters/store.rs", "use crate::adapters::failpoint;", &[]);
    }

    #[test]
    fn crates_stay_where_they_belong() {
        let rule = misplaced_crates;
        check(rule, "src/adapters/dataset.rs", "use polars::prelude::*;", &[]);
        check(rule, "src/adapters/dataset/scan.rs", "polars::x()", &[]);
        check(
            rule,
            "src/adapters/datasets.rs",
            "\nuse polars::x;",
            &["src/adapters/datasets.rs:2: `polars` belongs in"],
        );
        check(rule, "src/engine/score.rs", "let x: ::polars::Frame;", &["`polars`"]);
        check(rule, "src/learn/x.rs", "use polars as p;", &["`polars`"]);
        check(rule, "src/learn/x.rs", "/// `polars::x`\nlet a = \"polars::y\"; my_polars::z", &[]);
        check(rule, "src/domain/x.rs", "#[tokio::main]", &["`tokio`"]);
        check(rule, "src/engine/x.rs", "use crate::domain::glob::Glob;", &[]);
        check(rule, "src/engine/x.rs", "#[cfg(test)]\nmod tests {\nuse ndarray::array;\n}", &[]);
        check(rule, "src/app/cli.rs", "use miette::Report;", &["`miette` belongs in"]);
        check(rule, "src/app/cli/diagnostic.rs", "use miette::Report;", &[]);
    }

    #[test]
    fn pure_rooms_stay_pure() {
        let rule = impurities;
        check(rule, "src/domain/x.rs", "use std::fmt;\nuse std::net::SocketAddr;", &[]);
        check(rule, "src/domain/x.rs", "use std::net::TcpStream;", &["`TcpStream`"]);
        check(rule, "src/learn/x.rs", "\nuse std::fs::File;", &["src/learn/x.rs:2: no `std::fs`"]);
        check(rule, "src/domain/x.rs", "async fn f() {}", &["`async fn`"]);
        check(rule, "src/domain/x.rs", "Instant::now()", &["`Instant::`"]);
        check(rule, "src/adapters/x.rs", "std::fs::read(x).await", &[]);
    }

    #[test]
    fn runs_have_one_entrance() {
        let rule = side_entrances;
        check(rule, "src/app/cli/run.rs", "execute::run(world)", &[]);
        check(rule, "src/engine/execute.rs", "score::execute(run)", &[]);
        check(rule, "src/engine/backfill.rs", "score::execute(run)", &["`engine::execute` only"]);
        check(rule, "src/app/cli/run.rs", "use crate::engine::train::execute;", &["only"]);
    }

    #[test]
    fn sql_lives_in_the_store() {
        let text = concat!("const Q: &str = \"sel", "ect id from run\";");
        check(stray_sql, "src/engine/x.rs", text, &["src/engine/x.rs:1: SQL"]);
        check(stray_sql, "src/adapters/store/run.rs", text, &[]);
        check(stray_sql, "src/engine/x.rs", "// update the select from", &[]);
    }

    #[test]
    fn domain_types_are_not_serialised() {
        let rule = serialised_domain_types;
        let text = "#[derive(Debug, Serialize)]";
        check(rule, "src/domain/job.rs", text, &["src/domain/job.rs:1: public formats"]);
        check(rule, "src/domain/table.rs", text, &[]);
        check(rule, "src/app/render/json.rs", text, &[]);
    }

    #[test]
    fn every_dependency_has_a_place() {
        let found = unplaced_dependencies(
            "[dependencies]\nnew-crate = \"1\"\npolars = { version = \"1\" }",
        );
        assert!(found[0].contains("`new_crate` has no row"), "{found:?}");
        assert_eq!(found.iter().filter(|line| line.contains("`polars`")).count(), 0);
        assert!(found.iter().any(|line| line.contains("`sqlx` of `CRATES` is not in Cargo.toml")));
    }
}
