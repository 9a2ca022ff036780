//! The Jensen-Shannon distance on the frozen cells of the reference.

use super::{ColumnPair, DriftTest, Shift, shares};
use crate::learn::profile::CellKind;

/// See [`DriftTest::explain`].
pub(super) struct JensenShannon;

impl DriftTest for JensenShannon {
    fn id(&self) -> &'static str {
        "jensen_shannon"
    }

    fn explain(&self) -> &'static str {
        "# jensen_shannon\n\n\
         Jensen-Shannon distance with base 2: the root of the mean divergence of the two sides from their \
         average, on the same cells as psi. 0 to 1; 1 means that no cell holds rows of both. Other tools \
         use the natural logarithm; their value is ours times 0.8326.\n\n\
         Bounded and without a clip for empty cells, so it suits columns with many rare categories."
    }

    fn accepts(&self, _: CellKind) -> bool {
        true
    }

    /// √(½ Σ r log₂(2r / (r + c)) + ½ Σ c log₂(2c / (r + c))) (Endres and Schindelin, 2003).
    fn measure(&self, pair: &ColumnPair) -> Option<Shift> {
        let divergence: f64 = shares(&pair.cells())?
            .into_iter()
            .map(|(r, c)| {
                let term = |share: f64| {
                    if share > 0.0 { share * (2.0 * share / (r + c)).log2() } else { 0.0 }
                };
                term(r) + term(c)
            })
            .sum();
        // Rounding may leave a trace below 0 where the sides are alike.
        Some(Shift::exactly((divergence / 2.0).max(0.0).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::Cells;

    /// Wanted: `scipy.spatial.distance.jensenshannon(r, c, base=2)`, the vector of the document among
    /// them (natural logarithm there).
    #[test]
    fn the_value_is_that_of_scipy() {
        let check =
            |before: &[(&'static str, usize)], tonight: &[(&'static str, usize)], wanted: f64| {
                let cells = |counts: &[(&'static str, usize)]| {
                    let texts = counts.iter().flat_map(|(text, count)| vec![Some(*text); *count]);
                    Cells::text(texts)
                };
                let pair = ColumnPair::of(&cells(before), &cells(tonight)).unwrap();
                let found = JensenShannon.measure(&pair).unwrap().effect;
                assert!((found - wanted).abs() < 1e-9, "{found}");
            };
        let nat = 2.0_f64.ln().sqrt();
        let before = [("a", 600), ("b", 300), ("c", 100)];
        check(&before, &[("a", 200), ("b", 150), ("d", 50)], 0.286_953_946_3 / nat);
        check(&before, &before, 0.0);
        check(&[("a", 3)], &[("b", 9)], 1.0);
    }
}
