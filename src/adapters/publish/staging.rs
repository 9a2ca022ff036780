//! The folder that a run writes into: `<output>.nightshift/stage/<project>-<run>-<attempt>-<token>/`.
//!
//! It lies on the file system of what will be published, so that a rename is enough; what is to be published as
//! rows is moved into a folder of its own, which will take the place of the folder before. Its name is never
//! used twice, since a token is not, and says whose it is, since others may write to the same output. Nobody
//! else can look inside, and its writer holds a lock on it to the end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::Digest as _;

use crate::adapters::failpoint;
use crate::adapters::publish::durable::{self, Entry};
use crate::adapters::publish::{PublishError, Site};
use crate::domain::identity::{ProjectId, RunId, Sha256};
use crate::domain::run::Claim;

/// The folder of rows within a staging folder, and how the name begins that it gets when it is published.
pub const ROWS: &str = "rows";

const STAGE_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o640;

/// A staging folder that is being filled.
#[derive(Debug)]
pub struct Staging {
    site: Site,
    name: StagingName,
    folder: PathBuf,
    /// Tells others that its writer lives.
    _lock: File,
}

/// A file that was written into staging as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its content.
    pub sha256: Sha256,
    /// Its size.
    pub size_bytes: u64,
}

/// Whose staging folder it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingName {
    /// The project.
    pub project: ProjectId,
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: u32,
    /// The token of the claim.
    pub token: i64,
}

impl Staging {
    /// Makes the staging folder of a claim beside the output of `site`, and both if they are not there.
    pub fn create(site: Site, name: StagingName) -> Result<Self, PublishError> {
        let stage = site.stage();
        durable::make_folders(&site.root, &site.output, durable::FOLDER_MODE)?;
        durable::make_folders(&site.root, &site.companion, durable::FOLDER_MODE)?;
        require_one_file_system(&site)?;
        durable::make_folders(&site.root, &stage, STAGE_MODE)?;
        let folder = stage.join(name.file_name());
        DirBuilder::new()
            .mode(STAGE_MODE)
            .create(&folder)
            .map_err(durable::io_error("make the staging folder", &folder))?;
        durable::fsync_folder(&stage)?;
        let lock = File::open(&folder).map_err(durable::io_error("open", &folder))?;
        // Where a file system has no locks, the lock of the run and the token of its claim do.
        let _unlocked = lock.try_lock();
        Ok(Self { site, name, folder, _lock: lock })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whose it is.
    pub fn name(&self) -> &StagingName {
        &self.name
    }

    /// Where its run publishes.
    pub fn site(&self) -> &Site {
        &self.site
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

    /// Moves the staged file `name` among the rows to be published, as `target`.
    pub fn add_rows(&self, name: &str, target: &str) -> Result<(), PublishError> {
        let (source, rows) = (self.path(name)?, self.folder.join(ROWS));
        self.path(target)?;
        durable::make_folders(&self.folder, &rows, durable::FOLDER_MODE)?;
        durable::rename(&source, &rows.join(target))
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
        Ok(Staged { sha256, size_bytes: bytes.len() as u64 })
    }

    /// Makes everything in the folder durable: contents, names, and the folder's own name. From here on
    /// the files may be put on record.
    pub fn seal(&self) -> Result<(), PublishError> {
        let rows = self.folder.join(ROWS);
        if durable::folder_exists(&self.folder, &rows)? {
            seal_files(&durable::list(&rows)?)?;
            durable::fsync_folder(&rows)?;
        }
        let beside: Vec<PathBuf> =
            durable::list(&self.folder)?.into_iter().filter(|path| *path != rows).collect();
        seal_files(&beside)?;
        let stage = self.site.stage();
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

    /// The staging folders beside the output of `site`, of any project, in order of their names, with the time at
    /// which each was last changed.
    pub fn list(site: &Site) -> Result<Vec<(StagingName, Timestamp)>, PublishError> {
        let stage = site.stage();
        if !durable::folder_exists(&site.root, &stage)? {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        for path in durable::list(&stage)? {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(StagingName::parse);
            let Some(name) = name else { continue };
            // One that is gone meanwhile was somebody else's to remove.
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            let changed_at = Timestamp::from_second(found.mtime()).unwrap_or(Timestamp::MAX);
            out.push((name, changed_at));
        }
        Ok(out)
    }

    /// Deletes a staging folder beside the output of `site` that an earlier process has left, unless somebody
    /// holds it. If it is gone already, that is no error. What a link in it leads to stays.
    pub fn remove_left(site: &Site, name: &StagingName) -> Result<(), PublishError> {
        let stage = site.stage();
        let folder = stage.join(name.file_name());
        if !durable::folder_exists(&site.root, &stage)? || is_held(&folder)? {
            return Ok(());
        }
        remove_folder(&folder)
    }
}

impl StagingName {
    /// The name that the staging folder of a claim has.
    pub fn of(project: &ProjectId, claim: &Claim) -> Self {
        Self {
            project: project.clone(),
            run: claim.run.clone(),
            attempt: claim.attempt,
            token: claim.token,
        }
    }

    /// The name of the folder.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}-{}", self.project, self.run, self.attempt, self.token)
    }

    /// Reads the name of a folder.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (project, run) = (parts.next()?, parts.next()?);
        let (attempt, token) = (parts.next()?, parts.next()?);
        let name = Self {
            project: ProjectId::parse(project)?,
            run: RunId::parse(run)?,
            attempt: attempt.parse().ok()?,
            token: token.parse().ok()?,
        };
        // `+1` and `01` are numbers, too, but no names of ours.
        (name.file_name() == text).then_some(name)
    }
}

fn seal_files(paths: &[PathBuf]) -> Result<(), PublishError> {
    paths.iter().try_for_each(|path| match durable::entry(path)? {
        Entry::File(_) => durable::fsync_file(path),
        other => Err(durable::unexpected(path, &other, "a regular file")),
    })
}

/// A folder is exchanged with one in the folder beside it: both must be where a rename leads.
fn require_one_file_system(site: &Site) -> Result<(), PublishError> {
    let device = |path: &Path| {
        fs::metadata(path).map(|found| found.dev()).map_err(durable::io_error("look at", path))
    };
    let (output, companion) = (site.output.clone(), site.companion.clone());
    if device(&output)? == device(&companion)? {
        return Ok(());
    }
    Err(PublishError::Split { output, companion })
}

/// Whether the writer of a staging folder lives.
fn is_held(folder: &Path) -> Result<bool, PublishError> {
    match durable::entry(folder)? {
        Entry::Folder => {}
        _ => return Ok(false),
    }
    let file = File::open(folder).map_err(durable::io_error("open", folder))?;
    Ok(matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

/// Deletes a folder of ours. The standard library follows no link while it does so.
pub(super) fn remove_folder(folder: &Path) -> Result<(), PublishError> {
    match durable::entry(folder)? {
        Entry::Absent => return Ok(()),
        Entry::Folder => {}
        other => return Err(durable::unexpected(folder, &other, "a folder")),
    }
    fs::remove_dir_all(folder).map_err(durable::io_error("delete the folder", folder))?;
    folder.parent().map_or(Ok(()), durable::fsync_folder)
}
