//! A problem in a file of the project, with its place.
//!
//! Parsing collects [`Faults`] by byte offset and never stops at the first; at the end they become
//! [`Problem`]s, in the order of the file, with lines and columns that a person can find. How a problem
//! is drawn (carets, colours, JSON) is not decided here.

use std::fmt;
use std::ops::Range;

/// Most problems of one file that are told; one more says that there are others.
pub const PROBLEMS_MAX: usize = 100;

/// From here on nobody looks for more: a file with so many is not a job file.
const FAULTS_MAX: usize = 500;

/// One thing that is wrong in a file, and how to right it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as the user would name it.
    pub file: String,
    /// The bytes of the file that are wrong; `None` where the problem is the file as a whole.
    pub span: Option<Range<usize>>,
    /// The line where the span begins, from 1.
    pub line: usize,
    /// The character of that line, from 1.
    pub column: usize,
    /// A stable word for this sort of problem; one of [`CODES`](crate::domain::job::code::CODES).
    pub code: &'static str,
    /// What was wanted and what was found, as a fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, code, message, .. } = self;
        write!(f, "{file}:{line}:{column}: {code}: {message}")
    }
}

/// A problem of a file that is being read, before lines and columns are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// Where it begins and ends, in bytes of the file.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Every fault of one file so far, in the order of discovery.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Fault>,
}

impl Faults {
    /// Adds a fault that needs no help text.
    pub(crate) fn add(&mut self, span: Range<usize>, code: &'static str, message: String) {
        let Range { start, end } = span;
        self.found.push(Fault { start, end, code, message, help: None });
    }

    /// Adds a fault that says what to do.
    pub(crate) fn add_with_help(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: String,
        help: impl Into<String>,
    ) {
        let Range { start, end } = span;
        self.found.push(Fault { start, end, code, message, help: Some(help.into()) });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether there are so many that looking for more is a waste.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= FAULTS_MAX
    }

    /// Leaves only the faults for which `keep` says so.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Fault) -> bool) {
        self.found.retain(keep);
    }

    pub(crate) fn append(&mut self, mut others: Self) {
        self.found.append(&mut others.found);
    }

    /// The problems of the file called `file` that holds `bytes`, in the order of the file.
    pub(crate) fn into_problems(mut self, file: &str, bytes: &[u8]) -> Vec<Problem> {
        self.found.sort();
        self.found.dedup();
        let has_more = self.found.len() > PROBLEMS_MAX;
        self.found.truncate(PROBLEMS_MAX);
        if let Some(last) = self.found.last().filter(|_| has_more) {
            let (start, end) = (last.start, last.end);
            let message = format!("the file has more problems than these {PROBLEMS_MAX}");
            let code = "too_many_problems";
            self.found.push(Fault { start, end, code, message, help: None });
        }
        let lines = line_starts(bytes);
        self.found.into_iter().map(|fault| locate(fault, file, bytes, &lines)).collect()
    }
}

/// The offset at which each line begins.
pub(crate) fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let after_newlines =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_newlines).collect()
}

fn locate(fault: Fault, file: &str, bytes: &[u8], lines: &[usize]) -> Problem {
    let Fault { start, end, code, message, help } = fault;
    let start = start.min(bytes.len());
    let line = lines.partition_point(|line_start| *line_start <= start);
    let line_start = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
    let column = String::from_utf8_lossy(&bytes[line_start..start]).chars().count() + 1;
    Problem {
        file: file.to_owned(),
        span: Some(start..end.clamp(start, bytes.len())),
        line,
        column,
        code,
        message,
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], span: Range<usize>, line: usize, column: usize) {
        let mut faults = Faults::default();
        faults.add(span, "wrong_type", "wanted a, found b".to_owned());
        let found = faults.into_problems("jobs/a.toml", bytes);
        assert_eq!((found[0].line, found[0].column), (line, column));
    }

    #[test]
    fn places_are_lines_and_characters() {
        check(b"", 0..0, 1, 1);
        check(b"ab", 1..2, 1, 2);
        check("ä = 1\nöö = 2".as_bytes(), 11..12, 2, 3);
        check(b"a\r\nb\r\n", 3..4, 2, 1);
        check(b"a\n", 2..2, 2, 1);
        check(b"a\n", 900..999, 2, 1);
        check(b"\xff\xff\xffx", 3..4, 1, 4);
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_and_have_a_limit() {
        let mut faults = Faults::default();
        for at in (0..300).rev() {
            faults.add(at..at + 1, "wrong_type", "m".to_owned());
            faults.add(at..at + 1, "wrong_type", "m".to_owned());
        }
        let problems = faults.into_problems("f", &[b' '; 300]);
        assert_eq!(problems.len(), PROBLEMS_MAX + 1);
        assert!(problems.is_sorted_by_key(|problem| problem.column));
        assert_eq!(
            problems[PROBLEMS_MAX].to_string(),
            "f:1:100: too_many_problems: the file has more problems than these 100"
        );
    }
}
