//! A long walk of commands, kills, copies, moves and steps of the clock, beside a small model of what must hold.
//!
//! The model knows which version has published each tick and what became of it by the rules alone. After every
//! step each tick has one manifest, whose parts are those on disk and are the model's version's: so no score of
//! a version stays that was rolled back. `NIGHTSHIFT_STEPS` sets how far it goes, `NIGHTSHIFT_WALK` where it begins.

/// What must hold, by the rules alone.
mod model;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use self::model::Model;
use crate::published;
use crate::sandbox::{Output, Sandbox};
use crate::suite::{asked, say};

const STEPS: u64 = 30;
const JOBS: [&str; 2] = ["left", "right"];
const DAYS: usize = 12;
const ROWS_A_DAY: usize = 40;

/// Where the walk begins: every tick is over by then, whatever the clock does.
const BEGIN: &str = "2026-04-01T12:00:00Z";

fn job(name: &str) -> String {
    format!(
        r#"
        name = "{name}"
        [schedule]
        cron = "0 0 * * *"
        [data]
        source = "data/rows.csv"
        id = "id"
        time = "day"
        label = "y"
        [model]
        task = "binary"
        [score]
        output = "scores/{name}"
        quarantine_max = 0.5
        [train]
        rows_min = 40
        split = {{ by = "random", test = 0.3 }}
        [gates]
        beat_dummy = false
        [watch]
        ticks = 0
        [drift]
        then = "report"
        "#
    )
}

fn table() -> String {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut out = String::from("id,day,a,b,y\n");
    for row in 0..DAYS * ROWS_A_DAY {
        let (a, b): (f64, f64) = (random.gen_range(0.0..9.0), random.gen_range(0.0..9.0));
        let y = u8::from(random.gen_range(0.0..18.0) < a + b);
        writeln!(out, "{row},2026-03-{:02},{a:.3},{b:.3},{y}", row / ROWS_A_DAY + 1).unwrap();
    }
    out
}

/// What the tick of a day is called.
fn tick(day: u32) -> String {
    format!("2026-03-{day:02}")
}

/// The walker: where the project is, what its clock says, and what must hold.
struct Walk {
    sandbox: Sandbox,
    clock: Timestamp,
    random: Xoshiro256PlusPlus,
    models: BTreeMap<&'static str, Model>,
    /// A backup, and what held when it was made.
    backup: Option<BTreeMap<&'static str, Model>>,
    places: u32,
    kills: u64,
    killed: u64,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let sandbox =
            JOBS.iter().fold(Sandbox::new(), |sandbox, name| sandbox.job(name, &job(name)));
        let sandbox = sandbox.data("rows.csv", table());
        sandbox.write("nightshift.toml", "[keep]\nsuperseded = \"2h\"\n");
        Self {
            sandbox,
            clock: BEGIN.parse().unwrap(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            models: JOBS.map(|name| (name, Model::default())).into(),
            backup: None,
            places: 0,
            kills: 0,
            killed: 0,
        }
    }

    fn output(&self, job: &str) -> PathBuf {
        self.sandbox.root().join("scores").join(job)
    }

    fn command(&self, line: &str) -> Output {
        self.sandbox.at(&self.clock.to_string());
        self.sandbox.run(line.split(' '))
    }

    /// Gives a command, perhaps after it was begun and killed.
    #[track_caller]
    fn done(&mut self, line: &str, codes: &[i32]) -> Output {
        if self.random.gen_bool(0.2) {
            self.sandbox.at(&self.clock.to_string());
            let running = self.sandbox.spawn(line.split(' '));
            std::thread::sleep(Duration::from_millis(self.random.gen_range(0..90)));
            self.kills += 1;
            self.killed += u64::from(running.kill().status() == -9);
        }
        let out = self.command(line);
        let told = format!("{line}: {}\n{}\n{}", out.status(), out.stdout, out.stderr);
        assert!(codes.contains(&out.status()), "{told}");
        out
    }

    fn champion(&self, job: &str) -> u64 {
        let line = format!("models {job} --output json");
        self.command(&line).expect(0).json()["aliases"]["champion"].as_u64().unwrap_or(0)
    }

    fn step(&mut self) -> String {
        let job = JOBS[self.random.gen_range(0..JOBS.len())];
        let day = self.random.gen_range(4..=u32::try_from(DAYS).unwrap());
        match self.random.gen_range(0..100) {
            0..=24 => self.run(job, day),
            25..=39 => self.force(job, day),
            40..=49 => self.promote(job),
            50..=61 => self.roll_back(job),
            62..=66 => self.backfill(job, day),
            67..=71 => {
                self.done("prune", &[0]);
                "prune".to_owned()
            }
            72..=75 => self.back_up(),
            76..=78 => self.restore(),
            79..=82 => self.copy(job, day),
            83..=87 => self.relocate(),
            _ => self.set_clock(),
        }
    }

    fn run(&mut self, job: &'static str, day: u32) -> String {
        let line = format!("run {job} --tick {}", tick(day));
        self.done(&line, &[0]);
        self.models.get_mut(job).unwrap().run(day);
        line
    }

    fn force(&mut self, job: &'static str, day: u32) -> String {
        if !self.models[job].has(day) {
            return self.run(job, day);
        }
        let line = format!("score {job} --tick {} --force", tick(day));
        self.done(&line, &[0]);
        self.models.get_mut(job).unwrap().score(day);
        line
    }

    fn promote(&mut self, job: &'static str) -> String {
        if self.models[job].champion == 0 {
            return self.run(job, 6);
        }
        // What a killed training has registered is a version as well.
        let at = format!("2026-03-{:02}T06:00:00Z", self.random.gen_range(6..=12));
        self.done(&format!("train {job} --no-promote --tick {at}"), &[0, 11]);
        let line = format!("models {job} --output json");
        let found = self.command(&line).expect(0).json();
        let versions = found["versions"].as_array().unwrap();
        let numbers: Vec<u64> =
            versions.iter().map(|version| version["version"].as_u64().unwrap()).collect();
        let others: Vec<u64> =
            numbers.into_iter().filter(|number| *number != self.models[job].champion).collect();
        let Some(version) = others.last().copied() else { return "nothing to promote".to_owned() };
        let line = format!("promote {job} {version} --reason better --yes");
        // Done before it was killed, or pruned by now.
        self.done(&line, &[0, 2]);
        if self.champion(job) == version {
            self.models.get_mut(job).unwrap().promote(version);
        }
        line
    }

    fn roll_back(&mut self, job: &'static str) -> String {
        let before = self.champion(job);
        let line = format!("rollback {job} --reason worse --yes");
        // Once only: a second one would go back by one more.
        let is_killed = self.random.gen_bool(0.3);
        self.sandbox.at(&self.clock.to_string());
        let running = self.sandbox.spawn(line.split(' '));
        if is_killed {
            std::thread::sleep(Duration::from_millis(self.random.gen_range(0..250)));
            self.kills += 1;
            self.killed += u64::from(running.kill().status() == -9);
        } else {
            let out = running.finish();
            assert!([0, 2].contains(&out.status()), "{line}: {}\n{}", out.stdout, out.stderr);
        }
        let after = self.champion(job);
        if after != before {
            // Whoever scores next ends what was begun.
            let day = self.models[job].ticks().next().unwrap_or(5);
            self.done(&format!("run {job} --tick {}", tick(day)), &[0]);
            let model = self.models.get_mut(job).unwrap();
            model.roll_back(after);
            model.run(day);
        }
        format!("{line}: {before} -> {after}")
    }

    fn backfill(&mut self, job: &'static str, day: u32) -> String {
        if self.models[job].champion == 0 {
            return self.run(job, day);
        }
        let line = format!(
            "backfill {job} --from {} --to {}",
            tick(day.saturating_sub(2).max(4)),
            tick(day)
        );
        self.done(&line, &[0]);
        for day in day.saturating_sub(2).max(4)..=day {
            self.models.get_mut(job).unwrap().run(day);
        }
        line
    }

    fn back_up(&mut self) -> String {
        self.done("backup b.db --force", &[0]);
        self.backup = Some(self.models.clone());
        "backup".to_owned()
    }

    /// Puts an older record in place. What it does not know lies there until its tick is scored again, and what it
    /// knows and was scored again since is not what it says.
    fn restore(&mut self) -> String {
        let Some(backup) = self.backup.clone() else { return self.back_up() };
        self.command("restore b.db --yes").expect(0);
        for (job, mut model) in backup {
            let now = &self.models[job];
            model.forget(now);
            let again: Vec<u32> = model.ticks().collect();
            self.models.insert(job, model);
            for day in again {
                self.force(job, day);
            }
        }
        "restore".to_owned()
    }

    fn copy(&mut self, job: &'static str, day: u32) -> String {
        let original = self.sandbox.root().to_owned();
        self.places += 1;
        let copied = original.with_file_name(format!("copy-{}", self.places));
        let done = std::process::Command::new("cp").arg("-a").args([&original, &copied]).status();
        assert!(done.unwrap().success());
        let (before, models) = (files(&original), self.models.clone());
        self.sandbox.go_on_in(copied.clone());
        let line = self.force(job, day);
        assert_eq!(files(&original), before, "{line} in a copy");
        if self.random.gen_bool(0.5) {
            std::fs::remove_dir_all(&original).unwrap();
            return format!("copied, went on in the copy: {line}");
        }
        // Back to the original, which knows nothing of it.
        std::fs::remove_dir_all(&copied).unwrap();
        self.sandbox.go_on_in(original);
        self.models = models;
        format!("copied, went on in the original: {line}")
    }

    fn relocate(&mut self) -> String {
        self.places += 1;
        let moved = self.sandbox.root().with_file_name(format!("moved-{}", self.places));
        #[expect(clippy::disallowed_methods, reason = "as a person would")]
        std::fs::rename(self.sandbox.root(), &moved).unwrap();
        self.sandbox.go_on_in(moved);
        "moved".to_owned()
    }

    fn set_clock(&mut self) -> String {
        let seconds = self.random.gen_range(-3_600..86_400);
        self.clock += SignedDuration::from_secs(seconds);
        format!("clock by {seconds} s")
    }

    /// What must hold after each step.
    #[track_caller]
    fn check(&self) {
        for job in JOBS {
            let output = self.output(job);
            let found: BTreeMap<u32, u64> = published::ticks(&output)
                .into_iter()
                .map(|(name, manifest)| {
                    let manifest = manifest.unwrap_or_else(|| panic!("{name} has no manifest"));
                    published::check_files(&output, &manifest);
                    let day = name["tick=2026-03-".len()..][..2].parse().unwrap();
                    (day, manifest["model"]["version"].as_u64().unwrap())
                })
                .collect();
            self.models[job].require(job, &found);
        }
        if self.sandbox.root().join("scores").exists() {
            assert_eq!(
                published::leftovers(&self.sandbox.root().join("scores")),
                Vec::<String>::new()
            );
        }
    }
}

/// Every file of a project that a command about another one could have changed.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let of = |folder: &str| match root.join(folder) {
        folder if folder.exists() => published::files_below(&folder),
        _ => Vec::new(),
    };
    ["scores", "scores.nightshift", "state"]
        .into_iter()
        .flat_map(of)
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_long_walk_ends_where_the_rules_say() {
    let steps = asked("NIGHTSHIFT_STEPS").unwrap_or(STEPS);
    let seed = asked("NIGHTSHIFT_WALK").unwrap_or(1);
    let mut walk = Walk::new(seed);
    let mut story: Vec<String> = Vec::new();
    for number in 1..=steps {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let told = walk.step();
            walk.check();
            if number % 10 == 0 || number == steps {
                walk.command("verify --data").expect(0);
            }
            told
        }));
        match told {
            Ok(told) => story.push(told),
            Err(panic) => {
                let last = &story[story.len().saturating_sub(25)..];
                say(&format!(
                    "step {number} of a walk from {seed} went wrong, after\n{}",
                    last.join("\n")
                ));
                std::panic::resume_unwind(panic);
            }
        }
    }
    let Walk { kills, killed, .. } = walk;
    say(&format!("walk of {steps} steps from {seed}: {kills} kills, {killed} of them in time"));
}
