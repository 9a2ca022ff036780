//! What the formats of fields may hold, and what a text that they have written tells.
//!
//! Every conversion is one whose result is plain text of known form in any zone. Whether such a text can be read
//! back without doubt depends on what stands beside it: `%-m%-d` writes `111` for two dates.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// The conversions that a format may hold.
pub(super) const CONVERSIONS: &str = "YyCmdjHIMSpsGgVUWuwqaAbBFTRzZ%";

/// Conversions that write texts of several lengths.
const VARIABLE: &str = "sAaBbzZ";

/// What a path is made of, as far as reading it back goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A character that is always there.
    Literal(char),
    /// What always has the same length.
    Fixed,
    /// Letters and digits of some number, maybe behind a sign.
    Variable,
}

/// Checks a format; the error is the first conversion in it that is not supported.
pub(super) fn check(format: &str) -> Result<(), String> {
    if format.is_empty() {
        return Err(String::new());
    }
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            continue;
        }
        let mut found = String::from('%');
        let mut conversion = chars.next();
        if conversion == Some('-') {
            found.push('-');
            conversion = chars.next();
        }
        found.extend(conversion);
        if !conversion.is_some_and(|conversion| CONVERSIONS.contains(conversion)) {
            return Err(found);
        }
    }
    // The list above is the rule; that the formatter agrees is tried on an example.
    let example = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    strtime::format(format, &example).map(drop).map_err(|_| format.to_owned())
}

/// What a format that was checked writes, piece by piece.
pub(super) fn tokens(format: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            out.push(Token::Literal(next));
            continue;
        }
        let first = chars.next();
        let is_unpadded = first == Some('-');
        let conversion = if is_unpadded { chars.next() } else { first };
        out.push(match conversion {
            Some('%') => Token::Literal('%'),
            Some(conversion) if !is_unpadded && !VARIABLE.contains(conversion) => Token::Fixed,
            _ => Token::Variable,
        });
    }
    out
}

/// Whether a path of these pieces can be read back in one way only: at most one of them has no certain length, or
/// each such piece ends where a character follows that it cannot hold.
pub(super) fn is_unambiguous(tokens: &[Token]) -> bool {
    let variable = tokens.iter().filter(|token| **token == Token::Variable).count();
    let ends = |next: Option<&Token>| match next {
        None => true,
        Some(Token::Literal(next)) => !next.is_alphanumeric(),
        Some(Token::Fixed | Token::Variable) => false,
    };
    variable <= 1
        || (0..tokens.len()).all(|at| tokens[at] != Token::Variable || ends(tokens.get(at + 1)))
}

/// Whether a format names the very second.
pub(super) fn tells_second(format: &str) -> bool {
    has(format, "s")
}

/// Whether a format names the whole date.
pub(super) fn tells_date(format: &str) -> bool {
    let has_month = ["m", "b", "B"].into_iter().any(|month| has(format, month));
    let has_day = has(format, "j") || (has_month && has(format, "d"));
    let is_week_date =
        has(format, "G") && has(format, "V") && (has(format, "u") || has(format, "w"));
    has(format, "F") || tells_second(format) || (has(format, "Y") && has_day) || is_week_date
}

/// A format with what is missing in `format` to tell ticks apart that have one date, one hour, one minute: as much of
/// it as `steps` says, of 0 to 3, and the offset if `has_offset`.
pub(super) fn finer(format: &str, steps: usize, has_offset: bool) -> String {
    let is_told = |conversions: &[&str]| conversions.iter().any(|told| has(format, told));
    let hour = [("T%H", is_told(&["H", "T", "R", "s"])), ("%M", is_told(&["M", "T", "R", "s"]))];
    let second = ("%S", is_told(&["S", "T", "s"]));
    let missing = hour.into_iter().chain([second]).take(steps).filter(|(_, is_told)| !is_told);
    let mut out = format.to_owned();
    out.extend(missing.map(|(conversion, _)| conversion));
    if has_offset && !is_told(&["z"]) {
        out.push_str("%z");
    }
    out
}

/// Whether a format holds a conversion.
fn has(format: &str, wanted: &str) -> bool {
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            continue;
        }
        let conversion = match chars.next() {
            Some('-') => chars.next(),
            first => first,
        };
        if conversion.is_some_and(|found| wanted.contains(found)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_conversion_has_the_length_it_is_said_to_have() {
        let instants = ["1970-01-01T00:00:00Z", "2026-09-30T23:59:59Z", "9999-02-28T12:30:01Z"];
        for conversion in CONVERSIONS.chars() {
            let format = format!("%{conversion}");
            let lengths = instants.map(|instant| {
                let instant: Timestamp = instant.parse().unwrap();
                strtime::format(&format, &instant.to_zoned(TimeZone::UTC)).unwrap().len()
            });
            let is_fixed = tokens(&format) != [Token::Variable];
            assert!(!is_fixed || lengths.iter().all(|length| *length == lengths[0]), "{format}");
        }
    }

    #[test]
    fn paths_that_can_be_read_in_two_ways_are_known() {
        let check = |format: &str, wanted: bool| {
            assert_eq!(is_unambiguous(&tokens(format)), wanted, "{format}");
        };
        check("%Y-%m-%d", true);
        check("%Y%m%d%H", true);
        check("%-m%d", true);
        check("%-m%-d", false);
        check("%Y-%-m-%-d", true);
        check("%-m-%-d%H", false);
        check("%A/%B %-d", true);
        check("%A%Ba", false);
        check("%s%Z", false);
        check("100%%%Y", true);
    }

    #[test]
    fn dates_are_told_in_full_or_not() {
        for format in ["%F", "%Y/%m/%d", "%d.%m.%Y", "%Y-%j", "%s", "%-d %B %Y", "%G-W%V-%u"] {
            assert!(tells_date(format), "{format}");
        }
        for format in ["%Y-%m", "%y%m%d", "%m-%d", "%j", "%Y-W%V-%u", "%H", "%%F"] {
            assert!(!tells_date(format), "{format}");
        }
    }

    #[test]
    fn what_is_missing_is_added_once() {
        assert_eq!(finer("%F", 1, false), "%FT%H");
        assert_eq!(finer("%F", 3, true), "%FT%H%M%S%z");
        assert_eq!(finer("%F/%H", 2, false), "%F/%H%M");
        assert_eq!(finer("%FT%H", 0, true), "%FT%H%z");
        assert_eq!(finer("%F_%T%z", 3, true), "%F_%T%z");
    }
}
