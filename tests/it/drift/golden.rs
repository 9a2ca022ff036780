//! Every number of `../shared/golden/*.drift.json` that nightshift computes too, through the command line.
//!
//! Peers drop missing values, merge deciles that coincide and never pool rare categories. Where that makes
//! a difference the same library code is asked about the rows as they see them, and the line of the table
//! says so; what differs on purpose is counted. The table is printed for `--nocapture`.

/// The files of a comparison as columns.
mod columns;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nightshift::learn::drift::contingency::chi_squared;
use nightshift::learn::drift::{Cell, ColumnPair, find};
use nightshift::learn::profile::grid::deciles;
use serde_json::Value;

use self::columns::{Column, Comparison};
use crate::sandbox::{Sandbox, shared};

/// Chi-square is too rough below this expected count, so nightshift pools such cells.
const EXPECTED_MIN: f64 = 5.0;
/// From here on the p-value of `ks` is exact where scipy's is.
const P_EXACT_MIN: f64 = 1e-12;
/// The smallest share that a cell of psi counts as.
const SHARE_MIN: f64 = 1e-4;

/// What was compared: how many values, the worst distance, and what differs on purpose.
#[derive(Default)]
struct Report {
    lines: BTreeMap<String, (u32, f64)>,
    differs: BTreeMap<&'static str, u32>,
}

impl Report {
    #[track_caller]
    fn near(&mut self, name: &str, found: f64, wanted: f64, tolerance: f64) {
        let distance = (found - wanted).abs() / wanted.abs().max(1.0);
        assert!(distance <= tolerance, "{name}: {found}, wanted {wanted}");
        let line = self.lines.entry(name.to_owned()).or_default();
        *line = (line.0 + 1, line.1.max(distance));
    }

    fn differs(&mut self, why: &'static str) {
        *self.differs.entry(why).or_default() += 1;
    }

    fn text(&self) -> String {
        let mut out = String::from(
            "| statistic | values | worst distance, relative above 1 |\n|---|---|---|\n",
        );
        for (name, (count, worst)) in &self.lines {
            writeln!(out, "| {name} | {count} | {worst:.1e} |").unwrap();
        }
        out.push_str("\n| differs on purpose | values |\n|---|---|\n");
        for (why, count) in &self.differs {
            writeln!(out, "| {why} | {count} |").unwrap();
        }
        out
    }
}

/// One column: what the command line says of it, the pair itself, and what peers say.
struct Told<'a> {
    /// By test, from `nightshift drift --output json`.
    tests: BTreeMap<&'a str, &'a Value>,
    before: &'a Column,
    now: &'a Column,
    wanted: &'a Value,
}

impl Told<'_> {
    fn found(&self, test: &str, field: &str) -> f64 {
        self.tests[test][field].as_f64().unwrap()
    }

    /// A number of a peer, if it could compute one.
    fn wanted(&self, name: &str) -> Option<f64> {
        self.wanted[name].as_f64()
    }
}

/// The effect of a test on rows in given cells.
fn effect(test: &str, cells: &[Cell]) -> f64 {
    let names: Vec<String> = (0..cells.len()).map(|cell| cell.to_string()).collect();
    let texts = |count: fn(&Cell) -> u64| {
        let each = names.iter().zip(cells);
        let rows = each.flat_map(|(name, cell)| {
            std::iter::repeat_n(Some(name.as_str()), usize::try_from(count(cell)).unwrap())
        });
        nightshift::domain::frame::Cells::text(rows)
    };
    let pair = ColumnPair::of(&texts(|cell| cell.reference), &texts(|cell| cell.current)).unwrap();
    find(test).unwrap().measure(&pair).unwrap().effect
}

fn numbers(report: &mut Report, told: &Told<'_>) {
    report.near("ks_stat", told.found("ks", "statistic"), told.wanted("ks_stat").unwrap(), 1e-9);
    let (p, wanted) = (told.found("ks", "p_value"), told.wanted("ks_p_auto").unwrap());
    report.near("ks_p_auto", p, wanted, 1e-6);
    if wanted >= P_EXACT_MIN {
        report.near("ks_p_auto from 1e-12 on, relative", p / wanted, 1.0, 1e-6);
    } else {
        report.differs(
            "ks_p_auto below 1e-12: asymptotic here, equal within 1e-12 but not relatively",
        );
        if wanted > 0.0 {
            let name = "ks_p_auto below 1e-12, relative (told, not required)";
            report.near(name, p / wanted, 1.0, f64::INFINITY);
        }
        assert!(p < P_EXACT_MIN, "{p}, wanted {wanted}");
    }
    let (moved, unit) = (told.wanted("wasserstein_raw").unwrap(), told.wanted("std_ref").unwrap());
    report.near("wasserstein_raw", told.found("wasserstein", "statistic"), moved, 1e-9);
    let found = told.found("wasserstein", "effect");
    if unit > 1e-9 {
        report.near("wasserstein_raw / std_ref", found, moved / unit, 1e-9);
        let evidently = told.wanted("wasserstein_evidently").unwrap();
        if unit >= 0.001 {
            report.near("wasserstein_evidently", found, evidently, 1e-9);
        } else {
            report.differs("wasserstein_evidently: std_ref below 0.001 counts as 0.001 there");
        }
    } else {
        report
            .differs("wasserstein of a constant reference: another unit than std_ref, which is 0");
    }
    binned(report, told);
}

/// What is computed from the deciles of the reference.
fn binned(report: &mut Report, told: &Told<'_>) {
    let (psi, distance) = (told.wanted("psi_decile").unwrap(), told.wanted("js_decile").unwrap());
    let merged = merged_cells(told.before, told.now);
    match merged {
        None => {
            report.near("psi_decile", told.found("psi", "effect"), psi, 1e-9);
            let found = told.found("jensen_shannon", "effect");
            report.near("js_decile", found, distance, 1e-9);
        }
        Some(cells) => {
            let name = "psi_decile, cells of tied deciles merged";
            report.near(name, effect("psi", &cells), psi, 1e-9);
            let name = "js_decile, cells of tied deciles merged";
            report.near(name, effect("jensen_shannon", &cells), distance, 1e-9);
            let ours = told.found("psi", "effect");
            assert!(ours >= psi - 1e-3, "more cells see no less: {ours}, {psi}");
            if (ours - psi).abs() > 1e-9 {
                report.differs(
                    "psi and js where deciles coincide: the tied value is a cell of its own",
                );
            }
        }
    }
}

/// The cells with those below and on a tied decile in one, as peers count; `None` if no decile is tied.
fn merged_cells(before: &Column, now: &Column) -> Option<Vec<Cell>> {
    let pair = before.pair(now);
    let edges = deciles(&before.sorted()).unwrap();
    let groups: Vec<usize> = edges.chunk_by(|a, b| a >= b).map(<[f64]>::len).collect();
    if groups.iter().all(|tied| *tied == 1) {
        return None;
    }
    let mut cells = pair.cells().into_iter();
    let mut out = Vec::new();
    for tied in groups {
        let first = cells.next().unwrap();
        out.push(if tied == 1 { first } else { sum(first, cells.next().unwrap()) });
    }
    out.extend(cells);
    Some(out)
}

fn sum(a: Cell, b: Cell) -> Cell {
    Cell { reference: a.reference + b.reference, current: a.current + b.current }
}

fn categories(report: &mut Report, told: &Told<'_>) {
    let all = told.before.pair(told.now).cells();
    let (nulls, cells) = all.split_last().unwrap();
    let seen = if nulls.total() > 0 { ", without nulls" } else { "" };
    if nulls.total() > 0 {
        report.differs("every number of a column of texts with nulls: they are a category here");
    }
    let ours = |test: &str, field: &str, of_cells: f64| {
        if nulls.total() > 0 { of_cells } else { told.found(test, field) }
    };
    let psi = ours("psi", "effect", effect("psi", cells));
    let rows = cells.iter().fold(Cell::default(), |all, cell| sum(all, *cell));
    let is_tiny = |count: u64, of: u64| count > 0 && count as f64 / of as f64 <= SHARE_MIN;
    let has_tiny = cells
        .iter()
        .any(|cell| is_tiny(cell.reference, rows.reference) || is_tiny(cell.current, rows.current));
    if has_tiny {
        report
            .differs("psi_evidently_cat with a share of 0.0001 or less: zeros count as less there");
    } else {
        let wanted = told.wanted("psi_evidently_cat").unwrap();
        report.near(&format!("psi_evidently_cat{seen}"), psi, wanted, 1e-9);
    }
    let found = ours("jensen_shannon", "effect", effect("jensen_shannon", cells));
    let wanted = told.wanted("js_evidently_cat").unwrap() / 2.0_f64.ln().sqrt();
    report.near(&format!("js_evidently_cat / sqrt(ln 2){seen}"), found, wanted, 1e-9);
    let Some(statistic) = told.wanted("chi2_cont_stat") else { return };
    let (p, v) = (told.wanted("chi2_cont_p").unwrap(), told.wanted("cramers_v").unwrap());
    let whole = chi_squared(cells).unwrap();
    let found = ours("chi_square", "effect", effect("chi_square", cells));
    report.near(&format!("cramers_v{seen}"), found, v, 1e-9);
    let smaller = rows.reference.min(rows.current) as f64 / rows.total() as f64;
    let is_rare = |cell: &Cell| cell.total() > 0 && cell.total() as f64 * smaller < EXPECTED_MIN;
    if cells.iter().any(is_rare) {
        report.differs("chi_square with expected counts below 5: rare cells are pooled here");
        report.near("chi2_cont_stat, not pooled", whole.statistic, statistic, 1e-9);
        report.near("chi2_cont_p, not pooled", whole.p_value, p, 1e-6);
    } else {
        let found = ours("chi_square", "statistic", whole.statistic);
        report.near(&format!("chi2_cont_stat{seen}"), found, statistic, 1e-9);
        let found = ours("chi_square", "p_value", whole.p_value);
        report.near(&format!("chi2_cont_p{seen}"), found, p, 1e-6);
    }
}

#[test]
fn every_shared_number_is_found_again() {
    let Some(golden) = shared("golden") else { return };
    let mut report = Report::default();
    for name in ["elec2", "bank", "bikes", "wine"] {
        let text = std::fs::read_to_string(golden.join(format!("{name}.drift.json"))).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        for wanted in file["comparisons"].as_array().unwrap() {
            let comparison = Comparison::read(&golden.join("../data"), wanted);
            let documents = comparison.compare(&Sandbox::new());
            let told = documents.iter().flat_map(|found| found["columns"].as_array().unwrap());
            let told: BTreeMap<&str, &Value> =
                told.map(|column| (column["column"].as_str().unwrap(), column)).collect();
            for (name, wanted) in wanted["columns"].as_object().unwrap() {
                let tests = told[name.as_str()]["tests"].as_array().unwrap();
                let (before, now) = comparison.column(name);
                let tests = tests.iter().map(|test| (test["test"].as_str().unwrap(), test));
                let told = Told { tests: tests.collect(), before, now, wanted };
                match wanted["kind"].as_str() {
                    Some("numeric") => numbers(&mut report, &told),
                    _ => categories(&mut report, &told),
                }
            }
        }
    }
    #[expect(clippy::print_stdout, reason = "the table is for whoever asks with `--nocapture`")]
    {
        print!("{}", report.text());
    }
    assert!(report.lines.len() > 15, "{}", report.lines.len());
}
