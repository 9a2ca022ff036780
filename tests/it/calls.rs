//! Made-up calls of a bank, a table a month: interest rates fall from 2008 to 2009, and who is called is asked
//! by another means.
//!
//! Whether somebody says yes follows one rule all along, which has most to do with the rate. A model that sees the
//! rate goes along with the fall, one that sees little else than how often somebody was called does not; and the
//! features of 2009 are not those of 2008, whoever scores.

use std::fmt::Write as _;

use rand::{Rng as _, SeedableRng as _};

/// The name of each month, its calls, and the rate at its beginning.
const MONTHS: [(&str, u32, f64); 8] = [
    ("2008-05", 2_600, 4.9),
    ("2008-06", 1_400, 4.6),
    ("2008-07", 1_900, 4.3),
    ("2008-08", 1_300, 4.0),
    ("2009-03", 280, 2.4),
    // More than a block of a profile.
    ("2009-04", 2_450, 2.2),
    ("2009-05", 3_100, 2.0),
    ("2009-06", 600, 1.9),
];

/// The calls of each month as csv, by the name of the month. `duration` is known only once a call is over.
pub(crate) fn months() -> impl Iterator<Item = (&'static str, String)> {
    MONTHS.iter().zip(0..).map(|((name, rows, rate), month)| (*name, table(month, *rows, *rate)))
}

fn table(month: u32, rows: u32, rate: f64) -> String {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(u64::from(month));
    let mut out = String::from("row,age,job,contact,campaign,rate,duration,label\n");
    let by_cell = if rate < 3.0 { 0.9 } else { 0.5 };
    for row in 0..rows {
        let age: f64 = random.gen_range(18.0..80.0_f64).floor();
        let job = ["clerk", "farmer", "nurse", "pupil", "retired"][random.gen_range(0..5)];
        let contact = if random.gen_bool(by_cell) { "cellular" } else { "telephone" };
        let campaign = random.gen_range(1..9);
        let rate: f64 = rate + random.gen_range(-0.4..0.2);
        let pull = f64::from(u8::from(job == "pupil" || job == "retired"));
        let logit = 1.6 - rate + (age - 45.0).abs() / 25.0 + pull - f64::from(campaign) / 8.0;
        let label = u8::from(random.gen_bool(1.0 / (1.0 + (-logit).exp())));
        let duration = random.gen_range(30..400) + 200 * u32::from(label);
        let row = month * 10_000 + row;
        writeln!(out, "{row},{age},{job},{contact},{campaign},{rate:.3},{duration},{label}")
            .unwrap();
    }
    out
}
