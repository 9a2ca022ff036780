//! How much two versions differ on the same rows, in the measures that gates record and the watch is held
//! against.

use crate::domain::watch::Disagreement;
use crate::learn::agreement::Agreement;
use crate::learn::artifact::Artifact;
use crate::learn::profile::ReferenceCells;

/// The id of findings about how much candidate and champion differ, which the watch looks up.
pub const DISAGREEMENT: &str = "disagreement";
/// The share of rows whose decision differs.
pub const FLIP_RATE: &str = "flip_rate";
/// The mean absolute difference of the scores, in standard deviations of the baseline's.
pub const SCORE_DISTANCE: &str = "score_distance";

/// The measures of disagreement that two versions have, by name; `previous` gives the unit of scores.
pub fn measures(agreement: &Agreement, previous: &Artifact) -> Vec<(&'static str, Disagreement)> {
    let flips = agreement.flip_rate().map(|found| (FLIP_RATE, found));
    let spread = score_spread(previous);
    let distance = spread.and_then(|spread| agreement.score_distance(spread));
    flips.into_iter().chain(distance.map(|found| (SCORE_DISTANCE, found))).collect()
}

/// The standard deviation of a version's scores on its held-out rows, where it has one score a row.
fn score_spread(artifact: &Artifact) -> Option<f64> {
    let column = artifact.score_reference.as_ref()?.column("score")?;
    match &column.cells {
        ReferenceCells::Number(number) => number.facts.finite.variance_population().map(f64::sqrt),
        ReferenceCells::Text(_) => None,
    }
}
