//! One tree: the class shares, or the mean, of the training rows that end in the same leaf.
//!
//! Of the kinds made of trees it is the one that a person can follow, and seldom the best. How trees are
//! grown, and why not by linfa, is said in [`tree`].

use linfa::ParamGuard;
use linfa::traits::Fit;

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Encoding, Scaling, Slot};
use crate::learn::model::tree::ForestSpec;
use crate::learn::model::{
    FitError, FittedModel, Kind, Model, Target, Training, random_forest, tree,
};

const ID: &str = "decision_tree";

/// One tree.
#[derive(Debug)]
pub(super) struct DecisionTree;

impl Kind for DecisionTree {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# decision_tree\n\n\
         One tree of questions about single columns; a leaf says the class shares, or the mean, of its \
         training rows. For all tasks. Splits are those that lower Gini's impurity, or the variance, most.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `max_depth` | most questions on the way to a leaf, 1 to 64 | 10 |\n\
         | `min_samples_leaf` | fewest training rows of a leaf | 20 |\n\n\
         Numbers are cut into at most 255 bins: between all values if there are so few, else so that bins \
         hold about as many rows each. A missing number goes to the side that suits the training rows that \
         miss it; where none did, with the larger part. Categories are parted by groups; one with fewer \
         than 10 rows in a node is not told apart there, and one that training never saw goes with the \
         larger part. Nothing is scaled or made into columns of zeros and ones; `features.impute` works if it is set."
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
        let ModelParams::DecisionTree { depth_max, leaf_rows_min } = *params else {
            return Err(FitError::Unfit { kind: ID });
        };
        let state = DecisionTreeParams(Checked { depth_max, leaf_rows_min, seed }).fit(training)?;
        tree::fitted(ID, state, training.records().slots())
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        tree::decode(bytes, slots, outputs)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct DecisionTreeParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    depth_max: u32,
    leaf_rows_min: u32,
    seed: u64,
}

impl ParamGuard for DecisionTreeParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let Checked { depth_max, leaf_rows_min, .. } = self.0;
        tree::check_shape(ID, depth_max, leaf_rows_min)?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Checked, FitError> {
        self.check_ref().copied()
    }
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Checked {
    type Object = tree::State;

    fn fit(&self, training: &Training<'a>) -> Result<tree::State, FitError> {
        let spec = ForestSpec {
            trees: 1,
            draws_rows: false,
            columns: usize::MAX,
            depth_max: self.depth_max as usize,
            rows_min: self.leaf_rows_min,
            seed: self.seed,
        };
        random_forest::state(ID, training, &spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_refused() {
        let design = Design::from_columns(&[vec![1.0, 2.0]]);
        let training = Training::new(&design, Target::Values(&[1.0, 2.0]));
        let told = |depth_max, leaf_rows_min| {
            let params = ModelParams::DecisionTree { depth_max, leaf_rows_min };
            DecisionTree.fit(&params, &training, 7).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(told(1, 1), Ok(()));
        let wanted = "parameter `max_depth` of kind `decision_tree` is 65, wanted 1 to 64";
        assert_eq!(told(65, 1), Err(wanted.to_owned()));
        let wanted = "parameter `min_samples_leaf` of kind `decision_tree` is 0, wanted 1 or more";
        assert_eq!(told(5, 0), Err(wanted.to_owned()));
    }
}
