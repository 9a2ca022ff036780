//! Why a gate has no comparison: rows that say too little leave it open, anything else closes it.

use std::error::Error as _;

use crate::domain::finding::FindingVerdict;
use crate::learn::compare::CompareError;

/// Why two models are not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// In words, with its causes.
    pub reason: String,
    /// Whether more rows would help.
    is_lack: bool,
}

impl Obstacle {
    /// One that more rows would not help with.
    pub(super) fn new(reason: String) -> Self {
        Self { reason, is_lack: false }
    }

    /// What it means for a gate. What cannot be compared is not shown to be good.
    pub(super) fn verdict(&self) -> FindingVerdict {
        if self.is_lack { FindingVerdict::Inconclusive } else { FindingVerdict::Fail }
    }

    /// The reason, and what to do about it.
    pub(super) fn told(&self) -> String {
        let remedy = if self.is_lack {
            "; wait for more labels, or hold out more rows by `train.split`"
        } else {
            ""
        };
        format!("{}{remedy}", self.reason)
    }
}

impl From<CompareError> for Obstacle {
    fn from(error: CompareError) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason.push_str(": ");
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        Self { reason, is_lack: error.is_lack_of_evidence() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::compare::Side;
    use crate::learn::metric::MetricError;

    #[test]
    fn too_few_rows_leave_a_gate_open_and_a_score_that_is_no_number_closes_it() {
        let few = Obstacle::from(CompareError::TooFew { metric: "mae", wanted: 10, found: 3 });
        assert_eq!(few.verdict(), FindingVerdict::Inconclusive);
        assert!(few.told().ends_with("hold out more rows by `train.split`"), "{}", few.told());
        let source = MetricError::NotFinite { row: 2, found: f64::NAN };
        let bad = Obstacle::from(CompareError::Predictions { side: Side::Candidate, source });
        assert_eq!(bad.verdict(), FindingVerdict::Fail);
        let wanted = "the candidate cannot be judged: row 2 holds NaN, wanted a finite label and \
                      prediction";
        assert_eq!(bad.told(), wanted);
    }
}
