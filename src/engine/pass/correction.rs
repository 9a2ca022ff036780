//! What a correction changes: the decisions of the version that published before, beside those of the
//! version that publishes now.
//!
//! Both versions score the rows again in one pass; a version gives the same scores for the same rows, so
//! the parts that were published need not be read.

use super::Contender;
use super::track::write_error;
use crate::adapters::dataset::{Batch, ChangedRows, ChangesWriter, Written};
use crate::engine::error::RunError;
use crate::learn::agreement::Agreement;
use crate::learn::artifact::{Artifact, Scores};

/// The state of the comparison between batches.
pub(super) struct Correction<'a> {
    replaced: &'a Contender,
    threshold: Option<f64>,
    changes: ChangesWriter<'a>,
    agreement: Agreement,
}

impl<'a> Correction<'a> {
    /// Compares with `replaced`; `threshold` makes decisions of single scores.
    pub(super) fn new(
        replaced: &'a Contender,
        threshold: Option<f64>,
        changes: ChangesWriter<'a>,
    ) -> Self {
        Self { replaced, threshold, changes, agreement: Agreement::default() }
    }

    /// The version whose scores are corrected.
    pub(super) fn artifact(&self) -> &'a Artifact {
        &self.replaced.artifact
    }

    /// Takes in a batch with the scores that `lead` gives it and those that were published.
    pub(super) fn take(
        &mut self,
        batch: &Batch,
        (lead, after): (&Artifact, &Scores),
        before: &Scores,
        keep: Option<&[bool]>,
    ) -> Result<(), RunError> {
        self.agreement.update(after, before, self.threshold, keep);
        let (Some(old), Some(new)) =
            (self.decisions(self.artifact(), before), self.decisions(lead, after))
        else {
            return Ok(());
        };
        let is_kept = |row: usize| keep.is_none_or(|keep| keep[row]);
        let pairs = old.iter().zip(&new).enumerate();
        let is_changed: Vec<bool> =
            pairs.map(|(row, (old, new))| old != new && is_kept(row)).collect();
        let scores = |scores: &Scores| match scores {
            Scores::Value(values) => values.clone(),
            Scores::Classes(_) => vec![f64::NAN; batch.rows()],
        };
        let (score_before, score_after) = (scores(before), scores(after));
        let rows = ChangedRows {
            is_changed: &is_changed,
            decisions: (&old, &new),
            scores: (&score_before, &score_after),
        };
        self.changes.write(batch, &rows).map_err(write_error)
    }

    /// The decision of each row as text; `None` where the job makes none.
    fn decisions<'s>(&self, artifact: &'s Artifact, scores: &Scores) -> Option<Vec<&'s str>> {
        match (scores, self.threshold) {
            (Scores::Classes(_), _) => Some(scores.most_likely(&artifact.classes)),
            (Scores::Value(values), Some(threshold)) => {
                let word = |score: &f64| if *score >= threshold { "true" } else { "false" };
                Some(values.iter().map(word).collect())
            }
            (Scores::Value(_), None) => None,
        }
    }

    /// Waits until the changed rows are on disk.
    pub(super) fn finish(self) -> Result<(Option<Written>, Agreement), RunError> {
        Ok((self.changes.finish().map_err(write_error)?, self.agreement))
    }
}
