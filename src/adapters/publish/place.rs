//! The folder of rows in its place, and the manifest after it.
//!
//! Everything is compared with the record before anything moves. Whoever publishes first gives the staged folder
//! a name of its own, so that a process that was stopped on the way, and wakes up when another one has taken
//! over, finds nothing to move: an exchange done twice would be undone. Where the file system cannot
//! exchange folders, the parts are moved one by one, and a reader may meet two revisions for a moment.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use crate::adapters::failpoint;
use crate::adapters::publish::durable::{self, Entry, FOLDER_MODE};
use crate::adapters::publish::exchange::{Exchange, exchange, move_to_free};
use crate::adapters::publish::folder::{FolderOwner, contents, owner};
use crate::adapters::publish::staging::{ROWS, StagingName};
use crate::adapters::publish::{PublishError, Site};
use crate::domain::identity::Sha256;

/// How often a folder that comes or goes meanwhile is looked at again.
const TRIES_MAX: usize = 16;

/// A file as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its name, staged and published.
    pub name: String,
    /// Its content.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
}

/// What a run publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The files of rows.
    pub parts: Vec<Piece>,
    /// What stands beside them, but for the manifest.
    pub beside: Vec<Piece>,
    /// The manifest.
    pub manifest: Piece,
}

/// How much to look at a file before it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Its size: this process has just written and sealed it.
    Size,
    /// Its hash: it has been through a crash.
    Hash,
}

/// Publishes what was sealed and put on record, wherever an earlier process has stopped.
///
/// `is_ours` says whether who has published in the folder before may be replaced. [`PublishError::Corrupt`] if a
/// file is neither staged nor published with the content on record; then nothing has moved.
pub fn publish(
    site: &Site,
    stage: &StagingName,
    (publication, look): (&Publication, Look),
    is_ours: impl Fn(&FolderOwner) -> bool,
) -> Result<(), PublishError> {
    let Publication { parts, beside, manifest } = publication;
    let stage = site.stage().join(stage.file_name());
    let held = take(site, &stage)?;
    let missing = missing(site, parts, look)?;
    require(site, &stage, held.as_deref(), &missing, look)?;
    for piece in beside.iter().chain([manifest]) {
        require_beside(site, &stage, piece, look)?;
    }
    if !missing.is_empty() && !is_ours(&owner(site)?) {
        let path = site.beside.join(&manifest.name);
        return Err(PublishError::Foreign { path });
    }
    for piece in beside {
        place_beside(site, &stage, piece)?;
    }
    if let Some(held) = held.filter(|_| !missing.is_empty()) {
        place_rows(site, &held, parts, &missing)?;
    }
    let of_rows = site.rows.parent().unwrap_or(&site.root);
    confirm(site, [of_rows, &site.rows, &site.beside, &stage])?;
    failpoint::reach("commit.between_renames")
        .map_err(durable::io_error("look at", &stage.join(&manifest.name)))?;
    place_beside(site, &stage, manifest)?;
    confirm(site, [site.beside.as_path(), &stage])
}

/// Gives the staged folder of rows a name that no other process knows; `None` if there is none any more. After an
/// exchange it holds what was published before.
fn take(site: &Site, stage: &Path) -> Result<Option<PathBuf>, PublishError> {
    let Some(found) = held(site, stage)?.into_iter().next() else { return Ok(None) };
    let taken = stage.join(format!("{ROWS}-{:016x}", RandomState::new().hash_one(())));
    failpoint::reach("commit.take_folder").map_err(durable::io_error("take", &found))?;
    durable::rename(&found, &taken)?;
    durable::fsync_folder(stage)?;
    Ok(Some(taken))
}

/// The folders of rows in the staging folder `stage`: one, unless it is gone.
pub(super) fn held(site: &Site, stage: &Path) -> Result<Vec<PathBuf>, PublishError> {
    if !durable::folder_exists(&site.root, stage)? {
        return Ok(Vec::new());
    }
    let is_rows = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == ROWS || name.strip_prefix(ROWS).is_some_and(|rest| rest.starts_with('-'))
    };
    Ok(durable::list(stage)?.into_iter().filter(is_rows).collect())
}

/// The parts that are not where readers look for them.
fn missing<'p>(
    site: &Site,
    parts: &'p [Piece],
    look: Look,
) -> Result<Vec<&'p Piece>, PublishError> {
    if !durable::folder_exists(&site.root, &site.rows)? {
        return Ok(parts.iter().collect());
    }
    let mut out = Vec::new();
    for piece in parts {
        let path = site.rows.join(&piece.name);
        let is_there = match durable::entry(&path)? {
            Entry::File(found) if found == piece.size_bytes => {
                look == Look::Size || durable::sha256(&path)? == piece.sha256
            }
            _ => false,
        };
        if !is_there {
            out.push(piece);
        }
    }
    Ok(out)
}

/// An error unless each part that is missing lies in the folder that is held, as it is on record.
fn require(
    site: &Site,
    stage: &Path,
    held: Option<&Path>,
    missing: &[&Piece],
    look: Look,
) -> Result<(), PublishError> {
    for piece in missing {
        if let Some(held) = held {
            require_piece(&held.join(&piece.name), piece, look)?;
        } else {
            let is_there = durable::folder_exists(&site.root, stage)?;
            let path = if is_there { stage.join(ROWS) } else { site.rows.clone() };
            durable::require_hash(&path.join(&piece.name), &piece.sha256)?;
        }
    }
    Ok(())
}

fn require_piece(path: &Path, piece: &Piece, look: Look) -> Result<(), PublishError> {
    match durable::entry(path)? {
        Entry::File(found) if look == Look::Size && found != piece.size_bytes => {
            Err(PublishError::Corrupt {
                path: path.to_owned(),
                wanted: format!("{} bytes", piece.size_bytes),
                found: format!("{found} bytes"),
            })
        }
        Entry::File(_) if look == Look::Size => Ok(()),
        _ => durable::require_hash(path, &piece.sha256),
    }
}

/// An error unless a file beside the rows is staged or in its place, as it is on record.
fn require_beside(
    site: &Site,
    stage: &Path,
    piece: &Piece,
    look: Look,
) -> Result<(), PublishError> {
    let staged = stage.join(&piece.name);
    let is_staged =
        durable::folder_exists(&site.root, stage)? && durable::entry(&staged)? != Entry::Absent;
    if is_staged {
        return require_piece(&staged, piece, look);
    }
    durable::folder_exists(&site.root, &site.beside)?;
    durable::require_hash(&site.beside.join(&piece.name), &piece.sha256)
}

/// Moves a file to its place beside the rows, unless it is there.
fn place_beside(site: &Site, stage: &Path, piece: &Piece) -> Result<(), PublishError> {
    let staged = stage.join(&piece.name);
    if !durable::folder_exists(&site.root, stage)? || durable::entry(&staged)? == Entry::Absent {
        return Ok(());
    }
    durable::make_folders(&site.root, &site.beside, FOLDER_MODE)?;
    move_file(&staged, &site.beside.join(&piece.name))
}

fn place_rows(
    site: &Site,
    held: &Path,
    parts: &[Piece],
    missing: &[&Piece],
) -> Result<(), PublishError> {
    // With some of them in place already, an earlier process could not exchange the folders.
    if missing.len() == parts.len() && swap_in(site, held)? == Exchange::Done {
        return failpoint::reach("commit.exchanged")
            .map_err(durable::io_error("look at", &site.rows));
    }
    durable::make_folders(&site.root, &site.rows, FOLDER_MODE)?;
    missing
        .iter()
        .try_for_each(|piece| move_file(&held.join(&piece.name), &site.rows.join(&piece.name)))
}

/// Puts the folder `held` where readers look: in one step, whatever is there.
fn swap_in(site: &Site, held: &Path) -> Result<Exchange, PublishError> {
    let above = site.rows.parent().unwrap_or(&site.root);
    durable::make_folders(&site.root, above, FOLDER_MODE)?;
    failpoint::reach("commit.exchange").map_err(durable::io_error("look at", &site.rows))?;
    for _ in 0..TRIES_MAX {
        let moved = match durable::entry(&site.rows)? {
            Entry::Absent => match move_to_free(held, &site.rows)? {
                // What is there meanwhile is replaced only if it is an empty folder.
                Exchange::Unsupported => {
                    durable::rename(held, &site.rows)?;
                    Exchange::Done
                }
                moved => moved,
            },
            Entry::Folder => {
                bring_foreign(site, held)?;
                exchange(held, &site.rows)?
            }
            other => return Err(durable::unexpected(&site.rows, &other, "a folder")),
        };
        match moved {
            // Somebody has made or removed the folder meanwhile, or has taken over.
            Exchange::Mistaken if durable::entry(held)? != Entry::Absent => {}
            Exchange::Mistaken => break,
            moved => return Ok(moved),
        }
    }
    let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
    Err(durable::io_error("publish what another process has taken over from", held)(gone))
}

/// Gives the new folder what others have put into the present one. Links cost nothing, and what cannot be linked
/// comes after the exchange.
fn bring_foreign(site: &Site, held: &Path) -> Result<(), PublishError> {
    let mut is_changed = false;
    for name in contents(&site.root, &site.rows)?.foreign {
        let (theirs, ours) = (site.rows.join(&name), held.join(&name));
        let is_file = matches!(durable::entry(&theirs)?, Entry::File(_));
        if is_file && durable::entry(&ours)? == Entry::Absent {
            failpoint::reach("commit.foreign").map_err(durable::io_error("link", &theirs))?;
            is_changed |= std::fs::hard_link(&theirs, &ours).is_ok();
        }
    }
    if is_changed { durable::fsync_folder(held) } else { Ok(()) }
}

fn move_file(source: &Path, target: &Path) -> Result<(), PublishError> {
    failpoint::reach("commit.rename.N")
        .map_err(durable::io_error("rename a staged file to", target))?;
    durable::rename(source, target)
}

/// Makes the names in those of the folders durable that are there.
fn confirm<const N: usize>(site: &Site, folders: [&Path; N]) -> Result<(), PublishError> {
    let mut there = BTreeSet::new();
    for folder in folders {
        if durable::folder_exists(&site.root, folder)? {
            there.insert(folder);
        }
    }
    durable::confirm(there)
}
