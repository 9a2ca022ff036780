//! How fast a whole score run is: the binary, from start to committed scores, beside a floor.
//!
//! `cargo bench --profile release --bench score -- [ROWS]...`. The floor is polars' streaming engine that
//! reads the same columns of the same file and writes the id and one number, without a model, a profile,
//! a hash or a commit. Run and floor alternate in one sitting, so that the ratio holds on a busy machine;
//! the best of each counts.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use polars::prelude::*;
use serde_json::Value;

/// The table that is read.
mod table;

const ROWS: [usize; 2] = [200_000, 1_000_000];
const TRAINING_ROWS: usize = 100_000;
const REPEATS: usize = 3;

const JOB: &str = r#"
name = "risk"
[data]
source = "data/train/*.parquet"
id = "id"
label = "defaulted"
[features]
exclude = ["at"]
[model]
task = "binary"
[score]
input = "data/score/*.parquet"
output = "scores/risk"
"#;

/// One timing of the binary.
struct Run {
    seconds: f64,
    rows: u64,
    peak_bytes: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked: Vec<usize> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { ROWS.to_vec() } else { asked };
    let project = tempfile::tempdir()?;
    let root = project.path();
    for folder in ["jobs", "data/train", "data/score"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    std::fs::write(root.join("nightshift.toml"), "")?;
    std::fs::write(root.join("jobs/risk.toml"), JOB)?;
    table::write(&root.join("data/train/rows.parquet"), TRAINING_ROWS, 1)?;
    nightshift(root, "train")?;

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:>11} {:>9} {:>9} {:>7} {:>12} {:>9}",
        "rows", "floor s", "score s", "ratio", "rows a s", "peak MB"
    )?;
    for rows in sizes {
        let source = root.join("data/score/rows.parquet");
        table::write(&source, rows, 2)?;
        let mut floor_best = f64::INFINITY;
        let mut best: Option<Run> = None;
        for _ in 0..REPEATS {
            floor_best = floor_best.min(floor(&source, &root.join("floor.parquet"))?);
            let run = nightshift(root, "score")?;
            if best.as_ref().is_none_or(|best| run.seconds < best.seconds) {
                best = Some(run);
            }
        }
        let Some(best) = best else { continue };
        if best.rows != rows as u64 {
            return Err(format!("{} rows were scored, wanted {rows}", best.rows).into());
        }
        let (ratio, speed) = (best.seconds / floor_best, rows as f64 / best.seconds);
        let (seconds, peak) = (best.seconds, best.peak_bytes as f64 / 1e6);
        writeln!(
            out,
            "{rows:>11} {floor_best:>9.3} {seconds:>9.3} {ratio:>7.2} {speed:>12.0} {peak:>9.0}"
        )?;
    }
    Ok(())
}

/// Runs the binary in `root` and reads what it says of its run.
fn nightshift(root: &Path, verb: &str) -> Result<Run, Box<dyn Error>> {
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_nightshift"))
        .args([verb, "risk", "--output", "json"])
        .current_dir(root)
        .output()?;
    let seconds = begun.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    Ok(Run { seconds, rows: number("/rows/scored"), peak_bytes: number("/peak_rss_bytes") })
}

/// Seconds in which polars reads every column of `source` and writes id and one number to `target`.
fn floor(source: &Path, target: &Path) -> PolarsResult<f64> {
    let path = |path: &Path| PlRefPath::new(path.to_string_lossy());
    let begun = Instant::now();
    let every_column = LazyFrame::scan_parquet(path(source), ScanArgsParquet::default())?;
    // A function of the whole frame: the scan may not leave out the columns that are not written.
    let narrowed = every_column.map(
        |frame| frame.select(["id", "n05"]),
        AllowedOptimizations::STREAMING,
        Some(Arc::new(|schema: &Schema| {
            let kept = schema.iter().filter(|(name, _)| ["id", "n05"].contains(&name.as_str()));
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
