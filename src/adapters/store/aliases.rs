//! Where the aliases of a model point, and every move they made.
//!
//! The three aliases of a model move together, in one row that carries a generation. A move names the
//! generation it was planned at and is refused at any other, so that of two planners one has to look
//! again. The history is written in the same transaction and can neither be changed nor deleted.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row as _, Sqlite, SqliteConnection};

use crate::adapters::failpoint;
use crate::adapters::store::codec::{optional_number, optional_text, text, time, time_text};
use crate::adapters::store::error::Stop;
use crate::adapters::store::queue::{Cause, define, insert_follow_ups};
use crate::adapters::store::rollback::require_corrections;
use crate::adapters::store::{AliasMove, AliasState, Attribution, FollowUp, Store, StoreError};
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{Action, Alias, Aliases, Move, moves_between};

impl Store {
    /// Where the aliases of a model stand; nowhere, at generation 0, for a model that has none.
    pub async fn aliases(&self, model: &JobName) -> Result<AliasState, StoreError> {
        alias_state(&self.readers, model)
            .await
            .map_err(|source| self.failed("read the aliases of a model", source))
    }

    /// Every move of the aliases of a model, oldest first.
    pub async fn history(&self, model: &JobName) -> Result<Vec<Move>, StoreError> {
        sqlx::query(SELECT_HISTORY)
            .bind(model.as_str())
            .try_map(|row: SqliteRow| history_row(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("read the history of a model", source))
    }

    /// Moves the aliases of a model, if they still stand at the generation that `planned` names.
    pub async fn move_aliases(&self, planned: &AliasMove, at: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "move the aliases of a model";
        let mut transaction = self.begin(ACTION).await?;
        move_in(&mut transaction, planned, at).await.map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await
    }

    /// The same for a rollback, and in the same transaction queues its corrections; they execute the job file
    /// `job_text`, whose digest is `job_sha256`, unless they name another.
    ///
    /// [`StoreError::PublishedByOther`] if the version that it leaves has published a tick without one.
    pub async fn move_aliases_and_queue(
        &self,
        planned: &AliasMove,
        follow_ups: &[FollowUp],
        (job_sha256, job_text): (&Sha256, &str),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "move the aliases of a model and queue what follows";
        let mut transaction = self.begin(ACTION).await?;
        let done = async {
            let leaving = alias_state(&mut *transaction, &planned.model).await?.aliases.champion;
            if let Some(version) = leaving {
                let rolled_back = (&planned.model, version);
                require_corrections(&mut transaction, rolled_back, follow_ups, None).await?;
            }
            move_in(&mut transaction, planned, at).await?;
            define(&mut transaction, job_sha256, job_text).await?;
            let cause = Cause { job: &planned.model, job_sha256, parent: None };
            insert_follow_ups(&mut transaction, cause, follow_ups, at).await?;
            Ok(())
        };
        done.await.map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await
    }
}

const SELECT_HISTORY: &str = "select * from alias_history where model = ?1 order by id";

/// Where the aliases stand, as seen by a transaction or by anybody.
pub(super) async fn alias_state<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    model: &JobName,
) -> Result<AliasState, sqlx::Error> {
    let found = sqlx::query(SELECT_ALIASES)
        .bind(model.as_str())
        .try_map(|row: SqliteRow| {
            let version =
                |column| Ok::<_, sqlx::Error>(optional_number(&row, column)?.map(Version));
            Ok(AliasState {
                aliases: Aliases {
                    champion: version("champion")?,
                    challenger: version("challenger")?,
                    previous: version("previous")?,
                },
                generation: row.try_get("generation")?,
            })
        })
        .fetch_optional(executor)
        .await?;
    Ok(found.unwrap_or_default())
}

const SELECT_ALIASES: &str = "select * from alias where model = ?1";

/// Moves the aliases within a transaction that may do more.
pub(super) async fn move_in(
    connection: &mut SqliteConnection,
    planned: &AliasMove,
    at: Timestamp,
) -> Result<(), Stop> {
    let AliasMove { model, generation, after, blessing, by } = planned;
    let found = alias_state(&mut *connection, model).await?;
    if found.generation != *generation {
        return Err(moved_by_other(model));
    }
    sqlx::query(SET_ALIASES)
        .bind(model.as_str())
        .bind(after.champion.map(|version| version.0))
        .bind(after.challenger.map(|version| version.0))
        .bind(after.previous.map(|version| version.0))
        .bind(generation + 1)
        .execute(&mut *connection)
        .await?;
    failpoint::reach("promote.in_txn").map_err(sqlx::Error::from)?;
    if let (Some(champion), Some(blessing)) = (after.champion, blessing) {
        sqlx::query(BLESS)
            .bind(model.as_str())
            .bind(champion.0)
            .bind(blessing.id())
            .execute(&mut *connection)
            .await?;
    }
    for (alias, from, to) in moves_between(found.aliases, *after) {
        let step = Step { alias, from, to };
        insert_step(connection, model, &step, by, at).await?;
    }
    Ok(())
}

/// Refuses a move that was planned at another generation.
pub(super) async fn require_generation(
    connection: &mut SqliteConnection,
    planned: Option<&AliasMove>,
) -> Result<(), Stop> {
    let Some(AliasMove { model, generation, .. }) = planned else { return Ok(()) };
    let found = alias_state(connection, model).await?;
    if found.generation == *generation { Ok(()) } else { Err(moved_by_other(model)) }
}

fn moved_by_other(model: &JobName) -> Stop {
    Stop::Refused(StoreError::MovedByOther { model: model.clone() })
}

const SET_ALIASES: &str = "insert into alias (model, champion, challenger, previous, generation)
     values (?1, ?2, ?3, ?4, ?5)
     on conflict (model) do update set champion = excluded.champion,
         challenger = excluded.challenger, previous = excluded.previous,
         generation = excluded.generation";

const BLESS: &str = "update version set blessing = ?3 where model = ?1 and version = ?2";

struct Step {
    alias: Alias,
    from: Option<Version>,
    to: Option<Version>,
}

async fn insert_step(
    connection: &mut SqliteConnection,
    model: &JobName,
    step: &Step,
    by: &Attribution,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT_HISTORY)
        .bind(model.as_str())
        .bind(step.alias.id())
        .bind(step.from.map(|version| version.0))
        .bind(step.to.map(|version| version.0))
        .bind(by.action.id())
        .bind(&by.actor)
        .bind(&by.reason)
        .bind(by.run.as_ref().map(RunId::as_str))
        .bind(time_text(at))
        .execute(connection)
        .await
        .map(|_| ())
}

const INSERT_HISTORY: &str = "insert into alias_history
     (model, alias, from_version, to_version, action, actor, reason, run, at, commits)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (select commits + 1 from seal))";

fn history_row(row: &SqliteRow) -> Result<Move, sqlx::Error> {
    Ok(Move {
        at: time(row, "at")?,
        commits: row.try_get("commits")?,
        alias: text(row, "alias", "alias", Alias::parse)?,
        from: optional_number(row, "from_version")?.map(Version),
        to: optional_number(row, "to_version")?.map(Version),
        action: text(row, "action", "action", Action::parse)?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        run: optional_text(row, "run", "run id", RunId::parse)?,
    })
}
