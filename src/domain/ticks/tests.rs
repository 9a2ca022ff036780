//! Rulings on ticks, as a table and as properties.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(cron: &str) -> Schedule {
    Schedule::parse(cron, "UTC", None).unwrap()
}

const TIMING: Timing = Timing {
    catchup: Catchup::Latest,
    catchup_window: SignedDuration::from_hours(24),
    catchup_max: 100,
    misfire_grace: SignedDuration::from_secs(60),
    jitter: SignedDuration::ZERO,
    overlap: Overlap::Skip,
    depends_on_past: false,
    wait_for: SignedDuration::ZERO,
};

fn standing(cursor: &str) -> Standing {
    Standing { cursor: at(cursor), active: 0, has_waiting: false, paused: None }
}

/// A ruling in words: `run 10:05`, `coalesced 10:00..10:04`.
fn told(ruling: Option<Ruling>) -> Vec<String> {
    let Some(ruling) = ruling else { return Vec::new() };
    let clock = |at: Timestamp| at.to_string()[11..16].to_owned();
    let lines = ruling.lines.iter().map(|line| {
        let last =
            if line.first == line.last { String::new() } else { format!("..{}", clock(line.last)) };
        format!("{} {}{last}", line.fate, clock(line.first))
    });
    let starts = ruling.starts.iter().map(|start| format!("{} {}", start.fate, clock(start.tick)));
    let displaced = ruling.displaces_waiting.then(|| "displaces".to_owned());
    let cancels = ruling.cancels_active.then(|| "cancels".to_owned());
    lines.chain(starts).chain(displaced).chain(cancels).collect()
}

#[track_caller]
fn check(timing: Timing, standing: &Standing, now: &str, wanted: &[&str]) {
    let found = rule("wine", &schedule("*/5 * * * *"), &timing, standing, at(now));
    assert_eq!(told(found), wanted);
}

#[test]
fn missed_ticks_are_dealt_with_as_the_job_says() {
    let since = standing("2026-01-05T10:00:00Z");
    let skip = Timing { catchup: Catchup::Skip, ..TIMING };
    let all = Timing { catchup: Catchup::All, ..TIMING };
    check(TIMING, &since, "2026-01-05T10:04:59Z", &[]);
    check(TIMING, &since, "2026-01-05T10:05:00Z", &["run 10:05"]);
    check(TIMING, &since, "2026-01-05T10:06:00Z", &["run 10:05"]);
    // Late by more than the grace: missed, and the last one is run.
    check(TIMING, &since, "2026-01-05T10:18:00Z", &["coalesced 10:05..10:10", "run 10:15"]);
    check(skip, &since, "2026-01-05T10:18:00Z", &["misfire_skipped 10:05..10:15"]);
    check(all, &since, "2026-01-05T10:18:00Z", &["run 10:05", "run 10:10", "run 10:15"]);
    // One is on time: the missed ones are run in it.
    check(TIMING, &since, "2026-01-05T10:15:30Z", &["coalesced 10:05..10:10", "run 10:15"]);
    check(skip, &since, "2026-01-05T10:15:30Z", &["misfire_skipped 10:05..10:10", "run 10:15"]);
}

#[test]
fn what_is_too_far_back_or_too_much_is_left_out() {
    let since = standing("2026-01-05T10:00:00Z");
    let window = SignedDuration::from_mins(12);
    let latest = Timing { catchup_window: window, ..TIMING };
    check(
        latest,
        &since,
        "2026-01-05T10:33:00Z",
        &["window_expired 10:05..10:20", "coalesced 10:25", "run 10:30"],
    );
    // The window is over for all of them.
    let short = Timing { catchup_window: SignedDuration::from_mins(1), ..TIMING };
    check(short, &since, "2026-01-05T10:33:00Z", &["window_expired 10:05..10:30"]);
    let few = Timing { catchup: Catchup::All, catchup_max: 2, ..TIMING };
    check(
        few,
        &since,
        "2026-01-05T10:33:00Z",
        &["limit_dropped 10:05..10:20", "run 10:25", "run 10:30"],
    );
}

#[test]
fn a_paused_job_lets_its_ticks_go_by() {
    let paused = Standing { paused: Some("moving".into()), ..standing("2026-01-05T10:00:00Z") };
    check(TIMING, &paused, "2026-01-05T10:18:00Z", &["paused 10:05..10:15"]);
}

#[test]
fn ticks_that_come_due_while_a_run_is_active() {
    let now = "2026-01-05T10:05:01Z";
    let active = Standing { active: 1, ..standing("2026-01-05T10:00:00Z") };
    let waiting = Standing { active: 2, has_waiting: true, ..active.clone() };
    let with = |overlap| Timing { overlap, ..TIMING };
    check(with(Overlap::Skip), &active, now, &["overlap_skipped 10:05"]);
    check(with(Overlap::QueueOne), &active, now, &["overlap_queued 10:05"]);
    check(with(Overlap::QueueOne), &waiting, now, &["overlap_queued 10:05", "displaces"]);
    check(with(Overlap::QueueAll), &waiting, now, &["overlap_queued 10:05"]);
    check(with(Overlap::Replace), &active, now, &["run 10:05", "cancels"]);
    check(with(Overlap::Allow(2)), &active, now, &["run 10:05"]);
    check(with(Overlap::Allow(2)), &waiting, now, &["overlap_skipped 10:05"]);
    let full = Standing { active: QUEUED_MAX, has_waiting: true, ..active };
    check(with(Overlap::QueueAll), &full, now, &["limit_dropped 10:05"]);
}

#[test]
fn several_ticks_that_come_due_at_once_overlap_one_another() {
    let since = standing("2026-01-05T10:00:00Z");
    let (now, grace) = ("2026-01-05T10:15:01Z", SignedDuration::from_hours(1));
    let with = |overlap| Timing { overlap, misfire_grace: grace, ..TIMING };
    check(with(Overlap::Skip), &since, now, &["overlap_skipped 10:10..10:15", "run 10:05"]);
    check(
        with(Overlap::QueueOne),
        &since,
        now,
        &["coalesced 10:10", "run 10:05", "overlap_queued 10:15"],
    );
    check(with(Overlap::Replace), &since, now, &["coalesced 10:05..10:10", "run 10:15"]);
}

#[test]
fn a_month_of_missed_minutes_is_a_few_lines() {
    let since = standing("2026-01-01T00:00:00Z");
    let found = rule("wine", &schedule("* * * * *"), &TIMING, &since, at("2026-02-10T00:00:30Z"));
    let found = found.unwrap();
    assert_eq!((found.lines.len(), found.starts.len()), (2, 1), "{found:?}");
}

#[test]
fn jitter_delays_the_start_and_not_the_tick() {
    let timing = Timing { jitter: SignedDuration::from_mins(4), ..TIMING };
    let since = standing("2026-01-05T10:00:00Z");
    let cron = schedule("*/5 * * * *");
    let rule = |now: &str| rule("wine", &cron, &timing, &since, at(now)).unwrap();
    let start = rule("2026-01-05T10:05:00Z").starts[0].clone();
    assert_eq!(start.tick, at("2026-01-05T10:05:00Z"));
    let delay = start.not_before.duration_since(start.tick);
    assert!(delay >= SignedDuration::ZERO && delay < timing.jitter, "{delay}");
    // The same after a restart, and late only by what comes after it.
    let late = start.not_before + SignedDuration::from_secs(59);
    assert_eq!(rule(&late.to_string()).starts[0], start);
}

fn any_timing() -> impl Strategy<Value = Timing> {
    let catchup = prop::sample::select(Catchup::ALL);
    let overlap = prop::sample::select(vec![
        Overlap::Skip,
        Overlap::QueueOne,
        Overlap::QueueAll,
        Overlap::Replace,
        Overlap::Allow(3),
    ]);
    (catchup, overlap, 0..7_200_i64, 1..50_usize, 0..600_i64, 0..600_i64).prop_map(
        |(catchup, overlap, window, most, grace, jitter)| Timing {
            catchup,
            overlap,
            catchup_window: SignedDuration::from_secs(window),
            catchup_max: most,
            misfire_grace: SignedDuration::from_secs(grace),
            jitter: SignedDuration::from_secs(jitter),
            ..TIMING
        },
    )
}

/// The ticks of a ruling, each once, in order.
fn ticks(schedule: &Schedule, ruling: &Ruling) -> Vec<Timestamp> {
    let second = SignedDuration::from_secs(1);
    let lines = ruling.lines.iter();
    let mut out: Vec<Timestamp> = lines
        .flat_map(|line| schedule.ticks(line.first - second, line.last))
        .chain(ruling.starts.iter().map(|start| start.tick))
        .collect();
    out.sort_unstable();
    out
}

proptest! {
    #[test]
    fn every_tick_has_one_fate_and_asking_again_changes_nothing(
        timing in any_timing(),
        cron in prop::sample::select(vec!["* * * * *", "*/7 * * * *", "0 */2 * * *", "*/20 * * * * *"]),
        past in 0..20_000_i64,
        (active, waits) in (0..4_usize, any::<bool>()),
        paused in prop::option::of(Just("why".to_owned())),
    ) {
        let schedule = schedule(cron);
        let now = at("2026-03-29T03:30:17Z");
        let cursor = now - SignedDuration::from_secs(past);
        let standing = Standing { cursor, active, has_waiting: waits && active > 0, paused };
        let found = rule("wine", &schedule, &timing, &standing, now);
        let due: Vec<Timestamp> = schedule.ticks(cursor, now).collect();
        let Some(found) = found else {
            prop_assert!(due.is_empty());
            return Ok(());
        };
        prop_assert_eq!(ticks(&schedule, &found), due);
        prop_assert!(found.cursor > cursor && found.cursor <= now);
        let again = Standing { cursor: found.cursor, ..standing };
        prop_assert_eq!(rule("wine", &schedule, &timing, &again, now), None);
    }

    #[test]
    fn ruling_twice_on_the_way_is_ruling_once_where_all_is_on_time(
        cron in prop::sample::select(vec!["* * * * *", "*/7 * * * *"]),
        (first, second) in (0..1_500_i64, 0..1_500_i64),
    ) {
        let schedule = schedule(cron);
        let grace = SignedDuration::from_hours(1);
        let timing = Timing { overlap: Overlap::Allow(1_000), misfire_grace: grace, ..TIMING };
        let cursor = at("2026-01-05T10:00:00Z");
        let midway = cursor + SignedDuration::from_secs(first);
        let end = midway + SignedDuration::from_secs(second);
        let rule_at = |cursor, now| {
            let standing = Standing { cursor, active: 0, has_waiting: false, paused: None };
            rule("wine", &schedule, &timing, &standing, now)
        };
        let (early, mut starts) = match rule_at(cursor, midway) {
            Some(found) => (found.cursor, found.starts),
            None => (cursor, Vec::new()),
        };
        starts.extend(rule_at(early, end).into_iter().flat_map(|found| found.starts));
        let at_once = rule_at(cursor, end).map(|found| found.starts).unwrap_or_default();
        prop_assert_eq!(starts, at_once);
    }
}
