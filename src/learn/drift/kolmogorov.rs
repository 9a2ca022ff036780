//! P-values of the two-sample Kolmogorov-Smirnov statistic, two-sided.
//!
//! Exact for up to 10,000 rows on the larger side, and else the exact distribution of the one-sample
//! statistic at the effective number of rows, as scipy's `ks_2samp(method="auto")` does. Ties make the
//! p-value too large, never too small. The statistic itself is counted in `number`.

use statrs::function::factorial::ln_binomial;

/// The most rows of a side for which paths are counted.
const EXACT_ROWS_MAX: u64 = 10_000;

/// Where the bound on a p-value is below this, counting paths would change nothing that matters.
const P_NEGLIGIBLE: f64 = 1e-12;

/// A two-sample statistic as the whole number that it is: the largest distance of the two cumulative
/// counts, each scaled to the least common multiple of the numbers of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// Rows of the reference.
    pub reference: u64,
    /// Rows of the current table.
    pub current: u64,
    /// The statistic times the least common multiple of the two.
    pub scaled: u128,
}

impl Distance {
    /// No distance yet between samples of so many rows.
    pub fn none(reference: u64, current: u64) -> Self {
        Self { reference, current, scaled: 0 }
    }

    /// Takes in a place up to which `reference` and `current` rows were counted.
    pub fn widen(&mut self, reference: u64, current: u64) {
        let divisor = u128::from(gcd(self.reference, self.current));
        let ours = u128::from(reference) * (u128::from(self.current) / divisor);
        let theirs = u128::from(current) * (u128::from(self.reference) / divisor);
        self.scaled = self.scaled.max(ours.abs_diff(theirs));
    }

    /// The statistic, 0 to 1: the largest distance of the two empirical distribution functions.
    pub fn statistic(&self) -> f64 {
        let divisor = gcd(self.reference, self.current).max(1);
        let multiple = u128::from(self.reference / divisor) * u128::from(self.current);
        if multiple == 0 { 0.0 } else { self.scaled as f64 / multiple as f64 }
    }

    /// The probability of a statistic at least as large if both samples come from one distribution, 0 to
    /// 1; small says that they do not. 1 if a sample is empty.
    pub fn p_value(&self) -> f64 {
        if self.scaled == 0 || self.reference == 0 || self.current == 0 {
            return 1.0;
        }
        let (n, m) = (u128::from(self.reference), u128::from(self.current));
        let rows = u64::try_from((2 * n * m + n + m) / (2 * (n + m))).unwrap_or(u64::MAX).max(1);
        let statistic = self.statistic();
        // The inequality of Dvoretzky, Kiefer and Wolfowitz for two samples (Wei and Dudley, 2012).
        let bound = std::f64::consts::E * (-2.0 * rows as f64 * statistic * statistic).exp();
        if self.reference.max(self.current) <= EXACT_ROWS_MAX && bound > P_NEGLIGIBLE {
            return self.share_of_paths_outside();
        }
        survival(rows, statistic)
    }

    /// The share of the ways to interleave both samples in which the distance is reached.
    ///
    /// An interleaving is a path of steps right (a row of one sample) and up (of the other) from (0, 0) to
    /// (n, m), and it stays inside while |x / n - y / m| is below the statistic. The last step to a point
    /// (x, y) came from the left with probability x / (x + y); so the share of the paths to it that have
    /// been outside follows from its two neighbours, column by column (Hodges, 1958).
    fn share_of_paths_outside(&self) -> f64 {
        let (n, m) = (self.reference.max(self.current), self.reference.min(self.current));
        let divisor = gcd(n, m);
        let (across, up) = (i128::from(n / divisor), i128::from(m / divisor));
        let reach = i128::try_from(self.scaled).unwrap_or(i128::MAX);
        let rows = i128::from(m);
        // The heights y of column x that are inside: |up * x - across * y| < reach.
        let inside = |x: i128| {
            let lowest = (up * x - reach).div_euclid(across) + 1;
            let beyond = (up * x + reach - 1).div_euclid(across) + 1;
            (lowest.max(0), beyond.min(rows + 1))
        };
        let place = |y: i128| usize::try_from(y).unwrap_or(0);
        let mut outside = vec![1.0_f64; place(rows) + 1];
        let (first, beyond) = inside(0);
        outside[place(first)..place(beyond)].fill(0.0);
        for x in 1..=i128::from(n) {
            let (first, beyond) = inside(x);
            if beyond <= first {
                return 1.0;
            }
            let mut below = if first == 0 { 0.0 } else { 1.0 };
            let right = x as f64;
            let mut height = first as f64;
            for share in &mut outside[place(first)..place(beyond)] {
                below = (*share * right + below * height) / (right + height);
                *share = below;
                height += 1.0;
            }
        }
        outside[place(rows)].clamp(0.0, 1.0)
    }
}

/// The probability that the one-sample statistic of n rows is at least `x` (Simard and L'Ecuyer, 2011,
/// "Computing the two-sided Kolmogorov-Smirnov distribution").
///
/// Where n x² is 2.2 or more it is twice the one-sided probability, below that one minus the series of
/// Pelz and Good (1976).
fn survival(rows: u64, x: f64) -> f64 {
    let n = rows as f64;
    let squared = n * x * x;
    let p = if n * x <= 0.5 {
        1.0
    } else if x >= 1.0 {
        0.0
    } else if squared >= 2.2 || x >= 0.5 {
        2.0 * one_sided(rows, x)
    } else {
        1.0 - pelz_good(n, x)
    };
    p.clamp(0.0, 1.0)
}

/// The probability that the one-sided statistic of n rows is at least `x`: Smirnov's sum (1944), or for
/// more rows than are worth a sum its limit with the first correction (Maag and Dicaire, 1971).
fn one_sided(rows: u64, x: f64) -> f64 {
    const SUMMED_ROWS_MAX: u64 = 100_000;
    let n = rows as f64;
    if rows > SUMMED_ROWS_MAX {
        let corrected = 6.0 * n * x + 1.0;
        return (-corrected * corrected / (18.0 * n)).exp();
    }
    let terms =
        (0..rows).map(|count| (count, count as f64)).take_while(|(_, v)| *v < n * (1.0 - x));
    let sum: f64 = terms
        .map(|(count, v)| {
            let below = x + v / n;
            let above = 1.0 - below;
            (ln_binomial(rows, count) + (v - 1.0) * below.ln() + (n - v) * above.ln()).exp()
        })
        .sum();
    x * sum
}

/// The probability that the statistic of n rows is below `x`, by the series K0 + K1/√n + K2/n + K3/n√n
/// of Pelz and Good (1976) in z = x√n; exact to 1e-6 and better from 100 rows on.
fn pelz_good(rows: f64, x: f64) -> f64 {
    let z = x * rows.sqrt();
    let (z2, z4, z6) = (z.powi(2), z.powi(4), z.powi(6));
    let pi2 = std::f64::consts::PI * std::f64::consts::PI;
    let mut series = [0.0; 4];
    // Beyond eight terms the exponential is below 1e-30 for every z that comes here.
    for k in 1..=8_u32 {
        let odd = f64::from(2 * k - 1);
        let half = pi2 * odd * odd / 4.0;
        let weight = (-half / (2.0 * z2)).exp();
        series[0] += weight / z;
        series[1] += weight * (half - z2) / (6.0 * z4);
        let second =
            6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * half + (1.0 - 2.0 * z2) * half * half;
        series[2] += weight * second / (72.0 * z.powi(7));
        let third = -30.0 * z6 - 90.0 * z.powi(8)
            + (135.0 * z4 - 96.0 * z6) * half
            + (212.0 * z4 - 60.0 * z2) * half * half
            + (5.0 - 30.0 * z2) * half.powi(3);
        series[3] += weight * third / (6480.0 * z.powi(10));
        let whole = pi2 * f64::from(k * k);
        let weight = (-whole / (2.0 * z2)).exp();
        series[2] -= weight * whole / (36.0 * z.powi(3));
        series[3] += weight * whole * (3.0 * z2 - whole) / (216.0 * z6);
    }
    let root = rows.sqrt();
    let scale = (2.0 * std::f64::consts::PI).sqrt();
    scale * (series[0] + series[1] / root + series[2] / rows + series[3] / (rows * root))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(reference: u64, current: u64, statistic: f64) -> Distance {
        let multiple = reference / gcd(reference, current) * current;
        let scaled = (0..=u128::from(multiple))
            .find(|scaled| *scaled as f64 >= statistic * multiple as f64 - 1e-6)
            .unwrap();
        Distance { reference, current, scaled }
    }

    #[track_caller]
    fn near(found: f64, wanted: f64, slack: f64) {
        assert!((found - wanted).abs() <= slack, "{found} is not {wanted}");
    }

    /// Wanted: `scipy.stats.ks_2samp`, the vector of the statistics document among them.
    #[test]
    fn exact_p_values_are_those_of_scipy() {
        near(distance(1000, 400, 0.0705).p_value(), 0.112_424, 5e-7);
        near(distance(3, 3, 1.0).p_value(), 0.1, 1e-12);
        near(distance(3, 3, 2.0 / 3.0).p_value(), 0.6, 1e-12);
        near(distance(2, 3, 1.0).p_value(), 0.2, 1e-12);
        near(Distance::none(5, 7).p_value(), 1.0, 0.0);
        near(Distance::none(0, 7).p_value(), 1.0, 0.0);
    }

    #[test]
    fn every_path_of_small_samples_agrees() {
        // Brute force: all ways to interleave, as bits of a word.
        for (n, m) in [(4_u64, 3_u64), (5, 5), (6, 2), (1, 7)] {
            let all = (n + m).min(20);
            let ways: Vec<u128> = (0_u32..1 << all)
                .filter(|bits| u64::from(bits.count_ones()) == n)
                .map(|bits| {
                    let mut found = Distance::none(n, m);
                    let (mut x, mut y) = (0, 0);
                    for place in 0..all {
                        if bits >> place & 1 == 1 {
                            x += 1;
                        } else {
                            y += 1;
                        }
                        found.widen(x, y);
                    }
                    found.scaled
                })
                .collect();
            for scaled in 1..=*ways.iter().max().unwrap() {
                let reached = ways.iter().filter(|way| **way >= scaled).count();
                let wanted = reached as f64 / ways.len() as f64;
                near(Distance { reference: n, current: m, scaled }.p_value(), wanted, 1e-12);
            }
        }
    }

    /// Wanted: `scipy.stats.kstwo.sf`.
    #[test]
    fn the_one_sample_distribution_is_that_of_scipy() {
        for (rows, x, wanted) in [
            (6_200, 0.01, 0.561_305_356_8),
            (6_200, 0.02, 0.013_836_423_7),
            (6_200, 0.05, 6.552_5e-14),
            (200_000, 0.002, 0.399_950_853_7),
            (150, 0.08, 0.277_273_725_5),
            (5_000, 0.012, 0.463_991_216_7),
            (1_000_000, 0.002, 6.700_277e-4),
        ] {
            near(survival(rows, x), wanted, 1e-6);
        }
        near(survival(10, 0.01), 1.0, 0.0);
        near(survival(10, 1.0), 0.0, 0.0);
    }

    #[test]
    fn exact_and_large_sample_values_meet() {
        for statistic in [0.02, 0.03, 0.05] {
            let found = distance(10_000, 5_000, statistic);
            let rough = survival(3_333, found.statistic());
            near(found.p_value(), rough, 0.02 * rough + 1e-9);
        }
    }
}
