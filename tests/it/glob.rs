//! Somebody lists and reads the scores of a job all the time, while ticks are corrected, rolled back and killed.
//!
//! At every look each tick holds the rows of one revision: never two, and never none once there were some.
//! `NIGHTSHIFT_CORRECTIONS` sets how many of them there are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};

use crate::sandbox::Sandbox;
use crate::suite::{asked, say};

const JOB: &str = include_str!("fixtures/schema-6/jobs/wards.toml");
const STAYS: &str = include_str!("fixtures/schema-6/data/stays.csv");
const CORRECTIONS: u32 = 12;

/// What a reader has seen.
#[derive(Debug, Default)]
struct Seen {
    looks: u64,
    /// Files that were listed and gone when they were opened: the reader looks again.
    gone: u64,
    wrong: Vec<String>,
}

impl Seen {
    /// Looks at every tick once.
    fn look(&mut self, output: &Path, known: &mut BTreeMap<String, u64>) {
        let Ok(ticks) = std::fs::read_dir(output) else { return };
        let ticks = ticks.flatten().map(|entry| entry.file_name().into_string().unwrap());
        for tick in ticks.collect::<Vec<_>>() {
            let folder = output.join(&tick);
            let listed = std::fs::read_dir(&folder).map(|names| {
                names
                    .map(|name| name.unwrap().file_name().into_string().unwrap())
                    .collect::<Vec<_>>()
            });
            match listed.as_deref() {
                Ok([part]) if part.ends_with(".parquet") => {
                    *known.entry(tick).or_default() += 1;
                    match std::fs::read(folder.join(part)) {
                        Ok(bytes) if bytes.ends_with(b"PAR1") => {}
                        Ok(bytes) => self.wrong.push(format!("{part} has {} bytes", bytes.len())),
                        Err(_) => self.gone += 1,
                    }
                }
                found => self.wrong.push(format!("{tick}: {found:?}")),
            }
        }
        let missing = known.keys().filter(|tick| !output.join(tick).exists());
        self.wrong.extend(missing.map(|tick| format!("{tick} is gone")));
        self.looks += 1;
    }
}

#[test]
fn whoever_lists_a_tick_sees_one_revision_of_it() {
    let corrections = asked("NIGHTSHIFT_CORRECTIONS").unwrap_or(CORRECTIONS);
    let sandbox = Sandbox::new().job("wards", JOB).data("stays.csv", STAYS);
    let is_over = AtomicBool::new(false);
    let output = sandbox.root().join("scores/wards");
    sandbox.at("2026-03-07T06:00:00Z");
    sandbox.run(["run", "wards", "--tick", "2026-03-04"]).expect(0);
    let train = ["train", "wards", "--no-promote", "--tick", "2026-03-06T12:00:00Z"];
    sandbox.run(train).expect(0);
    let mut kills = 0;
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut seen, mut known) = (Seen::default(), BTreeMap::new());
            while !is_over.load(Ordering::Relaxed) {
                seen.look(&output, &mut known);
            }
            seen
        });
        let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(u64::from(corrections));
        let work = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for correction in 0..corrections {
                let day = 4 + correction % 4;
                let tick = format!("2026-03-{day:02}");
                if random.gen_bool(0.3) {
                    let killed = sandbox.spawn(["score", "wards", "--tick", &tick, "--force"]);
                    std::thread::sleep(Duration::from_millis(random.gen_range(20..120)));
                    kills += u32::from(killed.kill().status() == -9);
                }
                sandbox.run(["score", "wards", "--tick", &tick, "--force"]).expect(0);
                if correction % 10 == 5 {
                    let promote = ["promote", "wards", "2", "--reason", "better", "--yes"];
                    sandbox.run(promote).expect(0);
                    sandbox.run(["score", "wards", "--tick", &tick, "--force"]).expect(0);
                    sandbox.run(["rollback", "wards", "--reason", "worse", "--yes"]).expect(0);
                }
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        let seen = reader.join().unwrap();
        work.unwrap();
        seen
    });
    say(&format!(
        "{corrections} corrections, {kills} kills: {} looks, {} with two revisions or none, {} files gone \
         between list and read",
        seen.looks,
        seen.wrong.len(),
        seen.gone
    ));
    assert!(seen.looks > u64::from(corrections), "{seen:?}");
    assert!(seen.wrong.is_empty(), "{:#?}", &seen.wrong[..seen.wrong.len().min(5)]);
}
