//! The dates that a cron expression admits.
//!
//! Everything that depends on the shape of a month (`L`, `15W`, `5#2`) is worked out for one month
//! at a time as a set of its days, so that a search skips whole months. Local dates only: time
//! zones are not the job of this module.

use jiff::civil::Date;

use super::DayMatch;
use super::bits::Bits;

/// The calendar repeats itself after 400 years: what is not found within as many never comes.
const CYCLE_MONTHS: usize = 400 * 12;

/// Months, days of the month and days of the week, with how the last two combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayPattern {
    pub(super) months: Bits,
    pub(super) of_month: DaysOfMonth,
    pub(super) of_week: DaysOfWeek,
    pub(super) combine: DayMatch,
}

/// The day-of-month field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DaysOfMonth {
    pub(super) plain: Bits,
    /// `L`: the last day.
    pub(super) includes_last: bool,
    /// `LW`: the last day from Monday to Friday.
    pub(super) includes_last_weekday: bool,
    /// `nW`: the day from Monday to Friday that is nearest to day n, in the same month.
    pub(super) nearest_weekday: Bits,
}

/// The day-of-week field, Sunday being 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DaysOfWeek {
    pub(super) plain: Bits,
    /// `dL`: the last such day of a month.
    pub(super) last: Bits,
    /// `d#n`: the n-th such day of a month, at index n - 1.
    pub(super) nth: [Bits; 5],
}

/// A month of a year: its length and the day of the week on which it begins.
#[derive(Debug, Clone, Copy)]
struct Month {
    days: u8,
    first_weekday: u8,
}

impl Month {
    fn of(first: Date) -> Self {
        Self {
            days: first.days_in_month().unsigned_abs(),
            first_weekday: first.weekday().to_sunday_zero_offset().unsigned_abs(),
        }
    }

    /// The day of the week of `day`, Sunday being 0.
    fn weekday(self, day: u8) -> u8 {
        (self.first_weekday + day - 1) % 7
    }

    /// The day from Monday to Friday nearest to `day`, never in another month.
    fn nearest_weekday(self, day: u8) -> u8 {
        match self.weekday(day) {
            6 if day == 1 => 3,
            6 => day - 1,
            0 if day == self.days => day - 2,
            0 => day + 1,
            _ => day,
        }
    }
}

impl DaysOfMonth {
    fn of(&self, month: Month) -> Bits {
        let mut out = self.plain.intersection(Bits::stepped(1, month.days, 1));
        if self.includes_last {
            out.insert(month.days);
        }
        if self.includes_last_weekday {
            out.insert(month.nearest_weekday(month.days));
        }
        for day in self.nearest_weekday.iter().filter(|day| *day <= month.days) {
            out.insert(month.nearest_weekday(day));
        }
        out
    }
}

impl DaysOfWeek {
    fn of(&self, month: Month) -> Bits {
        let mut out = Bits::EMPTY;
        for day in 1..=month.days {
            let weekday = month.weekday(day);
            let is_last = day + 7 > month.days;
            let nth = self.nth[usize::from((day - 1) / 7)];
            if self.plain.contains(weekday)
                || nth.contains(weekday)
                || (is_last && self.last.contains(weekday))
            {
                out.insert(day);
            }
        }
        out
    }
}

impl DayPattern {
    /// The earliest admitted date that is `from` or later.
    pub(super) fn first_from(&self, from: Date) -> Option<Date> {
        let mut month = from.first_of_month();
        let mut low = from.day().unsigned_abs();
        for _ in 0..=CYCLE_MONTHS {
            if let Some(day) = self.days_of(month).first_from(low) {
                return on_day(month, day);
            }
            month = month.last_of_month().tomorrow().ok()?;
            low = 1;
        }
        None
    }

    /// The latest admitted date that is `until` or earlier.
    pub(super) fn last_until(&self, until: Date) -> Option<Date> {
        let mut month = until.first_of_month();
        let mut high = until.day().unsigned_abs();
        for _ in 0..=CYCLE_MONTHS {
            if let Some(day) = self.days_of(month).last_until(high) {
                return on_day(month, day);
            }
            month = month.yesterday().ok()?.first_of_month();
            high = 31;
        }
        None
    }

    /// How many dates from `first` to `last`, both included, are admitted.
    pub(super) fn count(&self, first: Date, last: Date) -> u32 {
        let mut out = 0;
        let mut month = Some(first.first_of_month());
        while let Some(start) = month.filter(|start| *start <= last) {
            let high = if start == last.first_of_month() { last.day() } else { 31 };
            let low = if start == first.first_of_month() { first.day() } else { 1 };
            let span = Bits::stepped(low.unsigned_abs(), high.unsigned_abs(), 1);
            out += self.days_of(start).intersection(span).count();
            month = start.last_of_month().tomorrow().ok();
        }
        out
    }

    /// Whether `date` is admitted.
    pub(super) fn admits(&self, date: Date) -> bool {
        self.days_of(date.first_of_month()).contains(date.day().unsigned_abs())
    }

    /// The admitted days of the month that begins on `first`.
    fn days_of(&self, first: Date) -> Bits {
        if !self.months.contains(first.month().unsigned_abs()) {
            return Bits::EMPTY;
        }
        let month = Month::of(first);
        let (of_month, of_week) = (self.of_month.of(month), self.of_week.of(month));
        match self.combine {
            DayMatch::And => of_month.intersection(of_week),
            DayMatch::Or => of_month.union(of_week),
        }
    }
}

fn on_day(month: Date, day: u8) -> Option<Date> {
    Date::new(month.year(), month.month(), i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const EVERY_DAY: DaysOfMonth = DaysOfMonth {
        plain: Bits::EMPTY,
        includes_last: false,
        includes_last_weekday: false,
        nearest_weekday: Bits::EMPTY,
    };

    #[track_caller]
    fn check(of_month: DaysOfMonth, month: Date, wanted: &[u8]) {
        assert_eq!(of_month.of(Month::of(month)).iter().collect::<Vec<_>>(), wanted, "{month}");
    }

    #[test]
    fn the_nearest_weekday_stays_in_its_month() {
        let nearest =
            |day| DaysOfMonth { nearest_weekday: Bits::stepped(day, day, 1), ..EVERY_DAY };
        // 2025-02-01 is a Saturday, 2025-06-01 a Sunday, 2025-08-31 a Sunday, 2025-05-31 a
        // Saturday.
        check(nearest(1), date(2025, 2, 1), &[3]);
        check(nearest(1), date(2025, 6, 1), &[2]);
        check(nearest(31), date(2025, 8, 1), &[29]);
        check(nearest(31), date(2025, 5, 1), &[30]);
        check(nearest(31), date(2025, 6, 1), &[]);
        check(nearest(15), date(2025, 10, 1), &[15]);
        let last = DaysOfMonth { includes_last_weekday: true, ..EVERY_DAY };
        check(last, date(2025, 8, 1), &[29]);
        check(last, date(2024, 2, 1), &[29]);
    }

    #[test]
    fn the_fifth_of_a_weekday_may_be_missing_and_the_last_never_is() {
        let mut fifth = DaysOfWeek::default();
        fifth.nth[4].insert(1);
        let mut last = DaysOfWeek::default();
        last.last.insert(1);
        // March 2026 has five Mondays, February 2026 has four.
        for (month, wanted_fifth, wanted_last) in
            [(date(2026, 3, 1), Some(30), 30), (date(2026, 2, 1), None, 23)]
        {
            assert_eq!(fifth.of(Month::of(month)).first(), wanted_fifth, "{month}");
            assert_eq!(last.of(Month::of(month)).first(), Some(wanted_last), "{month}");
        }
    }

    #[test]
    fn a_search_for_a_date_that_never_comes_ends() {
        let never = DayPattern {
            months: Bits::stepped(2, 2, 1),
            of_month: DaysOfMonth { plain: Bits::stepped(30, 30, 1), ..EVERY_DAY },
            of_week: DaysOfWeek { plain: Bits::stepped(0, 6, 1), ..DaysOfWeek::default() },
            combine: DayMatch::And,
        };
        for from in [date(2026, 1, 1), date(9990, 1, 1), date(-9990, 1, 1)] {
            assert_eq!(never.first_from(from), None, "{from}");
            assert_eq!(never.last_until(from), None, "{from}");
        }
    }
}
