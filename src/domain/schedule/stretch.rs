//! From local times to instants: the daylight-saving rule.
//!
//! A zone is a sequence of stretches of time that each keep one offset from UTC. Within a stretch
//! the local clock runs straight on, so the ticks are simply the admitted local times; everything
//! peculiar happens where one begins, and is decided here in one place:
//!
//! - A *wildcard* schedule (second, minute or hour starts with `*`) ticks at every real instant
//!   whose local clock matches: never in a gap, on both passes of an overlap.
//! - A *fixed* schedule ticks once for a local time that occurs twice, on the first pass; and for
//!   times in a gap of at most three hours once, at the first instant after it, even on another
//!   date.
//!
//! Consecutive changes of offset are days apart in every IANA zone, which is tested, so looking at
//! the one change that begins a stretch is enough.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::calendar::DayPattern;
use super::clock::ClockPattern;

/// The longest gap whose times are moved behind it; a longer one is a date that does not exist.
const GAP_MAX: SignedDuration = SignedDuration::from_hours(3);

/// One second, the distance of neighbouring instants here.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// How a schedule treats local times that do not exist or occur twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discipline {
    Wildcard,
    Fixed,
}

/// The local dates and times that an expression admits, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) clock: ClockPattern,
    pub(super) days: DayPattern,
    pub(super) discipline: Discipline,
}

/// A longest span of time without a transition: from `start` (inclusive) to `end` (exclusive).
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// `None`: since ever.
    pub(super) start: Option<Timestamp>,
    /// `None`: for ever.
    pub(super) end: Option<Timestamp>,
    pub(super) offset: Offset,
    /// What held until `start`; equal to `offset` without a start.
    pub(super) offset_before: Offset,
}

impl Stretch {
    /// The stretch of `zone` that contains `instant`, a whole second.
    pub(super) fn around(zone: &TimeZone, instant: Timestamp) -> Self {
        let offset = zone.to_offset(instant);
        let next_second = instant.checked_add(SECOND).unwrap_or(instant);
        let start = zone.preceding(next_second).next().map(|change| change.timestamp());
        let end = zone.following(instant).next().map(|change| change.timestamp());
        let offset_before = start
            .and_then(|start| start.checked_sub(SECOND).ok())
            .map_or(offset, |before| zone.to_offset(before));
        Self { start, end, offset, offset_before }
    }

    /// The local times that never occur because this stretch begins, as `[first, end)`.
    pub(super) fn gap(&self) -> Option<(DateTime, DateTime)> {
        let start = self.start.filter(|_| self.offset > self.offset_before)?;
        Some((self.offset_before.to_datetime(start), self.offset.to_datetime(start)))
    }

    /// The local times that occur a second time because this stretch begins, as `[first, end)`.
    pub(super) fn overlap(&self) -> Option<(DateTime, DateTime)> {
        let start = self.start.filter(|_| self.offset < self.offset_before)?;
        Some((self.offset.to_datetime(start), self.offset_before.to_datetime(start)))
    }

    /// The earliest local time of this stretch that can be a tick of its own under `discipline`.
    fn first_local(&self, discipline: Discipline) -> DateTime {
        let Some(start) = self.start else { return DateTime::MIN };
        match discipline {
            Discipline::Wildcard => self.offset.to_datetime(start),
            Discipline::Fixed => self.offset.max(self.offset_before).to_datetime(start),
        }
    }
}

impl Pattern {
    /// The first tick that is `from` or later; `from` is a whole second.
    pub(super) fn first_tick(&self, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
        let mut from = from;
        loop {
            let stretch = Stretch::around(zone, from);
            if let Some(tick) = self.first_in(&stretch, from) {
                return Some(tick);
            }
            // No instant after `end` has a local time before this one, and no tick for a local time
            // comes sooner than under the largest offset: sparse schedules skip years at a time.
            let end = stretch.end?;
            let local = self.first_local_from(Offset::MIN.to_datetime(end))?;
            from = Offset::MAX.to_timestamp(local).map_or(end, |earliest| end.max(earliest));
        }
    }

    /// The last tick that is `until` or earlier; `until` is a whole second.
    pub(super) fn last_tick(&self, zone: &TimeZone, until: Timestamp) -> Option<Timestamp> {
        let mut until = until;
        loop {
            let stretch = Stretch::around(zone, until);
            if let Some(tick) = self.last_in(&stretch, until) {
                return Some(tick);
            }
            let before = stretch.start?.checked_sub(SECOND).ok()?;
            let local = self.last_local_until(Offset::MAX.to_datetime(before))?;
            until = Offset::MIN.to_timestamp(local).map_or(before, |latest| before.min(latest));
        }
    }

    /// How many ticks there are from `from` to `until`, both included and whole seconds; takes a
    /// time that grows with the stretches and months in between, not with the ticks.
    pub(super) fn count(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> u64 {
        let mut out = 0;
        let mut from = Some(from);
        while let Some(first) = from.filter(|first| *first <= until) {
            let stretch = Stretch::around(zone, first);
            from = stretch.end;
            let last = from.and_then(|end| end.checked_sub(SECOND).ok()).unwrap_or(until);
            out += self.count_in(&stretch, first, last.min(until));
        }
        out
    }

    /// The local times in the gap before `stretch` for which there is one tick at its start.
    pub(super) fn first_moved(&self, stretch: &Stretch) -> Option<DateTime> {
        if self.discipline == Discipline::Wildcard {
            return None;
        }
        let (first, end) = stretch.gap()?;
        let is_short = stretch.offset.duration_since(stretch.offset_before) <= GAP_MAX;
        self.first_local_from(first).filter(|local| is_short && *local < end)
    }

    /// The first admitted local time that is `from` or later, whether it occurs in a zone or not.
    pub(super) fn first_local_from(&self, from: DateTime) -> Option<DateTime> {
        let mut date = self.days.first_from(from.date())?;
        if date == from.date() {
            if let Some(time) = self.clock.first_from(from.time()) {
                return Some(date.to_datetime(time));
            }
            date = self.days.first_from(date.tomorrow().ok()?)?;
        }
        Some(date.to_datetime(self.clock.first()?))
    }

    /// The last admitted local time that is `until` or earlier, whether it occurs in a zone or not.
    pub(super) fn last_local_until(&self, until: DateTime) -> Option<DateTime> {
        let mut date = self.days.last_until(until.date())?;
        if date == until.date() {
            if let Some(time) = self.clock.last_until(until.time()) {
                return Some(date.to_datetime(time));
            }
            date = self.days.last_until(date.yesterday().ok()?)?;
        }
        Some(date.to_datetime(self.clock.last()?))
    }

    fn first_in(&self, stretch: &Stretch, from: Timestamp) -> Option<Timestamp> {
        if stretch.start == Some(from) && self.first_moved(stretch).is_some() {
            return Some(from);
        }
        let low = stretch.offset.to_datetime(from).max(stretch.first_local(self.discipline));
        let tick = stretch.offset.to_timestamp(self.first_local_from(low)?).ok()?;
        stretch.end.is_none_or(|end| tick < end).then_some(tick)
    }

    fn last_in(&self, stretch: &Stretch, until: Timestamp) -> Option<Timestamp> {
        let low = stretch.first_local(self.discipline);
        let local = self.last_local_until(stretch.offset.to_datetime(until));
        match local.filter(|local| *local >= low) {
            Some(local) => stretch.offset.to_timestamp(local).ok(),
            None => stretch.start.filter(|_| self.first_moved(stretch).is_some()),
        }
    }

    fn count_in(&self, stretch: &Stretch, from: Timestamp, until: Timestamp) -> u64 {
        let start = stretch.offset.to_datetime(from);
        let low = start.max(stretch.first_local(self.discipline));
        let is_moved = stretch.start == Some(from) && self.first_moved(stretch).is_some();
        let is_one_more = is_moved && !self.admits(start);
        self.count_local(low, stretch.offset.to_datetime(until)) + u64::from(is_one_more)
    }

    /// How many local times from `low` to `high`, both included, are admitted.
    fn count_local(&self, low: DateTime, high: DateTime) -> u64 {
        if low > high {
            return 0;
        }
        let per_day = u64::from(self.clock.count());
        let mut out = u64::from(self.days.count(low.date(), high.date())) * per_day;
        if self.days.admits(low.date()) {
            out -= u64::from(self.clock.count_before(low.time()));
        }
        if self.days.admits(high.date()) {
            out -= per_day - u64::from(self.clock.count_before(high.time()));
            out += u64::from(self.clock.admits(high.time()));
        }
        out
    }

    fn admits(&self, local: DateTime) -> bool {
        self.days.admits(local.date()) && self.clock.admits(local.time())
    }
}
