//! The Kolmogorov-Smirnov distance, with missing values as one more value beyond all others.

use super::{ColumnPair, DriftTest, Shift};
use crate::learn::profile::CellKind;

/// See [`DriftTest::explain`].
pub(super) struct Ks;

impl DriftTest for Ks {
    fn id(&self) -> &'static str {
        "ks"
    }

    fn explain(&self) -> &'static str {
        "# ks\n\n\
         Kolmogorov-Smirnov: the largest distance between the distribution functions of the reference and of \
         tonight's numbers. 0 to 1. The statistic is that of the finite values; for the effect a missing value \
         (null, NaN, infinite) counts as one that lies beyond all others, so that a surge of nulls is seen.\n\n\
         The p-value told with it is that of the finite values alone: exact for up to 10,000 rows, asymptotic \
         above. The one that decides asks about missing values too.\n\n\
         It needs no bins and sees any kind of change, a shift of the middle best. For numbers only."
    }

    fn accepts(&self, kind: CellKind) -> bool {
        kind == CellKind::Number
    }

    /// D = sup |F(x) − G(x)| (Smirnov, 1939); with missing shares p and q the effect is the supremum of
    /// |(1 − p) F − (1 − q) G| and |p − q|.
    fn measure(&self, pair: &ColumnPair) -> Option<Shift> {
        let ColumnPair::Number(pair) = pair else { return None };
        let statistic = pair.distance()?.statistic();
        let effect = pair.distance_of_rows();
        Some(Shift { effect, statistic, short_by: pair.distance_short_by() })
    }

    /// Where nothing is missing, the evidence is this very p-value, and need not be computed twice.
    fn p_value(&self, pair: &ColumnPair, evidence: Option<f64>) -> Option<f64> {
        match pair {
            ColumnPair::Number(pair) if pair.missing().total() > 0 => {
                pair.distance().map(|distance| distance.p_value())
            }
            _ => evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::{Cells, Numbers};

    #[test]
    fn a_missing_value_lies_beyond_all_others() {
        let cells = |missing: usize| {
            let values: Vec<f64> = (0..100_u32).map(f64::from).collect();
            let nulls = (0..100).map(|row| row % 10 < missing).collect();
            Cells::Number(Numbers { values: Cow::Owned(values), nulls })
        };
        let pair = ColumnPair::of(&cells(0), &cells(4)).unwrap();
        let found = Ks.measure(&pair).unwrap();
        assert!((found.effect - 0.4).abs() < 1e-12, "{found:?}");
        assert!(found.statistic < 0.1, "{found:?}");
        // The values that are there are alike; that many are not there is the evidence's affair.
        let evidence = crate::learn::drift::evidence::p_value(&pair);
        assert!(evidence.is_some_and(|p| p < 1e-9), "{evidence:?}");
        assert!(Ks.p_value(&pair, evidence).is_some_and(|p| p > 0.5));
    }
}
