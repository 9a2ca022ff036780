//! What holds for every command: help, exit codes, colour, pipes, and what nobody is asked.
//!
//! What a single command does is tested with the behaviour it is part of; the fields of its JSON are in
//! `json.rs`.

use std::io::Read as _;
use std::process::Stdio;

use crate::sandbox::Sandbox;

const JOB: &str = r#"name = "wine"
[data]
source = "data/wine/*.csv"
label = "good"
[model]
task = "binary"
[score]
output = "scores/wine"
"#;

/// A table of 400 rows that a model can learn something from.
fn table() -> String {
    let rows = (0..400).map(|row| format!("{},{},{}\n", row % 17, row % 5, u8::from(row % 17 > 8)));
    "pH,colour,good\n".to_owned() + &rows.collect::<String>()
}

fn project() -> Sandbox {
    Sandbox::new().job("wine", JOB).data("wine/a.csv", table())
}

#[test]
fn help_lists_every_command() {
    insta::assert_snapshot!(Sandbox::new().run(["-h"]).expect(0).stdout, @r"
    Nightly batch scoring that watches itself

    Usage: nightshift [OPTIONS] <COMMAND>

    Commands:
      init      Make a project that works: a configuration, a job, and data to try it on
      validate  Show every problem of every job file, and of `nightshift.toml`
      plan      Show what a run would read, use and write, with every default filled in
      run       Run a job for one tick: train a first model if there is none, then score
      score     Score one tick with the champion
      train     Train one version, register it, and promote it where the rules let it
      backfill  Run the chain for each missing tick, oldest first, as of that tick
      daemon    Follow the schedules of all jobs until told to stop
      status    Show every job: its last run, its champion, its next tick
      next      Show upcoming ticks, local and in UTC, and what daylight saving does to them
      ticks     Show what became of every tick, and why
      runs      List runs, newest first
      show      Show one run: rows, model, files, findings, decision, stages
      logs      Show the log of one run
      models    List the versions of a model, with aliases and metrics
      diff      Show two versions side by side: metrics, training, features, coefficients
      drift     Compare the latest run of a job, or any table, with a reference, worst column first
      evaluate  Judge the predictions in a table: metrics, paired comparisons, groups
      history   Show every move of every alias: when, from, to, who, why
      promote   Make a version champion, whatever its gates said
      rollback  Make the version champion that was champion before, and score its ticks again
      import    Register an existing artifact as a version, and as champion if there is none
      cancel    End a run that is queued or being executed
      pause     Let the ticks of a job go by without running them
      resume    Let the ticks of a paused job be run again
      reload    Let the running daemon read the job files again
      explain   Explain a check, kind, metric, comparison, test, problem code, cron, run or score
      verify    Look through the database, and compare every stored hash with the disk
      prune     Delete what `[keep]` allows; what an alias, a rollback or `drift.reference` needs stays
      backup    Write a backup of the database to a file, while runs go on
      restore   Put a backup in the place of the database, which is kept beside it
      doctor    Look at store, disk, clock, zones, permissions and jobs, with a fix for what is wrong
      generate  Print an asset: the schema of job files, shell completions, man pages, a systemd unit

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --project <DIR>    The root of the project [default: the nearest folder above with a
                             `nightshift.toml`] [env: NIGHTSHIFT_PROJECT]
          --output <FORMAT>  What standard output is for: people or machines [env: NIGHTSHIFT_OUTPUT]
                             [default: text] [possible values: text, json]
          --color <WHEN>     When to use colour [env: NIGHTSHIFT_COLOR] [default: auto] [possible
                             values: auto, always, never]
      -q, --quiet            Say nothing on standard error but errors
      -v, --verbose...       Show the log on standard error; twice for more of it
    ");
}

/// The help of each command in one text: a changed word of any flag shows here.
#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::new();
    let description = nightshift::app::cli::description();
    let mut out = String::new();
    for command in description.get_subcommands().filter(|command| !command.is_hide_set()) {
        let help = sandbox.run([command.get_name(), "--help"]).expect(0).stdout;
        let own = help.split("Global options:").next().unwrap();
        out.extend([format!("==== {}\n{}\n", command.get_name(), own.trim_end())]);
    }
    insta::assert_snapshot!("help", out);
}

#[test]
fn the_version_is_that_of_the_package() {
    let found = Sandbox::new().run(["--version"]).expect(0);
    assert_eq!(found.stdout, format!("nightshift {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn exit_codes_are_as_the_readme_says() {
    let sandbox = project();
    let check = |line: &str, code: i32| {
        let found = sandbox.run(line.split(' ')).expect(code);
        assert_eq!(found.stderr.contains("error:"), code == 2, "{line}: {}", found.stderr);
    };
    check("run wine --tick 2026-01-05", 0);
    check("run wine --tick 2026-01-05", 0);
    check("run wine --tick 2026-01-05 --detailed-exit-code", 4);
    check("score wine --tick 2026-01-05 --force", 0);
    check("run nothing", 2);
    check("run", 2);
    check("nothing", 2);
    check("run wine --tick yesterday", 2);
    check("show 7zzz", 2);
    check("promote wine 9 --reason x --yes", 2);
    check("rollback wine --reason x --yes", 2);
    check("backfill wine --from 2026-01-01 --to 2026-01-02", 2);
    check("explain score wine 17", 2);
}

#[test]
fn verdicts_are_exit_codes_that_can_be_turned_off() {
    let job = format!("{JOB}[[check]]\nrows_min = 1000\n");
    let sandbox = Sandbox::new().job("wine", &job).data("wine/a.csv", table());
    let failed = sandbox.run(["run", "wine", "--tick", "2026-01-05"]).expect(12);
    assert!(failed.stdout.contains("check failed"), "{}", failed.stdout);
    assert!(failed.stdout.contains("rows_min"), "{}", failed.stdout);
    let same = sandbox.run(["run", "wine", "--tick", "2026-01-05", "--exit-zero"]).expect(0);
    assert!(same.stdout.contains("check failed"), "{}", same.stdout);
    // A failure is no verdict.
    std::fs::remove_file(sandbox.root().join("data/wine/a.csv")).unwrap();
    let gone = sandbox.run(["run", "wine", "--tick", "2026-01-06", "--exit-zero"]).expect(1);
    assert!(gone.stderr.contains("error:"), "{}", gone.stderr);
}

#[test]
fn a_job_file_with_problems_is_shown_with_carets() {
    let sandbox = project().job("broken", &JOB.replace("wine\"\n[data]", "broken\"\n[dta]"));
    let found = sandbox.run(["run", "broken"]).expect(3);
    assert!(found.stdout.is_empty() && found.stderr.contains('^'), "{}", found.stderr);
    assert!(found.stderr.contains("jobs/broken.toml:2:"), "{}", found.stderr);
    // Other jobs go on.
    let found = sandbox.run(["status"]).expect(0);
    assert!(found.stdout.contains("wine"), "{}", found.stdout);
    assert!(found.stderr.contains("`nightshift validate`"), "{}", found.stderr);
    sandbox.run(["plan", "wine"]).expect(0);
}

#[test]
fn colour_is_for_terminals_or_for_those_who_ask() {
    let check = |variables: &[(&str, &str)], flags: &[&str], wanted: bool| {
        let mut sandbox = project().env("NO_COLOR", "");
        for (name, value) in variables {
            sandbox = sandbox.env(name, value);
        }
        let found = sandbox.run([&["status"], flags].concat()).expect(0);
        assert_eq!(found.stdout.contains('\u{1b}'), wanted, "{variables:?} {flags:?}");
    };
    check(&[], &[], false);
    check(&[], &["--color", "always"], true);
    check(&[("CLICOLOR_FORCE", "1")], &[], true);
    check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[], false);
    check(&[("CLICOLOR_FORCE", "1")], &["--color", "never"], false);
    check(&[("NIGHTSHIFT_COLOR", "always")], &[], true);
    check(&[("NIGHTSHIFT_COLOR", "always")], &["--color", "never"], false);
    check(&[], &["--color", "always", "--output", "json"], false);
}

#[test]
fn a_closed_pipe_is_a_reader_who_has_seen_enough() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    let mut child = command.args(["generate", "schema"]).stdout(Stdio::piped()).spawn().unwrap();
    // The schema is longer than a pipe holds, so the writer meets the closed end.
    drop(child.stdout.take());
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert_eq!((child.wait().unwrap().code(), talk.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_not_a_closed_pipe() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    let found = command.args(["generate", "schema"]).stdout(full).output().unwrap();
    let talk = String::from_utf8(found.stderr).unwrap();
    assert_eq!(found.status.code(), Some(1), "{talk}");
    assert!(talk.contains("failed to write to standard output"), "{talk}");
}

#[test]
fn quiet_leaves_only_data_and_errors() {
    let sandbox = project();
    let found = sandbox.run(["run", "wine", "-q"]).expect(0);
    assert!(found.stderr.is_empty() && !found.stdout.is_empty(), "{}", found.stderr);
    assert!(!sandbox.run(["run", "nothing", "-q"]).expect(2).stderr.is_empty());
    let found = sandbox.run(["score", "wine", "-v"]).expect(0);
    assert!(found.stderr.contains("INFO"), "{}", found.stderr);
}

#[test]
fn the_environment_stands_in_for_flags_and_gives_way_to_them() {
    let sandbox = project().env("NIGHTSHIFT_OUTPUT", "json");
    assert_eq!(sandbox.run(["status"]).expect(0).json()["schema"], "nightshift.status/1");
    assert_eq!(sandbox.run(["nothing"]).expect(2).json()["schema"], "nightshift.error/1");
    let text = sandbox.run(["status", "--output", "text"]).expect(0).stdout;
    assert!(text.starts_with("job "), "{text}");
    let elsewhere = project().env("NIGHTSHIFT_PROJECT", "nowhere");
    elsewhere.run(["status"]).expect(2);
    elsewhere.run(["status", "--project", "."]).expect(0);
    Sandbox::new().env("NIGHTSHIFT_SEED", "x").run(["status"]).expect(2);
    Sandbox::new().env("NIGHTSHIFT_NOW", "tonight").run(["status"]).expect(2);
}

#[test]
fn a_clock_and_names_for_tests_are_told_once() {
    let sandbox = project().env("NIGHTSHIFT_TEST", "");
    let told = sandbox.run(["status"]).expect(0).stderr;
    for variable in ["`NIGHTSHIFT_NOW` is set: the clock stands still at 2026", "`NIGHTSHIFT_SEED`"]
    {
        assert_eq!(told.matches(variable).count(), 1, "{told}");
    }
    assert_eq!(sandbox.run(["--quiet", "status"]).expect(0).stderr, "");
    // Whatever a test asks for, who looks is told.
    let found = project().run(["doctor"]).stdout;
    assert!(found.contains("environment") && found.contains("`NIGHTSHIFT_NOW` is set"), "{found}");
}

#[test]
fn a_command_works_from_any_folder_of_the_project() {
    let sandbox = project();
    let mut command = sandbox.command();
    let found = command.current_dir(sandbox.root().join("data/wine")).arg("status").output();
    let text = String::from_utf8(found.unwrap().stdout).unwrap();
    assert!(text.contains("wine"), "{text}");
}

#[test]
fn nothing_moves_without_consent() {
    let sandbox = project();
    sandbox.run(["train", "wine"]).expect(0);
    sandbox.run(["train", "wine", "--no-promote"]).expect(0);
    let refused = sandbox.run(["promote", "wine", "2", "--reason", "better"]).expect(2);
    assert!(refused.stderr.contains("v1 -> v2"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`--yes`"), "{}", refused.stderr);
    let history = sandbox.run(["history", "wine", "--output", "json"]).expect(0).json();
    assert_eq!(history["moves"].as_array().unwrap().len(), 1);
    sandbox.run(["promote", "wine", "2", "--reason", " ", "--yes"]).expect(2);
    sandbox.run(["promote", "wine", "2", "--reason", "better", "--yes"]).expect(0);
    let back = ["rollback", "wine", "--no-rescore", "--reason", "worse", "--yes"];
    let done = sandbox.run(back).expect(0);
    assert!(done.stderr.contains("published already stay"), "{}", done.stderr);
    sandbox.run(["promote", "wine", "2", "--reason", "better", "--yes"]).expect(0);
    let asked = sandbox.run(["rollback", "wine", "--reason", "worse"]).expect(2);
    assert!(asked.stderr.contains("no tick was published with it"), "{}", asked.stderr);
    sandbox.run(["rollback", "wine", "--reason", "worse", "--yes"]).expect(0);
}

#[test]
fn init_never_overwrites() {
    let sandbox = Sandbox::new();
    let kept = std::fs::read(sandbox.root().join("nightshift.toml")).unwrap();
    let refused = sandbox.run(["init"]).expect(2);
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    assert_eq!(std::fs::read(sandbox.root().join("nightshift.toml")).unwrap(), kept);
    assert!(!sandbox.root().join("jobs").exists(), "nothing is written by half");
    let made = sandbox.run(["init", "my demo"]).expect(0);
    assert!(made.stderr.contains("cd 'my demo' && nightshift run churn"), "{}", made.stderr);
    sandbox.run(["--project", "my demo", "run", "churn"]).expect(0);
    sandbox.run(["init", "my demo"]).expect(2);
}
