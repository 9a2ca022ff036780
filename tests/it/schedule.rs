//! Schedules: the vectors and rejects of `tests/it/cron/`, and single cases that are easily got
//! wrong.
//!
//! The vectors are facts computed from IANA zone data.

/// Around changes of clocks.
mod changes;
/// Against croner.
mod croner;
/// What is drawn from a seed.
mod draw;
/// A second evaluator.
mod plain;
/// What holds for any expression in any zone.
mod property;

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use nightshift::domain::schedule::{DayMatch, Part, Schedule};
use serde_json::Value;

const VECTORS: &str = include_str!("cron/cron_vectors.json");
const REJECTS: &str = include_str!("cron/cron_invalid.json");

/// Zones whose clock changes have a shape of their own.
const PECULIAR_ZONES: [&str; 14] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/Nuuk",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
];

/// Tells a number to whoever asks with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the numbers are what a full run is for")]
fn tell(line: &str) {
    println!("{line}");
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("`{key}` of {vector} is not text"))
}

fn instants(values: &Value) -> Vec<Timestamp> {
    let values = values.as_array().map_or(&[][..], Vec::as_slice);
    values.iter().map(|value| value.as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn all_vectors_agree() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 146);
    let wrong: Vec<String> = vectors.iter().filter_map(departure).collect();
    tell(&format!("{} of 146 vectors agree, forwards and backwards", 146 - wrong.len()));
    assert!(wrong.is_empty(), "{} of 146 differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// How the evaluator departs from a vector, in either direction.
fn departure(vector: &Value) -> Option<String> {
    let (id, cron, zone) = (text(vector, "id"), text(vector, "expr"), text(vector, "tz"));
    let day_match = vector["day_match"].as_str().map(|text| DayMatch::parse(text).unwrap());
    let wanted = instants(&vector["expect_utc"]);
    let from: Timestamp = text(vector, "frm").parse().unwrap();
    let schedule = match Schedule::parse(cron, zone, day_match) {
        Ok(schedule) => schedule,
        // A schedule that never comes due is refused when it is read.
        Err(problem) if wanted.is_empty() && problem.message.contains("no tick in forty years") => {
            return None;
        }
        Err(problem) => return Some(format!("{id}: {problem}")),
    };
    let found: Vec<Timestamp> = schedule.ticks_after(from).take(wanted.len()).collect();
    if found != wanted || found.is_empty() {
        return Some(format!("{id}: `{cron}` in {zone}: found {found:?}, wanted {wanted:?}"));
    }
    let shown = |tick: &Timestamp| {
        tick.to_zoned(schedule.timezone().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let local: Vec<String> = found.iter().map(shown).collect();
    if vector["expect"] != Value::from(local.clone()) {
        return Some(format!("{id}: local times {local:?}"));
    }
    let mut backwards = instants(&vector["prev"]);
    let before = backwards.first().map(|_| from);
    if backwards.is_empty() {
        backwards.extend(wanted.iter().rev().skip(1));
    }
    let start = before.or(wanted.last().copied());
    let found: Vec<Timestamp> =
        std::iter::successors(start, |tick| schedule.previous_before(*tick))
            .skip(1)
            .take(backwards.len())
            .collect();
    (found != backwards).then(|| format!("{id}: backwards {found:?}, wanted {backwards:?}"))
}

#[test]
fn all_rejects_name_their_field() {
    let rejects: Vec<Vec<String>> = serde_json::from_str(REJECTS).unwrap();
    assert_eq!(rejects.len(), 60);
    let wrong: Vec<String> =
        rejects.iter().filter_map(|reject| mistold(&reject[0], &reject[1])).collect();
    tell(&format!("{} of 60 rejects name what is wrong", 60 - wrong.len()));
    assert!(wrong.is_empty(), "{} of 60 differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// How the refusal of `cron` departs from `wanted`, which is `<field>: <content>` or `<content>`.
fn mistold(cron: &str, wanted: &str) -> Option<String> {
    let Err(problem) = Schedule::parse(cron, "UTC", None) else {
        return Some(format!("`{cron}` was accepted, wanted {wanted}"));
    };
    let (field, content) = wanted.split_once(": ").unwrap_or(("", wanted));
    let has_field = problem.field.is_empty() || FIELDS.contains(&problem.field);
    let (field, content) = if FIELDS.contains(&field) { (field, content) } else { ("", wanted) };
    let told = problem.to_string();
    let is_named = if field.is_empty() {
        has_field
    } else {
        problem.field == field && told.starts_with(&format!("{field}: "))
    };
    let is_told = worded(content).iter().all(|part| told.contains(part));
    let part = if content.contains("set day_match") { Part::DayMatch } else { Part::Cron };
    let is_helped = problem.help.is_some() || content.contains("bad") || content.contains("range");
    (!is_named || !is_told || !is_helped || problem.part != part)
        .then(|| format!("`{cron}`: found {problem:?}, wanted {wanted}"))
}

const FIELDS: [&str; 6] = ["second", "minute", "hour", "day-of-month", "month", "day-of-week"];

/// The content of a message in our words: it says what was found and what was wanted, where the
/// vectors say `bad`.
fn worded(content: &str) -> Vec<String> {
    let quoted = |prefix: &str| content.strip_prefix(prefix).map(|rest| rest.trim_matches('\''));
    if let Some(value) = quoted("bad value ") {
        return vec![format!("found `{value}`"), "wanted a number".to_owned()];
    }
    if let Some(step) = quoted("bad step ") {
        return vec![format!("found step `{step}`"), "wanted a whole number".to_owned()];
    }
    if let Some(name) = quoted("unknown nickname ") {
        return vec![format!("`{name}` is not a nickname")];
    }
    match content {
        "only printable ASCII" => vec!["only printable ASCII".to_owned()],
        // The correction in the vector, `-59/10`, is refused itself.
        "step needs a range or *, write -59/10" => {
            vec!["step needs a range or *, write */10".to_owned()]
        }
        other => vec![other.to_owned()],
    }
}

#[test]
fn corrections_are_accepted() {
    for (cron, correction) in [
        ("0/15 * * * *", "0-59/15 * * * *"),
        ("/10 * * * *", "*/10 * * * *"),
        ("22-2 * * * *", "22-59,0-2 * * * *"),
        ("0 0 * * FRI-MON", "0 0 * * 5-7,0-1 "),
        ("0 0 * * 5-0", "0 0 * * 5-7 "),
    ] {
        let problem = Schedule::parse(cron, "UTC", None).unwrap_err();
        let told = format!("{problem} {}", problem.help.clone().unwrap_or_default());
        let written = correction.split(' ').find(|field| !cron.contains(field)).unwrap();
        assert!(told.contains(written), "{told}");
        Schedule::parse(correction, "UTC", None).unwrap();
    }
}

#[test]
fn what_other_implementations_have_is_told_with_what_to_do() {
    for (cron, wanted) in [
        ("TZ=UTC 0 0 * * *", "use the key `timezone`"),
        ("cron_tz=UTC 0 0 0 * * *", "use the key `timezone`"),
        ("@every 5m", "`*/5 * * * *`"),
        ("@reboot", "not the machine"),
        ("0 0 1 1 * * 2027", "years are not supported"),
        ("H H * * *", "does not draw"),
        ("H/15 * * * *", "does not draw"),
        ("0 H(0-7) * * *", "does not draw"),
        ("0~30 * * * *", "does not draw"),
        ("? 0 * * *", "write `*`"),
        ("0 0 * * 5#6", "`5L`"),
    ] {
        let problem = Schedule::parse(cron, "UTC", None).unwrap_err();
        assert!(problem.help.as_ref().is_some_and(|help| help.contains(wanted)), "{problem:?}");
    }
    for (cron, same) in [
        ("0 0 * * SAT-SUN", "0 0 * * 6-7"),
        ("0 0 * * fri-sun", "0 0 * * 5-7"),
        ("0 0 ? * Mon", "0 0 * * 1"),
        ("@midnight", "0 0 * * *"),
        ("@annually", "0 0 1 1 *"),
    ] {
        let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let ticks = |cron: &str| -> Vec<Timestamp> {
            Schedule::parse(cron, "UTC", None).unwrap().ticks_after(from).take(9).collect()
        };
        assert_eq!(ticks(cron), ticks(same), "{cron}");
    }
}

#[test]
fn a_long_downtime_is_counted_without_being_listed() {
    let schedule = Schedule::parse("* * * * *", "Europe/Berlin", None).unwrap();
    let until: Timestamp = "2026-11-20T12:00:30Z".parse().unwrap();
    let start = Instant::now();
    for job in 0..10_000 {
        let ticks = schedule.ticks(until - (40 * 24).hours() - job.seconds(), until);
        assert_eq!(ticks.number(), 57_600 + (u64::try_from(job).unwrap() + 29) / 60);
        assert_eq!(ticks.clone().next_back(), Some(until - 30.seconds()));
        assert!(ticks.clone().next().is_some());
    }
    tell(&format!("10,000 jobs of 40 days of minutes: {:?}", start.elapsed()));
}

#[test]
fn a_wildcard_that_only_meets_gaps_is_refused() {
    // Whenever 24 April is a Friday, it is the last Friday of April, when Cairo has no hour 0.
    let refused = Schedule::parse("*/10 0 24 4 FRI", "Africa/Cairo", Some(DayMatch::And));
    assert!(refused.unwrap_err().message.contains("no tick in forty years"));
    Schedule::parse("10 0 24 4 FRI", "Africa/Cairo", Some(DayMatch::And)).unwrap();
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for zone in ["UTC", "Europe/Berlin", "Pacific/Apia"] {
        for cron in ["* * * * * *", "*/7 * * * *", "0 0 29 2 *", "0 0 LW * *"] {
            let schedule = Schedule::parse(cron, zone, None).unwrap();
            assert_eq!(schedule.next_after(Timestamp::MAX), None, "{cron}");
            assert_eq!(schedule.previous_before(Timestamp::MIN), None, "{cron}");
            let first = schedule.next_after(Timestamp::MIN).unwrap();
            let before = schedule.previous_before(first);
            assert!(before.is_none_or(|tick| tick == Timestamp::MIN), "{cron} before {first}");
            let last = schedule.previous_before(Timestamp::MAX).unwrap();
            let after = schedule.next_after(last);
            assert!(after.is_none_or(|tick| tick == Timestamp::MAX), "{cron} after {last}");
        }
    }
}

#[test]
fn fractions_of_a_second_do_not_hide_a_tick() {
    let schedule = Schedule::parse("0 0 * * *", "UTC", None).unwrap();
    for tick in ["2026-01-02T00:00:00Z", "1951-01-02T00:00:00Z"] {
        let tick: Timestamp = tick.parse().unwrap();
        let nanosecond = SignedDuration::from_nanos(1);
        assert_eq!(schedule.next_after(tick - nanosecond), Some(tick));
        assert_eq!(schedule.previous_before(tick + nanosecond), Some(tick));
        assert_eq!(schedule.latest_at_or_before(tick + nanosecond), Some(tick));
        assert_eq!(schedule.latest_at_or_before(tick), Some(tick));
        assert_eq!(schedule.latest_at_or_before(tick - nanosecond), Some(tick - 24.hours()));
        assert!(schedule.is_tick(tick) && !schedule.is_tick(tick + nanosecond));
        assert_eq!(schedule.interval(tick).start, Some(tick - 24.hours()));
        assert_eq!(schedule.interval(tick).end, tick);
    }
}

#[test]
fn every_real_minute_has_a_tick() {
    let year: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    check_minutes("Europe/Berlin", year, 366 * 1440);
    for zone in PECULIAR_ZONES {
        let found = TimeZone::get(zone).unwrap();
        for change in found.following(year).take(2).map(|change| change.timestamp()) {
            // Some zone files have a change that changes nothing at an odd second.
            let minute = change.as_second().div_euclid(60) * 60;
            check_minutes(zone, Timestamp::from_second(minute - 3 * 3600).unwrap(), 6 * 60);
        }
    }
}

/// Checks that `* * * * *` ticks at each of the `minutes` minutes after `start`.
#[track_caller]
fn check_minutes(zone: &str, start: Timestamp, minutes: usize) {
    let schedule = Schedule::parse("* * * * *", zone, None).unwrap();
    let mut tick = start;
    for _ in 0..minutes {
        assert_eq!(schedule.next_after(tick), Some(tick + 1.minute()), "{zone} after {tick}");
        tick += 1.minute();
    }
}

#[test]
fn the_rarest_schedules_are_found_quickly() {
    let mut slowest = (Duration::ZERO, String::new());
    for zone in ["UTC", "Africa/Casablanca", "America/New_York", "Asia/Gaza"] {
        for cron in ["0 0 29 2 *", "0 0 29 2 1#5", "*/20 0 29W 2 5L", "59 59 23 31 12 6#5"] {
            let schedule = Schedule::parse(cron, zone, Some(DayMatch::And)).unwrap();
            for from in ["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2076-03-01T00:00:00Z"] {
                let from: Timestamp = from.parse().unwrap();
                let fastest = (0..3)
                    .map(|_| {
                        let start = Instant::now();
                        assert!(schedule.next_after(from).is_some());
                        assert!(schedule.previous_before(from).is_some());
                        start.elapsed()
                    })
                    .min()
                    .unwrap();
                slowest = slowest.max((fastest, format!("{cron} in {zone} from {from}")));
            }
        }
    }
    assert!(slowest.0 < Duration::from_millis(50), "{slowest:?}");
}
