//! Two areas under the ROC curve, or two means of them over the classes.
//!
//! `DeLong`, `DeLong` and Clarke-Pearson, *Comparing the areas under two or more correlated receiver
//! operating characteristic curves*, Biometrics 44 (1988): the difference of two areas is a sum of the
//! differences of the rows' influences, so its variance is that of a sum over rows drawn class by class.
//! That covers the covariance of the two areas without computing it.

use super::catalog::DELONG;
use super::lack::Carriers;
use super::normal;
use super::side::Pair;
use super::{CompareError, Comparison, Options};
use crate::learn::metric::bootstrap::units::UNITS_MIN;
use crate::learn::metric::interval;

/// Compares the areas of independent rows.
pub(super) fn compare(pair: &Pair, options: &Options<'_>) -> Result<Comparison, CompareError> {
    let found = (pair.candidate.statistic.influence(), pair.baseline.statistic.influence());
    let (Some((_, mut pulls)), Some((_, of_baseline))) = found else {
        return Err(pair.other_task());
    };
    for (pull, other) in pulls.iter_mut().zip(&of_baseline) {
        *pull -= other;
    }
    let (metric, wanted, carriers) = (pair.metric.id, UNITS_MIN, Carriers::RarestClass);
    let small = CompareError::SmallClass { metric, carriers, wanted, found: 1 };
    let error = interval::error_of_classes(&pair.classes, &pulls, pair.class_count).ok_or(small)?;
    // Without a variance there is no test here; `edge` knows what is left open.
    let p_value = (error > 0.0).then(|| normal::two_sided(pair.difference() / error));
    Ok(Comparison { p_value, ..pair.around(DELONG.id, error, options) })
}
