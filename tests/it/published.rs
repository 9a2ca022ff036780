//! What a reader finds of a job's scores, and what lies about that should not.
//!
//! `scores/<job>` holds published rows, one folder a tick; manifests and what else belongs to a tick lie in
//! `scores/<job>.nightshift`. This knows nothing of how either comes to be.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A file among the rows that is somebody else's.
pub(crate) const FOREIGN: &str = "notes.txt";

/// The folder beside the output `output`.
pub(crate) fn beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap().to_owned();
    name.push(".nightshift");
    output.with_file_name(name)
}

/// The manifest of the tick whose folder is `tick` in `output`, if there is one.
pub(crate) fn manifest(output: &Path, tick: &str) -> Option<Value> {
    let text = std::fs::read(beside(output).join(tick).join("manifest.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// The folders of ticks in `output`, in order, with their manifests.
pub(crate) fn ticks(output: &Path) -> Vec<(String, Option<Value>)> {
    let Ok(entries) = std::fs::read_dir(output) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), manifest(output, &name))).collect()
}

/// Where the file is that a manifest in `output` names.
pub(crate) fn path_of(output: &Path, entry: &Value) -> PathBuf {
    let root = if entry["role"] == "part" { output.to_owned() } else { beside(output) };
    root.join(entry["path"].as_str().unwrap())
}

/// Every file that a manifest in `output` names is there and has the digest that it says.
pub(crate) fn check_files(output: &Path, manifest: &Value) {
    for entry in manifest["outputs"].as_array().unwrap() {
        let path = path_of(output, entry);
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(entry["sha256"], sha256(&bytes).as_str(), "{}", path.display());
    }
}

/// What lies in staging folders below `folder`, and files among the rows that no manifest names.
pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for output in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if output.extension().is_some_and(|extension| extension == "nightshift") {
            let staged = std::fs::read_dir(output.join("stage")).into_iter().flatten();
            out.extend(staged.map(|entry| entry.unwrap().path().display().to_string()));
            continue;
        }
        for (tick, manifest) in ticks(&output) {
            let manifest = manifest.unwrap_or_default();
            let named: Vec<PathBuf> = manifest["outputs"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|entry| path_of(&output, entry))
                .collect();
            let there = files_below(&output.join(tick));
            let is_foreign = |path: &PathBuf| path.file_name().is_some_and(|name| name == FOREIGN);
            let stray = there.into_iter().filter(|path| !named.contains(path) && !is_foreign(path));
            out.extend(stray.map(|path| path.display().to_string()));
        }
    }
    out
}

/// Every file in `folder` and below.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files_below(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// The digest of `bytes`, as it stands in manifests.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}
