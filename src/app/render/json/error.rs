//! `nightshift.error/1`: what stands on standard output where a command failed.

use serde::Serialize;

use crate::app::render::json::validate::ProblemDocument;
use crate::domain::job::problem::Problem;

/// An error with its causes and with what may help.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDocument<'a> {
    schema: &'static str,
    /// What kind of remedy it needs: `usage`, `job`, `data`, `busy`, `fsync`, `damaged`, `internal`,
    /// `interrupted`.
    kind: &'static str,
    /// What the process exits with.
    exit_code: u8,
    /// What was attempted, and on what.
    message: &'a str,
    /// From the nearest cause to the first.
    causes: &'a [String],
    /// Actions that may help.
    hints: &'a [String],
    /// The run that failed, if there is one.
    run: Option<&'a str>,
    /// The problems of the files that were read, if they are the cause.
    problems: Vec<ProblemDocument<'a>>,
}

impl<'a> ErrorDocument<'a> {
    /// An error of `kind` that says `message`, without causes, hints, run or problems.
    pub(crate) fn new(kind: &'static str, exit_code: u8, message: &'a str) -> Self {
        Self {
            schema: "nightshift.error/1",
            kind,
            exit_code,
            message,
            causes: &[],
            hints: &[],
            run: None,
            problems: Vec::new(),
        }
    }

    /// The same, with what caused it, what may help, and the run that it happened to.
    pub(crate) fn with_advice(
        self,
        causes: &'a [String],
        hints: &'a [String],
        run: Option<&'a str>,
    ) -> Self {
        Self { causes, hints, run, ..self }
    }

    /// The same, with the problems that caused it.
    pub(crate) fn with_problems(self, problems: &'a [Problem]) -> Self {
        Self { problems: problems.iter().map(ProblemDocument::new).collect(), ..self }
    }
}
