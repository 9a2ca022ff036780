//! When a job is due: a cron expression, read in a time zone.
//!
//! Invariant: a schedule has at least one tick within forty years, its zone is an IANA zone under
//! its own name, and [`Schedule::next_after`] is strictly after the instant it is given, whatever
//! clocks do. What to do about a tick (missed, overlapping, paused) is not decided here, and
//! neither is what time it is now.

/// Two ticks for which one text is written.
mod alike;
/// Sets of small numbers in one word.
mod bits;
/// Which dates match.
mod calendar;
/// Which times of day match.
mod clock;
/// Ticks that follow each other faster than their runs end.
pub mod crowding;
/// The fields: names and ranges.
mod field;
/// What is probably not meant.
mod lint;
/// What daylight saving does to one tick.
mod note;
/// The grammar.
mod parse;
/// From local times to instants.
mod stretch;
/// The ticks of a span of time.
mod ticks;
/// Zones by name.
mod zone;

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::run::{Interval, named};

pub use self::alike::{Known, TextOf};
use self::stretch::Pattern;
pub use self::ticks::Ticks;

/// When a job is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    cron: String,
    timezone_name: String,
    day_match: Option<DayMatch>,
    timezone: TimeZone,
    pattern: Pattern,
}

/// How day-of-month and day-of-week combine when both are restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayMatch {
    /// A day has to match both.
    And,
    /// A day has to match one of them.
    Or,
}

named!(DayMatch { And => "and", Or => "or" });

/// What in a `[schedule]` table is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleProblem {
    /// The key that is at fault.
    pub part: Part,
    /// The field of the expression, `minute` for instance; empty if it is about all of them.
    pub field: &'static str,
    /// What was found and what was wanted, without the name of the field.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// A key of a `[schedule]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `cron`.
    Cron,
    /// `timezone`.
    Timezone,
    /// `day_match`.
    DayMatch,
}

/// Where the search for a first tick starts that every schedule has to have: a constant, so that
/// the same file is accepted or refused on every day.
const PROBED_FROM: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How far the search goes: forty years, the longest wait for a 29 February on a given weekday.
const PROBED_FOR: SignedDuration = SignedDuration::from_hours(40 * 8766);

impl Schedule {
    /// Reads a cron expression of five fields (six with seconds first) for the zone called
    /// `timezone`.
    pub fn parse(
        cron: &str,
        timezone: &str,
        day_match: Option<DayMatch>,
    ) -> Result<Self, ScheduleProblem> {
        let pattern = parse::expression(cron, day_match)?;
        let zone = zone::named(timezone)?;
        let cron = cron.trim();
        let first = pattern.first_tick(&zone, PROBED_FROM);
        if first.is_none_or(|tick| tick.duration_since(PROBED_FROM) > PROBED_FOR) {
            return Err(ScheduleProblem {
                part: Part::Cron,
                field: "",
                message: format!("`{cron}` has no tick in forty years"),
                help: Some(
                    "day-of-month, month and day-of-week have to meet on a date that exists"
                        .to_owned(),
                ),
            });
        }
        Ok(Self {
            cron: cron.to_owned(),
            timezone_name: timezone.to_owned(),
            day_match,
            timezone: zone,
            pattern,
        })
    }

    /// The expression, as written.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The zone in which the expression is read.
    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// The IANA name of the zone.
    pub fn timezone_name(&self) -> &str {
        &self.timezone_name
    }

    /// Expression, zone and day rule in one text: two schedules with the same text have the same ticks.
    pub fn definition(&self) -> String {
        let Self { cron, timezone_name, day_match, .. } = self;
        let day_match = day_match.map_or("", DayMatch::id);
        format!("{cron}|{timezone_name}|{day_match}")
    }

    /// The first tick strictly after `instant`; `None` only near the end of representable time.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.pattern.first_tick(&self.timezone, second_after(instant)?)
    }

    /// The last tick strictly before `instant`.
    pub fn previous_before(&self, instant: Timestamp) -> Option<Timestamp> {
        let ceiling = instant.as_second() + i64::from(instant.subsec_nanosecond() > 0);
        let second = Timestamp::from_second(ceiling.checked_sub(1)?).ok()?;
        self.pattern.last_tick(&self.timezone, second)
    }

    /// The last tick that is `instant` or earlier.
    pub fn latest_at_or_before(&self, instant: Timestamp) -> Option<Timestamp> {
        self.pattern.last_tick(&self.timezone, second_of(instant)?)
    }

    /// Whether `instant` is a tick.
    pub fn is_tick(&self, instant: Timestamp) -> bool {
        instant.subsec_nanosecond() == 0 && self.latest_at_or_before(instant) == Some(instant)
    }

    /// The ticks that are later than `after` and not later than `until`, from either end.
    pub fn ticks(&self, after: Timestamp, until: Timestamp) -> Ticks<'_> {
        Ticks::new(self, after, until)
    }

    /// Every tick later than `after`, oldest first.
    pub fn ticks_after(&self, after: Timestamp) -> Ticks<'_> {
        self.ticks(after, Timestamp::MAX)
    }

    /// The span of time whose data the run of `tick` covers: since the tick before it.
    pub fn interval(&self, tick: Timestamp) -> Interval {
        Interval { start: self.previous_before(tick), end: tick }
    }

    /// The real time since the tick before `tick`; `None` where there is none.
    pub fn gap_before(&self, tick: Timestamp) -> Option<SignedDuration> {
        self.previous_before(tick).map(|before| tick.duration_since(before))
    }

    /// What daylight saving does to `tick`, if anything: `02:30 does not exist; runs at 03:00`.
    pub fn note(&self, tick: Timestamp) -> Option<String> {
        note::of(&self.pattern, &self.timezone, tick)
    }

    /// What is allowed but probably not meant, one sentence each.
    pub fn lints(&self) -> Vec<String> {
        lint::all(&self.cron, &self.pattern, &self.timezone, PROBED_FROM)
    }
}

/// The zone with the IANA name `name`, under the rules that hold for `timezone` in a job file.
pub fn zone_named(name: &str) -> Result<TimeZone, ScheduleProblem> {
    zone::named(name)
}

impl fmt::Display for ScheduleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

/// The last whole second that is `instant` or earlier.
fn second_of(instant: Timestamp) -> Option<Timestamp> {
    let floor = instant.as_second() - i64::from(instant.subsec_nanosecond() < 0);
    Timestamp::from_second(floor).ok()
}

/// The first whole second after `instant`.
fn second_after(instant: Timestamp) -> Option<Timestamp> {
    second_of(instant)?.checked_add(SignedDuration::from_secs(1)).ok()
}
