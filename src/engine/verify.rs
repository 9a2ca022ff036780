//! Every stored hash against the disk, once the database that stores them was found to be sound.

use std::io;
use std::path::Path;

use crate::adapters::dataset::file_sha256;
use crate::adapters::store::RunFilter;
use crate::domain::identity::Sha256;
use crate::domain::registry::VersionState;
use crate::domain::run::State;
use crate::engine::error::RunError;
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
        for record in world.store.outputs(&run.id).await.map_err(failed)? {
            if record.removed_at.is_none() {
                let what = format!("{} of run {}", record.output.role.id(), run.id);
                let path = Path::new(&record.output.final_path);
                out.push(verify_file(world, path, what, record.output.sha256)?);
            }
        }
    }
    Ok(out)
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
