//! The time of day. Nobody else reads it: everything takes a `Timestamp`, so that a run can be repeated
//! as of any moment.
//!
//! The hidden variable `NIGHTSHIFT_NOW` stops the clock at a moment, for tests.

use jiff::{Timestamp, TimestampRound, Unit};

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    System,
    /// A clock that stands still.
    Stopped(Timestamp),
}

/// The hidden variable does not hold a time.
#[derive(Debug, thiserror::Error)]
#[error("variable `NIGHTSHIFT_NOW` holds `{found}`, wanted a time like `2026-01-05T02:30:00Z`")]
pub struct ClockError {
    /// What it holds.
    found: String,
    /// Why that is no time.
    #[source]
    source: jiff::Error,
}

impl Clock {
    /// The clock of the machine, unless `NIGHTSHIFT_NOW` names a moment.
    pub fn from_environment() -> Result<Self, ClockError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one variable about time is read where time is read"
        )]
        let found = std::env::var_os("NIGHTSHIFT_NOW");
        found.map_or(Ok(Self::System), |text| Self::stopped(&text.to_string_lossy()))
    }

    fn stopped(text: &str) -> Result<Self, ClockError> {
        let at = text.parse().map_err(|source| ClockError { found: text.to_owned(), source })?;
        Ok(Self::Stopped(microseconds(at)))
    }

    /// The present moment to the microsecond, which is what the store keeps of it.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the reader of the clock")]
                let now = Timestamp::now();
                microseconds(now)
            }
            Self::Stopped(at) => at,
        }
    }
}

/// Cuts what is finer than a microsecond.
fn microseconds(at: Timestamp) -> Timestamp {
    let rounding = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
    at.round(rounding).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_says_one_time() {
        let clock = Clock::stopped("2026-01-05T02:30:00.123456789Z").unwrap();
        assert_eq!(clock.now().to_string(), "2026-01-05T02:30:00.123456Z");
        assert_eq!(clock.now(), clock.now());
    }

    #[test]
    fn a_variable_that_is_no_time_is_an_error() {
        for text in ["", "tonight", "2026-01-05", "2026-13-05T00:00:00Z"] {
            let error = Clock::stopped(text).unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn the_system_clock_keeps_microseconds() {
        assert_eq!(Clock::System.now().subsec_nanosecond() % 1_000, 0);
    }
}
