//! The times of day that a cron expression admits.
//!
//! Invariant: no set is empty, so every day that matches has a first and a last time. Which days
//! match, and what a time of day is as an instant, is decided elsewhere.

use jiff::civil::Time;

use super::bits::Bits;

/// Seconds, minutes and hours, each admitted independently of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockPattern {
    pub(super) seconds: Bits,
    pub(super) minutes: Bits,
    pub(super) hours: Bits,
}

impl ClockPattern {
    /// The earliest admitted time of a day.
    pub(super) fn first(&self) -> Option<Time> {
        time(self.hours.first()?, self.minutes.first()?, self.seconds.first()?)
    }

    /// The latest admitted time of a day.
    pub(super) fn last(&self) -> Option<Time> {
        time(self.hours.last()?, self.minutes.last()?, self.seconds.last()?)
    }

    /// The earliest admitted time that is `from` or later on the same day.
    pub(super) fn first_from(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) = parts(from);
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.first_from(second)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = self.minutes.first_from(minute + 1) {
                return time(hour, minute, self.seconds.first()?);
            }
        }
        time(self.hours.first_from(hour + 1)?, self.minutes.first()?, self.seconds.first()?)
    }

    /// The latest admitted time that is `until` or earlier on the same day.
    pub(super) fn last_until(&self, until: Time) -> Option<Time> {
        let (hour, minute, second) = parts(until);
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.last_until(second)
            {
                return time(hour, minute, second);
            }
            let earlier = minute.checked_sub(1).and_then(|high| self.minutes.last_until(high));
            if let Some(minute) = earlier {
                return time(hour, minute, self.seconds.last()?);
            }
        }
        let hour = self.hours.last_until(hour.checked_sub(1)?)?;
        time(hour, self.minutes.last()?, self.seconds.last()?)
    }

    /// How many times of a day are admitted.
    pub(super) fn count(&self) -> u32 {
        self.hours.count() * self.minutes.count() * self.seconds.count()
    }

    /// How many times of a day are admitted before `time`.
    pub(super) fn count_before(&self, time: Time) -> u32 {
        let (hour, minute, second) = parts(time);
        let mut out = self.hours.count_below(hour) * self.minutes.count() * self.seconds.count();
        if self.hours.contains(hour) {
            out += self.minutes.count_below(minute) * self.seconds.count();
            if self.minutes.contains(minute) {
                out += self.seconds.count_below(second);
            }
        }
        out
    }

    /// Whether `time`, a whole second, is admitted.
    pub(super) fn admits(&self, time: Time) -> bool {
        let (hour, minute, second) = parts(time);
        self.hours.contains(hour) && self.minutes.contains(minute) && self.seconds.contains(second)
    }
}

fn parts(time: Time) -> (u8, u8, u8) {
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs);
    (hour, minute, second)
}

fn time(hour: u8, minute: u8, second: u8) -> Option<Time> {
    let [hour, minute, second] = [hour, minute, second].map(|part| i8::try_from(part).ok());
    Time::new(hour?, minute?, second?, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::time as at;

    use super::*;

    #[test]
    fn times_carry_into_minutes_and_hours_both_ways() {
        let pattern = ClockPattern {
            seconds: Bits::stepped(15, 45, 30),
            minutes: Bits::stepped(20, 40, 20),
            hours: Bits::stepped(1, 23, 11),
        };
        let check = |from: (i8, i8, i8), first: Option<Time>, last: Option<Time>| {
            let from = at(from.0, from.1, from.2, 0);
            assert_eq!(pattern.first_from(from), first, "first from {from}");
            assert_eq!(pattern.last_until(from), last, "last until {from}");
        };
        check((0, 0, 0), Some(at(1, 20, 15, 0)), None);
        check((1, 20, 15), Some(at(1, 20, 15, 0)), Some(at(1, 20, 15, 0)));
        check((1, 20, 46), Some(at(1, 40, 15, 0)), Some(at(1, 20, 45, 0)));
        check((1, 40, 46), Some(at(12, 20, 15, 0)), Some(at(1, 40, 45, 0)));
        check((12, 0, 0), Some(at(12, 20, 15, 0)), Some(at(1, 40, 45, 0)));
        check((23, 40, 45), Some(at(23, 40, 45, 0)), Some(at(23, 40, 45, 0)));
        check((23, 59, 59), None, Some(at(23, 40, 45, 0)));
        assert_eq!(pattern.count(), 12);
        for (hour, minute, second, before) in
            [(0, 0, 0, 0), (1, 20, 15, 0), (1, 20, 16, 1), (1, 39, 0, 2), (23, 40, 45, 11)]
        {
            assert_eq!(pattern.count_before(at(hour, minute, second, 0)), before);
        }
        assert!(pattern.admits(at(12, 40, 45, 0)) && !pattern.admits(at(12, 40, 46, 0)));
    }
}
