//! Many jobs due in one second: how late each is begun, by this daemon, by tokio-cron-scheduler alone, and
//! by `APScheduler` 3 where there is a Python that has it.
//!
//! `cargo bench --profile release --bench schedule -- 10000`; `NIGHTSHIFT_PYTHON` names the Python. The three do
//! different things when a job is due: the daemon rules on the tick and makes a queued run durable in `SQLite`,
//! fsync and all, for a process to execute; the others call an empty function in their own process and keep
//! nothing. So the figures are how late each notices, and what it costs to be sure is in ours.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot go on should stop"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Connection as _;
use tokio_cron_scheduler::{Job, JobScheduler};

/// So long before the tick everything is set up, in seconds.
const AHEAD: i64 = 45;

/// Seconds since 1970.
fn now() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    Timestamp::now().as_duration().as_secs_f64()
}

/// The beginning of a minute that is at least [`AHEAD`] seconds away, in seconds since 1970, and its number
/// within the hour.
fn next_minute() -> (f64, i64) {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let minutes = (Timestamp::now().as_second() + AHEAD) / 60 + 1;
    (minutes as f64 * 60.0, minutes % 60)
}

fn sleep_until(at: f64) {
    std::thread::sleep(Duration::from_secs_f64((at - now()).max(0.0)));
}

fn row(who: &str, jobs: usize, mut lags: Vec<f64>) -> String {
    lags.sort_by(f64::total_cmp);
    if lags.is_empty() {
        return format!("{who:34} 0 of {jobs}\n");
    }
    let at = |percent: usize| lags[(lags.len() - 1) * percent / 100];
    format!(
        "{who:34} {:>6} of {jobs}   p50 {:.3}   p99 {:.3}   max {:.3}\n",
        lags.len(),
        at(50),
        at(99),
        at(100)
    )
}

/// The daemon, as a process, on a project of its own.
fn daemon(jobs: usize) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("jobs")).unwrap();
    std::fs::create_dir_all(root.join("data")).unwrap();
    std::fs::write(root.join("nightshift.toml"), "").unwrap();
    std::fs::write(root.join("data/rows.csv"), "id,x,y\n").unwrap();
    let (at, minute) = next_minute();
    for number in 0..jobs {
        let name = format!("job-{number}");
        let text = format!(
            "name = \"{name}\"\n[schedule]\ncron = \"{minute} * * * *\"\n[data]\nsource = \"data/rows.csv\"\n\
             id = \"id\"\nlabel = \"y\"\n[model]\ntask = \"binary\"\n[score]\noutput = \"scores/{name}\"\n"
        );
        std::fs::write(root.join(format!("jobs/{name}.toml")), text).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_nightshift"))
        .arg("daemon")
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep_until(at);
    let mut out = Vec::new();
    while out.len() < jobs && now() < at + 60.0 {
        // Those that are on record now and were not the last time.
        let found = on_record(root);
        out.resize(found.max(out.len()), now() - at);
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..2 {
        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    child.wait().unwrap();
    out
}

/// How many runs the record of the project shows.
fn on_record(root: &Path) -> usize {
    let url = format!("sqlite://{}?mode=ro", root.join("state/nightshift.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let count: i64 = sqlx::query_scalar("select count(*) from run where trigger = 'schedule'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        usize::try_from(count).unwrap()
    })
}

/// `tokio-cron-scheduler` with a job each, and a channel of so many activations.
fn alone(jobs: usize, channel: usize) -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let fired = Arc::new(Mutex::new(Vec::new()));
    let (at, minute) = next_minute();
    runtime.block_on(async {
        let mut scheduler = JobScheduler::new_with_channel_size(channel).await.unwrap();
        scheduler.init().await.unwrap();
        for _ in 0..jobs {
            let fired = fired.clone();
            let job = Job::new_async(format!("0 {minute} * * * *"), move |_, _| {
                let fired = fired.clone();
                Box::pin(async move { fired.lock().unwrap().push(now() - at) })
            });
            scheduler.add(job.unwrap()).await.unwrap();
        }
        scheduler.start().await.unwrap();
        tokio::time::sleep(Duration::from_secs_f64((at + 15.0 - now()).max(0.0))).await;
        scheduler.shutdown().await.unwrap();
    });
    runtime.shutdown_background();
    fired.lock().unwrap().clone()
}

/// `APScheduler` 3 with its default of ten threads, and no limit to how late a job may begin.
const APSCHEDULER: &str = r"
import sys, time, datetime
from apscheduler.schedulers.background import BackgroundScheduler
jobs, at = int(sys.argv[1]), float(sys.argv[2])
fired = []
scheduler = BackgroundScheduler(timezone='UTC', job_defaults={'misfire_grace_time': None})
when = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
for number in range(jobs):
    scheduler.add_job(lambda: fired.append(time.time() - at), 'cron', minute=when.minute, id=str(number))
scheduler.start()
time.sleep(max(0, at + 15 - time.time()))
scheduler.shutdown(wait=False)
print(' '.join(map(str, fired)))
";

fn apscheduler(python: &str, jobs: usize) -> Option<Vec<f64>> {
    let (at, _) = next_minute();
    let output = Command::new(python)
        .args(["-c", APSCHEDULER, &jobs.to_string(), &at.to_string()])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.split_whitespace().map(|number| number.parse().expect("a number")).collect())
}

#[expect(clippy::print_stdout, reason = "a bench shows its figures")]
fn main() {
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let jobs: usize = asked.unwrap_or(1_000);
    #[expect(clippy::disallowed_methods, reason = "the bench's own switch")]
    let python = std::env::var("NIGHTSHIFT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut out = format!("{jobs} jobs due in one second, begun, or on record, after (s)\n");
    out += &row("nightshift daemon", jobs, daemon(jobs));
    out += &row("tokio-cron-scheduler", jobs, alone(jobs, 200));
    out += &row("tokio-cron-scheduler, channel 65536", jobs, alone(jobs, 65_536));
    match apscheduler(&python, jobs) {
        Some(lags) => out += &row("APScheduler 3", jobs, lags),
        None => writeln!(out, "APScheduler 3: `{python}` does not have it").unwrap(),
    }
    println!("{out}");
}
