//! Every fail point: the matrix of `tests/it/chaos.rs` goes through this list, so it is complete.
//!
//! A name stands here once and in the code once. What the design names and nobody has built yet is
//! pending, with what it waits for.

use regex::Regex;

use super::source::SourceFile;

/// Points that are in the code, in the order in which a run comes to them.
pub(crate) const POINTS: &[&str] = &[
    "plan.before_txn",
    "plan.after_ticks",
    "plan.before_commit",
    "plan.after_commit",
    "engine.hint",
    "engine.rebuild",
    "claim.before",
    "claim.after",
    "spawn.before_fork",
    "spawn.after_fork",
    "child.after_lock",
    "child.before_input",
    "input.open",
    "input.row_group",
    "score.chunk",
    "drift.compute",
    "out.create",
    "out.write",
    "out.fsync_file",
    "out.manifest",
    "out.fsync_stage",
    "out.fsync_parent",
    "commit.before_a",
    "commit.in_a",
    "commit.after_a",
    "commit.take_folder",
    "commit.exchange",
    "commit.foreign",
    "commit.exchanged",
    "commit.rename.N",
    "commit.between_renames",
    "commit.fsync_dir",
    "commit.before_b",
    "commit.after_b",
    "commit.set_aside",
    "commit.cleanup",
    "train.fit",
    "model.write",
    "model.fsync",
    "gate.eval",
    "promote.before",
    "promote.in_txn",
    "promote.after",
    "rollback.before",
    "rollback.after",
    "recover.integrity",
    "recover.rollforward",
    "recover.lost",
    "recover.gc",
    "recover.verify_models",
    "reload.parse",
    "reload.swap",
    "drain.start",
    "drain.kill",
    "backup.vacuum",
    "backup.rename",
    "migrate.step",
    "db.busy",
    "db.full",
    "db.ioerr_fsync",
];

/// Points whose part does not exist yet, and which part that is.
pub(crate) const PENDING: &[(&str, &str)] = &[
    ("api.after_auth", "there is no API"),
    ("api.before_dedupe", "there is no API"),
    ("api.before_reply", "there is no API"),
];

/// The points that a file of the program has, with their lines.
fn points_in(file: &SourceFile) -> Vec<(usize, String)> {
    if file.room().is_none() {
        return Vec::new();
    }
    let call = Regex::new(r#"failpoint::(?:reach|pass)\(\s*"([^"]*)"\s*\)"#).unwrap();
    let line = |at: usize| file.text[..at].lines().count();
    call.captures_iter(&file.text)
        .map(|found| (line(found.get(0).unwrap().end()), found[1].to_owned()))
        .collect()
}

/// Points that are in one of the lists and the code and not in the other, or more than once in either.
pub(crate) fn stray_points(files: &[SourceFile]) -> Vec<String> {
    let mut out = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for file in files {
        for (line, name) in points_in(file) {
            let place = format!("{}:{line}", file.path);
            if seen.contains(&name) {
                out.push(format!("{place}: fail point `{name}` is in the code twice"));
            } else if !POINTS.contains(&name.as_str()) {
                out.push(format!("{place}: fail point `{name}` is not in `POINTS`"));
            }
            seen.push(name);
        }
    }
    let missing = POINTS.iter().filter(|name| !seen.iter().any(|found| found == *name));
    out.extend(missing.map(|name| format!("fail point `{name}` is nowhere in the code")));
    let mut listed: Vec<&str> = POINTS.to_vec();
    listed.extend(PENDING.iter().map(|(name, _)| *name));
    listed.sort_unstable();
    let twice = listed.windows(2).filter(|pair| pair[0] == pair[1]);
    out.extend(twice.map(|pair| format!("fail point `{}` is listed twice", pair[0])));
    out
}

#[test]
fn points_are_found_and_compared() {
    let file = |text: &str| [SourceFile::new("src/engine/x.rs", text)];
    let found = stray_points(&file("\nfailpoint::reach(\"no.such\")?;"));
    assert_eq!(found[0], "src/engine/x.rs:2: fail point `no.such` is not in `POINTS`");
    assert!(found.contains(&"fail point `db.busy` is nowhere in the code".to_owned()));
    let twice = "failpoint::pass(\"db.busy\");\nfailpoint::reach(\n    \"db.busy\"\n)?;";
    let found = stray_points(&file(twice));
    assert_eq!(found[0], "src/engine/x.rs:4: fail point `db.busy` is in the code twice");
}

#[test]
fn the_list_is_as_long_as_the_design_says() {
    assert_eq!(POINTS.len() + PENDING.len(), 63);
}
