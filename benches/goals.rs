//! The goals of the data path, each with what was measured, as one table.
//!
//! `cargo bench --profile release --bench goals -- [ROWS]...`. Everything that is compared runs in turns in one
//! sitting, and the best of each counts, so that ratios hold on a busy machine. A score run is the binary from its
//! start to committed scores: read, transform, logistic, profile of all columns, ids, hash, write. With what
//! `peers` says in the environment, the files are those of the peers, who score them as well.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::floor::{ALONE, alone, floor};
use self::peers::{Night, Peers};

/// The least that a run can cost.
#[path = "goals/floor.rs"]
mod floor;
/// Parts of a pass.
#[path = "goals/inside.rs"]
mod inside;
/// What a user would pick instead.
#[path = "goals/peers.rs"]
mod peers;
/// The table that is read where there are no peers.
mod table;

const ROWS: [usize; 2] = [200_000, 1_000_000];
const TRAINING_ROWS: usize = 200_000;
const REPEATS: usize = 3;
const COLD_STARTS: usize = 20;

/// Files to train on and to score, and their columns.
pub(crate) struct Source {
    training: PathBuf,
    current: PathBuf,
    /// A column of numbers.
    number: &'static str,
    label: &'static str,
    time: &'static str,
}

/// One run of the binary.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    rows: u64,
    /// The most memory that it held, file mappings included.
    peak_bytes: f64,
    /// The most memory of its own.
    anonymous_bytes: f64,
}

impl Run {
    fn memory_beside(self, goal: &'static str, rows: usize, night: Night) -> Line {
        let (ours, theirs) = (self.peak_bytes, night.peak_bytes);
        let how = format!("{:.0} MB against {:.0} MB, mappings included", ours / 1e6, theirs / 1e6);
        Line::at_most(goal, rows, ours / theirs, 0.25, how)
    }
}

/// What was measured at one size.
struct Measured {
    rows: usize,
    floor_seconds: f64,
    run: Run,
    /// On one core, where `taskset` can see to that.
    single: Option<Run>,
    best_effort: Option<Night>,
    naive: Option<Night>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == ALONE
    {
        writeln!(io::stdout().lock(), "{}", alone(rest)?)?;
        return Ok(());
    }
    let asked: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { ROWS.to_vec() } else { asked };
    let (peers, folder) = (Peers::from_environment(), tempfile::tempdir()?);
    let source = |rows: usize| match &peers {
        Some(peers) => peers.source(rows),
        None => own(folder.path(), rows),
    };
    let first = source(*sizes.first().ok_or("no size")?)?;
    let (logistic, forest) = (folder.path().join("logistic"), folder.path().join("forest"));
    let params = "kind = \"random_forest\"\nparams = { trees = 100, max_depth = 10 }";
    project(&logistic, &first, "")?;
    project(&forest, &first, params)?;
    say(&format!("training on {}", first.training.display()))?;
    nightshift(&logistic, &["train", "risk"], Cores::All)?;
    nightshift(&forest, &["train", "risk"], Cores::All)?;
    let mut measured = Vec::new();
    for rows in &sizes {
        say(&format!("{rows} rows"))?;
        measured.push(measure(&logistic, &source(*rows)?, *rows, peers.as_ref())?);
    }
    let mut lines = Vec::new();
    for found in &measured {
        lines.extend(found.lines());
    }
    lines.extend(memory(&measured));
    let of = sizes[0];
    let (with, without) =
        inside::with_and_without_profile(&inside::artifact(&logistic)?, &first.current)?;
    let line = format!("{without:.3} s without, {with:.3} s with");
    lines.push(Line::at_most("profile of all columns", of, with / without, 1.6, line));
    let (one, all) = inside::speeds(&inside::artifact(&forest)?, &first.current)?;
    let mut line = format!("{:.3} M rows/s on one thread, {:.3} on all", one / 1e6, all / 1e6);
    let onnx = peers.as_ref().map(|peers| peers.forest_speed(of)).transpose()?;
    line.extend(onnx.map(|onnx| format!("; onnxruntime {:.3} on one", onnx / 1e6)));
    let ratio = onnx.map_or(f64::NAN, |onnx| one / onnx);
    lines.push(Line::at_least("forest of 100 / onnxruntime", of, ratio, 1.5, line));
    let cold = cold_start(&logistic)?;
    let line = format!("median of {COLD_STARTS}");
    lines.push(Line::at_most("`status`, ms", 0, cold * 1e3, 30.0, line));
    print(&lines)
}

/// Tables of our own.
fn own(folder: &Path, rows: usize) -> Result<Source, Box<dyn Error>> {
    let (training, current) = (folder.join("training.parquet"), folder.join("current.parquet"));
    if !training.exists() {
        table::write(&training, TRAINING_ROWS, 1)?;
    }
    table::write(&current, rows, 2)?;
    Ok(Source { training, current, number: "n05", label: "defaulted", time: "at" })
}

/// A project whose one job is trained on `source` with the keys `model`, and scores what is named later.
fn project(root: &Path, source: &Source, model: &str) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(root.join("jobs"))?;
    std::fs::write(root.join("jobs/risk.toml"), job(source, &source.current, model))?;
    let folder = source.folder().parent().unwrap_or(source.folder()).display();
    std::fs::write(root.join("nightshift.toml"), format!("data_roots = [\"{folder}\"]\n"))?;
    Ok(())
}

fn job(source: &Source, current: &Path, model: &str) -> String {
    let Source { training, label, time, .. } = source;
    let (training, current) = (training.display(), current.display());
    format!(
        "name = \"risk\"\n[data]\nsource = \"{training}\"\nid = \"id\"\nlabel = \"{label}\"\n[features]\n\
         exclude = [\"{time}\"]\n[model]\ntask = \"binary\"\n{model}\n[score]\ninput = \"{current}\"\n\
         output = \"scores/risk\"\n[drift]\nthen = \"report\"\n"
    )
}

fn measure(
    root: &Path,
    source: &Source,
    rows: usize,
    peers: Option<&Peers>,
) -> Result<Measured, Box<dyn Error>> {
    std::fs::write(root.join("jobs/risk.toml"), job(source, &source.current, ""))?;
    let naive = peers.map(|peers| peers.naive(rows)).transpose()?.flatten();
    let target = root.join("floor.parquet");
    let mut floor_seconds = f64::INFINITY;
    let (mut run, mut single, mut best_effort): (Option<Run>, Option<Run>, Option<Night>) =
        (None, None, None);
    let has_taskset = Command::new("taskset").arg("-V").output().is_ok();
    for _ in 0..REPEATS {
        floor_seconds = floor_seconds.min(floor(&source.current, &target, source.number)?);
        run = Some(quicker(run, nightshift(root, &["score", "risk"], Cores::All)?));
        if has_taskset {
            single = Some(quicker(single, nightshift(root, &["score", "risk"], Cores::One)?));
        }
        if let Some(night) = peers.map(|peers| peers.best_effort(rows)).transpose()? {
            let is_quicker = best_effort.is_none_or(|best| night.seconds < best.seconds);
            best_effort = if is_quicker { Some(night) } else { best_effort };
        }
    }
    let run = run.ok_or("nothing ran")?;
    if run.rows != rows as u64 {
        return Err(format!("{} rows were scored, wanted {rows}", run.rows).into());
    }
    Ok(Measured { rows, floor_seconds, run, single, best_effort, naive })
}

fn quicker(before: Option<Run>, now: Run) -> Run {
    before.filter(|before| before.seconds <= now.seconds).unwrap_or(now)
}

/// Which cores the binary may use.
#[derive(Clone, Copy)]
enum Cores {
    /// As many threads as it likes, on the first one.
    One,
    All,
}

/// Runs the binary in `root` and watches it.
fn nightshift(root: &Path, words: &[&str], cores: Cores) -> Result<Run, Box<dyn Error>> {
    let (answer, log) = (root.join("answer.json"), root.join("log.txt"));
    let program = env!("CARGO_BIN_EXE_nightshift");
    let mut command = match cores {
        Cores::All => Command::new(program),
        Cores::One => Command::new("taskset"),
    };
    if let Cores::One = cores {
        command.args(["-c", "0", program]);
    }
    command.args(words).args(["--output", "json"]).current_dir(root);
    let begun = Instant::now();
    let stdout = std::fs::File::create(&answer)?;
    let mut child = command.stdout(stdout).stderr(std::fs::File::create(&log)?).spawn()?;
    let mut anonymous_bytes: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        anonymous_bytes = anonymous_bytes.max(anonymous(child.id()));
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = begun.elapsed().as_secs_f64();
    if !status.success() {
        let (said, log) = (std::fs::read_to_string(answer)?, std::fs::read_to_string(log)?);
        return Err(
            format!("`nightshift {}` ended with {status}: {said}{log}", words.join(" ")).into()
        );
    }
    let found: Value = serde_json::from_slice(&std::fs::read(answer)?)?;
    let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let peak_bytes = number("/peak_rss_bytes") as f64;
    Ok(Run { seconds, rows: number("/rows/scored"), peak_bytes, anonymous_bytes })
}

/// The memory of its own that a process holds, in bytes; 0 where that is not told.
fn anonymous(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

fn cold_start(root: &Path) -> Result<f64, Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..COLD_STARTS {
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightshift"));
        command.arg("status").current_dir(root).stdout(Stdio::null()).status()?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[COLD_STARTS / 2])
}

/// A goal with what was measured.
struct Line {
    goal: &'static str,
    rows: usize,
    found: f64,
    wanted: String,
    is_met: bool,
    how: String,
}

impl Line {
    fn at_most(goal: &'static str, rows: usize, found: f64, most: f64, how: String) -> Self {
        Self { goal, rows, found, wanted: format!("<= {most}"), is_met: found <= most, how }
    }

    fn at_least(goal: &'static str, rows: usize, found: f64, least: f64, how: String) -> Self {
        Self { goal, rows, found, wanted: format!(">= {least}"), is_met: found >= least, how }
    }
}

impl Measured {
    fn lines(&self) -> Vec<Line> {
        let Self { rows, floor_seconds, run, single, .. } = *self;
        let how = format!(
            "{:.3} s against {floor_seconds:.3} s; {:.2} M rows/s",
            run.seconds,
            rows as f64 / run.seconds / 1e6
        );
        let mut out =
            vec![Line::at_most("score run / floor", rows, run.seconds / floor_seconds, 2.0, how)];
        if let Some(naive) = self.naive {
            let how = format!("{:.1} s", naive.seconds);
            let ratio = naive.seconds / run.seconds;
            out.push(Line::at_least("naive night / score run", rows, ratio, 10.0, how));
            out.push(run.memory_beside("peak memory / naive night", rows, naive));
        }
        if let Some(best) = self.best_effort {
            let how = format!("{:.3} s without imports", best.seconds);
            let ratio = best.seconds / run.seconds;
            out.push(Line::at_least("best-effort night / score run", rows, ratio, 3.0, how));
            out.push(run.memory_beside("peak memory / best-effort night", rows, best));
        }
        if let Some(single) = single {
            let how = format!("{:.3} s on one core", single.seconds);
            let ratio = single.seconds / run.seconds;
            out.push(Line::at_least("all cores / one", rows, ratio, 1.7, how));
        }
        out
    }
}

/// Whether memory stays flat from the first size to the last.
fn memory(measured: &[Measured]) -> Vec<Line> {
    let (Some(first), Some(last)) = (measured.first(), measured.last()) else { return Vec::new() };
    let (few, many) = (first.run.anonymous_bytes, last.run.anonymous_bytes);
    let how = format!("{:.0} MB at {} rows", few / 1e6, first.rows);
    vec![
        Line::at_most("own memory / that of the first size", last.rows, many / few, 1.2, how),
        Line::at_most("own memory, MB", last.rows, many / 1e6, 600.0, String::new()),
    ]
}

fn say(progress: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{progress}")
}

fn print(lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "| goal | rows | wanted | found | | |\n|---|---|---|---|---|---|")?;
    for Line { goal, rows, found, wanted, is_met, how } in lines {
        let verdict = match (found.is_nan(), is_met) {
            (true, _) => "not measured",
            (false, true) => "met",
            (false, false) => "short",
        };
        let rows = if *rows > 0 { rows.to_string() } else { String::new() };
        let found = if found.is_nan() { String::new() } else { format!("{found:.2}") };
        writeln!(out, "| {goal} | {rows} | {wanted} | {found} | {verdict} | {how} |")?;
    }
    Ok(())
}
