//! Model files, named by their content: `models/<first two digits>/<sha256>.nsm`.
//!
//! A file appears under its name complete, durable and read-only, or not at all. Nothing that is read
//! from here is believed before its hash is: `load` returns bytes only if they are the ones asked for.
//! What the bytes mean is not this module's business.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::adapters::failpoint;
use crate::domain::identity::Sha256;

/// The folder of model files.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
}

/// What can go wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is no such file.
    #[error("found no model file `{path}`; restore it from a backup, or train again")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file does not have the content that it is named after.
    #[error(
        "model file `{path}` has the hash {found}, wanted the one it is named after; restore it from \
         a backup, or train again"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The hash of what is in it.
        found: Sha256,
    },
    /// What a person named is no file.
    #[error("`{path}` is no regular file, wanted a model file")]
    NoFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file is larger than a model file may be.
    #[error("model file `{path}` has {size_bytes} bytes, wanted at most {max_bytes}")]
    TooLarge {
        /// The file, or where it was to go.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The disk did not confirm a write.
    #[error("failed to write `{path}` to the disk: it did not confirm the write")]
    Fsync {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("failed to {action} `{path}`")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl Artifacts {
    /// Most bytes that a model file may have.
    pub const SIZE_BYTES_MAX: u64 = 1 << 30;

    /// The model files of a state directory. Nothing is made until something is stored.
    pub fn new(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("models") }
    }

    /// Where the file with a content is, or would be.
    pub fn path(&self, sha256: &Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.folder.join(&name[..2]).join(format!("{name}.nsm"))
    }

    /// Writes a model file and makes it durable. A sound file with this content is left as it is; one
    /// that is damaged is replaced.
    pub fn store(&self, bytes: &[u8]) -> Result<Sha256, ArtifactError> {
        let sha256 = Sha256(sha2::Sha256::digest(bytes).into());
        let path = self.path(&sha256);
        require_size(&path, bytes.len() as u64)?;
        match self.load(&sha256) {
            Ok(_) => return Ok(sha256),
            Err(ArtifactError::Missing { .. } | ArtifactError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        let folder = path.parent().unwrap_or(&self.folder);
        self.make_folder(folder)?;
        let failed = |action| io_error(action, &path);
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(folder)
            .map_err(failed("make a file beside"))?;
        failpoint::reach("model.write")
            .and_then(|()| file.write_all(bytes))
            .map_err(failed("write"))?;
        file.as_file().set_permissions(Permissions::from_mode(0o440)).map_err(failed("protect"))?;
        failpoint::reach("model.fsync").map_err(unconfirmed(&path))?;
        fsync(file.as_file(), &path)?;
        file.persist(&path).map_err(|error| failed("rename to")(error.error))?;
        fsync_folder(folder)?;
        Ok(sha256)
    }

    /// The content of a model file, after its size and hash were found to be right.
    pub fn load(&self, sha256: &Sha256) -> Result<Vec<u8>, ArtifactError> {
        let path = self.path(sha256);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArtifactError::Missing { path });
            }
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let size_bytes = file.metadata().map_err(io_error("look at", &path))?.len();
        require_size(&path, size_bytes)?;
        let mut bytes = Vec::new();
        // The size may have changed since; the limit may not.
        file.take(Self::SIZE_BYTES_MAX).read_to_end(&mut bytes).map_err(io_error("read", &path))?;
        let found = Sha256(sha2::Sha256::digest(&bytes).into());
        if found != *sha256 {
            return Err(ArtifactError::Corrupt { path, found });
        }
        Ok(bytes)
    }

    /// The content of a model file from elsewhere, which nothing is known of. No more is read than a model file may
    /// have, and nothing that is no regular file: a device or a pipe has no end.
    pub fn read_foreign(path: &Path) -> Result<Vec<u8>, ArtifactError> {
        let read = |action| io_error(action, path);
        // Before it is opened, which would wait for whoever writes into a pipe; and after, since it may be another.
        let is_file = |metadata: &fs::Metadata| {
            let path = path.to_owned();
            if metadata.is_file() { Ok(()) } else { Err(ArtifactError::NoFile { path }) }
        };
        is_file(&fs::metadata(path).map_err(read("look at"))?)?;
        let file = File::open(path).map_err(read("open"))?;
        let metadata = file.metadata().map_err(read("look at"))?;
        is_file(&metadata)?;
        require_size(path, metadata.len())?;
        let mut bytes = Vec::new();
        file.take(Self::SIZE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read("read"))?;
        require_size(path, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Deletes a model file. One that is gone already is no error.
    pub fn remove(&self, sha256: &Sha256) -> Result<(), ArtifactError> {
        let path = self.path(sha256);
        match fs::remove_file(&path) {
            Ok(()) => fsync_folder(path.parent().unwrap_or(&self.folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error("delete", &path)(error)),
        }
    }

    /// The contents that are on disk by their names, in order. Files with other names are not ours.
    pub fn list(&self) -> Result<Vec<Sha256>, ArtifactError> {
        let mut out = Vec::new();
        for folder in entries(&self.folder)? {
            if !folder.is_dir() {
                continue;
            }
            for file in entries(&folder)? {
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let sha256 = name.strip_suffix(".nsm").and_then(Sha256::parse);
                out.extend(sha256.filter(|sha256| self.path(sha256) == file));
            }
        }
        out.sort();
        Ok(out)
    }

    /// Makes `folder` below the folder of models, each new one durable in its parent.
    fn make_folder(&self, folder: &Path) -> Result<(), ArtifactError> {
        if folder.is_dir() {
            return Ok(());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io_error("make the folder", folder))?;
        fsync_folder(&self.folder)?;
        self.folder.parent().map_or(Ok(()), fsync_folder)
    }
}

fn require_size(path: &Path, size_bytes: u64) -> Result<(), ArtifactError> {
    let max_bytes = Artifacts::SIZE_BYTES_MAX;
    if size_bytes <= max_bytes {
        return Ok(());
    }
    Err(ArtifactError::TooLarge { path: path.to_owned(), size_bytes, max_bytes })
}

/// The paths in a folder; none if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ArtifactError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()).map_err(io_error("list", folder)))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(io_error("list", folder)(error)),
    }
}

fn fsync_folder(path: &Path) -> Result<(), ArtifactError> {
    let folder = File::open(path).map_err(io_error("open", path))?;
    fsync(&folder, path)
}

fn fsync(file: &File, path: &Path) -> Result<(), ArtifactError> {
    file.sync_all().map_err(unconfirmed(path))
}

fn unconfirmed(path: &Path) -> impl FnOnce(io::Error) -> ArtifactError {
    let path = path.to_owned();
    move |source| ArtifactError::Fsync { path, source }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArtifactError {
    let path = path.to_owned();
    move |source| ArtifactError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let state = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(state.path());
        let sha256 = artifacts.store(b"model").unwrap();
        assert_eq!(artifacts.load(&sha256).unwrap(), b"model");
        assert_eq!(artifacts.store(b"model").unwrap(), sha256);
        assert_eq!(artifacts.list().unwrap(), [sha256]);
        let path = artifacts.path(&sha256);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o440, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn every_changed_byte_is_noticed_and_healed() {
        let state = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(state.path());
        let sha256 = artifacts.store(b"model").unwrap();
        let path = artifacts.path(&sha256);
        for damage in [b"nodel".as_slice(), b"mode", b"models", b""] {
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
            fs::write(&path, damage).unwrap();
            let error = artifacts.load(&sha256).unwrap_err();
            assert!(matches!(error, ArtifactError::Corrupt { .. }), "{error:?}");
            assert_eq!(artifacts.store(b"model").unwrap(), sha256);
            assert_eq!(artifacts.load(&sha256).unwrap(), b"model");
        }
    }

    #[test]
    fn a_file_too_large_is_refused_before_it_is_read() {
        let state = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(state.path());
        let sha256 = Sha256([7; 32]);
        let path = artifacts.path(&sha256);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().set_len(Artifacts::SIZE_BYTES_MAX + 1).unwrap();
        let error = artifacts.load(&sha256).unwrap_err();
        assert!(matches!(error, ArtifactError::TooLarge { .. }), "{error:?}");
    }

    #[test]
    fn what_has_no_end_or_too_much_is_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nsm");
        fs::write(&path, "model").unwrap();
        assert_eq!(Artifacts::read_foreign(&path).unwrap(), b"model");
        File::create(&path).unwrap().set_len(Artifacts::SIZE_BYTES_MAX + 1).unwrap();
        let told = Artifacts::read_foreign(&path).unwrap_err();
        assert!(matches!(told, ArtifactError::TooLarge { .. }), "{told:?}");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [Path::new("/dev/zero"), &pipe, folder.path()] {
            let told = Artifacts::read_foreign(path).unwrap_err().to_string();
            assert!(told.ends_with("` is no regular file, wanted a model file"), "{told}");
        }
    }

    #[test]
    fn removal_is_idempotent_and_only_of_our_files() {
        let state = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(state.path());
        let sha256 = artifacts.store(b"model").unwrap();
        fs::write(artifacts.path(&sha256).with_file_name("notes.txt"), "mine").unwrap();
        artifacts.remove(&sha256).unwrap();
        artifacts.remove(&sha256).unwrap();
        assert!(matches!(artifacts.load(&sha256), Err(ArtifactError::Missing { .. })));
        assert!(artifacts.list().unwrap().is_empty());
        assert!(artifacts.path(&sha256).with_file_name("notes.txt").exists());
    }
}
