//! Files that a person names on a command line, anywhere on disk.
//!
//! The roots of a project guard what a job file says; a person at the keyboard may read what the account
//! may read. Each name still has a root, the folder up to its first wildcard: what a wildcard finds
//! stays below it, and is opened with the same checks as every input.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::discover::{FILES_MAX, SourceFile, discover};
use super::error::DatasetError;
use super::roots::Roots;

/// The files that `patterns` match, pattern by pattern, each file once.
///
/// A pattern is a path, relative to the current folder or absolute, or a glob as in
/// [`discover`]. One that matches no file is an error.
pub fn named_files(patterns: &[String]) -> Result<Vec<SourceFile>, DatasetError> {
    let mut out: Vec<SourceFile> = Vec::new();
    let mut seen = HashSet::new();
    for pattern in patterns {
        let (folder, rest) = anchor(pattern)?;
        let roots = Roots::new(&folder, &[])?;
        let found = discover(&roots, &rest, None)?;
        if found.is_empty() {
            return Err(DatasetError::path(pattern, "matches no file"));
        }
        out.extend(found.into_iter().filter(|file| seen.insert(file.path.clone())));
        if out.len() > FILES_MAX {
            let problem = format!("and those before it match more than {FILES_MAX} files");
            return Err(DatasetError::path(pattern, problem));
        }
    }
    Ok(out)
}

/// Cuts a pattern into a folder that exists and a pattern below it.
fn anchor(pattern: &str) -> Result<(PathBuf, String), DatasetError> {
    let path = Path::new(pattern);
    if let Ok(resolved) = std::fs::canonicalize(path)
        && let (Some(folder), Some(name)) = (resolved.parent(), resolved.file_name())
    {
        // What is there is meant as it is spelled, brackets and all.
        let name = name
            .to_str()
            .ok_or_else(|| DatasetError::path(pattern, "has a name that is not UTF-8"))?;
        return Ok((folder.to_owned(), glob::Pattern::escape(name)));
    }
    let wildcard = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let (folder, rest) = match pattern[..wildcard].rfind('/') {
        Some(0) => ("/", &pattern[1..]),
        Some(end) => (&pattern[..end], &pattern[end + 1..]),
        None => (".", pattern),
    };
    Ok((PathBuf::from(folder), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let base = std::fs::canonicalize(folder.path()).unwrap();
        for name in ["a/x.csv", "a/y.csv", "a/_z.csv", "b/odd[1].csv"] {
            let path = base.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x\n1\n").unwrap();
        }
        std::os::unix::fs::symlink(base.join("a/x.csv"), base.join("b/link.csv")).unwrap();
        let text = |name: &str| base.join(name).to_str().unwrap().to_owned();
        let check = |names: &[&str], wanted: &[&str]| {
            let patterns: Vec<String> = names.iter().map(|name| text(name)).collect();
            let found = named_files(&patterns).unwrap();
            let paths: Vec<PathBuf> = found.into_iter().map(|file| file.path).collect();
            let wanted: Vec<PathBuf> = wanted.iter().map(|name| base.join(name)).collect();
            assert_eq!(paths, wanted, "{names:?}");
        };
        check(&["a/x.csv"], &["a/x.csv"]);
        check(&["b/../a/y.csv", "a/*.csv"], &["a/y.csv", "a/x.csv"]);
        check(&["a/_z.csv"], &["a/_z.csv"]);
        check(&["b/odd[1].csv"], &["b/odd[1].csv"]);
        check(&["b/link.csv"], &["a/x.csv"]);
        for (name, wanted) in [("a/*.parquet", "matches no file"), ("c/x.csv", "failed to open")] {
            let told = named_files(&[text(name)]).unwrap_err().to_string();
            assert!(told.contains(wanted), "{told}");
        }
    }

    #[test]
    fn a_pattern_is_cut_before_its_first_wildcard() {
        let check = |pattern: &str, folder: &str, rest: &str| {
            let wanted = (PathBuf::from(folder), rest.to_owned());
            assert_eq!(anchor(pattern).unwrap(), wanted, "{pattern}");
        };
        check("none/day=*/x.csv", "none", "day=*/x.csv");
        check("*.csv", ".", "*.csv");
        check("/none*.csv", "/", "none*.csv");
        check("../none/**/x.csv", "../none", "**/x.csv");
    }
}
