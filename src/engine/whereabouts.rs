//! Whose record it is, and whose files are whose.
//!
//! A project that was moved keeps its id; a copy of one that is still there takes an id of its own, so that
//! neither touches what the other has published where both can write. Within its own folder a copy is at
//! home: what its originals have published there came with it. Where it cannot be told which of the two a
//! project is, it writes nothing outside of its own folder until somebody says so.

use std::path::{Path, PathBuf};

use crate::adapters::place;
use crate::adapters::publish::FolderOwner;
use crate::adapters::store::{RunRecord, Store};
use crate::domain::identity::ProjectId;
use crate::domain::layout::RootName;
use crate::domain::project::Project;
use crate::domain::whereabouts::{Doubt, Place, Standing, standing};
use crate::engine::error::{Cause, RunError};
use crate::engine::world::Access;

const STAGE: &str = "find out whose record it is";

/// What a project is called, and what it is to its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The id in force first, then those of the originals that it is a copy of. Never empty.
    ids: Vec<ProjectId>,
    /// The count of commits when the id in force was taken.
    since: i64,
    /// Why it is not known whether the project was moved or is a copy, and where it stood.
    pub doubt: Option<(Doubt, String)>,
    /// Where the project is that this one is a copy of, as long as it has no id of its own: whoever writes first
    /// gives it one.
    pub copy_of: Option<String>,
}

/// What somebody says a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The one that wrote its record, at another place.
    Moved,
    /// A copy, which is to have an id of its own.
    Copied,
}

impl Identity {
    /// The id that bears what is published from now on.
    pub fn project(&self) -> &ProjectId {
        &self.ids[0]
    }

    /// Whether files that bear `project` are this project's where they lie below `root`.
    pub fn is_own(&self, root: &RootName, project: &ProjectId) -> bool {
        match root {
            RootName::Project => self.ids.contains(project),
            RootName::Data(_) => self.doubt.is_none() && self.project() == project,
        }
    }

    /// Whether what the run of `record` has published is this project's to set aside or delete. A copy has runs of
    /// its original on record.
    pub fn is_own_run(&self, root: &RootName, record: &RunRecord) -> bool {
        match root {
            RootName::Project => true,
            RootName::Data(_) => {
                self.doubt.is_none() && record.commits.is_some_and(|commits| commits > self.since)
            }
        }
    }

    /// Whether what `owner` has published below `root` may be replaced. A manifest that cannot be read is taken for
    /// one of ours here: who looks before a run begins asks the record.
    pub fn may_replace(&self, root: &RootName, owner: &FolderOwner) -> bool {
        match owner {
            FolderOwner::Nobody | FolderOwner::Unreadable => true,
            FolderOwner::Project(project, _) => self.is_own(root, project),
            // A copy has the record of its original, which is why the record proves nothing.
            FolderOwner::Unnamed(_) => *root == RootName::Project || self.ids.len() == 1,
        }
    }

    /// An error if something would be written below `root`, and it is not known whether that may be.
    pub fn require_known(&self, root: &RootName) -> Result<(), RunError> {
        match (root, &self.doubt) {
            (RootName::Data(folder), Some((doubt, place))) => {
                let message = format!(
                    "nothing is written to `{folder}`: this project was last written to at `{place}`, which {}, \
                     so it may be a copy of one that publishes there",
                    doubt.explain()
                );
                Err(RunError::new("plan", Cause::Busy, message).hint(
                    "`nightshift doctor --moved` says that it is the same project, `--copied` that it is a copy",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// A project and where it stands.
pub struct Home<'a> {
    /// Its folder.
    pub project_dir: &'a Path,
    /// What `nightshift.toml` says.
    pub project: &'a Project,
    /// Where it was when what an earlier schema has on record was written, if that is not where it is.
    pub former_home: Option<PathBuf>,
}

/// Finds out what a project is to the record in `store`; who may write also says where it stands now, and gives a
/// copy an id of its own.
pub async fn identify(
    store: &Store,
    Home { project_dir, project, former_home }: Home<'_>,
    access: Access,
) -> Result<Identity, RunError> {
    let failed = RunError::store(STAGE);
    let here = place::of(project_dir).map_err(RunError::other(STAGE))?;
    let mut recorded = store.place().await.map_err(failed)?;
    if let (None, Some(path)) = (&recorded, former_home) {
        let former = Place {
            path: path.to_string_lossy().into_owned(),
            device: String::new(),
            inode: String::new(),
            ..here.clone()
        };
        // What is known now is gone with the paths that told it.
        store.settle_at(&former).await.map_err(failed)?;
        recorded = Some(former);
    }
    let database = store.database().await.map_err(failed)?;
    let has_record = |folder: &Path| Store::may_be_in(&database, &folder.join(&project.state_dir));
    let found = recorded.as_ref().map(|recorded| place::look(recorded, has_record));
    let standing = match (&recorded, found) {
        (Some(recorded), Some(found)) => standing(Some(recorded), &here, found),
        _ => Standing::AtHome,
    };
    let was = || recorded.as_ref().map(|place| place.path.clone()).unwrap_or_default();
    if standing == Standing::Copied && project.state_dir.is_absolute() {
        let message = format!(
            "the state folder is that of the project at `{}`, of which this is a copy",
            was()
        );
        return Err(RunError::new(STAGE, Cause::Busy, message)
            .hint("give this project a `state_dir` of its own in nightshift.toml"));
    }
    if access != Access::Read {
        settle(store, standing, (recorded.as_ref(), &here)).await?;
    }
    let doubt = match standing {
        Standing::Unsure(doubt) => Some((doubt, was())),
        _ => None,
    };
    let is_without_id = standing == Standing::Copied && access == Access::Read;
    let copy_of = is_without_id.then(was);
    let ids = store.project_ids().await.map_err(failed)?;
    let Some(since) = ids.first().map(|(_, since)| *since) else {
        let message = "the record does not say whose it is; this is a bug";
        return Err(RunError::new(STAGE, Cause::Other, message));
    };
    let ids = ids.into_iter().map(|(project, _)| project).collect();
    Ok(Identity { ids, since, doubt, copy_of })
}

async fn settle(
    store: &Store,
    standing: Standing,
    (recorded, here): (Option<&Place>, &Place),
) -> Result<(), RunError> {
    let failed = RunError::store(STAGE);
    match standing {
        Standing::AtHome if recorded == Some(here) => Ok(()),
        Standing::AtHome | Standing::Moved => {
            if standing == Standing::Moved {
                tracing::info!("the project was moved to `{}`", here.path);
            }
            store.settle_at(here).await.map_err(failed)
        }
        Standing::Copied => {
            tracing::info!("this project is a copy and gets an id of its own");
            store.settle_as_copy(here).await.map_err(failed)
        }
        Standing::Unsure(_) => Ok(()),
    }
}

/// Puts on record what somebody says the project at `project_dir` is.
pub async fn answer(store: &Store, project_dir: &Path, said: Answer) -> Result<(), RunError> {
    let here = place::of(project_dir).map_err(RunError::other(STAGE))?;
    let done = match said {
        Answer::Moved => store.settle_at(&here).await,
        Answer::Copied => store.settle_as_copy(&here).await,
    };
    done.map_err(RunError::store(STAGE))
}
