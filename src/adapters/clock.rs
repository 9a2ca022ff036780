//! The time of day. Nobody else reads it: everything takes a `Timestamp`, so that a run can be repeated
//! as of any moment.
//!
//! The hidden variable `NIGHTSHIFT_NOW` is for tests. A time stops the clock there; `<time>@<real time>*<speed>`
//! is a clock that showed the first when the second was real, and runs so many times as fast: every
//! process that has the variable sees the same time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    System,
    /// A clock that stands still.
    Stopped(Timestamp),
    /// A clock that runs from another moment, or faster.
    Running {
        /// What it showed.
        shown: Timestamp,
        /// When it did.
        real: Timestamp,
        /// Its seconds in a real one.
        speed: u32,
    },
}

/// The hidden variable does not hold a time.
#[derive(Debug, thiserror::Error)]
#[error(
    "variable `NIGHTSHIFT_NOW` holds `{found}`, wanted a time like `2026-01-05T02:30:00Z`, or \
     `<time>@<real time>*<speed>`"
)]
pub struct ClockError {
    /// What it holds.
    found: String,
    /// Why that is no time.
    #[source]
    source: Option<jiff::Error>,
}

impl Clock {
    /// The clock of the machine, unless `NIGHTSHIFT_NOW` names a moment.
    pub fn from_environment() -> Result<Self, ClockError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one variable about time is read where time is read"
        )]
        let found = std::env::var_os("NIGHTSHIFT_NOW");
        found.map_or(Ok(Self::System), |text| Self::parse(&text.to_string_lossy()))
    }

    fn parse(text: &str) -> Result<Self, ClockError> {
        let wrong = |source| ClockError { found: text.to_owned(), source };
        let time = |part: &str| part.parse::<Timestamp>().map_err(|source| wrong(Some(source)));
        let Some((shown, rest)) = text.split_once('@') else {
            return Ok(Self::Stopped(microseconds(time(text)?)));
        };
        let (real, speed) = rest.split_once('*').ok_or_else(|| wrong(None))?;
        let speed = speed.parse().map_err(|_| wrong(None))?;
        Ok(Self::Running { shown: time(shown)?, real: time(real)?, speed })
    }

    /// The present moment to the microsecond, which is what the store keeps of it.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => microseconds(real_time()),
            Self::Stopped(at) => at,
            Self::Running { shown, real, speed } => {
                let passed = real_time().duration_since(real).as_secs_f64() * f64::from(speed);
                let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or_default();
                microseconds(shown.saturating_add(passed).unwrap_or(shown))
            }
        }
    }

    /// How long a span of this clock takes on the machine's. A clock that stands still measures nothing: spans
    /// are as long as they are.
    pub fn real_span(self, span: Duration) -> Duration {
        match self {
            Self::System | Self::Stopped(_) => span,
            Self::Running { speed, .. } => span / speed.max(1),
        }
    }
}

fn real_time() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the reader of the clock")]
    Timestamp::now()
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
        let clock = Clock::parse("2026-01-05T02:30:00.123456789Z").unwrap();
        assert_eq!(clock.now().to_string(), "2026-01-05T02:30:00.123456Z");
        assert_eq!(clock.now(), clock.now());
    }

    #[test]
    fn a_variable_that_is_no_time_is_an_error() {
        let broken =
            ["", "tonight", "2026-01-05", "2026-13-05T00:00:00Z", "2026-01-05T00:00:00Z@x*1"];
        for text in broken {
            let error = Clock::parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn a_running_clock_is_the_same_for_everybody() {
        let real = real_time();
        let text = format!("2026-03-28T23:00:00Z@{real}*3600");
        let clock = Clock::parse(&text).unwrap();
        let hour = SignedDuration::from_hours(1);
        let shown: Timestamp = "2026-03-28T23:00:00Z".parse().unwrap();
        assert!(clock.now() >= shown && clock.now() < shown + 10 * hour);
        assert_eq!(Clock::parse(&text).unwrap(), clock);
        assert_eq!(clock.real_span(Duration::from_hours(2)), Duration::from_secs(2));
        assert_eq!(Clock::System.real_span(Duration::from_secs(5)), Duration::from_secs(5));
    }

    #[test]
    fn the_system_clock_keeps_microseconds() {
        assert_eq!(Clock::System.now().subsec_nanosecond() % 1_000, 0);
    }
}
