//! Quantiles and tail areas of the standard normal distribution, and intervals made of them.

use statrs::distribution::{ContinuousCDF as _, Normal};
use statrs::function::erf::erfc;

/// The probability of finding a difference that is as large as the minimum detectable one.
const POWER: f64 = 0.8;

/// The value that a standard normal variable stays below with `probability`, between 0 and 1.
pub(in crate::learn) fn quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

/// The probability of being at least as far from 0 as `z`, 0 to 1.
pub(super) fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The true difference that is found superior with [`POWER`], given its standard error.
pub(super) fn minimum_detectable_effect(confidence: f64, standard_error: f64) -> f64 {
    (quantile(confidence) + quantile(POWER)) * standard_error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_tails_are_those_of_scipy() {
        let near = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
        };
        // scipy.stats.norm.ppf and 2 * scipy.stats.norm.sf
        near(quantile(0.95), 1.644_853_626_951_472_2);
        near(quantile(0.975), 1.959_963_984_540_054);
        near(quantile(0.8), 0.841_621_233_572_914_3);
        near(two_sided(0.471_404_520_791_032), 0.637_351_888_233_936_8);
        near(two_sided(0.0), 1.0);
        near(two_sided(-6.269_300_343_522_678), 3.626_739_913_301_531e-10);
        near(minimum_detectable_effect(0.95, 2.0), 4.972_949_721_048_773);
    }
}
