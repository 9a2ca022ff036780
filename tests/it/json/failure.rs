//! A command that fails says so in one shape, whatever it is.
//!
//! Every command is made to fail once; one that is missing here fails the test.

use std::collections::BTreeSet;

use super::{ERROR, differences};
use crate::sandbox::Sandbox;

#[test]
fn every_command_fails_in_the_same_shape() {
    let sandbox = Sandbox::new();
    let lines = [
        "init",
        "validate nothing",
        "plan nothing",
        "run nothing",
        "score nothing",
        "train nothing",
        "backfill nothing --from 2026-01-01 --to 2026-01-02",
        "status --project nowhere",
        "next nothing",
        "runs nothing",
        "show nothing",
        "logs nothing",
        "models nothing",
        "diff nothing 1 2",
        "drift nothing",
        "evaluate nothing.csv --task binary --label y --score p",
        "history nothing",
        "promote nothing 1 --reason x",
        "rollback nothing --no-rescore --reason x",
        "import nothing file --reason x",
        "explain nothing",
        "verify --project nowhere",
        "prune --project nowhere",
        "backup nothing.db",
        "restore nothing.db",
        "doctor --project nowhere",
        "generate nothing",
        "daemon --project nowhere",
        "ticks nothing",
        "cancel nothing",
        "pause nothing",
        "resume nothing",
        "reload",
    ];
    for line in lines {
        let found = sandbox.run(line.split(' ').chain(["--output", "json"]));
        let document = found.json();
        let mut out = Vec::new();
        differences(&ERROR, &document, line, &mut out);
        assert!(out.is_empty(), "{out:#?}\n{document:#}");
        assert_eq!(document["exit_code"], found.status(), "{line}: {document:#}");
        assert_ne!(found.status(), 0, "{line}");
        assert!(found.stderr.is_empty(), "{line}: {}", found.stderr);
    }
    let covered: BTreeSet<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    let description = nightshift::app::cli::description();
    let shown = description.get_subcommands().filter(|command| !command.is_hide_set());
    let commands = shown.map(clap::Command::get_name).collect();
    assert_eq!(covered, commands);
}
