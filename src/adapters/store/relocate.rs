//! Outputs of earlier schemas, which stand on record by absolute paths until somebody says what those are
//! relative to.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::adapters::store::runs::run_record;
use crate::adapters::store::{RunRecord, Store, StoreError};
use crate::domain::identity::RunId;
use crate::domain::layout::{Location, TickFolder};

/// Where the files of a run are, by root.
#[derive(Debug, Clone)]
pub struct Relocated {
    /// The run.
    pub run: RunId,
    /// The folder of its tick, unless another run on record has it.
    pub folder: Option<TickFolder>,
    /// Where each output waited and where readers find it, by its place in the order of publication.
    pub outputs: Vec<(u32, Location, Location)>,
}

impl Store {
    /// Runs with outputs that are on record by absolute paths, those first that readers see, the latest commit
    /// first; not more than `limit`.
    pub async fn unlocated(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        sqlx::query(SELECT_UNLOCATED)
            .bind(limit)
            .try_map(|row: SqliteRow| run_record(&row))
            .fetch_all(&self.readers)
            .await
            .map_err(|source| self.failed("list the outputs of earlier schemas", source))
    }

    /// Puts on record what the paths of `runs` are relative to.
    pub async fn relocate(&self, runs: &[Relocated]) -> Result<(), StoreError> {
        const ACTION: &str = "record what paths are relative to";
        let mut transaction = self.begin(ACTION).await?;
        for relocated in runs {
            relocate(&mut transaction, relocated)
                .await
                .map_err(|source| self.failed(ACTION, source))?;
        }
        self.commit(ACTION, transaction).await
    }
}

const SELECT_UNLOCATED: &str = "select * from run
     where id in (select run from output where root = '')
     order by state <> 'committed', commits desc, serial desc limit ?1";

async fn relocate(
    connection: &mut SqliteConnection,
    relocated: &Relocated,
) -> Result<(), sqlx::Error> {
    let run = relocated.run.as_str();
    for (seq, staged, published) in &relocated.outputs {
        sqlx::query(SET_OUTPUT)
            .bind(run)
            .bind(seq)
            .bind(published.root.text())
            .bind(&staged.path)
            .bind(&published.path)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(folder) = &relocated.folder {
        sqlx::query(SET_FOLDER)
            .bind(run)
            .bind(folder.root().text())
            .bind(folder.output().path)
            .bind(folder.rows().path)
            .execute(connection)
            .await?;
    }
    Ok(())
}

const SET_OUTPUT: &str = "update output set root = ?3, staged_path = ?4, final_path = ?5
     where run = ?1 and seq = ?2";

/// Earlier versions let ticks share a folder; then it is that of the one that has published last.
const SET_FOLDER: &str = "update run set root = ?2, output = ?3, folder = ?4
     where id = ?1 and not (state = 'committed' and exists (select 1 from run as other
         where other.root = ?2 and other.folder = ?4 and other.kind = 'score'
             and other.state = 'committed' and other.id <> ?1))";
