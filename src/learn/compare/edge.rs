//! How much doubt is left where rows say nearly the same.
//!
//! Two models that both separate the classes on the rows at hand differ by nothing there, and every
//! variance and every resample says that this is certain. It is not: a few rows that were not seen may be
//! ranked the other way round. The bounds are then those of a score test against the worst that a share q
//! of such rows could do. A difference d, found on n rows alike, becomes d - q (1 + d) if they are at the
//! end of its range of -1 to 1, with variance q (1 - q) (1 + d)^2 / n; z standard errors away is
//! q = z^2 / (n + z^2). For models that differ nowhere these are the bounds of Tango (1998), and for
//! a share of rows those of Wilson (1927).

use super::catalog::DELONG;
use super::side::Pair;
use super::{CompareError, Comparison, Options, lack, normal};
use crate::learn::metric::bootstrap::units::Units;
use crate::learn::metric::{RestsOn, interval};

/// The fewest rows of a class that must bear the variance of an area for a normal interval, or one of percentiles.
///
/// By simulation (noise of two models correlated by 0.8, one-sided 95 %): at areas of 0.98 and 0.99 and 20
/// positive rows, non-inferiority passed a candidate that was worse by the margin in 19 % of 4,000 repeats
/// with `DeLong`'s interval and in 1 % with this rule; at 0.85 both held their level, which rows of an ordinary
/// model reach from about a dozen on.
const BEARERS_MIN: f64 = 7.0;

/// Deviations of a placement below this are rounding.
const ROUNDING: f64 = 1e-9;

/// `found`, or wider where its rows say too nearly the same; an error where nothing is known of what others
/// could say.
pub(super) fn widen(
    found: Comparison,
    pair: &Pair,
    units: &Units,
    options: &Options<'_>,
) -> Result<Comparison, CompareError> {
    let has_width = found.low < found.high;
    let is_share = pair.metric.rests_on == RestsOn::EachClass || pair.metric.id == "accuracy";
    if !is_share {
        let (metric, rows) = (pair.metric.id, pair.rows);
        return if has_width { Ok(found) } else { Err(CompareError::NoSpread { metric, rows }) };
    }
    let agreeing = match pulls(pair) {
        Some(pulls) => fewest_alike(pair, units, &pulls),
        None if has_width => None,
        None if pair.metric.rests_on == RestsOn::EachClass => {
            lack::units_of_classes(&pair.classes, pair.class_count, units).into_iter().min()
        }
        None => Some(units.count()),
    };
    Ok(agreeing.map_or(found, |agreeing| around(found, agreeing, options.confidence)))
}

/// The interval of `found` together with what `agreeing` rows alike leave open.
fn around(found: Comparison, agreeing: usize, confidence: f64) -> Comparison {
    let z = normal::quantile(confidence);
    let (low, high) = interval::of_agreeing(found.difference, [-1.0, 1.0], agreeing, z);
    let (low, high) = (low.min(found.low), high.max(found.high));
    // As wide as the side that reaches farther, so that swapping the models mirrors the result.
    let error = (found.difference - low).max(high - found.difference) / z;
    let is_tested = found.test == DELONG.id;
    Comparison {
        low,
        high,
        p_value: is_tested.then(|| normal::two_sided(found.difference / error)),
        standard_error: Some(error),
        mde: Some(normal::minimum_detectable_effect(confidence, error)),
        ..found
    }
}

/// By how much more each row pulls the area of the candidate than that of the baseline; `None` for metrics
/// that do not go by the order of scores.
fn pulls(pair: &Pair) -> Option<Vec<f64>> {
    let (_, mut pulls) = pair.candidate.statistic.influence()?;
    let (_, of_baseline) = pair.baseline.statistic.influence()?;
    for (pull, other) in pulls.iter_mut().zip(of_baseline) {
        *pull -= other;
    }
    Some(pulls)
}

/// How many units the smallest class has of those whose units nearly all pull alike; `None` if there is no
/// such class.
fn fewest_alike(pair: &Pair, units: &Units, pulls: &[f64]) -> Option<usize> {
    let mut rows: Vec<(usize, usize, f64)> = pulls
        .iter()
        .zip(&pair.classes)
        .enumerate()
        .map(|(row, (pull, class))| (*class, units.of_row(row), *pull))
        .collect();
    // Stable, so that pulls of one unit are added in the order of its rows.
    rows.sort_by_key(|(class, unit, _)| (*class, *unit));
    let classes = rows.chunk_by(|a, b| a.0 == b.0);
    classes
        .filter_map(|class| {
            let rows = class.len() as f64;
            let of_units: Vec<f64> = class
                .chunk_by(|a, b| a.1 == b.1)
                .map(|unit| unit.iter().map(|(_, _, pull)| pull * rows).sum())
                .collect();
            (bearers(&of_units) < BEARERS_MIN).then_some(of_units.len())
        })
        .min()
}

/// How many equal deviations would spread as these values do: the square of the sum of the distances
/// from the median over the sum of their squares. From 0, all values are the same, to their number.
fn bearers(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (Some(lower), Some(upper)) =
        (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2))
    else {
        return 0.0;
    };
    // Halfway, so that the negatives of the values are borne by as many.
    let median = f64::midpoint(*lower, *upper);
    let (mut sum, mut squares) = (0.0, 0.0);
    for value in &sorted {
        let distance = (value - median).abs();
        if distance > ROUNDING {
            sum += distance;
            squares += distance * distance;
        }
    }
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::compare::{Truth, compare};
    use crate::learn::metric::find;

    fn check(
        id: &str,
        truth: &[bool],
        candidate: &[f64],
        baseline: &[f64],
        ids: &[u64],
    ) -> Comparison {
        let truth = Truth::Binary { truth, threshold: 0.5 };
        let options = Options { confidence: 0.95, seed: 7, ids };
        compare(find(id).unwrap(), truth, &[candidate], &[baseline], &options).unwrap()
    }

    #[test]
    fn values_are_borne_by_as_many_as_spread_them() {
        let near = |values: &[f64], wanted: f64| {
            let found = bearers(values);
            assert!((found - wanted).abs() < 1e-9, "{values:?}: {found}");
        };
        near(&[], 0.0);
        near(&[0.3; 50], 0.0);
        near(&[0.0, 1e-12, 0.0, -1e-12], 0.0);
        near(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0], 2.0);
        near(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1e-6], 1.000_002);
    }

    #[test]
    fn two_models_that_both_separate_the_classes_may_still_differ() {
        // Twelve positive rows of fifty: neither model is wrong anywhere.
        let truth: Vec<bool> = (0..50).map(|row| row >= 38).collect();
        let score = |power: i32| -> Vec<f64> {
            (0..50).map(|row| (f64::from(row) / 50.0).powi(power)).collect()
        };
        let ids: Vec<u64> = (0..50).collect();
        let found = check("roc_auc", &truth, &score(1), &score(2), &ids);
        let z = 1.644_853_626_951_472_2_f64;
        let bound = z * z / (12.0 + z * z);
        assert!(
            (found.low + bound).abs() < 1e-12 && (found.high - bound).abs() < 1e-12,
            "{found:?}"
        );
        assert!(found.mde.unwrap() > 0.2 && found.p_value == Some(1.0), "{found:?}");
        // One row that is a little out of order does not make it certain either.
        let mut slipped = score(1);
        slipped[38] = 0.735;
        let found = check("roc_auc", &truth, &slipped, &score(2), &ids);
        assert!(found.difference < 0.0 && found.low < -0.1, "{found:?}");
        // Percentiles of resamples that are all alike know no more.
        let sharp =
            |p: f64| -> Vec<f64> { truth.iter().map(|yes| if *yes { p } else { 0.1 }).collect() };
        let (one, other) = (sharp(0.8), sharp(0.9));
        for id in ["pr_auc", "precision", "recall", "f1"] {
            let found = check(id, &truth, &one, &other, &ids);
            assert!((found.low + bound).abs() < 1e-12, "{id}: {found:?}");
        }
        // Rows of one id are one: the same rows twice over know no more.
        let twice = |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|x| [*x; 2]).collect() };
        let truth: Vec<bool> = truth.iter().flat_map(|yes| [*yes; 2]).collect();
        let pairs: Vec<u64> = (0..100).map(|row| row / 2).collect();
        let (one, other) = (twice(&one), twice(&other));
        for (id, agreeing) in [("roc_auc", 12.0), ("pr_auc", 12.0), ("accuracy", 50.0)] {
            let found = check(id, &truth, &one, &other, &pairs);
            let bound = z * z / (agreeing + z * z);
            let is_near = (found.low + bound).abs() < 1e-12 && found.test == "bootstrap";
            assert!(is_near, "{id}: {found:?}");
        }
    }

    #[test]
    fn a_perfect_model_beats_a_constant_with_a_width() {
        let truth: Vec<bool> = (0..40).map(|row| row >= 20).collect();
        let scores: Vec<f64> = (0..40).map(|row| f64::from(row) / 40.0).collect();
        let ids: Vec<u64> = (0..40).collect();
        let found = check("roc_auc", &truth, &scores, &[0.5; 40], &ids);
        let z = 1.644_853_626_951_472_2_f64;
        let low = 0.5 - 1.5 * z * z / (20.0 + z * z);
        assert!((found.low - low).abs() < 1e-12 && found.high > 0.5, "{found:?}");
        assert!(found.low > 0.0 && found.p_value.unwrap() < 0.01, "{found:?}");
    }

    #[test]
    fn numbers_without_an_end_have_no_interval_where_resamples_are_alike() {
        let label: Vec<f64> = (0..20).map(f64::from).collect();
        let off = |by: f64| -> Vec<f64> { label.iter().map(|label| label + by).collect() };
        let ids: Vec<u64> = (0..20).collect();
        let options = Options { confidence: 0.95, seed: 7, ids: &ids };
        let truth = Truth::Regression(&label);
        let found = compare(find("mae").unwrap(), truth, &[&off(1.0)], &[&off(2.0)], &options);
        let wanted =
            "`mae` differs by the same in every resample of the 20 rows, so it has no interval";
        assert_eq!(found.unwrap_err().to_string(), wanted);
    }
}
