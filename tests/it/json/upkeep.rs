//! `verify`, `prune`, `doctor`, `backup` and `restore` against the contract.

use super::Shape::{Each, Fields, Flag, Maybe, Text, Time, Whole, Word};
use super::{RUNS, Shape, check, project};

pub(super) static VERIFY: Shape = Fields(&[
    ("schema", Word(&["nightshift.verify/1"])),
    ("checked", Whole),
    ("broken", Whole),
    ("files", Each(&FILE)),
]);

pub(super) static PRUNE: Shape = Fields(&[
    ("schema", Word(&["nightshift.prune/1"])),
    ("dry_run", Flag),
    ("runs", Whole),
    ("versions", Whole),
    ("files", Whole),
    ("bytes", Whole),
    ("profiles", Whole),
    ("logs", Whole),
]);

const HEALTH: Shape = Word(&["ok", "warn", "fail"]);

pub(super) static DOCTOR: Shape = Fields(&[
    ("schema", Word(&["nightshift.doctor/1"])),
    ("verdict", HEALTH),
    (
        "lines",
        Each(&Fields(&[
            ("name", Text),
            ("verdict", HEALTH),
            ("message", Text),
            ("fix", Maybe(&Text)),
        ])),
    ),
]);

const FILE: Shape = Fields(&[
    ("path", Text),
    ("what", Text),
    ("outcome", Word(&["ok", "missing", "changed"])),
    ("wanted", Maybe(&Text)),
    ("found", Maybe(&Text)),
]);

static BACKUP: Shape = Fields(&[
    ("schema", Word(&["nightshift.backup/1"])),
    ("path", Text),
    ("bytes", Whole),
    ("sha256", Text),
    ("database_schema", Whole),
    ("runs", Whole),
    ("latest_run_at", Maybe(&Time)),
]);

static RESTORE: Shape = Fields(&[
    ("schema", Word(&["nightshift.restore/1"])),
    ("path", Text),
    ("database_schema", Whole),
    ("runs", Whole),
    ("latest_run_at", Maybe(&Time)),
    ("kept", Maybe(&Text)),
    ("unfinished", Whole),
    ("missing", Each(&FILE)),
]);

#[test]
fn the_documents_of_a_backup_and_of_its_return_are_as_the_contract_says() {
    let sandbox = project();
    check(&sandbox, "run churn", 0, &super::RUN);
    let made = check(&sandbox, "backup b.db", 0, &BACKUP);
    assert_eq!((&made["runs"], &made["latest_run_at"].is_string()), (&2.into(), &true));
    let bytes = std::fs::read(sandbox.root().join("b.db")).unwrap();
    assert_eq!(made["bytes"], bytes.len());
    std::fs::remove_dir_all(sandbox.root().join("state/models")).unwrap();
    let restored = check(&sandbox, "restore b.db --yes", 0, &RESTORE);
    assert_eq!(restored["kept"], "state/nightshift.db.kept-20260105T030003Z");
    assert_eq!(restored["missing"][0]["outcome"], "missing");
    let runs = check(&sandbox, "runs", 0, &RUNS);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2));
}
