//! What a child does to itself before it begins: it dies with its parent, and it has limits.
//!
//! Done by the child and not between fork and exec, where hardly anything is safe. The parent may have
//! died before the kernel was asked, so the child looks who its parent is afterwards.

use std::io;
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

/// Lets this process die with `parent`, which has started it, and allocate no more than `memory_max` bytes.
///
/// The limit is that of private memory (`RLIMIT_DATA`): input files that are mapped do not count. What an
/// allocator has reserved before does, a gigabyte already, so the program begins again under the limit.
pub fn confine(parent: i32, memory_max: Option<u64>) -> Result<(), ConfineError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused("follow the parent"))?;
    if getppid().map(Pid::as_raw_nonzero).is_none_or(|found| found.get() != parent) {
        return Err(ConfineError::Orphaned { wanted: parent });
    }
    match memory_max {
        Some(bytes) if limit_memory(bytes)? => {
            let error = Command::new("/proc/self/exe").args(std::env::args_os().skip(1)).exec();
            Err(ConfineError::Refused { action: "begin again under the limit", source: error })
        }
        _ => Ok(()),
    }
}

/// Limits private memory; false if it was limited so already.
fn limit_memory(bytes: u64) -> Result<bool, ConfineError> {
    let found = getrlimit(Resource::Data);
    let wanted = found.maximum.map_or(bytes, |most| most.min(bytes));
    if found.current == Some(wanted) {
        return Ok(false);
    }
    let limit = Rlimit { current: Some(wanted), maximum: found.maximum };
    setrlimit(Resource::Data, limit).map_err(refused("limit the memory"))?;
    Ok(true)
}

fn refused(action: &'static str) -> impl Fn(rustix::io::Errno) -> ConfineError {
    move |source| ConfineError::Refused { action, source: source.into() }
}
