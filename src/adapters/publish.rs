//! From staged files to published ones: whoever lists the folder of a tick sees one revision.
//!
//! A run writes into a staging folder of its own beside the output it publishes to, and seals it. When its
//! intent is on record, the folder of its rows takes the place of the one before in one system call, the
//! manifest follows, and what came out is set aside. Recovery looks where it stopped and goes on from there, as
//! often as needed.
//!
//! Invariant: nothing outside the root is read, written or deleted, no symbolic link is followed on the way,
//! and what is not ours stays where readers find it. What is published, and when, is the caller's to say.

/// What came out of its place.
mod aside;
/// Folders and files that stay after a loss of power, below a root that nothing leaves.
mod durable;
/// Two folders that change places at once.
mod exchange;
/// What lies in the folder of a tick, and whose it is.
mod folder;
/// Runs that an earlier version had begun to publish, file by file.
mod former;
/// The folder of rows in its place, and the manifest after it.
mod place;
/// The folder that a run writes into.
mod staging;

use std::io;
use std::path::{Path, PathBuf};

pub use self::aside::{Aside, remove_superseded, retire, set_aside, superseded};
pub use self::exchange::{Exchange, can_exchange};
pub use self::folder::{Contents, FolderOwner, contents, maker_of, owner};
pub use self::former::{
    FormerStage, Placement, former_stages, place_all, remove_files, remove_former,
};
pub use self::place::{Look, Piece, Publication, publish};
pub use self::staging::{ROWS, Staged, Staging, StagingName};

use crate::domain::layout::TickFolder;

/// Where a run publishes: absolute folders below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The root, which nothing leaves.
    pub root: PathBuf,
    /// The output above every tick's rows.
    pub output: PathBuf,
    /// The rows of the tick.
    pub rows: PathBuf,
    /// The folder beside the output.
    pub companion: PathBuf,
    /// What belongs to the tick and is not a published row.
    pub beside: PathBuf,
}

impl Site {
    /// The folders of `folder`, whose root is at `root`.
    pub fn new(root: &Path, folder: &TickFolder) -> Self {
        Self {
            root: root.to_owned(),
            output: root.join(folder.output().path),
            rows: root.join(folder.rows().path),
            companion: root.join(folder.companion().path),
            beside: root.join(folder.beside().path),
        }
    }

    fn stage(&self) -> PathBuf {
        self.companion.join("stage")
    }

    fn superseded(&self) -> PathBuf {
        self.companion.join("superseded")
    }
}

/// What can go wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A path leaves the root.
    #[error("path `{path}` is not below `{root}`, wanted one that is")]
    Outside {
        /// The path.
        path: PathBuf,
        /// The root.
        root: PathBuf,
    },
    /// Something stands on the way that is neither a folder nor a regular file.
    #[error("`{path}` is {found}, wanted {wanted}")]
    Unexpected {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What should be.
        wanted: &'static str,
    },
    /// A folder and the one beside it are on two file systems, so that nothing can be renamed between them.
    #[error(
        "output_split: `{output}` and `{companion}` are on two file systems; write to a folder below `{output}`"
    )]
    Split {
        /// The output.
        output: PathBuf,
        /// The folder beside it.
        companion: PathBuf,
    },
    /// A file does not have the content on record, neither staged nor published.
    #[error("file `{path}` is not the one on record: wanted {wanted}, found {found}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Hash or size on record.
        wanted: String,
        /// Hash or size of what is there, or that nothing is.
        found: String,
    },
    /// The folder of a tick has become another project's since the run looked.
    #[error("`{path}` is the manifest of another project, so its folder is left as it is")]
    Foreign {
        /// The manifest.
        path: PathBuf,
    },
    /// The disk did not confirm a write. What is on it is not known.
    #[error("failed to write `{path}` to the disk: it did not confirm the write")]
    Fsync {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("failed to {action} `{path}`")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
mod tests;
