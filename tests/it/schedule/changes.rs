//! Every change of clocks from 2024 to 2027 in zones that differ, and a few famous ones before.
//!
//! What the evaluator says around each is compared with a walk over real time, see `plain`.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use nightshift::domain::schedule::{Schedule, zone_named};

use super::plain::Plain;
use super::property::check_span;
use super::tell;

/// Zones that differ in when and how far they set their clocks, and three that do not.
const ZONES: [&str; 16] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
];

/// Changes before 2024 whose shape none of the above has.
const FAMOUS: [(&str, &str); 6] = [
    // A date that does not exist.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    // Midnight that does not exist, and midnight that occurs twice.
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    // Half an hour at the end of a day.
    ("Asia/Pyongyang", "2018-05-04T15:00:00Z"),
    // A date that occurs twice.
    ("America/Juneau", "1867-10-18T00:00:00Z"),
    // Two hours at once.
    ("Antarctica/Troll", "2005-03-27T01:00:00Z"),
];

const EXPRESSIONS: [&str; 36] = [
    "* * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "0 * * * *",
    "0 */2 * * *",
    "* 2 * * *",
    "*/20 0 * * *",
    "*/10 1,23 * * *",
    "* * * * SUN",
    "*/30 2 L * *",
    "0 0 * * *",
    "0 0 * * 0",
    "0 1 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "59 2 * * *",
    "0 3 * * *",
    "30 3 * * *",
    "30 23 * * *",
    "59 23 * * *",
    "30 4 * * *",
    "45 12 * * MON-FRI",
    "0 0-23 * * *",
    "0-59 2 * * *",
    "0,15,30,45 2 * * *",
    "15 1,2,3 * * *",
    "10,50 0,1,23 * * *",
    "45 1-3 * * SAT,SUN",
    "30 2 * * 7L",
    "0 2,3 * * SUN",
    "5 0,2 L * *",
    "15 2 1-7,25-31 * 0",
    "30 15 2 * * *",
    "*/20 30 1,2 * * *",
    "0,30 0-59 0-4 * * *",
];

#[test]
fn ticks_around_every_change_of_clocks_are_those_of_a_walk_over_real_time() {
    let mut changes: Vec<(&str, Timestamp)> = Vec::new();
    for zone in ZONES {
        let found = offset_changes(zone);
        if found.is_empty() {
            let quiet = ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"];
            changes.extend(quiet.map(|instant| (zone, instant.parse().unwrap())));
        }
        changes.extend(found.into_iter().map(|change| (zone, change)));
    }
    // Two a year where clocks are changed at all; a later version of the zone data may know better.
    assert!(changes.len() > 12 * 8, "{changes:?}");
    changes.extend(FAMOUS.map(|(zone, instant)| (zone, instant.parse().unwrap())));
    let mut ticks = 0;
    for cron in EXPRESSIONS {
        let plain = Plain::read(cron, None).unwrap();
        for &(zone, change) in &changes {
            let schedule = Schedule::parse(cron, zone, None).unwrap();
            let hours = if cron.split(' ').count() == 6 { 4 } else { 40 };
            let hours = SignedDuration::from_hours(hours);
            let (after, until) = (change - hours, change + hours);
            let wanted = plain.walk(schedule.timezone(), after, until);
            check_span(
                &schedule,
                after,
                until,
                &wanted,
                &format!("`{cron}` in {zone} at {change}"),
            );
            ticks += wanted.len();
        }
    }
    let (zones, expressions) = (ZONES.len(), EXPRESSIONS.len());
    tell(&format!(
        "{expressions} expressions, {zones} zones, {} changes: {ticks} ticks",
        changes.len()
    ));
}

/// Every instant from 2024 to 2027 at which the offset of `zone` changes.
fn offset_changes(zone: &str) -> Vec<Timestamp> {
    let zone = zone_named(zone).unwrap();
    let (start, end): (Timestamp, Timestamp) =
        ("2024-01-01T00:00:00Z".parse().unwrap(), "2028-01-01T00:00:00Z".parse().unwrap());
    let changes = zone.following(start).map(|change| change.timestamp());
    let changes = changes.take_while(|change| *change < end);
    changes.filter(|at| zone.to_offset(*at) != zone.to_offset(*at - 1.second())).collect()
}

/// The evaluator looks at one change at a time.
#[test]
fn changes_of_clocks_are_far_apart_in_every_zone() {
    let mut nearest = (SignedDuration::MAX, String::new());
    for name in super::draw::zones() {
        let zone = zone_named(&name).unwrap();
        let end: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
        let changes: Vec<Timestamp> = zone
            .following(Timestamp::MIN)
            .map(|change| change.timestamp())
            .take_while(|change| *change < end)
            .collect();
        for pair in changes.windows(2) {
            let apart = pair[1].duration_since(pair[0]);
            nearest = nearest.min((apart, format!("{name} at {}", pair[0])));
        }
    }
    tell(&format!("nearest changes: {nearest:?}"));
    assert!(nearest.0 > SignedDuration::from_hours(26), "{nearest:?}");
}
