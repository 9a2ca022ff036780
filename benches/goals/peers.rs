//! What a user would pick instead, on the same files in the same sitting.
//!
//! The program is not part of this repository: `NIGHTSHIFT_PEERS` names it, `NIGHTSHIFT_PYTHON` the Python that has
//! what it needs, and `NIGHTSHIFT_BENCH_DATA` a folder in which its tables are kept from one run to the next.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Source;

/// Rows from which on the naive night is not played: it takes minutes at a million rows.
const NAIVE_MAX: usize = 1_000_000;

/// Where the program and its tables are.
pub(crate) struct Peers {
    python: String,
    program: PathBuf,
    data: PathBuf,
}

/// A night of theirs: seconds of its work without imports, and the most memory that it held.
#[derive(Clone, Copy)]
pub(crate) struct Night {
    pub(crate) seconds: f64,
    pub(crate) peak_bytes: f64,
}

impl Peers {
    /// The peers, if the environment names them.
    pub(crate) fn from_environment() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a bench has no other settings")]
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let data = read("NIGHTSHIFT_BENCH_DATA").map(PathBuf::from);
        Some(Self {
            python: read("NIGHTSHIFT_PYTHON")?,
            program: PathBuf::from(read("NIGHTSHIFT_PEERS")?),
            data: data.unwrap_or_else(|| std::env::temp_dir().join("nightshift-peers")),
        })
    }

    /// Makes the tables of `rows` rows and the models of the peers, unless they are there.
    pub(crate) fn source(&self, rows: usize) -> Result<Source, Box<dyn Error>> {
        let folder = self.data.join(rows.to_string());
        if !folder.join("profile.json").exists() {
            self.play(rows, "gen,train,best_prepare")?;
        }
        Ok(Source {
            training: folder.join("reference.parquet"),
            current: folder.join("current.parquet"),
            number: "f05",
            label: "label",
            time: "ts",
        })
    }

    /// The best-effort night: polars, onnxruntime, and PSI by polars; the faster of its two ways to read.
    pub(crate) fn best_effort(&self, rows: usize) -> Result<Night, Box<dyn Error>> {
        let jobs = self.play(rows, "best_score_lr,best_psi")?;
        let (score, drift) = (stages(&jobs, "best_score_lr")?, stages(&jobs, "best_psi")?);
        let streams = score.iter().filter(|stage| stage.name.starts_with("stream_score"));
        let quickest = streams.min_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let quickest = quickest.ok_or("the peers have not scored")?;
        let others = score.iter().filter(|stage| stage.name == "onnx_load");
        let drift = drift.iter().filter(|stage| stage.name != "imports");
        Ok(sum(others.chain(drift).chain([quickest])))
    }

    /// The naive night: pandas, a scikit-learn pipeline and a drift report; `None` where it takes too long.
    pub(crate) fn naive(&self, rows: usize) -> Result<Option<Night>, Box<dyn Error>> {
        if rows > NAIVE_MAX {
            return Ok(None);
        }
        let jobs = self.play(rows, "naive_e2e_lr")?;
        let night = ["read_", "load_model", "predict_", "write_", "evidently_DataDrift"];
        let is_of_night = |stage: &&Stage| night.iter().any(|part| stage.name.starts_with(part));
        Ok(Some(sum(stages(&jobs, "naive_e2e_lr")?.iter().filter(is_of_night))))
    }

    /// Rows a second that onnxruntime predicts in memory with a forest of 100 trees of depth 10, on one thread.
    pub(crate) fn forest_speed(&self, rows: usize) -> Result<f64, Box<dyn Error>> {
        let jobs = self.play(rows, "floor_compute")?;
        let stages = stages(&jobs, "floor_compute")?;
        let found = stages.iter().find(|stage| stage.name == "onnxruntime_rf_t1");
        let seconds = found.ok_or("onnxruntime has not predicted")?.seconds;
        Ok(rows.min(1_000_000) as f64 / seconds)
    }

    fn play(&self, rows: usize, jobs: &str) -> Result<Value, Box<dyn Error>> {
        let folder = self.data.join(rows.to_string());
        std::fs::create_dir_all(&folder)?;
        let result = folder.join("bench.json");
        let status = Command::new(&self.python)
            .arg(&self.program)
            .args(["--rows", &rows.to_string(), "--jobs", jobs])
            .arg("--data")
            .arg(&folder)
            .arg("--out")
            .arg(&result)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("the peers' `{jobs}` ended with {status}").into());
        }
        Ok(serde_json::from_slice(&std::fs::read(result)?)?)
    }
}

/// A step of a night.
struct Stage {
    name: String,
    seconds: f64,
    peak_bytes: f64,
}

fn stages(jobs: &Value, job: &str) -> Result<Vec<Stage>, Box<dyn Error>> {
    let found = jobs.pointer(&format!("/jobs/{job}/median/stages")).and_then(Value::as_array);
    let found = found.ok_or_else(|| format!("the peers say nothing of `{job}`"))?;
    let stage = |stage: &Value| {
        Some(Stage {
            name: stage.get("stage")?.as_str()?.to_owned(),
            seconds: stage.get("wall_s")?.as_f64()?,
            peak_bytes: stage.get("peak_rss_mb")?.as_f64()? * f64::from(1 << 20),
        })
    };
    Ok(found.iter().filter_map(stage).collect())
}

fn sum<'s>(stages: impl Iterator<Item = &'s Stage>) -> Night {
    stages.fold(Night { seconds: 0.0, peak_bytes: 0.0 }, |night, stage| Night {
        seconds: night.seconds + stage.seconds,
        peak_bytes: night.peak_bytes.max(stage.peak_bytes),
    })
}

impl Source {
    /// The folder that all its files are in.
    pub(crate) fn folder(&self) -> &Path {
        self.current.parent().unwrap_or(Path::new("/"))
    }
}
