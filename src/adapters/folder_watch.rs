//! Whether files of a folder have changed, by inotify.
//!
//! The folder is watched and not its files: an editor replaces a file, and a mounted `ConfigMap` the link behind
//! all of them. A file that is reached through a link of its own is changed unseen.

use std::io;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// A folder that is watched, or is to be as soon as it can be.
#[derive(Debug)]
pub struct FolderWatch {
    folder: PathBuf,
    extension: &'static str,
    events: Option<OwnedFd>,
    changed: Option<Instant>,
}

impl FolderWatch {
    /// Watches the files of `folder` whose names end with `.extension` from now on.
    pub fn new(folder: PathBuf, extension: &'static str) -> Self {
        let events = begin(&folder).ok();
        Self { folder, extension, events, changed: None }
    }

    /// Whether something has changed since this last said so, and nothing for `pause` before `now`. Waits for
    /// nothing.
    ///
    /// A folder that is gone has not changed: that is an error until it is there again, which is a change.
    pub fn has_settled(&mut self, now: Instant, pause: Duration) -> io::Result<bool> {
        if let Some(events) = &self.events {
            match read(events, self.extension)? {
                News::None => {}
                News::Changed => self.changed = Some(now),
                News::Lost => self.events = None,
            }
        }
        if self.events.is_none() {
            self.events = Some(begin(&self.folder)?);
            self.changed = Some(now);
        }
        let has_settled = self.changed.is_some_and(|at| now.duration_since(at) >= pause);
        if has_settled {
            self.changed = None;
        }
        Ok(has_settled)
    }
}

/// What the events since the last look say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    None,
    Changed,
    /// The folder is not watched any more.
    Lost,
}

fn begin(folder: &Path) -> io::Result<OwnedFd> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let wanted = WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::DELETE
        | WatchFlags::MOVE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    inotify::add_watch(&events, folder, wanted)?;
    Ok(events)
}

fn read(events: &OwnedFd, extension: &str) -> io::Result<News> {
    const LOST: ReadFlags = ReadFlags::IGNORED
        .union(ReadFlags::DELETE_SELF)
        .union(ReadFlags::MOVE_SELF)
        .union(ReadFlags::UNMOUNT);
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(events, &mut buffer);
    let mut out = News::None;
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::AGAIN) => return Ok(out),
            Err(error) => return Err(error.into()),
        };
        let name = event.file_name().map(|name| name.to_string_lossy());
        out = out.max(if event.events().intersects(LOST) {
            News::Lost
        } else if event.events().contains(ReadFlags::QUEUE_OVERFLOW)
            || name.is_some_and(|name| is_meant(&name, extension))
        {
            News::Changed
        } else {
            News::None
        });
    }
}

/// Whether a change of `name` may be one of a file that is meant. Behind `..data` are all files of a `ConfigMap`.
fn is_meant(name: &str, extension: &str) -> bool {
    let is_visible = !name.starts_with('.');
    let of_extension = name.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.'));
    (is_visible && of_extension) || name == "..data"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder, and whether `change` of it is noticed.
    #[track_caller]
    fn check(change: impl FnOnce(&Path), expect: bool) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("jobs");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("old.toml"), "").unwrap();
        let mut watch = FolderWatch::new(folder.clone(), "toml");
        change(&folder);
        let pause = Duration::from_millis(500);
        let now = Instant::now();
        assert!(!watch.has_settled(now, pause).unwrap(), "told at once");
        assert_eq!(watch.has_settled(now + pause, pause).unwrap(), expect);
        assert!(!watch.has_settled(now + pause * 3, pause).unwrap(), "told twice");
    }

    #[test]
    fn changes_of_files_that_are_meant_are_noticed() {
        check(|_| {}, false);
        check(|folder| fs::write(folder.join("old.toml"), "x").unwrap(), true);
        check(|folder| fs::write(folder.join("new.toml"), "x").unwrap(), true);
        check(|folder| fs::remove_file(folder.join("old.toml")).unwrap(), true);
        check(|folder| symlink("elsewhere", folder.join("new.toml")).unwrap(), true);
        check(|folder| symlink("elsewhere", folder.join("..data")).unwrap(), true);
        for other in [".old.toml.swp", ".hidden.toml", "old.toml~", "toml", "4913"] {
            check(|folder| fs::write(folder.join(other), "x").unwrap(), false);
        }
        check(|folder| drop(fs::read(folder.join("old.toml")).unwrap()), false);
    }

    #[test]
    fn it_waits_until_nothing_changes_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = FolderWatch::new(folder.path().to_owned(), "toml");
        let (begin, pause) = (Instant::now(), Duration::from_millis(500));
        for step in 0..5 {
            fs::write(folder.path().join("a.toml"), step.to_string()).unwrap();
            assert!(!watch.has_settled(begin + pause / 2 * step, pause).unwrap(), "{step}");
        }
        assert!(watch.has_settled(begin + pause * 3, pause).unwrap());
    }

    #[test]
    fn a_folder_that_comes_back_has_changed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("jobs");
        let (now, pause) = (Instant::now(), Duration::from_millis(500));
        let mut watch = FolderWatch::new(folder.clone(), "toml");
        assert!(watch.has_settled(now, pause).is_err(), "there is none yet");
        for round in 1..3 {
            fs::create_dir(&folder).unwrap();
            assert!(!watch.has_settled(now + pause * round * 2, pause).unwrap());
            assert!(watch.has_settled(now + pause * (round * 2 + 1), pause).unwrap());
            fs::remove_dir(&folder).unwrap();
            assert!(watch.has_settled(now + pause * (round * 2 + 1), pause).is_err());
        }
    }
}
