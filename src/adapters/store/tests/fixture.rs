//! Values to test with.
//!
//! Times are seconds after one moment; every run is of the same tick, and its number makes its id.

use jiff::Timestamp;
use tempfile::TempDir;

use crate::adapters::store::{
    Afterwards, Conclusion, Enqueued, Failure, Intent, NewOutput, NewRun, NewVersion, Open,
    OutputPlace, OutputRole, Rows, Store,
};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::{JobName, RunId, Sha256};
use crate::domain::layout::{Location, RootName};
use crate::domain::registry::{Blessing, MetricValue};
use crate::domain::run::{AttemptOutcome, Claim, Interval, RunKind, RunSlot, Trigger, Verdict};

pub(super) const HASH: Sha256 = Sha256([0xab; 32]);

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_580_200 + second).unwrap()
}

pub(super) fn job(name: &str) -> JobName {
    JobName::new(name).unwrap()
}

pub(super) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Open::Create).await.unwrap();
    (folder, store)
}

pub(super) fn new_run(number: u128, name: &str, kind: RunKind, revision: u32) -> NewRun {
    NewRun {
        id: RunId::new(at(0), number),
        slot: RunSlot { job: job(name), kind, tick: at(0), revision },
        trigger: Trigger::Manual,
        interval: Interval { start: None, end: at(0) },
        job_sha256: HASH,
        job_text: "name = \"churn\"".into(),
        parent: None,
        created_at: at(0),
    }
}

/// Queues a run of `churn` and returns its id.
pub(super) async fn queued(store: &Store, number: u128, kind: RunKind, revision: u32) -> RunId {
    match store.enqueue(&new_run(number, "churn", kind, revision)).await.unwrap() {
        Enqueued::New(run) => run,
        Enqueued::Existing(run) => panic!("the slot is taken by {}", run.id),
    }
}

/// Queues, claims and starts a run of `churn`.
pub(super) async fn running(store: &Store, number: u128, kind: RunKind, revision: u32) -> Claim {
    let run = queued(store, number, kind, revision).await;
    let claim = store.claim(&run, "boot:1", at(1)).await.unwrap().unwrap();
    store.start(&claim).await.unwrap();
    claim
}

pub(super) fn output(role: OutputRole, name: &str) -> NewOutput {
    NewOutput {
        role,
        staged: place(&format!("scores.nightshift/stage/x/rows/{name}")),
        published: place(&format!("scores/x/{name}")),
        sha256: HASH,
        size_bytes: 10,
        rows: 3,
    }
}

fn place(path: &str) -> OutputPlace {
    OutputPlace::At(Location { root: RootName::Project, path: path.to_owned() })
}

pub(super) fn intent() -> Intent {
    let mut finding =
        Finding::new(FindingKind::Check, "not_null", FindingVerdict::Warn, "2 of 3 are null");
    finding.column = Some("age with spaces".into());
    finding.value = Some(f64::INFINITY);
    finding.limit = Some(f64::NAN);
    Intent {
        outputs: vec![output(OutputRole::Part, "part"), output(OutputRole::Manifest, "manifest")],
        findings: vec![finding],
        rows: Rows { read: 3, scored: 2, quarantined: 1 },
        id_set: Some("3-ff-00".into()),
        ..Intent::default()
    }
}

pub(super) fn conclusion() -> Conclusion {
    Conclusion {
        verdict: Verdict::Ok,
        exit_code: 0,
        aliases: None,
        tick: None,
        follow_ups: Vec::new(),
    }
}

pub(super) fn new_version() -> NewVersion {
    let metric = MetricValue { value: 0.9, low: Some(0.8), high: None };
    NewVersion {
        kind: "logistic".into(),
        task: "binary".into(),
        sha256: HASH,
        size_bytes: 100,
        created_at: at(2),
        rows: 80,
        rows_test: 20,
        metrics: [("roc_auc".to_owned(), metric)].into(),
        blessing: Blessing::None,
    }
}

pub(super) fn failure(afterwards: Afterwards) -> Failure {
    Failure {
        outcome: AttemptOutcome::Failed,
        afterwards,
        error: Some("failed to read `a.csv`".into()),
        verdict: None,
        exit_code: Some(1),
        findings: Vec::new(),
        profiles: Vec::new(),
        rows: Rows::default(),
        stages: Vec::new(),
        decision: None,
        follow_ups: Vec::new(),
        at: at(5),
    }
}

/// A committed run of `churn`, without outputs of its own to speak of.
pub(super) async fn committed(store: &Store, number: u128, kind: RunKind, revision: u32) -> RunId {
    let claim = running(store, number, kind, revision).await;
    store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
    store.finish(&claim.run, at(9)).await.unwrap();
    claim.run
}
