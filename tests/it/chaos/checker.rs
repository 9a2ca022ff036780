//! What there is in the end, read from the database, the published files and the log of points alone.
//!
//! Nothing here asks the program, which may be wrong about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::published::{self, FOREIGN, files_below, leftovers, path_of};

/// Where things stand at a moment.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Committed score runs.
    pub(super) committed: usize,
    /// The number of the latest run.
    pub(super) last_run: i64,
    /// The numbers of the runs that are not over.
    unfinished: Vec<i64>,
    /// The version that publishes.
    pub(super) champion: Option<i64>,
    /// Attempts that took too long.
    pub(super) timed_out: i64,
}

impl Standing {
    /// How many of the runs up to `last` are not over.
    pub(super) fn unfinished_of(&self, last: i64) -> usize {
        self.unfinished.iter().filter(|serial| **serial <= last).count()
    }
}

/// Lets `ask` read the database of the project at `root`; `None` if there is none that can be read.
fn with_database<T>(
    root: &Path,
    ask: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = root.join("state/nightshift.db");
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.disable_statement_logging().connect().await.ok()?;
        let found = ask(&mut connection).await.ok();
        connection.close().await.ok();
        found
    })
}

/// Where things stand in the project at `root`.
pub(super) fn standing(root: &Path) -> Option<Standing> {
    with_database(root, async |db| {
        let runs: Vec<(i64, String, String)> =
            sqlx::query_as("select serial, kind, state from run").fetch_all(&mut *db).await?;
        let champion: Option<Option<i64>> =
            sqlx::query_scalar("select champion from alias").fetch_optional(&mut *db).await?;
        let timed_out =
            sqlx::query_scalar("select count(*) from attempt where outcome = 'timed_out'")
                .fetch_one(db)
                .await?;
        let is_over = |state: &str| !UNFINISHED.contains(&state) && state != "queued";
        Ok(Standing {
            committed: runs.iter().filter(|run| run.1 == "score" && run.2 == "committed").count(),
            last_run: runs.iter().map(|run| run.0).max().unwrap_or(0),
            unfinished: runs.iter().filter(|run| !is_over(&run.2)).map(|run| run.0).collect(),
            champion: champion.flatten(),
            timed_out,
        })
    })
}

/// Does `work`, and says whether the database is as it was.
pub(super) fn watch<T>(root: &Path, work: impl FnOnce() -> T) -> (T, bool) {
    const VERSION: &str = "pragma data_version";
    with_database(root, async |db| {
        // Of this one connection: it changes when another one has written anything.
        let before: i64 = sqlx::query_scalar(VERSION).fetch_one(&mut *db).await?;
        let out = work();
        let after: i64 = sqlx::query_scalar(VERSION).fetch_one(db).await?;
        Ok((out, before == after))
    })
    .unwrap()
}

const UNFINISHED: [&str; 3] = ["claimed", "running", "committing"];

/// A row of `run`.
type Run = (String, String, String, String, Option<String>);
/// A row of `output` with the state of its run.
type Output = (String, String, String, String, String, Option<String>);
/// A line of the ledger: first tick, last tick, decision, run.
type Line = (String, String, String, Option<String>);

struct Found {
    runs: Vec<Run>,
    outputs: Vec<Output>,
    lines: Vec<Line>,
    cursor: Option<String>,
    versions: Vec<(i64, String, String)>,
    aliases: Option<(Option<i64>, Option<i64>)>,
    moves: Vec<(String, Option<i64>, Option<i64>)>,
    attempts: Vec<(String, Option<String>)>,
    integrity: String,
}

async fn read(db: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let runs = sqlx::query_as("select id, kind, tick, state, error from run order by serial");
    let outputs = sqlx::query_as(
        "select run.state, run.id, output.role, output.final_path, output.sha256, output.removed_at
         from output join run on run.id = output.run",
    );
    let lines = sqlx::query_as(
        "select tick, tick, decision, run from tick where kind = 'score'
         union all select first, last, decision, null from tick_range where kind = 'score'",
    );
    Ok(Found {
        runs: runs.fetch_all(&mut *db).await?,
        outputs: outputs.fetch_all(&mut *db).await?,
        lines: lines.fetch_all(&mut *db).await?,
        cursor: sqlx::query_scalar("select cursor from schedule where kind = 'score'")
            .fetch_optional(&mut *db)
            .await?,
        versions: sqlx::query_as("select version, state, sha256 from version")
            .fetch_all(&mut *db)
            .await?,
        aliases: sqlx::query_as("select champion, previous from alias")
            .fetch_optional(&mut *db)
            .await?,
        moves: sqlx::query_as(
            "select alias, from_version, to_version from alias_history order by id",
        )
        .fetch_all(&mut *db)
        .await?,
        attempts: sqlx::query_as("select run, outcome from attempt").fetch_all(&mut *db).await?,
        integrity: sqlx::query_scalar("pragma integrity_check").fetch_one(db).await?,
    })
}

/// All that is not as it must be in the project at `root`. `may_fail`: an error may have ended a run.
pub(super) fn complaints(root: &Path, may_fail: bool) -> Vec<String> {
    let Some(found) = with_database(root, read) else {
        return vec!["the database cannot be read".to_owned()];
    };
    let mut out = Vec::new();
    if found.integrity != "ok" {
        out.push(format!("the database is damaged: {}", found.integrity));
    }
    check_ledger(&found, &mut out);
    check_runs(&found, may_fail, &mut out);
    check_files(&found, root, &mut out);
    check_versions(&found, root, &mut out);
    out
}

/// Every tick up to the cursor has one fate, and those that are run have a run.
fn check_ledger(found: &Found, out: &mut Vec<String>) {
    let second = SignedDuration::from_secs(1);
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let mut fates: BTreeMap<Timestamp, usize> = BTreeMap::new();
    let points: BTreeSet<&str> = found
        .lines
        .iter()
        .filter(|(first, last, ..)| first == last)
        .map(|(tick, ..)| tick.as_str())
        .collect();
    for (first, last, decision, run) in &found.lines {
        if first == last {
            *fates.entry(at(first)).or_default() += 1;
            let is_run = matches!(decision.as_str(), "run" | "overlap_queued");
            let has_run = found.runs.iter().any(|found| Some(&found.0) == run.as_ref());
            if is_run && !has_run {
                out.push(format!("tick {first} is `{decision}` and has no run"));
            }
            continue;
        }
        let mut tick = at(first);
        while tick <= at(last) {
            // A tick that has a line of its own is not meant by a stretch.
            if !points.iter().any(|point| at(point) == tick) {
                *fates.entry(tick).or_default() += 1;
            }
            tick += second;
        }
    }
    // Commands choose their ticks; only who follows a schedule has to leave none out.
    let Some(cursor) = found.cursor.as_deref().map(at) else { return };
    let (Some(first), Some(last)) = (fates.keys().next(), fates.keys().next_back()) else { return };
    let mut tick = *first;
    while tick <= *last {
        match fates.get(&tick) {
            Some(1) => {}
            Some(count) => out.push(format!("tick {tick} has {count} fates")),
            None => out.push(format!("tick {tick} is lost")),
        }
        tick += second;
    }
    if cursor != *last {
        out.push(format!("the cursor is at {cursor}, the last tick is {last}"));
    }
}

/// Every run is over or waits, and a tick has at most one that is committed.
fn check_runs(found: &Found, may_fail: bool, out: &mut Vec<String>) {
    let mut committed = BTreeSet::new();
    for (id, kind, tick, state, error) in &found.runs {
        let is_fine = match state.as_str() {
            "committed" => committed.insert((kind, tick)),
            "queued" | "superseded" => true,
            // Nobody asks for a first training again that was lost: the next one is another run.
            "failed" => may_fail || kind == "train",
            "dead" => may_fail && error.is_some(),
            _ => false,
        };
        if !is_fine {
            out.push(format!("{kind} run {id} for {tick} is {state}: {error:?}"));
        }
        let mut outcomes = found.attempts.iter().filter(|(run, _)| run == id).map(|(_, end)| end);
        if outcomes.clone().any(Option::is_none) {
            out.push(format!("an attempt of run {id}, which is {state}, has no end"));
        }
        let is_ok = outcomes.any(|end| end.as_deref() == Some("ok"));
        if is_ok != matches!(state.as_str(), "committed" | "superseded") {
            out.push(format!("run {id} is {state}, though an attempt is ok: {is_ok}"));
        }
    }
}

/// What is published is what is on record, and nothing else lies about.
fn check_files(found: &Found, root: &Path, out: &mut Vec<String>) {
    let mut owned: BTreeSet<PathBuf> = BTreeSet::new();
    for (state, run, role, path, sha256, removed_at) in &found.outputs {
        let path = root.join(path);
        if state != "committed" || removed_at.is_some() {
            continue;
        }
        match std::fs::read(&path) {
            Ok(bytes) if published::sha256(&bytes) != *sha256 => {
                out.push(format!("{role} of run {run} has other bytes: {}", path.display()));
            }
            Ok(bytes) if role == "manifest" => {
                let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                if manifest["run"] != run.as_str() {
                    out.push(format!("the manifest of run {run} names {}", manifest["run"]));
                }
                let output = root.join("scores").join(manifest["job"].as_str().unwrap());
                for entry in manifest["outputs"].as_array().unwrap() {
                    let part = path_of(&output, entry);
                    let found = std::fs::read(&part).map(|bytes| published::sha256(&bytes));
                    if found.ok().as_deref() != entry["sha256"].as_str() {
                        out.push(format!("run {run} names {}", part.display()));
                    }
                }
            }
            Ok(_) => {}
            Err(error) => out.push(format!("{role} of run {run}: {}: {error}", path.display())),
        }
        owned.insert(path);
    }
    for (id, kind, _, state, _) in &found.runs {
        let roles = found.outputs.iter().filter(|output| output.1 == *id).count();
        if kind == "score" && state == "committed" && roles < 2 {
            out.push(format!("run {id} is committed and has {roles} files"));
        }
    }
    let scores = root.join("scores");
    if scores.exists() {
        out.extend(leftovers(&scores).into_iter().map(|path| format!("left: {path}")));
        let files = files_below(&scores);
        let is_kept = |path: &Path| {
            path.components()
                .any(|part| part.as_os_str() == "superseded" || part.as_os_str() == FOREIGN)
        };
        let stray = files.iter().filter(|path| !owned.contains(*path) && !is_kept(path));
        out.extend(stray.map(|path| format!("a file without a run: {}", path.display())));
    }
}

/// Versions are ready and whole, and the aliases stand where their history says.
fn check_versions(found: &Found, root: &Path, out: &mut Vec<String>) {
    for (version, state, sha256) in &found.versions {
        let path = root.join(format!("state/models/{}/{sha256}.nsm", &sha256[..2]));
        let bytes = std::fs::read(&path).unwrap_or_default();
        if state != "ready" || published::sha256(&bytes) != *sha256 {
            out.push(format!("version {version} is {state}, its file {}", path.display()));
        }
    }
    let (champion, previous) = found.aliases.unwrap_or_default();
    for (alias, stands) in [("champion", champion), ("previous", previous)] {
        let moves: Vec<_> = found.moves.iter().filter(|step| step.0 == alias).collect();
        let last = moves.last().and_then(|step| step.2);
        if last != stands {
            out.push(format!("{alias} stands at {stands:?}, its history at {last:?}"));
        }
        for pair in moves.windows(2) {
            if pair[0].2 != pair[1].1 {
                out.push(format!("the history of {alias} has a gap: {pair:?}"));
            }
        }
    }
}

/// Processes that went on after they were killed.
pub(super) fn undead(points: &[String]) -> Vec<String> {
    let mut dead: BTreeSet<&str> = BTreeSet::new();
    let mut out = Vec::new();
    for line in points {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, name, pid, action] = words[..] else { continue };
        if dead.contains(pid) {
            out.push(format!("process {pid} was killed and came to {name}"));
        }
        if what == "hit" && matches!(action, "kill" | "abort") {
            dead.insert(pid);
        }
    }
    out
}
