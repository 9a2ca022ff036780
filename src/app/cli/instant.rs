//! Instants as users write them: with an offset, or by the clock of a zone, or a day alone.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::app::cli::failure::Failure;

/// The instant that `text` names: `2026-01-05T02:30:00Z`, or `2026-01-05T02:30` or `2026-01-05` (its
/// first moment) by the clock of `zone`.
pub(crate) fn parse(text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    // A zone in brackets would make two zones of it, so only plain local times are left.
    let local: Option<DateTime> = if text.contains(['[', 'Z', 'z', '+']) {
        None
    } else if text.contains(['T', ' ', 't']) {
        text.parse().ok()
    } else {
        text.parse::<Date>().ok().map(DateTime::from)
    };
    let instant = local.and_then(|local| zone.to_ambiguous_timestamp(local).compatible().ok());
    instant.ok_or_else(|| {
        Failure::usage(format!("`{text}` is not an instant")).hint(
            "wanted `2026-01-05T02:30:00Z`, or `2026-01-05T02:30` or `2026-01-05` by local time",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Option<&str>) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let found = parse(text, &zone).ok().map(|instant| instant.to_string());
        assert_eq!(found.as_deref(), wanted, "{text}");
    }

    #[test]
    fn an_offset_beats_the_zone() {
        check("2026-01-05T02:30:00Z", Some("2026-01-05T02:30:00Z"));
        check("2026-01-05T02:30:00-05:00", Some("2026-01-05T07:30:00Z"));
        check(" 2026-01-05 02:30:00+01:00 ", Some("2026-01-05T01:30:00Z"));
    }

    #[test]
    fn local_times_and_days_are_in_the_zone() {
        check("2026-01-05T02:30", Some("2026-01-05T01:30:00Z"));
        check("2026-07-05 02:30:15", Some("2026-07-05T00:30:15Z"));
        check("2026-07-05", Some("2026-07-04T22:00:00Z"));
    }

    #[test]
    fn a_local_time_that_a_clock_change_skips_is_the_one_after_it() {
        check("2026-03-29T02:30", Some("2026-03-29T01:30:00Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "now", "05.01.2026", "2026-13-01", "2026-01-05T25:00", "2026-1-5", "1e9"] {
            check(text, None);
        }
    }
}
