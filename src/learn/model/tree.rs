//! Trees: how they are grown, kept and walked. Three kinds of model are made of them.
//!
//! linfa's trees are not used: they search splits in the order of all rows instead of the node's, fit
//! `x <= t` and predict by `x < t`, take NaN without a word, break ties by the order of a hash map, and
//! cost nodes times rows times columns; the tests in `traps` hold ours to the opposite. Here every column
//! is cut into at most 255 bins and one for missing values. Trees are grown on bins, from sums of whole
//! numbers, which are the same in any order; and rows are walked through them by the same bins, so that
//! growing and predicting cannot disagree.

/// Values to codes.
mod bins;
/// Gradient boosting.
mod boost;
/// Forests of more than two classes.
mod classes;
/// Growing a tree for a forest.
mod depth_first;
/// Trees with the bins that they are walked by: the fitted model.
mod ensemble;
/// Trees as flat arrays.
mod flat;
/// Trees that are grown on their own.
mod forest;
/// A tree as it comes out of growing.
mod grown;
/// Growing a tree for boosting.
mod leaf_wise;
/// What boosting makes smaller.
mod loss;
/// The rows of a node, parted.
mod partition;
/// What each column adds to what trees say.
mod shapley;
/// The best way to part rows by a column.
mod split;
/// Sums as whole numbers.
mod sums;
/// Forests of values.
mod values;
/// Many rows through many trees.
mod walk;

/// Where linfa's trees fail, ours do not.
#[cfg(test)]
mod traps;

pub(super) use self::bins::{Binned, Feature};
pub(super) use self::boost::{BoostSpec, Boosted, Parts, grow as boost};
pub(super) use self::ensemble::{Combine, Ensemble, State};
pub(super) use self::flat::NODES_MAX;
pub(super) use self::forest::{ForestSpec, ForestTarget, grow as grow_forest};
pub(super) use self::loss::Outputs;
use crate::learn::features::{Design, Slot};
use crate::learn::model::{FitError, FittedModel, Model, check_range};

/// Most rows that trees are grown on: their numbers are kept in 32 bits.
const ROWS_MAX: usize = u32::MAX as usize;

/// The columns of `design` as trees take them.
pub(super) fn features<'a>(
    kind: &'static str,
    design: &'a Design,
) -> Result<Vec<Feature<'a>>, FitError> {
    let found = design.rows();
    if found > ROWS_MAX {
        return Err(FitError::TooLarge { kind, what: "rows", found, max: ROWS_MAX });
    }
    let feature = |slot: &Slot| match *slot {
        Slot::Number { column } => Ok(Feature { values: design.column(column), categories: None }),
        Slot::Code { column, count } => {
            Ok(Feature { values: design.column(column), categories: Some(count) })
        }
        Slot::Levels { .. } => Err(FitError::Unfit { kind }),
    };
    design.slots().iter().map(feature).collect()
}

/// Checks the parameters that all kinds made of trees have.
pub(super) fn check_shape(
    kind: &'static str,
    depth_max: u32,
    leaf_rows_min: u32,
) -> Result<(), FitError> {
    let rows = f64::from(leaf_rows_min);
    check_range(kind, "max_depth", f64::from(depth_max), 1.0..=64.0, "1 to 64")?;
    check_range(kind, "min_samples_leaf", rows, 1.0..=f64::MAX, "1 or more")
}

/// The model with `state`, if it holds together: what overflowed on the way does not.
pub(super) fn fitted(
    kind: &'static str,
    state: State,
    slots: &[Slot],
) -> Result<FittedModel, FitError> {
    let outputs = state.outputs();
    let model = Ensemble::new(state, slots, outputs).ok_or(FitError::Unfit { kind })?;
    Ok(FittedModel { model: Box::new(model) as Box<dyn Model>, warnings: Vec::new() })
}

/// The model that `bytes` hold, if it fits `slots`.
pub(super) fn decode(bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
    let model = Ensemble::new(postcard::from_bytes(bytes).ok()?, slots, outputs)?;
    Some(Box::new(model))
}
