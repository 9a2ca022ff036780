//! Dates and datetimes in text: ISO 8601 with `-` and `:`, and nothing else.
//!
//! A looser reading would turn codes such as `20260105` into dates. A date is a count of days since
//! 1970-01-01; a datetime is a count of microseconds since then, in UTC where the text names an offset.

/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// A point in time that text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// `2026-01-05`
    Date(i32),
    /// `2026-01-05T08:30:00.25`, the `T` may be a space; seconds and their fraction may be missing.
    Naive(i64),
    /// The same with `Z` or an offset such as `+01:00` behind it.
    Zoned(i64),
}

/// Reads a date or datetime; `None` for any other text.
pub(super) fn parse(text: &str) -> Option<Instant> {
    let bytes = text.as_bytes();
    let days = date(bytes.get(..10)?)?;
    let Some((separator, time)) = bytes[10..].split_first() else {
        return Some(Instant::Date(days));
    };
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    let (clock, offset_minutes) = split_offset(time)?;
    let micros = i64::from(days) * DAY_MICROS + clock_micros(clock)?;
    Some(match offset_minutes {
        None => Instant::Naive(micros),
        Some(minutes) => Instant::Zoned(micros - minutes * 60_000_000),
    })
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
fn date(bytes: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = bytes else { return None };
    let year = digits(&[*y0, *y1, *y2, *y3])?;
    let (month, day) = (digits(&[*m0, *m1])?, digits(&[*d0, *d1])?);
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    date.ok().map(days_since_epoch)
}

/// Days from 1970-01-01 to `date`, negative before.
pub(super) fn days_since_epoch(date: jiff::civil::Date) -> i32 {
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil: years start in
    // March, so that the leap day is the last of a year.
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Cuts `Z`, `+01:00` or `-0530` off the end: the clock time, and the offset in minutes if there is one.
fn split_offset(time: &[u8]) -> Option<(&[u8], Option<i64>)> {
    if let Some(clock) = time.strip_suffix(b"Z") {
        return Some((clock, Some(0)));
    }
    let Some(at) = time.iter().position(|byte| matches!(byte, b'+' | b'-')) else {
        return Some((time, None));
    };
    let (clock, offset) = time.split_at(at);
    let (hours, minutes) = match offset {
        [_, h0, h1, b':', m0, m1] | [_, h0, h1, m0, m1] => {
            (digits(&[*h0, *h1])?, digits(&[*m0, *m1])?)
        }
        [_, h0, h1] => (digits(&[*h0, *h1])?, 0),
        _ => return None,
    };
    if hours > 25 || minutes > 59 {
        return None;
    }
    let total = i64::from(hours * 60 + minutes);
    Some((clock, Some(if offset[0] == b'-' { -total } else { total })))
}

/// Microseconds since midnight of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f`; more than six decimals are cut.
fn clock_micros(clock: &[u8]) -> Option<i64> {
    let [h0, h1, b':', m0, m1, seconds @ ..] = clock else { return None };
    let (hour, minute) = (digits(&[*h0, *h1])?, digits(&[*m0, *m1])?);
    let (second, fraction): (u32, &[u8]) = match seconds {
        [] => (0, &[]),
        [b':', s0, s1] => (digits(&[*s0, *s1])?, &[]),
        [b':', s0, s1, b'.', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
            (digits(&[*s0, *s1])?, fraction)
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + i64::from(fraction.get(place).map_or(0, |digit| digit - b'0'));
    }
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let micros = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let cases = [
            ("1970-01-01", Instant::Date(0)),
            ("1969-12-31", Instant::Date(-1)),
            ("2024-02-29", Instant::Date(19_782)),
            ("2026-01-05T08:30", Instant::Naive(micros("2026-01-05T08:30:00Z"))),
            ("2026-01-05 08:30:15", Instant::Naive(micros("2026-01-05T08:30:15Z"))),
            ("2026-01-05T08:30:15.2500009", Instant::Naive(micros("2026-01-05T08:30:15.25Z"))),
            ("2026-01-05T08:30:15Z", Instant::Zoned(micros("2026-01-05T08:30:15Z"))),
            ("2026-01-05T08:30:15.5+01:00", Instant::Zoned(micros("2026-01-05T07:30:15.5Z"))),
            ("2026-01-05 08:30:15-0530", Instant::Zoned(micros("2026-01-05T14:00:15Z"))),
            ("2026-01-05 08:30:15+00", Instant::Zoned(micros("2026-01-05T08:30:15Z"))),
        ];
        for (text, expect) in cases {
            assert_eq!(parse(text), Some(expect), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let texts = [
            "",
            "2026",
            "20260105",
            "2026-1-5",
            "2026-13-01",
            "2026-02-29",
            "2026-01-00",
            "05.01.2026",
            "2026/01/05",
            "2026-01-05T",
            "2026-01-05T8:30",
            "2026-01-05T24:00",
            "2026-01-05T08:60",
            "2026-01-05T08:30:60",
            "2026-01-05T08:30:15.",
            "2026-01-05T08:30Zx",
            "2026-01-05x08:30",
            "2026-01-05T08:30:15+99:00",
            "2026-01-05T08:30:15+1",
            " 2026-01-05",
            "2026-01-0５",
            "-026-01-05",
            "2026-01-05T08:30:15.0000000001",
        ];
        for text in texts {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_agree_with_the_calendar() {
        let epoch = civil::date(1970, 1, 1);
        for date in epoch.series(jiff::Span::new().days(37)).take(4_000) {
            let expect = (date - epoch).get_days();
            assert_eq!(days_since_epoch(date), expect, "{date}");
        }
        assert_eq!(days_since_epoch(civil::date(1600, 2, 29)), -135_081);
    }
}
