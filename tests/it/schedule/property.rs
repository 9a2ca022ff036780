//! What holds for any expression, in any zone, from any instant of 1970 to 2100.
//!
//! `NIGHTSHIFT_CASES` sets how many are drawn; the whole story is told with a million. What a call takes
//! is told, and asserted nowhere, since machines are shared.

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use nightshift::domain::schedule::{DayMatch, Schedule};

use super::draw::{Draw, cases, seed, zones};
use super::plain::Plain;
use super::{FIELDS, PECULIAR_ZONES, tell};

/// What calls took, in nanoseconds.
#[derive(Default)]
struct Times(Vec<u32>);

impl Times {
    /// Calls `call`, which does the same each time. What took a millisecond is tried again, since it may
    /// be the machine that was elsewhere; the fastest of three counts.
    fn of<T>(&mut self, call: impl Fn() -> T) -> T {
        let timed = || {
            let start = Instant::now();
            let out = call();
            (start.elapsed(), out)
        };
        let (mut fastest, out) = timed();
        for _ in 0..2 {
            if fastest >= Duration::from_millis(1) {
                fastest = fastest.min(timed().0);
            }
        }
        self.0.push(u32::try_from(fastest.as_nanos()).unwrap_or(u32::MAX));
        out
    }

    fn tell(mut self, what: &str) {
        self.0.sort_unstable();
        let at = |share: usize| {
            let place = (self.0.len() * share / 1000).min(self.0.len() - 1);
            Duration::from_nanos(u64::from(self.0[place]))
        };
        let (p50, p99, worst) = (at(500), at(990), at(1000));
        tell(&format!("{what}: {} calls, p50 {p50:?}, p99 {p99:?}, worst {worst:?}", self.0.len()));
    }
}

/// Half of the draws come from the peculiar zones.
fn any_zone<'a>(draw: &mut Draw, zones: &'a [String]) -> &'a str {
    if draw.percent(50) {
        return draw.one_of(&PECULIAR_ZONES);
    }
    let place = draw.below(u32::try_from(zones.len()).unwrap());
    &zones[usize::try_from(place).unwrap()]
}

#[test]
fn ticks_are_in_order_and_the_same_from_both_sides() {
    let (zones, cases) = (zones(), cases(100_000));
    let (mut forwards, mut backwards, mut counts) = <(Times, Times, Times)>::default();
    let mut refused = 0;
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let (cron, zone) = (draw.cron_with_seconds(), any_zone(&mut draw, &zones));
        let day_match = if draw.percent(50) { DayMatch::And } else { DayMatch::Or };
        let schedule = match Schedule::parse(&cron, zone, Some(day_match)) {
            Ok(schedule) => schedule,
            Err(problem) => {
                assert!(problem.message.contains("no tick in forty years"), "{cron}: {problem}");
                refused += 1;
                continue;
            }
        };
        let from = draw.instant_in(schedule.timezone());
        let shown = format!("`{cron}` ({day_match:?}) in {zone} from {from}");
        let mut before = from;
        for index in 1..=4 {
            let Some(tick) = forwards.of(|| schedule.next_after(before)) else { break };
            assert!(tick > before, "{shown}: {tick} is not after {before}");
            let between = draw.instant_between(before, tick);
            assert_eq!(schedule.next_after(between), Some(tick), "{shown}: after {between}");
            let previous = backwards.of(|| schedule.previous_before(tick));
            if index == 1 {
                assert_eq!(previous, schedule.latest_at_or_before(from), "{shown}: before {tick}");
            } else {
                assert_eq!(previous, Some(before), "{shown}: before {tick}");
            }
            assert!(schedule.is_tick(tick), "{shown}: {tick}");
            let number = counts.of(|| schedule.ticks(from, tick).number());
            assert_eq!(number, index, "{shown}: ticks to {tick}");
            before = tick;
        }
        let middle = from + SignedDuration::from_hours(24 * i64::from(draw.below(800)));
        let end = middle + SignedDuration::from_hours(24 * i64::from(draw.below(800)));
        let parts = schedule.ticks(from, middle).number() + schedule.ticks(middle, end).number();
        assert_eq!(schedule.ticks(from, end).number(), parts, "{shown}: to {middle} and {end}");
        assert!(schedule.note(before).is_none_or(|note| !note.is_empty()), "{shown}");
    }
    tell(&format!("{cases} cases in {} zones, seed {}, {refused} never due", zones.len(), seed()));
    assert!(refused < cases / 10);
    forwards.tell("next");
    backwards.tell("previous");
    counts.tell("number");
}

#[test]
fn any_schedule_agrees_with_a_walk_over_real_time() {
    let (zones, cases) = (zones(), cases(100_000) / 50);
    let mut ticks = 0;
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let zone = any_zone(&mut draw, &zones);
        let mut cron = draw.cron();
        if draw.percent(50) {
            // More of the night, when clocks change.
            let rest = cron.splitn(3, ' ').nth(2).unwrap();
            cron = format!(
                "{} {} {rest}",
                draw.one_of(&["0", "*/15", "5,30"]),
                draw.one_of(&["0-4", "2", "23"])
            );
        }
        let Ok(schedule) = Schedule::parse(&cron, zone, Some(DayMatch::Or)) else { continue };
        let after = draw.instant_in(schedule.timezone());
        let until = after + SignedDuration::from_hours(24 * 3);
        let plain = Plain::read(&cron, Some(DayMatch::Or)).unwrap();
        let wanted = plain.walk(schedule.timezone(), after, until);
        let shown = format!("`{cron}` in {zone} after {after}");
        check_span(&schedule, after, until, &wanted, &shown);
        ticks += wanted.len();
    }
    tell(&format!("{cases} cases, seed {}, {ticks} ticks", seed()));
}

/// Checks that the ticks in `(after, until]` are `wanted`, from either end and as a number.
#[track_caller]
pub(super) fn check_span(
    schedule: &Schedule,
    after: Timestamp,
    until: Timestamp,
    wanted: &[Timestamp],
    shown: &str,
) {
    let ticks = schedule.ticks(after, until);
    assert_eq!(ticks.clone().collect::<Vec<_>>(), wanted, "{shown}");
    let mut backwards: Vec<Timestamp> = ticks.clone().rev().collect();
    backwards.reverse();
    assert_eq!(backwards, wanted, "{shown}, backwards");
    assert_eq!(usize::try_from(ticks.number()).unwrap(), wanted.len(), "{shown}, counted");
}

#[test]
fn a_fixed_daily_time_ticks_once_on_every_date_that_exists() {
    let (zones, cases) = (zones(), cases(100_000) / 10);
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let (minute, hour) = (draw.below(60), draw.below(24));
        let name = any_zone(&mut draw, &zones);
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), name, None).unwrap();
        let zone = schedule.timezone();
        let time = jiff::civil::time(hour.try_into().unwrap(), minute.try_into().unwrap(), 0, 0);
        let start = zone.to_datetime(draw.instant_in(zone)).date();
        let dates = (-4..4).map(|day| (start + day.days()).to_datetime(time));
        let wanted: Vec<Timestamp> = dates.filter_map(|local| tick_of(zone, local)).collect();
        let shown = format!("{time} in {name} around {start}");
        assert!(wanted.len() >= 7 && wanted.is_sorted_by(|a, b| a < b), "{shown}: {wanted:?}");
        let found = schedule.ticks(wanted[0] - 1.second(), wanted[wanted.len() - 1]);
        assert_eq!(found.collect::<Vec<_>>(), wanted, "{shown}");
    }
    tell(&format!("{cases} cases of 8 dates, seed {}", seed()));
}

/// The tick of a fixed schedule for one local time; none on a date that does not exist.
fn tick_of(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset: before } | AmbiguousOffset::Fold { before, .. } => {
            before.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { before, after } => {
            let is_short = after.duration_since(before) <= SignedDuration::from_hours(3);
            // Read with the offset after the gap, the time lies before the change of offset.
            let earlier = after.to_timestamp(local).unwrap() - 1.second();
            zone.following(earlier).next().map(|change| change.timestamp()).filter(|_| is_short)
        }
    }
}

#[test]
fn every_real_minute_of_any_zone_has_a_tick() {
    let (zones, cases) = (zones(), cases(100_000) / 10);
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let zone = any_zone(&mut draw, &zones);
        let schedule = Schedule::parse("* * * * *", zone, None).unwrap();
        let from = draw.instant_in(schedule.timezone());
        // Until 1972 some clocks differed from UTC by odd seconds.
        let second = |at: Timestamp| schedule.timezone().to_offset(at).seconds().rem_euclid(60);
        let mut ticks = schedule.ticks_after(from);
        let mut before = ticks.next().unwrap();
        assert!(before.duration_since(from) <= SignedDuration::from_mins(1), "{zone} from {from}");
        for tick in ticks.take(30) {
            if second(before) == second(tick) {
                assert_eq!(tick, before + 1.minute(), "{zone} after {before}");
            }
            before = tick;
        }
    }
    tell(&format!("{cases} cases of 30 minutes, seed {}", seed()));
}

#[test]
fn no_text_is_too_strange_to_be_refused() {
    let cases = cases(100_000);
    let mut times = Times::default();
    let mut accepted = 0;
    for case in 0..cases {
        let mut draw = Draw::new(case);
        let text = match draw.below(3) {
            0 => draw.bytes(),
            1 => draw.cron_with_seconds(),
            _ => {
                let cron = draw.cron_with_seconds();
                draw.changed(&cron)
            }
        };
        match times.of(|| Schedule::parse(&text, "UTC", None)) {
            Ok(_) => accepted += 1,
            Err(problem) => {
                let is_named = problem.field.is_empty() || FIELDS.contains(&problem.field);
                assert!(is_named && !problem.message.is_empty(), "{text:?}: {problem:?}");
            }
        }
        if case % 100 == 0 {
            let text = draw.bytes();
            assert!(Schedule::parse("0 5 * * *", &text, None).is_err(), "{text:?}");
        }
    }
    tell(&format!("{cases} texts, seed {}, {accepted} accepted", seed()));
    times.tell("parse");
}
