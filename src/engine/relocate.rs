//! Files of earlier runs, by roots instead of absolute paths.
//!
//! Schemas up to 6 held absolute paths. Which folder they are relative to is known here alone, where the project
//! stands. One that was moved before it was opened by this version has other paths on record than its own;
//! then the job file of a run says how they end, and what is before that is where the project was.

use std::path::{Path, PathBuf};

use crate::adapters::dataset::Roots;
use crate::adapters::store::relocate::Relocated;
use crate::adapters::store::{OutputPlace, OutputRecord, OutputRole, RunRecord, Store};
use crate::domain::job::parse::parse;
use crate::domain::layout::{Location, RootName, TickFolder};
use crate::engine::error::RunError;
use crate::engine::plan;

/// Runs that are taken along in one transaction.
const RUNS_AT_ONCE: u32 = 1_000;

/// Takes along what stands on record by absolute paths, as far as it can be told what they are relative to.
/// Returns where the project was when they were written, if that is not where it is now.
pub async fn relocate(store: &Store, roots: &Roots) -> Result<Option<PathBuf>, RunError> {
    let failed = RunError::store("bring the record up to date");
    let mut former_home = None;
    loop {
        let runs = store.unlocated(RUNS_AT_ONCE).await.map_err(failed)?;
        let mut out = Vec::with_capacity(runs.len());
        for run in &runs {
            let outputs = store.outputs(&run.id).await.map_err(failed)?;
            if former_home.is_none() {
                former_home = home_of(store, roots, run, &outputs).await?;
            }
            out.extend(relocated(roots, former_home.as_deref(), run, &outputs));
        }
        if out.is_empty() {
            return Ok(former_home);
        }
        tracing::info!("{} runs are on record with paths relative to their roots now", out.len());
        store.relocate(&out).await.map_err(failed)?;
    }
}

/// The same run with paths relative to a root; `None` if they are below none that is known.
fn relocated(
    roots: &Roots,
    former_home: Option<&Path>,
    run: &RunRecord,
    outputs: &[OutputRecord],
) -> Option<Relocated> {
    let located = |place: &OutputPlace| locate(roots, former_home, former(place)?);
    let places: Vec<(u32, Location, Location)> = outputs
        .iter()
        .map(|record| {
            let output = &record.output;
            Some((record.seq, located(&output.staged)?, located(&output.published)?))
        })
        .collect::<Option<_>>()?;
    let manifest = outputs.iter().find(|record| record.output.role == OutputRole::Manifest)?;
    let folder = locate(roots, former_home, former(&manifest.output.published)?.parent()?)?;
    // `<output>/.nightshift/stage/<run>/<file>`
    let staged = former(&manifest.output.staged)?;
    let output = locate(roots, former_home, staged.ancestors().nth(4)?)?;
    let folder = TickFolder::new(folder.root, &output.path, &folder.path);
    Some(Relocated { run: run.id.clone(), folder, outputs: places })
}

fn former(place: &OutputPlace) -> Option<&Path> {
    match place {
        OutputPlace::Former(path) => Some(Path::new(path)),
        OutputPlace::At(_) => None,
    }
}

/// What `path` is relative to now, in a project that stood at `former_home` when it was written.
fn locate(roots: &Roots, former_home: Option<&Path>, path: &Path) -> Option<Location> {
    if let Some(inner) = former_home.and_then(|home| path.strip_prefix(home).ok()) {
        let path = inner.to_str()?.to_owned();
        return Some(Location { root: RootName::Project, path });
    }
    roots.locate(path).ok()
}

/// Where the project was when `run` was published, unless that is where it is now: what is before the folder
/// that its job file names.
async fn home_of(
    store: &Store,
    roots: &Roots,
    run: &RunRecord,
    outputs: &[OutputRecord],
) -> Result<Option<PathBuf>, RunError> {
    let failed = RunError::store("bring the record up to date");
    let manifest = outputs.iter().find(|record| record.output.role == OutputRole::Manifest);
    let path = manifest.and_then(|record| former(&record.output.published)).and_then(Path::parent);
    let Some(folder) = path.filter(|path| roots.locate(path).is_err()) else { return Ok(None) };
    let text = store.definition(&run.job_sha256).await.map_err(failed)?.unwrap_or_default();
    let Ok(job) = parse(&format!("{}.toml", run.slot.job), text.as_bytes()) else {
        return Ok(None);
    };
    let Ok(output) = plan::score_output(&job, run.interval) else { return Ok(None) };
    let depth = Path::new(&output).components().count();
    let is_end = folder.ends_with(&output) && !Path::new(&output).is_absolute();
    Ok(folder.ancestors().nth(depth).filter(|_| is_end).map(Path::to_owned))
}
