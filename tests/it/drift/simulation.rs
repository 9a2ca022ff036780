//! How often the drift rule errs: columns of a known distribution are compared again and again.
//!
//! Reference and current rows are drawn anew each time and judged as a night is, through profiles, and
//! from raw values, which must agree. Beside it stands what Evidently says by default of the same rows.
//! `NIGHTSHIFT_REPEATS` sets how often; the whole story is told with 1,000, and printed as tables.

/// All columns together.
mod classifier;
/// Columns of a known distribution.
mod draw;
/// What a peer says of the same rows.
mod peer;

use std::fmt::Write as _;

use nightshift::domain::drift::{ColumnVerdict, Limits, column_verdict};
use nightshift::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use nightshift::learn::drift::judge::{Question, Rule};
use nightshift::learn::drift::{ColumnDrift, ColumnPair, Subject, find, judge};
use nightshift::learn::profile::{Profiler, ReferenceProfile};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use self::draw::{Shape, with_first};

use crate::suite::asked;

/// Repeats in an ordinary test run.
const REPEATS: usize = 20;
const ALPHA: f64 = 0.01;
const FLOOR: f64 = 0.1;
/// The psi of the population that must be found.
const DRIFT: f64 = 0.25;
const FOUND_MIN: f64 = 0.95;
/// The most rows that are also judged from raw values.
const RAW_ROWS_MAX: usize = 1000;
/// The most rows whose profiles are held against their raw values.
const AGREEMENT_ROWS_MAX: usize = 5000;

const COLUMNS: [(&str, Shape, usize); 5] = [
    ("normal", Shape::Normal, 5000),
    ("normal, 5 % null", Shape::Holes(0.05), 5000),
    ("13 numbers", Shape::Discrete, 5000),
    ("10 categories", Shape::Categories, 5000),
    ("normal", Shape::Normal, 1000),
];

/// How often something was said of a column.
#[derive(Default)]
struct Rates {
    repeats: f64,
    /// Drifted by effect and evidence, from profiles and from raw values.
    rule: f64,
    raw: Option<f64>,
    /// Drifted if every effect counted.
    evidence: f64,
    /// Drifted by Evidently's default.
    peer: f64,
}

/// What was said of one draw.
#[derive(Clone, Copy)]
struct Said {
    rule: bool,
    raw: Option<bool>,
    evidence: bool,
    peer: bool,
}

fn repeats(rows: usize) -> usize {
    match (asked::<usize>("NIGHTSHIFT_REPEATS"), rows) {
        (None, ..5000) => REPEATS,
        (None, 5000..50_000) => REPEATS / 4,
        (None, _) => 1,
        (Some(asked), ..50_000) => asked,
        (Some(asked), 50_000..500_000) => asked.div_ceil(4),
        (Some(asked), _) => asked.div_ceil(20),
    }
}

fn frame(cells: Cells<'_>) -> Frame<'_> {
    Frame { rows: cells.len(), columns: vec![FrameColumn { name: "x", cells }] }
}

fn judged(pair: ColumnPair<'_>) -> ColumnDrift {
    let (kind, tests) = (pair.kind(), vec![find("psi").unwrap()]);
    let (column, subject, importance) = ("x".to_owned(), Subject::Feature, None);
    let question =
        Question { column, subject, importance, kind, pair: Ok(pair), tests, floor: FLOOR };
    let rule = Rule { alpha: ALPHA, share: 0.3, rows_min: 1 };
    judge(vec![question], rule).columns.remove(0)
}

/// Judges one draw from profiles and, unless it is large, from raw values.
fn say(before: &Cells<'static>, now: &Cells<'static>) -> Said {
    let ids = |cells: &Cells<'_>| (0..cells.len() as u64).collect::<Vec<u64>>();
    let reference = ReferenceProfile::of(&frame(before.clone()), &ids(before), 100).unwrap();
    let mut profiler = Profiler::new(&reference, &[]);
    profiler.update(&frame(now.clone()), &ids(now)).unwrap();
    let current = profiler.finish();
    let counted = ColumnPair::counted(&reference.columns[0], &current.columns[0]).unwrap();
    if now.len() <= AGREEMENT_ROWS_MAX {
        require_agreement(&counted, before, now);
    }
    let found = judged(counted);
    let verdict_with = |floor| {
        let limits = Limits { floor, alpha: ALPHA };
        column_verdict(found.effect(), found.p_adjusted.unwrap(), limits)
    };
    let is_small = now.len() <= RAW_ROWS_MAX;
    let raw = is_small.then(|| judged(ColumnPair::of(before, now).unwrap()).verdict);
    Said {
        rule: found.verdict == ColumnVerdict::Drifted,
        raw: raw.map(|verdict| verdict == ColumnVerdict::Drifted),
        evidence: verdict_with(0.0) == ColumnVerdict::Drifted,
        peer: peer::alarms(before, now),
    }
}

/// Psi is the same from profiles and from raw values, and the distance of `ks` within its bound.
fn require_agreement(counted: &ColumnPair<'_>, before: &Cells<'_>, now: &Cells<'_>) {
    let raw = ColumnPair::of(before, now).unwrap();
    let measure = |test: &str| {
        let test = find(test).unwrap();
        Some((test.measure(counted)?, test.measure(&raw)?))
    };
    let (from_profile, exact) = measure("psi").unwrap();
    assert!((from_profile.effect - exact.effect).abs() < 1e-12, "{from_profile:?} {exact:?}");
    let Some((from_profile, exact)) = measure("ks") else { return };
    let short = exact.statistic - from_profile.statistic;
    assert!((-1e-12..=from_profile.short_by + 1e-12).contains(&short), "{short} {from_profile:?}");
}

/// Draws and judges again and again; `columns` makes reference and current rows.
fn rates(
    repeats: usize,
    columns: impl Fn(&mut Xoshiro256PlusPlus) -> (Cells<'static>, Cells<'static>) + Sync,
) -> Rates {
    let said: Vec<Said> = (0..repeats as u64)
        .into_par_iter()
        .map(|repeat| {
            let (before, now) = columns(&mut Xoshiro256PlusPlus::seed_from_u64(repeat));
            say(&before, &now)
        })
        .collect();
    let repeats = repeats as f64;
    let rate = |is: fn(&Said) -> bool| said.iter().filter(|said| is(said)).count() as f64 / repeats;
    Rates {
        repeats,
        rule: rate(|said| said.rule),
        raw: said[0].raw.map(|_| rate(|said| said.raw == Some(true))),
        evidence: rate(|said| said.evidence),
        peer: rate(|said| said.peer),
    }
}

/// The rates of drift found where the column has moved by as much as `psi` says.
fn table(rows: &[usize], psi: f64, out: &mut String) -> Vec<(String, usize, Rates)> {
    out.push_str(
        "| column | reference | rows | repeats | rule | raw | evidence alone | Evidently |\n",
    );
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    let mut found = Vec::new();
    for (name, shape, before) in COLUMNS {
        let shift = if psi > 0.0 { shape.shift_of(psi) } else { 0.0 };
        for now in rows {
            let rates = rates(repeats(*now), |random| {
                (shape.draw(before, 0.0, random), shape.draw(*now, shift, random))
            });
            let Rates { repeats, rule, raw, evidence, peer } = &rates;
            let raw = raw.map_or_else(|| "-".to_owned(), |raw| format!("{raw:.4}"));
            write!(out, "| {name} | {before} | {now} | {repeats} | {rule:.4} | {raw} ").unwrap();
            writeln!(out, "| {evidence:.4} | {peer:.4} |").unwrap();
            found.push((format!("{name}, {before} rows against {now}"), *now, rates));
        }
    }
    found
}

#[expect(clippy::print_stdout, reason = "the table is for whoever asks with `--nocapture`")]
fn show(title: &str, text: &str) {
    println!("\n{title}\n\n{text}");
}

#[test]
fn nights_without_drift_are_rarely_called_drifted() {
    let mut text = String::new();
    let found = table(&[50, 100, 200, 500, 5000, 100_000, 1_000_000], 0.0, &mut text);
    show("no drift: the share of columns called drifted, nominally at most 0.01", &text);
    for (name, _, rates) in found {
        let line = ALPHA + 2.0 * (ALPHA * (1.0 - ALPHA) / rates.repeats).sqrt();
        let Rates { rule, evidence, raw, .. } = rates;
        // Draws are the same each time, so what passes now passes until the code changes.
        assert!(
            evidence <= line,
            "{name}: evidence alone errs in {evidence}, wanted {line} at most"
        );
        assert!(rule <= line, "{name}: the rule errs in {rule}, wanted {line} at most");
        assert!(raw.is_none_or(|raw| (raw - rule).abs() <= 0.005), "{name}: {raw:?} {rule}");
    }
}

#[test]
fn a_marked_shift_is_found() {
    let mut text = String::new();
    let found = table(&[50, 100, 200, 500, 1000, 5000], DRIFT, &mut text);
    show("a shift whose psi is 0.25 in the population: the share that is found", &text);
    for (name, now, rates) in found.iter().filter(|(_, now, _)| *now >= 500) {
        assert!(rates.rule >= FOUND_MIN, "{name}: {} found of {now} rows", rates.rule);
    }
}

#[test]
fn outliers_nulls_and_constants_are_no_traps() {
    let mut text = String::from("| case | repeats | rule | evidence alone | Evidently |\n");
    text.push_str("|---|---|---|---|---|\n");
    let mut line = |case: &str, Rates { repeats, rule, evidence, peer, .. }: &Rates| {
        writeln!(text, "| {case} | {repeats} | {rule:.4} | {evidence:.4} | {peer:.4} |").unwrap();
    };
    for (case, psi) in [("no drift", 0.0), ("psi 0.25", DRIFT)] {
        let changed = changed_by_an_outlier(psi);
        let name = format!("one outlier of 1e6 among 400 rows changes the verdict, {case}");
        line(&name, &changed);
        assert!(changed.rule <= 0.002, "{name}: {}", changed.rule);
    }
    for rows in [400, 1000, 5000] {
        let found = rates(repeats(400), |random| {
            (Shape::Holes(0.05).draw(5000, 0.0, random), Shape::Holes(0.15).draw(rows, 0.0, random))
        });
        line(&format!("nulls from 5 % to 15 % among {rows} rows are found"), &found);
        // Psi of the population is 0.121, so chance alone takes some draws below the floor.
        assert!(found.evidence >= FOUND_MIN && found.rule >= 0.7, "{rows}: {}", found.rule);
    }
    let off_constant = rates(2, |_| {
        let constant = |value: f64, rows: usize| {
            let values = vec![value; rows].into();
            Cells::Number(Numbers { values, nulls: Vec::new() })
        };
        (constant(7.0, 5000), constant(7.5, 100))
    });
    line("a constant moves from 7 to 7.5 among 100 rows", &off_constant);
    assert!(off_constant.rule >= 1.0);
    show("traps", &text);
}

/// How often a verdict on 400 rows is another one because one value is an outlier.
fn changed_by_an_outlier(psi: f64) -> Rates {
    let shift = if psi > 0.0 { Shape::Normal.shift_of(psi) } else { 0.0 };
    let repeats = repeats(400);
    let changed: Vec<[bool; 3]> = (0..repeats as u64)
        .into_par_iter()
        .map(|repeat| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(repeat);
            let before = Shape::Normal.draw(5000, 0.0, &mut random);
            let now = Shape::Normal.draw(400, shift, &mut random);
            let (clean, other) = (say(&before, &now), say(&before, &with_first(&now, 1e6)));
            [
                clean.rule != other.rule || clean.raw != other.raw,
                clean.evidence != other.evidence,
                clean.peer != other.peer,
            ]
        })
        .collect();
    let repeats = repeats as f64;
    let [rule, evidence, peer] =
        [0, 1, 2].map(|who| changed.iter().filter(|changed| changed[who]).count() as f64 / repeats);
    Rates { repeats, rule, raw: None, evidence, peer }
}
