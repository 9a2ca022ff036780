//! P-values of many columns at once: with fifty columns, one in two nights has a p-value below 0.01 by
//! chance alone.
//!
//! Benjamini and Hochberg (1995), "Controlling the false discovery rate": of the columns called drifted at
//! level alpha, on average at most the share alpha is so by chance.

/// The adjusted p-values, in the order of `p_values`; those that are `None` are not counted.
///
/// The k-th smallest of m becomes the least `p * m / rank` among those of rank k and higher, at most 1. As
/// p-values they are from 0 to 1, and small ones are strong evidence.
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let known = p_values.iter().enumerate().filter_map(|(place, p)| p.map(|p| (place, p)));
    let mut falling: Vec<(usize, f64)> = known.collect();
    falling.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
    let count = falling.len() as f64;
    let mut out = vec![None; p_values.len()];
    let mut least: f64 = 1.0;
    for (behind, (place, p)) in falling.into_iter().enumerate() {
        let rank = count - behind as f64;
        least = least.min(p * count / rank);
        out[place] = Some(least);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(p_values: &[Option<f64>], wanted: &[Option<f64>]) {
        let found = benjamini_hochberg(p_values);
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            match (found, wanted) {
                (Some(found), Some(wanted)) => assert!((found - wanted).abs() < 1e-12, "{found}"),
                (found, wanted) => assert_eq!(found, wanted),
            }
        }
    }

    /// The wanted values are those of `scipy.stats.false_discovery_control`.
    #[test]
    fn the_values_are_those_of_scipy() {
        check(
            &[Some(0.01), Some(0.04), Some(0.03), Some(0.005)],
            &[Some(0.02), Some(0.04), Some(0.04), Some(0.02)],
        );
        check(&[Some(0.2), None, Some(0.9)], &[Some(0.4), None, Some(0.9)]);
        check(&[Some(0.7), Some(0.7)], &[Some(0.7), Some(0.7)]);
        check(&[], &[]);
    }
}
