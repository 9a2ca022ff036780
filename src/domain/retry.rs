//! When a failed run is tried again: the delays of `[run].retry`, and where they end.
//!
//! A crash is a try like any other, else a job that kills its own process would be tried for ever. What is
//! worth another try is not said here.

use jiff::{SignedDuration, Timestamp};

use crate::domain::identity::RunId;
use crate::domain::job::timing::Retry;
use crate::domain::stable;

/// How far the tries of a run have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Tries that count, the last one included; 1 or more.
    pub used: u32,
    /// When the first one ended.
    pub since: Timestamp,
}

/// The earliest moment of the next try of `run`, after one that ended at `now`; `None` if there is none.
pub fn next_try(retry: &Retry, run: &RunId, tries: Tries, now: Timestamp) -> Option<Timestamp> {
    if tries.used >= retry.attempts {
        return None;
    }
    let at = now.checked_add(delay(retry, run, tries.used)).ok()?;
    (at.duration_since(tries.since) <= retry.max_elapsed).then_some(at)
}

/// The time between try `number` (1 is the first) and the next:
/// `min(max, base * factor^(number - 1)) * (1 + u)`, with `u` from minus to plus `jitter`, by run and number.
pub fn delay(retry: &Retry, run: &RunId, number: u32) -> SignedDuration {
    let exponent = f64::from(number.saturating_sub(1));
    let grown = retry.base.as_secs_f64() * retry.factor.powf(exponent);
    let plain = grown.min(retry.max.as_secs_f64());
    let spread = 2.0 * stable::share(&["retry", run.as_str(), &number.to_string()]) - 1.0;
    let seconds = plain * (1.0 + retry.jitter * spread);
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(retry.max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        attempts: 4,
        base: SignedDuration::from_secs(10),
        factor: 2.0,
        max: SignedDuration::from_mins(15),
        jitter: 0.2,
        max_elapsed: SignedDuration::from_hours(2),
    };

    fn run(number: u128) -> RunId {
        RunId::new(Timestamp::UNIX_EPOCH, number)
    }

    #[test]
    fn delays_equal_the_formula() {
        for seed in 0..10_000 {
            let run = run(seed);
            for number in 1..=12 {
                let plain = (10.0 * f64::from(2_u32.pow(number - 1))).min(900.0);
                let share = delay(&RETRY, &run, number).as_secs_f64() / plain - 1.0;
                assert!((-0.2..=0.2).contains(&share), "{share}");
                let spread =
                    2.0 * stable::share(&["retry", run.as_str(), &number.to_string()]) - 1.0;
                assert!((share - 0.2 * spread).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn without_jitter_the_delays_are_those_of_the_table() {
        let retry = Retry { jitter: 0.0, ..RETRY };
        let seconds: Vec<i64> = (1..=9).map(|n| delay(&retry, &run(7), n).as_secs()).collect();
        assert_eq!(seconds, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
    }

    #[test]
    fn the_last_try_and_the_end_of_patience_end_it() {
        let began = Timestamp::UNIX_EPOCH;
        let tries = |used| Tries { used, since: began };
        assert!(next_try(&RETRY, &run(1), tries(3), began).is_some());
        assert_eq!(next_try(&RETRY, &run(1), tries(4), began), None);
        let late = began + SignedDuration::from_hours(2);
        assert_eq!(next_try(&RETRY, &run(1), tries(1), late), None);
    }

    #[test]
    fn numbers_that_a_file_may_hold_never_panic() {
        let retry = Retry {
            factor: 100.0,
            base: SignedDuration::from_hours(24 * 36_525),
            max: SignedDuration::from_hours(24 * 36_525),
            jitter: 1.0,
            attempts: 100,
            max_elapsed: SignedDuration::from_hours(24 * 36_525),
        };
        for number in 1..=100 {
            assert!(delay(&retry, &run(3), number) >= SignedDuration::ZERO);
            let _at = next_try(
                &retry,
                &run(3),
                Tries { used: number, since: Timestamp::MIN },
                Timestamp::MAX,
            );
        }
    }
}
