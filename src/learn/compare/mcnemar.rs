//! Two accuracies: McNemar's exact p-value, and Tango's interval of the difference.

use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::catalog::MCNEMAR;
use super::normal;
use super::side::Pair;
use super::tango::Discordant;
use super::{CompareError, Comparison, Options};

/// Compares the accuracies of independent rows.
pub(super) fn compare(pair: &Pair, options: &Options<'_>) -> Result<Comparison, CompareError> {
    let right = (pair.candidate.statistic.right(), pair.baseline.statistic.right());
    let (Some(candidate), Some(baseline)) = right else { return Err(pair.other_task()) };
    let alone = |one: &[bool], other: &[bool]| {
        one.iter().zip(other).filter(|(one, other)| **one && !**other).count() as u64
    };
    let found = Discordant {
        candidate: alone(&candidate, &baseline),
        baseline: alone(&baseline, &candidate),
        rows: pair.rows as u64,
    };
    let (low, high) = found.interval(normal::quantile(options.confidence));
    let error = standard_error(found);
    Ok(Comparison {
        low,
        high,
        p_value: Some(exact_p(found.candidate, found.baseline)),
        ..pair.around(MCNEMAR.id, error, options)
    })
}

/// The two-sided probability of a split at least as uneven of rows that only one model decides right, if
/// each is equally likely to be that one (`McNemar`, 1947, with the exact binomial distribution); 0 to 1.
fn exact_p(one: u64, other: u64) -> f64 {
    // One half is a probability, which is all that can be refused.
    let tail = Binomial::new(0.5, one + other).map_or(1.0, |split| split.cdf(one.min(other)));
    (2.0 * tail).min(1.0)
}

/// The standard error of the difference, from the rows as they are (Wald).
fn standard_error(found: Discordant) -> f64 {
    let discordant = (found.candidate + found.baseline) as f64;
    let rows = found.rows as f64;
    let difference = found.difference();
    ((discordant / rows - difference * difference).max(0.0) / rows).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_statsmodels() {
        // statsmodels.stats.contingency_tables.mcnemar([[0, one], [other, 0]], exact=True).pvalue
        let check = |one, other, wanted: f64| {
            let found = exact_p(one, other);
            assert!((found - wanted).abs() < 1e-12, "{one} {other}: {found} is not {wanted}");
            assert!((exact_p(other, one) - found).abs() < 1e-15);
        };
        check(12, 3, 0.035_156_25);
        check(0, 0, 1.0);
        check(7, 7, 1.0);
        check(1, 0, 1.0);
        check(10, 0, 0.001_953_125);
        check(89, 69, 0.130_385_703_847_906_01);
    }
}
