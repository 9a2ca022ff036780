//! Why a command has no answer: what kind of remedy it needs, the causes, and what may help.
//!
//! Every lower error becomes a failure in one place, which chooses the kind; the kind chooses the exit
//! code. The chain of causes is printed here and nowhere else.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use crate::app::cli::diagnostic;
use crate::app::cli::terminal::Terminal;
use crate::app::exit::Exit;
use crate::app::render::json;
use crate::app::render::json::error::ErrorDocument;
use crate::app::render::text::format::counted;
use crate::app::render::text::{Paint, Tone, inline};
use crate::domain::identity::RunId;
use crate::domain::job::problem::Problem;
use crate::engine::error::{Cause, RunError};

/// What kind of remedy a failure needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Another command line.
    Usage,
    /// Another job file or configuration.
    Job,
    /// Other data.
    Data,
    /// Patience: somebody else owns the run.
    Busy,
    /// A look at the disk.
    Fsync,
    /// A backup.
    Damaged,
    /// A look at the causes, or a bug report.
    Internal,
    /// None: a signal ended the command.
    Signal(Exit),
}

/// Why a command has no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    source: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    run: Option<RunId>,
    problems: Vec<Problem>,
    sources: BTreeMap<String, Vec<u8>>,
}

/// The text of a failure.
#[derive(Debug)]
pub(crate) struct Told {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// A failure of `kind` by `source`.
    pub(crate) fn new(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            source: source.into(),
            hints: Vec::new(),
            run: None,
            problems: Vec::new(),
            sources: BTreeMap::new(),
        }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message.into())
    }

    /// Something that should have worked.
    pub(crate) fn internal(
        attempted: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Kind::Internal, Attempt { attempted: attempted.into(), source: source.into() })
    }

    /// Files with problems; `sources` are their bytes by name.
    pub(crate) fn problems(problems: Vec<Problem>, sources: BTreeMap<String, Vec<u8>>) -> Self {
        let number = u64::try_from(problems.len()).unwrap_or(u64::MAX);
        let message = format!("found {}", counted(number, "problem", "problems"));
        Self { problems, sources, ..Self::new(Kind::Job, message) }
            .hint("`nightshift explain CODE` says more about a problem")
    }

    /// A command that a signal ended.
    pub(crate) fn ended_by(exit: Exit) -> Self {
        let word = if exit == Exit::Interrupted { "interrupted" } else { "terminated" };
        Self::new(Kind::Signal(exit), format!("{word} before the end"))
            .hint("what was not committed is not visible; the next run of the job begins anew")
    }

    /// The same, with an action that may help.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What the process exits with.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind {
            Kind::Usage => Exit::Usage,
            Kind::Job => Exit::Job,
            Kind::Data | Kind::Internal => Exit::Failed,
            Kind::Busy => Exit::Busy,
            Kind::Fsync => Exit::Fsync,
            Kind::Damaged => Exit::Damaged,
            Kind::Signal(exit) => exit,
        }
    }

    /// The failure with its causes and hints, for people.
    pub(crate) fn to_text(&self, terminal: Terminal) -> String {
        let paint = Paint { color: terminal.color_err };
        let problems: Vec<&Problem> = self.problems.iter().collect();
        let mut out =
            diagnostic::render(&problems, &self.sources, terminal.width, terminal.color_err);
        out.push_str(&paint.tone(Tone::Bad, "error"));
        out.push_str(": ");
        out.push_str(&inline(&self.source.to_string()));
        out.push('\n');
        for cause in causes(&*self.source) {
            out.extend([format!("  cause: {}\n", inline(&cause))]);
        }
        for hint in self.all_hints() {
            out.extend([format!("{}: {}\n", paint.tone(Tone::Strong, "hint"), inline(&hint))]);
        }
        out
    }

    /// The failure as `nightshift.error/1`.
    pub(crate) fn to_json(&self) -> String {
        json::to_text(&self.document(&self.told()))
    }

    /// The failure and its causes on one line.
    pub(crate) fn line(&self) -> String {
        let mut out = self.source.to_string();
        for cause in causes(&*self.source) {
            out.push_str(": ");
            out.push_str(&cause);
        }
        out
    }

    /// What the failure says, as text that a document can borrow.
    pub(crate) fn told(&self) -> Told {
        Told {
            message: self.source.to_string(),
            causes: causes(&*self.source),
            hints: self.all_hints(),
        }
    }

    /// The failure as a document; `told` is its text.
    pub(crate) fn document<'a>(&'a self, told: &'a Told) -> ErrorDocument<'a> {
        let run = self.run.as_ref().map(RunId::as_str);
        ErrorDocument::new(self.word(), self.exit().code(), &told.message)
            .with_advice(&told.causes, &told.hints, run)
            .with_problems(&self.problems)
    }

    fn all_hints(&self) -> Vec<String> {
        let mut hints = self.hints.clone();
        hints.extend(self.run.as_ref().map(|run| format!("`nightshift logs {run}` has its log")));
        hints
    }

    fn word(&self) -> &'static str {
        match self.kind {
            Kind::Usage => "usage",
            Kind::Job => "job",
            Kind::Data => "data",
            Kind::Busy => "busy",
            Kind::Fsync => "fsync",
            Kind::Damaged => "damaged",
            Kind::Internal => "internal",
            Kind::Signal(Exit::Interrupted) => "interrupted",
            Kind::Signal(_) => "terminated",
        }
    }
}

impl From<RunError> for Failure {
    fn from(mut error: RunError) -> Self {
        let kind = match error.cause {
            Cause::Request => Kind::Usage,
            Cause::Job => Kind::Job,
            Cause::Data | Cause::Unsettled => Kind::Data,
            Cause::Busy => Kind::Busy,
            Cause::Fsync => Kind::Fsync,
            Cause::Damaged => Kind::Damaged,
            Cause::Other => Kind::Internal,
        };
        let hints = std::mem::take(&mut error.hints);
        let run = error.run.clone();
        Self { hints, run, ..Self::new(kind, error) }
    }
}

/// What was attempted, and why it did not work.
#[derive(Debug)]
struct Attempt {
    attempted: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attempted)
    }
}

impl Error for Attempt {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The causes of `error`, nearest first.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut out = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        out.push(error.to_string());
        cause = error.source();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::cli::terminal::Talk;

    const TERMINAL: Terminal =
        Terminal { color_out: false, color_err: false, width: 100, talk: Talk::Normal };

    fn disk_full() -> Failure {
        let source = std::io::Error::other("no space left on device");
        let run = RunId::parse("01k8z0000000000000000000zz");
        let error = RunError { run, ..RunError::new("commit", Cause::Other, source) };
        Failure::from(error.hint("free some space on the disk"))
    }

    #[test]
    fn the_chain_and_the_hints_are_told() {
        insta::assert_snapshot!(disk_full().to_text(TERMINAL), @r"
        error: failed to commit (run `01k8z0000000000000000000zz`)
          cause: no space left on device
        hint: free some space on the disk
        hint: `nightshift logs 01k8z0000000000000000000zz` has its log
        ");
    }

    #[test]
    fn json_has_the_fields_of_the_contract() {
        let found: serde_json::Value = serde_json::from_str(&disk_full().to_json()).unwrap();
        assert_eq!(found["schema"], "nightshift.error/1");
        assert_eq!(found["kind"], "internal");
        assert_eq!(found["exit_code"], 1);
        assert_eq!(found["causes"][0], "no space left on device");
        assert_eq!(found["hints"][0], "free some space on the disk");
        assert_eq!(found["run"], "01k8z0000000000000000000zz");
    }

    #[test]
    fn every_cause_has_its_exit_code() {
        for (cause, exit) in [
            (Cause::Request, Exit::Usage),
            (Cause::Job, Exit::Job),
            (Cause::Data, Exit::Failed),
            (Cause::Unsettled, Exit::Failed),
            (Cause::Busy, Exit::Busy),
            (Cause::Fsync, Exit::Fsync),
            (Cause::Damaged, Exit::Damaged),
            (Cause::Other, Exit::Failed),
        ] {
            assert_eq!(Failure::from(RunError::new("plan", cause, "x")).exit(), exit);
        }
        assert_eq!(Failure::ended_by(Exit::Interrupted).exit().code(), 130);
    }

    #[test]
    fn a_message_stays_on_its_line() {
        let text = Failure::usage("a\n\u{1b}[2Jb").to_text(TERMINAL);
        assert_eq!(text, "error: a\\n\\u{1b}[2Jb\n");
    }
}
