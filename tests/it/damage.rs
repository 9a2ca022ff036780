//! Damage to the database of a real project: the program says so and writes nothing, or the damage is none.
//!
//! What a mutation did is worked out first, by a dump of a copy without its seal: unsound, another state that
//! once was, the same content, or other content that `SQLite` cannot know from what was written, since its
//! pages carry no checksums. With the seal, all of them must be refused, but for bytes that a log covers.
//! `NIGHTSHIFT_MUTATIONS` sets the count.

/// What a database says, in one text.
mod dump;
/// How files are changed.
mod mutation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nightshift::adapters::store::{Open, Store};
use rand::SeedableRng as _;

use self::dump::{dump, pages};
use self::mutation::{Files, KINDS, Times};
use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

/// Mutations in an ordinary test run; the whole story is told with 200.
const MUTATIONS: usize = 40;

const SEED: u64 = 13;

/// What a mutation did to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// It says what it said.
    None,
    /// It says what it said at an earlier time.
    Older,
    /// It is sound for `SQLite`, and says something else.
    Silent,
    /// It is damaged, of a later version, or somebody else's.
    Unsound,
}

/// Folds the log of the database in `state` back into it.
fn fold(state: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Store::open(state, Open::ReadWrite).await.unwrap().close().await;
    });
}

/// The demo, and what its database was like at several times.
struct Story {
    sandbox: Sandbox,
    times: Times,
}

impl Story {
    fn state(&self) -> PathBuf {
        self.sandbox.root().join("demo/state")
    }

    fn tell() -> Self {
        let sandbox = Sandbox::new();
        // The nights of the story end in May.
        sandbox.at("2026-06-01T03:00:00Z");
        sandbox.run(["init", "--demo"]).expect(0);
        let state = sandbox.root().join("demo/state");
        // As if the daemon were still at it: the log stays while somebody has the database open.
        let night = |project: &str, line: &str| {
            let state = sandbox.root().join(project).join("state");
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let reader = Store::open(&state, Open::ReadOnly).await.unwrap();
                sandbox.run(line.split(' ').chain(["--project", project])).expect(0);
                let out = Files::read(&state);
                reader.close().await;
                out
            })
        };
        let folded = || {
            fold(&state);
            Files::read(&state)
        };
        let first = folded();
        let log = night("demo", "score churn --tick 2026-05-10 --force").log;
        let second = Files { log, ..folded() };
        let third = night("demo", "score churn --tick 2026-05-11 --force");
        let folded = folded();
        assert!(first.log.is_empty() && folded.log.is_empty(), "a log stays after the last reader");
        assert!(second.log.len() > 4096 && third.log.len() > 4096, "a night leaves no log");
        assert!(folded.is_sealed() && third.is_sealed(), "what is closed is sealed");
        sandbox.run(["init", "other"]).expect(0);
        sandbox.run(["run", "churn", "--project", "other"]).expect(0);
        let other = night("other", "score churn --force");
        Self { times: Times { first, second, third, folded, other }, sandbox }
    }

    fn dump(&self, files: &Files) -> Option<String> {
        let folder = self.sandbox.root().join("looked-at");
        Files { seal: Vec::new(), ..files.clone() }.write(&folder);
        dump(&folder.join(Store::FILE_NAME))
    }

    /// What the damage of `files` is, given what the database has said so far, now last.
    fn effect(&self, files: &Files, known: &[String]) -> Effect {
        match self.dump(files) {
            None => Effect::Unsound,
            Some(found) if Some(&found) == known.last() => Effect::None,
            Some(found) if known.contains(&found) => Effect::Older,
            Some(_) => Effect::Silent,
        }
    }

    /// Whether `files` must be refused: unless every page says what it said.
    fn is_refused(&self, files: &Files, effect: Effect) -> bool {
        effect != Effect::None || self.pages(files) != self.pages(&self.times.folded)
    }

    fn pages(&self, files: &Files) -> Vec<u8> {
        let folder = self.sandbox.root().join("paged");
        files.write(&folder);
        pages(&folder.join(Store::FILE_NAME))
    }

    /// Lets a command that reads and one that writes meet `files`; they must be refused or be of use.
    fn meet(&self, files: &Files, effect: Effect, is_refused: bool, name: &str) -> String {
        let mut codes = Vec::new();
        for line in ["status", "run churn --tick 2026-05-11", "restore none.db --yes"] {
            files.write(&self.state());
            let before = Files::read(&self.state());
            let said = self.sandbox.run(line.split(' ').chain(["--project", "demo"]));
            let (code, text) = (said.status(), said.stderr);
            if line.starts_with("restore") {
                assert_eq!(code, 2, "{name}: {text}");
                assert!(Files::read(&self.state()) == before, "{name}: `{line}` wrote");
                continue;
            }
            codes.push(code.to_string());
            if is_refused {
                assert_eq!(code, 74, "{name}: `{line}`: {text}");
                let is_helpful = ["nightshift restore FILE", "use the newer nightshift"]
                    .iter()
                    .any(|help| text.contains(help));
                assert!(is_helpful, "{name}: {text}");
                assert!(Files::read(&self.state()) == before, "{name}: `{line}` wrote");
            }
            assert!([0, 1, 2, 74].contains(&code), "{name}: `{line}` ends with {code}: {text}");
            assert!(!text.contains("panicked"), "{name}: {text}");
            assert!(
                is_refused || effect == Effect::Silent || code == 0,
                "{name}: `{line}`: {text}"
            );
        }
        codes.join("/")
    }
}

#[test]
fn damage_is_told_and_nothing_is_written_to_it() {
    let count = asked("NIGHTSHIFT_MUTATIONS").unwrap_or(MUTATIONS);
    let story = Story::tell();
    let Times { first, second, third, folded, .. } = &story.times;
    let known = [first, second, third].map(|files| story.dump(files).unwrap());
    assert!(story.effect(folded, &known) == Effect::None && known[0] != known[1]);
    let mut table: BTreeMap<(&str, Effect), BTreeMap<String, usize>> = BTreeMap::new();
    for number in 0..count {
        let kind = &KINDS[number % KINDS.len()];
        let seed = SEED.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        let files = (kind.mutate)(&story.times, &mut random);
        let name = format!("mutation {number}, {}, seed {seed}", kind.name);
        let effect = story.effect(&files, &known);
        assert!(kind.allowed.contains(&effect), "{name}: {effect:?}");
        let is_refused = story.is_refused(&files, effect);
        let codes = story.meet(&files, effect, is_refused, &name);
        *table.entry((kind.name, effect)).or_default().entry(codes).or_default() += 1;
    }
    let mut text = format!("{count} mutations of the database of the demo, seed {SEED}:\n");
    for ((kind, effect), codes) in &table {
        let codes: Vec<String> =
            codes.iter().map(|(code, number)| format!("{number} x exit {code}")).collect();
        writeln!(text, "{kind:>28}  {:<8}  {}", format!("{effect:?}"), codes.join(", ")).unwrap();
    }
    say(text.trim_end());
}
