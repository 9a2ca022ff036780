//! A database that is gone although it has been there: models or outputs of its runs still are.
//!
//! Whoever made a new one then would train and publish everything anew, and nobody could say any more what
//! the old files are. So it is made only on somebody's word. Where a database is, nothing of this matters;
//! whether it is sound is the store's to say.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::artifact::Artifacts;
use crate::adapters::store::Store;
use crate::domain::project::Project;
use crate::engine::error::{Cause, RESTORE, RunError};
use crate::engine::jobs::load_all;
use crate::engine::manifest::MANIFEST_FILE;
use crate::engine::plan::fixed_part;

const STAGE: &str = "open the project";

/// Most folders of one output that are looked into.
const FOLDERS_MAX: usize = 1_000;

/// An error if the database of the project was lost.
pub fn require_none(project_dir: &Path, project: &Project) -> Result<(), RunError> {
    if has_database(project_dir, project)? {
        return Ok(());
    }
    let Some(trace) = trace(project_dir, project)? else { return Ok(()) };
    let database = project.state_dir.join(Store::FILE_NAME);
    let trace = trace.strip_prefix(project_dir).unwrap_or(&trace);
    let message = format!(
        "the database `{}` is gone, but `{}` is there, which only a run can have made",
        database.display(),
        trace.display()
    );
    Err(RunError::new(STAGE, Cause::Damaged, message)
        .hint(RESTORE)
        .hint("if the state is on another disk, look whether that is mounted")
        .hint("`nightshift run JOB --init` begins a new record and leaves the files as they are"))
}

/// Whether there is a database. A file without content is none.
pub fn has_database(project_dir: &Path, project: &Project) -> Result<bool, RunError> {
    let path = project_dir.join(&project.state_dir).join(Store::FILE_NAME);
    match fs::symlink_metadata(&path) {
        Ok(found) => Ok(!found.is_file() || found.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let message = format!("failed to look for `{}`: {error}", path.display());
            Err(RunError::new(STAGE, Cause::Other, message))
        }
    }
}

/// A file that only a run can have made.
fn trace(project_dir: &Path, project: &Project) -> Result<Option<PathBuf>, RunError> {
    let artifacts = Artifacts::new(&project_dir.join(&project.state_dir));
    if let Some(sha256) = artifacts.list().map_err(RunError::other(STAGE))?.first() {
        return Ok(Some(artifacts.path(sha256)));
    }
    for loaded in load_all(project_dir)?.jobs {
        let root = project_dir.join(fixed_part(loaded.job.score.output.as_str()));
        if let Some(found) = manifest_below(root) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A manifest in `root` or below. What cannot be read holds none.
fn manifest_below(root: PathBuf) -> Option<PathBuf> {
    let mut folders = vec![root];
    for _ in 0..FOLDERS_MAX {
        let folder = folders.pop()?;
        let manifest = folder.join(MANIFEST_FILE);
        if manifest.is_file() {
            return Some(manifest);
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let inside = entries.filter(|entry| entry.file_type().is_ok_and(|found| found.is_dir()));
        folders.extend(inside.map(|entry| entry.path()));
    }
    None
}
