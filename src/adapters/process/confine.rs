//! What a child does to itself before it begins: it dies with its parent, and it has limits of memory, of
//! processor time, and of open files.
//!
//! Done by the child and not between fork and exec, where hardly anything is safe. The parent may have
//! died before the kernel was asked, so the child looks who its parent is afterwards.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// Why a child must not begin.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The process that started it is gone.
    #[error("process {wanted} has started this one and is gone")]
    Orphaned {
        /// Who started it.
        wanted: i32,
    },
    /// The kernel refused.
    #[error("failed to {action}")]
    Refused {
        /// What was asked.
        action: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// What a child may use at most; `None` is as much as its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Private memory, in bytes.
    pub memory: Option<u64>,
    /// Processor time of all its threads together, in seconds.
    pub cpu_seconds: Option<u64>,
}

/// Lets this process die with `parent`, which has started it, and use no more than `most` says.
///
/// A daemon ends a run that takes too long. One that is stopped, or waits for a disk, cannot: then the kernel
/// does, when the processor time is used up (`RLIMIT_CPU`, signal 24). Files may be opened as many as the
/// kernel allows this process: a table may have thousands of parts, and the usual limit is there for `select`.
///
/// The limit is that of private memory (`RLIMIT_DATA`): input files that are mapped do not count. What an
/// allocator has reserved before does, with some a gigabyte, so the program begins again under the limit.
pub fn confine(parent: i32, most: Most) -> Result<(), ConfineError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused("follow the parent"))?;
    if getppid().map(Pid::as_raw_nonzero).is_none_or(|found| found.get() != parent) {
        return Err(ConfineError::Orphaned { wanted: parent });
    }
    allow_files()?;
    if let Some(seconds) = most.cpu_seconds {
        limit(Resource::Cpu, seconds, "limit the processor time")?;
    }
    match most.memory {
        Some(bytes) if limit(Resource::Data, bytes, "limit the memory")? => {
            let error = Command::new("/proc/self/exe").args(std::env::args_os().skip(1)).exec();
            Err(ConfineError::Refused { action: "begin again under the limit", source: error })
        }
        Some(_) => {
            panic_in_brief();
            Ok(())
        }
        None => Ok(()),
    }
}

/// Lets a panic be told in one line from now on. A backtrace takes memory; where there is none left, the thread
/// that prints it would wait for ever for a lock that it holds itself.
fn panic_in_brief() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        // There is nobody else to tell.
        let _told = writeln!(io::stderr(), "thread `{name}` {panic}");
    }));
}

/// Limits what `resource` is to `most`; false if it was limited so already.
fn limit(resource: Resource, most: u64, action: &'static str) -> Result<bool, ConfineError> {
    let found = getrlimit(resource);
    let wanted = found.maximum.map_or(most, |allowed| allowed.min(most));
    if found.current == Some(wanted) {
        return Ok(false);
    }
    let limit = Rlimit { current: Some(wanted), maximum: found.maximum };
    setrlimit(resource, limit).map_err(refused(action))?;
    Ok(true)
}

/// Lets this process open as many files as it may.
fn allow_files() -> Result<(), ConfineError> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .map_err(refused("raise the limit of open files"))
}

fn refused(action: &'static str) -> impl Fn(rustix::io::Errno) -> ConfineError {
    move |source| ConfineError::Refused { action, source: source.into() }
}
