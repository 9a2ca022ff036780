//! `fresh_within`: the newest row is recent.
//!
//! Recent is meant in comparison with the tick, never with the clock, so that a run which is caught
//! up a day later says the same.

use jiff::{SignedDuration, Timestamp};

use super::CheckKind;
use super::table::{Measured, Outcome};
use crate::domain::duration;

pub(super) const KIND: CheckKind = CheckKind {
    id: "fresh_within",
    explain: "# fresh_within

The newest value of the column `data.time` is at most this much older than the tick. It needs
`data.time`, and fails if no row has a time.

Use it to notice a source that is delivered on time with yesterday's rows. It compares with the tick
and not with the clock, so that a run caught up later says the same.

The finding's value is the age of the newest row in seconds; larger is worse, and below 0 the row is
newer than the tick.

```toml
[[check]]
fresh_within = \"26h\"
then         = \"warn\"
```
",
};

/// Judges `fresh_within`.
pub(super) fn measure(
    span: SignedDuration,
    newest: Option<Timestamp>,
    tick: Timestamp,
) -> Measured {
    let (limit, wanted) = (Some(span.as_secs_f64()), duration::show(span));
    let Some(newest) = newest else {
        let message = format!("no row has a time, wanted one at most {wanted} older than the tick");
        return Measured { outcome: Outcome::Failed, value: None, limit, message };
    };
    let age = tick.duration_since(newest);
    let relation = if age.is_negative() { "newer" } else { "older" };
    let (outcome, judged) = if age <= span {
        (Outcome::Passed, format!("at most {wanted} as wanted"))
    } else {
        (Outcome::Failed, format!("wanted at most {wanted}"))
    };
    let message =
        format!("the newest row is {} {relation} than the tick, {judged}", in_parts(age.abs()));
    Measured { outcome, value: Some(age.as_secs_f64()), limit, message }
}

/// A measured span, to the second: `1d 6h 5m`.
fn in_parts(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let written: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if written.is_empty() { "0s".to_owned() } else { written.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(age_secs: i64, wanted: Outcome, told: &str) {
        let tick = Timestamp::constant(1_800_000_000, 0);
        let newest = Some(tick - SignedDuration::from_secs(age_secs));
        let found = measure(SignedDuration::from_mins(90), newest, tick);
        assert_eq!(found.outcome, wanted);
        assert_eq!(found.message, format!("the newest row is {told}"));
    }

    #[test]
    fn the_limit_is_inclusive_and_the_future_is_fresh() {
        check(5_400, Outcome::Passed, "1h 30m older than the tick, at most 90m as wanted");
        check(5_401, Outcome::Failed, "1h 30m 1s older than the tick, wanted at most 90m");
        check(200_000, Outcome::Failed, "2d 7h 33m 20s older than the tick, wanted at most 90m");
        check(0, Outcome::Passed, "0s older than the tick, at most 90m as wanted");
        check(-60, Outcome::Passed, "1m newer than the tick, at most 90m as wanted");
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let found = measure(SignedDuration::MAX, Some(Timestamp::MIN), Timestamp::MAX);
        assert_eq!(found.outcome, Outcome::Passed);
        let found = measure(SignedDuration::ZERO, Some(Timestamp::MAX), Timestamp::MIN);
        assert_eq!(found.outcome, Outcome::Passed);
    }
}
