//! Reloads without being asked, where `daemon.reload_on_change` wants it so.
//!
//! The folder of the jobs is watched; half a second after the last change of a job file they are read again. A
//! file with a problem leaves everything as it is, and so does a job that is gone: a folder that is being copied,
//! or mounted, looks like that for a while, and what a reload gives up does not come back.

use std::time::{Duration, Instant};

use crate::adapters::folder_watch::FolderWatch;
use crate::engine::world::World;

/// An editor, and whoever updates many files at once, needs this long between two changes.
const PAUSE: Duration = Duration::from_millis(500);

/// The folder of the job files.
pub(super) struct Edits {
    watch: Option<FolderWatch>,
    /// Whether it has been told that the folder cannot be watched.
    is_told: bool,
    /// Whether they could not be read when they were to be.
    is_due: bool,
}

impl Edits {
    /// Watches from now on, if the project wants it.
    pub(super) fn new(world: &World) -> Self {
        let folder = world.project_dir.join(&world.project.jobs_dir);
        let is_wanted = world.project.daemon.reload_on_change;
        let watch = is_wanted.then(|| FolderWatch::new(folder, "toml"));
        Self { watch, is_told: false, is_due: false }
    }

    /// They could not be read: that is tried again at the next beat.
    pub(super) fn try_again(&mut self) {
        self.is_due = true;
    }

    /// Whether job files were changed and are to be read again. What cannot be watched is told once, and tried
    /// again at each beat.
    pub(super) fn are_to_be_read(&mut self) -> bool {
        let Some(watch) = &mut self.watch else { return false };
        match watch.has_settled(Instant::now(), PAUSE) {
            Ok(has_settled) => {
                self.is_told = false;
                std::mem::take(&mut self.is_due) || has_settled
            }
            Err(error) => {
                if !self.is_told {
                    tracing::error!(
                        error = %error,
                        "the folder of the jobs is not watched; `nightshift reload` works as ever"
                    );
                }
                self.is_told = true;
                false
            }
        }
    }
}
