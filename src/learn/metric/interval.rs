//! Confidence intervals in closed form, two-sided at 95 %.
//!
//! Each function takes what it needs to know of the rows and returns the value with its interval, or
//! without one where the rows are too few to have one.

use crate::domain::registry::MetricValue;
use crate::learn::profile::moments::Moments;

/// The 97.5 % quantile of the standard normal distribution.
pub const Z: f64 = 1.959_963_984_540_054;

/// The share `successes / trials` with the score interval of Wilson (1927); `None` without trials.
pub fn share(successes: u64, trials: u64) -> Option<MetricValue> {
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let value = successes as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let center = (value + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the bound is the end itself; rounding must not move it.
    let low = if successes == 0 { 0.0 } else { (center - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (center + half).min(1.0) };
    Some(MetricValue { value, low: Some(low), high: Some(high) })
}

/// The mean of one number per row with its normal interval; `None` without rows.
pub fn mean(per_row: &[f64]) -> Option<MetricValue> {
    let moments = Moments::of(per_row);
    (moments.count > 0).then(|| around(moments.mean, standard_error(&moments)))
}

/// The root of the mean of squares with its interval by the delta method: the standard error of the root
/// is that of the mean divided by twice the root.
pub fn root_of_mean(squares: &[f64]) -> Option<MetricValue> {
    let moments = Moments::of(squares);
    if moments.count == 0 {
        return None;
    }
    let root = moments.mean.sqrt();
    let error =
        standard_error(&moments).map(|error| if root > 0.0 { error / (2.0 * root) } else { 0.0 });
    Some(not_below_zero(around(root, error)))
}

/// The median with an interval of order statistics, for any distribution (Conover, *Practical
/// Nonparametric Statistics*, 1999, section 3.2, normal approximation of the ranks); sorts `values`.
pub fn median(values: &mut [f64]) -> Option<MetricValue> {
    let count = values.len();
    if count == 0 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let (upper, lower) = (values[count / 2], values[(count - 1) / 2]);
    let value = lower + (upper - lower) / 2.0;
    let n = count as f64;
    let reach = Z * n.sqrt();
    let (low, high) = match rank((n - reach) / 2.0) {
        0 => (None, None),
        nth => (Some(values[nth - 1]), Some(values[count - nth])),
    };
    Some(MetricValue { value, low, high })
}

/// The bounds of a mean of numbers between two ends, of which `units` independent ones were all `value`.
///
/// Numbers that were not seen may be elsewhere. The bounds are those of a score test against the worst case,
/// in which a share q of them is at an end: q = z^2 / (units + z^2). At an end these are the bounds of
/// Wilson (1927).
pub fn of_agreeing(value: f64, [lowest, highest]: [f64; 2], units: usize, z: f64) -> (f64, f64) {
    let share = z * z / (units as f64 + z * z);
    (value - share * (value - lowest), value + share * (highest - value))
}

/// `found`, a mean of numbers from 0 to 1; if its interval has no width, with what `units` numbers alike leave
/// open.
pub(super) fn with_width(found: MetricValue, units: usize) -> MetricValue {
    match (found.low, found.high) {
        (Some(low), Some(high)) if low >= high => {
            let (low, high) = of_agreeing(found.value, [0.0, 1.0], units, Z);
            MetricValue { low: Some(low), high: Some(high), ..found }
        }
        _ => found,
    }
}

/// The standard error of a sum of influences of rows that were drawn class by class; `None` if a class has
/// fewer than two rows.
///
/// The rows of each class are an independent sample, so the variance is the sum over the classes of
/// n / (n - 1) times the squared influences about their mean. For the area under the ROC curve of two
/// classes this is the variance of `DeLong` et al. (1988).
pub fn error_of_classes(truth: &[usize], influence: &[f64], classes: usize) -> Option<f64> {
    let mut rows = vec![0.0; classes];
    let mut means = vec![0.0; classes];
    for (class, pull) in truth.iter().zip(influence) {
        rows[*class] += 1.0;
        means[*class] += pull;
    }
    for (mean, rows) in means.iter_mut().zip(&rows) {
        *mean /= rows;
    }
    let mut squares = vec![0.0; classes];
    for (class, pull) in truth.iter().zip(influence) {
        squares[*class] += (pull - means[*class]) * (pull - means[*class]);
    }
    let parts = squares.iter().zip(&rows).map(|(squares, rows)| squares * rows / (rows - 1.0));
    let has_spread = rows.iter().all(|rows| *rows > 1.0);
    has_spread.then(|| parts.sum::<f64>().sqrt())
}

/// `value` with a normal interval of the given standard error.
pub fn around(value: f64, standard_error: Option<f64>) -> MetricValue {
    let half = standard_error.map(|error| Z * error);
    MetricValue { value, low: half.map(|half| value - half), high: half.map(|half| value + half) }
}

/// The same with a lower bound of at least 0, for what cannot be negative.
pub fn not_below_zero(found: MetricValue) -> MetricValue {
    MetricValue { low: found.low.map(|low| low.max(0.0)), ..found }
}

/// The same with both bounds between 0 and 1.
pub fn within_unit(found: MetricValue) -> MetricValue {
    let clamp = |bound: Option<f64>| bound.map(|bound| bound.clamp(0.0, 1.0));
    MetricValue { value: found.value, low: clamp(found.low), high: clamp(found.high) }
}

fn standard_error(moments: &Moments) -> Option<f64> {
    moments.variance_sample().map(|variance| (variance / moments.count as f64).sqrt())
}

/// The largest whole number that is not above `place`; 0 for negative ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a slice: below 2^53 as slices are, and the cast of a negative is 0"
)]
pub(super) fn rank(place: f64) -> usize {
    place.floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: Option<f64>, wanted: f64) {
        let found = found.unwrap();
        assert!((found - wanted).abs() <= 1e-12, "{found} is not {wanted}");
    }

    #[test]
    fn shares_at_the_ends_have_a_width() {
        // scipy.stats.binomtest(0, 10).proportion_ci(method="wilson")
        let none = share(0, 10).unwrap();
        near(none.low, 0.0);
        near(none.high, 0.277_532_799_862_889_26);
        let all = share(10, 10).unwrap();
        near(all.low, 0.722_467_200_137_110_7);
        near(all.high, 1.0);
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn numbers_that_are_all_alike_leave_room_for_others() {
        let wanted = share(10, 10).unwrap();
        let (low, high) = of_agreeing(1.0, [0.0, 1.0], 10, Z);
        near(wanted.low, low);
        near(wanted.high, high);
        let sure = MetricValue { value: 1.0, low: Some(1.0), high: Some(1.0) };
        near(with_width(sure, 10).low, low);
        let wide = MetricValue { low: Some(0.9), ..sure };
        assert_eq!(with_width(wide, 10), wide);
        let none = MetricValue { low: None, high: None, ..sure };
        assert_eq!(with_width(none, 10), none);
    }

    #[test]
    fn one_row_has_a_mean_but_no_interval() {
        assert_eq!(mean(&[2.5]), Some(MetricValue { value: 2.5, low: None, high: None }));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn no_error_at_all_is_a_root_of_zero() {
        let found = root_of_mean(&[0.0; 5]).unwrap();
        assert_eq!(found, MetricValue { value: 0.0, low: Some(0.0), high: Some(0.0) });
    }

    #[test]
    fn the_interval_of_a_median_needs_enough_rows() {
        let mut few: Vec<f64> = (0..7).map(f64::from).collect();
        let found = median(&mut few).unwrap();
        assert_eq!(found, MetricValue { value: 3.0, low: None, high: None });
        let mut many: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let found = median(&mut many).unwrap();
        assert_eq!(found, MetricValue { value: 50.5, low: Some(40.0), high: Some(61.0) });
    }
}
