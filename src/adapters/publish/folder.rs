//! What lies in the folder of a tick, and whose it is.
//!
//! Ours are files of rows that bear the name of a run, and what an earlier version kept beside them in the same
//! folder. Everything else is somebody else's and stays where readers find it. Whose the folder is, its
//! manifest says; one that cannot be read says nothing.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;

use crate::adapters::publish::durable::{self, Entry};
use crate::adapters::publish::{PublishError, Site};
use crate::domain::identity::{ProjectId, RunId};
use crate::domain::layout::{MANIFEST_FILE, run_of_part};

/// A manifest is larger than this only if it names some 100,000 input files.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// How the `schema` of every manifest begins.
const SCHEMA: &str = "nightshift.manifest/";

/// Folders that an earlier version kept in the folder of a tick.
const FORMER_FOLDERS: [&str; 2] = ["_quarantine", "_changes"];

/// Names of what lies in the folder of a tick, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files of rows, and the run of each.
    pub parts: Vec<(String, RunId)>,
    /// What an earlier version kept beside the rows, the manifest first, and the run that this names.
    pub former: Option<(RunId, Vec<String>)>,
    /// Everything else.
    pub foreign: Vec<OsString>,
}

/// Who has published in the folder of a tick, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderOwner {
    /// Nobody: there is no manifest.
    Nobody,
    /// A run of a project.
    Project(ProjectId, RunId),
    /// A run of some project, of a version that did not name it.
    Unnamed(RunId),
    /// There is a file of that name which is no manifest.
    Unreadable,
}

/// What a manifest says of its maker; the rest is for readers of scores.
#[derive(Deserialize)]
struct Heading {
    schema: String,
    run: String,
    project: Option<String>,
    job: String,
}

/// Who has published in the folder of `site`.
pub fn owner(site: &Site) -> Result<FolderOwner, PublishError> {
    for folder in [&site.beside, &site.rows] {
        if durable::folder_exists(&site.root, folder)? {
            let path = folder.join(MANIFEST_FILE);
            match durable::entry(&path)? {
                // A stray file of that name among the rows is somebody else's.
                Entry::File(_) if folder == &site.rows => match heading(&path)? {
                    FolderOwner::Unreadable => {}
                    found => return Ok(found),
                },
                Entry::File(_) => return heading(&path),
                _ => {}
            }
        }
    }
    Ok(FolderOwner::Nobody)
}

/// Whether the file at `path` is the manifest of `run`.
pub(super) fn names_run(path: &Path, run: &RunId) -> Result<bool, PublishError> {
    Ok(match heading(path)? {
        FolderOwner::Project(_, found) | FolderOwner::Unnamed(found) => found == *run,
        FolderOwner::Nobody | FolderOwner::Unreadable => false,
    })
}

/// What the manifest at `path` says of its maker.
fn heading(path: &Path) -> Result<FolderOwner, PublishError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(durable::io_error("read", path))?;
    Ok(parse(&bytes).unwrap_or(FolderOwner::Unreadable))
}

/// The project, where it is named, and the job that the manifest at `path` is of; `None` if there is none that can be
/// read.
pub fn maker_of(path: &Path) -> Option<(Option<ProjectId>, String)> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let (heading, _) = read(&bytes)?;
    Some((heading.project.as_deref().and_then(ProjectId::parse), heading.job))
}

fn read(bytes: &[u8]) -> Option<(Heading, RunId)> {
    let found: Heading = serde_json::from_slice(bytes).ok()?;
    let run = RunId::parse(&found.run).filter(|_| found.schema.starts_with(SCHEMA))?;
    Some((found, run))
}

fn parse(bytes: &[u8]) -> Option<FolderOwner> {
    let (found, run) = read(bytes)?;
    match found.project {
        None => Some(FolderOwner::Unnamed(run)),
        Some(project) => Some(FolderOwner::Project(ProjectId::parse(&project)?, run)),
    }
}

/// What lies in `folder`, which need not be there.
pub fn contents(root: &Path, folder: &Path) -> Result<Contents, PublishError> {
    let mut out = Contents::default();
    if !durable::folder_exists(root, folder)? {
        return Ok(out);
    }
    let manifest = folder.join(MANIFEST_FILE);
    if matches!(durable::entry(&manifest)?, Entry::File(_)) {
        out.former = match heading(&manifest)? {
            FolderOwner::Project(_, run) | FolderOwner::Unnamed(run) => Some((run, Vec::new())),
            FolderOwner::Nobody | FolderOwner::Unreadable => None,
        };
    }
    for path in durable::list(folder)? {
        let name = path.file_name().unwrap_or_default();
        let is_file = matches!(durable::entry(&path)?, Entry::File(_));
        // A name that is not UTF-8 is none of ours.
        match name.to_str().map(|text| (text, run_of_part(text).filter(|_| is_file))) {
            Some((text, Some(run))) => out.parts.push((text.to_owned(), run)),
            found => match (found, &mut out.former) {
                (Some((text, None)), Some((_, former))) if is_former_name(text) => {
                    former.push(text.to_owned());
                }
                _ => out.foreign.push(name.to_owned()),
            },
        }
    }
    Ok(out)
}

fn is_former_name(name: &str) -> bool {
    name == MANIFEST_FILE || FORMER_FOLDERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_its_maker() {
        let run = "01kdx3gp00zzzzzzzzzzzzzzzz";
        let project = "d".repeat(32);
        let run_id = RunId::parse(run).unwrap();
        let of = |text: &str| parse(text.as_bytes());
        let named = format!(
            r#"{{"schema":"nightshift.manifest/2","run":"{run}","project":"{project}","job":"a"}}"#
        );
        let wanted = FolderOwner::Project(ProjectId::parse(&project).unwrap(), run_id.clone());
        assert_eq!(of(&named), Some(wanted));
        let unnamed =
            format!(r#"{{"schema":"nightshift.manifest/1","run":"{run}","job":"a","more":1}}"#);
        assert_eq!(of(&unnamed), Some(FolderOwner::Unnamed(run_id)));
        for text in [
            "",
            "{}",
            r#"{"name":"a web app","icons":[]}"#,
            &named.replace("nightshift.manifest", "other"),
            &named.replace(run, "r"),
            &named.replace(&project, "p"),
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
