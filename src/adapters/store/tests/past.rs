//! What earlier runs were and said: only what is published counts.

use super::fixture::{HASH, at, conclusion, failure, intent, job, new_run, store};
use crate::adapters::store::{Afterwards, Intent, ModelPin, NewRun, Store};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::identity::{RunId, Version};
use crate::domain::run::{RunKind, RunSlot, Trigger};

/// Commits a score run for the tick `second` with `version`, whose finding `drift/data` says `verdict`.
///
/// Returns the count of commits that it was committed with. The clock of every run says the same.
async fn night(
    store: &Store,
    second: i64,
    revision: u32,
    version: u32,
    verdict: FindingVerdict,
) -> i64 {
    let number = u128::from(u64::try_from(second * 10).unwrap()) + u128::from(revision);
    let new = new_run(number, "churn", RunKind::Score, revision);
    let slot = RunSlot { tick: at(second), ..new.slot.clone() };
    let new = NewRun { slot, id: RunId::new(at(0), number), ..new };
    store.enqueue(&new).await.unwrap();
    let claim = store.claim(&new.id, "boot:1", at(1)).await.unwrap().unwrap();
    store.start(&claim).await.unwrap();
    let pin = ModelPin { version: Version(version), sha256: HASH };
    store.record_plan(&claim, Some(pin), &[]).await.unwrap();
    let findings = vec![Finding::new(FindingKind::Drift, "data", verdict, "share")];
    let found = Intent { findings, outputs: Vec::new(), ..intent() };
    store.commit_intent(&claim, &found, |_| conclusion()).await.unwrap();
    store.finish(&claim.run, at(50)).await.unwrap();
    store.commits().await.unwrap()
}

#[tokio::test]
async fn only_what_is_published_counts() {
    use FindingVerdict::{Fail, Pass};
    let (_folder, store) = store().await;
    let first = night(&store, 10, 0, 1, Pass).await;
    let second = night(&store, 20, 0, 1, Fail).await;
    night(&store, 30, 0, 2, Fail).await;
    night(&store, 30, 1, 1, Pass).await;
    let last = night(&store, 40, 0, 2, Fail).await;
    let name = job("churn");
    let ticks = |runs: Vec<crate::adapters::store::RunRecord>| {
        runs.into_iter().map(|run| run.slot.tick).collect::<Vec<_>>()
    };
    let between = store.published_between(&name, at(10), at(40), 9).await.unwrap();
    assert_eq!(ticks(between), [at(30), at(20), at(10)]);
    let with = store.published_with(&name, Version(1), first + 1).await.unwrap();
    assert_eq!(ticks(with), [at(20), at(30)]);
    let durations = store.durations(&name, RunKind::Score, 3).await.unwrap();
    assert_eq!(durations, [49, 49, 49].map(std::time::Duration::from_secs));
    assert!(store.durations(&name, RunKind::Train, 3).await.unwrap().is_empty());
    assert_eq!(store.rows_scored_between(&name, at(10), at(40)).await.unwrap(), 4);
    let data = (FindingKind::Drift, "data");
    let verdicts = store.earlier_verdicts(&name, data, at(40), 2).await.unwrap();
    assert_eq!(verdicts, [Pass, Fail]);
    let count = async |version, since| {
        let drift = FindingKind::Drift;
        store.failing_runs(&job("churn"), Version(version), since, drift).await.unwrap()
    };
    assert_eq!((count(1, 0).await, count(2, 0).await), (1, 1));
    assert_eq!((count(1, second + 1).await, count(2, last + 1).await), (0, 0));
}

/// Queues a training for the tick `second`, and gives it up or not.
async fn training(store: &Store, second: i64, trigger: Trigger, afterwards: Option<Afterwards>) {
    let number = u128::from(u64::try_from(second).unwrap());
    let new = new_run(number, "churn", RunKind::Train, 0);
    let slot = RunSlot { tick: at(second), ..new.slot.clone() };
    let new = NewRun { slot, trigger, ..new };
    store.enqueue(&new).await.unwrap();
    let Some(afterwards) = afterwards else { return };
    let claim = store.claim(&new.id, "boot:1", at(1)).await.unwrap().unwrap();
    store.start(&claim).await.unwrap();
    store.fail(&claim, &failure(afterwards)).await.unwrap();
}

#[tokio::test]
async fn trainings_that_the_job_has_caused_and_that_failed_are_counted() {
    use Afterwards::{Cancelled, Dead, Failed};
    let (_folder, store) = store().await;
    let count = async |after: Option<i64>, before| {
        store.failed_trainings(&job("churn"), after.map(at), at(before)).await.unwrap()
    };
    assert_eq!(count(None, 99).await, None);
    training(&store, 10, Trigger::Drift, Some(Failed)).await;
    training(&store, 20, Trigger::Age, Some(Dead)).await;
    training(&store, 30, Trigger::Schedule, Some(Dead)).await;
    training(&store, 40, Trigger::Drift, Some(Cancelled)).await;
    training(&store, 41, Trigger::Drift, None).await;
    for (second, trigger) in [(42, Trigger::Manual), (43, Trigger::Ci), (44, Trigger::Initial)] {
        training(&store, second, trigger, Some(Failed)).await;
    }
    assert_eq!(count(None, 99).await, Some((at(30), 3)));
    assert_eq!(count(Some(10), 99).await, Some((at(30), 2)));
    assert_eq!(count(Some(10), 30).await, Some((at(20), 1)));
    assert_eq!(count(Some(30), 99).await, None);
    let pending = async |before| store.pending_training(&job("churn"), at(before)).await.unwrap();
    assert_eq!((pending(41).await, pending(99).await), (None, Some(at(41))));
}
