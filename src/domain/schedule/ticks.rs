//! The ticks of a span of time: from either end, and how many there are.
//!
//! A span carries its bounds and nothing else, so one of forty days of minutes costs as much as an
//! empty one. Whoever wants the latest tick asks for it from the back, and whoever wants the number
//! asks for that; only what is taken is worked out.

use std::iter::FusedIterator;

use jiff::{SignedDuration, Timestamp};

use super::{Schedule, second_after, second_of};

/// The ticks of a schedule that are later than one instant and not later than another.
#[derive(Debug, Clone)]
pub struct Ticks<'a> {
    schedule: &'a Schedule,
    /// Exclusive.
    after: Timestamp,
    /// Inclusive; `None` once there is nothing left.
    until: Option<Timestamp>,
}

impl<'a> Ticks<'a> {
    pub(super) fn new(schedule: &'a Schedule, after: Timestamp, until: Timestamp) -> Self {
        Self { schedule, after, until: Some(until) }
    }

    /// How many ticks are left, without looking at each.
    ///
    /// Takes about a microsecond for each month and each change of clocks in the span.
    pub fn number(&self) -> u64 {
        let bounds = (second_after(self.after), self.until.and_then(second_of));
        let (Some(from), Some(until)) = bounds else { return 0 };
        self.schedule.pattern.count(&self.schedule.timezone, from, until)
    }
}

impl Iterator for Ticks<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        let until = self.until?;
        let found = self.schedule.next_after(self.after).filter(|tick| *tick <= until);
        match found {
            Some(tick) => self.after = tick,
            None => self.until = None,
        }
        found
    }
}

impl DoubleEndedIterator for Ticks<'_> {
    fn next_back(&mut self) -> Option<Timestamp> {
        let found = self.schedule.latest_at_or_before(self.until?);
        let found = found.filter(|tick| *tick > self.after);
        self.until = found.and_then(|tick| tick.checked_sub(SignedDuration::from_nanos(1)).ok());
        found
    }
}

impl FusedIterator for Ticks<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_taken_from_both_ends_and_counted() {
        let schedule = Schedule::parse("30 * * * *", "Europe/Berlin", None).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // Clocks go back at 01:00 UTC: 02:30 occurs twice.
        let (after, until) = (at("2026-10-24T22:30:00Z"), at("2026-10-25T02:30:00Z"));
        let mut ticks = schedule.ticks(after, until);
        assert_eq!(ticks.number(), 4);
        assert_eq!(ticks.next_back(), Some(until));
        assert_eq!(ticks.next(), Some(at("2026-10-24T23:30:00Z")));
        assert_eq!(ticks.number(), 2);
        let rest = [at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")];
        assert_eq!(ticks.clone().collect::<Vec<_>>(), rest);
        assert_eq!(ticks.clone().rev().collect::<Vec<_>>(), [rest[1], rest[0]]);
        assert_eq!((ticks.nth(1), ticks.next(), ticks.next_back()), (Some(rest[1]), None, None));
        assert_eq!(ticks.number(), 0);
    }

    #[test]
    fn a_span_that_ends_before_it_starts_is_empty() {
        let schedule = Schedule::parse("* * * * *", "UTC", None).unwrap();
        let mut ticks = schedule.ticks(Timestamp::MAX, Timestamp::MIN);
        assert_eq!((ticks.number(), ticks.next(), ticks.next_back()), (0, None, None));
    }
}
