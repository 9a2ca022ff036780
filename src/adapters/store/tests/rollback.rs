//! What keeps a rollback whole, however runs and rollbacks are interleaved.
//!
//! Version 2 of `churn` is the bad one; each test lets it publish at another moment of its rollback.

use super::fixture::{HASH, at, conclusion, intent, job, new_version, running, store};
use crate::adapters::store::{
    AliasMove, Attribution, Conclusion, FollowUp, Import, Intent, ModelPin, Store, StoreError,
};
use crate::domain::identity::{RunId, Version};
use crate::domain::registry::{Action, Aliases};
use crate::domain::run::{Claim, Interval, RunKind, State, Trigger, Verdict};

const BAD: ModelPin = ModelPin { version: Version(2), sha256: HASH };
const DEFINITION: &str = "name = \"churn\"";

fn step(action: Action, generation: i64, champion: u32) -> AliasMove {
    let by = Attribution { action, actor: "cli".into(), reason: "complaints".into(), run: None };
    let after = Aliases { champion: Some(Version(champion)), ..Aliases::default() };
    AliasMove { model: job("churn"), generation, after, blessing: None, by }
}

/// Version 2 of `churn` has taken the place of version 1, second 0; the generation is 2.
async fn promoted(store: &Store) {
    for _ in 0..2 {
        let by = step(Action::Import, 0, 1).by;
        let import = Import { model: job("churn"), version: new_version(), by, at: at(0) };
        store.import_version(&import, |_, aliases| aliases).await.unwrap();
    }
    let generation = store.aliases(&job("churn")).await.unwrap().generation;
    store.move_aliases(&step(Action::Promote, generation, 1), at(0)).await.unwrap();
    store.move_aliases(&step(Action::Promote, generation + 1, 2), at(0)).await.unwrap();
}

async fn generation(store: &Store) -> i64 {
    store.aliases(&job("churn")).await.unwrap().generation
}

/// A run that scores with version 2 and has not said yet what it publishes.
async fn scoring(store: &Store) -> Claim {
    let claim = running(store, 1, RunKind::Score, 0).await;
    store.record_plan(&claim, Some(BAD), &[]).await.unwrap();
    claim
}

fn correction() -> FollowUp {
    FollowUp {
        id: RunId::new(at(0), 9),
        kind: RunKind::Score,
        tick: at(0),
        interval: Interval { start: None, end: at(0) },
        trigger: Trigger::Rollback,
        model: Some(ModelPin { version: Version(1), sha256: HASH }),
        job_sha256: Some(HASH),
    }
}

/// A rollback by hand that corrects `follow_ups`.
async fn roll_back(store: &Store, follow_ups: &[FollowUp]) -> Result<(), StoreError> {
    let back = step(Action::RollBack, generation(store).await, 1);
    store.move_aliases_and_queue(&back, follow_ups, (&HASH, DEFINITION), at(5)).await
}

#[tokio::test]
async fn a_rollback_that_misses_a_tick_is_refused() {
    let (_folder, store) = store().await;
    promoted(&store).await;
    let claim = scoring(&store).await;
    store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
    let found = store.to_correct(&job("churn"), BAD.version).await.unwrap();
    assert_eq!(found.iter().map(|run| &run.id).collect::<Vec<_>>(), [&claim.run]);
    // Being published counts as published.
    for _ in 0..2 {
        let refused = roll_back(&store, &[]).await.unwrap_err();
        assert!(matches!(refused, StoreError::PublishedByOther { .. }), "{refused:?}");
        store.finish(&claim.run, at(4)).await.unwrap();
    }
    assert_eq!(store.aliases(&job("churn")).await.unwrap().aliases.champion, Some(BAD.version));
    roll_back(&store, &[correction()]).await.unwrap();
    assert_eq!(store.queued().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_whose_version_is_rolled_back_meanwhile_publishes_nothing() {
    let (_folder, store) = store().await;
    promoted(&store).await;
    let claim = scoring(&store).await;
    roll_back(&store, &[]).await.unwrap();
    let refused = store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap_err();
    assert!(matches!(refused, StoreError::RolledBackByOther { .. }), "{refused:?}");
    assert_eq!(store.run(&claim.run).await.unwrap().unwrap().state, State::Running);
    assert_eq!(store.outputs(&claim.run).await.unwrap(), []);
}

#[tokio::test]
async fn a_run_that_rolls_back_is_refused_once_its_plan_is_out_of_date() {
    let (_folder, store) = store().await;
    promoted(&store).await;
    let early = scoring(&store).await;
    store.commit_intent(&early, &intent(), |_| conclusion()).await.unwrap();
    store.finish(&early.run, at(4)).await.unwrap();
    let mut new = super::fixture::new_run(2, "churn", RunKind::Score, 0);
    new.slot.tick = at(3_600);
    store.enqueue(&new).await.unwrap();
    let claim = store.claim(&new.id, "boot:1", at(6)).await.unwrap().unwrap();
    store.start(&claim).await.unwrap();
    let good = ModelPin { version: Version(1), sha256: HASH };
    store.record_plan(&claim, Some(good), &[]).await.unwrap();

    let corrects = Intent { corrects: Some(BAD.version), ..intent() };
    let now = generation(&store).await;
    let ending = |generation, follow_ups| Conclusion {
        verdict: Verdict::RolledBack,
        aliases: Some(step(Action::RollBack, generation, 1)),
        follow_ups,
        ..conclusion()
    };
    let refused = store.commit_intent(&claim, &corrects, |_| ending(now, vec![])).await;
    assert!(matches!(refused, Err(StoreError::PublishedByOther { .. })), "{refused:?}");
    let late = ending(now - 1, vec![correction()]);
    let refused = store.commit_intent(&claim, &corrects, |_| late).await;
    assert!(matches!(refused, Err(StoreError::MovedByOther { .. })), "{refused:?}");
    let sound = ending(now, vec![correction()]);
    store.commit_intent(&claim, &corrects, |_| sound).await.unwrap();

    // The alias is about to move: nobody publishes with the bad version any more.
    let mut new = super::fixture::new_run(3, "churn", RunKind::Score, 0);
    new.slot.tick = at(7_200);
    store.enqueue(&new).await.unwrap();
    let other = store.claim(&new.id, "boot:1", at(7)).await.unwrap().unwrap();
    store.start(&other).await.unwrap();
    store.record_plan(&other, Some(BAD), &[]).await.unwrap();
    let refused = store.commit_intent(&other, &intent(), |_| conclusion()).await;
    assert!(matches!(refused, Err(StoreError::RolledBackByOther { .. })), "{refused:?}");
    store.finish(&claim.run, at(8)).await.unwrap();
    assert_eq!(store.aliases(&job("churn")).await.unwrap().aliases.champion, Some(Version(1)));
}

#[tokio::test]
async fn a_version_that_came_back_by_a_rollback_is_corrected_from_its_promotion_on() {
    let (_folder, store) = store().await;
    promoted(&store).await;
    let claim = scoring(&store).await;
    store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
    store.finish(&claim.run, at(4)).await.unwrap();
    let by = step(Action::Import, 0, 1).by;
    let import = Import { model: job("churn"), version: new_version(), by, at: at(5) };
    store.import_version(&import, |_, aliases| aliases).await.unwrap();
    store.move_aliases(&step(Action::Promote, generation(&store).await, 3), at(6)).await.unwrap();
    let back = step(Action::RollBack, generation(&store).await, 2);
    let mut pinned = correction();
    pinned.tick = at(3_600);
    pinned.model = Some(BAD);
    let follow_ups = [pinned];
    store.move_aliases_and_queue(&back, &follow_ups, (&HASH, DEFINITION), at(7)).await.unwrap();
    // Now version 2 goes as well: what it has published, and what it is about to correct.
    let found = store.to_correct(&job("churn"), BAD.version).await.unwrap();
    let ticks: Vec<_> = found.iter().map(|run| run.slot.tick).collect();
    assert_eq!(ticks, [at(0), at(3_600)]);
}
