//! What the suite asks of whoever runs it, and what it tells them.
//!
//! A test that could run for an hour does a short version of itself, and reads from a variable how much more
//! is wanted. Its figures are shown although it passes.

use std::io::Write as _;
use std::str::FromStr;

/// The number that a variable holds; `None` if it is not set.
#[track_caller]
pub(crate) fn asked<N: FromStr>(variable: &str) -> Option<N> {
    #[expect(clippy::disallowed_methods, reason = "the suite's own switch, not the program's")]
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

/// Says that the running test passes without having looked, and why. Who may do so is listed in
/// `tests/it/tidy/skips.rs`.
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    say(&format!("skipped: {}: {why}", thread.name().unwrap_or("?")));
}

/// Writes a line to standard error. Not `eprintln`: the harness would keep that of a test that passes to itself.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
