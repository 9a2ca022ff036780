//! Runs that an earlier version had begun to publish, file by file, within the output itself.
//!
//! Their staged files lie in `<output>/.nightshift/stage/<run>-<attempt>-<token>/`, and each is renamed to its
//! place, the manifest last. Nothing new is published like this; it ends what was begun.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::publish::PublishError;
use crate::adapters::publish::durable::{self, Entry, FOLDER_MODE};
use crate::adapters::publish::staging::remove_folder;
use crate::domain::identity::{RunId, Sha256};

/// A file on its way from staging to its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Where it waits.
    pub staged: PathBuf,
    /// Where readers will find it.
    pub target: PathBuf,
    /// Its content.
    pub sha256: Sha256,
}

/// A staging folder within an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerStage {
    /// The run.
    pub run: RunId,
    /// The token of its claim.
    pub token: i64,
    folder: PathBuf,
}

/// Publishes what an earlier process had sealed and put on record, wherever it stopped; the last file points to
/// the others.
pub fn place_all(root: &Path, placements: &[Placement]) -> Result<(), PublishError> {
    let Some((pointer, others)) = placements.split_last() else { return Ok(()) };
    let mut touched = BTreeSet::new();
    for placement in others {
        touched.extend(place(root, placement)?);
    }
    // A reader who finds the pointer after a loss of power must find what it points to.
    durable::confirm(touched)?;
    durable::confirm(place(root, pointer)?)
}

/// Puts one file in its place and returns the folders that changed. If it is there already, they are
/// returned all the same: whoever put it there may not have got to making it durable.
fn place<'p>(root: &Path, placement: &'p Placement) -> Result<Vec<&'p Path>, PublishError> {
    let Placement { staged, target, sha256 } = placement;
    let source_folder = durable::parent_below(root, staged)?;
    let target_folder = durable::parent_below(root, target)?;
    let source_exists = durable::folder_exists(root, source_folder)?;
    if source_exists && durable::entry(staged)? != Entry::Absent {
        durable::require_hash(staged, sha256)?;
        durable::make_folders(root, target_folder, FOLDER_MODE)?;
        durable::rename(staged, target)?;
        return Ok(vec![source_folder, target_folder]);
    }
    durable::folder_exists(root, target_folder)?;
    durable::require_hash(target, sha256)?;
    Ok(if source_exists { vec![source_folder, target_folder] } else { vec![target_folder] })
}

/// Deletes published files, those of a superseded run for instance. Files that are gone are no error.
pub fn remove_files(root: &Path, targets: &[PathBuf]) -> Result<(), PublishError> {
    let mut touched = BTreeSet::new();
    for target in targets {
        let folder = durable::parent_below(root, target)?;
        if !durable::folder_exists(root, folder)? {
            continue;
        }
        match durable::entry(target)? {
            Entry::Absent => {}
            Entry::File(_) => {
                match fs::remove_file(target) {
                    // Somebody else who deletes it was quicker.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    deleted => deleted.map_err(durable::io_error("delete", target))?,
                }
                touched.insert(folder);
            }
            other => return Err(durable::unexpected(target, &other, "a regular file")),
        }
    }
    touched.into_iter().try_for_each(durable::fsync_folder)
}

/// The staging folders within the folder `output`, in order of their names.
pub fn former_stages(root: &Path, output: &Path) -> Result<Vec<FormerStage>, PublishError> {
    let stage = stage_of(output);
    if !durable::folder_exists(root, &stage)? {
        return Ok(Vec::new());
    }
    let name = |folder: PathBuf| {
        let mut parts = folder.file_name()?.to_str()?.splitn(3, '-');
        let (run, _attempt, token) = (parts.next()?, parts.next()?, parts.next()?);
        Some(FormerStage { run: RunId::parse(run)?, token: token.parse().ok()?, folder })
    };
    Ok(durable::list(&stage)?.into_iter().filter_map(name).collect())
}

/// Deletes a staging folder within an output, and the folders above it if they are empty then.
pub fn remove_former(output: &Path, stage: &FormerStage) -> Result<(), PublishError> {
    remove_folder(&stage.folder)?;
    let stage = stage_of(output);
    // One that is not empty stays, and so does one that is gone.
    let _emptied = fs::remove_dir(&stage).and_then(|()| match stage.parent() {
        Some(above) => fs::remove_dir(above),
        None => Ok(()),
    });
    Ok(())
}

fn stage_of(output: &Path) -> PathBuf {
    output.join(".nightshift").join("stage")
}
