//! Ticks that are written alike: one by one, and held against going through the ticks.

use jiff::fmt::strtime;

use super::*;

/// What the ticks of a schedule that are written alike look like, in UTC.
fn alike(cron: &str, zone: &str, format: &str, known: Known) -> Option<[String; 2]> {
    let schedule = Schedule::parse(cron, zone, None).unwrap();
    let text = |instant: Timestamp| {
        strtime::format(format, &instant.to_zoned(schedule.timezone().clone())).ok()
    };
    let found = schedule.two_alike(known, &text)?;
    assert!(found[0] < found[1], "{found:?}");
    assert!(found.iter().all(|tick| schedule.is_tick(*tick)), "{cron} {format} {found:?}");
    assert_eq!(text(found[0]), text(found[1]), "{cron} {format} {found:?}");
    Some(found.map(|tick| tick.to_string()))
}

#[track_caller]
fn check(cron: &str, zone: &str, format: &str, wanted: Option<[&str; 2]>) {
    let known = Known { dates_differ: false, is_plain: true };
    let found = alike(cron, zone, format, known);
    let found = found.as_ref().map(|found| [found[0].as_str(), found[1].as_str()]);
    assert_eq!(found, wanted, "{cron} {zone} {format}");
}

#[test]
fn parts_of_the_clock_are_compared_one_by_one() {
    check("0 * * * *", "UTC", "%F", Some(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]));
    check("0 * * * *", "UTC", "%FT%H", None);
    check("*/15 * * * *", "UTC", "%FT%H", Some(["2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"]));
    check("0 3,15 * * *", "UTC", "%FT%I", Some(["2026-01-01T03:00:00Z", "2026-01-01T15:00:00Z"]));
    check("0 3,15 * * *", "UTC", "%FT%I%p", None);
    check("* * * * * *", "UTC", "%FT%H%M", Some(["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"]));
    check("* * * * * *", "UTC", "%FT%T", None);
    check("30 4 * * *", "UTC", "%F", None);
}

#[test]
fn dates_are_compared_over_every_kind_of_year() {
    check("0 4 * * *", "UTC", "%Y-%m", Some(["2026-01-01T04:00:00Z", "2026-01-02T04:00:00Z"]));
    check("0 4 1 * *", "UTC", "%Y-%m", None);
    check("0 4 1 * *", "UTC", "%m", Some(["2026-01-01T04:00:00Z", "2027-01-01T04:00:00Z"]));
    check("0 4 * * 1", "UTC", "%G-W%V", None);
    // The week of the last days of a year is week 1 of the next one.
    check("0 4 * * 1", "UTC", "%Y-W%V", Some(["2029-01-01T04:00:00Z", "2029-12-31T04:00:00Z"]));
    check("0 4 29 2 *", "UTC", "%m-%d %A", Some(["2028-02-29T04:00:00Z", "2056-02-29T04:00:00Z"]));
    check("0 4 * * *", "UTC", "%y%m%d", None);
}

#[test]
fn a_repeated_hour_is_two_ticks_of_one_local_time() {
    let wanted = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"];
    check("0 * * * *", "Europe/Berlin", "%FT%H", Some(wanted));
    check("0 * * * *", "Europe/Berlin", "%FT%H%z", None);
    check("0 * * * *", "Europe/Berlin", "%FT%H%Z", None);
    check("0 * * * *", "Asia/Tokyo", "%FT%H", None);
    // Runs on the first pass only.
    check("0 0-23 * * *", "Europe/Berlin", "%FT%H", None);
    // A month of nights in which no clock has ever been put back.
    check("0 * * 7 *", "Europe/Berlin", "%FT%H", None);
}

#[test]
fn a_tick_that_is_moved_may_meet_another() {
    let wanted = ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"];
    check("30 2,3 * * *", "Europe/Berlin", "%FT%H", Some(wanted));
    check("30 2,3 * * *", "Europe/Berlin", "%FT%H%M", None);
    check("30 2 * * *", "Europe/Berlin", "%F", None);
    // Half past eleven of the evening does not exist, and is midnight of the day that has its own.
    let wanted = ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    check("30 23 * * *", "America/Nuuk", "%F", Some(wanted));
    check("30 23 * * *", "America/Nuuk", "%FT%H", None);
    // A Saturday is moved into the week that begins on Sunday, and has a Saturday of its own.
    let wanted = ["2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"];
    check("30 23 * * 6", "America/Nuuk", "%Y-%U", Some(wanted));
}

#[test]
fn what_is_found_is_what_going_through_the_ticks_finds() {
    let crons = ["0 * * * *", "30 2,3 * * *", "*/20 1-4 * * 0,6", "0 0 1,15 * *", "5 0-23 * * *"];
    let zones = ["UTC", "Europe/Berlin", "America/Nuuk", "Australia/Lord_Howe", "Africa/Cairo"];
    let formats =
        ["%F", "%FT%H", "%FT%H%M", "%FT%H%z", "%Y-%m", "%Y-%j-%I%p", "%G-W%V", "%FT%M", "%s"];
    for (cron, zone) in crons.iter().flat_map(|cron| zones.map(|zone| (*cron, zone))) {
        let schedule = Schedule::parse(cron, zone, None).unwrap();
        let until = "2029-01-01T00:00:00Z".parse().unwrap();
        let ticks: Vec<Timestamp> =
            schedule.ticks("2025-12-31T00:00:00Z".parse().unwrap(), until).collect();
        for format in formats {
            let locals = ticks.iter().map(|tick| tick.to_zoned(schedule.timezone().clone()));
            let mut texts: Vec<String> =
                locals.map(|tick| strtime::format(format, &tick).unwrap()).collect();
            texts.sort();
            let is_shared = texts.windows(2).any(|pair| pair[0] == pair[1]);
            let known = Known { dates_differ: false, is_plain: true };
            let found = alike(cron, zone, format, known);
            assert!(!is_shared || found.is_some(), "{cron} {zone} {format}");
        }
    }
}

#[test]
fn a_tick_a_second_is_looked_at_as_quickly_as_one_a_day() {
    use std::cell::Cell;
    for known in [true, false].map(|dates_differ| Known { dates_differ, is_plain: true }) {
        let schedule = Schedule::parse("* * * * * *", "Europe/Berlin", None).unwrap();
        let written = Cell::new(0_usize);
        let text = |instant: Timestamp| {
            written.set(written.get() + 1);
            strtime::format("%FT%T%z", &instant.to_zoned(schedule.timezone().clone())).ok()
        };
        assert_eq!(schedule.two_alike(known, &text), None);
        let dates = if known.dates_differ { 0 } else { 15_000 };
        assert!(written.get() < 1_000 + dates, "{} texts", written.get());
    }
}
