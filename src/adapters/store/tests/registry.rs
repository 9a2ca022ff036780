//! Versions, aliases and their history.
//!
//! Of two that plan a move at once, one has to look again; nobody rewrites what was.

use super::fixture::{HASH, at, job, new_version, store};
use crate::adapters::store::{
    AliasMove, Attribution, Import, Imported, Open, Store, StoreError, Transition,
};
use crate::domain::identity::Version;
use crate::domain::registry::{Action, Alias, Aliases, Blessing, VersionState};

fn by(action: Action) -> Attribution {
    Attribution { action, actor: "cli".into(), reason: "it is `better`".into(), run: None }
}

async fn import(store: &Store) -> Imported {
    let import =
        Import { model: job("churn"), version: new_version(), by: by(Action::Import), at: at(1) };
    let place = |version, aliases: Aliases| Aliases {
        champion: aliases.champion.or(Some(version)),
        ..aliases
    };
    store.import_version(&import, place).await.unwrap()
}

fn to_champion(version: u32, generation: i64) -> AliasMove {
    AliasMove {
        model: job("churn"),
        generation,
        after: Aliases { champion: Some(Version(version)), challenger: None, previous: None },
        blessing: None,
        by: by(Action::Promote),
    }
}

#[tokio::test]
async fn versions_are_numbered_within_their_model() {
    let (_folder, store) = store().await;
    assert_eq!(import(&store).await.version, Version(1));
    let second = import(&store).await;
    assert_eq!((second.version, second.aliases.champion), (Version(2), Some(Version(1))));
    let numbers: Vec<_> =
        store.versions(&job("churn")).await.unwrap().iter().map(|found| found.version.0).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(store.models().await.unwrap(), [job("churn")]);
    assert_eq!(store.artifacts_in_use().await.unwrap(), [HASH]);
    let history = store.history(&job("churn")).await.unwrap();
    assert_eq!((history.len(), history[0].action), (1, Action::Import));
    assert!(store.versions(&job("fraud")).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_two_planners_one_looks_again() {
    let (folder, store) = store().await;
    import(&store).await;
    import(&store).await;
    let state = store.aliases(&job("churn")).await.unwrap();
    let mut planners = tokio::task::JoinSet::new();
    for version in [2, 2, 2, 2] {
        let path = folder.path().to_owned();
        planners.spawn(async move {
            let own = Store::open(&path, Open::ReadWrite).await.unwrap();
            own.move_aliases(&to_champion(version, state.generation), at(2)).await
        });
    }
    let results = planners.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let moved = |error: &StoreError| matches!(error, StoreError::MovedByOther { .. });
    assert!(results.iter().all(|result| result.as_ref().err().is_none_or(moved)));
    assert_eq!(store.history(&job("churn")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn each_alias_that_moved_has_a_row() {
    let (_folder, store) = store().await;
    import(&store).await;
    import(&store).await;
    let after =
        Aliases { champion: Some(Version(2)), challenger: None, previous: Some(Version(1)) };
    let blessing = Some(Blessing::Overridden);
    let planned = AliasMove { after, blessing, ..to_champion(2, 1) };
    store.move_aliases(&planned, at(3)).await.unwrap();
    let history = store.history(&job("churn")).await.unwrap();
    let moves: Vec<_> = history.iter().map(|step| (step.alias, step.from, step.to)).collect();
    let (one, two) = (Some(Version(1)), Some(Version(2)));
    assert_eq!(
        moves,
        [(Alias::Champion, None, one), (Alias::Champion, one, two), (Alias::Previous, None, one)]
    );
    assert_eq!((history[1].at, history[1].reason.as_str()), (at(3), "it is `better`"));
    let blessed = store.version(&job("churn"), Version(2)).await.unwrap().unwrap();
    assert_eq!(blessed.blessing, Blessing::Overridden);
}

#[tokio::test]
async fn an_alias_names_a_version_that_exists() {
    let (_folder, store) = store().await;
    import(&store).await;
    let error = store.move_aliases(&to_champion(7, 1), at(3)).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert_eq!(store.aliases(&job("churn")).await.unwrap().generation, 1);
    assert_eq!(store.history(&job("churn")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_database_refuses_to_rewrite_history() {
    let (_folder, store) = store().await;
    import(&store).await;
    for (statement, expect) in [
        ("update alias_history set to_version = 2", "append-only"),
        ("delete from alias_history", "append-only"),
        ("update version set sha256 = ''", "never changes"),
        ("update version set rows_fitted = 0", "never changes"),
        ("update version set version = 9", "never changes"),
        ("delete from version", "never deleted"),
    ] {
        let refused = sqlx::query(statement).execute(&store.writer).await.unwrap_err();
        assert!(refused.to_string().contains(expect), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn what_an_alias_names_is_not_pruned() {
    let (_folder, store) = store().await;
    import(&store).await;
    import(&store).await;
    let (one, two) = (Version(1), Version(2));
    let out = store.prune_version(&job("churn"), one).await.unwrap();
    assert_eq!(out, Transition::Refused { found: Some("ready") });
    assert_eq!(store.prune_version(&job("churn"), two).await.unwrap(), Transition::Done);
    let found = store.version(&job("churn"), two).await.unwrap().unwrap();
    assert_eq!(found.state, VersionState::Pruned);
    let out = store.corrupt_version(&job("churn"), two).await.unwrap();
    assert_eq!(out, Transition::Refused { found: Some("pruned") });
    assert_eq!(store.corrupt_version(&job("churn"), one).await.unwrap(), Transition::Done);
    let out = store.corrupt_version(&job("churn"), Version(9)).await.unwrap();
    assert_eq!(out, Transition::Refused { found: None });
}
