//! What holds for any expression in any zone, from 1950 to 2100.
//!
//! The evaluator is compared with a second one, written here as plainly as possible: it looks at
//! every minute, and asks jiff what each local time is as an instant.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use nightshift::domain::schedule::{DayMatch, Schedule};
use proptest::prelude::*;

use super::{FIELDS, PECULIAR_ZONES};

/// A schedule as sets of values, for the second evaluator, with its text for the first.
#[derive(Debug, Clone)]
struct Plain {
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Option<Vec<i8>>,
    weekdays: Option<Vec<i8>>,
    is_wildcard: bool,
}

impl Plain {
    fn cron(&self) -> String {
        let list =
            |values: &[i8]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let field = |values: &Option<Vec<i8>>| values.as_ref().map_or("*".to_owned(), |v| list(v));
        // `*/60` admits 0 only, and makes the schedule a wildcard one.
        let minutes = if self.is_wildcard { "*/60".to_owned() } else { list(&self.minutes) };
        let days = (field(&self.days), field(&self.weekdays));
        format!("{minutes} {} {} * {}", list(&self.hours), days.0, days.1)
    }

    fn admits(&self, date: Date) -> bool {
        let day = self.days.as_ref().map(|days| days.contains(&date.day()));
        let weekday = date.weekday().to_sunday_zero_offset();
        let weekday = self.weekdays.as_ref().map(|days| days.contains(&weekday));
        match (day, weekday) {
            (Some(day), Some(weekday)) => day || weekday,
            (day, weekday) => day.unwrap_or(true) && weekday.unwrap_or(true),
        }
    }

    /// Every tick in `(after, until]`, by looking at each local minute.
    fn ticks(&self, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let mut out = Vec::new();
        let mut date = zone.to_datetime(after).date() - 2.days();
        let last = zone.to_datetime(until).date() + 2.days();
        while date <= last {
            for hour in self.hours.iter().filter(|_| self.admits(date)) {
                for minute in if self.is_wildcard { &[0][..] } else { &self.minutes } {
                    out.extend(instants_of(zone, date.at(*hour, *minute, 0, 0), self.is_wildcard));
                }
            }
            date = date.tomorrow().unwrap();
        }
        out.sort_unstable();
        out.dedup();
        out.retain(|tick| after < *tick && *tick <= until);
        out
    }
}

/// The instants at which a schedule ticks for one local time.
fn instants_of(zone: &TimeZone, local: DateTime, is_wildcard: bool) -> Vec<Timestamp> {
    let found = zone.to_ambiguous_timestamp(local);
    match found.offset() {
        AmbiguousOffset::Unambiguous { offset } => vec![offset.to_timestamp(local).unwrap()],
        AmbiguousOffset::Fold { before, after } if is_wildcard => {
            vec![before.to_timestamp(local).unwrap(), after.to_timestamp(local).unwrap()]
        }
        AmbiguousOffset::Fold { before, .. } => vec![before.to_timestamp(local).unwrap()],
        AmbiguousOffset::Gap { .. } if is_wildcard => vec![],
        AmbiguousOffset::Gap { before, after } => {
            let is_short = after.duration_since(before) <= SignedDuration::from_hours(3);
            // Read with the offset after the gap, the time lies before the change of offset.
            let earlier = after.to_timestamp(local).unwrap() - 1.second();
            let change = zone.following(earlier).next().unwrap().timestamp();
            if is_short { vec![change] } else { vec![] }
        }
    }
}

fn zones() -> Vec<String> {
    let mut out: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| Schedule::parse("* * * * *", name, None).is_ok())
        .collect();
    out.sort_unstable();
    assert!(out.len() > 400, "{} zones", out.len());
    out
}

/// Half of the draws come from the peculiar zones.
fn any_zone() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(zones()),
        prop::sample::select(&PECULIAR_ZONES[..]).prop_map(ToOwned::to_owned),
    ]
}

/// An instant from 1950 to 2100.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    (-631_152_000_i64..4_102_444_800, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
}

/// An instant within two days of a change of offset, where the zone has one.
fn near_change(zone: &TimeZone, instant: Timestamp, hours: i64) -> Timestamp {
    zone.following(instant).next().map_or(instant, |change| change.timestamp() + hours.hours())
}

fn any_list(range: std::ops::RangeInclusive<i8>) -> impl Strategy<Value = Vec<i8>> {
    prop::collection::vec(range, 1..4)
}

fn any_plain() -> impl Strategy<Value = Plain> {
    let hours = prop_oneof![any_list(0..=4), any_list(0..=23)];
    let days = prop::option::of(any_list(1..=31));
    let weekdays = prop::option::of(any_list(0..=6));
    (any_list(0..=59), hours, days, weekdays, any::<bool>()).prop_map(
        |(minutes, hours, days, weekdays, is_wildcard)| Plain {
            minutes,
            hours,
            days,
            weekdays,
            is_wildcard,
        },
    )
}

/// Text in the grammar of cron expressions, most of it with a meaning.
fn any_cron() -> impl Strategy<Value = String> {
    let number = |low: u8, high: u8| {
        prop_oneof![
            4 => Just("*".to_owned()),
            2 => (low..=high).prop_map(|n| n.to_string()),
            1 => (2..=high).prop_map(|n| format!("*/{n}")),
            1 => (low..=high, low..=high)
                .prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => (low..=high, low..=high, 1..=high)
                .prop_map(|(a, b, s)| format!("{}-{}/{s},{a}", a.min(b), a.max(b))),
        ]
    };
    let day = prop_oneof![
        4 => number(1, 31),
        1 => prop::sample::select(&["L", "LW", "15W", "31W", "?", "1,L", "29"][..])
            .prop_map(ToOwned::to_owned),
    ];
    let weekday = prop_oneof![
        4 => number(0, 7),
        1 => prop::sample::select(&["5L", "2#2", "MON#5", "SAT-SUN", "?", "mon-fri", "7"][..])
            .prop_map(ToOwned::to_owned),
    ];
    let seconds = prop::option::of(number(0, 59));
    (seconds, number(0, 59), number(0, 23), day, number(1, 12), weekday).prop_map(
        |(second, minute, hour, day, month, weekday)| {
            let second = second.map_or(String::new(), |second| second + " ");
            format!("{second}{minute} {hour} {day} {month} {weekday}")
        },
    )
}

/// 2,000 cases, or as many as `PROPTEST_CASES` says if that is more.
fn config() -> ProptestConfig {
    let cases = ProptestConfig::default().cases.max(2_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ticks_are_in_order_and_the_same_from_both_sides(
        cron in any_cron(),
        zone in any_zone(),
        day_match in prop::sample::select(DayMatch::ALL),
        from in any_instant(),
    ) {
        let Ok(schedule) = Schedule::parse(&cron, &zone, Some(day_match)) else { return Ok(()) };
        let until = from.saturating_add(SignedDuration::from_hours(24 * 366 * 40)).unwrap();
        let ticks = schedule.ticks_between(from, until, 12);
        let mut before = from;
        for (index, tick) in ticks.iter().copied().enumerate() {
            prop_assert!(tick > before);
            prop_assert_eq!(schedule.next_after(before), Some(tick));
            if index > 0 {
                prop_assert_eq!(schedule.previous_before(tick), Some(before));
                prop_assert_eq!(schedule.interval(tick).start, Some(before));
            }
            let middle = before + SignedDuration::from_nanos_i128(
                tick.duration_since(before).as_nanos() / 2,
            );
            prop_assert_eq!(schedule.next_after(middle), Some(tick));
            prop_assert!(schedule.is_tick(tick));
            prop_assert_eq!(schedule.latest_at_or_before(tick), Some(tick));
            prop_assert_eq!(schedule.ticks_between(from, tick, usize::MAX), &ticks[..=index]);
            drop(schedule.note(tick));
            before = tick;
        }
        if let Some(first) = ticks.first() {
            let last_before = schedule.latest_at_or_before(from);
            prop_assert_eq!(schedule.previous_before(*first), last_before);
        }
        drop(schedule.lints());
    }

    #[test]
    fn any_schedule_agrees_with_a_look_at_every_minute(
        plain in any_plain(),
        zone in any_zone(),
        from in any_instant(),
        hours in -48..48_i64,
    ) {
        let schedule = Schedule::parse(&plain.cron(), &zone, None).unwrap();
        let after = near_change(schedule.timezone(), from, hours);
        let until = after + (24 * 4).hours();
        let wanted = plain.ticks(schedule.timezone(), after, until);
        prop_assert_eq!(schedule.ticks_between(after, until, usize::MAX), &wanted[..]);
        let mut backwards = Vec::new();
        let mut last = schedule.latest_at_or_before(until);
        while let Some(tick) = last.filter(|tick| *tick > after) {
            backwards.push(tick);
            last = schedule.previous_before(tick);
        }
        backwards.reverse();
        prop_assert_eq!(backwards, wanted);
    }

    #[test]
    fn a_fixed_daily_time_ticks_once_on_every_date_that_exists(
        minute in 0..60_i8,
        hour in 0..24_i8,
        zone in any_zone(),
        from in any_instant(),
    ) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), &zone, None).unwrap();
        let zone = schedule.timezone();
        let start = zone.to_datetime(near_change(zone, from, 0)).date();
        let dates = (-20..20).map(|day| start + day.days());
        let wanted: Vec<Timestamp> = dates
            .flat_map(|date| instants_of(zone, date.at(hour, minute, 0, 0), false))
            .collect();
        prop_assert!(wanted.len() >= 38 && wanted.is_sorted());
        let (first, last) = (wanted[0], wanted[wanted.len() - 1]);
        let found = schedule.ticks_between(first - 1.second(), last, usize::MAX);
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn no_text_is_too_strange_to_be_refused(
        cron in prop_oneof![
            "\\PC{0,40}",
            "[0-9*/,?#LWHA-Z@~ -]{0,140}",
            "([0-9*/,?#LW-]{1,6} ){4,6}[A-Z0-7#L*-]{1,6}",
        ],
        zone in prop_oneof![Just("UTC".to_owned()), "\\PC{0,20}", "[A-Za-z]{1,8}/[A-Za-z_]{1,12}"],
    ) {
        if let Err(problem) = Schedule::parse(&cron, &zone, None) {
            prop_assert!(problem.field.is_empty()
                || problem.field == "timezone"
                || FIELDS.contains(&problem.field));
            prop_assert!(!problem.message.is_empty());
        }
    }
}
