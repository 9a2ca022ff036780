//! What cannot be told from outside: the parts of a pass, in this process, on batches as the pass gets them.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use nightshift::adapters::dataset::{ScanError, ScanRequest, Table, named_files};
use nightshift::learn::artifact::Artifact;
use nightshift::learn::profile::Profiler;

const BATCH_ROWS: usize = 131_072;
const REPEATS: usize = 3;

/// The one model file of a project.
pub(crate) fn artifact(project: &Path) -> Result<Artifact, Box<dyn Error>> {
    let pattern = project.join("state/models/**/*.nsm");
    let path = glob::glob(&pattern.to_string_lossy())?.next().ok_or("there is no model file")??;
    Ok(Artifact::decode(&std::fs::read(path)?)?)
}

/// Seconds of reading and scoring `file`, and of profiling every column besides; the best of each.
pub(crate) fn with_and_without_profile(
    artifact: &Artifact,
    file: &Path,
) -> Result<(f64, f64), Box<dyn Error>> {
    let (mut with, mut without) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..REPEATS {
        without = without.min(pass(artifact, file, false)?);
        with = with.min(pass(artifact, file, true)?);
    }
    Ok((with, without))
}

fn pass(artifact: &Artifact, file: &Path, is_profiled: bool) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    let table = Table::open(&named_files(&[file.to_string_lossy().into_owned()])?, Some("id"))?;
    let columns: Vec<String> =
        table.schema().columns.iter().map(|column| column.name.clone()).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut profiler = Profiler::new(&artifact.reference, &[]);
    let request =
        ScanRequest { columns: &columns, id: Some("id"), time: None, batch_rows: BATCH_ROWS };
    let scanned = table.scan(&request, |batch| {
        let frame = batch.frame(&names).map_err(|error| error.to_string())?;
        black_box(artifact.score(&frame).map_err(|error| error.to_string())?);
        if is_profiled {
            profiler.update(&frame, batch.id_hashes()).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    });
    match scanned {
        Err(ScanError::Callback(message)) => return Err(message.into()),
        Err(ScanError::Dataset(error)) => return Err(error.into()),
        Ok(_) => {}
    }
    black_box(profiler.finish());
    Ok(begun.elapsed().as_secs_f64())
}

/// Rows a second that `artifact` transforms and predicts in memory, on one thread and on all; the best of some.
pub(crate) fn speeds(artifact: &Artifact, file: &Path) -> Result<(f64, f64), Box<dyn Error>> {
    let table = Table::open(&named_files(&[file.to_string_lossy().into_owned()])?, Some("id"))?;
    let columns: Vec<String> = artifact.features.columns().map(str::to_owned).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let request =
        ScanRequest { columns: &columns, id: Some("id"), time: None, batch_rows: BATCH_ROWS };
    let mut first = None;
    let scanned = table.scan(&request, |batch| {
        first = Some(batch);
        Err(())
    });
    drop(scanned);
    let batch = first.ok_or("the table has no row")?;
    let frame = batch.frame(&names)?;
    let best = |threads: usize| -> Result<f64, Box<dyn Error>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut seconds = f64::INFINITY;
        for _ in 0..2 * REPEATS {
            let begun = Instant::now();
            black_box(pool.install(|| artifact.score(&frame))?);
            seconds = seconds.min(begun.elapsed().as_secs_f64());
        }
        Ok(frame.rows as f64 / seconds)
    };
    Ok((best(1)?, best(0)?))
}
