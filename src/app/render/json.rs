//! The JSON that `--output json` prints: one object for each command, versioned by its `schema` field.
//!
//! These types are the public contract, kept apart from the types of the domain so that neither changes
//! by accident of the other. Fields are only ever added. Times are RFC 3339 in UTC; a number that is
//! not finite is null.

use serde::Serialize;

/// `nightshift.diff/1`: two versions side by side.
pub(crate) mod diff;
/// `nightshift.drift/1`: a comparison with a reference.
pub(crate) mod drift;
/// `nightshift.error/1`: why there is no other document.
pub(crate) mod error;
/// `nightshift.evaluate/1`: metrics and comparisons of a table of predictions.
pub(crate) mod evaluate;
/// `nightshift.explain_score/1`: why one row has its score.
pub(crate) mod explanation;
/// `nightshift.ticks/1`: what became of the ticks of a job.
pub(crate) mod ledger;
/// `nightshift.next/1`: upcoming ticks.
pub(crate) mod next;
/// `nightshift.runs/1`, `nightshift.status/1` and `nightshift.backfill/1`: many runs in short.
pub(crate) mod overview;
/// `nightshift.plan/1`: what a run would do.
pub(crate) mod plan;
/// `nightshift.models/1`, `nightshift.history/1`, `nightshift.aliases/1`, `nightshift.import/1`.
pub(crate) mod registry;
/// `nightshift.run/1`: one run and its chain.
pub(crate) mod run;
/// `nightshift.explain/1`, `nightshift.init/1`, `nightshift.logs/1`, `nightshift.generate/1`.
pub(crate) mod text;
/// `nightshift.verify/1`, `nightshift.prune/1` and `nightshift.doctor/1`.
pub(crate) mod upkeep;
/// `nightshift.validate/1`: every problem of every file.
pub(crate) mod validate;

/// The text of a document.
pub(crate) fn to_text(document: &impl Serialize) -> String {
    match serde_json::to_string_pretty(document) {
        Ok(text) => text,
        Err(error) => unreachable!("documents have only text keys and plain values: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_null() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(to_text(&value), "null");
        }
    }

    #[test]
    fn numbers_keep_every_digit() {
        let value = 0.1 + 0.2;
        assert_eq!(to_text(&value).parse::<f64>(), Ok(value));
    }
}
