//! The folder that a run writes into: `<root>/.nightshift/stage/<run>-<attempt>-<token>/`.
//!
//! It lies on the file system of what will be published, so that a rename is enough. Its name is never
//! used twice, since a token is not; nobody else can look inside.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::adapters::failpoint;
use crate::adapters::publish::PublishError;
use crate::adapters::publish::durable::{self, Entry};
use crate::domain::identity::{RunId, Sha256};
use crate::domain::run::Claim;

/// A staging folder that is being filled.
#[derive(Debug)]
pub struct Staging {
    root: PathBuf,
    folder: PathBuf,
}

/// A file that was written into staging as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// Its content.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
}

/// Whose staging folder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingName {
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The token of the claim.
    pub token: i64,
}

const STAGE: [&str; 2] = [".nightshift", "stage"];
const STAGE_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o640;

impl Staging {
    /// Makes the staging folder of a claim below `root`, which must exist or be creatable.
    pub fn create(root: &Path, claim: &Claim) -> Result<Self, PublishError> {
        DirBuilder::new()
            .recursive(true)
            .mode(durable::FOLDER_MODE)
            .create(root)
            .map_err(durable::io_error("make the folder", root))?;
        let stage = stage_of(root);
        durable::make_folders(root, &stage, STAGE_MODE)?;
        let folder = stage.join(StagingName::of(claim).file_name());
        DirBuilder::new()
            .mode(STAGE_MODE)
            .create(&folder)
            .map_err(durable::io_error("make the staging folder", &folder))?;
        durable::fsync_folder(&stage)?;
        Ok(Self { root: root.to_owned(), folder })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file called `name` waits: one plain name that does not begin with a dot.
    pub fn path(&self, name: &str) -> Result<PathBuf, PublishError> {
        let path = self.folder.join(name);
        let is_plain = path.parent() == Some(self.folder.as_path())
            && path.file_name().is_some_and(|found| found == name)
            && !name.starts_with('.');
        if is_plain {
            return Ok(path);
        }
        Err(PublishError::Outside { path, root: self.folder.clone() })
    }

    /// Writes a file at once and makes it durable.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<Staged, PublishError> {
        let path = self.path(name)?;
        failpoint::reach("out.manifest").map_err(durable::io_error("write", &path))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(durable::io_error("make the file", &path))?;
        file.write_all(bytes).map_err(durable::io_error("write", &path))?;
        durable::fsync(&file, &path)?;
        let sha256 = Sha256(sha2::Sha256::digest(bytes).into());
        Ok(Staged { path, sha256, size_bytes: bytes.len() as u64 })
    }

    /// Makes everything in the folder durable: contents, names, and the folder's own name. From here on
    /// the files may be put on record.
    pub fn seal(&self) -> Result<(), PublishError> {
        for path in list(&self.folder)? {
            match durable::entry(&path)? {
                Entry::File(_) => durable::fsync_file(&path)?,
                other => return Err(durable::unexpected(&path, &other, "a regular file")),
            }
        }
        let stage = stage_of(&self.root);
        failpoint::reach("out.fsync_stage").map_err(durable::unconfirmed(&self.folder))?;
        durable::fsync_folder(&self.folder)?;
        failpoint::reach("out.fsync_parent").map_err(durable::unconfirmed(&stage))?;
        durable::fsync_folder(&stage)
    }

    /// Deletes the folder and what is left in it.
    pub fn remove(self) -> Result<(), PublishError> {
        failpoint::reach("commit.cleanup").map_err(durable::io_error("delete", &self.folder))?;
        remove_folder(&self.folder)
    }

    /// The staging folders below `root`, in order of their names. Whose run is over, may be removed.
    pub fn list(root: &Path) -> Result<Vec<StagingName>, PublishError> {
        let stage = stage_of(root);
        if !durable::folder_exists(root, &stage)? {
            return Ok(Vec::new());
        }
        let names = list(&stage)?
            .into_iter()
            .filter_map(|path| StagingName::parse(path.file_name()?.to_str()?));
        Ok(names.collect())
    }

    /// Deletes a staging folder below `root` that an earlier process has left. If it is gone already,
    /// that is no error. What a link in it leads to stays.
    pub fn remove_left(root: &Path, name: &StagingName) -> Result<(), PublishError> {
        let stage = stage_of(root);
        if !durable::folder_exists(root, &stage)? {
            return Ok(());
        }
        remove_folder(&stage.join(name.file_name()))
    }
}

impl StagingName {
    /// The name that the staging folder of a claim has.
    pub fn of(claim: &Claim) -> Self {
        Self { run: claim.run.clone(), attempt: claim.attempt, token: claim.token }
    }

    fn file_name(&self) -> String {
        format!("{}-{}-{}", self.run, self.attempt, self.token)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (run, attempt, token) = (parts.next()?, parts.next()?, parts.next()?);
        let name = Self {
            run: RunId::parse(run)?,
            attempt: attempt.parse().ok()?,
            token: token.parse().ok()?,
        };
        // `+1` and `01` are numbers, too, but no names of ours.
        (name.file_name() == text).then_some(name)
    }
}

fn stage_of(root: &Path) -> PathBuf {
    STAGE.iter().fold(root.to_owned(), |path, name| path.join(name))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let entries = fs::read_dir(folder).map_err(durable::io_error("list", folder))?;
    let mut out = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(durable::io_error("list", folder)))
        .collect::<Result<Vec<_>, _>>()?;
    out.sort();
    Ok(out)
}

/// Deletes a folder of ours. The standard library follows no link while it does so.
fn remove_folder(folder: &Path) -> Result<(), PublishError> {
    match durable::entry(folder)? {
        Entry::Absent => return Ok(()),
        Entry::Folder => {}
        other => return Err(durable::unexpected(folder, &other, "a folder")),
    }
    fs::remove_dir_all(folder).map_err(durable::io_error("delete the staging folder", folder))?;
    folder.parent().map_or(Ok(()), durable::fsync_folder)
}
