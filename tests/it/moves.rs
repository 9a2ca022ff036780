//! A project that is copied, moved, restored elsewhere, or that shares an output with another one: each changes
//! what is its own, and nothing else.
//!
//! "Nothing else" is compared byte for byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::published;
use crate::sandbox::{Output, Sandbox};

const JOB: &str = include_str!("fixtures/schema-6/jobs/wards.toml");
const STAYS: &str = include_str!("fixtures/schema-6/data/stays.csv");

/// Every file below `folder` with its bytes, but for what a reader of the record leaves.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_passing = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        ["-shm", "-wal", ".log", ".lock"].iter().any(|end| name.ends_with(end))
    };
    published::files_below(folder)
        .into_iter()
        .filter(|path| !is_passing(path))
        .map(|path| (path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

/// A project that publishes below `output`, and may write to `lake` beside it. Version 2 is champion and has
/// published the ticks of the 5th and the 6th, version 1 that of the 4th.
fn project(output: &str) -> Sandbox {
    let sandbox = empty(output);
    sandbox.at("2026-03-07T06:00:00Z");
    for line in [
        "run wards --tick 2026-03-04",
        "train wards --no-promote --tick 2026-03-06T12:00:00Z",
        "promote wards 2 --reason better --yes",
        "run wards --tick 2026-03-05",
        "run wards --tick 2026-03-06",
    ] {
        sandbox.run(line.split(' ')).expect(0);
    }
    sandbox
}

fn empty(output: &str) -> Sandbox {
    let sandbox = Sandbox::new().data("stays.csv", STAYS);
    let lake = sandbox.root().with_file_name("lake");
    std::fs::create_dir_all(&lake).unwrap();
    let lake = lake.to_str().unwrap();
    sandbox.write("nightshift.toml", format!("data_roots = [\"{lake}\"]\n"));
    sandbox.write("jobs/wards.toml", JOB.replace("scores/wards", &output.replace("LAKE", lake)));
    sandbox
}

/// A command about the project at `root`, with the clock and the environment of `sandbox`.
fn at(sandbox: &Sandbox, root: &Path, line: &str) -> Output {
    sandbox.run(["--project", root.to_str().unwrap()].into_iter().chain(line.split(' ')))
}

fn copy(source: &Path, target: &Path) {
    let done = std::process::Command::new("cp").arg("-a").args([source, target]).status().unwrap();
    assert!(done.success());
}

fn beside(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().with_file_name(name)
}

fn manifests(output: &Path) -> Vec<(String, Value)> {
    let of_tick = |(tick, found): (String, Option<Value>)| (tick, found.unwrap());
    published::ticks(output).into_iter().map(of_tick).collect()
}

/// Each tick holds the files of its manifest and no other, and `versions` have published them.
#[track_caller]
fn require(root: &Path, output: &Path, versions: &[u64]) {
    let found = manifests(output);
    let by: Vec<u64> =
        found.iter().map(|(_, manifest)| manifest["model"]["version"].as_u64().unwrap()).collect();
    assert_eq!(by, versions, "{}", root.display());
    for (_, manifest) in found {
        published::check_files(output, &manifest);
    }
    assert_eq!(published::leftovers(output.parent().unwrap()), Vec::<String>::new());
}

#[test]
fn what_a_copy_does_is_nothing_to_its_original() {
    let sandbox = project("scores/wards");
    let (original, copied) = (sandbox.root().to_owned(), beside(&sandbox, "copy"));
    copy(&original, &copied);
    let before = bytes(&original);
    let told = at(&sandbox, &copied, "doctor").expect(0).stdout;
    assert!(told.contains("this is a copy of the project at"), "{told}");
    at(&sandbox, &copied, "score wards --tick 2026-03-05 --force").expect(0);
    let output = copied.join("scores/wards");
    require(&copied, &output, &[1, 2, 2]);
    at(&sandbox, &copied, "rollback wards --reason worse --yes").expect(0);
    require(&copied, &output, &[1, 1, 1]);
    at(&sandbox, &copied, "verify --data").expect(0);
    at(&sandbox, &copied, "prune").expect(0);
    assert_eq!(bytes(&original), before);
    at(&sandbox, &original, "verify --data").expect(0);
    require(&original, &original.join("scores/wards"), &[1, 2, 2]);
    // Each has a name of its own now, and what the copy took over is its own where it lies.
    let name = |root: &Path| manifests(&root.join("scores/wards"))[2].1["project"].clone();
    assert_ne!(name(&original), name(&copied));
    at(&sandbox, &original, "score wards --tick 2026-03-06 --force").expect(0);
    require(&original, &original.join("scores/wards"), &[1, 2, 2]);
}

#[test]
fn a_project_that_was_moved_is_the_same_project() {
    let sandbox = project("scores/wards");
    let name = manifests(&sandbox.root().join("scores/wards"))[0].1["project"].clone();
    let moved = beside(&sandbox, "moved");
    #[expect(clippy::disallowed_methods, reason = "as a person would")]
    std::fs::rename(sandbox.root(), &moved).unwrap();
    std::fs::create_dir(sandbox.root()).unwrap();
    at(&sandbox, &moved, "verify --data").expect(0);
    at(&sandbox, &moved, "score wards --tick 2026-03-04 --force").expect(0);
    let output = moved.join("scores/wards");
    require(&moved, &output, &[2, 2, 2]);
    at(&sandbox, &moved, "rollback wards --reason worse --yes").expect(0);
    require(&moved, &output, &[1, 1, 1]);
    at(&sandbox, &moved, "verify --data").expect(0);
    assert_eq!(manifests(&output)[0].1["project"], name);
    assert_eq!(std::fs::read_dir(sandbox.root()).unwrap().count(), 0);
    // To another file system, where it gets another number: copied, and the original deleted.
    let again = beside(&sandbox, "again");
    copy(&moved, &again);
    std::fs::remove_dir_all(&moved).unwrap();
    at(&sandbox, &again, "score wards --tick 2026-03-04 --force").expect(0);
    assert_eq!(manifests(&again.join("scores/wards"))[0].1["project"], name);
}

#[test]
fn a_backup_that_is_restored_elsewhere_has_nothing_of_the_original() {
    let sandbox = project("scores/wards");
    sandbox.run(["backup", "b.db"]).expect(0);
    sandbox.run(["score", "wards", "--tick", "2026-03-06", "--force"]).expect(0);
    let other = beside(&sandbox, "other");
    std::fs::create_dir(&other).unwrap();
    for name in ["jobs", "data", "nightshift.toml", "b.db"] {
        copy(&sandbox.root().join(name), &other.join(name));
    }
    copy(&sandbox.root().join("state/models"), &other.join("models"));
    std::fs::create_dir(other.join("state")).unwrap();
    copy(&other.join("models"), &other.join("state/models"));
    let before = bytes(sandbox.root());
    at(&sandbox, &other, "restore b.db --yes").expect(0);
    for tick in ["2026-03-04", "2026-03-06"] {
        at(&sandbox, &other, &format!("score wards --tick {tick} --force")).expect(0);
    }
    assert_eq!(bytes(sandbox.root()), before);
    require(&other, &other.join("scores/wards"), &[2, 2]);
    require(sandbox.root(), &sandbox.root().join("scores/wards"), &[1, 2, 2]);
}

#[test]
fn a_restored_record_sets_aside_what_it_does_not_know() {
    let sandbox = project("scores/wards");
    sandbox.run(["backup", "b.db"]).expect(0);
    sandbox.run(["run", "wards", "--tick", "2026-03-07"]).expect(0);
    sandbox.run(["restore", "b.db", "--yes"]).expect(0);
    let run =
        sandbox.run(["run", "wards", "--tick", "2026-03-07", "--output", "json"]).expect(0).json();
    let findings = run["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "unknown_part"), "{findings:#?}");
    let output = sandbox.root().join("scores/wards");
    require(sandbox.root(), &output, &[1, 2, 2, 2]);
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn two_projects_on_one_output_leave_each_other_alone() {
    let one = project("LAKE/wards");
    let lake = beside(&one, "lake");
    let output = lake.join("wards");
    let two = beside(&one, "two");
    std::fs::create_dir(&two).unwrap();
    for name in ["jobs", "data", "nightshift.toml"] {
        copy(&one.root().join(name), &two.join(name));
    }
    // Somebody writes there just now.
    let staged = output.with_file_name("wards.nightshift").join("stage");
    let id = manifests(&output)[0].1["project"].as_str().unwrap().to_owned();
    let busy = staged.join(format!("{id}-01kdx3gp00zzzzzzzzzzzzzzzz-1-9"));
    std::fs::create_dir_all(busy.join("rows")).unwrap();
    let before = bytes(&lake);
    // What lies there is no proof that a record of this project was lost.
    let refused = at(&one, &two, "run wards --tick 2026-03-05").expect(75);
    assert!(refused.stderr.contains("has published"), "{}", refused.stderr);
    assert_eq!(bytes(&lake), before);
    at(&one, &two, "run wards --tick 2026-03-07").expect(0);
    assert!(busy.exists());
    std::fs::remove_dir_all(&busy).unwrap();
    require(&two, &output, &[1, 2, 2, 1]);
    one.run(["run", "wards", "--tick", "2026-03-07"]).expect(75);
    one.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
    require(one.root(), &output, &[1, 1, 1, 1]);
    for root in [one.root(), &two] {
        at(&one, root, "verify --data").expect(0);
        at(&one, root, "prune").expect(0);
    }
}

#[test]
fn a_copy_does_not_touch_what_its_original_has_published_outside() {
    let sandbox = project("LAKE/wards");
    let (lake, copied) = (beside(&sandbox, "lake"), beside(&sandbox, "copy"));
    sandbox.run(["score", "wards", "--tick", "2026-03-06", "--force"]).expect(0);
    copy(sandbox.root(), &copied);
    let before = bytes(&lake);
    at(&sandbox, &copied, "score wards --tick 2026-03-05 --force").expect(75);
    let told = at(&sandbox, &copied, "rollback wards --reason worse --yes").expect(1).stdout;
    assert_eq!(told.matches("has published").count(), 2, "{told}");
    // Nor what its original has set aside, whenever it is due to go, nor by publishing somewhere else.
    let at_home = JOB.to_owned();
    std::fs::write(copied.join("jobs/wards.toml"), at_home).unwrap();
    at(&sandbox, &copied, "score wards --tick 2026-03-06 --force").expect(0);
    sandbox.at("2026-04-01T00:00:00Z");
    at(&sandbox, &copied, "prune").expect(0);
    assert_eq!(bytes(&lake), before);
    sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(0);
    require(sandbox.root(), &lake.join("wards"), &[1, 2, 2]);
}

/// Where a project works, and what is not to be touched meanwhile.
struct Arrangement {
    what: &'static str,
    sandbox: Sandbox,
    root: PathBuf,
    output: PathBuf,
    untouched: Option<PathBuf>,
}

/// The ways in which a project comes to be elsewhere, or beside another one.
fn arrangements() -> Vec<Arrangement> {
    let mut out = Vec::new();
    let mut arrange = |what, sandbox: Sandbox, root: PathBuf, untouched: Option<PathBuf>| {
        let output = root.join("scores/wards");
        out.push(Arrangement { what, sandbox, root, output, untouched });
    };
    let sandbox = project("scores/wards");
    let (original, root) = (sandbox.root().to_owned(), beside(&sandbox, "copy"));
    copy(&original, &root);
    arrange("copied", sandbox, root, Some(original));
    let sandbox = project("scores/wards");
    let root = beside(&sandbox, "moved");
    #[expect(clippy::disallowed_methods, reason = "as a person would")]
    std::fs::rename(sandbox.root(), &root).unwrap();
    std::fs::create_dir(sandbox.root()).unwrap();
    let original = sandbox.root().to_owned();
    arrange("moved", sandbox, root, Some(original));
    let sandbox = project("scores/wards");
    let root = beside(&sandbox, "link");
    std::os::unix::fs::symlink(sandbox.root(), &root).unwrap();
    arrange("by another path", sandbox, root, None);
    let sandbox = project("scores/wards");
    let root = beside(&sandbox, "other");
    sandbox.run(["backup", "b.db"]).expect(0);
    std::fs::create_dir_all(root.join("state")).unwrap();
    for name in ["jobs", "data", "nightshift.toml", "state/models"] {
        copy(&sandbox.root().join(name), &root.join(name));
    }
    let backup = sandbox.root().join("b.db");
    at(&sandbox, &root, &format!("restore {} --yes", backup.display())).expect(0);
    for day in 4..=6 {
        at(&sandbox, &root, &format!("score wards --tick 2026-03-0{day} --force")).expect(0);
    }
    let original = sandbox.root().to_owned();
    arrange("restored elsewhere", sandbox, root, Some(original));
    let sandbox = project("LAKE/wards");
    let root = beside(&sandbox, "two");
    std::fs::create_dir(&root).unwrap();
    for name in ["jobs", "data", "nightshift.toml"] {
        copy(&sandbox.root().join(name), &root.join(name));
    }
    at(&sandbox, &root, "run wards --tick 2026-03-07").expect(0);
    let original = sandbox.root().to_owned();
    let output = beside(&sandbox, "lake").join("wards");
    // The other project is the one that is let alone, and so are its ticks.
    out.push(Arrangement {
        what: "two on one output",
        sandbox,
        root,
        output,
        untouched: Some(original),
    });
    out
}

/// Kills in an ordinary test run, for each arrangement; the whole story is told with 100.
const KILLS: u64 = 3;

#[test]
fn kills_leave_both_sides_clean_wherever_a_project_stands() {
    use rand::{Rng as _, SeedableRng as _};
    let kills = crate::suite::asked("NIGHTSHIFT_KILLS").unwrap_or(KILLS);
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(kills);
    for Arrangement { what, sandbox, root, output, untouched } in arrangements() {
        let is_shared = what == "two on one output";
        let tick = if is_shared { 7 } else { 5 };
        let before = untouched.as_deref().map(bytes);
        let theirs = |output: &Path| -> Vec<(String, Value)> {
            let all = manifests(output);
            all.into_iter().filter(|(name, _)| is_shared && !name.contains("-07T")).collect()
        };
        let published = theirs(&output);
        let mut in_time = 0;
        for _ in 0..kills {
            let line = format!("score wards --tick 2026-03-0{tick} --force");
            let words = ["--project", root.to_str().unwrap()].into_iter().chain(line.split(' '));
            let running = sandbox.spawn(words);
            std::thread::sleep(std::time::Duration::from_millis(random.gen_range(0..110)));
            in_time += u64::from(running.kill().status() == -9);
        }
        at(&sandbox, &root, &format!("score wards --tick 2026-03-0{tick} --force")).expect(0);
        at(&sandbox, &root, "prune").expect(0);
        at(&sandbox, &root, "verify --data").expect(0);
        assert_eq!(untouched.as_deref().map(bytes), before, "{what}");
        assert_eq!(theirs(&output), published, "{what}");
        for (_, manifest) in manifests(&output) {
            published::check_files(&output, &manifest);
        }
        let left = published::leftovers(output.parent().unwrap());
        assert_eq!(left, Vec::<String>::new(), "{what}");
        crate::suite::say(&format!("{what}: {kills} kills, {in_time} in time, both sides clean"));
    }
}

/// Lets the record of the project at `root` say that it was last written to elsewhere.
fn edit(root: &Path, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(root.join("state/nightshift.db"));
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    std::fs::remove_file(root.join("state/nightshift.db-seal")).ok();
}

#[test]
fn where_it_cannot_be_told_nothing_is_written_outside_until_somebody_says() {
    const ELSEWHERE: &str = "update place set host = 'other', boot = 'other', inode = '1'";
    for (flag, code) in [("--moved", 0), ("--copied", 75)] {
        let sandbox = project("LAKE/wards");
        let lake = beside(&sandbox, "lake");
        let before = bytes(&lake);
        edit(sandbox.root(), ELSEWHERE);
        for _ in 0..2 {
            let refused =
                sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(75);
            assert!(refused.stderr.contains("nightshift doctor --moved"), "{}", refused.stderr);
        }
        let told = sandbox.run(["doctor"]).expect(1).stdout;
        assert!(told.contains("is on another machine"), "{told}");
        assert_eq!(bytes(&lake), before);
        sandbox.run(["doctor", flag]).expect(0);
        sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(code);
        sandbox.run(["run", "wards", "--tick", "2026-03-07"]).expect(0);
    }
    // Within its own folder a project is at home anyway.
    let sandbox = project("scores/wards");
    edit(sandbox.root(), ELSEWHERE);
    sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(0);
    require(sandbox.root(), &sandbox.root().join("scores/wards"), &[1, 2, 2]);
}

#[test]
fn a_rollback_corrects_what_was_published_since_whatever_the_clock_said() {
    let sandbox = project("scores/wards");
    sandbox.at("2026-03-07T05:00:00Z");
    sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(0);
    sandbox.run(["run", "wards", "--tick", "2026-03-07"]).expect(0);
    sandbox.at("2026-03-07T07:00:00Z");
    sandbox.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
    require(sandbox.root(), &sandbox.root().join("scores/wards"), &[1, 1, 1, 1]);
}

#[test]
fn what_others_have_published_behind_a_link_is_no_proof_of_a_lost_record() {
    let one = project("LAKE/wards");
    let lake = beside(&one, "lake");
    let two = beside(&one, "two");
    std::fs::create_dir(&two).unwrap();
    for name in ["data", "nightshift.toml"] {
        copy(&one.root().join(name), &two.join(name));
    }
    std::fs::create_dir(two.join("jobs")).unwrap();
    std::fs::write(two.join("jobs/wards.toml"), JOB).unwrap();
    std::os::unix::fs::symlink(&lake, two.join("scores")).unwrap();
    at(&one, &two, "run wards --tick 2026-03-07").expect(0);
    require(&two, &lake.join("wards"), &[1, 2, 2, 1]);
}

#[test]
fn a_copy_that_names_the_state_of_its_original_is_refused_and_told() {
    let sandbox = empty("scores/wards");
    let state = beside(&sandbox, "state").to_str().unwrap().to_owned();
    sandbox.write("nightshift.toml", format!("state_dir = \"{state}\"\n"));
    sandbox.at("2026-03-07T06:00:00Z");
    sandbox.run(["run", "wards", "--tick", "2026-03-04"]).expect(0);
    let copied = beside(&sandbox, "copy");
    copy(sandbox.root(), &copied);
    at(&sandbox, &copied, "run wards --tick 2026-03-05").expect(75);
    let told = at(&sandbox, &copied, "doctor").expect(1).stdout;
    assert!(told.contains("of which this is a copy"), "{told}");
    sandbox.run(["run", "wards", "--tick", "2026-03-05"]).expect(0);
}

#[test]
fn a_run_that_cannot_be_rolled_forward_stops_nobody_else() {
    let sandbox = project("scores/wards");
    let other = JOB.replace("name = \"wards\"", "name = \"other\"");
    sandbox.write("jobs/other.toml", other.replace("scores/wards", "scores/other"));
    // As a process leaves it that was killed while it published, and then somebody puts a file in the way.
    edit(
        sandbox.root(),
        "update run set state = 'committing', finished_at = null, commits = null
             where kind = 'score' and tick like '2026-03-06%'",
    );
    let rows = sandbox.root().join("scores/wards/tick=2026-03-06T000000Z");
    std::fs::remove_dir_all(&rows).unwrap();
    std::fs::write(&rows, "in the way").unwrap();
    for line in ["run other --tick 2026-03-05", "run wards --tick 2026-03-07"] {
        let said = sandbox.run(line.split(' ')).expect(0);
        assert!(said.stderr.contains("cannot be recovered"), "{line}: {}", said.stderr);
    }
    assert_eq!(std::fs::read(&rows).unwrap(), b"in the way");
}

#[test]
fn a_tick_that_is_published_somewhere_else_leaves_nothing_where_it_was() {
    let sandbox = project("scores/wards");
    sandbox.write("jobs/wards.toml", JOB.replace("scores/wards", "scores/new"));
    sandbox.run(["score", "wards", "--tick", "2026-03-05", "--force"]).expect(0);
    require(sandbox.root(), &sandbox.root().join("scores/wards"), &[1, 2]);
    require(sandbox.root(), &sandbox.root().join("scores/new"), &[2]);
    sandbox.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
    // Each correction goes where the job file said that it was published.
    require(sandbox.root(), &sandbox.root().join("scores/wards"), &[1, 1]);
    require(sandbox.root(), &sandbox.root().join("scores/new"), &[1]);
    sandbox.run(["verify", "--data"]).expect(0);
}

#[test]
fn files_of_others_stay_among_the_rows() {
    let sandbox = project("scores/wards");
    let rows = sandbox.root().join("scores/wards/tick=2026-03-05T000000Z");
    std::fs::write(rows.join("_SUCCESS"), "").unwrap();
    let run = ["score", "wards", "--tick", "2026-03-05", "--force", "--output", "json"];
    let found = sandbox.run(run).expect(0).json();
    let findings = found["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "foreign_file"), "{findings:#?}");
    assert!(rows.join("_SUCCESS").is_file());
    let told = sandbox.run(["verify", "--data"]).expect(0).stdout;
    assert!(told.contains("unrecorded") && told.contains("_SUCCESS"), "{told}");
}
