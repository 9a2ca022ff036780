//! Made-up customers: a table of spells of time, each like the others or not, from 2026-01-01 on.
//!
//! Whether somebody leaves depends on the fee and on the plan, the age tells nothing.

use std::fmt::Write as _;

use rand::{Rng as _, SeedableRng as _};

/// Rows of each spell.
pub(crate) const ROWS: usize = 400;

/// What the customers of a spell are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Like {
    /// As ever.
    Usual,
    /// Older, and with higher fees: the features drift, and who leaves follows the same rule.
    Moved,
    /// As ever, but who leaves follows no rule.
    Noise,
}

/// A job file that scores them by `cron`, on every column but the region, and ends with `more`, whose first
/// lines are about `[score]`.
pub(crate) fn job(cron: &str, more: &str) -> String {
    format!(
        r#"
        name = "churn"
        [schedule]
        cron = "{cron}"
        [data]
        source = "data/churn.csv"
        id = "id"
        time = "at"
        label = "left"
        [features]
        numeric = ["fee", "age"]
        categorical = ["plan"]
        [model]
        task = "binary"
        [score]
        output = "scores/churn"
        {more}
        "#
    )
}

/// A csv table of `spells`, each `hours` long.
pub(crate) fn table(hours: i64, spells: &[Like]) -> String {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(11);
    let first: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut out = String::from("id,at,fee,age,plan,region,left\n");
    let seconds = hours * 3_600;
    for (spell, like) in spells.iter().enumerate() {
        for row in 0..ROWS {
            let number = spell * ROWS + row;
            let since = i64::try_from(number).unwrap() * seconds / i64::try_from(ROWS).unwrap();
            let at = first + jiff::SignedDuration::from_secs(since);
            let moved = if *like == Like::Moved { 20.0 } else { 0.0 };
            let fee: f64 = random.gen_range(5.0..80.0) + moved;
            let age: f64 = random.gen_range(18.0..70.0_f64).floor() + moved;
            let plan = ["basic", "plus", "all"][random.gen_range(0..3)];
            let region = ["north", "south"][random.gen_range(0..2)];
            let pull = if plan == "all" { 1.5 } else { 0.0 };
            let leaves = 1.0 / (1.0 + (-(fee - 55.0) / 8.0 - pull).exp());
            let chance = if *like == Like::Noise { 0.4 } else { leaves };
            let left = u8::from(random.gen_range(0.0..1.0) < chance);
            writeln!(out, "{number},{at},{fee:.2},{age},{plan},{region},{left}").unwrap();
        }
    }
    out
}
