//! Schedules whose ticks follow each other faster than the runs for them end.
//!
//! Nothing is wrong with such a schedule by itself, and no run fails of it: what becomes of a tick that finds
//! another run at work is `overlap`'s to say. But most people do not mean it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// With fewer runs than this, a percentile says nothing.
const RUNS_MIN: usize = 5;

/// So many ticks ahead are looked at for the shortest gap.
const TICKS: usize = 100;

/// What to say of `schedule` if it is due more often, after `now`, than the slowest twentieth of the last runs,
/// which took `durations`, would allow.
pub fn crowding(schedule: &Schedule, durations: &[Duration], now: Timestamp) -> Option<String> {
    let usual_max = percentile_95(durations)?;
    let period = shortest_gap(schedule, now)?;
    if period >= usual_max {
        return None;
    }
    let (period, took) = (shown(period), shown(usual_max));
    let (runs, name) = (durations.len(), "schedule.cron");
    Some(format!(
        "two ticks are only {period} apart, and one in twenty of the last {runs} runs took {took} or longer: \
         let `{name}` leave more time, let the runs take less, or say with `schedule.overlap` what becomes of a \
         tick that finds one at work"
    ))
}

/// The smallest of `durations` that 95 % of them do not exceed (nearest rank); `None` of too few.
fn percentile_95(durations: &[Duration]) -> Option<Duration> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * 95).div_ceil(100);
    (sorted.len() >= RUNS_MIN).then(|| sorted[rank - 1])
}

/// The shortest time between two of the next ticks; `None` if there is one at most.
fn shortest_gap(schedule: &Schedule, now: Timestamp) -> Option<Duration> {
    let ticks: Vec<Timestamp> = schedule.ticks_after(now).take(TICKS).collect();
    ticks.windows(2).map(|pair| pair[1].duration_since(pair[0]).unsigned_abs()).min()
}

/// To the second, or to the tenth of one where it is short.
fn shown(span: Duration) -> String {
    if span < Duration::from_secs(10) {
        return format!("{:.1} s", span.as_secs_f64());
    }
    SignedDuration::try_from(Duration::from_secs(span.as_secs()))
        .map_or_else(|_| "very long".to_owned(), |span| format!("{span:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cron: &str, durations: &[Duration]) -> Option<String> {
        let schedule = Schedule::parse(cron, "UTC", None).unwrap();
        crowding(&schedule, durations, Timestamp::UNIX_EPOCH)
    }

    fn minutes(of: &[u64]) -> Vec<Duration> {
        of.iter().map(|minutes| Duration::from_mins(*minutes)).collect()
    }

    #[test]
    fn a_period_below_what_runs_take_is_told_with_both_numbers() {
        let found = said("*/5 * * * *", &minutes(&[1, 7, 2, 1, 1])).unwrap();
        assert!(
            found.contains("only 5m apart") && found.contains("last 5 runs took 7m"),
            "{found}"
        );
        assert!(found.contains("`schedule.overlap`"), "{found}");
        let short = vec![Duration::from_millis(1_500); 5];
        let found = said("* * * * * *", &short).unwrap();
        assert!(found.contains("only 1.0 s apart") && found.contains("took 1.5 s"), "{found}");
        // The shortest gap counts: two hours of the morning.
        assert!(said("0 9,10 * * *", &minutes(&[61; 5])).is_some());
    }

    #[test]
    fn nothing_is_said_without_reason_or_evidence() {
        assert_eq!(said("*/5 * * * *", &minutes(&[7; 4])), None);
        assert_eq!(said("*/5 * * * *", &minutes(&[5; 100])), None);
        // One slow run in a hundred is no rule; six are.
        let mut runs = [1; 100];
        runs[0] = 60;
        assert_eq!(said("*/5 * * * *", &minutes(&runs)), None);
        runs[..6].fill(60);
        assert!(said("*/5 * * * *", &minutes(&runs)).is_some());
    }
}
