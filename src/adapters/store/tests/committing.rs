//! Intent, end, correction and crash.
//!
//! From the intent on, a run is published exactly once, by whoever gets there.

use super::fixture::{
    HASH, at, committed, conclusion, failure, intent, job, new_version, queued, running, store,
};
use crate::adapters::store::{
    Afterwards, AliasMove, Attribution, Conclusion, Finished, Input, Intent, ModelPin, Open,
    Profile, Store, StoreError, TickDecision, Transition,
};
use crate::domain::identity::Version;
use crate::domain::registry::{Action, Aliases, VersionState};
use crate::domain::run::{AttemptOutcome, RunKind, State, Verdict};

#[tokio::test]
async fn what_a_run_found_is_there_after_its_end() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let pin = ModelPin { version: Version(1), sha256: HASH };
    let inputs: Vec<_> = (0..2_500)
        .map(|number| Input { path: format!("{number}.csv"), size_bytes: number, sha256: HASH })
        .collect();
    store.record_plan(&claim, Some(pin), &inputs[..1]).await.unwrap();
    store.record_plan(&claim, Some(pin), &inputs).await.unwrap();
    let mut intent = intent();
    let finding = intent.findings[0].clone();
    intent.findings = vec![finding; 1_001];
    intent.profiles = vec![Profile { name: "input".into(), body: vec![0, 1, 255] }];
    let tick = Some(TickDecision { decision: "run".into(), reason: "on time".into() });
    let ending = Conclusion { verdict: Verdict::Drift, exit_code: 10, tick, ..conclusion() };
    assert_eq!(store.commit_intent(&claim, &intent, |_| ending.clone()).await.unwrap(), None);
    assert_eq!(store.run(&claim.run).await.unwrap().unwrap().state, State::Committing);
    assert_eq!(store.conclusion(&claim.run).await.unwrap(), Some(ending));
    assert_eq!(store.finish(&claim.run, at(9)).await.unwrap(), Finished { superseded: None });

    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!((found.state, found.verdict), (State::Committed, Some(Verdict::Drift)));
    assert_eq!((found.exit_code, found.finished_at), (Some(10), Some(at(9))));
    assert_eq!((found.rows, found.model), (intent.rows, Some(pin)));
    assert_eq!(found.id_set, intent.id_set);
    assert_eq!(store.inputs(&claim.run).await.unwrap(), inputs);
    let findings = store.findings(&claim.run).await.unwrap();
    assert_eq!(findings.len(), 1_001);
    assert_eq!(findings[0].column.as_deref(), Some("age with spaces"));
    assert_eq!((findings[0].value, findings[0].limit), (Some(f64::INFINITY), None));
    let outputs = store.outputs(&claim.run).await.unwrap();
    let kept: Vec<_> = outputs.into_iter().map(|output| output.output).collect();
    assert_eq!(kept, intent.outputs);
    assert_eq!(store.profile(&claim.run, "input").await.unwrap(), Some(vec![0, 1, 255]));
    assert_eq!(store.profile(&claim.run, "scores").await.unwrap(), None);
    let ticks = store.ticks(&job("churn"), 10).await.unwrap();
    assert_eq!((ticks.len(), ticks[0].run.as_ref()), (1, Some(&claim.run)));
    let attempts = store.attempts(&claim.run).await.unwrap();
    assert_eq!(attempts[0].outcome, Some(AttemptOutcome::Ok));
}

#[tokio::test]
async fn a_crash_after_the_intent_is_finished_by_whoever_finds_it() {
    let (folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Train, 0).await;
    let trained = Intent { new_version: Some(new_version()), ..intent() };
    let promote = |version: Option<Version>| {
        let after = Aliases { champion: version, ..Aliases::default() };
        let by = Attribution {
            action: Action::Promote,
            actor: "cli".into(),
            reason: "the first version".into(),
            run: Some(claim.run.clone()),
        };
        let aliases = AliasMove { model: job("churn"), generation: 0, after, blessing: None, by };
        Conclusion { verdict: Verdict::Promoted, aliases: Some(aliases), ..conclusion() }
    };
    let version = store.commit_intent(&claim, &trained, promote).await.unwrap();
    assert_eq!(version, Some(Version(1)));
    let staged = store.version(&job("churn"), Version(1)).await.unwrap().unwrap();
    assert_eq!((staged.state, &staged.run), (VersionState::Staged, &Some(claim.run.clone())));
    drop(store);

    let store = Store::open(folder.path(), Open::ReadWrite).await.unwrap();
    let unfinished = store.unfinished().await.unwrap();
    assert_eq!((unfinished.len(), unfinished[0].state), (1, State::Committing));
    assert!(store.claim(&claim.run, "boot:2", at(5)).await.unwrap().is_none());
    for _ in 0..2 {
        store.finish(&claim.run, at(6)).await.unwrap();
    }
    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!(found.verdict, Some(Verdict::Promoted));
    assert_eq!(found.model, Some(ModelPin { version: Version(1), sha256: HASH }));
    let ready = store.version(&job("churn"), Version(1)).await.unwrap().unwrap();
    assert_eq!((ready.state, ready.metrics), (VersionState::Ready, new_version().metrics));
    let state = store.aliases(&job("churn")).await.unwrap();
    assert_eq!((state.aliases.champion, state.generation), (Some(Version(1)), 1));
    assert_eq!(store.history(&job("churn")).await.unwrap().len(), 1, "finished twice, moved once");
}

#[tokio::test]
async fn aliases_that_moved_meanwhile_stop_the_end_until_it_is_revised() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Train, 0).await;
    let trained = Intent { new_version: Some(new_version()), ..intent() };
    let by = Attribution {
        action: Action::Promote,
        actor: "cli".into(),
        reason: "test".into(),
        run: None,
    };
    let planned = |version: Option<Version>| AliasMove {
        model: job("churn"),
        generation: 0,
        after: Aliases { champion: version, ..Aliases::default() },
        blessing: None,
        by: by.clone(),
    };
    let promote = |version| Conclusion { aliases: Some(planned(version)), ..conclusion() };
    store.commit_intent(&claim, &trained, promote).await.unwrap();
    store.move_aliases(&planned(Some(Version(1))), at(3)).await.unwrap();

    let error = store.finish(&claim.run, at(4)).await.unwrap_err();
    assert!(matches!(error, StoreError::MovedByOther { .. }), "{error:?}");
    assert_eq!(store.run(&claim.run).await.unwrap().unwrap().state, State::Committing);
    let held = Conclusion { verdict: Verdict::Held, ..conclusion() };
    store.revise(&claim.run, &held).await.unwrap();
    store.finish(&claim.run, at(5)).await.unwrap();
    assert_eq!(store.run(&claim.run).await.unwrap().unwrap().verdict, Some(Verdict::Held));
    assert!(store.revise(&claim.run, &held).await.is_err(), "the run is over");
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_it_corrects() {
    let (_folder, store) = store().await;
    let first = committed(&store, 1, RunKind::Score, 0).await;
    let claim = running(&store, 2, RunKind::Score, 1).await;
    store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
    let model = job("churn");
    let tick = || store.current(&model, RunKind::Score, at(0));
    assert_eq!(tick().await.unwrap().unwrap().id, first);
    let finished = store.finish(&claim.run, at(9)).await.unwrap();
    assert_eq!(finished.superseded.as_ref(), Some(&first));
    assert_eq!(tick().await.unwrap().unwrap().id, claim.run);
    let old = store.run(&first).await.unwrap().unwrap();
    assert_eq!((old.state, old.superseded_by), (State::Superseded, Some(claim.run.clone())));

    // Its files are kept for a while.
    let kept = store.superseded_before(at(9), 9).await.unwrap();
    assert_eq!(kept, []);
    let kept = store.superseded_before(at(10), 9).await.unwrap();
    assert_eq!(kept.iter().map(|run| &run.id).collect::<Vec<_>>(), [&first]);
    store.outputs_removed(&first, at(10)).await.unwrap();
    assert_eq!(store.superseded_before(at(10), 9).await.unwrap(), []);
    assert_eq!(store.unswept().await.unwrap(), []);
    let removed: Vec<_> =
        store.outputs(&first).await.unwrap().iter().map(|output| output.removed_at).collect();
    assert_eq!(removed, [Some(at(10)), Some(at(10))]);
    assert_eq!(store.latest(&model, RunKind::Score).await.unwrap().unwrap().id, claim.run);
}

#[tokio::test]
async fn a_published_run_neither_fails_nor_runs_again() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    store.commit_intent(&claim, &intent(), |_| conclusion()).await.unwrap();
    let refused = store.fail(&claim, &failure(Afterwards::Failed)).await;
    assert!(matches!(refused, Err(StoreError::FenceLost { .. })));
    let again = store.commit_intent(&claim, &intent(), |_| conclusion()).await;
    assert!(matches!(again, Err(StoreError::FenceLost { .. })));
    assert_eq!(store.outputs(&claim.run).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_run_that_was_never_published_cannot_be_finished() {
    let (_folder, store) = store().await;
    let run = queued(&store, 1, RunKind::Score, 0).await;
    assert!(matches!(store.finish(&run, at(1)).await, Err(StoreError::FenceLost { .. })));
    let out = store.mark_corrupt(&run, "x", at(1)).await.unwrap();
    assert_eq!(out, Transition::Refused { found: Some("queued") });
}

#[tokio::test]
async fn a_damaged_publication_takes_its_version_along() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Train, 0).await;
    let trained = Intent { new_version: Some(new_version()), ..intent() };
    store.commit_intent(&claim, &trained, |_| conclusion()).await.unwrap();
    assert_eq!(
        store.mark_corrupt(&claim.run, "the part is gone", at(5)).await.unwrap(),
        Transition::Done
    );
    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!((found.state, found.error.as_deref()), (State::Corrupt, Some("the part is gone")));
    let version = store.version(&job("churn"), Version(1)).await.unwrap().unwrap();
    assert_eq!(version.state, VersionState::Corrupt);
    assert!(store.finish(&claim.run, at(6)).await.is_err());
}

#[tokio::test]
async fn a_failed_attempt_says_why() {
    let (_folder, store) = store().await;
    let claim = running(&store, 1, RunKind::Score, 0).await;
    let mut failure = failure(Afterwards::Failed);
    failure.findings = intent().findings;
    failure.verdict = Some(Verdict::CheckFailed);
    store.fail(&claim, &failure).await.unwrap();
    let found = store.run(&claim.run).await.unwrap().unwrap();
    assert_eq!((found.state, found.verdict), (State::Failed, Some(Verdict::CheckFailed)));
    assert_eq!((found.error, found.finished_at), (failure.error, Some(at(5))));
    assert_eq!(store.findings(&claim.run).await.unwrap().len(), 1);
}
