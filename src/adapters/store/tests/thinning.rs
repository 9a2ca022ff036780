//! Profiles and findings that passed go where the caller says so, and nothing else of their run.

use super::fixture::{at, conclusion, intent, job, new_run, output, running, store};
use crate::adapters::store::{Intent, NewRun, OutputRole, Profile, Store};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::RunId;
use crate::domain::run::{Claim, RunKind, RunSlot};

fn finding(kind: FindingKind, column: Option<&str>, verdict: FindingVerdict) -> Finding {
    let mut out = Finding::new(kind, "psi", verdict, "so it is");
    out.column = column.map(str::to_owned);
    out
}

fn found() -> Intent {
    use FindingKind::{Check, Drift, Watch};
    use FindingVerdict::{Fail, Inconclusive, Pass, Warn};
    let findings = vec![
        finding(Drift, Some("age"), Pass),
        finding(Drift, Some("fee"), Warn),
        finding(Drift, Some("plan"), Fail),
        finding(Drift, Some("city"), Inconclusive),
        finding(Drift, None, Pass),
        finding(Check, Some("age"), Pass),
        finding(Watch, Some("age"), Pass),
    ];
    let profile = |name: &str| Profile { name: name.to_owned(), body: vec![7; 100] };
    let outputs = vec![output(OutputRole::Part, "part")];
    Intent { findings, outputs, profiles: vec![profile("input"), profile("scores")], ..intent() }
}

/// Begins a score run for the tick `second`, up to the intent, and ends it at that second if it `is_over`.
async fn night(store: &Store, second: i64, is_over: bool) -> Claim {
    let number = u128::from(u64::try_from(second).unwrap());
    let new = new_run(number, "churn", RunKind::Score, 0);
    let slot = RunSlot { tick: at(second), ..new.slot.clone() };
    let new = NewRun { slot, ..new };
    store.enqueue(&new).await.unwrap();
    let claim = store.claim(&new.id, "boot:1", at(1)).await.unwrap().unwrap();
    store.start(&claim).await.unwrap();
    store.commit_intent(&claim, &found(), |_| conclusion()).await.unwrap();
    if is_over {
        store.finish(&claim.run, at(second)).await.unwrap();
    }
    claim
}

#[tokio::test]
async fn profiles_and_what_passed_go_and_the_rest_of_a_run_stays() {
    let (_folder, store) = store().await;
    let thin = night(&store, 10, true).await.run;
    let kept = night(&store, 20, true).await.run;
    let open = night(&store, 30, false).await.run;
    let before = store.run(&thin).await.unwrap();
    // A run that has not ended keeps everything, whoever names it.
    assert_eq!(store.thin_out(&[thin.clone(), open.clone()]).await.unwrap(), 1);
    assert_eq!(store.thin_out(std::slice::from_ref(&thin)).await.unwrap(), 0);
    let left = store.findings(&thin).await.unwrap();
    let wanted: Vec<Finding> = found().findings.into_iter().skip(1).collect();
    assert_eq!(left, wanted);
    for name in ["input", "scores"] {
        assert_eq!(store.profile(&thin, name).await.unwrap(), None);
        for run in [&kept, &open] {
            assert!(store.profile(run, name).await.unwrap().is_some(), "{run}");
        }
    }
    for run in [&kept, &open] {
        assert_eq!(store.findings(run).await.unwrap(), found().findings, "{run}");
    }
    assert_eq!(store.run(&thin).await.unwrap(), before);
    assert_eq!(store.outputs(&thin).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_ended_long_ago_is_found_by_tick_and_end() {
    let (_folder, store) = store().await;
    let mut runs: Vec<RunId> = Vec::new();
    for second in [10, 20, 30] {
        runs.push(night(&store, second, true).await.run);
    }
    night(&store, 5, false).await;
    let name = job("churn");
    let listed = async |tick, ended, limit| {
        store.profiled_runs(&job("churn"), (at(tick), at(ended)), limit).await.unwrap()
    };
    assert_eq!(listed(30, 40, 9).await, runs[..2]);
    assert_eq!(listed(40, 20, 9).await, runs[..1]);
    assert_eq!(listed(40, 40, 1).await, runs[..1]);
    store.thin_out(&runs[..1]).await.unwrap();
    assert_eq!(listed(40, 40, 9).await, runs[1..]);
    assert!(store.profiled_runs(&job("fraud"), (at(40), at(40)), 9).await.unwrap().is_empty());
    assert_eq!(store.first_pending_tick(&name).await.unwrap(), Some(at(5)));
    assert_eq!(store.first_pending_tick(&job("fraud")).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_is_over_once_it_has_ended_and_one_without_a_record_always() {
    let (_folder, store) = store().await;
    let ended = night(&store, 10, true).await.run;
    let open = night(&store, 20, false).await.run;
    let begun = running(&store, 99, RunKind::Train, 0).await.run;
    let unknown = RunId::new(at(0), 1_000);
    for (run, wanted) in [(&ended, true), (&open, false), (&begun, false), (&unknown, true)] {
        assert_eq!(store.is_over(run, at(50)).await.unwrap(), wanted, "{run}");
    }
    assert!(!store.is_over(&ended, at(10)).await.unwrap());
}
