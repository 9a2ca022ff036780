//! What a candidate leans on: how much each column moves its score, and whether one of them gives the label
//! away.

use super::told;
use crate::domain::finding::Finding;
use crate::domain::job::Job;
use crate::engine::error::RunError;
use crate::engine::training_rows::TrainingRows;
use crate::learn::artifact::Artifact;
use crate::learn::fit::Examples;
use crate::learn::giveaway::{Giveaway, giveaways};
use crate::learn::importance::{Importance, rows_to_shuffle};

/// Measures the importances of the columns of `artifact`, which keeps them, and warns of columns that alone
/// predict the rows held out.
pub(super) fn leaning(
    job: &Job,
    rows: &TrainingRows,
    (train, test): (&Examples, &Examples),
    artifact: &mut Artifact,
) -> Result<Vec<Finding>, RunError> {
    let shuffled = rows.table.frame(&rows_to_shuffle(&test.rows));
    artifact.importance = Importance::of(artifact, &shuffled, job.train.seed)
        .map_err(RunError::data("measure importances"))?;
    let known = (rows.columns.as_slice(), &rows.table);
    let found = giveaways(job, known, (train, test), artifact.importance.as_ref());
    Ok(found.into_iter().map(|found| warning(found, test.rows.len())).collect())
}

fn warning(Giveaway { column, metric, value }: Giveaway, rows: usize) -> Finding {
    let message = format!(
        "column `{column}` alone predicts the {rows} rows held out nearly without error ({} {value:.4}); if it \
         is the label under another name, or is known only after it, leave it out by `features.exclude`",
        metric.id
    );
    let mut out = told("gives_label_away", message);
    out.column = Some(column);
    out.metric = Some(metric.id.to_owned());
    out.value = Some(value);
    out
}
