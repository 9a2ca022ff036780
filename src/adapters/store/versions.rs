//! The versions of models: numbered 1, 2, 3, ... within a model, never changed, never deleted.
//!
//! Only two things about a version change: whether its artifact can be used, and on what grounds it
//! publishes. The database refuses the rest.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::adapters::store::aliases::{alias_state, move_in};
use crate::adapters::store::codec::{count_value, number, optional_text, text, time, time_text};
use crate::adapters::store::error::Stop;
use crate::adapters::store::{
    AliasMove, Import, Imported, NewVersion, Store, StoreError, Transition, document,
};
use crate::domain::identity::{JobName, RunId, Sha256, Version};
use crate::domain::registry::{Aliases, Blessing, VersionRecord, VersionState};

impl Store {
    /// The versions of a model, oldest first.
    pub async fn versions(&self, model: &JobName) -> Result<Vec<VersionRecord>, StoreError> {
        sqlx::query(SELECT_VERSIONS)
            .bind(model.as_str())
            .try_map(|row: SqliteRow| version_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the versions of a model", source))
    }

    /// One version of a model.
    pub async fn version(
        &self,
        model: &JobName,
        version: Version,
    ) -> Result<Option<VersionRecord>, StoreError> {
        sqlx::query(SELECT_VERSION)
            .bind(model.as_str())
            .bind(version.0)
            .try_map(|row: SqliteRow| version_record(&row))
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read a version", source))
    }

    /// The models that have versions, by name.
    pub async fn models(&self) -> Result<Vec<JobName>, StoreError> {
        sqlx::query(SELECT_MODELS)
            .try_map(|row: SqliteRow| text(&row, "model", "model name", JobName::new))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list models", source))
    }

    /// Digests of the artifacts that a version may still need, each once.
    pub async fn artifacts_in_use(&self) -> Result<Vec<Sha256>, StoreError> {
        sqlx::query(SELECT_ARTIFACTS)
            .try_map(|row: SqliteRow| text(&row, "sha256", "digest", Sha256::parse))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list artifacts", source))
    }

    /// Registers an artifact that no run has trained. `place` says where the aliases point afterwards,
    /// given the new version and where they point now.
    pub async fn import_version(
        &self,
        import: &Import,
        place: impl FnOnce(Version, Aliases) -> Aliases + Send,
    ) -> Result<Imported, StoreError> {
        const ACTION: &str = "import a version";
        let mut transaction = self.begin(ACTION).await?;
        let out = register(&mut transaction, import, place)
            .await
            .map_err(|stop| self.stopped(ACTION, stop))?;
        self.commit(ACTION, transaction).await?;
        Ok(out)
    }

    /// Records that the artifact of a version does not have the content on record.
    pub async fn corrupt_version(
        &self,
        model: &JobName,
        version: Version,
    ) -> Result<Transition, StoreError> {
        self.move_version("mark a version as corrupt", MARK_CORRUPT, model, version).await
    }

    /// Records that the artifact of a version was deleted.
    pub async fn prune_version(
        &self,
        model: &JobName,
        version: Version,
    ) -> Result<Transition, StoreError> {
        self.move_version("mark a version as pruned", MARK_PRUNED, model, version).await
    }

    async fn move_version(
        &self,
        action: &'static str,
        statement: &'static str,
        model: &JobName,
        version: Version,
    ) -> Result<Transition, StoreError> {
        let mut transaction = self.begin(action).await?;
        let changed = sqlx::query(statement)
            .bind(model.as_str())
            .bind(version.0)
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(action, source))?
            .rows_affected();
        self.commit(action, transaction).await?;
        if changed == 1 {
            return Ok(Transition::Done);
        }
        let found = self.version(model, version).await?;
        Ok(Transition::Refused { found: found.map(|record| record.state.id()) })
    }
}

const SELECT_VERSIONS: &str = "select * from version where model = ?1 order by version";

const SELECT_VERSION: &str = "select * from version where model = ?1 and version = ?2";

const SELECT_MODELS: &str = "select distinct model from version order by model";

const SELECT_ARTIFACTS: &str = "select distinct sha256 from version
     where state <> 'pruned' order by sha256";

const MARK_CORRUPT: &str = "update version set state = 'corrupt'
     where model = ?1 and version = ?2 and state in ('staged', 'ready')";

/// What an alias names is never pruned, whatever the caller believes.
const MARK_PRUNED: &str = "update version set state = 'pruned'
     where model = ?1 and version = ?2 and state in ('ready', 'corrupt')
         and not exists (select 1 from alias where alias.model = ?1
             and ?2 in (alias.champion, alias.challenger, alias.previous))";

async fn register(
    connection: &mut SqliteConnection,
    import: &Import,
    place: impl FnOnce(Version, Aliases) -> Aliases + Send,
) -> Result<Imported, Stop> {
    let Import { model, version: new, by, at } = import;
    let version = insert_version(connection, model, new, None, VersionState::Ready).await?;
    let before = alias_state(&mut *connection, model).await?;
    let after = place(version, before.aliases);
    if after != before.aliases {
        let planned = AliasMove {
            model: model.clone(),
            generation: before.generation,
            after,
            blessing: None,
            by: by.clone(),
        };
        move_in(connection, &planned, *at).await?;
    }
    Ok(Imported { version, aliases: after })
}

/// Gives a new version the next number of its model.
pub(super) async fn insert_version(
    connection: &mut SqliteConnection,
    model: &JobName,
    new: &NewVersion,
    run: Option<&RunId>,
    state: VersionState,
) -> Result<Version, sqlx::Error> {
    sqlx::query_scalar(INSERT_VERSION)
        .bind(model.as_str())
        .bind(&new.kind)
        .bind(&new.task)
        .bind(new.sha256.to_string())
        .bind(count_value(new.size_bytes))
        .bind(time_text(new.created_at))
        .bind(run.map(RunId::as_str))
        .bind(count_value(new.rows))
        .bind(count_value(new.rows_test))
        .bind(document::metrics_text(&new.metrics)?)
        .bind(new.blessing.id())
        .bind(state.id())
        .fetch_one(connection)
        .await
        .map(Version)
}

const INSERT_VERSION: &str = "insert into version
     (model, version, kind, task, sha256, size_bytes, created_at, run, rows_fitted, rows_test, metrics,
      blessing, state)
     values (?1, (select coalesce(max(version), 0) + 1 from version where model = ?1),
      ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
     returning version";

fn version_record(row: &SqliteRow) -> Result<VersionRecord, sqlx::Error> {
    Ok(VersionRecord {
        version: Version(number(row, "version")?),
        kind: row.try_get("kind")?,
        task: row.try_get("task")?,
        sha256: text(row, "sha256", "digest", Sha256::parse)?,
        created_at: time(row, "created_at")?,
        run: optional_text(row, "run", "run id", RunId::parse)?,
        rows: number(row, "rows_fitted")?,
        rows_test: number(row, "rows_test")?,
        metrics: document::metrics(row.try_get("metrics")?)?,
        blessing: text(row, "blessing", "blessing", Blessing::parse)?,
        state: text(row, "state", "version state", VersionState::parse)?,
    })
}
