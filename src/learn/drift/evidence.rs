//! The evidence that two columns differ: a p-value that knows how many rows both have.
//!
//! One for a pair, whichever test measures the effect. Numbers ask two questions: whether the finite values
//! have one distribution, and whether as many are missing; the smaller of the two p-values counts twofold,
//! so that a surge of nulls is drift and the level still holds. Where nothing is missing on either side
//! there is only the first question.

use super::contingency::homogeneity;
use super::number::NumberPair;
use super::{Cell, ColumnPair};

/// The probability of columns at least as different if both came from one distribution, 0 to 1; small
/// says that they differ. `None` if a side has no row.
pub fn p_value(pair: &ColumnPair) -> Option<f64> {
    match pair {
        ColumnPair::Number(pair) => p_value_of_numbers(pair),
        ColumnPair::Text(pair) => homogeneity(&pair.cells()).map(|found| found.p_value),
    }
}

fn p_value_of_numbers(pair: &NumberPair) -> Option<f64> {
    let missing = pair.missing();
    let of_values = pair.distance().map(|distance| distance.p_value());
    if missing.total() == 0 {
        return of_values;
    }
    let of_missing = homogeneity(&[missing, pair.finite()])?.p_value;
    Some((2.0 * of_values.unwrap_or(1.0).min(of_missing)).min(1.0))
}

/// Whether each side has at least `rows_min` rows.
pub fn is_enough(rows: Cell, rows_min: u64) -> bool {
    rows.reference.min(rows.current) >= rows_min
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::{Cells, Numbers};

    fn column(rows: u32, nulls: u32) -> Cells<'static> {
        let values: Vec<f64> =
            (0..rows).map(|row| f64::from((37 * row) % rows) / f64::from(rows)).collect();
        let is_null = (0..rows).map(|row| row < nulls).collect();
        Cells::Number(Numbers { values: Cow::Owned(values), nulls: is_null })
    }

    #[test]
    fn a_surge_of_nulls_is_evidence() {
        let p = |nulls| p_value(&ColumnPair::of(&column(1000, 0), &column(400, nulls)).unwrap());
        assert!(p(0).unwrap() > 0.9);
        assert!(p(2).unwrap() > 0.1);
        assert!(p(60).unwrap() < 1e-9);
    }

    #[test]
    fn without_rows_there_is_no_evidence() {
        let pair = ColumnPair::of(&column(10, 0), &column(0, 0)).unwrap();
        assert_eq!(p_value(&pair), None);
    }
}
