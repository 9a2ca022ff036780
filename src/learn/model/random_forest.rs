//! Trees on rows drawn with replacement, averaged.
//!
//! Breiman, *Random forests*, Machine Learning 45, 2001. Each split asks columns drawn for it alone,
//! without replacement; linfa's forest draws them once for each tree, with replacement. How trees are
//! grown is said in [`tree`].

use linfa::ParamGuard;
use linfa::traits::Fit;

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Encoding, Scaling, Slot};
use crate::learn::model::tree::{Binned, Combine, ForestSpec, ForestTarget, NODES_MAX, State};
use crate::learn::model::{
    ClassTarget, FitError, FittedModel, Kind, Model, Target, Training, check_range, tree,
};

const ID: &str = "random_forest";

/// Most trees.
const TREES_MAX: u32 = 10_000;

/// Trees on rows drawn with replacement, averaged.
#[derive(Debug)]
pub(super) struct RandomForest;

impl Kind for RandomForest {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# random_forest\n\n\
         The average of many trees, each grown on as many rows as there are, drawn with replacement, with few \
         columns to choose from at each split. For all tasks; good without tuning, large on disk.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `trees` | how many trees, 1 to 10,000 | 100 |\n\
         | `max_depth` | most splits on the way to a leaf, 1 to 64 | 32 |\n\
         | `min_samples_leaf` | fewest rows of a leaf | 1, or more where there are many rows: 8 for a million |\n\
         | `max_features` | the share of columns that a split chooses from, above 0 to 1 | the square root of their number for classes, all for a regression |\n\n\
         All draws follow from `train.seed`. A forest has at most 16,777,216 nodes; the default of \
         `min_samples_leaf` keeps it below. Missing values and categories are taken as by `decision_tree`."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Binary, Task::Multiclass, Task::Regression]
    }

    fn scaling(&self) -> Scaling {
        Scaling::None
    }

    fn encoding(&self) -> Encoding {
        Encoding::Native
    }

    fn fit(
        &self,
        params: &ModelParams,
        training: &Training<'_>,
        seed: u64,
    ) -> Result<FittedModel, FitError> {
        let ModelParams::RandomForest { trees, depth_max, leaf_rows_min, columns } = *params else {
            return Err(FitError::Unfit { kind: ID });
        };
        let checked = Checked { trees, depth_max, leaf_rows_min, columns, seed };
        let state = RandomForestParams(checked).fit(training)?;
        tree::fitted(ID, state, training.records().slots())
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        tree::decode(bytes, slots, outputs)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct RandomForestParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    trees: u32,
    depth_max: u32,
    leaf_rows_min: Option<u32>,
    columns: Option<f64>,
    seed: u64,
}

impl ParamGuard for RandomForestParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let Checked { trees, depth_max, leaf_rows_min, columns, .. } = self.0;
        tree::check_shape(ID, depth_max, leaf_rows_min.unwrap_or(1))?;
        let part = columns.unwrap_or(1.0);
        check_range(ID, "trees", f64::from(trees), 1.0..=f64::from(TREES_MAX), "1 to 10,000")?;
        check_range(ID, "max_features", part, f64::MIN_POSITIVE..=1.0, "above 0 to 1")?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Checked, FitError> {
        self.check_ref().copied()
    }
}

impl Checked {
    /// Columns that a split chooses from, of `all`.
    fn columns(&self, target: &Target<'_>, all: usize) -> usize {
        let wanted = match (self.columns, target) {
            (Some(share), _) => share * all as f64,
            (None, Target::Classes(_)) => (all as f64).sqrt(),
            (None, Target::Values(_)) => all as f64,
        };
        (1..=all).rfind(|count| *count as f64 <= wanted).unwrap_or(1)
    }

    /// Fewest rows of a leaf: a power of two such that trees as large as `rows` allow can be kept.
    fn leaf_rows_min(&self, rows: usize) -> u32 {
        let by_rows = || {
            // About 0.63 of the rows are in a tree, and a tree of n leaves has 2n − 1 nodes.
            let nodes = rows as f64 * 1.3 * f64::from(self.trees);
            let wanted = nodes / NODES_MAX as f64;
            (0..u32::BITS).map(|power| 1u32 << power).find(|rows| f64::from(*rows) >= wanted)
        };
        self.leaf_rows_min.or_else(by_rows).unwrap_or(u32::MAX)
    }
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Checked {
    type Object = State;

    fn fit(&self, training: &Training<'a>) -> Result<State, FitError> {
        let design = *training.records();
        let spec = ForestSpec {
            trees: self.trees as usize,
            draws_rows: true,
            columns: self.columns(training.targets(), design.slots().len()),
            depth_max: self.depth_max as usize,
            rows_min: self.leaf_rows_min(design.rows()),
            seed: self.seed,
        };
        state(ID, training, &spec)
    }
}

/// Grows the trees of a kind that averages them.
pub(super) fn state(
    kind: &'static str,
    training: &Training<'_>,
    spec: &ForestSpec,
) -> Result<State, FitError> {
    let binned = Binned::fit(&tree::features(kind, training.records())?, spec.seed);
    let shares: Vec<f64>;
    let (target, outputs) = match *training.targets() {
        Target::Values(values) => (ForestTarget::Values(values), 1),
        Target::Classes(ClassTarget { index, outputs: 1, .. }) => {
            shares = index.iter().map(|class| f64::from(*class)).collect();
            (ForestTarget::Values(&shares), 1)
        }
        Target::Classes(ClassTarget { index, count, .. }) => {
            (ForestTarget::Classes(index, count), count)
        }
    };
    let trees = tree::grow_forest(&binned, target, training.records().weights(), spec)
        .map_err(|_| FitError::TooManyNodes { kind, max: NODES_MAX })?;
    let base = vec![0.0; outputs];
    Ok(State { cuts: binned.cuts, trees, base, combine: Combine::Mean })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED: Checked =
        Checked { trees: 100, depth_max: 32, leaf_rows_min: None, columns: None, seed: 7 };

    #[test]
    fn columns_are_drawn_as_the_task_wants() {
        let classes = Target::binary(&[0, 1]);
        let values = Target::Values(&[0.0, 1.0]);
        let found = [1, 2, 20, 100].map(|all| CHECKED.columns(&classes, all));
        assert_eq!(found, [1, 1, 4, 10]);
        assert_eq!(CHECKED.columns(&values, 20), 20);
        let third = Checked { columns: Some(1.0 / 3.0), ..CHECKED };
        assert_eq!([1, 3, 20].map(|all| third.columns(&values, all)), [1, 1, 6]);
    }

    #[test]
    fn leaves_grow_with_rows_where_nothing_is_said() {
        let found = [1, 100_000, 1_000_000, 100_000_000].map(|rows| CHECKED.leaf_rows_min(rows));
        assert_eq!(found, [1, 1, 8, 1_024]);
        let said = Checked { leaf_rows_min: Some(3), ..CHECKED };
        assert_eq!(said.leaf_rows_min(100_000_000), 3);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let told = |checked| RandomForestParams(checked).check().unwrap_err().to_string();
        let wanted = "parameter `trees` of kind `random_forest` is 0, wanted 1 to 10,000";
        assert_eq!(told(Checked { trees: 0, ..CHECKED }), wanted);
        let wanted = "parameter `max_features` of kind `random_forest` is 0, wanted above 0 to 1";
        assert_eq!(told(Checked { columns: Some(0.0), ..CHECKED }), wanted);
        assert!(told(Checked { columns: Some(f64::NAN), ..CHECKED }).contains("NaN"));
        assert!(told(Checked { depth_max: 0, ..CHECKED }).contains("`max_depth`"));
    }
}
