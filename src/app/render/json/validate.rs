//! `nightshift.validate/1`: every problem of every file, with its place.

use serde::Serialize;

use crate::domain::job::problem::Problem;

/// Every problem of the files that were looked at.
#[derive(Debug, Serialize)]
pub(crate) struct ValidateDocument<'a> {
    schema: &'static str,
    /// Jobs that have no problem.
    jobs: Vec<&'a str>,
    problems: Vec<ProblemDocument<'a>>,
}

/// One problem.
#[derive(Debug, Serialize)]
pub(crate) struct ProblemDocument<'a> {
    file: &'a str,
    /// From 1.
    line: usize,
    /// From 1.
    column: usize,
    code: &'static str,
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> ValidateDocument<'a> {
    /// The document of `problems` and of the jobs that have none.
    pub(crate) fn new(jobs: Vec<&'a str>, problems: &[&'a Problem]) -> Self {
        let problems = problems.iter().map(|problem| ProblemDocument::new(problem)).collect();
        Self { schema: "nightshift.validate/1", jobs, problems }
    }
}

impl<'a> ProblemDocument<'a> {
    /// The document of one problem.
    pub(crate) fn new(problem: &'a Problem) -> Self {
        Self {
            file: &problem.file,
            line: problem.line,
            column: problem.column,
            code: problem.code,
            message: &problem.message,
            help: problem.help.as_deref(),
        }
    }
}
