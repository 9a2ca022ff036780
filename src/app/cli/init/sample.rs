//! The table that a new project comes with: made-up customers, the same on every machine.
//!
//! Whole numbers only, so that no rounding differs. A customer leaves if the risk that follows from the
//! columns exceeds a number drawn at random: a model can learn much of it, but not all.

use super::random::SplitMix;

/// How many customers there are.
const ROWS: u32 = 600;
/// One in so many customers has no monthly fee on record: fewer than a job may set aside.
const FEE_MISSING_ONE_IN: u64 = 400;

/// The table as csv.
pub(super) fn table() -> String {
    let mut out =
        String::from("customer,tenure_months,monthly_fee,support_calls,contract,churned\n");
    let mut random = SplitMix(7);
    for row in 1..=ROWS {
        let tenure = 1 + random.below(72);
        let fee = 15 + random.below(86);
        // The smaller of two draws: most customers rarely call.
        let calls = random.below(10).min(random.below(10));
        let (contract, base) = match random.below(3) {
            0 => ("monthly", 45),
            1 => ("yearly", 20),
            _ => ("two_years", 5),
        };
        let risk = base + 7 * calls + fee / 4;
        let churned = u8::from(risk > 15 + tenure / 2 + random.below(60));
        let fee = match random.below(FEE_MISSING_ONE_IN) {
            0 => String::new(),
            _ => fee.to_string(),
        };
        out.extend([format!("C{row:05},{tenure},{fee},{calls},{contract},{churned}\n")]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_described_and_always_the_same() {
        let text = table();
        let rows: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 600);
        assert!(rows.iter().all(|row| row.len() == 6));
        let churned = rows.iter().filter(|row| row[5] == "1").count();
        assert!((150..450).contains(&churned), "{churned} of 600 leave");
        let missing = rows.iter().filter(|row| row[2].is_empty()).count();
        assert!((1..=4).contains(&missing), "{missing} have no fee");
        assert_eq!(text, table());
    }
}
