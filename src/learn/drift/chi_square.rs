//! Cramér's V of the table of categories by side.

use super::contingency::{chi_squared, homogeneity};
use super::{ColumnPair, DriftTest, Shift, totals};
use crate::learn::profile::CellKind;

/// See [`DriftTest::explain`].
pub(super) struct ChiSquare;

impl DriftTest for ChiSquare {
    fn id(&self) -> &'static str {
        "chi_square"
    }

    fn explain(&self) -> &'static str {
        "# chi_square\n\n\
         The chi-square test of homogeneity on the table of categories by side, nulls being a category. Its \
         effect is Cramér's V, the root of chi-square over the number of rows: 0 where the shares are alike, 1 \
         where no category occurs on both sides. The statistic is chi-square itself, on the table that the \
         p-value comes from: categories too rare for it are pooled.\n\n\
         Both sides are samples; the goodness-of-fit form that some tools use takes the reference for exact \
         and alarms far too often. V shrinks when one side is much smaller than the other; psi does not. For \
         texts only."
    }

    fn accepts(&self, kind: CellKind) -> bool {
        kind == CellKind::Text
    }

    /// V = √(χ² / N), two rows making the smaller side of the table 1 (Cramér, 1946).
    fn measure(&self, pair: &ColumnPair) -> Option<Shift> {
        let ColumnPair::Text(pair) = pair else { return None };
        let cells = pair.cells();
        let whole = chi_squared(&cells)?;
        let rows = totals(&cells).total() as f64;
        let statistic = homogeneity(&cells)?.statistic;
        Some(Shift { effect: (whole.statistic / rows).sqrt(), statistic, short_by: 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Cells;

    #[test]
    fn the_effect_is_between_alike_and_apart() {
        let effect = |before: &[&'static str], tonight: &[&'static str]| {
            let cells = |texts: &[&'static str]| {
                Cells::text(texts.iter().copied().map(Some).cycle().take(600))
            };
            let pair = ColumnPair::of(&cells(before), &cells(tonight)).unwrap();
            ChiSquare.measure(&pair).unwrap().effect
        };
        assert!(effect(&["a", "b"], &["b", "a"]).abs() < 1e-12);
        assert!((effect(&["a", "b"], &["c"]) - 1.0).abs() < 1e-12);
        let some = effect(&["a", "b"], &["a", "a", "b"]);
        assert!((some - 1.0 / 35.0_f64.sqrt()).abs() < 1e-9, "{some}");
    }
}
