//! A finding: one result of a check, drift test or gate, with its numbers and its limit.

use std::fmt;

use crate::domain::run::named;

/// What made a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// An expectation of the data.
    Check,
    /// A comparison of the data with their reference.
    Drift,
    /// A judgement of a candidate.
    Gate,
    /// A judgement of a champion after its promotion.
    Watch,
    /// A reason to train, and whether it fired.
    Trigger,
    /// A trial of a search: parameters, and what they were worth.
    Search,
}

/// What a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindingVerdict {
    /// The limit is kept.
    Pass,
    /// Worth telling; changes nothing.
    Warn,
    /// The limit is broken.
    Fail,
    /// There was not enough evidence to say either.
    Inconclusive,
    /// The question makes no sense here, a comparison without a champion for instance.
    NotApplicable,
}

named!(FindingKind {
    Check => "check",
    Drift => "drift",
    Gate => "gate",
    Watch => "watch",
    Trigger => "trigger",
    Search => "search",
});

named!(FindingVerdict {
    Pass => "pass",
    Warn => "warn",
    Fail => "fail",
    Inconclusive => "inconclusive",
    NotApplicable => "not_applicable",
});

/// One result with the numbers that made it. Fields that do not apply are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What made it.
    pub kind: FindingKind,
    /// The check, test or gate: `not_null`, `psi`, `non_inferiority`.
    pub id: String,
    /// The column it is about.
    pub column: Option<String>,
    /// The slice of rows it is about.
    pub slice: Option<String>,
    /// The metric it is about.
    pub metric: Option<String>,
    /// What was found.
    pub value: Option<f64>,
    /// What it is compared with.
    pub baseline: Option<f64>,
    /// Confidence interval of `value`, or of the difference where there is a baseline.
    pub low: Option<f64>,
    /// Upper end of the interval whose lower end is `low`.
    pub high: Option<f64>,
    /// Evidence against "no difference", 0 to 1; smaller is stronger.
    pub p_value: Option<f64>,
    /// What `value` was held against.
    pub limit: Option<f64>,
    /// What it says.
    pub verdict: FindingVerdict,
    /// One sentence fragment that a person can act on.
    pub message: String,
}

impl Finding {
    /// Whether it is a check that failed, so that nothing is published.
    pub fn is_failed_check(&self) -> bool {
        self.kind == FindingKind::Check && self.verdict == FindingVerdict::Fail
    }

    /// A finding of `kind` and `id` with a verdict and a message, and no numbers yet.
    pub fn new(
        kind: FindingKind,
        id: impl Into<String>,
        verdict: FindingVerdict,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            id: id.into(),
            column: None,
            slice: None,
            metric: None,
            value: None,
            baseline: None,
            low: None,
            high: None,
            p_value: None,
            limit: None,
            verdict,
            message: message.into(),
        }
    }
}
