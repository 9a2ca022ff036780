//! A backup in the place of the record, with nobody at work and nothing lost.
//!
//! What the present record knows and the backup does not is forgotten, though the present one is kept: runs
//! that have begun since then are as if they had never been, and what they have published stays until the
//! tick is scored again. Runs that were under way when the backup was made are ended by the next command,
//! like those of a killed process.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::adapters::lock::{DaemonLock, RunLock};
use crate::adapters::store::StoreError;
use crate::adapters::store::copy::{self, CopyError, Examined};
use crate::adapters::store::replace::replace;
use crate::engine::error::{Cause, RunError};
use crate::engine::local::require_local;
use crate::engine::offload::offload;

const STAGE: &str = "restore";

/// What [`restore`] would put in place.
pub async fn preview(state_dir: &Path, file: &Path) -> Result<Examined, RunError> {
    require_local(state_dir)?;
    if let Some(holder) = DaemonLock::holder(state_dir) {
        return Err(owned(state_dir, Some(holder)));
    }
    require_no_run(state_dir)?;
    copy::examine(file).await.map_err(|error| unfit(error.into()))
}

/// Puts a copy of the backup `file` in the place of the database of `state_dir`. Returns under which name
/// the present one is kept, if there is one.
pub async fn restore(
    state_dir: &Path,
    file: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, RunError> {
    require_local(state_dir)?;
    // No daemon begins while this is held. Another command that begins meanwhile waits for the database,
    // and gives up when it finds that it was replaced.
    let lock = DaemonLock::acquire(state_dir).map_err(RunError::other(STAGE))?;
    let _lock = lock.ok_or_else(|| owned(state_dir, DaemonLock::holder(state_dir)))?;
    require_no_run(state_dir)?;
    let state_dir = state_dir.canonicalize().map_err(RunError::other(STAGE))?;
    let made = copy::copy(file, &state_dir).await.map_err(unfit)?;
    let replaced =
        offload(STAGE, move || replace(&state_dir, made, now).map_err(RunError::copy(STAGE)));
    replaced.await
}

/// An error if somebody executes a run.
fn require_no_run(state_dir: &Path) -> Result<(), RunError> {
    match RunLock::any_held(state_dir).map_err(RunError::other(STAGE))? {
        None => Ok(()),
        Some(run) => {
            let message = format!("run `{run}` is being executed");
            Err(RunError::new(STAGE, Cause::Busy, message).hint("restore when it has ended"))
        }
    }
}

fn owned(state_dir: &Path, holder: Option<u32>) -> RunError {
    let process = holder.map_or_else(String::new, |id| format!(" (process {id})"));
    let message = format!("a daemon{process} owns `{}`", state_dir.display());
    RunError::new(STAGE, Cause::Busy, message).hint("stop it first, and start it afterwards")
}

/// Turns an error about the backup, not about the database in use, into one of ours.
fn unfit(error: CopyError) -> RunError {
    match error {
        CopyError::Store(error @ StoreError::Damaged { .. }) => {
            RunError::new(STAGE, Cause::Damaged, error)
                .hint("nothing was changed; is there an older backup?")
        }
        CopyError::Store(StoreError::NotInitialised { path }) => {
            let message = format!("there is no backup `{}`", path.display());
            RunError::new(STAGE, Cause::Request, message)
        }
        error => RunError::copy(STAGE)(error),
    }
}
