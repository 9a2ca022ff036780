//! Slots, claims and fences.
//!
//! However many processes want a run, one has it; whoever lost it changes nothing.

use super::fixture::{HASH, at, conclusion, failure, intent, job, new_run, queued, running, store};
use crate::adapters::store::{
    Afterwards, Enqueued, Input, ModelPin, Open, Store, StoreError, Transition,
};
use crate::domain::identity::{Sha256, Version};
use crate::domain::run::{AttemptOutcome, RunKind, State};

/// How the process of an attempt ended.
const LOST: (AttemptOutcome, &str) = (AttemptOutcome::Lost, "gone");

#[tokio::test]
async fn a_slot_is_taken_once() {
    let (_folder, store) = store().await;
    let run = queued(&store, 1, RunKind::Score, 0).await;
    match store.enqueue(&new_run(2, "churn", RunKind::Score, 0)).await.unwrap() {
        Enqueued::Existing(found) => assert_eq!(found.id, run),
        Enqueued::New(run) => panic!("{run} took a slot that was taken"),
    }
    for (number, name, kind, revision) in [
        (3, "churn", RunKind::Score, 1),
        (4, "churn", RunKind::Train, 0),
        (5, "fraud", RunKind::Score, 0),
    ] {
        let out = store.enqueue(&new_run(number, name, kind, revision)).await.unwrap();
        assert!(matches!(out, Enqueued::New(_)), "{name} {kind} {revision}");
    }
    assert_eq!(store.next_revision(&job("churn"), RunKind::Score, at(0)).await.unwrap(), 2);
    assert_eq!(store.next_revision(&job("churn"), RunKind::Score, at(1)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_run_reads_back_as_it_was_written() {
    let (_folder, store) = store().await;
    let mut new = new_run(1, "churn", RunKind::Score, 0);
    new.interval.start = Some(at(-86_400));
    store.enqueue(&new).await.unwrap();
    let found = store.run(&new.id).await.unwrap().unwrap();
    assert_eq!(
        (&found.slot, found.interval, found.trigger),
        (&new.slot, new.interval, new.trigger)
    );
    assert_eq!((found.state, found.attempt, found.token), (State::Queued, 0, 0));
    assert_eq!(store.definition(&HASH).await.unwrap().as_deref(), Some(new.job_text.as_str()));
    assert_eq!(store.in_slot(&new.slot).await.unwrap().unwrap(), found);
}

#[tokio::test]
async fn one_of_many_claims_wins() {
    let (folder, store) = store().await;
    let run = queued(&store, 1, RunKind::Score, 0).await;
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (path, run) = (folder.path().to_owned(), run.clone());
        claims.spawn(async move {
            let own = Store::open(&path, Open::ReadWrite).await.unwrap();
            own.claim(&run, &format!("boot:{number}"), at(1)).await.unwrap()
        });
    }
    let won: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!((won[0].attempt, won[0].token), (1, 1));
}

#[tokio::test]
async fn concurrent_writers_lose_nothing() {
    let (folder, store) = store().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u128 {
        let path = folder.path().to_owned();
        writers.spawn(async move {
            let own = Store::open(&path, Open::ReadWrite).await.unwrap();
            for number in 0..25 {
                let revision = u32::try_from(writer * 25 + number).unwrap();
                running(&own, writer * 1_000 + number, RunKind::Score, revision).await;
            }
        });
    }
    writers.join_all().await;
    let mut tokens: Vec<_> =
        store.unfinished().await.unwrap().into_iter().map(|run| run.token).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_is_not_claimed_before_its_time() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let retry = failure(Afterwards::Retry { not_before: at(60) });
    store.fail(&claim, &retry).await.unwrap();
    assert_eq!(store.claim(&claim.run, "boot:2", at(59)).await.unwrap(), None);
    let again = store.claim(&claim.run, "boot:2", at(60)).await.unwrap().unwrap();
    assert_eq!((again.attempt, again.token), (2, 2));
    let attempts = store.attempts(&claim.run).await.unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(AttemptOutcome::Failed), None]);
}

#[tokio::test]
async fn a_stale_claim_changes_nothing() {
    let (_folder, store) = store().await;
    let stale = running(&store, 1, RunKind::Score, 0).await;
    let again = Afterwards::Retry { not_before: at(2) };
    store.mark_ended(&stale, LOST, again, at(2)).await.unwrap();
    let fresh = store.claim(&stale.run, "boot:2", at(3)).await.unwrap().unwrap();
    store.start(&fresh).await.unwrap();
    let before = store.run(&stale.run).await.unwrap();

    let pin = Some(ModelPin { version: Version(1), sha256: HASH });
    let input = Input { path: "a.csv".into(), size_bytes: 1, sha256: HASH };
    let lost = [
        store.start(&stale).await,
        store.record_plan(&stale, pin, &[input]).await,
        store.commit_intent(&stale, &intent(), |_| conclusion()).await.map(|_| ()),
        store.fail(&stale, &failure(Afterwards::Dead)).await,
        store.mark_ended(&stale, LOST, again, at(4)).await,
    ];
    for result in lost {
        assert!(matches!(result, Err(StoreError::FenceLost { .. })), "{result:?}");
    }
    assert_eq!(store.run(&stale.run).await.unwrap(), before);
    assert!(store.inputs(&stale.run).await.unwrap().is_empty());
    assert!(store.findings(&stale.run).await.unwrap().is_empty());
    store.commit_intent(&fresh, &intent(), |_| conclusion()).await.unwrap();
}

#[tokio::test]
async fn only_what_waits_or_has_ended_badly_is_queued_again() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let other = Sha256([1; 32]);
    let requeue = || store.requeue(&claim.run, "name = \"other\"", &other, at(8));
    assert_eq!(requeue().await.unwrap(), Transition::Refused { found: Some("running") });
    store.fail(&claim, &failure(Afterwards::Failed)).await.unwrap();
    assert_eq!(requeue().await.unwrap(), Transition::Done);
    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!((found.state, found.error, found.exit_code), (State::Queued, None, None));
    assert_eq!(found.job_sha256, other);
    // One that waits takes the definition of whoever asks for it now.
    assert_eq!(requeue().await.unwrap(), Transition::Done);
    let nobody = new_run(77, "churn", RunKind::Score, 0).id;
    let out = store.requeue(&nobody, "", &HASH, at(8)).await.unwrap();
    assert_eq!(out, Transition::Refused { found: None });
}

#[test]
fn futures_can_move_between_threads() {
    fn require_send<T: Send>(_: &T) {}
    async fn life(store: Store) {
        let claim = running(&store, 1, RunKind::Score, 0).await;
        store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
        store.finish(&claim.run, at(1)).await.unwrap();
        store.fail(&claim, &failure(Afterwards::Dead)).await.unwrap();
        store.revise(&claim.run, &conclusion()).await.unwrap();
        store.conclusion(&claim.run).await.unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_folder, store) = runtime.block_on(store());
    require_send(&life(store));
}
