//! Durations and sizes as people write them: `"90m"`, `"14d"`, `"512MiB"`.
//!
//! One whole number and one unit, nothing between them, so that a text means one thing and two ways of
//! writing a span stand out in a diff. A day is 24 hours and a week is 7 days; calendar days belong to
//! schedules. Every accepted duration is at most [`DAYS_MAX`] days, so that arithmetic with it and an
//! instant of this era cannot overflow.

use std::error::Error;
use std::fmt;

use jiff::SignedDuration;

/// The longest duration that is accepted, in days: about 100 years.
pub const DAYS_MAX: i64 = 36_525;

const SECONDS_MAX: i64 = DAYS_MAX * 86_400;

/// Units of time with their seconds, longest first.
const SPANS: &[(&str, i64)] = &[("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Units of size with their bytes, largest first.
const SIZES: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityError {
    /// It does not begin with a digit.
    NoNumber,
    /// It is negative.
    Negative,
    /// Digits, and no unit after them.
    NoUnit,
    /// Something else than one of the units follows the digits.
    UnitUnknown,
    /// More than can be meant: [`DAYS_MAX`] days, or 2^63 - 1 bytes.
    TooLarge,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "it does not begin with a whole number",
            Self::Negative => "it is negative",
            Self::NoUnit => "it has no unit",
            Self::UnitUnknown => "what follows the number is not one of the units",
            Self::TooLarge => "it is too large",
        })
    }
}

impl Error for QuantityError {}

/// Reads a duration: a whole number and one of `s`, `m`, `h`, `d`, `w`.
pub fn parse(text: &str) -> Result<SignedDuration, QuantityError> {
    let (number, unit) = split(text)?;
    let seconds = unit_of(SPANS, unit)?;
    let number = number.and_then(|number| i64::try_from(number).ok());
    number
        .and_then(|number| number.checked_mul(*seconds))
        .filter(|total| *total <= SECONDS_MAX)
        .map(SignedDuration::from_secs)
        .ok_or(QuantityError::TooLarge)
}

/// Writes a duration in the largest unit that gives a whole number: [`parse`] reads it back.
///
/// What is shorter than a second is cut off.
pub fn show(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let fits = |(_, length): &&(&str, i64)| seconds != 0 && seconds % length == 0;
    let (unit, length) = SPANS.iter().find(fits).unwrap_or(&("s", 1));
    format!("{}{unit}", seconds / length)
}

/// Reads a size in bytes: a whole number and one of `B`, `KB`, `MB`, `GB`, `TB` (powers of 1,000) or
/// `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024).
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = split(text)?;
    let bytes = unit_of(SIZES, unit)?;
    number
        .and_then(|number| number.checked_mul(*bytes))
        .filter(|total| i64::try_from(*total).is_ok())
        .ok_or(QuantityError::TooLarge)
}

/// Writes a size in the largest unit that gives a whole number: [`parse_size`] reads it back.
pub fn show_size(size_bytes: u64) -> String {
    let fits = |(_, bytes): &&(&str, u64)| size_bytes != 0 && size_bytes.is_multiple_of(*bytes);
    let (unit, bytes) = SIZES.iter().find(fits).unwrap_or(&("B", 1));
    format!("{}{unit}", size_bytes / bytes)
}

/// The leading digits as a number (`None` if it has no place in 64 bits), and what follows them.
fn split(text: &str) -> Result<(Option<u64>, &str), QuantityError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if digits == 0 {
        let negative = text
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        return Err(if negative { QuantityError::Negative } else { QuantityError::NoNumber });
    }
    if unit.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    Ok((number.parse().ok(), unit))
}

fn unit_of<'a, T>(units: &'a [(&str, T)], wanted: &str) -> Result<&'a T, QuantityError> {
    let found = units.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, amount)| amount).ok_or(QuantityError::UnitUnknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Result<i64, QuantityError>) {
        assert_eq!(parse(text).map(|found| found.as_secs()), wanted, "{text}");
    }

    #[test]
    fn a_duration_is_one_number_and_one_unit() {
        check("0s", Ok(0));
        check("007s", Ok(7));
        check("90m", Ok(5_400));
        check("24h", Ok(86_400));
        check("14d", Ok(1_209_600));
        check("2w", Ok(1_209_600));
        check("36525d", Ok(SECONDS_MAX));
        check("36526d", Err(QuantityError::TooLarge));
        check("9223372036854775807w", Err(QuantityError::TooLarge));
        check("99999999999999999999999s", Err(QuantityError::TooLarge));
        check("-1s", Err(QuantityError::Negative));
        check("5", Err(QuantityError::NoUnit));
        for text in ["", "s", " 5m", "-", "+5m", "\u{661}s", "inf"] {
            check(text, Err(QuantityError::NoNumber));
        }
        for text in ["5 m", "1e9d", "1.5h", "5M", "1h30m", "5m ", "5ms", "5\u{b5}", "1_000s"] {
            check(text, Err(QuantityError::UnitUnknown));
        }
    }

    #[test]
    fn a_size_is_one_number_and_one_unit() {
        let cases: &[(&str, Result<u64, QuantityError>)] = &[
            ("0B", Ok(0)),
            ("10GB", Ok(10_000_000_000)),
            ("512MiB", Ok(536_870_912)),
            ("8388607TiB", Ok(8_388_607 << 40)),
            ("8388608TiB", Err(QuantityError::TooLarge)),
            ("18446744073709551616B", Err(QuantityError::TooLarge)),
            ("10gb", Err(QuantityError::UnitUnknown)),
            ("10 GB", Err(QuantityError::UnitUnknown)),
            ("10", Err(QuantityError::NoUnit)),
            ("-1GB", Err(QuantityError::Negative)),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse_size(text), *wanted, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for seconds in [0, 1, 59, 60, 61, 3_600, 86_400, 604_800, 90_061, SECONDS_MAX] {
            let duration = SignedDuration::from_secs(seconds);
            assert_eq!(parse(&show(duration)), Ok(duration), "{seconds}");
        }
        for size_bytes in [0, 1, 1_000, 1_024, 1 << 40, 3_000_000, i64::MAX.unsigned_abs()] {
            assert_eq!(parse_size(&show_size(size_bytes)), Ok(size_bytes), "{size_bytes}");
        }
        assert_eq!(show(SignedDuration::from_secs(86_400)), "1d");
        assert_eq!(show_size(2 << 30), "2GiB");
    }
}
