//! The interval of a paired difference of shares.
//!
//! Tango, *Equivalence test and confidence interval for the difference in proportions for the
//! paired-sample design*, Statistics in Medicine 17 (1998): all differences that a score test would not
//! reject, given the likeliest share of discordant rows under each. Unlike the interval of Wald it has a
//! width if no row is discordant, and holds its level if few are.

/// Rows that exactly one of two models decides right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Discordant {
    /// How many the candidate alone decides right.
    pub(super) candidate: u64,
    /// How many the baseline alone decides right.
    pub(super) baseline: u64,
    /// How many rows there are, the others included; at least 1.
    pub(super) rows: u64,
}

impl Discordant {
    /// The share of right decisions of the candidate less that of the baseline, -1 to 1.
    pub(super) fn difference(self) -> f64 {
        (self.candidate as f64 - self.baseline as f64) / self.rows as f64
    }

    /// The bounds of the difference, `z` standard errors away under the hypothesis that they are it.
    pub(super) fn interval(self, z: f64) -> (f64, f64) {
        let mirrored = Self { candidate: self.baseline, baseline: self.candidate, ..self };
        (self.low(z), -mirrored.low(z))
    }

    /// The smallest difference that is not rejected, found by bisection: the score falls as the
    /// hypothesis rises.
    fn low(self, z: f64) -> f64 {
        let (mut rejected, mut kept) = (-1.0, self.difference());
        loop {
            let middle = rejected + (kept - rejected) / 2.0;
            if middle <= rejected || middle >= kept {
                return middle;
            }
            let distance = self.difference() - middle;
            if distance > z * self.error_under(middle) {
                rejected = middle;
            } else {
                kept = middle;
            }
        }
    }

    /// The standard error of the difference if it is truly `delta`.
    fn error_under(self, delta: f64) -> f64 {
        let (candidate, baseline) = (self.candidate as f64, self.baseline as f64);
        let rows = self.rows as f64;
        // The likeliest share of rows that the baseline alone decides right is the larger root of
        // 2 n q^2 + `linear` q + `constant`.
        let linear = (2.0 * rows - candidate + baseline) * delta - candidate - baseline;
        let constant = -baseline * delta * (1.0 - delta);
        let root = (linear * linear - 8.0 * rows * constant).max(0.0).sqrt();
        let share = (root - linear) / (4.0 * rows);
        ((2.0 * share + delta * (1.0 - delta)).max(0.0) / rows).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counts: [u64; 3], z: f64, wanted: (f64, f64)) {
        let [candidate, baseline, rows] = counts;
        let (low, high) = Discordant { candidate, baseline, rows }.interval(z);
        let near = (low - wanted.0).abs() < 1e-12 && (high - wanted.1).abs() < 1e-12;
        assert!(near, "{counts:?}: {low}, {high}, wanted {wanted:?}");
    }

    #[test]
    fn bounds_are_where_the_score_test_just_rejects() {
        // Solved apart from this formula: the likelihood maximised under each hypothesis with
        // scipy.optimize.brentq, and then the score for z with it.
        let z = 1.959_963_984_540_054;
        check([12, 3, 100], z, (0.015_977_141_703_534_6, 0.173_742_844_692_674_06));
        check([0, 1, 44], z, (-0.118_077_096_982_132_88, 0.059_393_231_116_627_976));
        check([5, 0, 30], z, (0.034_234_374_630_369_845, 0.335_643_505_064_160_3));
        check([9, 1, 21], z, (0.100_769_482_224_123_37, 0.607_237_613_038_725_7));
        let z = 1.644_853_626_951_472_2;
        check([12, 3, 100], z, (0.028_858_241_616_814_894, 0.158_763_694_219_679_34));
        check([100, 80, 10_000], z, (-0.000_208_335_958_359_623_27, 0.004_236_340_855_708_03));
        check([30, 30, 60], z, (-0.207_718_074_787_126_5, 0.207_718_074_787_126_5));
    }

    #[test]
    fn the_airway_data_have_the_published_interval() {
        // Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014): -0.517 to -0.026.
        let (low, high) = Discordant { candidate: 1, baseline: 7, rows: 21 }.interval(1.96);
        assert!((low + 0.517).abs() < 5e-4 && (high + 0.026).abs() < 5e-4, "{low} {high}");
    }

    #[test]
    fn no_discordant_row_still_leaves_doubt() {
        // Then the bounds are z^2 / (n + z^2) away.
        let z = 1.959_963_984_540_054_f64;
        let bound = z * z / (50.0 + z * z);
        check([0, 0, 50], z, (-bound, bound));
    }

    #[test]
    fn the_ends_of_the_range_are_bounds() {
        let (low, high) = Discordant { candidate: 10, baseline: 0, rows: 10 }.interval(1.96);
        assert!(low > 0.4 && low < 1.0 && (high - 1.0).abs() < 1e-12, "{low} {high}");
        let (low, high) = Discordant { candidate: 0, baseline: 10, rows: 10 }.interval(1.96);
        assert!((low + 1.0).abs() < 1e-12 && high > -1.0, "{low} {high}");
    }
}
