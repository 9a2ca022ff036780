//! Runs that a run causes: queued in the transaction that ends it, exactly once, whoever ends it.

use super::fixture::{HASH, at, conclusion, failure, intent, job, new_version, running, store};
use crate::adapters::store::{
    Afterwards, AliasMove, Attribution, Conclusion, FollowUp, Import, ModelPin,
};
use crate::domain::identity::{RunId, Version};
use crate::domain::registry::{Action, Aliases};
use crate::domain::run::{Interval, RunKind, State, Trigger};

fn follow_up(number: u128, kind: RunKind, trigger: Trigger) -> FollowUp {
    FollowUp {
        id: RunId::new(at(0), number),
        kind,
        tick: at(0),
        interval: Interval { start: None, end: at(0) },
        trigger,
        model: (kind == RunKind::Score).then_some(ModelPin { version: Version(2), sha256: HASH }),
        job_sha256: None,
    }
}

#[tokio::test]
async fn what_follows_is_queued_with_the_end_of_its_cause() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let follow_ups = vec![
        follow_up(2, RunKind::Train, Trigger::Drift),
        follow_up(3, RunKind::Score, Trigger::Rollback),
    ];
    let ending = Conclusion { follow_ups, ..conclusion() };
    store.commit_intent(&claim, &intent(), |_| ending).await.unwrap();
    assert_eq!(store.queued().await.unwrap(), []);
    for _ in 0..2 {
        store.finish(&claim.run, at(9)).await.unwrap();
    }
    let queued = store.queued().await.unwrap();
    let places: Vec<_> =
        queued.iter().map(|run| (run.slot.kind, run.slot.revision, run.trigger)).collect();
    assert_eq!(
        places,
        [(RunKind::Train, 0, Trigger::Drift), (RunKind::Score, 1, Trigger::Rollback)]
    );
    assert_eq!(queued[1].model, Some(ModelPin { version: Version(2), sha256: HASH }));
    assert_eq!(store.children(&claim.run).await.unwrap(), queued);
    assert!(store.claim(&queued[0].id, "boot:1", at(9)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_run_that_publishes_nothing_may_cause_one_too() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let mut failed = failure(Afterwards::Failed);
    failed.follow_ups = vec![follow_up(2, RunKind::Train, Trigger::Drift)];
    store.fail(&claim, &failed).await.unwrap();
    let children = store.children(&claim.run).await.unwrap();
    assert_eq!(children.len(), 1);
    assert_eq!((children[0].state, children[0].job_sha256), (State::Queued, HASH));
}

#[tokio::test]
async fn a_person_who_moves_an_alias_may_cause_some() {
    let (_folder, store) = store().await;
    let by = |action| Attribution {
        action,
        actor: "cli".into(),
        reason: "complaints".into(),
        run: None,
    };
    let import =
        Import { model: job("churn"), version: new_version(), by: by(Action::Import), at: at(1) };
    store.import_version(&import, |_, aliases| aliases).await.unwrap();
    let planned = AliasMove {
        model: job("churn"),
        generation: 0,
        after: Aliases { champion: Some(Version(1)), ..Aliases::default() },
        blessing: None,
        by: by(Action::RollBack),
    };
    let follow_ups = [follow_up(3, RunKind::Score, Trigger::Rollback)];
    let text = "name = \"churn\"";
    store.move_aliases_and_queue(&planned, &follow_ups, (&HASH, text), at(2)).await.unwrap();
    // The generation has moved on: nothing happens twice.
    let again = store.move_aliases_and_queue(&planned, &follow_ups, (&HASH, text), at(3)).await;
    assert!(again.is_err());
    let queued = store.queued().await.unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!((queued[0].parent.clone(), queued[0].trigger), (None, Trigger::Rollback));
    assert_eq!(store.definition(&HASH).await.unwrap().as_deref(), Some(text));
}
