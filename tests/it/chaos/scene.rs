//! A project in which something fails: daemons and commands with fail points, and one without at the end.
//!
//! Processes write their points to a log, which says when one was hit. What they say goes to a file, which
//! is shown if something is not as wanted.

use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::checker::{self, Standing};
use super::places::Place;
use crate::customers::{Like, table};
use crate::daemon::job;
use crate::published::FOREIGN;
use crate::sandbox::Sandbox;

/// After this, what was waited for will not come.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the daemon does on threads beside its loop when a process has ended.
const BESIDE: [&str; 2] = ["recover.lost", "recover.rollforward"];

/// A process that was to die has so long to be gone.
const DEATH: Duration = Duration::from_secs(3);

/// A daemon that has met an error, or whose child has died, has so long to deal with it.
const AFTERMATH: Duration = Duration::from_millis(1_200);

/// Failures are tried again at once, and often enough.
pub(super) const RUN: &str =
    "[run]\nretry = { attempts = 100, base = \"0s\" }\npause_after_failures = 100";

/// Publishes a tick.
const PUBLISH: &str = "score churn --tick 2026-01-05T02:30:00Z";

/// Projects to begin with.
pub(super) struct Templates {
    /// Nothing was done yet.
    untrained: Mutex<Sandbox>,
    /// There is a champion.
    trained: Mutex<Sandbox>,
    /// There is a champion and a version that is none.
    two_versions: Mutex<Sandbox>,
    /// The second version is champion.
    promoted: Mutex<Sandbox>,
    /// A tick is published, and somebody has put a file among its rows.
    published: Mutex<Sandbox>,
}

impl Templates {
    pub(super) fn new() -> Self {
        let new = || {
            let out = Sandbox::new()
                .data("churn.csv", table(24, &[Like::Usual]))
                .job("churn", &job("churn", "* * * * * *", RUN));
            out.at("2026-01-05T02:00:00Z");
            out
        };
        let after = |lines: &[&str]| {
            let sandbox = new();
            for line in lines {
                sandbox.run(line.split(' ')).expect(0);
            }
            Mutex::new(sandbox)
        };
        let (train, again) = ("train churn", "train churn --no-promote");
        Self {
            untrained: after(&[]),
            trained: after(&[train]),
            two_versions: after(&[train, again]),
            promoted: after(&[train, again, "promote churn 2 --reason better --yes"]),
            published: {
                let out = after(&[train, PUBLISH]);
                let folder = "scores/churn/tick=2026-01-05T023000Z";
                out.lock().unwrap().write(format!("{folder}/{FOREIGN}"), "mine");
                out
            },
        }
    }
}

/// One project, and the processes that work in it.
pub(super) struct Scene {
    sandbox: Sandbox,
    place: Place,
    now: String,
}

/// A started process; killed when it is dropped.
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Process {
    pub(super) fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let mut command = std::process::Command::new("kill");
        command.args(["-s", name, &pid]).stderr(Stdio::null()).status().unwrap();
    }

    /// How it has ended, if it does so within `patience`.
    pub(super) fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if since.elapsed() > patience {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Scene {
    /// A project in which `place` can be come to.
    pub(super) fn new(templates: &Templates, place: Place) -> Self {
        let template = match place {
            Place::FirstDaemon | Place::UntrainedChild | Place::Command("run churn") => {
                &templates.untrained
            }
            Place::Command(line) if line.starts_with("promote") => &templates.two_versions,
            Place::Command(line) if line.starts_with(PUBLISH) => &templates.published,
            Place::Command(_) => &templates.promoted,
            _ => &templates.trained,
        };
        #[expect(clippy::disallowed_methods, reason = "the daemon's clock has to go on")]
        let real = Timestamp::now();
        let sandbox = Sandbox::new().copy(template.lock().unwrap().root(), "");
        Self { sandbox, place, now: format!("2026-01-05T03:00:00Z@{real}*1") }
    }

    /// Gives the job another end.
    pub(super) fn with_job(self, more: &str) -> Self {
        self.sandbox.write("jobs/churn.toml", job("churn", "* * * * * *", more));
        self
    }

    /// The root of the project.
    pub(super) fn root(&self) -> &std::path::Path {
        self.sandbox.root()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.sandbox.root().with_file_name(name)
    }

    /// Starts the program with some points, and its children with others.
    pub(super) fn start(&self, line: &str, points: &str, of_children: &str) -> Process {
        let talk = std::fs::OpenOptions::new().append(true).create(true).open(self.beside("talk"));
        let mut command = self.sandbox.command();
        command
            .args(line.split(' '))
            .env("NIGHTSHIFT_NOW", &self.now)
            .env("NIGHTSHIFT_FAILPOINTS_LOG", self.beside("points"))
            .env("FAILPOINTS", points)
            .env("NIGHTSHIFT_CHILD_FAILPOINTS", of_children)
            .stdout(Stdio::null())
            .stderr(talk.unwrap());
        Process(command.spawn().unwrap())
    }

    /// How often `point` did something.
    pub(super) fn hits(&self, point: &str) -> usize {
        self.points().iter().filter(|line| line.starts_with(&format!("hit {point} "))).count()
    }

    /// The log of points.
    pub(super) fn points(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.beside("points")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What the processes have said.
    pub(super) fn talk(&self) -> String {
        let text = std::fs::read_to_string(self.beside("talk")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        checker::standing(self.sandbox.root())
    }

    /// Waits until `is_so`, or fails with what was waited for.
    pub(super) fn wait(&self, what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if is_so() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Err(format!("{what}: waited in vain\n{}", self.talk()))
    }

    /// Brings the program to `point`, lets it fail there, and says what became of the process.
    pub(super) fn fail_at(
        &mut self,
        point: &str,
        place: &Place,
        action: &str,
    ) -> Result<String, String> {
        let is_deadly = matches!(action, "panic" | "abort" | "kill");
        let once = |before: u32| format!("{point}={before}*off->1*return({action})");
        let every = |before: u32| format!("{point}={before}*off->return({action})");
        let mut process = match *place {
            Place::Command(line) => {
                let mut process = self.start(line, &once(0), "");
                let ended = process.end(PATIENCE);
                self.wait("the hit", || self.hits(point) > 0)?;
                return Ok(told(ended));
            }
            Place::Daemon(before, children) => {
                let silent = if point == "engine.rebuild" { "engine.hint=panic;" } else { "" };
                self.start("daemon", &format!("{silent}{}", once(before)), children)
            }
            Place::FirstDaemon => self.start("daemon", &once(0), ""),
            Place::NextDaemon(first) => {
                // The next attempt may have tidied up before its daemon is gone.
                let stage = self.sandbox.root().join("scores/churn.nightshift/stage");
                let is_left = || std::fs::read_dir(&stage).is_ok_and(|left| left.count() > 0);
                for _ in 0..20 {
                    let before = self.hits(first);
                    let killed = self.start("daemon", "", &format!("{first}=return(kill)"));
                    self.wait("the first hit", || self.hits(first) > before)?;
                    drop(killed);
                    if is_left() {
                        break;
                    }
                }
                self.start("daemon", &once(0), "")
            }
            Place::Signalled(name, count, children) => {
                let before = u32::from(point == "reload.parse");
                let process = self.start("daemon", &once(before), children);
                let busy = |line: &String| {
                    line.starts_with("reached child.before_input")
                        || (children.is_empty() && line.starts_with("reached plan.after_commit"))
                };
                self.wait("the daemon", || self.points().iter().any(busy))?;
                for _ in 0..count {
                    process.signal(name);
                    std::thread::sleep(Duration::from_millis(300));
                }
                process
            }
            Place::Child(before) => self.start("daemon", "", &every(before)),
            Place::UntrainedChild => self.start("daemon", "", &every(0)),
        };
        self.wait("the hit", || self.hits(point) > 0)?;
        // A panic beside the loop of the daemon ends what was done there, and nothing else.
        let is_beside = action == "panic" && BESIDE.contains(&point);
        let is_own = !matches!(place, Place::Child(_) | Place::UntrainedChild) && !is_beside;
        let patience = if is_deadly && is_own { DEATH } else { AFTERMATH };
        let own_end = process.end(patience);
        if own_end.is_some() || is_deadly {
            // A daemon that lives is killed, which leaves more to be recovered.
            return Ok(told(own_end));
        }
        process.signal("TERM");
        let ended = process.end(PATIENCE);
        Ok(format!("lives, and stops: {}", told(ended)))
    }

    /// Starts the program without any point, until nothing is left of what was begun.
    pub(super) fn recover(&mut self) -> Result<(), String> {
        if let Place::Command(line) = self.place {
            let standing = self.standing();
            let wanted = if line.starts_with("rollback") { 1 } else { 2 };
            let moves_champion = moves_champion(line);
            let is_done = moves_champion
                && standing.is_some_and(|standing| standing.champion == Some(wanted));
            if !is_done {
                let ended = self.start(line, "", "").end(PATIENCE);
                if told(ended) != "exit 0" {
                    return Err(format!("`{line}` again: {}\n{}", told(ended), self.talk()));
                }
            }
            return Ok(());
        }
        let before = self.standing().unwrap_or_default();
        let mut daemon = self.start("daemon", "", "");
        self.wait("the recovery", || {
            let now = self.standing().unwrap_or_default();
            now.committed > before.committed && now.unfinished_of(before.last_run) == 0
        })?;
        daemon.signal("TERM");
        match told(daemon.end(PATIENCE)) {
            ended if ended == "exit 0" => Ok(()),
            ended => Err(format!("the plain daemon: {ended}\n{}", self.talk())),
        }
    }

    /// Whether everything is as it must be after `action` at `point` and a recovery.
    pub(super) fn check(&self, point: &str, action: &str) -> Result<(), String> {
        // What a person asks for is not tried again, and neither is a sync that has failed.
        let is_final = point.contains("fsync") || matches!(self.place, Place::Command(_));
        let may_fail = is_final && matches!(action, "eio" | "enospc");
        let mut complaints = checker::complaints(self.sandbox.root(), may_fail);
        complaints.extend(checker::undead(&self.points()));
        if let Place::Command(line) = self.place
            && (moves_champion(line) || line.starts_with("backup"))
        {
            let wanted = if line.starts_with("rollback") { 1 } else { 2 };
            let found = self.standing().and_then(|standing| standing.champion);
            if found != Some(wanted) {
                complaints.push(format!("champion is {found:?}, wanted {wanted}"));
            }
        }
        let left = std::fs::read_dir(self.root()).unwrap().flatten().map(|entry| entry.file_name());
        let left = left.filter(|name| name.to_string_lossy().starts_with(".nightshift-copy-"));
        complaints.extend(left.map(|name| format!("`{}` is left of a backup", name.display())));
        if complaints.is_empty() {
            return Ok(());
        }
        Err(format!("\n  {}\n{}", complaints.join("\n  "), self.talk()))
    }
}

fn moves_champion(line: &str) -> bool {
    line.starts_with("promote") || line.starts_with("rollback")
}

/// How a process has ended, in words.
pub(super) fn told(ended: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match ended {
        None => "lives".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        },
    }
}
