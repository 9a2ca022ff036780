//! Two ticks for which one text is written, where there are any: of the path of their scores, say.
//!
//! A schedule may tick every second for ever, so its ticks are not gone through. They are dates times hours times
//! minutes times seconds, but for the moments at which clocks change, and a text that is read back in one way only
//! keeps these apart or does not: two hours that are written alike on one day are so on every day. Hence the hours
//! of one day are compared, the minutes of one hour, the seconds of one minute, the dates of forty years, in which
//! every kind of year and of neighbouring years occurs, and then the ticks of every change of clocks from 1970 on:
//! a time that occurs twice, and one that is moved, with whatever it could meet.
//!
//! For a text of one instant that can be read back in one way, what is not found does not exist, among ticks that
//! are less than a hundred years apart and as far as the changes of clocks are known today. For any other text the
//! same is looked at, and some ticks in a row beside it: what is found is there, what is not may be.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use super::stretch::{Discipline, Stretch};
use super::{PROBED_FROM, Schedule};

/// The years whose dates are compared.
const YEARS: i16 = 40;

/// Changes of clocks before this year are nobody's ticks.
const CHANGES_FROM: Timestamp = Timestamp::UNIX_EPOCH;

/// Until when changes of clocks are looked at: 2066, as the dates.
const CHANGES_UNTIL: Timestamp = Timestamp::constant(3_029_529_600, 0);

/// Most dates that are tried for one without a change of clocks.
const DAYS_TRIED_MAX: usize = 400;

/// Most times of day that are compared with one that is moved.
const MEETINGS_MAX: usize = 64;

/// Ticks in a row that are compared where reasons do not suffice, from 2026 on.
const IN_A_ROW: usize = 1_000;

/// How many days' first ticks are compared there, and how many ticks around each of as many changes of clocks.
const DAYS: i64 = 400;
const AROUND: usize = 8;
const CHANGES: usize = 24;

/// What is known of a text beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether no two dates are written alike.
    pub dates_differ: bool,
    /// Whether it depends on one instant, and can be read back in one way only.
    pub is_plain: bool,
}

/// The text of an instant; `None` where none can be written.
pub type TextOf<'a> = dyn Fn(Timestamp) -> Option<String> + 'a;

impl Schedule {
    /// Two ticks, the earlier one first, for which `text` is the same.
    pub fn two_alike(&self, known: Known, text: &TextOf<'_>) -> Option<[Timestamp; 2]> {
        let search = Search { schedule: self, text };
        search
            .within_a_day()
            .or_else(|| search.among_dates(known))
            .or_else(|| if known.is_plain { None } else { search.in_a_row() })
    }
}

struct Search<'a> {
    schedule: &'a Schedule,
    text: &'a TextOf<'a>,
}

impl Search<'_> {
    /// Hours, minutes and seconds of one day, each for themselves.
    fn within_a_day(&self) -> Option<[Timestamp; 2]> {
        let date = self.ordinary_date()?;
        let clock = &self.schedule.pattern.clock;
        let (hour, minute, second) =
            (clock.hours.first()?, clock.minutes.first()?, clock.seconds.first()?);
        let of_hours = clock.hours.iter().map(|hour| (hour, minute, second));
        let of_minutes = clock.minutes.iter().map(|minute| (hour, minute, second));
        let of_seconds = clock.seconds.iter().map(|second| (hour, minute, second));
        let on_date = |time| self.instant(date.to_datetime(time_of(time)?));
        self.first_alike(of_hours.filter_map(on_date))
            .or_else(|| self.first_alike(of_minutes.filter_map(on_date)))
            .or_else(|| self.first_alike(of_seconds.filter_map(on_date)))
    }

    /// Dates at one time of day, and then the changes of clocks, which may move a tick to any of them.
    fn among_dates(&self, known: Known) -> Option<[Timestamp; 2]> {
        let time = self.ordinary_time()?;
        let mut seen = HashMap::new();
        if !known.dates_differ {
            for date in self.dates(YEARS) {
                let Some(instant) = self.instant(date.to_datetime(time)) else { continue };
                if let Some(found) = self.add(&mut seen, instant) {
                    return Some(found);
                }
            }
        }
        let mut moved = HashMap::new();
        // Those to come first: they are the ones that somebody would look at.
        let to_come = self.changes(PROBED_FROM, CHANGES_UNTIL);
        for stretch in to_come.chain(self.changes(CHANGES_FROM, PROBED_FROM)) {
            let found = self
                .twice(&stretch)
                .or_else(|| self.meeting(&stretch, time, &seen))
                .or_else(|| self.add_moved(&mut moved, &stretch));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The stretches that begin with a change of clocks after `from` and before `until`, as far as their beginnings go.
    fn changes(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Stretch> {
        let zone = &self.schedule.timezone;
        let mut before = zone.to_offset(from);
        let changes = zone.following(from).map(|change| (change.timestamp(), change.offset()));
        changes.take_while(move |(start, _)| *start < until).filter_map(move |(start, offset)| {
            let offset_before = std::mem::replace(&mut before, offset);
            let stretch = Stretch { start: Some(start), end: None, offset, offset_before };
            (offset != offset_before).then_some(stretch)
        })
    }

    /// The two ticks of a local time that occurs twice because `stretch` begins.
    fn twice(&self, stretch: &Stretch) -> Option<[Timestamp; 2]> {
        let pattern = &self.schedule.pattern;
        if pattern.discipline == Discipline::Fixed {
            return None;
        }
        let (first, end) = stretch.overlap()?;
        let local = pattern.first_local_from(first).filter(|local| *local < end)?;
        let passes = [stretch.offset_before, stretch.offset];
        self.first_alike(passes.into_iter().filter_map(|offset| offset.to_timestamp(local).ok()))
    }

    /// The tick at the start of `stretch` that stands for times which do not exist, and one that is written alike:
    /// of its date, or of the date in `dates` that is, at the time of day that is.
    fn meeting(
        &self,
        stretch: &Stretch,
        time: Time,
        dates: &HashMap<String, Timestamp>,
    ) -> Option<[Timestamp; 2]> {
        let moved = stretch.start?;
        self.schedule.pattern.first_moved(stretch)?;
        let local = stretch.offset.to_datetime(moved);
        let same_day = self.instant(local.date().to_datetime(time));
        let other = same_day.and_then(|instant| dates.get(&(self.text)(instant)?));
        let other = other.map(|instant| local_date(self.schedule, *instant));
        for date in std::iter::once(local.date()).chain(other) {
            let instants = self.alike_on(date, local.time()).into_iter();
            let found = self.first_alike(std::iter::once(moved).chain(instants));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The instants of a date whose hour, minute and second are each written as those of `time` are.
    fn alike_on(&self, date: Date, time: Time) -> Vec<Timestamp> {
        let clock = &self.schedule.pattern.clock;
        let [hour, minute, second] =
            [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs);
        let text =
            |time: (u8, u8, u8)| (self.text)(self.instant(date.to_datetime(time_of(time)?))?);
        let wanted = text((hour, minute, second));
        if wanted.is_none() {
            return Vec::new();
        }
        let hours = clock.hours.iter().filter(|hour| text((*hour, minute, second)) == wanted);
        let minutes: Vec<u8> =
            clock.minutes.iter().filter(|minute| text((hour, *minute, second)) == wanted).collect();
        let seconds: Vec<u8> =
            clock.seconds.iter().filter(|second| text((hour, minute, *second)) == wanted).collect();
        let mut out = Vec::new();
        for hour in hours {
            for minute in &minutes {
                for second in &seconds {
                    let time = time_of((hour, *minute, *second));
                    out.extend(time.and_then(|time| self.instant(date.to_datetime(time))));
                    if out.len() == MEETINGS_MAX {
                        return out;
                    }
                }
            }
        }
        out
    }

    /// Ticks in a row, the first ones of days, and those around changes of clocks.
    fn in_a_row(&self) -> Option<[Timestamp; 2]> {
        let schedule = self.schedule;
        let day = SignedDuration::from_hours(24);
        let days = (0..DAYS).filter_map(|number| {
            let midnight = PROBED_FROM.checked_add(day.checked_mul(i32::try_from(number).ok()?)?);
            schedule.next_after(midnight.ok()?)
        });
        let changes = self.changes(PROBED_FROM, CHANGES_UNTIL).take(CHANGES);
        let changes = changes.filter_map(|stretch| stretch.start);
        let around = changes.flat_map(|change| {
            let before = schedule.ticks(Timestamp::MIN, change).rev().take(AROUND);
            before.chain(schedule.ticks_after(change).take(AROUND))
        });
        let row = schedule.ticks_after(PROBED_FROM).take(IN_A_ROW);
        self.first_alike(row.chain(days).chain(around))
    }

    /// The first two of some instants that are ticks and written alike.
    fn first_alike(&self, instants: impl Iterator<Item = Timestamp>) -> Option<[Timestamp; 2]> {
        let mut seen = HashMap::new();
        for instant in instants {
            let found = self.add(&mut seen, instant);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Adds an instant to those that were `seen`, or returns it with the one that is written alike, if both are
    /// ticks.
    fn add(
        &self,
        seen: &mut HashMap<String, Timestamp>,
        instant: Timestamp,
    ) -> Option<[Timestamp; 2]> {
        let is_tick = |instant: Timestamp| self.schedule.is_tick(instant);
        let other = seen.entry((self.text)(instant)?).or_insert(instant);
        if *other == instant || !is_tick(instant) {
            return None;
        }
        if !is_tick(*other) {
            *other = instant;
            return None;
        }
        Some([instant.min(*other), instant.max(*other)])
    }

    /// The same with the tick at the start of `stretch`, if one is moved there.
    fn add_moved(
        &self,
        seen: &mut HashMap<String, Timestamp>,
        stretch: &Stretch,
    ) -> Option<[Timestamp; 2]> {
        self.schedule.pattern.first_moved(stretch)?;
        self.add(seen, stretch.start?)
    }

    /// The instant of a local time: the first one where there are two, a later one where there is none.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.schedule.timezone.to_ambiguous_timestamp(local).compatible().ok()
    }

    /// The dates of some years, from 2026 on.
    fn dates(&self, years: i16) -> impl Iterator<Item = Date> {
        let days = &self.schedule.pattern.days;
        let start = local_date(self.schedule, PROBED_FROM);
        let end = start.year().saturating_add(years);
        let first = days.first_from(start);
        std::iter::successors(first, |date| days.first_from(date.tomorrow().ok()?))
            .take_while(move |date| date.year() < end)
    }

    /// A date on which no clock changes, if there is one soon.
    fn ordinary_date(&self) -> Option<Date> {
        let zone = &self.schedule.timezone;
        let is_ordinary = |date: &Date| {
            let bounds = [Some(*date), date.tomorrow().ok()];
            let [start, end] = bounds.map(|date| self.instant(date?.to_datetime(Time::midnight())));
            let (Some(start), Some(end)) = (start, end) else { return false };
            zone.to_offset(start) == zone.to_offset(end)
        };
        let mut dates = self.dates(i16::MAX).take(DAYS_TRIED_MAX);
        dates.find(is_ordinary).or_else(|| self.dates(i16::MAX).next())
    }

    /// A time of day at which clocks hardly ever change, if there is one.
    fn ordinary_time(&self) -> Option<Time> {
        const MORNING: Time = Time::constant(4, 0, 0, 0);
        let clock = &self.schedule.pattern.clock;
        clock.first_from(MORNING).or_else(|| clock.first())
    }
}

/// The local date of an instant.
fn local_date(schedule: &Schedule, instant: Timestamp) -> Date {
    schedule.timezone.to_datetime(instant).date()
}

fn time_of((hour, minute, second): (u8, u8, u8)) -> Option<Time> {
    let [hour, minute, second] = [hour, minute, second].map(|part| i8::try_from(part).ok());
    Time::new(hour?, minute?, second?, 0).ok()
}

#[cfg(test)]
mod tests;
