//! The place of a value on a grid: the last point that is not above it, found in a few steps.
//!
//! A table says for each of some thousand intervals of the value axis which points lie before it. Most
//! intervals hold one point at most, which is compared with the value; in the others, a few steps find the last
//! point that is not above it. The intervals are (but for the outermost) equal in value, or in the bits of
//! the value, which is nearly equal in its logarithm: whichever leaves less to search. Both are monotone in
//! the value, which is all that the result depends on.

use std::hint::select_unpredictable;

/// Intervals of the table; its 8 KiB stay in the first-level cache beside the points.
const INTERVALS: usize = 4096;

/// The mark of an interval with more than one point.
const CROWDED: u16 = 1 << 15;

/// If more than one point in so many shares its interval, all intervals are searched alike: to find out which
/// ones need it would take longer.
const CROWDED_SHARE: usize = 25;

/// Values that are placed side by side, so that the processor overlaps their memory accesses.
const LANES: usize = 8;

/// Strictly increasing finite points, ready to be searched.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Behind a sentinel of minus infinity; filled up with infinities, one or more, so that no step leaves the list.
    points: Vec<f64>,
    /// For each interval the place of the last point before it, 0 for none; with [`CROWDED`] if it is searched.
    before: Box<[u16; INTERVALS]>,
    scale: Scale,
    /// The longest step within an interval, a power of two, or 0.
    step: usize,
}

/// How the value axis is cut.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Linear { low: f64, per_interval: f64 },
    Bits { low: i64, shift: u32 },
}

impl Places {
    /// A table for `points`, strictly increasing and finite, fewer than 2^15.
    pub(super) fn new(points: &[f64]) -> Self {
        let scales = [Scale::linear(points), Scale::bits(points)];
        let [linear, bits] = scales.map(|scale| (Crowd::of(points, scale), scale));
        let (crowd, scale) = if bits.0.cost() < linear.0.cost() { bits } else { linear };
        let mut before = Box::new([0_u16; INTERVALS]);
        for (place, point) in (1_u16..).zip(points) {
            if let Some(next) = before.get_mut(scale.interval(*point) + 1) {
                *next = place;
            }
        }
        let mut latest = 0;
        for place in before.iter_mut() {
            latest = latest.max(*place);
            *place = latest;
        }
        if crowd.is_everywhere {
            before.iter_mut().for_each(|place| *place |= CROWDED);
        }
        for together in points.chunk_by(|a, b| scale.interval(*a) == scale.interval(*b)) {
            if let [first, _, ..] = together {
                before[scale.interval(*first)] |= CROWDED;
            }
        }
        // So many points need steps that add up to it at least: 1, 2, 4, ...
        let step = (crowd.most + 1).next_power_of_two() / 2;
        let mut all = vec![f64::NEG_INFINITY];
        all.extend_from_slice(points);
        all.resize((all.len() + 1 + 2 * step).next_power_of_two(), f64::INFINITY);
        Self { points: all, before, scale, step }
    }

    /// Hands each value with its place to `found`, in order: 0 before the first point, `j` at or behind
    /// point `j`, and whether it is equal to that point. The values are finite.
    pub(super) fn each(&self, values: &[f64], mut found: impl FnMut(usize, bool, f64)) {
        match self.scale {
            Scale::Linear { low, per_interval } => {
                self.each_by(values, |value| linear(value, low, per_interval), &mut found);
            }
            Scale::Bits { low, shift } => {
                self.each_by(values, |value| of_bits(value, low, shift), &mut found);
            }
        }
    }

    fn each_by(
        &self,
        values: &[f64],
        interval: impl Fn(f64) -> usize + Copy,
        found: &mut impl FnMut(usize, bool, f64),
    ) {
        let mut groups = values.chunks_exact(LANES);
        for group in &mut groups {
            let Ok(group) = <&[f64; LANES]>::try_from(group) else { continue };
            self.group(group, interval, found);
        }
        for value in groups.remainder() {
            self.group(&[*value], interval, found);
        }
    }

    fn group<const N: usize>(
        &self,
        values: &[f64; N],
        interval: impl Fn(f64) -> usize,
        found: &mut impl FnMut(usize, bool, f64),
    ) {
        let last = self.points.len() - 1;
        let mut places = [0; N];
        for (place, value) in places.iter_mut().zip(values) {
            *place = interval(*value);
        }
        let mut marks = 0;
        for place in &mut places {
            let before = self.before[*place];
            marks |= before;
            *place = usize::from(before);
        }
        if marks & CROWDED != 0 {
            return self.search(places, values, found);
        }
        for (before, value) in places.iter().zip(values) {
            let next = self.points[(before + 1) & last];
            let is_behind = next <= *value;
            found(before + usize::from(is_behind), is_behind && next >= *value, *value);
        }
    }

    /// Finds values by the entries of their intervals, however many points these have.
    fn search<const N: usize>(
        &self,
        mut places: [usize; N],
        values: &[f64; N],
        found: &mut impl FnMut(usize, bool, f64),
    ) {
        let last = self.points.len() - 1;
        for place in &mut places {
            *place &= usize::from(!CROWDED);
        }
        let mut step = self.step;
        while step > 0 {
            for (place, value) in places.iter_mut().zip(values) {
                let ahead = place.wrapping_add(step);
                *place = select_unpredictable(self.points[ahead & last] <= *value, ahead, *place);
            }
            step /= 2;
        }
        for (place, value) in places.iter().zip(values) {
            found(*place, self.points[place & last] >= *value, *value);
        }
    }
}

impl Scale {
    fn linear(points: &[f64]) -> Self {
        let (low, high) = ends(points);
        let per_interval = (INTERVALS - 1) as f64 / (high - low);
        let per_interval = if per_interval.is_finite() { per_interval } else { 0.0 };
        Self::Linear { low, per_interval }
    }

    fn bits(points: &[f64]) -> Self {
        let (low, high) = ends(points);
        let low = ordered(low);
        let width = ordered(high).abs_diff(low) / INTERVALS as u64;
        Self::Bits { low, shift: u64::BITS - width.leading_zeros() }
    }

    fn interval(self, value: f64) -> usize {
        match self {
            Self::Linear { low, per_interval } => linear(value, low, per_interval),
            Self::Bits { low, shift } => of_bits(value, low, shift),
        }
    }
}

fn ends(points: &[f64]) -> (f64, f64) {
    (points.first().copied().unwrap_or(0.0), points.last().copied().unwrap_or(0.0))
}

/// What is left to search within intervals.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    /// How many points share their interval with others.
    points: usize,
    /// How many points one interval has at most.
    most: usize,
    /// Whether so many share theirs that all intervals are searched.
    is_everywhere: bool,
}

impl Crowd {
    fn of(points: &[f64], scale: Scale) -> Self {
        let same = |a: &f64, b: &f64| scale.interval(*a) == scale.interval(*b);
        let lengths = || points.chunk_by(same).map(<[f64]>::len);
        let crowded = lengths().filter(|length| *length > 1).sum();
        Self {
            points: crowded,
            most: lengths().max().unwrap_or(0),
            is_everywhere: crowded > points.len() / CROWDED_SHARE,
        }
    }

    /// Larger is slower.
    fn cost(self) -> (bool, usize) {
        (self.is_everywhere, if self.is_everywhere { self.most } else { self.points })
    }
}

/// The nearest interval; what is beyond the ends belongs to the intervals there.
///
/// From 2^52 to 2^53 an f64 is an integer whose low bits are those of the number: adding 2^52 rounds and converts
/// at once, in vector registers, where a saturating cast would take a dozen instructions for each value. For the
/// same reason both ends are cut off at 0, which takes one mask and no choice.
#[inline]
fn linear(value: f64, low: f64, per_interval: f64) -> usize {
    const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
    const LAST: u64 = INTERVALS as u64 - 1;
    let above = (value - low) * per_interval;
    // Written so that NaN, which infinity times 0 gives, is the first interval.
    let above = if above > 0.0 { above } else { 0.0 };
    let below = LAST as f64 - above;
    let below = if below > 0.0 { below } else { 0.0 };
    let from_last = (below + TWO_TO_52).to_bits() - TWO_TO_52.to_bits();
    usize::try_from(LAST - from_last).unwrap_or_default()
}

#[inline]
fn of_bits(value: f64, low: i64, shift: u32) -> usize {
    let above = ordered(value).max(low).abs_diff(low) >> shift;
    usize::try_from(above).unwrap_or(INTERVALS).min(INTERVALS - 1)
}

/// The bits of a number as an integer with the same order; both zeros are one.
#[inline]
fn ordered(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ (bits >> 63).cast_unsigned().wrapping_shr(1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(points: &[f64], values: &[f64]) {
        let places = Places::new(points);
        let mut found = Vec::new();
        places.each(values, |place, is_on, value| found.push((place, is_on, value)));
        let plain = values.iter().map(|value| {
            let place = points.partition_point(|point| point <= value);
            (place, place > 0 && points[place - 1] >= *value, *value)
        });
        assert_eq!(found, plain.collect::<Vec<_>>(), "{points:?}");
    }

    /// Values on, beside and far from some points.
    fn around(points: &[f64]) -> Vec<f64> {
        let near = points.iter().flat_map(|point| [*point, point.next_up(), point.next_down()]);
        let mut out: Vec<f64> = near.filter(|value| value.is_finite()).collect();
        out.extend([f64::MIN, -1.0, -0.0, 0.0, 5e-324, 1.0, f64::MAX]);
        out
    }

    #[test]
    fn extreme_points_are_found() {
        let max = f64::MAX;
        for points in [
            &[][..],
            &[0.0],
            &[-max, max],
            &[-max, -1.0, 0.0, 1.0, max],
            &[0.0, 5e-324],
            &[1.0, 1.0 + f64::EPSILON],
            &[-1e-300, 0.0, 1e-300, 1e300],
        ] {
            check(points, &around(points));
        }
    }

    #[test]
    fn few_steps_are_left_for_values_of_any_order_of_magnitude() {
        let even: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(Places::new(&even).step, 1);
        let wide: Vec<f64> = even.iter().map(|value| (value / 40.0).exp()).collect();
        assert_eq!(Places::new(&wide).step, 1);
        check(&wide, &around(&wide));
        let crowded = |points: &[f64]| {
            let places = Places::new(points);
            places.before.iter().filter(|before| **before & CROWDED != 0).count()
        };
        assert_eq!(crowded(&even), 0);
        let mut beside = even.clone();
        beside.insert(501, 500.01);
        assert_eq!(crowded(&beside), 1);
        check(&beside, &around(&beside));
        // In equal intervals fewer points would share theirs, but 499 of them one.
        let half = |n: u32| f64::from_bits(0x3ef0_0000_0000_0000 + (u64::from(n) << 45));
        let dense = (0..501).map(|n| 1.0 + f64::from(n) / 501.0);
        let dense: Vec<f64> =
            (0..499).map(half).filter(|point| *point < 1.0).chain(dense).collect();
        assert_eq!(Places::new(&dense).step, 4);
        check(&dense, &around(&dense));
        let pairs: Vec<f64> = even.iter().flat_map(|value| [*value, value + 0.01]).collect();
        assert_eq!(crowded(&pairs), INTERVALS);
        check(&pairs, &around(&pairs));
    }

    proptest! {
        #[test]
        fn places_are_those_of_a_plain_search(
            points in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 0..400),
            small in proptest::collection::vec(-900_i32..900, 0..400),
        ) {
            let values: Vec<f64> = small.into_iter().map(|value| f64::from(value) / 4.0).collect();
            let mut mixed: Vec<f64> = points.iter().chain(&values).map(|point| point + 0.0).collect();
            mixed.sort_unstable_by(f64::total_cmp);
            mixed.dedup();
            let half: Vec<f64> = mixed.iter().copied().step_by(2).collect();
            check(&half, &mixed);
            check(&half, &around(&half));
        }
    }
}
