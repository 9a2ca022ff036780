//! How good and how fast the kinds of models are: fit, prediction and metric of every job of a project.
//!
//! `cargo bench --profile release --bench kinds -- PROJECT` prints one line of JSON for each job: seconds of the best
//! fit, rows a second of the best prediction of the held-out rows, and the metric of the first gate on them.
//! `benches/kinds.py` makes such a project of real data, and runs other libraries on the same rows beside it.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use nightshift::domain::identity::{RunId, Sha256};
use nightshift::domain::job::Task;
use nightshift::domain::run::Interval;
use nightshift::engine::candidate::TrainPlan;
use nightshift::engine::jobs::{LoadedJob, load_all};
use nightshift::engine::world::{Access, World};
use nightshift::engine::{plan, training_rows};
use nightshift::learn::artifact::Scores;
use nightshift::learn::compare::{Truth, measure};
use nightshift::learn::fit::{Fitted, fit};
use nightshift::learn::metric::find;
use nightshift::learn::model::{Labels, read_labels};
use nightshift::learn::split::split;

/// A fit counts if it is the best of so many, a prediction of so many.
const FITS: usize = 3;
const PREDICTIONS: usize = 7;

/// After every row.
const END: &str = "2100-01-01T00:00:00Z";

fn main() -> Result<(), Box<dyn Error>> {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let Some(folder) = asked else {
        writeln!(io::stderr().lock(), "wanted the folder of a project; see benches/kinds.py")?;
        return Ok(());
    };
    let folder = Path::new(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = runtime.block_on(World::open(folder, Access::Begin))?;
    let found = load_all(folder)?;
    if let Some(problem) = found.problems.first() {
        return Err(problem.to_string().into());
    }
    for loaded in found.jobs {
        let line = measure_job(&world, &loaded)?;
        writeln!(io::stdout().lock(), "{line}")?;
    }
    Ok(())
}

fn measure_job(world: &World, loaded: &LoadedJob) -> Result<serde_json::Value, Box<dyn Error>> {
    let job = &loaded.job;
    let interval = Interval { start: None, end: END.parse()? };
    let plan = TrainPlan {
        run: RunId::new(Timestamp::UNIX_EPOCH, 0),
        interval,
        files: plan::train_files(world, job, interval)?,
        job_sha256: Sha256([0; 32]),
        also: Vec::new(),
    };
    let rows = training_rows::read(&plan, job, None)?;
    let all: Vec<usize> = (0..rows.table.rows()).collect();
    let cells = rows.table.cells(&rows.label, &all).ok_or("the label was not read")?;
    let read = read_labels(job.model.task, &cells)?;
    let pick = |places: &[usize]| places.iter().map(|place| read.rows[*place]).collect::<Vec<_>>();
    let ids: Vec<u64> = read.rows.iter().map(|row| rows.ids[*row]).collect();
    let times = rows.times.as_ref();
    let times: Option<Vec<i64>> =
        times.map(|times| read.rows.iter().map(|row| times[*row]).collect());
    let sides = split(&job.train.split, job.train.seed, &ids, times.as_deref())?;
    let (train, test) = (pick(&sides.train), pick(&sides.test));
    let labels = read.labels.gather(&sides.train);

    let mut fit_seconds = f64::INFINITY;
    let mut fitted = None;
    for _ in 0..FITS {
        let begun = Instant::now();
        let found = fit(job, &rows.columns, &rows.table, &train, &labels)?;
        fit_seconds = fit_seconds.min(begun.elapsed().as_secs_f64());
        fitted = Some(found);
    }
    let fitted = fitted.ok_or("nothing was fitted")?;
    let frame = rows.table.frame(&test);
    let mut scores = fitted.score(&frame)?;
    let mut seconds = f64::INFINITY;
    for _ in 0..PREDICTIONS {
        let begun = Instant::now();
        scores = fitted.score(&frame)?;
        seconds = seconds.min(begun.elapsed().as_secs_f64());
    }
    let gate = job.gates.first().map_or("", |gate| gate.metric.as_str());
    let metric = find(gate).ok_or("the job has no gate with a metric")?;
    let value = match (read.labels.gather(&sides.test), &fitted) {
        (Labels::Values(truth), _) => {
            measure(metric, Truth::Regression(&truth), &scores.columns())?
        }
        (Labels::Classes { index, .. }, fitted) if fitted.task == Task::Binary => {
            binary(metric, fitted, &index, &scores)?
        }
        (Labels::Classes { index, .. }, _) => {
            measure(metric, Truth::Multiclass(&index), &scores.columns())?
        }
    };
    Ok(serde_json::json!({
        "job": job.name.as_str(),
        "kind": job.model.params.kind(),
        "rows": train.len(),
        "rows_test": test.len(),
        "fit_seconds": fit_seconds,
        "predict_rows_a_second": test.len() as f64 / seconds,
        "metric": metric.id,
        "value": value,
    }))
}

fn binary(
    metric: &'static nightshift::learn::metric::Metric,
    fitted: &Fitted,
    index: &[u32],
    scores: &Scores,
) -> Result<f64, Box<dyn Error>> {
    let truth: Vec<bool> = index.iter().map(|class| *class as usize == fitted.positive).collect();
    Ok(measure(metric, Truth::Binary { truth: &truth, threshold: 0.5 }, &scores.columns())?)
}
