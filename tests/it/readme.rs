//! The README is executed: its commands in a copy of the project, and its tables against the code.
//!
//! Every `$ nightshift` line of a console block must end with exit code 0 in the order of the page,
//! after the main command. Lines below a command are what it prints on stdout, where `[..]` stands for
//! any text within a line and a line `...` for any lines. The two `$ cargo` lines are what `.ci/run`
//! executes; here the first is run as the binary that cargo has built already.

use std::collections::BTreeSet;
use std::path::Path;

use nightshift::adapters::metrics::Metrics;
use nightshift::app::exit::Exit;
use nightshift::domain::identity::JobName;

use crate::sandbox::Sandbox;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A command of a console block, with the lines that follow it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    output: Vec<String>,
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// The commands of every block fenced as `console`.
fn steps(markdown: &str) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let mut is_console = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if is_console && line.starts_with("$ ") {
            out.push(Step { command: line[2..].to_owned(), output: Vec::new() });
        } else if is_console {
            out.last_mut().expect("a command comes first").output.push(line.to_owned());
        }
    }
    out
}

/// Whether `line` is what `pattern` says, `[..]` being any text.
fn line_matches(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split("[..]");
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether `lines` are what `patterns` say, a pattern `...` being any lines.
fn lines_match(patterns: &[String], lines: &[&str]) -> bool {
    match (patterns, lines) {
        ([], []) => true,
        ([any, rest @ ..], _) if any == "..." => {
            (0..=lines.len()).any(|skipped| lines_match(rest, &lines[skipped..]))
        }
        ([pattern, patterns @ ..], [line, lines @ ..]) => {
            line_matches(pattern, line) && lines_match(patterns, lines)
        }
        _ => false,
    }
}

/// The rows of the table below the heading `## Exit codes`, without its head.
fn exit_code_rows(markdown: &str) -> Vec<(u8, String)> {
    let section = markdown.split("## Exit codes").nth(1).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|--")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].parse().unwrap(), cells[1].replace('`', ""))
        })
        .collect()
}

#[test]
fn two_commands_set_everything_up() {
    let commands: Vec<String> = steps(&readme())
        .into_iter()
        .map(|step| step.command)
        .filter(|command| command.starts_with("cargo "))
        .collect();
    assert_eq!(commands, ["cargo run --release -- init --demo", "cargo test --release"]);
}

#[test]
fn every_command_prints_what_the_page_says() {
    let project = ["nightshift.toml", "jobs", "data/wine"];
    let sandbox = project
        .iter()
        .fold(Sandbox::new(), |sandbox, path| sandbox.copy(&Path::new(ROOT).join(path), path));
    // The nights of the demo end in May.
    sandbox.at("2026-06-01T03:00:00Z");
    for step in steps(&readme()) {
        let arguments = match step.command.split_once(" -- ") {
            Some(("cargo run --release", arguments)) => arguments,
            _ if step.command.starts_with("cargo test") => continue,
            _ => step.command.strip_prefix("nightshift ").expect("a command of ours"),
        };
        let found = sandbox.run(arguments.split_whitespace()).expect(0);
        let lines: Vec<&str> = found.stdout.lines().collect();
        assert!(
            step.output.is_empty() || lines_match(&step.output, &lines),
            "`{}` prints\n{}\nthe README says\n{}",
            step.command,
            found.stdout,
            step.output.join("\n"),
        );
    }
}

#[test]
fn the_job_on_the_page_is_the_job_in_the_project() {
    let readme = readme();
    let shown = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let job = std::fs::read_to_string(Path::new(ROOT).join("jobs/wine.toml")).unwrap();
    let without_comments: Vec<&str> =
        job.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), without_comments);
}

#[test]
fn exit_codes_on_the_page_are_those_of_the_code() {
    let wanted: Vec<(u8, String)> =
        Exit::ALL.iter().map(|(code, meaning)| (*code, meaning.replace('`', ""))).collect();
    assert_eq!(exit_code_rows(&readme()), wanted);
}

#[test]
fn metrics_on_the_page_are_those_of_the_code() {
    let page = readme();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `nightshift_"));
    let mut told: Vec<String> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let name = cells.next().unwrap().trim_end_matches('`');
            let mut labels: Vec<&str> =
                cells.next().unwrap().split(", ").filter(|label| !label.is_empty()).collect();
            labels.sort_unstable();
            format!("nightshift_{name} {}", labels.join(","))
        })
        .collect();
    told.sort_unstable();
    let metrics = Metrics::new().unwrap();
    metrics.committed(&JobName::new("churn").unwrap(), jiff::Timestamp::UNIX_EPOCH);
    let text = metrics.text().unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let found: BTreeSet<String> = series
        .map(|line| {
            let name = line.split(['{', ' ']).next().unwrap();
            let labels = line.split(['{', '}']).nth(1).unwrap_or_default();
            let labels = labels.split(',').filter_map(|label| label.split('=').next());
            let labels: Vec<&str> = labels.filter(|label| !label.is_empty()).collect();
            format!("{name} {}", labels.join(","))
        })
        .collect();
    assert_eq!(told, found.into_iter().collect::<Vec<_>>());
}

#[test]
fn console_blocks_are_read_as_commands_and_output() {
    let step = |command: &str, output: &[&str]| Step {
        command: command.to_owned(),
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    };
    let markdown = "x\n```console\n$ a b\nc\n$ d\n```\n```toml\n$ e\n```\n";
    assert_eq!(steps(markdown), [step("a b", &["c"]), step("d", &[])]);
    let rows = "## Exit codes\n\n| Code | Meaning |\n|---|---|\n| 0 | `done` |\n\n| 9 | x |\n";
    assert_eq!(exit_code_rows(rows), [(0, "done".to_owned())]);
}

#[test]
fn patterns_stand_for_what_they_leave_out() {
    let check = |pattern: &str, text: &str, wanted: bool| {
        let patterns: Vec<String> = pattern.lines().map(ToOwned::to_owned).collect();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines_match(&patterns, &lines), wanted, "{pattern:?} {text:?}");
    };
    check("a\nb", "a\nb", true);
    check("a\nb", "a\nb\nc", false);
    check("a\nb", "a", false);
    check("run [..] of `wine` in [..] ms", "run 01k of `wine` in 3 ms", true);
    check("run [..] of `wine`", "run 01k of `beer`", false);
    check("a[..]a", "a", false);
    check("a\n...\nd", "a\nb\nc\nd", true);
    check("a\n...\nd", "a\nd", true);
    check("a\n...\nd", "a\nb", false);
    check("...", "", true);
}
