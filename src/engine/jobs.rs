//! The jobs of a project: `nightshift.toml` and every file of its jobs folder, read and parsed at once.
//!
//! A job file that does not parse keeps no other job from its work; its problems come back beside the
//! jobs that do. What a file means is the parser's business.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::domain::identity::Sha256;
use crate::domain::job::Job;
use crate::domain::job::document::SIZE_MAX_BYTES;
use crate::domain::job::parse::parse_all;
use crate::domain::job::problem::Problem;
use crate::domain::project::Project;
use crate::engine::error::{Cause, RunError};

/// Name of the optional file at the root of a project.
pub const PROJECT_FILE: &str = "nightshift.toml";

/// Most job files that a project may have.
const JOB_FILES_MAX: usize = 100_000;

/// Every job of a project that parses, and every problem of those that do not.
#[derive(Debug)]
pub struct LoadedJobs {
    /// What `nightshift.toml` says, or the defaults.
    pub project: Project,
    /// In order of file name.
    pub jobs: Vec<LoadedJob>,
    /// In order of file and place.
    pub problems: Vec<Problem>,
    /// The bytes of every file that was read, for carets under problems.
    pub sources: BTreeMap<String, Vec<u8>>,
}

/// A job with the text it was parsed from, which is what a run records.
#[derive(Debug, Clone)]
pub struct LoadedJob {
    /// Relative to the project root.
    pub file: String,
    /// The text of the file.
    pub text: String,
    /// What the text says.
    pub job: Job,
}

impl LoadedJob {
    /// The digest of the file, by which a run knows what it executed.
    pub fn sha256(&self) -> Sha256 {
        Sha256(sha2::Sha256::digest(self.text.as_bytes()).into())
    }
}

impl LoadedJobs {
    /// The job called `name`.
    pub fn find(&self, name: &str) -> Option<&LoadedJob> {
        self.jobs.iter().find(|loaded| loaded.job.name.as_str() == name)
    }
}

/// `nightshift.toml`, read and parsed.
#[derive(Debug)]
pub struct LoadedProject {
    /// What it says, or the defaults where it is missing or has problems.
    pub project: Project,
    /// In order of place.
    pub problems: Vec<Problem>,
    /// The bytes of the file; `None` if there is none.
    pub bytes: Option<Vec<u8>>,
}

/// Reads `nightshift.toml`, if there is one.
pub fn load_project(project_dir: &Path) -> Result<LoadedProject, RunError> {
    let path = project_dir.join(PROJECT_FILE);
    let bytes = match read_limited(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&path, &error)),
    };
    let parsed = bytes.as_deref().map(|bytes| Project::parse(PROJECT_FILE, bytes));
    let (project, problems) = match parsed {
        None => (Project::default(), Vec::new()),
        Some(Ok(project)) => (project, Vec::new()),
        Some(Err(problems)) => (Project::default(), problems),
    };
    Ok(LoadedProject { project, problems, bytes })
}

/// Reads and parses everything that a project says.
pub fn load_all(project_dir: &Path) -> Result<LoadedJobs, RunError> {
    let LoadedProject { project, mut problems, bytes } = load_project(project_dir)?;
    let mut sources = BTreeMap::new();
    if let Some(bytes) = bytes {
        sources.insert(PROJECT_FILE.to_owned(), bytes);
    }
    let mut files = Vec::new();
    for path in job_files(&project_dir.join(&project.jobs_dir))? {
        let relative = path.strip_prefix(project_dir).unwrap_or(&path);
        let name = relative.to_string_lossy().into_owned();
        let bytes = read_limited(&path).map_err(|error| unreadable(&path, &error))?;
        files.push((name, bytes));
    }
    let (parsed, found) = parse_all(&files, &project.data_roots);
    problems.extend(found);
    sources.extend(files);
    let jobs = parsed
        .into_iter()
        .map(|(file, job)| {
            let text = sources.get(&file).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            LoadedJob { text: text.unwrap_or_default(), file, job }
        })
        .collect();
    Ok(LoadedJobs { project, jobs, problems, sources })
}

/// The `*.toml` files of the jobs folder, sorted; none if the folder is missing.
fn job_files(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut out = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "toml") {
            out.push(path);
        }
        if out.len() > JOB_FILES_MAX {
            let message = format!("`{}` holds more than {JOB_FILES_MAX} files", folder.display());
            return Err(RunError::new("load jobs", Cause::Job, message));
        }
    }
    out.sort();
    Ok(out)
}

/// Reads a file as far as the parser looks: one byte more than it accepts tells it that there is more.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would be waited for, for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut out = Vec::new();
    File::open(path)?.take(SIZE_MAX_BYTES as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

fn unreadable(path: &Path, error: &io::Error) -> RunError {
    let message = format!("failed to read `{}`: {error}", path.display());
    RunError::new("load jobs", Cause::Other, message)
}
