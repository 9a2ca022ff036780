//! What reading a table and writing one number a row costs at least: polars' streaming engine, without a model, a
//! profile, a hash or a commit.

use std::path::Path;
use std::time::Instant;

use polars::prelude::*;

/// Seconds in which polars reads every column of `source` and writes `id` and the column `number` to `target`.
pub(crate) fn floor(source: &Path, target: &Path, number: &'static str) -> PolarsResult<f64> {
    let path = |path: &Path| PlRefPath::new(path.to_string_lossy());
    let begun = Instant::now();
    let every_column = LazyFrame::scan_parquet(path(source), ScanArgsParquet::default())?;
    // A function of the whole frame: the scan may not leave out the columns that are not written.
    let narrowed = every_column.map(
        move |frame| frame.select(["id", number]),
        AllowedOptimizations::STREAMING,
        Some(Arc::new(move |schema: &Schema| {
            let kept = schema.iter().filter(|(name, _)| ["id", number].contains(&name.as_str()));
            Ok(Arc::new(kept.map(|(name, kind)| Field::new(name.clone(), kind.clone())).collect()))
        })),
        None,
    );
    let target = SinkDestination::File { target: SinkTarget::Path(path(target)) };
    let format = FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions::default()));
    let sink = narrowed.sink(target, format, UnifiedSinkArgs::default())?;
    sink.collect_with_engine(Engine::Streaming)?;
    Ok(begun.elapsed().as_secs_f64())
}
