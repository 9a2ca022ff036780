//! A second evaluator, as plain as possible, which the first is compared with.
//!
//! It shares no code with it: fields are read by one regular expression, the calendar is arithmetic of
//! its own, and ticks are found by walking over real time and looking at the clock on the wall. Of
//! jiff it uses one thing, the offset of a zone at an instant. It is the rule, read aloud, so it is slow.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nightshift::domain::schedule::DayMatch;
use regex::Regex;

const DAY: i64 = 86_400;
/// Nobody has set clocks forth or back by more.
const LEAD_IN: i64 = 26 * 3600;
/// Longest gap whose times run after it.
const GAP_MAX: i64 = 3 * 3600;

const MONTHS: &str = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC";
const WEEKDAYS: &str = "SUN MON TUE WED THU FRI SAT";

static ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:(\*)|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/(\d+))?$").unwrap());

/// An expression as lists of what it admits.
#[derive(Debug)]
pub(super) struct Plain {
    seconds: Vec<i64>,
    minutes: Vec<i64>,
    hours: Vec<i64>,
    months: Vec<i64>,
    days: Vec<DayOfMonth>,
    weekdays: Vec<DayOfWeek>,
    is_either: bool,
    is_wildcard: bool,
}

#[derive(Debug)]
enum DayOfMonth {
    Day(i64),
    Last,
    LastWeekday,
    Nearest(i64),
}

#[derive(Debug)]
enum DayOfWeek {
    Day(i64),
    Last(i64),
    Nth(i64, i64),
}

/// A date, with what its month is like.
struct Date {
    month: i64,
    day: i64,
    weekday: i64,
    month_length: i64,
}

impl Plain {
    /// Reads `text`; `None` where it has to be refused, whatever for.
    pub(super) fn read(text: &str, day_match: Option<DayMatch>) -> Option<Self> {
        let text = text.to_uppercase();
        if text.len() > 128 || !text.chars().all(|c| (' '..='~').contains(&c)) {
            return None;
        }
        let mut fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields[..] else { return None };
        let is_every = [day, weekday].iter().any(|field| matches!(*field, "*" | "?"));
        let is_starred = [day, weekday].iter().any(|field| field.starts_with(['*', '?']));
        let is_either = match day_match {
            _ if is_every => false,
            Some(given) => given == DayMatch::Or,
            None if is_starred => return None,
            None => true,
        };
        Some(Self {
            seconds: values(second, 0, 59, "")?,
            minutes: values(minute, 0, 59, "")?,
            hours: values(hour, 0, 23, "")?,
            months: values(month, 1, 12, MONTHS)?,
            days: days_of_month(day)?,
            weekdays: days_of_week(weekday)?,
            is_either,
            is_wildcard: [second, minute, hour].iter().any(|field| field.starts_with('*')),
        })
    }

    /// Every tick in `(after, until]`, by walking over each real minute, or second where they matter.
    pub(super) fn walk(
        &self,
        zone: &TimeZone,
        after: Timestamp,
        until: Timestamp,
    ) -> Vec<Timestamp> {
        let offset =
            |at: i64| i64::from(zone.to_offset(Timestamp::from_second(at).unwrap()).seconds());
        let (low, high) = (after.as_second() - LEAD_IN, until.as_second());
        let is_by_minute =
            self.seconds == [0] && [low, high].iter().all(|at| offset(*at) % 60 == 0);
        let step = if is_by_minute { 60 } else { 1 };
        let mut out = Vec::new();
        let mut at = low.div_euclid(step) * step;
        // The local time that the clock on the wall would show next if nobody touched it, and the one
        // that it has not shown before.
        let mut expected = at + offset(at);
        let mut unseen = expected;
        while at <= high {
            let local = at + offset(at);
            let is_tick = if self.is_wildcard {
                self.admits(local)
            } else {
                let skipped =
                    if local - expected <= GAP_MAX { expected.max(unseen)..local } else { 0..0 };
                let mut skipped = skipped.step_by(usize::try_from(step).unwrap());
                (local >= unseen && self.admits(local)) || skipped.any(|local| self.admits(local))
            };
            if is_tick {
                out.push(Timestamp::from_second(at).unwrap());
            }
            expected = local + step;
            unseen = unseen.max(expected);
            at += step;
        }
        out.retain(|tick| after < *tick && *tick <= until);
        out
    }

    /// The first `most` ticks in UTC after second `after` and not after `until`, day by day and minute
    /// by minute.
    pub(super) fn in_utc(&self, after: i64, until: i64, most: usize) -> Vec<i64> {
        let days = after.div_euclid(DAY)..=until.div_euclid(DAY);
        let days = days.filter(|day| self.admits_date(*day));
        let minutes = days.flat_map(|day| (0..1440).map(move |minute| day * DAY + minute * 60));
        let ticks = minutes.filter(|at| after < *at && *at <= until && self.admits_time(*at));
        ticks.take(most).collect()
    }

    fn admits(&self, local: i64) -> bool {
        self.admits_time(local) && self.admits_date(local.div_euclid(DAY))
    }

    fn admits_time(&self, local: i64) -> bool {
        let second = local.rem_euclid(DAY);
        self.minutes.contains(&(second / 60 % 60))
            && self.hours.contains(&(second / 3600))
            && self.seconds.contains(&(second % 60))
    }

    /// Whether the date that is `day` days after 1970-01-01 is admitted.
    fn admits_date(&self, day: i64) -> bool {
        let date = Date::of(day);
        let by_day = self.days.iter().any(|item| item.admits(&date));
        let by_weekday = self.weekdays.iter().any(|item| item.admits(&date));
        let is_admitted = if self.is_either { by_day || by_weekday } else { by_day && by_weekday };
        is_admitted && self.months.contains(&date.month)
    }
}

impl Date {
    /// The date that is `number` days after 1970-01-01.
    fn of(number: i64) -> Self {
        // Years that begin with March, so that the odd month is the last one.
        let day = number + 719_468;
        let of_cycle = day.rem_euclid(146_097);
        let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year + year / 4 - year / 100);
        let march_month = (5 * of_year + 2) / 153;
        let month = (march_month + 2) % 12 + 1;
        let year = year + i64::from(month <= 2);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let month_length = match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        Self { month, day, weekday: (number + 4).rem_euclid(7), month_length }
    }

    /// The day of the week of another day of the same month.
    fn weekday_of(&self, day: i64) -> i64 {
        (self.weekday + day - self.day).rem_euclid(7)
    }

    /// Whether this is the day from Monday to Friday that is nearest to `day`, which exists.
    fn is_nearest_to(&self, day: i64) -> bool {
        let candidates =
            (1..=self.month_length).filter(|day| (1..=5).contains(&self.weekday_of(*day)));
        candidates.min_by_key(|candidate| (candidate - day).abs()) == Some(self.day)
    }
}

impl DayOfMonth {
    fn admits(&self, date: &Date) -> bool {
        match *self {
            Self::Day(day) => date.day == day,
            Self::Last => date.day == date.month_length,
            Self::LastWeekday => {
                (1..=5).contains(&date.weekday)
                    && (date.day + 1..=date.month_length)
                        .all(|later| matches!(date.weekday_of(later), 0 | 6))
            }
            Self::Nearest(day) => day <= date.month_length && date.is_nearest_to(day),
        }
    }
}

impl DayOfWeek {
    fn admits(&self, date: &Date) -> bool {
        match *self {
            Self::Day(weekday) => date.weekday == weekday % 7,
            Self::Last(weekday) => date.weekday == weekday % 7 && date.day + 7 > date.month_length,
            Self::Nth(weekday, nth) => date.weekday == weekday % 7 && (date.day + 6) / 7 == nth,
        }
    }
}

fn days_of_month(text: &str) -> Option<Vec<DayOfMonth>> {
    let mut out = Vec::new();
    for item in text.split(',') {
        match item {
            "L" => out.push(DayOfMonth::Last),
            "LW" => out.push(DayOfMonth::LastWeekday),
            "?" => out.extend((1..=31).map(DayOfMonth::Day)),
            _ => match item.strip_suffix('W') {
                Some(day) => out.push(DayOfMonth::Nearest(value(day, 1, 31, "")?)),
                None => out.extend(values(item, 1, 31, "")?.into_iter().map(DayOfMonth::Day)),
            },
        }
    }
    Some(out)
}

fn days_of_week(text: &str) -> Option<Vec<DayOfWeek>> {
    let mut out = Vec::new();
    for item in text.split(',') {
        let weekday = |text: &str| value(text, 0, 7, WEEKDAYS);
        if item == "?" {
            out.extend((0..7).map(DayOfWeek::Day));
        } else if let Some((day, nth)) = item.split_once('#') {
            let nth = ["1", "2", "3", "4", "5"].iter().position(|known| *known == nth)?;
            out.push(DayOfWeek::Nth(weekday(day)?, i64::try_from(nth).unwrap() + 1));
        } else if let Some(day) = item.strip_suffix('L') {
            out.push(DayOfWeek::Last(weekday(day)?));
        } else {
            out.extend(values(item, 0, 7, WEEKDAYS)?.into_iter().map(DayOfWeek::Day));
        }
    }
    Some(out)
}

fn values(text: &str, low: i64, high: i64, words: &str) -> Option<Vec<i64>> {
    let mut out = Vec::new();
    for item in text.split(',') {
        let found = ITEM.captures(item)?;
        let group = |number: usize| found.get(number).map(|text| text.as_str());
        let step: Option<u32> = group(4).map(str::parse).transpose().ok()?;
        if step == Some(0) {
            return None;
        }
        let (first, last) = match (group(2), group(3)) {
            (Some(first), Some(last)) => {
                let (start, end) =
                    (value(first, low, high, words)?, value(last, low, high, words)?);
                let is_next_sunday = words == WEEKDAYS && last == "SUN" && start > 0;
                (start, if is_next_sunday { 7 } else { end })
            }
            (Some(only), None) if step.is_none() => {
                let only = value(only, low, high, words)?;
                (only, only)
            }
            (Some(_), None) => return None,
            (None, _) => (low, high),
        };
        if first > last {
            return None;
        }
        out.extend((first..=last).step_by(usize::try_from(step.unwrap_or(1)).unwrap()));
    }
    Some(out)
}

fn value(text: &str, low: i64, high: i64, words: &str) -> Option<i64> {
    let word = words.split(' ').filter(|word| !word.is_empty()).position(|word| word == text);
    if let Some(place) = word {
        return Some(low + i64::try_from(place).unwrap());
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = text.parse().ok().filter(|_| is_number)?;
    Some(i64::from(number)).filter(|number| (low..=high).contains(number))
}
