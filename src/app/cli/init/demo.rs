//! The data of `init --demo`: made-up customers of ten weeks, one file a day, the same on every machine.
//!
//! Weekends are quieter than weekdays all along. On [`SHIFT_DAY`] prices rise and a campaign brings new
//! customers: the columns shift, and what makes a customer leave stays as it was. On [`CHANGE_DAY`] a rival
//! buys long contracts out: who leaves changes, and the columns stay as they are.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};

use super::random::SplitMix;

/// The first day of the data, a Monday.
pub(super) const FIRST_DAY: Date = date(2026, 3, 2);
/// How many days there are.
pub(super) const DAYS: i64 = 70;
/// Days before the first training.
pub(super) const DAYS_BEFORE: i64 = 28;
/// The first day with other columns, counted from 0.
pub(super) const SHIFT_DAY: i64 = 38;
/// The first day on which other customers leave, counted from 0.
pub(super) const CHANGE_DAY: i64 = 56;

const ROWS_WEEKDAY: u32 = 420;
const ROWS_WEEKEND: u32 = 260;

/// The job of the demo.
pub(super) const JOB: &str = r#"# Which customers are about to leave? Scored every night for the day that has ended.
name        = "churn"
description = "probability that a customer leaves"

[schedule]
cron = "0 0 * * *"

[data]
source = "data/churn/{interval_start:%Y-%m-%d}.csv"
id     = "customer"
time   = "day"
label  = "churned"

[model]
task = "binary"

[score]
output    = "scores/churn"
threshold = 0.5

[train]
window = "14d"
split  = { by = "random", test = 0.25 }

[drift]                # half of the columns, two nights in a row
share   = 0.5
persist = { of = 2, ticks = 2 }

[retrain]
on       = ["drift", "age:14d"]
cooldown = "7d"

[[gate]]               # not worse than the champion by more than this, with 95 % confidence
metric  = "roc_auc"
compare = "non_inferiority"
margin  = 0.01

[watch]                # one bad night is borne
ticks        = 7
failures_max = 1
"#;

/// The day that is `number` days after the first.
pub(super) fn day(number: i64) -> Date {
    FIRST_DAY.saturating_add(number.days())
}

/// The name of the file of a day.
pub(super) fn file(number: i64) -> String {
    format!("data/churn/{}.csv", day(number))
}

/// The table of a day as csv.
pub(super) fn table(number: i64) -> String {
    let day = day(number);
    let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let rows = if is_weekend { ROWS_WEEKEND } else { ROWS_WEEKDAY };
    let mut random = SplitMix(u64::try_from(number).unwrap_or(0).wrapping_mul(1_000_003));
    let mut out =
        String::from("customer,day,tenure_months,monthly_fee,support_calls,contract,churned\n");
    for row in 1..=rows {
        let (has_shifted, has_changed) = (number >= SHIFT_DAY, number >= CHANGE_DAY);
        let (tenure, other_tenure) = (1 + random.below(72), 1 + random.below(72));
        let tenure = if has_shifted { tenure.min(other_tenure) } else { tenure };
        let fee = 15 + random.below(86) + if has_shifted { 25 } else { 0 };
        let (first, second, third) = (random.below(10), random.below(10), random.below(12));
        // Most customers rarely call, on weekends even less.
        let calls = first.min(second).min(if is_weekend { third } else { 9 });
        let (contract, base, base_changed) = match random.below(3) {
            0 => ("monthly", 45, 10),
            1 => ("yearly", 20, 25),
            _ => ("two_years", 5, 60),
        };
        let base = if has_changed { base_changed } else { base };
        let risk = base + 7 * calls + fee / 4;
        let churned = u8::from(risk > 15 + tenure / 2 + random.below(60));
        out.extend([format!("{day}-{row:04},{day},{tenure},{fee},{calls},{contract},{churned}\n")]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_one_another_and_repeat_exactly() {
        assert_eq!(FIRST_DAY.weekday(), Weekday::Monday);
        assert_eq!(file(1), "data/churn/2026-03-03.csv");
        assert_eq!(table(5), table(5));
        assert_ne!(table(5), table(6));
        assert_eq!(table(0).lines().count(), ROWS_WEEKDAY as usize + 1);
        assert_eq!(table(5).lines().count(), ROWS_WEEKEND as usize + 1);
        assert!(table(0).contains("\n2026-03-02-0001,2026-03-02,"));
    }
}
