//! How fast a table is profiled: nanoseconds a value, beside a floor that only adds the values up.
//!
//! `cargo bench --profile release --bench profile -- [ROWS]`. The columns are those of a nightly table:
//! 20 of numbers, of which 3 hold nulls, and 3 of texts. Profile and floor run in one process on the same
//! memory, both across columns on all cores, so their ratio means something on a busy machine too. The domain
//! classifier looks at a sample, so its seconds are for a whole table, however long.

use std::borrow::Cow;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::Instant;

use nightshift::domain::frame::{Cells, Frame, FrameColumn, Numbers};
use nightshift::learn::drift::domain_classifier::{ROWS_MAX, Side, separate};
use nightshift::learn::drift::judge::Rule;
use nightshift::learn::profile::{ProfileError, Profiler, ReferenceProfile};
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

const BATCH_ROWS: usize = 131_072;
const REFERENCE_ROWS: usize = 200_000;
const NUMBER_COLUMNS: usize = 20;
const NULL_COLUMNS: usize = 3;
const TEXT_COLUMNS: usize = 3;
const CATEGORIES: usize = 40;
const REPEATS: usize = 5;

/// Columns in memory, of which frames borrow.
struct Columns {
    numbers: Vec<(String, Numbers<'static>)>,
    texts: Vec<(String, Vec<String>)>,
    ids: Vec<u64>,
}

impl Columns {
    fn new(rows: usize, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let numbers = (0..NUMBER_COLUMNS).map(|index| {
            let mut nulls = Vec::new();
            if index < NULL_COLUMNS {
                nulls.extend((0..rows).map(|_| random.gen_bool(0.05)));
            }
            let mut values: Vec<f64> = (0..rows).map(|_| normal(&mut random)).collect();
            for (value, _) in values.iter_mut().zip(&nulls).filter(|(_, is_null)| **is_null) {
                *value = f64::NAN;
            }
            (format!("n{index:02}"), Numbers { values: Cow::Owned(values), nulls })
        });
        let numbers = numbers.collect();
        let texts = (0..TEXT_COLUMNS).map(|index| {
            let words = (0..rows).map(|_| format!("category {}", random.gen_range(0..CATEGORIES)));
            (format!("c{index}"), words.collect())
        });
        let texts = texts.collect();
        Self { numbers, texts, ids: (0..rows).map(|_| random.r#gen()).collect() }
    }

    fn number_frame(&self) -> Frame<'_> {
        let columns = self.numbers.iter().map(|(name, numbers)| FrameColumn {
            name,
            cells: Cells::Number(Numbers {
                values: Cow::Borrowed(&numbers.values),
                nulls: numbers.nulls.clone(),
            }),
        });
        Frame { rows: self.ids.len(), columns: columns.collect() }
    }

    fn text_frame(&self) -> Frame<'_> {
        let columns = self.texts.iter().map(|(name, words)| FrameColumn {
            name,
            cells: Cells::text(words.iter().map(|word| Some(word.as_str()))),
        });
        Frame { rows: self.ids.len(), columns: columns.collect() }
    }
}

/// Nearly normal: the sum of twelve uniform draws.
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    (0..12).map(|_| random.gen_range(0.0..1.0)).sum::<f64>() - 6.0
}

/// Adds up every column: what reading the values costs at least.
fn add_up(frame: &Frame<'_>) -> f64 {
    let sums = frame.columns.par_iter().map(|column| match &column.cells {
        Cells::Number(numbers) => numbers.values.iter().sum::<f64>(),
        Cells::Text(words) => words.iter().flatten().map(|word| word.len() as f64).sum(),
    });
    sums.sum()
}

fn profile(
    reference: &ReferenceProfile,
    frame: &Frame<'_>,
    ids: &[u64],
    batches: usize,
) -> Result<f64, ProfileError> {
    let begun = Instant::now();
    let mut profiler = Profiler::new(reference, &[]);
    for _ in 0..batches {
        profiler.update(frame, ids)?;
    }
    black_box(profiler.finish());
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds in which the domain classifier compares a sample of `frame` with that of the reference.
fn tell_apart(
    reference: &ReferenceProfile,
    frame: &Frame<'_>,
    ids: &[u64],
) -> Result<f64, Box<dyn std::error::Error>> {
    let current = ReferenceProfile::of(frame, ids, 50).map_err(|error| error.to_string())?;
    let names: Vec<&str> = frame.columns.iter().map(|column| column.name).collect();
    let rule = Rule { alpha: 0.01, share: 0.3, rows_min: 100 };
    let begun = Instant::now();
    let samples = [reference, &current].map(|profile| profile.sample.first(ROWS_MAX));
    let [before, now] = samples.each_ref().map(|sample| Side::of(sample, 1_000_000));
    black_box(separate(&before, &now, &names, &rule)?);
    Ok(begun.elapsed().as_secs_f64())
}

fn floor(frame: &Frame<'_>, batches: usize) -> f64 {
    let begun = Instant::now();
    for _ in 0..batches {
        black_box(add_up(black_box(frame)));
    }
    begun.elapsed().as_secs_f64()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let batches = rows.unwrap_or(1_000_000_usize).div_ceil(BATCH_ROWS);
    let past = Columns::new(REFERENCE_ROWS, 1);
    let now = Columns::new(BATCH_ROWS, 2);
    let cases = [
        ("numbers", past.number_frame(), now.number_frame()),
        ("texts", past.text_frame(), now.text_frame()),
    ];

    let mut out = io::stdout().lock();
    let threads = rayon::current_num_threads();
    writeln!(out, "{} rows, {threads} threads, best of {REPEATS}", batches * BATCH_ROWS)?;
    writeln!(
        out,
        "{:>8} {:>10} {:>10} {:>10} {:>12} {:>13}",
        "columns", "floor s", "profile s", "ratio", "ns a value", "classifier s"
    )?;
    for (name, reference, frame) in &cases {
        let reference =
            ReferenceProfile::of(reference, &past.ids, 50).map_err(|error| error.to_string())?;
        let [mut floor_best, mut profile_best, mut classifier_best] = [f64::INFINITY; 3];
        for _ in 0..REPEATS {
            floor_best = floor_best.min(floor(frame, batches));
            let seconds = profile(&reference, frame, &now.ids, batches);
            profile_best = profile_best.min(seconds.map_err(|error| error.to_string())?);
            classifier_best = classifier_best.min(tell_apart(&reference, frame, &now.ids)?);
        }
        let values = (batches * BATCH_ROWS * frame.columns.len()) as f64;
        let ratio = profile_best / floor_best;
        let nanos = profile_best * 1e9 / values;
        writeln!(
            out,
            "{name:>8} {floor_best:>10.4} {profile_best:>10.4} {ratio:>10.1} {nanos:>12.2} \
             {classifier_best:>13.4}"
        )?;
    }
    Ok(())
}
