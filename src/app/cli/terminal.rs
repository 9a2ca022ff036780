//! The only place that writes to standard output and standard error.
//!
//! Decides colour and width, keeps control characters of other people's data away from the terminal,
//! and treats a closed pipe as a reader who has seen enough: no error, no noise.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::adapters::env::{ColorWish, Environment};
use crate::app::render::text::safe;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set; everywhere if `CLICOLOR_FORCE` is
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Talk {
    /// Errors only.
    Quiet,
    /// Errors, warnings and what to do next.
    Normal,
    /// The log as well.
    Verbose,
    /// The log with details.
    Debug,
}

/// Where output goes and what it may look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Whether standard output takes colour.
    pub(crate) color_out: bool,
    /// Whether standard error takes colour.
    pub(crate) color_err: bool,
    /// How many columns text may take.
    pub(crate) width: usize,
    /// How much is said on standard error.
    pub(crate) talk: Talk,
}

impl Terminal {
    const WIDTH_DEFAULT: usize = 100;
    /// Narrower than this, wrapping makes text less readable, not more.
    const WIDTH_MIN: usize = 40;

    /// What the environment and the flags make of the terminal.
    pub(crate) fn new(environment: &Environment, choice: ColorChoice, talk: Talk) -> Self {
        let width = environment.columns.map_or(Self::WIDTH_DEFAULT, usize::from);
        let wish = environment.color;
        Self {
            color_out: wants_color(choice, wish, io::stdout().is_terminal()),
            color_err: wants_color(choice, wish, io::stderr().is_terminal()),
            width: width.max(Self::WIDTH_MIN),
            talk,
        }
    }

    /// Whether somebody is there to see progress.
    pub(crate) fn is_watched(self) -> bool {
        self.talk > Talk::Quiet && io::stderr().is_terminal()
    }

    /// Says something on standard error, unless asked to be quiet.
    pub(crate) fn say(self, text: &str) {
        if self.talk > Talk::Quiet {
            complain(text);
        }
    }
}

/// Writes the data of a command to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    forgive_closed_pipe(write_lines(&mut out, text))
}

/// Says something on standard error that must be said. If even that fails, nobody can be told.
pub(crate) fn complain(text: &str) {
    let mut err = io::stderr().lock();
    drop(write_lines(&mut err, text));
}

/// The same, for at most a second: whoever collects standard error may have stopped to read it.
pub(crate) fn complain_briefly(text: &str) {
    let (told, is_told) = mpsc::channel();
    let copy = text.to_owned();
    let telling = thread::Builder::new().name("complaint".to_owned()).spawn(move || {
        complain(&copy);
        let _nobody_waits = told.send(());
    });
    if telling.is_ok() {
        let _too_late = is_told.recv_timeout(Duration::from_secs(1));
    } else {
        complain(text);
    }
}

/// Whether somebody is there to answer a question.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered by `y` or `yes`; anything else is a no.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    let mut err = io::stderr().lock();
    write!(err, "{} [y/N] ", safe(question))?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn write_lines(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    out.write_all(safe(text).as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn forgive_closed_pipe(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A flag beats the environment, which beats what the output is.
fn wants_color(choice: ColorChoice, wish: ColorWish, is_terminal: bool) -> bool {
    match (choice, wish) {
        (ColorChoice::Always, _) | (ColorChoice::Auto, ColorWish::Always) => true,
        (ColorChoice::Never, _) | (ColorChoice::Auto, ColorWish::Never) => false,
        (ColorChoice::Auto, ColorWish::Auto) => is_terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(io::ErrorKind);

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_forgiven() {
        let write = |kind| forgive_closed_pipe(write_lines(&mut Closed(kind), "text"));
        assert!(write(io::ErrorKind::BrokenPipe).is_ok());
        assert!(write(io::ErrorKind::StorageFull).is_err());
    }

    #[test]
    fn text_ends_in_one_line_break() {
        for (text, wanted) in [("", ""), ("a", "a\n"), ("a\n", "a\n")] {
            let mut out = Vec::new();
            write_lines(&mut out, text).unwrap();
            assert_eq!(out, wanted.as_bytes());
        }
    }

    #[test]
    fn a_flag_beats_the_environment() {
        use ColorChoice::{Always, Auto, Never};
        for (choice, wish, is_terminal, wanted) in [
            (Always, ColorWish::Never, false, true),
            (Never, ColorWish::Always, true, false),
            (Auto, ColorWish::Never, true, false),
            (Auto, ColorWish::Always, false, true),
            (Auto, ColorWish::Auto, true, true),
            (Auto, ColorWish::Auto, false, false),
        ] {
            assert_eq!(wants_color(choice, wish, is_terminal), wanted, "{choice:?} {wish:?}");
        }
    }
}
