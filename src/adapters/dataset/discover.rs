//! From a pattern to the files of a table.
//!
//! Files are found below one root, in the order of their relative paths, so that the same folder always
//! gives the same table. A [`SourceFile`] remembers which file it was: opening it fails if another file
//! stands at its path by then, if it has changed, or if the path now leads through a symbolic link.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::adapters::failpoint;
use crate::domain::job::FileFormat;

use super::error::DatasetError;
use super::roots::{Roots, relative_text};

/// Most files that one pattern may match.
pub const FILES_MAX: usize = 100_000;
/// A file that was written less than this before may still be written.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);
/// The characters that make a part of a pattern match more than its own name.
const WILDCARDS: [char; 3] = ['*', '?', '['];
/// How the name of a folder ends that holds what is beside scores: their record, what was set aside, what is
/// being written.
const BESIDE_SCORES: &str = ".nightshift";
/// What Hive and Spark write for a null partition key.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file that belongs to a table.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Where it is, symbolic links resolved.
    pub path: PathBuf,
    /// Its path relative to its root, `/`-separated: its name in ids, messages and manifests.
    pub relative: String,
    /// How it is read.
    pub format: FileFormat,
    /// Its size when it was found.
    pub size_bytes: u64,
    /// When it was last written, as of when it was found.
    pub modified: SystemTime,
    /// The `key=value` folders on the way to it, outermost first, decoded; a null key has no value.
    pub hive: Vec<(String, Option<String>)>,
    /// Which file it is, whatever its path.
    identity: Identity,
}

/// What tells a file from every other file that could stand at its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

/// Finds the files that `pattern` matches, ordered by relative path.
///
/// `pattern` is relative to the project or absolute below a root. `*`, `?`, `[...]` match within one
/// name, `**` matches any folders. Folders, and files that a wildcard reached through a name that starts
/// with `.` or `_`, are left out: those are the unfinished and the hidden ones, and our own outputs. So is
/// everything in a folder whose name ends in `.nightshift`, unless the pattern spells the name out.
pub fn discover(
    roots: &Roots,
    pattern: &str,
    format: Option<FileFormat>,
) -> Result<Vec<SourceFile>, DatasetError> {
    let anchored = roots.anchor(pattern)?;
    let root = anchored.root.to_str().ok_or_else(|| {
        DatasetError::path(&anchored.root.to_string_lossy(), "has a name that is not UTF-8")
    })?;
    let whole = format!("{}/{}", glob::Pattern::escape(root), anchored.relative);
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(&whole, options)
        .map_err(|error| DatasetError::path(pattern, format!("is no pattern: {}", error.msg)))?;
    let literal_parts =
        anchored.relative.split('/').take_while(|part| !part.contains(WILDCARDS)).count();
    let mut out = Vec::new();
    for path in found {
        let path = match path {
            Ok(path) => path,
            // Runs come and go there, and nobody else needs to be let in.
            Err(error) if is_left_out(anchored.root, error.path(), literal_parts) => continue,
            Err(error) => {
                let path = error.path().to_owned();
                return Err(DatasetError::io("list the folder", path)(error.into()));
            }
        };
        let relative = relative_text(anchored.root, &path).ok_or_else(|| {
            DatasetError::path(&path.to_string_lossy(), "has a name that is not UTF-8")
        })?;
        if is_hidden(&relative, literal_parts) {
            continue;
        }
        if let Some(file) = source_file(roots, &path, relative, format)? {
            out.push(file);
        }
        if out.len() > FILES_MAX {
            let problem = format!("matches more than {FILES_MAX} files; write a narrower pattern");
            return Err(DatasetError::path(pattern, problem));
        }
    }
    out.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(out)
}

/// Whether a wildcard reached `relative` through a name that hides it.
fn is_hidden(relative: &str, literal_parts: usize) -> bool {
    let mut names = relative.split('/').skip(literal_parts);
    names.any(|name| name.starts_with(['.', '_']) || name.ends_with(BESIDE_SCORES))
}

/// The same of a folder below `root` that could not be listed.
fn is_left_out(root: &Path, folder: &Path, literal_parts: usize) -> bool {
    relative_text(root, folder).is_some_and(|relative| is_hidden(&relative, literal_parts))
}

/// The file at `path`, or `None` for a folder.
fn source_file(
    roots: &Roots,
    path: &Path,
    relative: String,
    format: Option<FileFormat>,
) -> Result<Option<SourceFile>, DatasetError> {
    let resolved = roots.confined(path)?;
    let metadata = std::fs::symlink_metadata(&resolved).map_err(DatasetError::io("open", path))?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        let problem = "is no regular file; data cannot be read from pipes, sockets or devices";
        return Err(DatasetError::path(&relative, problem));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let Some(format) = format.or_else(|| FileFormat::from_extension(extension)) else {
        let problem = "has no extension that names its format (parquet, csv, ndjson, ipc); \
                       set `format` in [data] or write a narrower pattern";
        return Err(DatasetError::path(&relative, problem));
    };
    let modified = metadata.modified().map_err(DatasetError::io("open", path))?;
    Ok(Some(SourceFile {
        hive: hive_keys(&relative),
        identity: Identity::of(&metadata),
        size_bytes: metadata.len(),
        path: resolved,
        relative,
        format,
        modified,
    }))
}

/// The `key=value` folders of a relative path.
fn hive_keys(relative: &str) -> Vec<(String, Option<String>)> {
    let folders = relative.rsplit_once('/').map_or("", |(folders, _)| folders);
    let pairs = folders.split('/').filter_map(|name| name.split_once('='));
    pairs
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| {
            let value = (value != HIVE_NULL && !value.is_empty()).then(|| percent_decoded(value));
            (percent_decoded(key), value)
        })
        .collect()
}

/// Replaces `%20` and its like; text that does not decode to UTF-8 stays as it is.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    fn of(_metadata: &Metadata) -> Self {
        Self {}
    }
}

impl SourceFile {
    /// Opens the file that was found, or fails if it is another one or has changed since.
    pub(super) fn open(&self) -> Result<File, DatasetError> {
        let resolved =
            std::fs::canonicalize(&self.path).map_err(DatasetError::io("open", &self.path))?;
        let before = std::fs::metadata(&resolved).map_err(DatasetError::io("open", &self.path))?;
        // A pipe would block the opening itself.
        if resolved != self.path || !before.is_file() {
            return Err(DatasetError::Changed { file: self.relative.clone() });
        }
        let opened = failpoint::reach("input.open").and_then(|()| File::open(&resolved));
        let file = opened.map_err(DatasetError::io("open", &self.path))?;
        self.check_unchanged(&file)?;
        Ok(file)
    }

    /// Whether the file may not have been complete when it was found at `found_at`: it had been written less than
    /// [`SETTLING`] before (or after: its clock may be another one's), or it is not what it was any more.
    pub fn may_be_unfinished(&self, found_at: Timestamp) -> bool {
        let is_young = Timestamp::try_from(self.modified)
            .is_ok_and(|modified| found_at.duration_since(modified).abs() < SETTLING);
        is_young
            || match self.open() {
                Err(DatasetError::Changed { .. }) => true,
                Err(DatasetError::Io { source, .. }) => source.kind() == io::ErrorKind::NotFound,
                _ => false,
            }
    }

    /// Fails unless `file`, which was read, is still the file that was found, by its handle and by its path.
    pub(super) fn check_same(&self, file: &File) -> Result<(), DatasetError> {
        self.check_unchanged(file)?;
        self.open().map(drop)
    }

    /// Fails unless `file` is the file that was found, as it was then.
    pub(super) fn check_unchanged(&self, file: &File) -> Result<(), DatasetError> {
        let now = file.metadata().map_err(DatasetError::io("open", &self.path))?;
        let modified = now.modified().map_err(DatasetError::io("open", &self.path))?;
        let same = Identity::of(&now) == self.identity
            && now.len() == self.size_bytes
            && modified == self.modified;
        if same { Ok(()) } else { Err(DatasetError::Changed { file: self.relative.clone() }) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    struct Project {
        keep: tempfile::TempDir,
        roots: Roots,
    }

    fn project(files: &[&str]) -> Project {
        let keep = tempfile::tempdir().unwrap();
        for file in files {
            let path = keep.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x\n1\n").unwrap();
        }
        let roots = Roots::new(keep.path(), &[]).unwrap();
        Project { keep, roots }
    }

    #[track_caller]
    fn check(files: &[&str], pattern: &str, expect: &[&str]) {
        let project = project(files);
        let found = discover(&project.roots, pattern, None).unwrap();
        let found: Vec<&str> = found.iter().map(|file| file.relative.as_str()).collect();
        assert_eq!(found, expect, "{pattern}");
    }

    #[test]
    fn patterns_match_files_in_order() {
        let files = ["d/b.csv", "d/a.csv", "d/sub/c.csv", "d/.hidden.csv", "d/_tmp.csv", "e/a.csv"];
        check(&files, "d/*.csv", &["d/a.csv", "d/b.csv"]);
        check(&files, "d/**/*.csv", &["d/a.csv", "d/b.csv", "d/sub/c.csv"]);
        check(&files, "*/[ab].csv", &["d/a.csv", "d/b.csv", "e/a.csv"]);
        check(&files, "d/*", &["d/a.csv", "d/b.csv"]);
        check(&files, "d/_tmp.csv", &["d/_tmp.csv"]);
        check(&files, "nothing/*.csv", &[]);
        check(&["d/_quarantine/a.csv", "d/x/a.csv"], "d/**/*.csv", &["d/x/a.csv"]);
        check(&["a[1]/x.csv"], "a[[]1]/x.csv", &["a[1]/x.csv"]);
    }

    #[test]
    fn what_is_beside_scores_is_found_only_by_its_name() {
        let files = [
            "s/wine/tick=1/part-a.csv",
            "s/wine.nightshift/tick=1/quarantine-a.csv",
            "s/wine.nightshift/stage/b/part-b.csv",
            "s/wine.nightshifts/a.csv",
        ];
        let kept = ["s/wine.nightshifts/a.csv", "s/wine/tick=1/part-a.csv"];
        check(&files, "s/**/*.csv", &kept);
        check(&files, "**/*.csv", &kept);
        check(&files, "s/wine*/tick=*/*.csv", &kept[1..]);
        check(&files, "s/*.nightshift/*/*.csv", &[]);
        check(&files, "s/wine.nightshift/tick=1/*.csv", &files[1..2]);
        // A file is no folder that could be entered, but no table either.
        check(&["s/a.csv", "s/b.nightshift"], "s/*", &["s/a.csv"]);
    }

    #[test]
    fn hive_folders_are_decoded() {
        let project = project(&["t/day=2026-01-05/city=S%C3%A3o%20Paulo/odd=100%/a.csv"]);
        let found = discover(&project.roots, "t/**/*.csv", None).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        assert_eq!(
            found[0].hive,
            [pair("day", "2026-01-05"), pair("city", "São Paulo"), pair("odd", "100%")]
        );
        assert_eq!(hive_keys("k=__HIVE_DEFAULT_PARTITION__/=x/a=b.csv"), [("k".into(), None)]);
    }

    #[track_caller]
    fn check_refused(project: &Project, pattern: &str, told: &str) {
        let error = discover(&project.roots, pattern, None).unwrap_err().to_string();
        assert!(error.contains(told), "{pattern}: {error}");
    }

    #[test]
    fn what_is_no_data_file_is_refused() {
        let project = project(&["d/readme.txt", "e/x.csv"]);
        check_refused(&project, "d/*", "`d/readme.txt` has no extension");
        check_refused(&project, "../*.csv", "holds `..`");
        check_refused(&project, "/etc/*.csv", "outside of");
        check_refused(&project, "d/***", "is no pattern");
        let pipe = project.keep.path().join("e/pipe.csv");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check_refused(&project, "e/*.csv", "`e/pipe.csv` is no regular file");
        fs::remove_file(&pipe).unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("o.csv"), "x\n1\n").unwrap();
        symlink(outside.path(), project.keep.path().join("door")).unwrap();
        check_refused(&project, "door/*.csv", "outside of");
        check_refused(&project, "*/o.csv", "outside of");
    }

    #[test]
    fn another_file_at_the_same_path_is_noticed() {
        let project = project(&["a.csv", "b.csv"]);
        let path = project.keep.path().join("a.csv");
        let found = discover(&project.roots, "a.csv", None).unwrap().remove(0);
        assert!(found.open().is_ok());
        let is_changed = |found: &SourceFile| {
            assert!(matches!(found.open(), Err(DatasetError::Changed { .. })));
        };

        fs::write(&path, "x\n1\n2\n").unwrap();
        is_changed(&found);

        let found = discover(&project.roots, "a.csv", None).unwrap().remove(0);
        fs::remove_file(&path).unwrap();
        symlink(project.keep.path().join("b.csv"), &path).unwrap();
        is_changed(&found);

        fs::remove_file(&path).unwrap();
        assert!(matches!(found.open(), Err(DatasetError::Io { .. })));
    }

    #[test]
    fn a_file_is_finished_once_it_stands_still_for_a_minute() {
        let project = project(&["a.csv"]);
        let path = project.keep.path().join("a.csv");
        let find = || discover(&project.roots, "a.csv", None).unwrap().remove(0);
        let written = Timestamp::try_from(find().modified).unwrap();
        for (seconds, is_young) in [(-60, false), (-59, true), (0, true), (59, true), (60, false)] {
            let found_at = written + SignedDuration::from_secs(seconds);
            assert_eq!(find().may_be_unfinished(found_at), is_young, "{seconds}");
        }
        let later = written + SignedDuration::from_hours(1);
        let found = find();
        fs::write(&path, "x\n1\n2\n").unwrap();
        assert!(found.may_be_unfinished(later));
        let found = find();
        fs::remove_file(&path).unwrap();
        assert!(found.may_be_unfinished(later));
    }
}
