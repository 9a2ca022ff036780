//! Every stored hash against the disk, once the database that stores them was found to be sound.
//!
//! And the other way round: what lies in the folder of a tick and is on no record is told. It is no damage, since
//! others may keep files there.

use std::io;
use std::path::Path;

use crate::adapters::dataset::file_sha256;
use crate::adapters::publish;
use crate::adapters::store::{RunFilter, RunRecord};
use crate::domain::identity::Sha256;
use crate::domain::registry::VersionState;
use crate::domain::run::State;
use crate::engine::error::RunError;
use crate::engine::output::published;
use crate::engine::world::World;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The artifact of every version that is not pruned.
    Models,
    /// That, and every file that a current run has published.
    ModelsAndData,
}

/// What was found of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Relative to the project where it lies below it.
    pub path: String,
    /// What the file is: `model churn v3`, `part of run ...`.
    pub what: String,
    /// What was found.
    pub outcome: VerifiedOutcome,
}

/// Whether a file is what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedOutcome {
    /// It is.
    Ok,
    /// It is not there.
    Missing,
    /// It has another content.
    Changed {
        /// The digest on record.
        wanted: Sha256,
        /// The digest of the file.
        found: Sha256,
    },
    /// It lies in the folder of a tick, and no run on record has put it there.
    Unrecorded,
}

/// Compares what is on record with what is on disk. Changes nothing.
pub async fn verify(world: &World, scope: Scope) -> Result<Vec<Verified>, RunError> {
    let failed = RunError::store("verify");
    world.store.integrity_check().await.map_err(failed)?;
    let mut out = Vec::new();
    for model in world.store.models().await.map_err(failed)? {
        for record in world.store.versions(&model).await.map_err(failed)? {
            if record.state != VersionState::Pruned {
                let path = world.artifacts.path(&record.sha256);
                let what = format!("model {model} {}", record.version);
                out.push(verify_file(world, &path, what, record.sha256)?);
            }
        }
    }
    if scope == Scope::Models {
        return Ok(out);
    }
    let filter =
        RunFilter { state: Some(State::Committed), limit: u32::MAX, ..RunFilter::default() };
    let mut runs = world.store.runs(&filter).await.map_err(failed)?;
    runs.reverse();
    for run in runs {
        out.extend(strangers(world, &run)?);
        for record in world.store.outputs(&run.id).await.map_err(failed)? {
            if record.removed_at.is_none() {
                let what = format!("{} of run {}", record.output.role.id(), run.id);
                let path = world.path_of(&record.output.published)?;
                out.push(verify_file(world, &path, what, record.output.sha256)?);
            }
        }
    }
    Ok(out)
}

/// What lies in the folder of a run's tick and is not its own.
fn strangers(world: &World, run: &RunRecord) -> Result<Vec<Verified>, RunError> {
    let Some(folder) = &run.folder else { return Ok(Vec::new()) };
    let site = world.site(folder)?;
    let found = publish::contents(&site.root, &site.rows).map_err(published("verify"))?;
    let parts = found.parts.into_iter().filter(|(_, of)| *of != run.id);
    let parts = parts.map(|(name, of)| (name, format!("part of run {of}, which is not current")));
    let foreign = found
        .foreign
        .into_iter()
        .map(|name| (name.to_string_lossy().into_owned(), "file of somebody else".to_owned()));
    Ok(parts
        .chain(foreign)
        .map(|(name, what)| Verified {
            path: folder.rows().join(&name).to_string(),
            what,
            outcome: VerifiedOutcome::Unrecorded,
        })
        .collect())
}

fn verify_file(
    world: &World,
    path: &Path,
    what: String,
    wanted: Sha256,
) -> Result<Verified, RunError> {
    let outcome = match file_sha256(path) {
        Ok((found, _)) if found == wanted => VerifiedOutcome::Ok,
        Ok((found, _)) => VerifiedOutcome::Changed { wanted, found },
        Err(error) if error.kind() == io::ErrorKind::NotFound => VerifiedOutcome::Missing,
        Err(error) => {
            let message = format!("failed to read `{}`: {error}", path.display());
            return Err(RunError::other("verify")(message));
        }
    };
    Ok(Verified { path: world.shown_path(&path.to_string_lossy()), what, outcome })
}
