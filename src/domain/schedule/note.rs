//! What daylight saving does to one tick, in words for a person who reads a list of ticks.
//!
//! A note never changes a tick: it says why the local time shown is not the one in the expression,
//! or why it is shown twice.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::stretch::{Discipline, Pattern, Stretch};

/// How many local times are named before the rest is counted.
const NAMED_MAX: usize = 3;

/// What is peculiar about `tick`, or nothing.
pub(super) fn of(pattern: &Pattern, zone: &TimeZone, tick: Timestamp) -> Option<String> {
    let stretch = Stretch::around(zone, tick);
    let local = stretch.offset.to_datetime(tick);
    if stretch.start == Some(tick)
        && let Some(first) = pattern.first_moved(&stretch)
    {
        let (_, end) = stretch.gap()?;
        return Some(moved(pattern, first, end));
    }
    let is_second = stretch.overlap().is_some_and(|(first, end)| (first..end).contains(&local));
    if is_second {
        return Some(format!("{} occurs twice; this is the second time", clock(local)));
    }
    let following = stretch.end.map(|end| Stretch::around(zone, end))?;
    let is_first = following.overlap().is_some_and(|(first, end)| (first..end).contains(&local));
    is_first.then(|| match pattern.discipline {
        Discipline::Wildcard => format!("{} occurs twice; this is the first time", clock(local)),
        Discipline::Fixed => format!("{} occurs twice; runs the first time only", clock(local)),
    })
}

/// The note for the admitted local times from `first` up to `end`, all of which run at `end`.
fn moved(pattern: &Pattern, first: DateTime, end: DateTime) -> String {
    let crosses_dates = first.date() != end.date();
    let shown = |local: DateTime| {
        if crosses_dates { format!("{} {}", local.date(), clock(local)) } else { clock(local) }
    };
    let mut names = Vec::new();
    let mut unnamed = 0_usize;
    let mut local = Some(first);
    while let Some(missing) = local.filter(|local| *local < end) {
        if names.len() < NAMED_MAX {
            names.push(shown(missing));
        } else {
            unnamed += 1;
        }
        let next = missing.checked_add(SignedDuration::from_secs(1)).ok();
        local = next.and_then(|next| pattern.first_local_from(next));
    }
    let verb = if names.len() == 1 { "does" } else { "do" };
    let rest = if unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
    format!("{}{rest} {verb} not exist; runs at {}", names.join(", "), shown(end))
}

/// `02:30`, or `02:30:15` where there are seconds.
fn clock(local: DateTime) -> String {
    let text = format!("{:02}:{:02}", local.hour(), local.minute());
    match local.second() {
        0 => text,
        second => format!("{text}:{second:02}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::schedule::Schedule;

    #[track_caller]
    fn check(cron: &str, zone: &str, tick: &str, wanted: Option<&str>) {
        let schedule = Schedule::parse(cron, zone, None).unwrap();
        let tick = tick.parse().unwrap();
        assert!(schedule.is_tick(tick), "{tick} is no tick of {cron} in {zone}");
        assert_eq!(schedule.note(tick).as_deref(), wanted);
    }

    #[test]
    fn a_time_that_does_not_exist_is_named() {
        let wanted = "02:30 does not exist; runs at 03:00";
        check("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", Some(wanted));
        let wanted = "02:00, 02:15, 02:30 and 1 more do not exist; runs at 03:00";
        check("0,15,30,45 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", Some(wanted));
        let wanted = "2024-03-30 23:30 does not exist; runs at 2024-03-31 00:00";
        check("30 23 * * 6", "America/Nuuk", "2024-03-31T01:00:00Z", Some(wanted));
        let wanted = "02:15:30 does not exist; runs at 02:30";
        check("30 15 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:30:00Z", Some(wanted));
    }

    #[test]
    fn a_time_that_occurs_twice_is_told() {
        let wanted = "02:30 occurs twice; runs the first time only";
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", Some(wanted));
        let wanted = "02:30 occurs twice; this is the first time";
        check("30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", Some(wanted));
        let wanted = "02:30 occurs twice; this is the second time";
        check("30 * * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", Some(wanted));
    }

    #[test]
    fn an_ordinary_tick_has_no_note() {
        check("30 2 * * *", "Europe/Berlin", "2026-03-30T00:30:00Z", None);
        check("0 3 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", None);
        check("0 3 * * *", "Europe/Berlin", "2026-10-25T02:00:00Z", None);
        check("30 2 * * *", "UTC", "2026-03-29T02:30:00Z", None);
    }
}
