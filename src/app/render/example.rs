//! Values that the tests of several renderers share.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{Blessing, MetricValue, VersionRecord, VersionState};
use crate::domain::run::{Interval, RunKind, State, Trigger, Verdict};
use crate::engine::report::{Decision, InputFile, ModelRef, OutputFile, Rows, RunReport, Stage};

/// An instant of the night that the examples play in.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The name of the job of every example.
pub(crate) fn wine() -> JobName {
    JobName::new("wine").unwrap()
}

/// A committed score run with one row set aside and one warning.
pub(crate) fn score_run() -> RunReport {
    let tick = at("2026-01-05T02:30:00Z");
    let mut warning = Finding::new(
        FindingKind::Check,
        "not_null",
        FindingVerdict::Warn,
        "1 of 1,599 rows has no value in `pH`",
    );
    warning.column = Some("pH".to_owned());
    warning.value = Some(1.0);
    RunReport {
        run: RunId::new(tick, 7),
        job: wine(),
        kind: RunKind::Score,
        trigger: Trigger::Manual,
        tick,
        interval: Interval { start: None, end: tick },
        revision: 0,
        state: State::Committed,
        verdict: Some(Verdict::Ok),
        rows: Rows { read: 1_599, scored: 1_598, quarantined: 1 },
        outputs: vec![OutputFile {
            role: "part".to_owned(),
            path: "scores/wine/tick=20260105T023000Z/part-0000.parquet".to_owned(),
            rows: 1_598,
            bytes: 20_480,
            sha256: Sha256([0xab; 32]),
        }],
        model: Some(ModelRef { name: wine(), version: Version(3), sha256: Sha256([0xcd; 32]) }),
        inputs: vec![InputFile {
            path: "data/wine/red.csv".to_owned(),
            bytes: 84_199,
            sha256: Sha256([0xef; 32]),
        }],
        findings: vec![warning],
        decision: Some(Decision {
            action: "publish".to_owned(),
            reason: "no finding forbids it".to_owned(),
        }),
        stages: vec![
            Stage { name: "read".to_owned(), seconds: 0.0123 },
            Stage { name: "commit".to_owned(), seconds: 1.5 },
        ],
        peak_rss_bytes: Some(64 << 20),
        progress: None,
        attempts: Vec::new(),
        error: None,
        created_at: tick,
        finished_at: Some(tick),
        preceded_by: Vec::new(),
        followed_by: Vec::new(),
    }
}

/// A version with two metrics, one of them without an interval.
pub(crate) fn version(number: u32) -> VersionRecord {
    let metrics = BTreeMap::from([
        ("roc_auc".to_owned(), MetricValue { value: 0.8, low: Some(0.75), high: Some(0.85) }),
        ("f1".to_owned(), MetricValue { value: 0.5, low: None, high: None }),
    ]);
    VersionRecord {
        version: Version(number),
        kind: "logistic".to_owned(),
        task: "binary".to_owned(),
        sha256: Sha256([0xcd; 32]),
        created_at: at("2026-01-05T02:30:00Z"),
        run: Some(RunId::new(at("2026-01-05T02:30:00Z"), 7)),
        rows: 1_279,
        rows_test: 320,
        metrics,
        blessing: Blessing::Passed,
        state: VersionState::Ready,
    }
}
