//! The folder of a tick: whether it may be published to, what lies in it, and how a run gets there.
//!
//! Whose the folder is, is asked of its manifest before anything is read, and again before anything moves. How
//! files move is not known here.

use crate::adapters::publish::{
    self, FolderOwner, Look, Piece, Placement, Publication, PublishError, Site, StagingName,
};
use crate::adapters::store::{NewOutput, OutputPlace, OutputRole, RunRecord};
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::layout::TickFolder;
use crate::domain::run::{RunKind, RunSlot};
use crate::engine::error::{Cause, RunError};
use crate::engine::plan::ScorePaths;
use crate::engine::world::World;

/// Most names that a finding lists.
const NAMES_MAX: usize = 5;

/// An error unless the run of `slot` may publish to the folder of its tick; asked before anything is read.
pub async fn require_own(
    world: &World,
    slot: &RunSlot,
    paths: &ScorePaths,
) -> Result<(), RunError> {
    let root = paths.folder.root();
    world.identity.require_known(root)?;
    let owner = publish::owner(&paths.site).map_err(published("plan"))?;
    let is_ours = world.identity.may_replace(root, &owner)
        && match &owner {
            FolderOwner::Nobody | FolderOwner::Project(..) => true,
            FolderOwner::Unnamed(run) => {
                let failed = RunError::store("plan");
                world.store.run(run).await.map_err(failed)?.is_some()
            }
            // One of ours that was damaged, if the record says that we have published there.
            FolderOwner::Unreadable => {
                let current = world.store.current(&slot.job, RunKind::Score, slot.tick).await;
                let current = current.map_err(RunError::store("plan"))?;
                current.is_some_and(|record| record.folder.as_ref() == Some(&paths.folder))
            }
        };
    if is_ours {
        return Ok(());
    }
    let whose = match owner {
        FolderOwner::Project(project, run) => format!("run `{run}` of project {project}"),
        FolderOwner::Unnamed(run) => format!("run `{run}` of another project"),
        FolderOwner::Nobody | FolderOwner::Unreadable => "somebody else".to_owned(),
    };
    let message = format!("`{}` holds what {whose} has published", paths.output);
    Err(RunError::new("plan", Cause::Busy, message)
        .hint("give the job a `score.output` of its own; two projects cannot publish one tick"))
}

/// What is to be said of the files in the folder of a tick that no run on record has published.
pub async fn strangers(world: &World, paths: &ScorePaths) -> Result<Vec<Finding>, RunError> {
    let found =
        publish::contents(&paths.site.root, &paths.site.rows).map_err(published("stage"))?;
    let mut unknown = Vec::new();
    for (name, run) in found.parts {
        if world.store.run(&run).await.map_err(RunError::store("stage"))?.is_none() {
            unknown.push(name);
        }
    }
    let foreign: Vec<String> =
        found.foreign.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let told = [
        ("foreign_file", foreign, "no run has published, and that stay there"),
        ("unknown_part", unknown, "are of runs that are not on record, and were set aside"),
    ];
    let findings = told.into_iter().filter(|(_, names, _)| !names.is_empty());
    Ok(findings
        .map(|(id, names, what)| {
            let shown = names[..names.len().min(NAMES_MAX)].join("`, `");
            let message = format!(
                "`{}` holds files that {what}: {} of them, `{shown}`",
                paths.output,
                names.len()
            );
            Finding::new(FindingKind::Check, id, FindingVerdict::Warn, message)
        })
        .collect())
}

/// How a run whose intent is on record gets to its readers.
pub enum Route {
    /// The folder of its rows takes the place of the one before.
    Folder {
        /// Where.
        site: Site,
        /// Where it is staged.
        stage: StagingName,
        /// What.
        publication: Publication,
    },
    /// File by file, as an earlier version had begun to.
    Files {
        /// Where; unless that is not known.
        site: Option<Site>,
        /// What.
        placements: Vec<Placement>,
    },
}

/// The way of a run with these outputs; `None` if it publishes nothing.
pub fn route(
    world: &World,
    record: &RunRecord,
    outputs: &[NewOutput],
) -> Result<Option<Route>, RunError> {
    let Some(manifest) = outputs.iter().find(|output| output.role == OutputRole::Manifest) else {
        return Ok(None);
    };
    let site = record.folder.as_ref().map(|folder| world.site(folder)).transpose()?;
    let stage = record.folder.as_ref().and_then(|folder| stage_of(folder, manifest));
    let Some((site, stage)) = site.clone().zip(stage) else {
        let placements = outputs.iter().map(|output| placement(world, output));
        return Ok(Some(Route::Files { site, placements: placements.collect::<Result<_, _>>()? }));
    };
    let pieces = |wanted: &[OutputRole]| {
        outputs.iter().filter(|output| wanted.contains(&output.role)).map(piece).collect()
    };
    let publication = Publication {
        parts: pieces(&[OutputRole::Part]),
        beside: pieces(&[OutputRole::Quarantine, OutputRole::Changes]),
        manifest: piece(manifest),
    };
    Ok(Some(Route::Folder { site, stage, publication }))
}

/// The staging folder that the manifest of a run waits in, if that is where this version stages.
fn stage_of(folder: &TickFolder, manifest: &NewOutput) -> Option<StagingName> {
    let OutputPlace::At(staged) = &manifest.staged else { return None };
    let inner = staged.path.strip_prefix(&folder.stage().path)?.strip_prefix('/')?;
    StagingName::parse(inner.split('/').next()?)
}

fn piece(output: &NewOutput) -> Piece {
    let path = match &output.published {
        OutputPlace::At(location) => &location.path,
        OutputPlace::Former(path) => path,
    };
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    Piece { name, sha256: output.sha256, size_bytes: output.size_bytes }
}

fn placement(world: &World, output: &NewOutput) -> Result<Placement, RunError> {
    Ok(Placement {
        staged: world.path_of(&output.staged)?,
        target: world.path_of(&output.published)?,
        sha256: output.sha256,
    })
}

/// Publishes along `route` what is on record of `record`.
pub fn publish(
    world: &World,
    record: &RunRecord,
    route: &Route,
    look: Look,
) -> Result<(), PublishError> {
    match route {
        Route::Folder { site, stage, publication } => {
            let root = record.folder.as_ref().map(TickFolder::root);
            let is_ours = |owner: &FolderOwner| {
                root.is_some_and(|root| world.identity.may_replace(root, owner))
            };
            publish::publish(site, stage, (publication, look), is_ours)
        }
        Route::Files { site, placements } => {
            let root = site.as_ref().map_or(world.project_dir.as_path(), |site| &site.root);
            publish::place_all(root, placements)
        }
    }
}

/// Turns an error of the file side into one of `stage`.
pub fn published(stage: &'static str) -> impl Fn(PublishError) -> RunError + Copy {
    move |error| {
        let cause = match &error {
            PublishError::Fsync { .. } => Cause::Fsync,
            PublishError::Corrupt { .. } | PublishError::Foreign { .. } => Cause::Damaged,
            PublishError::Split { .. } => Cause::Job,
            PublishError::Outside { .. }
            | PublishError::Unexpected { .. }
            | PublishError::Io { .. } => Cause::Other,
        };
        RunError::new(stage, cause, error)
    }
}
