//! A database that is gone although it has been there: its seal, models or outputs of its runs still are.
//!
//! Whoever made a new one then would train and publish everything anew, and nobody could say any more what
//! the old files are. So it is made only on somebody's word. Where a database is, nothing of this matters;
//! whether it is sound is the store's to say.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::artifact::Artifacts;
use crate::adapters::publish;
use crate::adapters::store::Store;
use crate::domain::identity::ProjectId;
use crate::domain::layout::{BESIDE, MANIFEST_FILE};
use crate::domain::project::Project;
use crate::engine::error::{Cause, RESTORE, RunError};
use crate::engine::jobs::load_all;
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

/// A file that only a run of this project can have made.
///
/// What the state folder holds is ours. Outputs below a data root are proof of nothing, since other projects may
/// publish there, and below the project only what names a job of it as its own.
fn trace(project_dir: &Path, project: &Project) -> Result<Option<PathBuf>, RunError> {
    let state_dir = project_dir.join(&project.state_dir);
    let artifacts = Artifacts::new(&state_dir);
    if let Some(sha256) = artifacts.list().map_err(RunError::other(STAGE))?.first() {
        return Ok(Some(artifacts.path(sha256)));
    }
    if let Some(found) = Store::traces(&state_dir).into_iter().find(|path| path.exists()) {
        return Ok(Some(found));
    }
    let mut found = None;
    manifests(project_dir, |manifest, _| found = found.take().or(Some(manifest)))?;
    Ok(found)
}

/// The projects that the manifests below the project name for its jobs: what this project was called by records
/// that are gone.
pub fn former_ids(project_dir: &Path) -> Result<BTreeSet<ProjectId>, RunError> {
    let mut out = BTreeSet::new();
    manifests(project_dir, |_, project| out.extend(project))?;
    Ok(out)
}

/// Calls `take` with each manifest of a job of the project that lies below it, and with the project that it names.
fn manifests(
    project_dir: &Path,
    mut take: impl FnMut(PathBuf, Option<ProjectId>),
) -> Result<(), RunError> {
    for loaded in load_all(project_dir)?.jobs {
        let output = fixed_part(loaded.job.score.output.as_str());
        if Path::new(output).is_relative() {
            let beside = project_dir.join(format!("{output}{BESIDE}"));
            for root in [beside, project_dir.join(output)] {
                // A link may lead to where others publish as well.
                let is_inside = root.canonicalize().is_ok_and(|root| {
                    project_dir.canonicalize().is_ok_and(|dir| root.starts_with(dir))
                });
                if is_inside {
                    manifests_below(root, loaded.job.name.as_str(), &mut take);
                }
            }
        }
    }
    Ok(())
}

/// The manifests of `job` in `root` or below. What cannot be read holds none.
fn manifests_below(root: PathBuf, job: &str, take: &mut impl FnMut(PathBuf, Option<ProjectId>)) {
    let mut folders = vec![root];
    for _ in 0..FOLDERS_MAX {
        let Some(folder) = folders.pop() else { return };
        let manifest = folder.join(MANIFEST_FILE);
        if let Some((project, _)) = publish::maker_of(&manifest).filter(|(_, found)| found == job) {
            take(manifest, project);
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let inside = entries.filter(|entry| entry.file_type().is_ok_and(|found| found.is_dir()));
        folders.extend(inside.map(|entry| entry.path()));
    }
}
