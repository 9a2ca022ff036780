//! Counts, sizes, durations, measures and instants as people read them.
//!
//! These are for eyes only: JSON carries the exact values.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::identity::Sha256;
use crate::domain::registry::MetricValue;

/// What stands where there is no value.
pub(crate) const NONE: &str = "-";

/// A count with separators: `1,599`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with the right form of its noun: `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A size: `512 B`, `1.5 KiB`, `20.0 GiB`.
pub(crate) fn bytes(size_bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if size_bytes < 1024 {
        return format!("{size_bytes} B");
    }
    let mut size = size_bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // 1023.95 would be shown as 1024.0.
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// A span of time: `3 ms`, `1.25 s`, `2 min 5 s`, `1 h 0 min`.
pub(crate) fn seconds(span: f64) -> String {
    let Ok(span) = Duration::try_from_secs_f64(span) else { return NONE.to_owned() };
    let whole = span.as_secs();
    if span.as_millis() < 1000 {
        format!("{} ms", span.as_millis())
    } else if whole < 60 {
        format!("{:.2} s", span.as_secs_f64())
    } else if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole / 60 % 60)
    }
}

/// A whole span of time between ticks: `15 min`, `23 h`, `7 d`, `1 h 30 min`. Days begin at 48 hours,
/// so that the nights in which clocks change are seen.
pub(crate) fn gap(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let days = if seconds >= 48 * 3600 { seconds / 86_400 } else { 0 };
    let hours = seconds / 3600 - days * 24;
    let parts = [(days, "d"), (hours, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, unit)| format!("{number} {unit}")).collect();
    parts.join(" ")
}

/// A measure with four significant digits, without an exponent where that stays short.
pub(crate) fn measure(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    if magnitude.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let decimals = match magnitude {
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        0.1.. => 4,
        0.01.. => 5,
        0.001.. => 6,
        _ => 7,
    };
    format!("{value:.decimals$}")
}

/// A metric with its interval: `0.8123 (0.7901 to 0.8345)`.
pub(crate) fn metric(metric: &MetricValue) -> String {
    match (metric.low, metric.high) {
        (Some(low), Some(high)) => {
            format!("{} ({} to {})", measure(metric.value), measure(low), measure(high))
        }
        _ => measure(metric.value),
    }
}

/// An instant to the second, in UTC: `2026-01-05T02:30:00Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    // Whole seconds keep columns narrow; JSON has the rest.
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// The first twelve digits of a hash: enough to tell files apart by eye.
pub(crate) fn short(hash: &Sha256) -> String {
    hash.to_string().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_show_nights_of_23_and_25_hours() {
        for (seconds, wanted) in [
            (1, "1 s"),
            (900, "15 min"),
            (5430, "1 h 30 min 30 s"),
            (23 * 3600, "23 h"),
            (25 * 3600, "25 h"),
            (48 * 3600, "2 d"),
            (7 * 86_400 - 3600, "6 d 23 h"),
        ] {
            assert_eq!(gap(SignedDuration::from_secs(seconds)), wanted);
        }
    }

    #[test]
    fn counts_have_separators() {
        for (number, wanted) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(count(number), wanted);
        }
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(counted(0, "row", "rows"), "0 rows");
    }

    #[test]
    fn sizes_take_the_unit_that_reads_best() {
        for (size, wanted) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (20 << 30, "20.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(size), wanted);
        }
    }

    #[test]
    fn spans_take_the_unit_that_reads_best() {
        for (span, wanted) in [
            (0.0, "0 ms"),
            (0.0034, "3 ms"),
            (1.25, "1.25 s"),
            (59.5, "59.50 s"),
            (125.9, "2 min 5 s"),
            (3_660.0, "1 h 1 min"),
            (f64::NAN, "-"),
            (-1.0, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(seconds(span), wanted, "{span}");
        }
    }

    #[test]
    fn measures_keep_what_matters() {
        for (value, wanted) in [
            (0.0, "0"),
            (1.0, "1"),
            (-600.0, "-600"),
            (0.812_345, "0.8123"),
            (-0.012_345_6, "-0.01235"),
            (0.000_123_456, "0.0001235"),
            (0.999_99, "1.0000"),
            (12.345_6, "12.35"),
            (123.456, "123.5"),
            (12_345.678, "12345.7"),
            (1e-9, "1.000e-9"),
            (-3.2e12, "-3.200e12"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(measure(value), wanted, "{value}");
        }
    }

    #[test]
    fn instants_are_utc_to_the_second() {
        let at: Timestamp = "2026-01-05T03:30:00.123456+01:00".parse().unwrap();
        assert_eq!(instant(at), "2026-01-05T02:30:00Z");
    }
}
