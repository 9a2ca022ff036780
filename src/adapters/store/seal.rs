//! A small file beside the database that says how far it had come, so that one that lost something is noticed.
//!
//! `SQLite` takes a log that was cut short for a whole one, and any log of the right name for its own; its
//! pages carry no checksums; and nothing tells an old copy from the database of today. So the database counts
//! its commits, and after each of them the seal says the number. Whoever closes it, and a daemon when it has
//! been quiet for a while, adds the hash of its pages as they are seen through the log, which no fold of the
//! log changes. A database that is behind its seal, is another one, or has other pages at the same commit is
//! not opened.
//!
//! The seal is written after what it speaks of, never before, and without an fsync: a loss of power or a full
//! disk leave an older one or none, which proves less and accuses nobody. Restoring a backup removes it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256 as Hasher};
use sqlx::{FromRow, SqliteConnection};

use crate::adapters::store::beside::{SEAL, with_suffix};
use crate::domain::identity::Sha256;

/// The first schema whose databases count their commits.
pub(super) const SINCE_SCHEMA: i64 = 6;

/// The content of a larger database is not sealed: its pages are held in memory meanwhile.
pub(super) const SEALED_BYTES_MAX: u64 = 64 << 20;

/// How far a database has come, by its own account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Progress {
    /// Tells it and its copies from other databases.
    pub(super) database: String,
    /// How many commits it has seen.
    pub(super) commits: i64,
    /// Whether another program writes to it by the user's wish: replication by Litestream, which has a table of
    /// its own in it.
    is_shared: bool,
}

/// How far a database had come when somebody last wrote to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    database: String,
    commits: i64,
    /// The hash of its pages after that commit, if somebody has looked at them since.
    sha256: Option<Sha256>,
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

/// What the pages of a database are.
pub(super) struct Content {
    sha256: Sha256,
    /// Whether a page is all zeros. A page that `SQLite` could not read is handed over like that, without an
    /// error.
    has_empty_page: bool,
}

/// The pages of the database as `connection` sees them, in about 2 ms for each MiB, which are held in memory
/// meanwhile.
pub(super) async fn content(connection: &mut SqliteConnection) -> Result<Content, sqlx::Error> {
    let page_bytes: i64 =
        sqlx::query_scalar("pragma page_size").fetch_one(&mut *connection).await?;
    let page_bytes = usize::try_from(page_bytes).unwrap_or_default().max(512);
    let pages = connection.serialize(None).await?;
    let mut hasher = Hasher::new();
    hasher.update(&pages);
    Ok(Content {
        sha256: Sha256(hasher.finalize().into()),
        has_empty_page: pages.chunks(page_bytes).any(|page| page.iter().all(|byte| *byte == 0)),
    })
}

/// Says how far the database at `path` has come. What cannot be written is left: the seal then proves less.
pub(super) fn write(path: &Path, progress: &Progress) {
    let Progress { database, commits, .. } = progress.clone();
    if let Err(error) = (Seal { database, commits, sha256: None }).write(path) {
        tracing::debug!(error = %error, "the seal of the database stays behind");
    }
}

/// Says how far the database at `path` has come, and what its pages are there, unless somebody has gone on since
/// or not all of them may have been read.
pub(super) fn complete(path: &Path, progress: &Progress, content: &Content) -> io::Result<()> {
    let has_gone_on = Seal::read(path)?.is_some_and(|seal| seal.commits > progress.commits);
    if has_gone_on || content.has_empty_page {
        return Ok(());
    }
    let Progress { database, commits, .. } = progress.clone();
    Seal { database, commits, sha256: Some(content.sha256) }.write(path)
}

const ANOTHER: &str = "it is another database than the one that was used here last";
const CHANGED: &str = "its content is not what it was after its last commit: it is damaged, or another program has \
                       written to it";

impl Seal {
    /// The id of the database that it speaks of.
    pub(super) fn into_database(self) -> String {
        self.database
    }

    /// Whether the seal beside the database at `path` still says the same.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        Self::read(path).ok().flatten().as_ref() == Some(self)
    }

    /// Whether it says what the pages of a database are that says `found` of itself.
    pub(super) fn names_content(&self, found: &Progress) -> bool {
        self.sha256.is_some()
            && (&self.database, self.commits) == (&found.database, found.commits)
            && !found.is_shared
    }

    /// What is wrong with a database that says `found` of itself and has the pages `content`, if those were looked
    /// at and something is.
    pub(super) fn contradiction(
        &self,
        found: Option<&Progress>,
        content: Option<&Content>,
    ) -> Option<String> {
        let Self { database, commits, sha256 } = self;
        let wrong = match found.filter(|found| found.database == *database) {
            None => ANOTHER.to_owned(),
            Some(found) if found.commits < *commits => format!(
                "it ends with commit {}, and commit {commits} had been made: its last part or its log is missing, or \
                 it is an older copy",
                found.commits
            ),
            Some(found)
                if self.names_content(found)
                    && content.is_some_and(|content| Some(&content.sha256) != sha256.as_ref()) =>
            {
                CHANGED.to_owned()
            }
            Some(_) => return None,
        };
        Some(format!("{wrong}; if it is meant to be so, delete the `-seal` file beside it"))
    }

    /// The seal of the database at `path`; `None` if there is none, or none that makes sense.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(with_suffix(path, SEAL)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::InvalidData
                        | io::ErrorKind::PermissionDenied
                ) =>
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
        format!("nightshift seal 2\ndatabase {database}\ncommits {commits:020}\nsha256 {content}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix("nightshift seal 2\n")?.lines();
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

    fn content(byte: u8) -> Content {
        Content { sha256: Sha256([byte; 32]), has_empty_page: false }
    }

    /// Where a database has been sealed at commit 7, in a folder of its own.
    fn sealed() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.db");
        write(&path, &progress(7));
        complete(&path, &progress(7), &content(7)).unwrap();
        (folder, path)
    }

    #[track_caller]
    fn check(path: &Path, found: Option<&Progress>, content: Option<u8>, expect: Option<&str>) {
        let content = content.map(self::content);
        let seal = Seal::read(path).unwrap();
        let said = seal.and_then(|seal| seal.contradiction(found, content.as_ref()));
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
        for content in [None, Some(7), Some(8)] {
            let is_changed = content == Some(8);
            check(&path, Some(&progress(7)), content, is_changed.then_some("is not what it was"));
            check(&path, Some(&Progress { is_shared: true, ..progress(7) }), content, None);
            check(&path, Some(&progress(8)), content, None);
            check(&path, Some(&progress(6)), content, Some("ends with commit 6, and commit 7"));
            check(&path, Some(&other), content, Some("another database"));
            check(&path, None, content, Some("another database"));
        }
        remove(&with_suffix(&path, SEAL)).unwrap();
        remove(&with_suffix(&path, SEAL)).unwrap();
        check(&path, Some(&other), Some(8), None);
    }

    #[test]
    fn a_seal_that_cannot_be_read_accuses_nobody() {
        let (_folder, path) = sealed();
        let seal = with_suffix(&path, SEAL);
        let text = fs::read_to_string(&seal).unwrap();
        for length in 0..text.len() {
            fs::write(&seal, &text[..length]).unwrap();
            check(&path, Some(&progress(6)), Some(8), None);
        }
        fs::write(&seal, [0xff; 150]).unwrap();
        check(&path, Some(&progress(6)), Some(8), None);
        // The next commit writes over it.
        write(&path, &progress(8));
        check(&path, Some(&progress(7)), None, Some("commit 8"));
    }

    #[test]
    fn content_is_sealed_only_if_it_is_that_of_the_last_commit() {
        let is_sealed = |path: &Path| Seal::read(path).unwrap().unwrap().sha256.is_some();
        let (_folder, path) = sealed();
        assert!(is_sealed(&path));
        // Another commit makes it void; somebody else has made commit 9 meanwhile.
        write(&path, &progress(9));
        complete(&path, &progress(8), &content(8)).unwrap();
        assert!(!is_sealed(&path));
        let unread = Content { has_empty_page: true, ..content(9) };
        complete(&path, &progress(9), &unread).unwrap();
        assert!(!is_sealed(&path));
        complete(&path, &progress(9), &content(9)).unwrap();
        assert!(is_sealed(&path));
    }
}
