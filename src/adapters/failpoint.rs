//! Named points in the code at which a test lets the program fail, to see what becomes of it.
//!
//! Without the cargo feature `failpoints` there is nothing here: each call is an empty function. With it,
//! the variable `FAILPOINTS` says what happens where, in the grammar of the crate `fail`, for instance
//! `commit.after_a=return(kill);plan.before_txn=1*return(eio)`. Children of the daemon have what
//! `NIGHTSHIFT_CHILD_FAILPOINTS` says if it is set, and `FAILPOINTS` otherwise. Each point that is passed,
//! and each that did something, is a line in the file that `NIGHTSHIFT_FAILPOINTS_LOG` names.
//!
//! Other adapters may use this one, which is a test's hand in all of them; it knows none of them. The list
//! of all points is in `tests/it/tidy/failpoints.rs`.

use std::io;

/// Comes to the point `name`. An error is to be treated as the kernel's, there where the point is.
#[cfg(feature = "failpoints")]
pub fn reach(name: &'static str) -> io::Result<()> {
    armed::note("reached", name, "");
    fail::fail_point!(name, |action| armed::act(name, action.as_deref()));
    Ok(())
}

/// Comes to a point, which does nothing.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_name: &'static str) -> io::Result<()> {
    Ok(())
}

/// Comes to the point `name` where nothing can be reported: an error has no effect there.
#[inline]
pub fn pass(name: &'static str) {
    let _no_error_here = reach(name);
}

/// Reads from the environment what is to happen at which point. To be called once, before anything else.
pub fn arm() {
    #[cfg(feature = "failpoints")]
    // Its end would disarm every point.
    std::mem::forget(fail::FailScenario::setup());
}

/// What a child of this process has as `FAILPOINTS`.
pub fn of_child() -> Option<(&'static str, std::ffi::OsString)> {
    #[cfg(feature = "failpoints")]
    return armed::variable("NIGHTSHIFT_CHILD_FAILPOINTS")
        .or_else(|| armed::variable("FAILPOINTS"))
        .map(|points| ("FAILPOINTS", points));
    #[cfg(not(feature = "failpoints"))]
    None
}

/// What only a program that is made to fail needs.
#[cfg(feature = "failpoints")]
mod armed {
    use std::ffi::OsString;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    /// Does what `return(ACTION)` asks for.
    pub(super) fn act(name: &str, action: Option<&str>) -> io::Result<()> {
        let action = action.unwrap_or_default();
        note("hit", name, action);
        match action {
            "eio" => Err(Errno::IO.into()),
            "enospc" => Err(Errno::NOSPC.into()),
            "panic" => panic!("the fail point `{name}` says so"),
            "abort" => std::process::abort(),
            "kill" => kill(),
            "sleep" => {
                std::thread::sleep(Duration::from_secs(1));
                Ok(())
            }
            "stop" => {
                // Goes on when somebody sends it SIGCONT.
                kill_process(getpid(), Signal::STOP)?;
                Ok(())
            }
            "" => Ok(()),
            other => panic!("fail point `{name}` has no action `{other}`"),
        }
    }

    fn kill() -> ! {
        loop {
            // Deadly before this process does anything else; the loop is for the compiler.
            let _sent = kill_process(getpid(), Signal::KILL);
        }
    }

    /// Writes a line that stays when this process is killed.
    pub(super) fn note(what: &str, name: &str, action: &str) {
        let Some(path) = variable("NIGHTSHIFT_FAILPOINTS_LOG") else { return };
        let line = format!("{what} {name} {} {action}\n", std::process::id());
        // At once, so that lines of several processes do not mix.
        let file = OpenOptions::new().append(true).create(true).open(path);
        let _written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    pub(super) fn variable(name: &str) -> Option<OsString> {
        #[expect(clippy::disallowed_methods, reason = "a switch of the test suite")]
        std::env::var_os(name)
    }
}
