//! What reading a table and writing one number a row costs at least: polars' streaming engine, without a model, a
//! profile, a hash or a commit.
//!
//! It has a process of its own, as a score run has: one that has read the table before keeps its memory and its
//! threads, and is about a sixth faster.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use polars::prelude::*;

/// The first argument of a process that is to measure the floor and nothing else.
pub(crate) const ALONE: &str = "--floor";

/// Seconds in which polars reads every column of `source` and writes `id` and the column `number` to `target`, in a new
/// process whose start is not counted.
pub(crate) fn floor(source: &Path, target: &Path, number: &str) -> Result<f64, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    let ran = command.arg(ALONE).arg(source).arg(target).arg(number).output()?;
    if !ran.status.success() {
        return Err(format!("the floor: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    Ok(String::from_utf8(ran.stdout)?.trim().parse()?)
}

/// What that process does: `arguments` are those behind [`ALONE`]. It answers with the seconds.
pub(crate) fn alone(arguments: &[String]) -> Result<f64, Box<dyn Error>> {
    let [source, target, number] = arguments else { return Err("wanted three arguments".into()) };
    let begun = Instant::now();
    let every_column = LazyFrame::scan_parquet(PlRefPath::new(source), ScanArgsParquet::default())?;
    // A function of the whole frame: the scan may not leave out the columns that are not written.
    let kept = [PlSmallStr::from_static("id"), number.into()];
    let written = kept.clone();
    let narrowed = every_column.map(
        move |frame| frame.select(kept.iter().cloned()),
        AllowedOptimizations::STREAMING,
        Some(Arc::new(move |schema: &Schema| Ok(Arc::new(schema.try_project(&written)?)))),
        None,
    );
    let target = SinkDestination::File { target: SinkTarget::Path(PlRefPath::new(target)) };
    let format = FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions::default()));
    let sink = narrowed.sink(target, format, UnifiedSinkArgs::default())?;
    sink.collect_with_engine(Engine::Streaming)?;
    Ok(begun.elapsed().as_secs_f64())
}
