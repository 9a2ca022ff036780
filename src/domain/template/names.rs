//! Which names of files a template could have given, and for which ticks.
//!
//! A name is read back as far as its form says: by digits where a number stands, by its date where the conversions
//! tell one. What is read is a span of time in which the tick must lie if there is one, so that nobody looks for it
//! anywhere else; whether there is one, only writing the template for each tick of the span can tell.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::{Field, Part, Template};

/// How far local time may be from UTC, and a little more.
const OFFSET_MAX: SignedDuration = SignedDuration::from_hours(27);

/// The names that a template could give.
#[derive(Debug)]
pub struct Names {
    form: Regex,
    /// What each group of the form holds, in order.
    groups: Vec<(Field, Piece)>,
}

/// When the instants of a run are whose template gives a name, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The tick.
    pub tick: (Timestamp, Timestamp),
    /// The start of its interval.
    pub start: (Timestamp, Timestamp),
}

/// What a group of digits says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Year,
    /// Of a week date, which begins and ends some days beside the year.
    WeekYear,
    /// Of the years 1970 to 2069.
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    Second,
}

/// What the groups of one instant say.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    year: Option<i16>,
    week_year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    second: Option<i64>,
}

impl Template {
    /// The names that it could give, wildcards being what they are in a glob; `None` if that is too much to tell.
    pub fn names(&self) -> Option<Names> {
        let mut form = String::from("^");
        let mut groups = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => push_glob(&mut form, literal),
                Part::Field { field, format } => {
                    let found = format.as_deref().unwrap_or("%Y-%m-%dT%H%M%SZ");
                    let pieces = push_format(&mut form, found, format.is_none());
                    groups.extend(pieces.into_iter().map(|piece| (*field, piece)));
                }
            }
        }
        form.push('$');
        Some(Names { form: Regex::new(&form).ok()?, groups })
    }
}

impl Names {
    /// When the instants are of a run that gives `name`; `None` if there is none.
    pub fn span(&self, name: &str) -> Option<Span> {
        let found = self.form.captures(name)?;
        let mut tick = Told::default();
        let mut start = Told::default();
        for (number, (field, piece)) in (1..).zip(&self.groups) {
            let told = if *field == Field::IntervalStart { &mut start } else { &mut tick };
            told.add(*piece, found.get(number)?.as_str())?;
        }
        Some(Span { tick: tick.bounds()?, start: start.bounds()? })
    }
}

impl Told {
    /// Adds what a group holds; `None` if no run has written that beside the rest.
    fn add(&mut self, piece: Piece, digits: &str) -> Option<()> {
        match piece {
            Piece::Year => set(&mut self.year, digits.parse().ok()?),
            Piece::WeekYear => set(&mut self.week_year, digits.parse().ok()?),
            Piece::YearOfCentury => {
                let year: i16 = digits.parse().ok()?;
                set(&mut self.year, if year < 70 { 2000 + year } else { 1900 + year })
            }
            Piece::Month => set(&mut self.month, digits.parse().ok()?),
            Piece::Day => set(&mut self.day, digits.parse().ok()?),
            Piece::DayOfYear => set(&mut self.day_of_year, digits.parse().ok()?),
            Piece::Second => set(&mut self.second, digits.parse().ok()?),
        }
    }

    /// When the instant is; `None` if there is no such date.
    fn bounds(&self) -> Option<(Timestamp, Timestamp)> {
        if let Some(second) = self.second {
            let at = Timestamp::from_second(second).ok()?;
            return Some((at, at));
        }
        let (first, last) = match (self.year, self.week_year) {
            (Some(year), _) => self.dates(year)?,
            (None, Some(year)) => {
                let [first, last] = [(year, 1, 1), (year, 12, 31)];
                let days = SignedDuration::from_hours(7 * 24);
                let first = Date::new(first.0, first.1, first.2).ok()?;
                let last = Date::new(last.0, last.1, last.2).ok()?;
                (first.saturating_sub(days), last.saturating_add(days))
            }
            (None, None) => return Some((Timestamp::MIN, Timestamp::MAX)),
        };
        let start = first.to_datetime(jiff::civil::Time::midnight());
        let end = last.to_datetime(jiff::civil::Time::MAX);
        let [start, end] = [start, end].map(|at| jiff::tz::Offset::UTC.to_timestamp(at).ok());
        let earliest = start.and_then(|start| start.checked_sub(OFFSET_MAX).ok());
        let latest = end.and_then(|end| end.checked_add(OFFSET_MAX).ok());
        Some((earliest.unwrap_or(Timestamp::MIN), latest.unwrap_or(Timestamp::MAX)))
    }

    /// The first and the last date that these could be, of a year.
    fn dates(&self, year: i16) -> Option<(Date, Date)> {
        if let Some(day) = self.day_of_year {
            let days = SignedDuration::from_hours(24 * i64::from(day.checked_sub(1)?));
            let date = Date::new(year, 1, 1).ok()?.checked_add(days).ok()?;
            return (date.year() == year).then_some((date, date));
        }
        let first = Date::new(year, self.month.unwrap_or(1), 1).ok()?;
        let Some(day) = self.day.filter(|_| self.month.is_some()) else {
            let last = Date::new(year, self.month.unwrap_or(12), 1).ok()?.last_of_month();
            return Some((first, last));
        };
        let date = Date::new(year, first.month(), day).ok()?;
        Some((date, date))
    }
}

/// Sets what is told for the first time; `None` if something else was told before.
fn set<T: PartialEq + Copy>(told: &mut Option<T>, found: T) -> Option<()> {
    (*told.get_or_insert(found) == found).then_some(())
}

/// Appends what a literal with wildcards may be. A class in brackets is taken for any one character.
fn push_glob(form: &mut String, literal: &str) {
    let mut rest = literal;
    while let Some(next) = rest.chars().next() {
        let (piece, length) = match next {
            '*' if rest.starts_with("**/") => ("(?:.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            '[' => {
                // The first character of a class, after a `!`, belongs to it even if it is a bracket.
                let negated = usize::from(rest[1..].starts_with('!'));
                let inside = &rest[1 + negated..];
                let first = inside.chars().next().map_or(0, char::len_utf8);
                let end = inside[first..].find(']').map_or(0, |end| end + 1);
                ("[^/]".to_owned(), 1 + negated + first + end)
            }
            other => (regex::escape(other.encode_utf8(&mut [0; 4])), other.len_utf8()),
        };
        form.push_str(&piece);
        rest = &rest[length..];
    }
}

/// Appends what a format writes, with a group for each piece that says when; returns these.
fn push_format(form: &mut String, format: &str, has_fraction: bool) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            // What is finer than a second stands before the `Z` of a field without a format.
            let fraction = if has_fraction && next == 'Z' { r"(?:\.\d{6})?" } else { "" };
            form.push_str(fraction);
            form.push_str(&regex::escape(next.encode_utf8(&mut [0; 4])));
            continue;
        }
        let first = chars.next();
        let is_unpadded = first == Some('-');
        let conversion = if is_unpadded { chars.next() } else { first };
        let (wanted, pieces) = form_of(conversion.unwrap_or('%'), is_unpadded);
        form.push_str(&wanted);
        out.extend_from_slice(pieces);
    }
    out
}

/// What a conversion writes, and what its groups say.
fn form_of(conversion: char, is_unpadded: bool) -> (String, &'static [Piece]) {
    let digits = |count: usize| {
        if is_unpadded { r"\d+".to_owned() } else { format!(r"\d{{{count}}}") }
    };
    let group = |count: usize| format!("({})", digits(count));
    match conversion {
        '%' => ("%".to_owned(), &[]),
        'Y' => (group(4), &[Piece::Year]),
        'G' => (group(4), &[Piece::WeekYear]),
        'y' => (group(2), &[Piece::YearOfCentury]),
        'm' => (group(2), &[Piece::Month]),
        'd' => (group(2), &[Piece::Day]),
        'j' => (group(3), &[Piece::DayOfYear]),
        's' => (r"(-?\d+)".to_owned(), &[Piece::Second]),
        'F' if !is_unpadded => {
            (r"(\d{4})-(\d{2})-(\d{2})".to_owned(), &[Piece::Year, Piece::Month, Piece::Day])
        }
        'C' | 'g' | 'H' | 'I' | 'M' | 'S' | 'U' | 'V' | 'W' => (digits(2), &[]),
        'u' | 'w' | 'q' => (digits(1), &[]),
        _ => ("[^/]+?".to_owned(), &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, name: &str, wanted: Option<(&str, &str)>) {
        let names = Template::parse(template).unwrap().names().unwrap();
        let dates = |(since, until): (Timestamp, Timestamp)| {
            // What stands within the bounds without the room for offsets.
            let [since, until] = [since + OFFSET_MAX, until - OFFSET_MAX];
            let date = |at: Timestamp| jiff::tz::Offset::UTC.to_datetime(at).date().to_string();
            (date(since), date(until))
        };
        let found = names.span(name).map(|span| dates(span.tick));
        let found = found.as_ref().map(|(since, until)| (since.as_str(), until.as_str()));
        assert_eq!(found, wanted, "{template} {name}");
    }

    #[test]
    fn names_are_read_as_far_as_they_tell() {
        let day = Some(("2026-02-03", "2026-02-03"));
        check("data/{tick:%F}/*.csv", "data/2026-02-03/a.csv", day);
        check("data/{tick:%Y/%m/%d}.csv", "data/2026/02/03.csv", day);
        check("data/{tick:%Y-%j}.csv", "data/2026-034.csv", day);
        check("data/{tick:%-d.%-m.%y}.csv", "data/3.2.26.csv", day);
        check("**/{tick}.csv", "2026-02-03T040506Z.csv", day);
        check("**/{tick}.csv", "a/b/2026-02-03T040506.000700Z.csv", day);
        check("{tick:%Y-%m}.csv", "2026-02.csv", Some(("2026-02-01", "2026-02-28")));
        check("{tick:%Y-W%V}.csv", "2026-W07.csv", Some(("2026-01-01", "2026-12-31")));
        check("{tick:%G-W%V}.csv", "2026-W07.csv", Some(("2025-12-25", "2027-01-07")));
    }

    #[test]
    fn what_no_tick_has_written_is_told() {
        for (template, name) in [
            ("data/{tick:%F}.csv", "data/README.csv"),
            ("data/{tick:%F}.csv", "data/2026-02-30.csv"),
            ("data/{tick:%F}.csv", "data/2026-13-01.csv"),
            ("data/{tick:%F}.csv", "data/2026-02-3.csv"),
            ("data/{tick:%F}.csv", "data/2026-02-03.csv.bak"),
            ("data/{tick:%Y}/{tick:%F}.csv", "data/2025/2026-02-03.csv"),
            ("data/{tick:%Y-%j}.csv", "data/2026-366.csv"),
            ("data/{tick:%F}/p-[0-9]?.csv", "data/2026-02-03/p-1.csv"),
        ] {
            check(template, name, None);
        }
    }

    #[test]
    fn either_instant_has_a_span_of_its_own() {
        let names = Template::parse("{interval_start:%F}--{interval_end:%s}").unwrap().names();
        let span = names.unwrap().span("2026-02-03--1770163200").unwrap();
        let at: Timestamp = "2026-02-04T00:00:00Z".parse().unwrap();
        assert_eq!(span.tick, (at, at));
        assert!(span.start.0 < at && span.start.1 > at - SignedDuration::from_hours(1));
        let names = Template::parse("{tick:%H}").unwrap().names();
        assert_eq!(names.unwrap().span("07").unwrap().tick, (Timestamp::MIN, Timestamp::MAX));
    }
}
