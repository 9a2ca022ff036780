//! The harness of every behaviour test: a project in a temporary folder, and the binary run in it.
//!
//! Nothing of the caller's machine reaches the binary: its environment is empty but for what is set
//! here, its clock and its random bits are fixed. As in life, each command starts a second after the
//! one before it and draws other bits, so two runs of one test never share an id. What the binary
//! prints comes back as [`Output`], which must be asserted or snapshotted.
//!
//! Setting up data in a format other than text, and judging results, is not the job of this module.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use tempfile::TempDir;

use crate::suite::skip;

/// The clock of the first command, unless [`Sandbox::at`] says otherwise.
const FIRST_COMMAND_AT: &str = "2026-01-05T03:00:00Z";

/// The seed of the first command; one more for each after it. [`Sandbox::env`] can pin it.
const FIRST_SEED: u64 = 7;

/// Asks that a test which needs `../shared` fails where it would be skipped.
const REQUIRE_SHARED: &str = "NIGHTSHIFT_REQUIRE_SHARED";

/// A project in a folder of its own, deleted at the end of the test.
pub(crate) struct Sandbox {
    _folder: TempDir,
    root: PathBuf,
    environment: Vec<(String, String)>,
    clock: Cell<Timestamp>,
    seed: Cell<u64>,
}

impl Sandbox {
    /// An empty project: a `nightshift.toml` in which every key has its default.
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("nightshift-it-").unwrap();
        let root = folder.path().canonicalize().unwrap().join("project");
        std::fs::create_dir(&root).unwrap();
        let out = Self {
            _folder: folder,
            root,
            environment: Vec::new(),
            clock: Cell::new(FIRST_COMMAND_AT.parse().unwrap()),
            seed: Cell::new(FIRST_SEED),
        };
        out.file("nightshift.toml", "")
    }

    /// The root of the project. Its parent is deleted with it, so that a test may write there as well.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Goes on in the project at `root`, which must be in the folder of this one.
    pub(crate) fn go_on_in(&mut self, root: PathBuf) {
        assert_eq!(root.parent(), self.root.parent());
        self.root = root;
    }

    /// Writes `bytes` to `path` in the project, making the folders on the way.
    #[track_caller]
    pub(crate) fn file(self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    /// Writes `bytes` to `path` in the project, between two commands of a test.
    #[track_caller]
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Writes the job file `jobs/<name>.toml`.
    #[track_caller]
    pub(crate) fn job(self, name: &str, toml: &str) -> Self {
        self.file(format!("jobs/{name}.toml"), toml)
    }

    /// Writes the table `data/<path>`: the text of a csv or ndjson file, or the bytes of another format.
    #[track_caller]
    pub(crate) fn data(self, path: &str, table: impl AsRef<[u8]>) -> Self {
        self.file(format!("data/{path}"), table)
    }

    /// Copies the file or folder `source` to `path` in the project.
    #[track_caller]
    pub(crate) fn copy(self, source: &Path, path: &str) -> Self {
        copy_tree(source, &self.root.join(path));
        self
    }

    /// Sets a variable of the environment, and so overrides one that is set here.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the next command start at `instant` (RFC 3339), and those after it a second later each.
    #[track_caller]
    pub(crate) fn at(&self, instant: &str) -> &Self {
        self.clock.set(instant.parse().unwrap());
        self
    }

    /// Runs `nightshift` with `arguments` to its end.
    #[must_use = "either snapshot the output or assert the exit status"]
    #[track_caller]
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.spawn(arguments).finish()
    }

    /// Starts `nightshift` with `arguments`, to be waited for or killed. A tick that they name has been due for a
    /// second at least: nights come before the commands that run them.
    #[track_caller]
    pub(crate) fn spawn<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        if let Some(due) = latest_tick(&arguments).filter(|due| *due >= self.clock.get()) {
            self.clock.set(due + SignedDuration::from_secs(1));
        }
        let mut command = self.command();
        command.args(arguments);
        Running { child: Some(command.spawn().unwrap()), root: self.root.clone() }
    }

    /// The command that [`Sandbox::run`] runs, for a test that needs other pipes or another folder.
    pub(crate) fn command(&self) -> Command {
        let now = self.clock.get();
        let seed = self.seed.get();
        self.clock.set(now + SignedDuration::from_secs(1));
        self.seed.set(seed.wrapping_add(1));

        let mut command = Command::new(env!("CARGO_BIN_EXE_nightshift"));
        command
            .current_dir(&self.root)
            .env_clear()
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env("NIGHTSHIFT_NOW", now.to_string())
            .env("NIGHTSHIFT_SEED", seed.to_string())
            .env("NIGHTSHIFT_TEST", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The latest of the ticks that `arguments` name, local times taken for UTC.
fn latest_tick(arguments: &[OsString]) -> Option<Timestamp> {
    let named = arguments.windows(2).filter(|pair| pair[0] == "--tick" || pair[0] == "--to");
    let instant = |pair: &[OsString]| {
        let text = pair[1].to_str()?;
        let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
        text.parse().ok().or_else(|| local().map(|local| local.timestamp()))
    };
    named.filter_map(instant).max()
}

/// A started command. Killed when it is dropped, so that a failed test leaves nothing running.
#[must_use = "either finish it or kill it"]
pub(crate) struct Running {
    child: Option<Child>,
    root: PathBuf,
}

impl Running {
    /// Waits for the end of the command.
    #[must_use = "either snapshot the output or assert the exit status"]
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        let found = self.child.take().unwrap().wait_with_output().unwrap();
        Output {
            status: found.status,
            stdout: String::from_utf8(found.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(found.stderr).expect("stderr is UTF-8"),
            root: self.root.clone(),
        }
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal, by its name, to the command.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Kills the command with SIGKILL, as the kernel would, and waits until it is gone.
    #[must_use = "either snapshot the output or assert the exit status"]
    #[track_caller]
    pub(crate) fn kill(mut self) -> Output {
        self.child.as_mut().unwrap().kill().unwrap();
        self.finish()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    status: std::process::ExitStatus,
    /// All of stdout: data.
    pub(crate) stdout: String,
    /// All of stderr: talk.
    pub(crate) stderr: String,
    root: PathBuf,
}

impl Output {
    /// The exit code, or minus the number of the signal that ended the process.
    pub(crate) fn status(&self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        self.status.code().unwrap_or_else(|| -self.status.signal().unwrap())
    }

    /// Asserts the exit code, showing everything that was printed if it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.status(), code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON value that stdout must be.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is not JSON: {error}\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }

    /// Exit code, stdout and stderr in one text for a snapshot, without what differs between machines.
    pub(crate) fn redacted(&self) -> String {
        let mut out = format!("exit {}\n", self.status());
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(out, "--- {name}\n{}", redact(text, &self.root)).unwrap();
            }
        }
        out
    }
}

/// Replaces the project's path, hashes, run ids and durations in `text` by words.
pub(crate) fn redact(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "$SANDBOX");
    let filters = [
        (r"\b[0-9a-f]{64}\b", "$$SHA256"),
        (r"\b[0-7][0-9a-hjkmnp-tv-z]{25}\b", "$$RUN"),
        (r"\b[0-9]+(\.[0-9]+)? ?(ns|µs|us|ms|s)\b", "$$TIME"),
    ];
    filters.iter().fold(text, |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// The place of `path` in the folder `../shared` beside the repository, which not every machine has.
///
/// Where it is absent, the test that asked says so on stderr and passes without having looked, unless
/// `NIGHTSHIFT_REQUIRE_SHARED` is `1`: then it fails, so that nobody mistakes a skip for a pass. What it protects
/// must be protected without the folder as well: see `tests/it/tidy/skips.rs`.
#[track_caller]
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    #[expect(clippy::disallowed_methods, reason = "the suite's own switch, not the program's")]
    let is_required = std::env::var_os(REQUIRE_SHARED).is_some_and(|value| value == "1");
    assert!(!is_required, "wanted `../shared/{path}` because {REQUIRE_SHARED} is 1");
    skip("../shared is absent");
    None
}

fn copy_tree(source: &Path, target: &Path) {
    if source.is_file() {
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(source, target).unwrap();
        return;
    }
    std::fs::create_dir_all(target).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        copy_tree(&entry.path(), &target.join(entry.file_name()));
    }
}

#[test]
fn a_command_sees_its_sandbox_and_nothing_else() {
    let job = include_str!("../../jobs/wine.toml");
    let sandbox = Sandbox::new()
        .job("wine", job)
        .job("wrong", &job.replace("binary", "bnary"))
        .data("wine/a.csv", "x,quality_good\n1,0\n2,1\n")
        .env("COLUMNS", "80");
    let found = sandbox.run(["validate", "--output", "json"]).expect(3).json();
    assert_eq!(found["schema"], "nightshift.validate/1");
    let file = found["problems"][0]["file"].as_str().unwrap();
    assert!(file.ends_with("jobs/wrong.toml"), "{file}");

    let text = sandbox.run(["validate"]).redacted();
    assert!(text.starts_with("exit 3\n"), "{text}");
    assert!(!text.contains(sandbox.root().to_str().unwrap()), "{text}");
}

#[test]
fn a_killed_command_is_gone() {
    let found = Sandbox::new().spawn(["--help"]).kill();
    // It may have been quicker than the signal.
    assert!([0, -9].contains(&found.status()), "{}", found.status());
}

#[test]
fn what_is_shared_is_found_or_its_absence_told() {
    if let Some(found) = shared("README.md") {
        assert!(found.is_file());
    }
}

#[test]
fn what_differs_between_machines_is_redacted() {
    let text = format!(
        "read /tmp/x/project/data.csv in 12.5 ms, sha256 {}, run {}, 1599 rows\n",
        "0123456789abcdef".repeat(4),
        "01kdx3gp00zzzzzzzzzzzzzzzz",
    );
    assert_eq!(
        redact(&text, Path::new("/tmp/x/project")),
        "read $SANDBOX/data.csv in $TIME, sha256 $SHA256, run $RUN, 1599 rows\n"
    );
}

#[test]
fn the_clock_moves_on_with_each_command() {
    let sandbox = Sandbox::new();
    let now = |command: &Command| {
        let found = command.get_envs().find(|(name, _)| *name == "NIGHTSHIFT_NOW");
        found.unwrap().1.unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(now(&sandbox.command()), "2026-01-05T03:00:00Z");
    assert_eq!(now(&sandbox.command()), "2026-01-05T03:00:01Z");
    assert_eq!(now(&sandbox.at("2026-02-01T00:00:00Z").command()), "2026-02-01T00:00:00Z");
    sandbox.run(["run", "nothing", "--tick", "2026-02-03"]).expect(2);
    assert_eq!(now(&sandbox.command()), "2026-02-03T00:00:02Z");
    sandbox.run(["run", "nothing", "--tick", "2026-01-01T00:00:00Z"]).expect(2);
    assert_eq!(now(&sandbox.command()), "2026-02-03T00:00:04Z");
}
