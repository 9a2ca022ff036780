//! The Wasserstein distance in standard deviations of the reference.

use super::{ColumnPair, DriftTest, Shift};
use crate::learn::profile::CellKind;

/// See [`DriftTest::explain`].
pub(super) struct Wasserstein;

impl DriftTest for Wasserstein {
    fn id(&self) -> &'static str {
        "wasserstein"
    }

    fn explain(&self) -> &'static str {
        "# wasserstein\n\n\
         Wasserstein distance W1, or earth mover's distance: how far the values of the reference must move on \
         average to become tonight's. The statistic is in the unit of the column; the effect is in standard \
         deviations of the reference, from 0 without an upper end. Where the reference is constant, the unit is \
         the root mean square distance of tonight's values from that constant.\n\n\
         It says how large a shift is, not only that there is one; a few huge values weigh heavily. Missing \
         values have no distance and are not looked at: use psi or ks where nulls may surge. For numbers only."
    }

    fn accepts(&self, kind: CellKind) -> bool {
        kind == CellKind::Number
    }

    fn measure(&self, pair: &ColumnPair) -> Option<Shift> {
        match pair {
            ColumnPair::Number(pair) => pair.wasserstein(),
            ColumnPair::Text(_) => None,
        }
    }
}
