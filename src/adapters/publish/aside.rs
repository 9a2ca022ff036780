//! What came out of its place: rows that a correction has replaced go beside, what is not ours goes back.
//!
//! After an exchange the staging folder holds what was published before. Its rows, and what stood beside them,
//! are kept in `superseded/<run>` for as long as the project says. Every step may be repeated.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::adapters::failpoint;
use crate::adapters::publish::durable::{self, Entry, FOLDER_MODE};
use crate::adapters::publish::exchange::{Exchange, move_to_free};
use crate::adapters::publish::folder::{contents, names_run};
use crate::adapters::publish::place::held;
use crate::adapters::publish::staging::{ROWS, StagingName, remove_folder};
use crate::adapters::publish::{PublishError, Site};
use crate::domain::identity::RunId;
use crate::domain::layout::{MANIFEST_FILE, run_of_beside};

/// Whether the run whose staging folder is cleared is the one that readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// It is: nothing of ours but its files belongs in the folder of the tick.
    Current,
    /// A later one is, or it cannot be told: the folder of the tick is left as it is.
    Former,
}

/// Clears the staging folder `stage` of what was published before its run, and, if the run is current, the folder
/// of the tick of what is left there of runs before it. The files of the run itself stay where they are.
pub fn set_aside(site: &Site, stage: &StagingName, aside: Aside) -> Result<(), PublishError> {
    let folder = site.stage().join(stage.file_name());
    failpoint::reach("commit.set_aside").map_err(durable::io_error("clear", &folder))?;
    for held in held(site, &folder)? {
        return_foreign(site, &held, &stage.run)?;
        if !put_folder_aside(site, &held, &stage.run)? {
            empty(site, &held, &stage.run)?;
        }
    }
    if aside == Aside::Former {
        return Ok(());
    }
    // Where folders cannot be exchanged, the rows before lie among those of today.
    empty(site, &site.rows, &stage.run)?;
    if !durable::folder_exists(&site.root, &site.beside)? {
        return Ok(());
    }
    for path in durable::list(&site.beside)? {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if let Some(run) = run_of_beside(name).filter(|run| *run != stage.run) {
            put_aside(site, &path, &site.superseded().join(run.as_str()))?;
        }
    }
    durable::fsync_folder(&site.beside)
}

/// Sets aside what `run` has published at `site`, where its successor publishes somewhere else: its rows, what stands
/// beside them, and the folders if they are empty then.
pub fn retire(site: &Site, run: &RunId) -> Result<(), PublishError> {
    let aside = site.superseded().join(run.as_str());
    let found = contents(&site.root, &site.rows)?;
    let parts = found.parts.iter().filter(|(_, of)| of == run).map(|(name, _)| name);
    let former = found.former.iter().filter(|(of, _)| of == run).flat_map(|(_, names)| names);
    for name in parts.chain(former) {
        put_aside(site, &site.rows.join(name), &aside.join(ROWS))?;
    }
    if durable::folder_exists(&site.root, &site.beside)? {
        for path in durable::list(&site.beside)? {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let is_own = run_of_beside(name).is_some_and(|of| of == *run)
                || (name == MANIFEST_FILE && names_run(&path, run)?);
            if is_own {
                put_aside(site, &path, &aside)?;
            }
        }
    }
    for (folder, above) in [(&site.rows, &site.output), (&site.beside, &site.companion)] {
        remove_empty(folder, above)?;
    }
    Ok(())
}

/// Removes `folder` and those between it and `above` for as long as they are empty.
fn remove_empty(folder: &Path, above: &Path) -> Result<(), PublishError> {
    for step in folder.ancestors().take_while(|step| *step != above) {
        match fs::remove_dir(step) {
            Ok(()) => step.parent().map_or(Ok(()), durable::fsync_folder)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Somebody else's files are in it.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Puts the folder `held` aside as it is, so that whoever lists it just now goes on to see it whole; false if it
/// is not of one earlier run, or if something of that run was put aside before.
fn put_folder_aside(site: &Site, held: &Path, own: &RunId) -> Result<bool, PublishError> {
    let found = contents(&site.root, held)?;
    let runs: BTreeSet<&RunId> = found.parts.iter().map(|(_, run)| run).collect();
    let mut runs = runs.into_iter();
    let (Some(run), None) = (runs.next().filter(|run| *run != own), runs.next()) else {
        return Ok(false);
    };
    let above = site.superseded().join(run.as_str());
    durable::make_folders(&site.root, &above, FOLDER_MODE)?;
    let target = above.join(ROWS);
    if durable::entry(&target)? != Entry::Absent {
        return Ok(false);
    }
    durable::rename(held, &target)?;
    durable::fsync_folder(&above)?;
    held.parent().map_or(Ok(()), durable::fsync_folder)?;
    Ok(true)
}

/// Puts aside what `folder` holds of runs other than `own`, an earlier layout included.
fn empty(site: &Site, folder: &Path, own: &RunId) -> Result<(), PublishError> {
    let found = contents(&site.root, folder)?;
    let parts = found.parts.iter().map(|(name, run)| (name, run));
    let former =
        found.former.iter().flat_map(|(run, names)| names.iter().map(move |name| (name, run)));
    let others: Vec<_> = parts.chain(former).filter(|(_, run)| *run != own).collect();
    for (name, run) in &others {
        put_aside(site, &folder.join(name), &site.superseded().join(run.as_str()).join(ROWS))?;
    }
    if others.is_empty() { Ok(()) } else { durable::fsync_folder(folder) }
}

fn put_aside(site: &Site, path: &Path, target: &Path) -> Result<(), PublishError> {
    let name = path.file_name().unwrap_or_default();
    durable::make_folders(&site.root, target, FOLDER_MODE)?;
    durable::rename(path, &target.join(name))?;
    durable::fsync_folder(target)
}

/// Puts what others had in the folder of the tick back into it, unless it is there by a link.
fn return_foreign(site: &Site, held: &Path, own: &RunId) -> Result<(), PublishError> {
    let foreign = contents(&site.root, held)?.foreign;
    for name in &foreign {
        let (theirs, target) = (held.join(name), site.rows.join(name));
        durable::make_folders(&site.root, &site.rows, FOLDER_MODE)?;
        let moved = match durable::entry(&target)? {
            Entry::Absent => move_to_free(&theirs, &target)?,
            _ => Exchange::Mistaken,
        };
        match moved {
            Exchange::Done => {}
            Exchange::Unsupported => durable::rename(&theirs, &target)?,
            Exchange::Mistaken if is_same_file(&theirs, &target) => {
                fs::remove_file(&theirs).map_err(durable::io_error("unlink", &theirs))?;
            }
            // Somebody has put another file of that name there meanwhile: both are kept.
            Exchange::Mistaken => {
                put_aside(site, &theirs, &site.superseded().join(own.as_str()).join("foreign"))?;
            }
        }
    }
    if foreign.is_empty() { Ok(()) } else { durable::fsync_folder(&site.rows) }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let number =
        |path: &Path| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    number(one).is_some_and(|found| Some(found) == number(other))
}

/// The runs whose files were set aside beside the output of `site`, in order.
pub fn superseded(site: &Site) -> Result<Vec<RunId>, PublishError> {
    let folder = site.superseded();
    if !durable::folder_exists(&site.root, &folder)? {
        return Ok(Vec::new());
    }
    let run = |path: PathBuf| RunId::parse(path.file_name()?.to_str()?);
    Ok(durable::list(&folder)?.into_iter().filter_map(run).collect())
}

/// Deletes what was set aside of `run`.
pub fn remove_superseded(site: &Site, run: &RunId) -> Result<(), PublishError> {
    let folder = site.superseded();
    if !durable::folder_exists(&site.root, &folder)? {
        return Ok(());
    }
    remove_folder(&folder.join(run.as_str()))
}
