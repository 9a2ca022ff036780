//! The table that the score bench reads: a seeded credit-risk-like one in parquet.
//!
//! Rows hold an integer id, an instant, 20 numbers of which 3 have nulls, 3 categories and a label that
//! depends on some of them. It is written in row groups, so that a table of any length takes the memory
//! of one.

use std::fs::File;
use std::path::Path;

use polars::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Rows of a row group.
const GROUP_ROWS: usize = 250_000;
/// Columns of numbers, `n00` and so on.
const NUMBERS: usize = 20;
const WITH_NULLS: usize = 3;
const CATEGORIES: [(&str, usize); 3] = [("region", 12), ("product", 30), ("channel", 5)];
/// 2026-01-04T00:00:00Z; one row a millisecond from here on.
const FIRST_MILLIS: i64 = 1_767_484_800_000;

/// Writes `rows` rows to `path`.
pub(crate) fn write(path: &Path, rows: usize, seed: u64) -> PolarsResult<()> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let first = group(&mut random, 0, rows.min(GROUP_ROWS))?;
    let mut writer = ParquetWriter::new(File::create(path)?).batched(first.schema())?;
    writer.write_batch(&first)?;
    let mut written = first.height();
    while written < rows {
        let group = group(&mut random, written, (rows - written).min(GROUP_ROWS))?;
        writer.write_batch(&group)?;
        written += group.height();
    }
    writer.finish()?;
    Ok(())
}

fn group(
    random: &mut Xoshiro256PlusPlus,
    first_row: usize,
    rows: usize,
) -> PolarsResult<DataFrame> {
    let mut risk = vec![-0.5; rows];
    let mut columns = Vec::with_capacity(NUMBERS + CATEGORIES.len() + 3);
    let row_numbers =
        (first_row..first_row + rows).map(|row| i64::try_from(row).unwrap_or(i64::MAX));
    let ids: Vec<i64> = row_numbers.collect();
    let at: Vec<i64> = ids.iter().map(|id| FIRST_MILLIS + id).collect();
    columns.push(Column::new("id".into(), ids));
    let at = Column::new("at".into(), at);
    columns.push(at.cast(&DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)))?);
    for index in 0..NUMBERS {
        let weight = [0.8, -0.5, 0.3, 0.0][index % 4];
        let values: Vec<f64> = risk
            .iter_mut()
            .map(|risk| {
                let value = (0..6).map(|_| random.gen_range(-1.0..1.0)).sum::<f64>();
                *risk += weight * value;
                value * 10.0_f64.powi(i32::try_from(index % 5).unwrap_or(0))
            })
            .collect();
        let name = PlSmallStr::from(format!("n{index:02}"));
        columns.push(if index < WITH_NULLS {
            let holed = values.into_iter().map(|value| (!random.gen_bool(0.05)).then_some(value));
            Column::new(name, holed.collect::<Vec<_>>())
        } else {
            Column::new(name, values)
        });
    }
    for (name, count) in CATEGORIES {
        let values: Vec<String> =
            (0..rows).map(|_| format!("{name}-{}", random.gen_range(0..count))).collect();
        columns.push(Column::new(name.into(), values));
    }
    let labels: Vec<i64> =
        risk.iter().map(|risk| i64::from(random.gen_bool(1.0 / (1.0 + (-risk).exp())))).collect();
    columns.push(Column::new("defaulted".into(), labels));
    DataFrame::new(rows, columns)
}
