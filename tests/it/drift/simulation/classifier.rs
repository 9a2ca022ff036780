//! How often the domain classifier errs, and what it finds: five columns of normal numbers a side.
//!
//! Beside the rule stands how often the interval alone lies above chance, which is what its level is about.

use std::borrow::Cow;
use std::fmt::Write as _;

use nightshift::domain::drift::is_separated;
use nightshift::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use nightshift::learn::drift::domain_classifier::{Separation, Side, separate};
use nightshift::learn::drift::judge::Rule;
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::draw::Shape;
use super::{ALPHA, DRIFT, FOUND_MIN, repeats, show};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const RULE: Rule = Rule { alpha: ALPHA, share: 0.3, rows_min: 100 };

/// How tonight's rows differ from those of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    /// The first column has moved by this.
    Shift(f64),
    /// The first two columns, independent before, have this correlation; no column changes by itself.
    Correlation(f64),
}

/// What was found over all repeats.
struct Found {
    repeats: usize,
    area: f64,
    /// Whose interval lies above 0.5.
    evidence: f64,
    /// Told apart by area and interval.
    rule: f64,
}

fn draw(rows: usize, change: Change, random: &mut Xoshiro256PlusPlus) -> Side<'static> {
    let mut columns = NAMES.map(|_| match Shape::Normal.draw(rows, 0.0, random) {
        Cells::Number(numbers) => numbers.values.into_owned(),
        Cells::Text(_) => panic!("wanted numbers"),
    });
    match change {
        Change::Nothing => {}
        Change::Shift(by) => columns[0].iter_mut().for_each(|value| *value += by),
        Change::Correlation(rho) => {
            let own = (1.0 - rho * rho).sqrt();
            let [first, second, ..] = &mut columns;
            second.iter_mut().zip(first).for_each(|(y, x)| *y = rho * *x + own * *y);
        }
    }
    let columns = NAMES.iter().zip(columns).map(|(name, values)| {
        let cells = Cells::Number(Numbers { values: Cow::Owned(values), nulls: Vec::new() });
        FrameColumn { name, cells }
    });
    let frame = Frame { rows, columns: columns.collect() };
    Side { frame, id_hashes: Cow::Owned(Vec::new()), table_rows: rows as u64 }
}

fn find(rows: usize, change: Change) -> Found {
    let repeats = repeats(rows);
    let found: Vec<Separation> = (0..repeats as u64)
        .into_par_iter()
        .map(|repeat| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(repeat);
            let mut before = draw(rows, Change::Nothing, &mut random);
            let mut now = draw(rows, change, &mut random);
            before.id_hashes = (0..rows as u64).collect();
            now.id_hashes = (rows as u64..2 * rows as u64).collect();
            separate(&before, &now, &NAMES, &RULE).unwrap()
        })
        .collect();
    let mean = |of: fn(&Separation) -> f64| found.iter().map(of).sum::<f64>() / repeats as f64;
    Found {
        repeats,
        area: mean(|found| found.area),
        evidence: mean(|found| f64::from(u8::from(found.low > 0.5))),
        rule: mean(|found| f64::from(u8::from(is_separated(found.area, found.low)))),
    }
}

#[test]
fn the_domain_classifier_rarely_errs_and_sees_what_no_column_shows() {
    let shift = Change::Shift(Shape::Normal.shift_of(DRIFT));
    let correlation = Change::Correlation(0.8);
    let mut text = String::from(
        "| change | rows a side | repeats | mean area | interval above 0.5 | warns |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    let mut line = |name: &str, rows: usize, change: Change| {
        let found = find(rows, change);
        let Found { repeats, area, evidence, rule } = found;
        writeln!(text, "| {name} | {rows} | {repeats} | {area:.4} | {evidence:.4} | {rule:.4} |")
            .unwrap();
        found
    };
    for rows in [200, 500, 2_000] {
        let Found { repeats, area, evidence, rule } = line("none", rows, Change::Nothing);
        let most = ALPHA / 2.0;
        let most = most + 2.0 * (most * (1.0 - most) / repeats as f64).sqrt();
        assert!(
            evidence <= most && rule <= most,
            "{rows}: {evidence} {rule}, wanted {most} at most"
        );
        // The mean of areas whose standard deviation is at most 0.05.
        assert!((area - 0.5).abs() < 0.2 / (repeats as f64).sqrt(), "{rows}: {area}");
    }
    for rows in [200, 500, 2_000] {
        let moved = line("psi 0.25 in one of five columns", rows, shift);
        let together = line("correlation of two columns 0 to 0.8", rows, correlation);
        if rows >= 500 {
            // One column of five is what its own test is for: the area stays below the limit.
            assert!(moved.evidence >= 0.8, "{}", moved.evidence);
            assert!(together.rule >= FOUND_MIN, "{}", together.rule);
        }
    }
    show("all columns together, at a level of 0.005 on the side of drift", &text);
}
