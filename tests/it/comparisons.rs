//! How often a gate errs: two models of known quality are compared again and again.
//!
//! Rows are drawn so that the true difference is known exactly, and the same verdicts are made of the
//! interval as a gate makes. A candidate that is worse by just the margin must not pass non-inferiority
//! more often than 1 - confidence, nor an equal one superiority. `NIGHTSHIFT_REPEATS` sets how often;
//! the whole story is told with 2,000, and printed as a table.

use std::fmt::Write as _;

use nightshift::learn::compare::{Comparison, Options, Truth, compare};
use nightshift::learn::metric;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::suite::asked;

/// Repeats in an ordinary test run; a quarter of them where the interval is resampled.
const REPEATS: usize = 40;
/// What a candidate may be worse by.
const MARGIN: f64 = 0.01;
const CONFIDENCE: f64 = 0.95;
const SHARE_OF_POSITIVES: f64 = 0.2;
const ROWS: [usize; 3] = [500, 2_000, 10_000];
/// By how much the candidate is truly better.
const TRUTHS: [(&str, f64); 3] =
    [("worse by the margin", -MARGIN), ("equal", 0.0), ("better by as much", MARGIN)];

/// Labels, and what a candidate and a baseline say about them.
struct Drawn {
    truth: Vec<bool>,
    label: Vec<f64>,
    candidate: Vec<f64>,
    baseline: Vec<f64>,
}

/// Draws one row: its label, and the predictions of candidate and baseline; the candidate is truly
/// better by the given difference.
type Row = fn(&mut Xoshiro256PlusPlus, f64) -> (f64, f64, f64);

/// The metrics that are looked at, one for each way to make an interval and each kind of loss.
const METRICS: [(&str, Row); 4] =
    [("roc_auc", ranked), ("accuracy", decided), ("log_loss", charged), ("rmse", measured)];

/// How often a gate said what.
#[derive(Default)]
struct Verdicts {
    repeats: f64,
    not_inferior: f64,
    inferior: f64,
    superior: f64,
    at_least_as_good: f64,
    mde: f64,
}

impl std::fmt::Display for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} | {:.4} | {:.4} ", self.repeats, self.not_inferior, self.inferior)?;
        write!(f, "| {:.4} | {:.4} | {:.4}", self.superior, self.at_least_as_good, self.mde)
    }
}

fn repeats(metric: &str) -> usize {
    let is_resampled = matches!(metric, "log_loss" | "rmse");
    let fewest = if is_resampled { REPEATS / 4 } else { REPEATS };
    asked("NIGHTSHIFT_REPEATS").unwrap_or(fewest)
}

fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    Normal::standard().inverse_cdf(random.gen_range(f64::EPSILON..1.0))
}

fn label(random: &mut Xoshiro256PlusPlus) -> f64 {
    f64::from(u8::from(random.gen_bool(SHARE_OF_POSITIVES)))
}

fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Normal scores of both classes, a distance apart that gives areas of 0.85 and 0.85 + `better`; the
/// noise of the two models correlates by 0.8.
fn ranked(random: &mut Xoshiro256PlusPlus, better: f64) -> (f64, f64, f64) {
    let label = label(random);
    let apart = |area: f64| std::f64::consts::SQRT_2 * Normal::standard().inverse_cdf(area);
    let shared = normal(random) * 0.8_f64.sqrt();
    let mut score = |area: f64| {
        let noise = shared + normal(random) * 0.2_f64.sqrt();
        probability(label * apart(area) + noise - 1.5)
    };
    (label, score(0.85 + better), score(0.85))
}

/// Decisions of which 8 % are right for one model only.
fn decided(random: &mut Xoshiro256PlusPlus, better: f64) -> (f64, f64, f64) {
    let label = label(random);
    let drawn: f64 = random.gen_range(0.0..1.0);
    let candidate_alone = f64::midpoint(0.08, better);
    let (candidate, baseline) = match drawn {
        drawn if drawn < candidate_alone => (true, false),
        drawn if drawn < 0.08 => (false, true),
        drawn => (drawn < 0.9, drawn < 0.9),
    };
    let score = |is_right: bool| if is_right == (label > 0.5) { 0.8 } else { 0.2 };
    (label, score(candidate), score(baseline))
}

/// Losses with an exponential tail, of mean 0.4 and 0.4 - `better`, half of which the models share.
fn charged(random: &mut Xoshiro256PlusPlus, better: f64) -> (f64, f64, f64) {
    let label = label(random);
    let mut exponential = || -random.gen_range(f64::EPSILON..1.0_f64).ln();
    let shared = exponential();
    let mut score = |mean: f64| {
        let came_true = (-mean * f64::midpoint(shared, exponential())).exp();
        if label > 0.5 { came_true } else { 1.0 - came_true }
    };
    (label, score(0.4 - better), score(0.4))
}

/// Errors whose spread differs from row to row, of root mean square 1 and 1 - `better`, correlated by
/// 0.9.
fn measured(random: &mut Xoshiro256PlusPlus, better: f64) -> (f64, f64, f64) {
    let label = normal(random) * 3.0;
    let spread = (0.3 * normal(random) - 0.09).exp();
    let shared = normal(random) * 0.9_f64.sqrt();
    let mut predicted =
        |error: f64| label + error * spread * (shared + normal(random) * 0.1_f64.sqrt());
    (label, predicted(1.0 - better), predicted(1.0))
}

fn draw(row: Row, rows: usize, better: f64, seed: u64) -> Drawn {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut out =
        Drawn { truth: Vec::new(), label: Vec::new(), candidate: Vec::new(), baseline: Vec::new() };
    for _ in 0..rows {
        let (label, candidate, baseline) = row(&mut random, better);
        out.truth.push(label > 0.5);
        out.label.push(label);
        out.candidate.push(candidate);
        out.baseline.push(baseline);
    }
    out
}

fn judge(metric: &str, drawn: &Drawn, seed: u64) -> Comparison {
    let metric = metric::find(metric).unwrap();
    let truth = match metric.id {
        "rmse" => Truth::Regression(&drawn.label),
        _ => Truth::Binary { truth: &drawn.truth, threshold: 0.5 },
    };
    let ids: Vec<u64> = (0..drawn.label.len() as u64).collect();
    let options = Options { confidence: CONFIDENCE, seed, ids: &ids };
    compare(metric, truth, &[&drawn.candidate], &[&drawn.baseline], &options).unwrap()
}

fn simulate((metric, row): (&str, Row), rows: usize, better: f64) -> Verdicts {
    let repeats = repeats(metric);
    let found: Vec<Comparison> = (0..repeats as u64)
        .into_par_iter()
        .map(|seed| judge(metric, &draw(row, rows, better, seed), seed))
        .collect();
    let share = |says: fn(&Comparison) -> bool| {
        found.iter().filter(|found| says(found)).count() as f64 / repeats as f64
    };
    Verdicts {
        repeats: repeats as f64,
        not_inferior: share(|found| found.low > -MARGIN),
        inferior: share(|found| found.high < -MARGIN),
        superior: share(|found| found.low > 0.0),
        at_least_as_good: share(|found| found.difference >= -MARGIN),
        mde: found.iter().filter_map(|found| found.mde).sum::<f64>() / repeats as f64,
    }
}

/// The largest share of errors that chance explains: three standard errors of the simulation.
fn error_max(repeats: f64) -> f64 {
    let error = 1.0 - CONFIDENCE;
    error + 3.0 * (error * CONFIDENCE / repeats).sqrt()
}

#[test]
fn gates_err_as_rarely_as_they_claim() {
    let mut table = String::from(
        "| metric | rows | truth | repeats | non-inferior | inferior | superior | point | mde |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut complaints = Vec::new();
    for metric in METRICS {
        let mut power = Vec::new();
        for rows in ROWS {
            for (truth, better) in TRUTHS {
                let found = simulate(metric, rows, better);
                writeln!(table, "| {} | {rows} | {truth} | {found} |", metric.0).unwrap();
                let errors = match truth {
                    "equal" => found.superior,
                    "better by as much" => 0.0,
                    _ => found.not_inferior.max(found.inferior),
                };
                if errors > error_max(found.repeats) {
                    complaints.push(format!("{} of {rows} rows, {truth}: {errors}", metric.0));
                }
                power.extend((better > 0.0).then_some(found.superior));
            }
        }
        if power[2] < power[0].max(0.5) {
            complaints.push(format!("{} finds too little: {power:?}", metric.0));
        }
    }
    #[expect(clippy::print_stdout, reason = "the table is what a full run is for")]
    {
        print!("{table}");
    }
    assert!(complaints.is_empty(), "{complaints:?}");
}
