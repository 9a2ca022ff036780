//! A small file beside the database that says how far it had come, so that one that lost something is noticed.
//!
//! `SQLite` takes a log that was cut short for a whole one, and any log of the right name for its own; its
//! pages carry no checksums; and nothing tells an old copy from the database of today. So the database counts
//! its commits, and after each of them the seal says the number. Once everybody has closed it, it also says
//! the hash of the file. A database that is behind its seal, is another one, or has another content at the
//! same commit is not opened.
//!
//! The seal is written after what it speaks of, never before, and without an fsync: a loss of power or a full
//! disk leave an older one or none, which proves less and accuses nobody. Restoring a backup removes it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};
use sqlx::{FromRow, SqliteConnection};

use crate::adapters::store::beside::{LOG, SEAL, with_suffix};
use crate::adapters::store::copy::digest;
use crate::domain::identity::Sha256;

/// The first schema whose databases count their commits.
pub(super) const SINCE_SCHEMA: i64 = 6;

/// How far a database has come, by its own account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Progress {
    /// Tells it and its copies from other databases.
    database: String,
    /// How many commits it has seen.
    commits: i64,
    /// Whether another program writes to it by the user's wish: replication by Litestream, which has a table of
    /// its own in it.
    is_shared: bool,
}

/// How far a database had come when somebody last wrote to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    database: String,
    commits: i64,
    /// The content of the file after that commit, if everybody has closed it since.
    sha256: Option<Sha256>,
}

/// A seal, and whether the file has another content than the seal names; where it names none, or the file is too
/// large to be looked at, it has not.
#[derive(Debug)]
pub(super) struct Sealed {
    seal: Seal,
    is_changed: bool,
}

/// Reads what a database says of itself.
pub(super) async fn progress(
    connection: &mut SqliteConnection,
) -> Result<Option<Progress>, sqlx::Error> {
    sqlx::query_as(PROGRESS).fetch_optional(connection).await
}

const PROGRESS: &str = "select database, commits,
        exists (select 1 from sqlite_master where name = '_litestream_seq') as is_shared
      from seal";

/// How many rows `connection` has changed since it was opened.
pub(super) async fn changes(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(CHANGES).fetch_one(connection).await
}

const CHANGES: &str = "select total_changes()";

/// Counts the commit that is about to be made, unless `connection` has changed nothing since it had changed
/// `changes_before` rows: then there is nothing to write, and nothing that could be lost.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    changes_before: i64,
) -> Result<Option<Progress>, sqlx::Error> {
    sqlx::query_as(COUNT).bind(changes_before).fetch_optional(connection).await
}

const COUNT: &str = "update seal set commits = commits + 1 where total_changes() > ?1
      returning database, commits, false as is_shared";

/// Looks at the seal of the database at `path` and, unless the file is larger than `bytes_max`, at its content.
/// `None` if there is no seal, or none that can be read.
///
/// To be called before this process has a connection to the database: closing any file handle of it lets go of
/// the locks that `SQLite` holds on it for this process.
pub(super) fn look(path: &Path, bytes_max: u64) -> io::Result<Option<Sealed>> {
    let Some(seal) = Seal::read(path)? else { return Ok(None) };
    let mut is_changed = false;
    if let Some(sha256) = &seal.sha256 {
        let mut file = File::open(path)?;
        is_changed = file.metadata()?.len() <= bytes_max && digest(&mut file)?.0 != *sha256;
    }
    Ok(Some(Sealed { seal, is_changed }))
}

/// Says how far the database at `path` has come. What cannot be written is left: the seal then proves less.
pub(super) fn write(path: &Path, progress: &Progress) {
    let Progress { database, commits, .. } = progress.clone();
    if let Err(error) = (Seal { database, commits, sha256: None }).write(path) {
        tracing::debug!(error = %error, "the seal of the database stays behind");
    }
}

/// Adds the hash of the file, if nobody has it open; `progress` was read before this process closed it.
pub(super) fn complete(path: &Path, progress: &Progress) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    let has_log = fs::exists(with_suffix(path, LOG))?;
    let has_gone_on = Seal::read(path)?.is_some_and(|seal| seal.commits > progress.commits);
    if has_log || has_gone_on {
        return Ok(());
    }
    let sha256 = Some(digest(&mut file)?.0);
    Seal { database: progress.database.clone(), commits: progress.commits, sha256 }.write(path)
}

const ANOTHER: &str = "it is another database than the one that was used here last";
const CHANGED: &str = "its content is not what it was when it was closed: it is damaged, or another program has \
                       written to it";

impl Sealed {
    /// Whether the seal beside the database at `path` still says the same.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        let found = Seal::read(path).ok().flatten();
        found.is_some_and(|found| {
            (&found.database, found.commits) == (&self.seal.database, self.seal.commits)
        })
    }

    /// What is wrong with a database that says `found` of itself, if something is.
    pub(super) fn contradiction(&self, found: Option<&Progress>) -> Option<String> {
        let Seal { database, commits, .. } = &self.seal;
        let wrong = match found.filter(|found| found.database == *database) {
            None => ANOTHER.to_owned(),
            Some(found) if found.commits < *commits => format!(
                "it ends with commit {}, and commit {commits} had been made: its last part or its log is missing, or \
                 it is an older copy",
                found.commits
            ),
            Some(found) if found.commits == *commits && self.is_changed && !found.is_shared => {
                CHANGED.to_owned()
            }
            Some(_) => return None,
        };
        Some(format!("{wrong}; if it is meant to be so, delete the `-seal` file beside it"))
    }
}

impl Seal {
    /// The seal of the database at `path`; `None` if there is none, or none that makes sense.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(with_suffix(path, SEAL)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(with_suffix(path, SEAL))?;
        file.write_all_at(self.text().as_bytes(), 0)
    }

    /// Always of the same length, so that a new one covers the old one.
    fn text(&self) -> String {
        let Self { database, commits, sha256 } = self;
        let content = sha256.as_ref().map_or_else(|| "-".repeat(64), ToString::to_string);
        format!("nightshift seal 1\ndatabase {database}\ncommits {commits:020}\nsha256 {content}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix("nightshift seal 1\n")?.lines();
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let database = value("database")?.to_owned();
        let commits = value("commits")?.parse().ok()?;
        let sha256 = Sha256::parse(value("sha256")?);
        let found = Self { database, commits, sha256 };
        (found.text() == text).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::adapters::store::beside::remove;

    fn progress(commits: i64) -> Progress {
        Progress { database: "d".repeat(32), commits, is_shared: false }
    }

    /// A file that has been sealed at commit 7, in a folder of its own.
    fn sealed() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.db");
        fs::write(&path, "content").unwrap();
        write(&path, &progress(7));
        complete(&path, &progress(7)).unwrap();
        (folder, path)
    }

    #[track_caller]
    fn check(path: &Path, found: Option<&Progress>, expect: Option<&str>) {
        let said = look(path, 100).unwrap().and_then(|sealed| sealed.contradiction(found));
        match (&said, expect) {
            (None, None) => {}
            (Some(said), Some(expect)) if said.contains(expect) => {}
            _ => panic!("{said:?}, wanted {expect:?}"),
        }
    }

    #[test]
    fn what_contradicts_a_seal_is_told() {
        let (_folder, path) = sealed();
        let other = Progress { database: "e".repeat(32), ..progress(7) };
        for content in ["content", "contend"] {
            fs::write(&path, content).unwrap();
            let is_changed = content != "content";
            check(&path, Some(&progress(7)), is_changed.then_some("is not what it was"));
            check(&path, Some(&Progress { is_shared: true, ..progress(7) }), None);
            check(&path, Some(&progress(8)), None);
            check(&path, Some(&progress(6)), Some("ends with commit 6, and commit 7"));
            check(&path, Some(&other), Some("another database"));
            check(&path, None, Some("another database"));
        }
        // Too large to be looked at.
        fs::write(&path, "x".repeat(101)).unwrap();
        check(&path, Some(&progress(7)), None);
        remove(&with_suffix(&path, SEAL)).unwrap();
        remove(&with_suffix(&path, SEAL)).unwrap();
        check(&path, Some(&other), None);
    }

    #[test]
    fn a_seal_that_cannot_be_read_accuses_nobody() {
        let (_folder, path) = sealed();
        let seal = with_suffix(&path, SEAL);
        let text = fs::read_to_string(&seal).unwrap();
        for length in 0..text.len() {
            fs::write(&seal, &text[..length]).unwrap();
            check(&path, Some(&progress(6)), None);
        }
        fs::write(&seal, [0xff; 150]).unwrap();
        check(&path, Some(&progress(6)), None);
        // The next commit writes over it.
        write(&path, &progress(8));
        check(&path, Some(&progress(7)), Some("commit 8"));
    }

    #[test]
    fn content_is_sealed_only_if_it_is_that_of_the_commit() {
        let hash = |path: &Path| look(path, 100).unwrap().unwrap().seal.sha256;
        let (_folder, path) = sealed();
        assert!(hash(&path).is_some());
        // Another commit makes it void; somebody else has made commit 9 meanwhile.
        write(&path, &progress(9));
        complete(&path, &progress(8)).unwrap();
        assert!(hash(&path).is_none());
        fs::write(with_suffix(&path, "-wal"), "a log").unwrap();
        complete(&path, &progress(9)).unwrap();
        assert!(hash(&path).is_none());
        fs::remove_file(with_suffix(&path, "-wal")).unwrap();
        complete(&path, &progress(9)).unwrap();
        assert!(hash(&path).is_some());
    }
}
