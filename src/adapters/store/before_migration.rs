//! A copy of a database of an older schema, made before it gets a newer one.
//!
//! A migration cannot be undone, and the nightshift before this one does not open what it leaves. So the
//! database stays as it is unless a sound and durable copy of it is there. The copy is made while the
//! connection that is to migrate keeps everybody else from writing: what is in the one is in the other. It
//! is named after the last write to the database, so that trying again makes no second copy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::adapters::store::beside::{LOG, with_suffix};
use crate::adapters::store::copy::{CopyError, Overwrite, copy};
use crate::adapters::store::{StoreError, shelf};

/// Copies the database at `path` into the folder of backups, before it gets the schema `to`. `written_at` is
/// what [`last_write`] said of it.
pub(super) async fn keep_copy(
    path: &Path,
    (from, to): (i64, i64),
    written_at: Timestamp,
) -> Result<PathBuf, StoreError> {
    match try_to_keep(path, to, written_at).await {
        Ok(kept) => {
            tracing::info!("the database of schema {from} is kept as `{}`", kept.display());
            Ok(kept)
        }
        // It is the database that is at fault, and not the copy.
        Err(CopyError::Store(error @ StoreError::Damaged { .. })) => Err(error),
        Err(error) => {
            let (path, folder) = (path.to_owned(), shelf::folder(&state_dir_of(path)));
            Err(StoreError::NotKept { path, from, to, folder, source: Box::new(error) })
        }
    }
}

/// When the database at `path` or its log was last written to.
pub(super) fn last_write(path: &Path) -> io::Result<Timestamp> {
    let log = with_suffix(path, LOG);
    let database = fs::metadata(path)?.modified()?;
    let log = fs::metadata(log).and_then(|found| found.modified()).unwrap_or(database);
    timestamp(database.max(log))
}

async fn try_to_keep(path: &Path, to: i64, written_at: Timestamp) -> Result<PathBuf, CopyError> {
    let state_dir = state_dir_of(path);
    let folder = shelf::make_folder(&state_dir)?;
    let made = copy(path, &folder).await?;
    let kept = folder.join(shelf::before_schema_name(to, written_at));
    made.persist(&kept, Overwrite::Yes)?;
    Ok(kept)
}

fn state_dir_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

fn timestamp(at: SystemTime) -> io::Result<Timestamp> {
    let since = at.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let seconds = i64::try_from(since.as_secs()).map_err(io::Error::other)?;
    Timestamp::from_second(seconds).map_err(io::Error::other)
}
