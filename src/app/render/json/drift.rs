//! `nightshift.drift/1`: a comparison with a reference, column by column, worst first.
//!
//! Of a test, `p_value` is what it says itself: for `ks` that of the finite values, for all others the
//! evidence of the column. `p_adjusted` is the evidence, corrected over all columns, and is what `alpha` is
//! held against. The first test of a column decides; the others only tell.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::finding::Finding;
use crate::domain::identity::JobName;
use crate::engine::drift::RecordedDrift;
use crate::engine::drift::tables::TablesDrift;
use crate::learn::drift::{ColumnDrift, DriftReport, Measured, Subject};
use crate::learn::profile::CellKind;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct DriftDocument<'a> {
    schema: &'static str,
    /// Null of two tables, as are `run`, `tick` and `version`.
    job: Option<&'a str>,
    run: Option<&'a str>,
    tick: Option<Timestamp>,
    version: Option<u32>,
    /// What was compared with, in words.
    against: &'a str,
    columns: Vec<ColumnDocument<'a>>,
    /// Columns of the reference that no test fits.
    left_out: &'a [String],
    /// The share of drifted and broken columns among those judged; null if none was.
    share: Option<f64>,
    /// The share from which on the table has drifted.
    share_max: f64,
    rows_min: u64,
    verdict: &'static str,
    /// All columns together, which decides nothing; null of a run before that was looked at.
    domain_classifier: Option<ClassifierDocument<'a>>,
}

/// How well a classifier tells the rows from those of the reference.
#[derive(Debug, Serialize)]
struct ClassifierDocument<'a> {
    /// `roc_auc`.
    metric: Option<&'a str>,
    /// Null where the rows could not be compared, as are `low` and `high`, its interval at 1 - alpha.
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    limit: Option<f64>,
    /// `pass`, `warn` or `inconclusive`.
    verdict: &'static str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct ColumnDocument<'a> {
    column: &'a str,
    /// `number` or `text`.
    r#type: &'static str,
    /// `feature`, `label` or `score`; null of two tables.
    subject: Option<&'static str>,
    /// The share in all that moves the score, 0 to 1; null where that is not known, and of no feature.
    importance: Option<f64>,
    verdict: &'static str,
    /// Why it cannot be compared; null if it can.
    broken: Option<&'a str>,
    tests: Vec<TestDocument>,
}

#[derive(Debug, Serialize)]
struct TestDocument {
    test: &'static str,
    /// Null where a side has no value that the test looks at, as is `statistic`.
    effect: Option<f64>,
    statistic: Option<f64>,
    p_value: Option<f64>,
    /// Null of a column that is not judged.
    p_adjusted: Option<f64>,
    floor: f64,
    alpha: f64,
    n_reference: u64,
    n_current: u64,
}

impl<'a> DriftDocument<'a> {
    /// The document of a run's comparison.
    pub(crate) fn of_run(job: &'a JobName, found: &'a RecordedDrift) -> Self {
        Self {
            job: Some(job.as_str()),
            run: Some(found.run.as_str()),
            tick: Some(found.tick),
            version: Some(found.version.0),
            domain_classifier: found.separation.as_ref().map(ClassifierDocument::from),
            ..Self::new(&found.report, &found.against, |subject| Some(subject.id()))
        }
    }

    /// The document of two tables.
    pub(crate) fn of_tables(found: &'a TablesDrift, against: &'a str) -> Self {
        let report = &found.report;
        Self {
            left_out: &found.left_out,
            domain_classifier: Some(ClassifierDocument::from(&found.separation)),
            ..Self::new(report, against, |_| None)
        }
    }

    fn new(
        report: &'a DriftReport,
        against: &'a str,
        subject: fn(Subject) -> Option<&'static str>,
    ) -> Self {
        let columns = report.worst_first().into_iter().map(|column| ColumnDocument {
            column: &column.column,
            r#type: match column.kind {
                CellKind::Number => "number",
                CellKind::Text => "text",
            },
            subject: subject(column.subject),
            importance: column.importance,
            verdict: column.verdict.id(),
            broken: column.broken.as_deref(),
            tests: column.measured.iter().map(|one| test(column, one, report)).collect(),
        });
        Self {
            schema: "nightshift.drift/1",
            job: None,
            run: None,
            tick: None,
            version: None,
            against,
            columns: columns.collect(),
            left_out: &[],
            share: report.share,
            share_max: report.rule.share,
            rows_min: report.rule.rows_min,
            verdict: report.verdict.id(),
            domain_classifier: None,
        }
    }
}

impl<'a> From<&'a Finding> for ClassifierDocument<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            metric: finding.metric.as_deref(),
            value: finding.value,
            low: finding.low,
            high: finding.high,
            limit: finding.limit,
            verdict: finding.verdict.id(),
            message: &finding.message,
        }
    }
}

fn test(column: &ColumnDrift, measured: &Measured, report: &DriftReport) -> TestDocument {
    TestDocument {
        test: measured.test,
        effect: measured.shift.map(|shift| shift.effect),
        statistic: measured.shift.map(|shift| shift.statistic),
        p_value: measured.p_value,
        p_adjusted: column.p_adjusted,
        floor: column.floor,
        alpha: report.rule.alpha,
        n_reference: column.rows.reference,
        n_current: column.rows.current,
    }
}
