//! The population stability index on the frozen cells of the reference.

use super::{ColumnPair, DriftTest, Shift, shares};
use crate::learn::profile::CellKind;

/// The smallest share that a cell counts as: without it an empty cell would make the index infinite.
const SHARE_MIN: f64 = 1e-4;

/// See [`DriftTest::explain`].
pub(super) struct Psi;

impl DriftTest for Psi {
    fn id(&self) -> &'static str {
        "psi"
    }

    fn explain(&self) -> &'static str {
        "# psi\n\n\
         Population stability index: the sum over cells of (c - r) ln(c / r), where r and c are the shares of \
         the reference and of tonight's rows in the cell. Cells of numbers are cut at the deciles of the \
         reference, a tied decile being a cell of its own; cells of texts are its most frequent categories and \
         `__other__`. Nulls are a cell, and so are NaN and infinities. Shares below 0.0001 count as 0.0001.\n\n\
         From 0, no upper end. By convention below 0.1 is stable and above 0.25 a marked shift. On few rows \
         it is large by chance alone, which is why a p-value must agree before a column counts as drifted."
    }

    fn accepts(&self, _: CellKind) -> bool {
        true
    }

    /// Σ (c − r) ln(c / r), shares clipped from below and not normalised again (Siddiqi, *Credit Risk
    /// Scorecards*, 2006).
    fn measure(&self, pair: &ColumnPair) -> Option<Shift> {
        let terms = shares(&pair.cells())?.into_iter().map(|(reference, current)| {
            let (r, c) = (reference.max(SHARE_MIN), current.max(SHARE_MIN));
            (c - r) * (c / r).ln()
        });
        Some(Shift::exactly(terms.sum()))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::frame::{Cells, Numbers};

    fn psi(before: &[f64], tonight: &[f64]) -> f64 {
        let cells = |values: &[f64]| {
            Cells::Number(Numbers { values: Cow::Owned(values.to_vec()), nulls: Vec::new() })
        };
        let pair = ColumnPair::of(&cells(before), &cells(tonight)).unwrap();
        Psi.measure(&pair).unwrap().effect
    }

    /// The vector of the statistics document, computed with numpy.
    #[test]
    fn the_value_is_that_of_numpy() {
        let before: Vec<f64> = (0..1000_u32).map(|i| f64::from((37 * i) % 1000) / 10.0).collect();
        let mut tonight: Vec<f64> = before[..400].iter().map(|value| value + 5.0).collect();
        let found = psi(&before, &tonight);
        assert!((found - 0.078_962_441_4).abs() < 1e-10, "{found}");
        // One outlier moves one row from one cell to another, and no edge.
        tonight[0] = 1e6;
        assert!((psi(&before, &tonight) - found).abs() < 0.01);
    }

    #[test]
    fn a_shift_off_a_constant_is_seen() {
        assert!(psi(&[4.0; 500], &[5.0; 500]) > 1.0);
        assert!(psi(&[4.0; 500], &[4.0; 100]).abs() < 1e-12);
    }
}
