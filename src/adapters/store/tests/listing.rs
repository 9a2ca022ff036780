//! Listing, status and deletion.
//!
//! Order is that of insertion, whatever the ids say.

use super::fixture::{HASH, at, committed, failure, job, new_run, queued, running, store};
use crate::adapters::store::{Afterwards, RunFilter};
use crate::domain::run::{RunKind, State};

#[tokio::test]
async fn runs_are_listed_latest_first() {
    let (_folder, store) = store().await;
    // The ids are in the opposite order of the insertions, as they may be within a millisecond.
    let first = queued(&store, 9, RunKind::Score, 0).await;
    let second = queued(&store, 5, RunKind::Train, 0).await;
    store.enqueue(&new_run(1, "fraud", RunKind::Score, 0)).await.unwrap();
    let ids = |filter: RunFilter| {
        let store = store.clone();
        async move {
            store.runs(&filter).await.unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>()
        }
    };
    let churn = RunFilter { job: Some(job("churn")), limit: 10, ..RunFilter::default() };
    assert_eq!(ids(churn.clone()).await, [second.clone(), first.clone()]);
    assert_eq!(ids(RunFilter { limit: 1, ..churn.clone() }).await.first(), Some(&second));
    let trained = RunFilter { kind: Some(RunKind::Train), ..churn.clone() };
    assert_eq!(ids(trained).await, [second]);
    let failed = RunFilter { state: Some(State::Failed), ..churn };
    assert!(ids(failed).await.is_empty());
    let all = RunFilter { limit: 10, ..RunFilter::default() };
    assert_eq!(ids(all).await.len(), 3);
    assert_eq!(store.queued().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_prefix_finds_runs() {
    let (_folder, store) = store().await;
    let run = queued(&store, 1, RunKind::Score, 0).await;
    queued(&store, u128::MAX, RunKind::Score, 1).await;
    for (prefix, expect) in
        [(run.as_str(), 1), (&run.as_str()[..10], 2), ("", 2), ("zzz", 0), ("%", 0), ("'", 0)]
    {
        let found = store.runs_by_prefix(prefix).await.unwrap();
        assert_eq!(found.len(), expect, "{prefix}");
    }
}

#[tokio::test]
async fn status_has_one_row_for_each_job() {
    let (_folder, store) = store().await;
    assert!(store.status().await.unwrap().is_empty());
    committed(&store, 9, RunKind::Score, 0).await;
    let last = queued(&store, 1, RunKind::Score, 1).await;
    store.enqueue(&new_run(2, "fraud", RunKind::Score, 0)).await.unwrap();
    store.enqueue(&new_run(3, "abuse", RunKind::Score, 0)).await.unwrap();
    let rows = store.status().await.unwrap();
    let jobs: Vec<_> = rows.iter().map(|row| row.job.as_str()).collect();
    assert_eq!(jobs, ["abuse", "churn", "fraud"]);
    assert_eq!(rows[1].last_run.as_ref().map(|run| &run.id), Some(&last));
    assert_eq!(rows[1].champion, None);
}

#[tokio::test]
async fn causes_and_effects_are_linked() {
    let (_folder, store) = store().await;
    let cause = queued(&store, 1, RunKind::Score, 0).await;
    let mut effect = new_run(2, "churn", RunKind::Train, 0);
    effect.parent = Some(cause.clone());
    store.enqueue(&effect).await.unwrap();
    let found = store.children(&cause).await.unwrap();
    assert_eq!((found.len(), &found[0].parent), (1, &Some(cause)));
}

#[tokio::test]
async fn only_ended_runs_are_deleted() {
    let (_folder, store) = store().await;
    let old = committed(&store, 1, RunKind::Score, 0).await;
    let claim = running(&store, 2, RunKind::Score, 1).await;
    let failed = running(&store, 3, RunKind::Score, 2).await;
    store.fail(&failed, &failure(Afterwards::Failed)).await.unwrap();
    let ended = store.runs_ended_before(at(6), 10).await.unwrap();
    assert_eq!(ended.iter().map(|run| &run.id).collect::<Vec<_>>(), [&failed.run]);
    let named = [old.clone(), claim.run.clone(), failed.run.clone()];
    assert_eq!(store.delete_runs(&named).await.unwrap(), 2);
    assert!(store.run(&old).await.unwrap().is_none());
    assert!(store.outputs(&old).await.unwrap().is_empty());
    assert!(store.findings(&old).await.unwrap().is_empty());
    assert!(store.definition(&HASH).await.unwrap().is_some(), "a run still needs it");
    assert_eq!(store.unfinished().await.unwrap()[0].id, claim.run);
}
