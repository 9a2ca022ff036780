//! The folders that a project may read and write, and the check that a path stays inside.
//!
//! A path is checked twice: its text when it is taken from a file (no `..`, no backslash, no empty part),
//! and what it resolves to, symbolic links followed. Files are compared once more when they are opened,
//! see `discover`.

use std::path::{Component, Path, PathBuf};

use super::error::DatasetError;
use crate::domain::layout::{Location, RootName};

/// Longest name of a file or folder.
const NAME_BYTES_MAX: usize = 255;

/// The project folder and the `data_roots`, resolved.
#[derive(Debug, Clone)]
pub struct Roots {
    /// Resolved, the project first. Never empty.
    resolved: Vec<PathBuf>,
    /// As given, in the same order; absolute patterns may start with either.
    given: Vec<PathBuf>,
}

/// A path as text, cut into the root it is below and the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anchored<'a> {
    /// The resolved root.
    pub(super) root: &'a Path,
    /// What follows the root, `/`-separated, without `.` parts; empty for the root itself.
    pub(super) relative: String,
}

impl Roots {
    /// Resolves the project folder and the folders outside of it that it may use.
    pub fn new(project: &Path, data_roots: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut given = vec![project.to_owned()];
        for root in data_roots {
            if !root.is_absolute() {
                let problem = "is not absolute; write data_roots as absolute folders";
                return Err(DatasetError::path(&root.to_string_lossy(), problem));
            }
            given.push(root.clone());
        }
        let resolve = |root: &PathBuf| {
            std::fs::canonicalize(root).map_err(DatasetError::io("open the folder", root))
        };
        let resolved = given.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { resolved, given })
    }

    /// The project folder, resolved.
    pub fn project(&self) -> &Path {
        &self.resolved[0]
    }

    /// Every root, resolved, the project first.
    pub fn folders(&self) -> &[PathBuf] {
        &self.resolved
    }

    /// The existing file or folder that `path` names, resolved.
    pub fn resolve_input(&self, path: &str) -> Result<PathBuf, DatasetError> {
        let anchored = self.anchor(path)?;
        self.confined(&anchored.root.join(&anchored.relative))
    }

    /// The place that `path` names, which need not exist yet. Its existing part is resolved.
    pub fn resolve_output(&self, path: &str) -> Result<PathBuf, DatasetError> {
        let anchored = self.anchor(path)?;
        let wanted = anchored.root.join(&anchored.relative);
        let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        let existing = wanted.ancestors().find(|path| is_there(path)).unwrap_or(anchored.root);
        let tail = wanted.strip_prefix(existing).unwrap_or(Path::new("")).to_owned();
        let resolved = self.confined(existing)?;
        Ok(if tail.as_os_str().is_empty() { resolved } else { resolved.join(tail) })
    }

    /// What `path` is relative to, and where it is there: a resolved path below a root. Below the project, that it
    /// is, whatever else; so what lies there moves with it.
    pub fn locate(&self, path: &Path) -> Result<Location, DatasetError> {
        let below = |index: &usize| path.starts_with(&self.resolved[*index]);
        let innermost = |index: &usize| self.resolved[*index].components().count();
        let data = || (1..self.resolved.len()).filter(below).max_by_key(innermost);
        let found = Some(0).filter(below).or_else(data);
        let index = found.ok_or_else(|| DatasetError::Outside {
            path: path.to_owned(),
            roots: self.resolved.clone(),
        })?;
        let root = match index {
            0 => RootName::Project,
            _ => RootName::Data(self.given[index].to_string_lossy().into_owned()),
        };
        match relative_text(&self.resolved[index], path) {
            Some(path) => Ok(Location { root, path }),
            None => {
                Err(DatasetError::path(&path.to_string_lossy(), "holds a name that is not UTF-8"))
            }
        }
    }

    /// The folder that a root on record is now.
    pub fn folder_of(&self, root: &RootName) -> Result<&Path, DatasetError> {
        let RootName::Data(folder) = root else { return Ok(self.project()) };
        let wanted = Path::new(folder);
        let is_it = |index: &usize| {
            let (given, resolved) = (&self.given[*index], &self.resolved[*index]);
            given == wanted || resolved == wanted
        };
        (1..self.resolved.len()).find(is_it).map(|index| self.resolved[index].as_path()).ok_or_else(
            || {
                let problem =
                    "is on record as a folder with scores, and not in `data_roots` any more";
                DatasetError::path(folder, problem)
            },
        )
    }

    /// Where a location on record is now.
    pub fn path_of(&self, location: &Location) -> Result<PathBuf, DatasetError> {
        let folder = self.folder_of(&location.root)?;
        // What stands on record is checked like what a person writes.
        let anchored = self.anchor(&location.path)?;
        Ok(folder.join(anchored.relative))
    }

    /// Resolves an existing path and checks that it is below a root.
    pub(super) fn confined(&self, path: &Path) -> Result<PathBuf, DatasetError> {
        let resolved = std::fs::canonicalize(path).map_err(DatasetError::io("open", path))?;
        if self.resolved.iter().any(|root| resolved.starts_with(root)) {
            Ok(resolved)
        } else {
            Err(DatasetError::Outside { path: resolved, roots: self.resolved.clone() })
        }
    }

    /// Checks the text of a path or pattern and finds the root that it is below.
    pub(super) fn anchor(&self, text: &str) -> Result<Anchored<'_>, DatasetError> {
        let (root, rest) = if Path::new(text).is_absolute() {
            self.strip_root(text)?
        } else {
            (self.project(), text)
        };
        let mut parts = Vec::new();
        for part in rest.split('/') {
            let problem = match part {
                "." => continue,
                "" if rest.is_empty() => continue,
                "" => "has an empty part; write one `/` between names and none at the end",
                ".." => "holds `..`; name the place below the project or below a data root",
                _ if part.contains('\\') => "holds a backslash; write `/`",
                _ if part.contains('\0') => "holds a NUL character",
                _ if part.len() > NAME_BYTES_MAX => "has a name of more than 255 bytes",
                _ => {
                    parts.push(part);
                    continue;
                }
            };
            return Err(DatasetError::path(text, problem));
        }
        Ok(Anchored { root, relative: parts.join("/") })
    }

    /// The innermost root that an absolute `text` starts with, and the text behind it.
    fn strip_root<'t>(&self, text: &'t str) -> Result<(&Path, &'t str), DatasetError> {
        let behind = |root: &Path| {
            let rest = text.strip_prefix(root.to_str()?)?;
            (rest.is_empty() || rest.starts_with('/') || root.components().count() == 1)
                .then(|| rest.trim_start_matches('/'))
        };
        let candidates = self.resolved.iter().zip(&self.resolved);
        let candidates = candidates.chain(self.given.iter().zip(&self.resolved));
        candidates
            .filter_map(|(spelled, resolved)| Some((resolved.as_path(), behind(spelled)?)))
            .min_by_key(|(_, rest)| rest.len())
            .ok_or_else(|| DatasetError::Outside {
                path: PathBuf::from(text),
                roots: self.resolved.clone(),
            })
    }
}

/// `path` below `root` as `/`-separated text; `None` where a name is not UTF-8.
pub(super) fn relative_text(root: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(root).ok()?.components();
    let parts = parts.map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Folders {
        _keep: tempfile::TempDir,
        project: PathBuf,
        lake: PathBuf,
        outside: PathBuf,
        roots: Roots,
    }

    fn folders() -> Folders {
        let keep = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(keep.path()).unwrap();
        let [project, lake, outside] = ["project", "lake", "outside"].map(|name| base.join(name));
        for folder in [&project, &lake, &outside] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("a.csv"), "x\n1\n").unwrap();
        }
        let roots = Roots::new(&project, std::slice::from_ref(&lake)).unwrap();
        Folders { _keep: keep, project, lake, outside, roots }
    }

    #[test]
    fn inputs_stay_inside_the_roots() {
        let f = folders();
        assert_eq!(f.roots.resolve_input("a.csv").unwrap(), f.project.join("a.csv"));
        assert_eq!(f.roots.resolve_input("./a.csv").unwrap(), f.project.join("a.csv"));
        let in_lake = f.lake.join("a.csv");
        assert_eq!(f.roots.resolve_input(in_lake.to_str().unwrap()).unwrap(), in_lake);
        let outside = f.outside.join("a.csv");
        let told = f.roots.resolve_input(outside.to_str().unwrap()).unwrap_err().to_string();
        assert!(told.contains("outside/a.csv") && told.contains("lake`"), "{told}");
        // A folder whose name merely starts like a root is not below it.
        fs::create_dir(f.lake.with_file_name("lake2")).unwrap();
        let beside = format!("{}2/a.csv", f.lake.display());
        assert!(matches!(f.roots.resolve_input(&beside), Err(DatasetError::Outside { .. })));
    }

    #[test]
    fn every_way_out_is_refused() {
        let f = folders();
        symlink(&f.outside, f.project.join("door")).unwrap();
        symlink(f.outside.join("a.csv"), f.project.join("b.csv")).unwrap();
        symlink(&f.outside, f.project.join("gone")).unwrap();
        for path in ["door/a.csv", "b.csv", "gone"] {
            let found = f.roots.resolve_input(path);
            assert!(matches!(found, Err(DatasetError::Outside { .. })), "{path}: {found:?}");
            let found = f.roots.resolve_output(path);
            assert!(matches!(found, Err(DatasetError::Outside { .. })), "{path}: {found:?}");
        }
        let long = "a".repeat(256);
        for path in ["../outside/a.csv", "a/../../x", "a\\b", "a//b", "a/", "a\0b", long.as_str()] {
            for found in [f.roots.resolve_input(path), f.roots.resolve_output(path)] {
                assert!(matches!(found, Err(DatasetError::Path { .. })), "{path}: {found:?}");
            }
        }
        let absolute = format!("{}/../outside/a.csv", f.project.display());
        assert!(matches!(f.roots.resolve_input(&absolute), Err(DatasetError::Path { .. })));
    }

    #[test]
    fn outputs_need_not_exist() {
        let f = folders();
        assert_eq!(f.roots.resolve_output("s/w/tick=1").unwrap(), f.project.join("s/w/tick=1"));
        assert_eq!(f.roots.resolve_output(".").unwrap(), f.project);
        symlink(&f.lake, f.project.join("to_lake")).unwrap();
        assert_eq!(f.roots.resolve_output("to_lake/new").unwrap(), f.lake.join("new"));
        symlink(f.outside.join("nothing"), f.project.join("dangling")).unwrap();
        assert!(f.roots.resolve_output("dangling/new").is_err());
    }

    #[test]
    fn places_on_record_move_with_their_roots() {
        let f = folders();
        let located = |path: &Path| f.roots.locate(path).unwrap();
        let in_project = located(&f.project.join("scores/x"));
        assert_eq!((in_project.root.text(), in_project.path.as_str()), ("project", "scores/x"));
        let in_lake = located(&f.lake.join("x"));
        assert_eq!((in_lake.root.text(), in_lake.path.as_str()), (f.lake.to_str().unwrap(), "x"));
        assert!(f.roots.locate(&f.outside.join("x")).is_err());
        let moved = Roots::new(&f.outside, std::slice::from_ref(&f.lake)).unwrap();
        assert_eq!(moved.path_of(&in_project).unwrap(), f.outside.join("scores/x"));
        assert_eq!(moved.path_of(&in_lake).unwrap(), f.lake.join("x"));
        let alone = Roots::new(&f.project, &[]).unwrap();
        let told = alone.path_of(&in_lake).unwrap_err().to_string();
        assert!(told.contains("not in `data_roots` any more"), "{told}");
        for path in ["../outside/a.csv", "/etc/passwd", "a//b"] {
            let location = Location { root: RootName::Project, path: path.to_owned() };
            assert!(f.roots.path_of(&location).is_err(), "{path}");
        }
    }

    #[test]
    fn a_root_must_exist_and_be_absolute() {
        let f = folders();
        assert!(matches!(
            Roots::new(&f.project, &[PathBuf::from("lake")]),
            Err(DatasetError::Path { .. })
        ));
        let told = Roots::new(&f.project.join("none"), &[]).unwrap_err().to_string();
        assert!(told.starts_with("failed to open the folder"), "{told}");
    }
}
