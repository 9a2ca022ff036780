//! Backups in a loop while runs commit, every other one killed: each that has its name is sound, opens, and
//! is the record of one instant.
//!
//! And restores that are killed: nobody ever finds anything between the old record and the new one but none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nightshift::adapters::store::copy::examine;
use nightshift::adapters::store::{Open, RunFilter, Store};
use nightshift::domain::run::State;
use rand::{Rng as _, SeedableRng as _};

use super::kills;
use crate::customers::Like::Usual;
use crate::customers::{self, table};
use crate::sandbox::Sandbox;
use crate::suite::say;

/// Committed score runs in the sound database of the folder of `database`, which is changed by looking.
fn committed(state: &std::path::Path) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        examine(&state.join(Store::FILE_NAME)).await.unwrap();
        let store = Store::open(state, Open::ReadWrite).await.unwrap();
        let filter = RunFilter { limit: u32::MAX, ..RunFilter::default() };
        let runs = store.runs(&filter).await.unwrap();
        let ended = |found: State| matches!(found, State::Committed | State::Superseded);
        let found = runs.iter().filter(|run| ended(run.state)).count();
        store.integrity_check().await.unwrap();
        store.close().await;
        found
    })
}

#[test]
fn every_backup_that_is_there_is_whole_whoever_was_killed() {
    let seed = kills();
    let sandbox = Sandbox::new()
        .job("churn", &customers::job("0 0 * * *", ""))
        .data("churn.csv", table(24, &[Usual; 3]));
    sandbox.run(["run", "churn", "--tick", "2026-01-03"]).expect(0);
    let begun = Instant::now();
    sandbox.run(["backup", "first.db"]).expect(0);
    let undisturbed = begun.elapsed();
    // Sandboxes count their commands, so the one that scores has its own hands.
    let mut scoring = sandbox.command();
    scoring.args(["score", "churn", "--tick", "2026-01-03", "--force"]);
    let (is_over, mut random) =
        (AtomicBool::new(false), rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed));
    let mut killed = 0;
    let revisions = std::thread::scope(|scope| {
        let revisions = scope.spawn(|| {
            let mut revisions = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                scoring.env("NIGHTSHIFT_SEED", (1_000 + revisions).to_string());
                let done = scoring.output().unwrap();
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
                revisions += 1;
            }
            revisions
        });
        for number in 0..2 * seed {
            let name = format!("copies/{number:04}/nightshift.db");
            std::fs::create_dir_all(sandbox.root().join(&name).parent().unwrap()).unwrap();
            let running = sandbox.spawn(["backup", name.as_str()]);
            if number % 2 == 0 {
                running.finish().expect(0);
                continue;
            }
            let moment = undisturbed.mul_f64(random.gen_range(0.0..1.5));
            std::thread::sleep(moment.min(Duration::from_secs(10)));
            killed += u64::from(running.kill().status() != 0);
        }
        is_over.store(true, Ordering::Relaxed);
        revisions.join().unwrap()
    });
    let (mut before, mut whole) = (0, 0);
    for number in 0..2 * seed {
        let folder = sandbox.root().join(format!("copies/{number:04}"));
        if folder.join(Store::FILE_NAME).exists() {
            let found = committed(&folder);
            assert!(found >= before, "backup {number} knows {found} runs, the one before {before}");
            (before, whole) = (found, whole + 1);
        }
        assert!(number % 2 == 1 || folder.join(Store::FILE_NAME).exists(), "{number}");
    }
    assert!(revisions > 0 && before > 1, "no run was committed meanwhile");
    sandbox.run(["verify", "--data"]).expect(0);
    let text = format!(
        "backups: {} begun while {revisions} runs were committed, {killed} killed, {whole} whole",
        2 * seed
    );
    say(&text);
}

#[test]
fn a_killed_restore_leaves_the_old_record_or_none_or_the_new_one() {
    let kills = kills();
    let sandbox = Sandbox::new()
        .job("churn", &customers::job("0 0 * * *", ""))
        .data("churn.csv", table(24, &[Usual; 3]));
    let runs = || sandbox.run(["runs", "--output", "json"]);
    let records = ["2026-01-03", "2026-01-04"].map(|tick| {
        sandbox.run(["run", "churn", "--tick", tick]).expect(0);
        let name = format!("{tick}.db");
        sandbox.run(["backup", &name]).expect(0);
        (name, runs().expect(0).stdout)
    });
    let begun = Instant::now();
    sandbox.run(["restore", &records[1].0, "--yes"]).expect(0);
    let undisturbed = begun.elapsed();
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(kills);
    let (mut old, mut none, mut new) = (0, 0, 0);
    for number in 0..kills {
        let is_odd = usize::from(number % 2 == 1);
        let ((file, wanted), (_, before)) = (&records[is_odd], &records[1 - is_odd]);
        let running = sandbox.spawn(["restore", file, "--yes"]);
        std::thread::sleep(undisturbed.mul_f64(random.gen_range(0.0..1.5)));
        let _ended = running.kill();
        let said = runs();
        match said.status() {
            74 if said.stdout.contains("is gone") => none += 1,
            0 if said.stdout == *before => old += 1,
            0 if said.stdout == *wanted => new += 1,
            code => panic!("restore {number}: exit {code}: {}", said.stdout),
        }
        sandbox.run(["restore", file, "--yes"]).expect(0);
        assert_eq!(runs().expect(0).stdout, *wanted);
    }
    let text = format!("restores killed: {kills}; found old {old}, none {none}, new {new}");
    say(&text);
}
