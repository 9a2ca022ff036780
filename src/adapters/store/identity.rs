//! Whose record it is: the ids of the project, and where its folder stood when it was last written to.
//!
//! A copy of a project takes a new id, and keeps those before it: they are of its originals. What follows from an id,
//! and from a place that is not where the folder stands, is not decided here.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::codec::text;
use crate::adapters::store::seal::{self, Seal};
use crate::adapters::store::{Store, StoreError};
use crate::domain::identity::ProjectId;
use crate::domain::whereabouts::Place;

impl Store {
    /// The ids that the project has had, the one in force first, each with the count of commits when it was taken.
    /// Those behind it are of its originals.
    pub async fn project_ids(&self) -> Result<Vec<(ProjectId, i64)>, StoreError> {
        sqlx::query(SELECT_IDS)
            .try_map(|row: SqliteRow| {
                let project = text(&row, "project", "project id", ProjectId::parse)?;
                Ok((project, row.try_get("since")?))
            })
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("read the identity of the project", source))
    }

    /// Takes `project` for an id that this project had before.
    pub async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        const ACTION: &str = "record the identity of the project";
        let mut transaction = self.begin(ACTION).await?;
        sqlx::query(ADOPT)
            .bind(project.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await
    }

    /// Tells this database and its copies from every other one.
    pub async fn database(&self) -> Result<String, StoreError> {
        let failed = |source| self.failed("read the identity of the database", source);
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        let found = seal::progress(&mut connection).await.map_err(failed)?;
        Ok(found.map(|progress| progress.database).unwrap_or_default())
    }

    /// Whether `state_dir` holds this database or a copy of it, as far as its seal says. One without a seal may be.
    pub fn may_be_in(database: &str, state_dir: &Path) -> bool {
        let path = state_dir.join(Self::FILE_NAME);
        match Seal::read(&path) {
            Ok(Some(seal)) => seal.into_database() == database,
            Ok(None) | Err(_) => path.exists(),
        }
    }

    /// Where the folder of the project stood when somebody last said so.
    pub async fn place(&self) -> Result<Option<Place>, StoreError> {
        sqlx::query(SELECT_PLACE)
            .try_map(|row: SqliteRow| {
                Ok(Place {
                    host: row.try_get("host")?,
                    boot: row.try_get("boot")?,
                    namespace: row.try_get("namespace")?,
                    path: row.try_get("path")?,
                    device: row.try_get("device")?,
                    inode: row.try_get("inode")?,
                })
            })
            .fetch_optional(&self.readers)
            .await
            .map_err(|source| self.failed("read the place of the project", source))
    }

    /// Says where the folder of the project stands.
    pub async fn settle_at(&self, place: &Place) -> Result<(), StoreError> {
        self.settle(place, None).await
    }

    /// Says where the folder of the project stands, and gives the project an id of its own.
    pub async fn settle_as_copy(&self, place: &Place) -> Result<(), StoreError> {
        self.settle(place, Some(RENEW)).await
    }

    async fn settle(&self, place: &Place, first: Option<&'static str>) -> Result<(), StoreError> {
        const ACTION: &str = "record the place of the project";
        let mut transaction = self.begin(ACTION).await?;
        let done = async {
            if let Some(statement) = first {
                sqlx::query(statement).execute(&mut *transaction).await?;
            }
            sqlx::query(SET_PLACE)
                .bind(&place.host)
                .bind(&place.boot)
                .bind(&place.namespace)
                .bind(&place.path)
                .bind(&place.device)
                .bind(&place.inode)
                .execute(&mut *transaction)
                .await
        };
        done.await.map_err(|source| self.failed(ACTION, source))?;
        self.commit(ACTION, transaction).await
    }
}

const SELECT_IDS: &str = "select project, since from identity order by serial desc";

const ADOPT: &str = "insert into identity (serial, project, since)
     select min(serial) - 1, ?1, min(since) from identity where true on conflict (project) do nothing";

const SELECT_PLACE: &str = "select host, boot, namespace, path, device, inode from place";

const RENEW: &str = "insert into identity (project, since)
     select lower(hex(randomblob(16))), commits + 1 from seal";

const SET_PLACE: &str = "insert into place (id, host, boot, namespace, path, device, inode)
     values (1, ?1, ?2, ?3, ?4, ?5, ?6)
     on conflict (id) do update set host = excluded.host, boot = excluded.boot,
         namespace = excluded.namespace, path = excluded.path, device = excluded.device,
         inode = excluded.inode";
