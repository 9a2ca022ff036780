//! The state is on a file system of this machine alone.
//!
//! All who use the database share memory beside its log. Processes of two machines cannot, so each would read and
//! overwrite what the other one does not know of; and not every such file system keeps locks and syncs what it
//! says. Whoever opens the database asks here first, to look at it as well.

use std::path::Path;

use crate::adapters::disk;
use crate::engine::error::{Cause, RunError};

const STAGE: &str = "open the project";

/// What to do about a state directory that other machines may write to.
pub const LOCAL_HINT: &str = "`state_dir` of `nightshift.toml` may name a folder on a disk of this machine, as in \
                              `\"/var/lib/nightshift/NAME\"`; models and scores may stay where they are read";

/// An error if `state_dir` is, or would be, on a file system that other machines may write to, or that a process
/// serves.
pub fn require_local(state_dir: &Path) -> Result<(), RunError> {
    require(state_dir, disk::shared_file_system(state_dir).map_err(RunError::other(STAGE))?)
}

fn require(state_dir: &Path, found: Option<&str>) -> Result<(), RunError> {
    let Some(name) = found else { return Ok(()) };
    let message = format!("`{}` is on {name}, wanted a local file system", state_dir.display());
    Err(RunError::new(STAGE, Cause::Job, message).hint(LOCAL_HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_others_may_write_to_is_refused_with_what_to_do() {
        let state = Path::new("/mnt/share/state");
        assert!(require(state, None).is_ok());
        let error = require(state, Some("NFS")).unwrap_err();
        assert_eq!(error.cause, Cause::Job);
        assert!(error.chain().contains("`/mnt/share/state` is on NFS"), "{}", error.chain());
        assert_eq!(error.hints, [LOCAL_HINT]);
    }

    #[test]
    fn a_state_that_is_not_there_yet_is_where_its_folder_would_be() {
        let folder = tempfile::tempdir().unwrap();
        assert!(require_local(&folder.path().join("not/yet/state")).is_ok());
    }
}
