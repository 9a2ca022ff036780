//! What rows lack to compare two models on, whatever the models say of them.
//!
//! The evidence of a metric is carried by some rows more than by others: that of an area under the ROC curve by
//! the rarer class. Few of them may all be ranked right by chance, and then no interval knows how much
//! of it was chance. Too few are no fault of a model, so a gate is inconclusive there and has not failed.

use super::{CompareError, Truth};
use crate::learn::metric::bootstrap::units::{UNITS_MIN, Units};
use crate::learn::metric::{Metric, RestsOn};

/// Which rows carry the evidence of a metric of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriers {
    /// Those of the class that has fewest.
    RarestClass,
    /// Those that are not of the class that has most.
    OtherClasses,
}

/// What rows with this truth and these ids lack for a comparison by `metric`; `classes` is how many columns a
/// multiclass task has. `None` without rows, which lack everything.
pub fn lack(
    metric: &'static Metric,
    truth: Truth<'_>,
    classes: usize,
    ids: &[u64],
) -> Option<CompareError> {
    of_units(metric, truth, classes, &Units::of(ids))
}

/// As [`lack`], of rows whose units are known.
pub(super) fn of_units(
    metric: &'static Metric,
    truth: Truth<'_>,
    classes: usize,
    units: &Units,
) -> Option<CompareError> {
    let rows = truth.rows();
    if rows == 0 {
        return None;
    }
    let (index, count): (Vec<usize>, usize) = match truth {
        Truth::Binary { truth, .. } => (truth.iter().copied().map(usize::from).collect(), 2),
        Truth::Multiclass(truth) => (truth.iter().map(|class| *class as usize).collect(), classes),
        Truth::Regression(labels) => {
            let is_constant = labels.iter().all(|label| label.total_cmp(&labels[0]).is_eq());
            if metric.id == "r2" && is_constant {
                return Some(CompareError::ConstantLabel { metric: metric.id, rows });
            }
            return too_few(metric, units);
        }
    };
    let small = |carriers, found| {
        let (metric, wanted) = (metric.id, UNITS_MIN);
        (found < wanted).then_some(CompareError::SmallClass { metric, carriers, wanted, found })
    };
    let missing = match metric.rests_on {
        RestsOn::Rows => None,
        RestsOn::EachClass => {
            let rarest = units_of_classes(&index, count, units).into_iter().min();
            small(Carriers::RarestClass, rarest.unwrap_or(0))
        }
        RestsOn::OtherClasses => {
            small(Carriers::OtherClasses, units_of_others(&index, count, units))
        }
    };
    missing.or_else(|| too_few(metric, units))
}

/// Whether there is too little to draw from. Areas and accuracies of independent rows are not resampled.
fn too_few(metric: &Metric, units: &Units) -> Option<CompareError> {
    let is_resampled =
        matches!(units, Units::Groups { .. }) || !matches!(metric.id, "roc_auc" | "accuracy");
    let (metric, wanted, found) = (metric.id, UNITS_MIN, units.count());
    (is_resampled && found < wanted).then_some(CompareError::TooFew { metric, wanted, found })
}

/// For each class how many units have a row of it.
pub(super) fn units_of_classes(index: &[usize], count: usize, units: &Units) -> Vec<usize> {
    let mut out = vec![0; count];
    let mut held: Vec<(usize, usize)> =
        index.iter().enumerate().map(|(row, class)| (*class, units.of_row(row))).collect();
    held.sort_unstable();
    held.dedup();
    for (class, _) in held {
        if let Some(units) = out.get_mut(class) {
            *units += 1;
        }
    }
    out
}

/// How many units have a row that is not of the most frequent class, the first of equals.
fn units_of_others(index: &[usize], count: usize, units: &Units) -> usize {
    let mut rows = vec![0_usize; count];
    for class in index {
        if let Some(rows) = rows.get_mut(*class) {
            *rows += 1;
        }
    }
    let most = rows.iter().max().and_then(|most| rows.iter().position(|rows| rows == most));
    let others = index.iter().enumerate().filter(|(_, class)| Some(**class) != most);
    let mut held: Vec<usize> = others.map(|(row, _)| units.of_row(row)).collect();
    held.sort_unstable();
    held.dedup();
    held.len()
}

impl std::fmt::Display for Carriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RarestClass => "the rarest class",
            Self::OtherClasses => "all classes but the most frequent one",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::metric::find;

    #[track_caller]
    fn check(id: &str, truth: Truth<'_>, ids: &[u64], wanted: Option<&str>) {
        let found = lack(find(id).unwrap(), truth, 3, ids);
        assert_eq!(found.map(|found| found.to_string()).as_deref(), wanted, "{id}");
    }

    #[test]
    fn the_rows_of_a_rare_class_carry_what_is_known_of_two() {
        let nine: Vec<bool> = (0..300).map(|row| row < 9).collect();
        let ten: Vec<bool> = (0..300).map(|row| row < 10).collect();
        let alone: Vec<u64> = (0..300).collect();
        let of = |truth| Truth::Binary { truth, threshold: 0.5 };
        for id in ["roc_auc", "pr_auc", "precision", "recall", "f1"] {
            let wanted = format!(
                "`{id}` would rest on 9 rows or ids of the rarest class, wanted at least 10"
            );
            check(id, of(&nine), &alone, Some(&wanted));
            check(id, of(&ten), &alone, None);
        }
        for id in ["log_loss", "brier", "ece"] {
            let wanted = format!(
                "`{id}` would rest on 9 rows or ids of all classes but the most frequent one, wanted at \
                 least 10"
            );
            check(id, of(&nine), &alone, Some(&wanted));
            check(id, of(&ten), &alone, None);
        }
        check("accuracy", of(&[true; 20]), &alone[..20], None);
        // Ten rows of one id are one customer.
        let together: Vec<u64> = alone.iter().map(|id| (*id).max(9)).collect();
        let wanted =
            "`roc_auc` would rest on 1 rows or ids of the rarest class, wanted at least 10";
        check("roc_auc", of(&ten), &together, Some(wanted));
        check("roc_auc", of(&[]), &[], None);
    }

    #[test]
    fn a_rare_class_of_several_says_little_of_metrics_in_which_it_counts_as_much() {
        let index: Vec<u32> =
            (0..60).map(|row| u32::from(row >= 30) + u32::from(row >= 56)).collect();
        let alone: Vec<u64> = (0..60).collect();
        let wanted =
            "`f1_macro` would rest on 4 rows or ids of the rarest class, wanted at least 10";
        check("f1_macro", Truth::Multiclass(&index), &alone, Some(wanted));
        check("log_loss", Truth::Multiclass(&index), &alone, None);
    }

    #[test]
    fn numbers_need_enough_to_draw_from_and_labels_that_vary() {
        let labels: Vec<f64> = (0..20).map(f64::from).collect();
        let pairs: Vec<u64> = (0..20).map(|row| row / 3).collect();
        let wanted = "`mae` would be resampled from 7 rows or ids, wanted at least 10";
        check("mae", Truth::Regression(&labels), &pairs, Some(wanted));
        let alone: Vec<u64> = (0..20).collect();
        check("mae", Truth::Regression(&labels), &alone, None);
        let wanted = "all 20 rows have the same label, so `r2` is not defined";
        check("r2", Truth::Regression(&[1.0; 20]), &alone, Some(wanted));
        check("mae", Truth::Regression(&[1.0; 20]), &alone, None);
    }
}
