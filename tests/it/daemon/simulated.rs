//! The planner on a clock that the test moves: through changes of local time, and through jumps.
//!
//! No run is executed here; what is looked at is the ledger. The expected ticks are those of the schedules,
//! which `tests/it/schedule` holds against tables and against another implementation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nightshift::domain::run::RunKind;
use nightshift::engine::daemon::job_set::JobSet;
use nightshift::engine::daemon::planner::Planner;
use nightshift::engine::world::{Access, World};
use rand::{Rng as _, SeedableRng as _};

use super::job;
use crate::sandbox::Sandbox;
use crate::suite::say;

/// Ten schedules, each in both zones.
const CRONS: [&str; 10] = [
    "30 2 * * *",
    "0 2 * * *",
    "0 3 * * *",
    "30 1 * * *",
    "0 * * * *",
    "*/30 * * * *",
    "15,45 1-3 * * *",
    "0 0-23 * * *",
    "0 2 * * SUN",
    "59 23 * * *",
];

const ZONES: [&str; 2] = ["Europe/Berlin", "America/New_York"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A project with jobs of these schedules, and its store, jobs and planner; the planner begins at `now`.
async fn planner(jobs: &[(String, String)], now: Timestamp) -> (Sandbox, World, JobSet, Planner) {
    let sandbox = Sandbox::new();
    for (name, text) in jobs {
        sandbox.write(format!("jobs/{name}.toml"), text);
    }
    let world = World::open(sandbox.root(), Access::Create).await.unwrap();
    let set = JobSet::load(sandbox.root()).unwrap();
    assert!(set.problems().is_empty(), "{:?}", set.problems());
    world.store.follow_schedules(&set.schedules(), false, now).await.unwrap();
    let planner = Planner::new(&world, &set).await.unwrap();
    (sandbox, world, set, planner)
}

/// The fate of each tick of a job; a stretch is told by its ticks.
async fn fates(world: &World, set: &JobSet, name: &str) -> BTreeMap<Timestamp, Vec<String>> {
    let loaded = set.all().find(|loaded| loaded.job.name.as_str() == name).unwrap();
    let schedule = set.schedule(&loaded.job.name, RunKind::Score).unwrap();
    let mut out: BTreeMap<Timestamp, Vec<String>> = BTreeMap::new();
    for line in world.store.ticks(&loaded.job.name, 1_000_000).await.unwrap() {
        out.entry(line.tick).or_default().push(line.decision.decision);
    }
    for range in world.store.tick_ranges(&loaded.job.name, 1_000_000).await.unwrap() {
        let before = range.first - SignedDuration::from_secs(1);
        for tick in schedule.ticks(before, range.last) {
            out.entry(tick).or_default().push(range.fate.to_string());
        }
    }
    out
}

#[tokio::test]
async fn a_day_with_a_change_of_local_time_as_a_ledger() {
    let jobs: Vec<(String, String)> = ZONES
        .iter()
        .enumerate()
        .flat_map(|(zone, timezone)| {
            CRONS.iter().enumerate().map(move |(number, cron)| {
                let name = format!("z{zone}-{number}");
                let more = format!("timezone = \"{timezone}\"\noverlap = \"queue_all\"");
                let text = job(&name, cron, &more);
                (name, text)
            })
        })
        .collect();
    let mut told = String::new();
    for (zone, day) in [(0, "2026-03-29"), (0, "2026-10-25"), (1, "2026-03-08"), (1, "2026-11-01")]
    {
        let local = TimeZone::get(ZONES[zone]).unwrap();
        let date: jiff::civil::Date = day.parse().unwrap();
        let begin = local.to_timestamp(date.at(0, 0, 0, 0)).unwrap() - SignedDuration::from_secs(1);
        let end = local.to_timestamp(date.tomorrow().unwrap().at(0, 0, 0, 0)).unwrap();
        let (_sandbox, world, set, mut planner) = planner(&jobs, begin).await;
        let mut now = begin;
        while now < end {
            now += SignedDuration::from_secs(20);
            planner.reconcile(&world, &set, now).await.unwrap();
        }
        writeln!(told, "\n{day} in {}", ZONES[zone]).unwrap();
        for (name, _) in &jobs {
            let loaded = set.all().find(|loaded| loaded.job.name.as_str() == name).unwrap();
            let schedule = set.schedule(&loaded.job.name, RunKind::Score).unwrap();
            let found = fates(&world, &set, name).await;
            let ticks: Vec<Timestamp> = found.keys().copied().collect();
            let wanted: Vec<Timestamp> = schedule.ticks(begin, now).collect();
            assert_eq!(ticks, wanted, "{name} on {day}");
            let ran = |fates: &Vec<String>| {
                fates.len() == 1 && ["run", "overlap_queued"].contains(&fates[0].as_str())
            };
            assert!(found.values().all(ran), "{name} on {day}: {found:?}");
            if name.starts_with(&format!("z{zone}")) {
                let times: Vec<String> = ticks
                    .iter()
                    .map(|tick| tick.to_zoned(local.clone()).strftime("%H:%M%:z").to_string())
                    .collect();
                let shown = if times.len() > 12 {
                    format!(
                        "{} ... {} ({})",
                        times[..7].join(" "),
                        times[times.len() - 1],
                        times.len()
                    )
                } else {
                    times.join(" ")
                };
                writeln!(told, "  {:16} {shown}", schedule.cron()).unwrap();
            }
        }
    }
    say(told.trim_end());
}

#[tokio::test]
async fn no_jump_of_the_clock_loses_or_doubles_a_tick() {
    let more = "overlap = \"allow\"\nmax_concurrent = 1000\ncatchup = \"all\"\ncatchup_window = \"36500d\"";
    let jobs: Vec<(String, String)> =
        [("every-minute", "* * * * *"), ("hourly", "7 * * * *"), ("nightly", "30 2 * * *")]
            .into_iter()
            .map(|(name, cron)| (name.to_owned(), job(name, cron, more)))
            .collect();
    let begin = at("2026-03-28T12:00:00Z");
    let (_sandbox, world, set, mut planner) = planner(&jobs, begin).await;
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(16);
    let (mut now, mut latest) = (begin, begin);
    let jumps = [1, 300, 3_600, 3 * 3_600, 24 * 3_600];
    let mut counts = (0, 0);
    for _ in 0..600 {
        let jump = SignedDuration::from_secs(jumps[random.gen_range(0..jumps.len())]);
        match random.gen_range(0..10) {
            0 => {
                counts.0 += 1;
                now += jump;
            }
            1 => {
                counts.1 += 1;
                now -= jump;
            }
            2 if random.gen_bool(0.05) => now = Timestamp::UNIX_EPOCH,
            2 => now = latest,
            _ => now += SignedDuration::from_secs(random.gen_range(1..120)),
        }
        planner.reconcile(&world, &set, now).await.unwrap();
        if now > latest {
            latest = now;
        }
    }
    planner.reconcile(&world, &set, latest).await.unwrap();
    let mut ticks = 0;
    for (name, _) in &jobs {
        let loaded = set.all().find(|loaded| loaded.job.name.as_str() == name).unwrap();
        let schedule = set.schedule(&loaded.job.name, RunKind::Score).unwrap();
        let found = fates(&world, &set, name).await;
        let wanted: Vec<Timestamp> = schedule.ticks(begin, latest).collect();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), wanted, "{name}");
        assert!(found.values().all(|fates| fates.len() == 1), "{name}: {found:?}");
        ticks += wanted.len();
    }
    say(&format!(
        "clock jumps: {} forward, {} back; {ticks} ticks, each with one fate",
        counts.0, counts.1
    ));
}
