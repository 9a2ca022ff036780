//! Processes that execute runs: started, asked to end, ended, waited for.
//!
//! Each child leads a process group of its own, so that what it starts ends with it, and it is killed by
//! the kernel if the daemon dies. That promise is bound to the thread that started it, so one thread that
//! lives as long as the daemon starts them all. The environment of a child is an allow-list.

/// What a child does to itself before it begins.
pub mod confine;
/// Which variables a child has from its parent.
mod inherited;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::sync::oneshot;

use crate::adapters::failpoint;

/// The thread that starts children. It ends when this is dropped, and the kernel then kills the children.
/// Should it end before, by a panic, the next child gets a new one.
#[derive(Debug)]
pub struct Nursery {
    requests: mpsc::Sender<Request>,
}

/// A program to start, and where to say what came of it.
type Request = (Command, oneshot::Sender<io::Result<Started>>);

/// The id of a process, and where its end is told.
type Started = (u32, oneshot::Receiver<Ended>);

/// A child that was started.
#[derive(Debug)]
pub struct Running {
    group: Pid,
    ended: oneshot::Receiver<Ended>,
}

/// What is to be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that it has besides the inherited ones.
    pub variables: Vec<(&'static str, String)>,
}

/// How a child has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With an exit code.
    Exited(i32),
    /// By a signal.
    Killed(i32),
    /// Nobody can say: it could not be waited for.
    Unknown,
}

impl Nursery {
    /// Starts the thread.
    pub fn new() -> io::Result<Self> {
        let (requests, received) = mpsc::channel();
        thread::Builder::new().name("nursery".to_owned()).spawn(move || {
            // Ends when the sender is dropped, with the daemon.
            for request in received {
                let (mut command, answer): Request = request;
                // Whoever asked may be gone; the child then ends by itself, or with the daemon.
                let _sent = answer.send(start(&mut command));
            }
        })?;
        Ok(Self { requests })
    }

    /// Starts a program in a process group of its own. Its standard output is closed, its standard error is
    /// that of this process.
    pub async fn start(&mut self, program: &Program) -> io::Result<Running> {
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).env_clear();
        command.envs(inherited::inherited(std::env::vars_os())).envs(failpoint::of_child());
        command.envs(program.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        let gone = || io::Error::other("the thread that starts processes has ended");
        let (answer, started) = oneshot::channel();
        if let Err(mpsc::SendError(request)) = self.requests.send((command, answer)) {
            *self = Self::new()?;
            self.requests.send(request).map_err(|_| gone())?;
        }
        let (pid, ended) = started.await.map_err(|_| gone())??;
        let group = group_of(pid).ok_or_else(gone)?;
        Ok(Running { group, ended })
    }
}

/// Starts a child, and a thread that waits for its end.
fn start(command: &mut Command) -> io::Result<Started> {
    failpoint::reach("spawn.before_fork")?;
    let child: Child = command.spawn()?;
    let pid = child.id();
    let waiting = failpoint::reach("spawn.after_fork").and_then(|()| wait(child));
    if waiting.is_err()
        && let Some(group) = group_of(pid)
    {
        // Nobody would know of it.
        let _sent = kill_process_group(group, Signal::KILL);
    }
    Ok((pid, waiting?))
}

/// Starts a thread that waits for the end of `child`, and tells it.
fn wait(mut child: Child) -> io::Result<oneshot::Receiver<Ended>> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new().name("wait".to_owned()).stack_size(64 << 10).spawn(move || {
        let status = child.wait();
        let _told = tell.send(status.map_or(Ended::Unknown, Ended::of));
    })?;
    Ok(ended)
}

fn group_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

impl Running {
    /// The id of the process, which is that of its group.
    pub fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> Ended {
        (&mut self.ended).await.unwrap_or(Ended::Unknown)
    }

    /// Asks the process and those that it has started to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the process and those that it has started.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone needs no signal; nothing else can go wrong with a group of our own.
        let _sent = kill_process_group(self.group, signal);
    }
}

/// How this process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// After it has put things in order.
    Asked,
    /// At once.
    Forced,
}

/// Ends this process, the way one that has started it would. The only process that is signalled without having
/// been started by us: an id that was read somewhere may be another process by now, or one of another namespace.
pub fn end_self(parting: Parting) {
    let signal = match parting {
        Parting::Asked => Signal::TERM,
        Parting::Forced => Signal::KILL,
    };
    // To oneself it cannot fail.
    let _sent = kill_process(rustix::process::getpid(), signal);
    if parting == Parting::Forced {
        // The first process of a namespace, as in a container, does not hear that signal from within.
        std::process::abort();
    }
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Killed(signal),
            (None, None) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn shell(script: &str) -> Program {
        Program {
            path: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            variables: vec![("RAYON_NUM_THREADS", "1".to_owned())],
        }
    }

    #[tokio::test]
    async fn a_child_is_waited_for() {
        let mut nursery = Nursery::new().unwrap();
        let mut child = nursery.start(&shell("exit 7")).await.unwrap();
        assert_eq!(child.ended().await, Ended::Exited(7));
        let mut child = nursery
            .start(&shell("test \"$RAYON_NUM_THREADS\" = 1 && test -z \"$CARGO\""))
            .await
            .unwrap();
        assert_eq!(child.ended().await, Ended::Exited(0));
        let missing = Program { path: PathBuf::from("/nothing/here"), ..shell("") };
        assert!(nursery.start(&missing).await.is_err());
    }

    #[tokio::test]
    async fn a_thread_that_is_gone_is_replaced() {
        let mut nursery = Nursery { requests: mpsc::channel().0 };
        let mut child = nursery.start(&shell("exit 7")).await.unwrap();
        assert_eq!(child.ended().await, Ended::Exited(7));
    }

    #[tokio::test]
    async fn a_group_ends_as_a_whole() {
        let mut nursery = Nursery::new().unwrap();
        let mut child =
            nursery.start(&shell("trap '' TERM; sleep 100 & wait; sleep 100")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        child.terminate();
        child.kill();
        assert_eq!(child.ended().await, Ended::Killed(9));
        has_ended(child.group).await;
    }

    #[tokio::test]
    async fn a_group_that_goes_on_forking_ends_as_a_whole() {
        let mut nursery = Nursery::new().unwrap();
        let forking = "trap '' TERM
            grow() { sleep 100 & [ $1 = 0 ] || { grow $(($1 - 1)) & grow $(($1 - 1)) & }; wait; }
            grow 6";
        // From the first fork to the last of some 250.
        for milliseconds in [1, 5, 20, 60, 300] {
            let mut child = nursery.start(&shell(forking)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            child.kill();
            assert_eq!(child.ended().await, Ended::Killed(9));
            has_ended(child.group).await;
        }
    }

    /// Grandchildren are ended too; it may take the kernel a moment.
    async fn has_ended(group: Pid) {
        for _ in 0..100 {
            if rustix::process::test_kill_process_group(group).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("a process of the group lives on");
    }
}
