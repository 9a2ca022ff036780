//! The six fields of a cron expression: their names, ranges and words.
//!
//! Reading the text of a field is not the job of this module; it says what a value may be, and how
//! a message calls it.

/// One field of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

const MONTHS: &[&str] =
    &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    /// In the order of an expression; the first is left out of one with five fields.
    pub(super) const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// The name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day-of-month",
            Self::Month => "month",
            Self::DayOfWeek => "day-of-week",
        }
    }

    /// The smallest and the largest number that may be written. In a week, 0 and 7 are both Sunday.
    pub(super) fn range(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
        }
    }

    /// How many different values there are before they begin again.
    pub(super) fn cycle(self) -> u8 {
        match self {
            Self::DayOfWeek => 7,
            other => other.range().1 - other.range().0 + 1,
        }
    }

    /// What may be written where one value is wanted.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "a number 0-59",
            Self::Hour => "a number 0-23",
            Self::DayOfMonth => "a number 1-31, `L`, `LW` or `15W`",
            Self::Month => "a number 1-12 or `JAN` to `DEC`",
            Self::DayOfWeek => "a number 0-7, `SUN` to `SAT`, `5L` or `5#2`",
        }
    }

    /// The number that a word of three letters stands for, in any case.
    pub(super) fn word(self, text: &str) -> Option<u8> {
        let (words, first) = match self {
            Self::Month => (MONTHS, 1),
            Self::DayOfWeek => (DAYS, 0),
            _ => return None,
        };
        (first..).zip(words).find(|(_, word)| word.eq_ignore_ascii_case(text)).map(|(n, _)| n)
    }

    /// Whether the field names days, so that `?` may stand for `*`.
    pub(super) fn is_of_days(self) -> bool {
        matches!(self, Self::DayOfMonth | Self::DayOfWeek)
    }
}
