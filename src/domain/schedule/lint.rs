//! Schedules that are allowed but probably not meant.
//!
//! A lint never rejects anything. Each names the field and what to write instead.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::field::Field;
use super::parse;
use super::stretch::{Discipline, Pattern, Stretch};

/// The last hour of the night in which clocks are changed, in nearly every zone.
const NIGHT_HOUR_LAST: u8 = 3;

/// Every lint of the expression `cron`, which has been read as `pattern`.
pub(super) fn all(
    cron: &str,
    pattern: &Pattern,
    zone: &TimeZone,
    probed_from: Timestamp,
) -> Vec<String> {
    let mut out = Vec::new();
    let is_fixed = pattern.discipline == Discipline::Fixed;
    let night = pattern.clock.hours.first().filter(|hour| *hour <= NIGHT_HOUR_LAST);
    if let Some(hour) = night.filter(|_| is_fixed && changes_clocks(zone, probed_from)) {
        out.push(format!(
            "hour: a time from {hour:02}:00 on may not exist, or occur twice, when clocks change, \
             and then runs once: choose a time from 04:00 on, or `timezone = \"UTC\"`"
        ));
    }
    let Ok(fields) = parse::fields(cron) else { return out };
    for (field, text) in Field::ALL.into_iter().zip(fields) {
        out.extend(text.split(',').filter_map(|item| full_range(field, item)));
        out.extend(text.split(',').filter_map(|item| uneven_step(field, item)));
    }
    out
}

/// Whether the offset of `zone` will ever change again.
fn changes_clocks(zone: &TimeZone, from: Timestamp) -> bool {
    let changes = zone.following(from).take(4);
    changes.map(|change| change.timestamp()).any(|instant| {
        let stretch = Stretch::around(zone, instant);
        stretch.offset != stretch.offset_before
    })
}

/// `0-23` is a list of hours and `*` is every hour: only the latter runs in a repeated hour, and
/// only the latter leaves the other day field alone.
fn full_range(field: Field, item: &str) -> Option<String> {
    let (lowest, highest) = field.range();
    let is_full = match (field, item) {
        (Field::DayOfWeek, "0-6" | "1-7") => true,
        _ => item == format!("{lowest}-{highest}"),
    };
    if !is_full {
        return None;
    }
    let effect = match field {
        Field::Second | Field::Minute | Field::Hour => "runs once where clocks repeat an hour",
        Field::DayOfMonth | Field::DayOfWeek => {
            "counts as a restriction beside the other day field"
        }
        Field::Month => "says the same at greater length",
    };
    Some(format!("{}: `{item}` {effect}: write `*`", field.name()))
}

/// `*/7` begins again with each hour: the last step is shorter than the others.
fn uneven_step(field: Field, item: &str) -> Option<String> {
    let (base, step) = item.split_once('/')?;
    let (lowest, highest) = field.range();
    if base != "*" && base != format!("{lowest}-{highest}") {
        return None;
    }
    let step: u32 = step.parse().ok()?;
    let cycle = u32::from(field.cycle());
    let name = field.name();
    if step >= cycle {
        return Some(format!("{name}: `{item}` admits {lowest} only: write `{lowest}`"));
    }
    let last = cycle % step;
    // Months differ in length, so no step of days divides them all.
    let is_uneven = last != 0 || (field == Field::DayOfMonth && step > 1);
    is_uneven.then(|| {
        format!(
            "{name}: `{item}` begins again at {lowest}, so the last step is shorter than {step}"
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::schedule::{DayMatch, Schedule};

    #[track_caller]
    fn check(cron: &str, zone: &str, wanted: &[&str]) {
        let schedule = Schedule::parse(cron, zone, Some(DayMatch::And)).unwrap();
        let found = schedule.lints();
        assert_eq!(found.len(), wanted.len(), "{cron}: {found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{cron}: {found}");
        }
    }

    #[test]
    fn what_is_probably_not_meant_is_told() {
        check("30 2 * * *", "Europe/Berlin", &["hour: a time from 02:00"]);
        check("@daily", "Europe/Berlin", &["hour: a time from 00:00"]);
        check("0 0-23 * * *", "UTC", &["hour: `0-23` runs once"]);
        check("0 9 1-31 * 1-7", "UTC", &["day-of-month: `1-31`", "day-of-week: `1-7`"]);
        check("*/7 * * * *", "UTC", &["minute: `*/7` begins again at 0"]);
        check("0 */5 */2 1-12 *", "UTC", &["hour: `*/5`", "day-of-month: `*/2`", "month: `1-12`"]);
        check("*/60 * * * *", "UTC", &["minute: `*/60` admits 0 only"]);
        check("0 9 * * */7", "UTC", &["day-of-week: `*/7` admits 0 only"]);
    }

    #[test]
    fn ordinary_schedules_have_no_lint() {
        for (cron, zone) in [
            ("30 4 * * MON-FRI", "Europe/Berlin"),
            ("*/15 * * * *", "Europe/Berlin"),
            ("30 2 * * *", "UTC"),
            ("30 2 * * *", "Asia/Tokyo"),
            ("0 */6 * */3 *", "UTC"),
        ] {
            check(cron, zone, &[]);
        }
    }
}
