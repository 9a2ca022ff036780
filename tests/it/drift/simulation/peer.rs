//! What Evidently says by default of the same rows, made anew from its documented rule.
//!
//! Up to 1,000 rows of reference it looks at evidence alone, above at effect alone, whatever the number of
//! current rows. Missing values are dropped first, so no surge of them can be seen.

use std::collections::BTreeMap;

use nightshift::domain::frame::{Cells, Numbers};
use nightshift::domain::texts::Texts;
use nightshift::learn::drift::number::NumberPair;

const ROWS_OF_EVIDENCE: usize = 1000;
/// Numbers with fewer distinct values are taken for categories.
const DISTINCT_MIN: usize = 5;
const DISTANCE_MIN: f64 = 0.1;
const ALPHA: f64 = 0.05;
const UNIT_MIN: f64 = 0.001;

/// Whether it calls the column drifted. Texts are looked at as with a reference of more than 1,000 rows.
pub(super) fn alarms(reference: &Cells<'_>, current: &Cells<'_>) -> bool {
    match (reference, current) {
        (Cells::Number(before), Cells::Number(now)) => {
            if before.values.len() <= ROWS_OF_EVIDENCE {
                return NumberPair::of(before, now).distance().unwrap().p_value() < ALPHA;
            }
            let (before, now) = (sorted(before), sorted(now));
            if distinct(&before, &now) > DISTINCT_MIN {
                let mean = before.iter().sum::<f64>() / before.len() as f64;
                let squares = before.iter().map(|value| (value - mean) * (value - mean));
                let spread = (squares.sum::<f64>() / before.len() as f64).sqrt();
                return wasserstein(&before, &now) / spread.max(UNIT_MIN) >= DISTANCE_MIN;
            }
            let bits =
                |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            jensen_shannon(&bits(&before), &bits(&now)) >= DISTANCE_MIN
        }
        (Cells::Text(before), Cells::Text(now)) => {
            let known = |texts: &Texts<'_>| -> Vec<String> {
                texts.iter().flatten().map(str::to_owned).collect()
            };
            jensen_shannon(&known(before), &known(now)) >= DISTANCE_MIN
        }
        _ => panic!("both columns are of one kind"),
    }
}

fn sorted(numbers: &Numbers<'_>) -> Vec<f64> {
    let rows = 0..numbers.values.len();
    let mut out: Vec<f64> =
        rows.filter_map(|row| numbers.value(row)).filter(|value| value.is_finite()).collect();
    out.sort_unstable_by(f64::total_cmp);
    out
}

/// How many values occur, counted no further than needed.
fn distinct(before: &[f64], now: &[f64]) -> usize {
    let mut seen: Vec<f64> = Vec::new();
    for value in before.iter().chain(now) {
        if seen.len() > DISTINCT_MIN {
            break;
        }
        if seen.iter().all(|known| known.total_cmp(value).is_ne()) {
            seen.push(*value);
        }
    }
    seen.len()
}

/// The area between two distribution functions.
fn wasserstein(before: &[f64], now: &[f64]) -> f64 {
    let (mut i, mut j, mut out) = (0, 0, 0.0);
    let mut last = before[0].min(now[0]);
    while i < before.len() || j < now.len() {
        let [a, b] = [(before, i), (now, j)].map(|(side, at)| side.get(at).copied());
        let next = a.unwrap_or(f64::INFINITY).min(b.unwrap_or(f64::INFINITY));
        let apart = i as f64 / before.len() as f64 - j as f64 / now.len() as f64;
        out += apart.abs() * (next - last);
        last = next;
        if a.is_some_and(|a| a <= next) {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

/// With the natural logarithm.
fn jensen_shannon<T: Ord>(before: &[T], now: &[T]) -> f64 {
    let mut shares: BTreeMap<&T, [f64; 2]> = BTreeMap::new();
    for (side, values) in [before, now].into_iter().enumerate() {
        for value in values {
            shares.entry(value).or_default()[side] += 1.0 / values.len() as f64;
        }
    }
    let term =
        |share: f64, middle: f64| if share > 0.0 { share * (share / middle).ln() } else { 0.0 };
    let sum: f64 = shares
        .values()
        .map(|[a, b]| term(*a, f64::midpoint(*a, *b)) + term(*b, f64::midpoint(*a, *b)))
        .sum();
    (sum / 2.0).max(0.0).sqrt()
}

#[test]
fn distances_are_those_of_scipy() {
    assert!((wasserstein(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]) - 5.0).abs() < 1e-12);
    assert!((wasserstein(&[0.0, 1.0], &[0.0, 1.0, 1.0, 1.0]) - 0.25).abs() < 1e-12);
    let texts = |counts: &[(&'static str, usize)]| -> Vec<&'static str> {
        counts.iter().flat_map(|(text, count)| vec![*text; *count]).collect()
    };
    let before = texts(&[("a", 600), ("b", 300), ("c", 100)]);
    let now = texts(&[("a", 200), ("b", 150), ("d", 50)]);
    assert!((jensen_shannon(&before, &now) - 0.286_953_946_3).abs() < 1e-9);
}
