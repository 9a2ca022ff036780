//! An input without a row: more often a delivery that failed than a night on which nothing happened, so that
//! nothing is published unless the job says that a tick may be empty.

use crate::adapters::dataset::TimeFilter;
use crate::domain::finding::{Finding, FindingKind, FindingVerdict};
use crate::domain::job::{Expectation, Job};

/// The id of the finding.
pub const INPUT_EMPTY: &str = "input_empty";

/// What it is, for a person who asks.
pub const EXPLAIN: &str = "# input_empty

The files of a run are there and hold no row: none at all, or none in the data interval by
`data.time`. It is a failed check: nothing is published, what a tick has published before stays, and
`run` ends with exit code 12.

A job whose ticks may be empty says so; the tick is then committed with an empty output.

```toml
[[check]]
rows_min = 0
```
";

/// Where rows were looked for.
#[derive(Debug, Clone, Copy)]
pub struct Searched<'a> {
    /// The pattern of the files.
    pub pattern: &'a str,
    /// How many files match it.
    pub files: usize,
    /// Which of their rows were wanted; `None` for all.
    pub filter: Option<&'a TimeFilter>,
}

/// A failing finding where nothing was read, unless `job` says that this is fine.
pub fn input_empty(job: &Job, rows_read: u64, searched: Searched<'_>) -> Option<Finding> {
    let is_fine = |expectation: &Expectation| matches!(expectation, Expectation::RowsMin(0));
    if rows_read > 0 || job.checks.iter().any(|check| is_fine(&check.expectation)) {
        return None;
    }
    let Searched { pattern, files, filter } = searched;
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let found = match filter {
        None => format!("no row in {files} of `{pattern}`"),
        Some(TimeFilter { column, from, until, .. }) => {
            let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
            let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("no row with `{column}`{from}{until} in {files} of `{pattern}`")
        }
    };
    let message = format!(
        "{found}, wanted one or more; a job whose ticks may be empty says `[[check]] rows_min = 0`"
    );
    let mut out = Finding::new(FindingKind::Check, INPUT_EMPTY, FindingVerdict::Fail, message);
    out.value = Some(0.0);
    out.limit = Some(1.0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::job::parse::parse;

    fn job(checks: &str) -> Job {
        let text = format!(
            "name = \"wine\"\n[data]\nsource = \"data/*.csv\"\nlabel = \"y\"\n[model]\n\
             task = \"binary\"\n[score]\noutput = \"scores/wine\"\n{checks}"
        );
        parse("wine.toml", text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(checks: &str, rows: u64, is_found: bool) {
        let searched = Searched { pattern: "data/*.csv", files: 1, filter: None };
        let found = input_empty(&job(checks), rows, searched);
        assert_eq!(found.is_some(), is_found, "{checks:?}, {rows} rows");
        assert!(found.is_none_or(|finding| finding.is_failed_check()));
    }

    #[test]
    fn no_row_fails_unless_the_job_says_that_it_may() {
        check("", 0, true);
        check("", 1, false);
        check("[[check]]\nrows_min = 0\n", 0, false);
        // Whoever is warned of few rows has not said that none is fine.
        check("[[check]]\nrows_min = 10\nthen = \"warn\"\n", 0, true);
        check("[[check]]\nrows_max = 10\n", 0, true);
    }

    #[test]
    fn it_says_where_rows_were_looked_for() {
        let told = |files, filter: Option<&TimeFilter>| {
            let searched = Searched { pattern: "data/*.csv", files, filter };
            input_empty(&job(""), 0, searched).unwrap().message
        };
        let rest =
            ", wanted one or more; a job whose ticks may be empty says `[[check]] rows_min = 0`";
        assert_eq!(told(1, None), format!("no row in 1 file of `data/*.csv`{rest}"));
        let filter = TimeFilter {
            column: "at".to_owned(),
            zone: TimeZone::UTC,
            from: Some("2026-01-04T00:00:00Z".parse().unwrap()),
            until: Some("2026-01-05T00:00:00Z".parse().unwrap()),
        };
        assert_eq!(
            told(2, Some(&filter)),
            format!(
                "no row with `at` from 2026-01-04T00:00:00Z until 2026-01-05T00:00:00Z in 2 files of \
                 `data/*.csv`{rest}"
            )
        );
    }
}
