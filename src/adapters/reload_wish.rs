//! The wish of a command that the daemon reads the job files again, and the answer: a file each, in the folder
//! `reload` of the state directory.
//!
//! Files, since both sides see them wherever they run: a signal needs the id of a process, which means another
//! process in another namespace. Whoever asks makes `NAME.wish` and waits for `NAME.answer`; the daemon takes the
//! wish away before it answers, so that nothing is answered that nobody waits for. Both files are removed by
//! whoever asked.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where the files are within a state directory.
const FOLDER: &str = "reload";

/// Most wishes that are answered at a time; the others wait for the next look.
const WISHES_MAX: usize = 100;

/// Most names that are tried for a wish.
const NAMES_MAX: u32 = 1_000;

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadAnswer {
    /// So many jobs are followed, as their files are now.
    Followed(usize),
    /// The jobs of before are followed: this is wrong with the files.
    Refused(Vec<String>),
    /// The jobs of before are followed: this went wrong.
    Failed(String),
}

/// A wish that was made here, until this is dropped.
#[derive(Debug)]
pub struct OwnWish {
    wish: PathBuf,
    answer: PathBuf,
}

/// A wish that somebody has made.
#[derive(Debug)]
pub struct OthersWish {
    wish: PathBuf,
}

impl OwnWish {
    /// Asks the daemon of `state_dir`.
    pub fn new(state_dir: &Path) -> io::Result<Self> {
        let folder = state_dir.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o750).create(&folder)?;
        for number in 0..NAMES_MAX {
            let name = format!("{}-{number}", std::process::id());
            let wish = folder.join(format!("{name}.wish"));
            let answer = folder.join(format!("{name}.answer"));
            // Somebody else's, or one that was left.
            if answer.symlink_metadata().is_ok() {
                continue;
            }
            match OpenOptions::new().write(true).create_new(true).mode(0o640).open(&wish) {
                Ok(_) => return Ok(Self { wish, answer }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("`{}` is full of wishes that nobody takes", folder.display())))
    }

    /// The answer, once there is one.
    pub fn answer(&self) -> io::Result<Option<ReloadAnswer>> {
        match fs::read(&self.answer) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for OwnWish {
    fn drop(&mut self) {
        for path in [&self.wish, &self.answer] {
            let _removed = fs::remove_file(path);
        }
    }
}

impl OthersWish {
    /// Every wish that waits for the daemon of `state_dir`.
    pub fn all(state_dir: &Path) -> io::Result<Vec<Self>> {
        let is_wish = |path: &PathBuf| path.extension() == Some(OsStr::new("wish"));
        let found = paths(&state_dir.join(FOLDER))?;
        Ok(found.into_iter().filter(is_wish).take(WISHES_MAX).map(|wish| Self { wish }).collect())
    }

    /// Answers it, unless nobody waits for that any more.
    pub fn answer(self, answer: &ReloadAnswer) -> io::Result<()> {
        match fs::remove_file(&self.wish) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let folder = self.wish.parent().unwrap_or(Path::new(""));
        // Never half-written where it is looked for.
        let mut file = tempfile::Builder::new()
            .prefix(".answer-")
            .permissions(Permissions::from_mode(0o640))
            .tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(answer)?)?;
        file.persist(self.wish.with_extension("answer")).map(|_| ()).map_err(Into::into)
    }

    /// Removes answers that nobody has read, and what a killed daemon has left. For a daemon that begins.
    pub fn clear_answers(state_dir: &Path) -> io::Result<()> {
        for path in paths(&state_dir.join(FOLDER))? {
            if path.extension() != Some(OsStr::new("wish")) {
                // Whoever waited for it may have removed it.
                let _removed = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

/// The files of `folder`; none if it is not there.
fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries.map(|entry| entry.map(|entry| entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(state: &Path) -> usize {
        paths(&state.join(FOLDER)).unwrap().len()
    }

    #[test]
    fn each_wish_gets_its_answer_and_leaves_nothing() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(OthersWish::all(state.path()).unwrap().len(), 0);
        let asked = [OwnWish::new(state.path()).unwrap(), OwnWish::new(state.path()).unwrap()];
        assert_eq!(asked[0].answer().unwrap(), None);
        let answer = ReloadAnswer::Refused(vec!["a.toml:1:1: no".to_owned()]);
        for wish in OthersWish::all(state.path()).unwrap() {
            wish.answer(&answer).unwrap();
        }
        for own in &asked {
            assert_eq!(own.answer().unwrap(), Some(answer.clone()));
        }
        assert_eq!(OthersWish::all(state.path()).unwrap().len(), 0);
        drop(asked);
        assert_eq!(count(state.path()), 0);
    }

    #[test]
    fn what_nobody_waits_for_is_not_answered() {
        let state = tempfile::tempdir().unwrap();
        let own = OwnWish::new(state.path()).unwrap();
        let mut wishes = OthersWish::all(state.path()).unwrap();
        drop(own);
        wishes.pop().unwrap().answer(&ReloadAnswer::Followed(1)).unwrap();
        assert_eq!(count(state.path()), 0);
    }

    #[test]
    fn an_answer_that_was_left_is_nobody_elses() {
        let state = tempfile::tempdir().unwrap();
        let own = OwnWish::new(state.path()).unwrap();
        OthersWish::all(state.path())
            .unwrap()
            .pop()
            .unwrap()
            .answer(&ReloadAnswer::Followed(1))
            .unwrap();
        // Its command was killed.
        std::mem::forget(own);
        assert_eq!(OwnWish::new(state.path()).unwrap().answer().unwrap(), None);
        OthersWish::clear_answers(state.path()).unwrap();
        assert_eq!(count(state.path()), 0);
    }
}
