//! Trees that each mend what those before them left wrong.
//!
//! Histogram boosting as in LightGBM (Ke and others, 2017) and scikit-learn's
//! `HistGradientBoosting`, whose defaults these are. linfa has none; the crates that do were measured in
//! front of it, and were slower and worse. How trees are grown is said in [`tree`].

use linfa::ParamGuard;
use linfa::traits::Fit;

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Encoding, Scaling, Slot};
use crate::learn::model::tree::{
    Binned, BoostSpec, Boosted, Combine, NODES_MAX, Outputs, Parts, State,
};
use crate::learn::model::{
    ClassTarget, FitError, FittedModel, Kind, Model, Target, Training, check_range, tree,
};

const ID: &str = "gradient_boosting";

/// Rows up to which none are held out.
const ALL_FITTED_MAX: usize = 10_000;
/// Most histograms, columns times leaves: 1.6 GB.
const HISTOGRAMS_MAX: usize = 1 << 18;

/// Trees that each mend what those before them left wrong.
#[derive(Debug)]
pub(super) struct GradientBoosting;

impl Kind for GradientBoosting {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# gradient_boosting\n\n\
         Small trees in rounds, each grown on what those before it left wrong: log loss for classes, squared \
         error for a regression. For all tasks; usually the best on tables. Multiclass grows one tree for each \
         class and round.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `max_iterations` | most rounds, 1 to 10,000 | 100 |\n\
         | `learning_rate` | what each tree is shrunk by, above 0 to 1 | 0.1 |\n\
         | `max_leaf_nodes` | most leaves of a tree, 2 to 4,096; the leaf that gains most is split first | 31 |\n\
         | `max_depth` | most splits on the way to a leaf, 1 to 64 | 64 |\n\
         | `min_samples_leaf` | fewest rows of a leaf | 20 |\n\
         | `l2` | the weight of a penalty on what leaves say, 0 or more | 0.0 |\n\
         | `validation` | the share of rows held out to tell when to stop, 0 to 0.5; none of 10,000 rows or fewer | 0.1 |\n\
         | `patience` | rounds without a gain on them after which growing ends | 10 |\n\n\
         Once the best round on the rows held out is known, as many rounds are grown on all rows. They are held out as the test is: the \
         newest rows, with the gap, where `train.split` is by time, else all rows of some ids, by a hash with \
         `train.seed`. Missing values and categories are taken as by `decision_tree`."
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
        let ModelParams::GradientBoosting {
            iterations_max,
            learning_rate,
            leaves_max,
            depth_max,
            leaf_rows_min,
            l2,
            validation,
            patience,
        } = *params
        else {
            return Err(FitError::Unfit { kind: ID });
        };
        let spec = BoostSpec {
            rounds_max: iterations_max as usize,
            learning_rate,
            leaves_max: leaves_max as usize,
            depth_max: depth_max as usize,
            rows_min: leaf_rows_min,
            l2,
            patience: patience as usize,
        };
        let state = GradientBoostingParams(Checked { spec, validation, seed }).fit(training)?;
        tree::fitted(ID, state, training.records().slots())
    }

    fn stopping_share(&self, params: &ModelParams, rows: usize) -> f64 {
        match params {
            ModelParams::GradientBoosting { validation, .. } if rows > ALL_FITTED_MAX => {
                *validation
            }
            _ => 0.0,
        }
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        tree::decode(bytes, slots, outputs)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct GradientBoostingParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    spec: BoostSpec,
    /// The share of rows that tell when to stop.
    validation: f64,
    /// What draws the values that columns are cut by.
    seed: u64,
}

impl ParamGuard for GradientBoostingParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let Checked { spec, validation, .. } = &self.0;
        tree::check_shape(ID, u32::try_from(spec.depth_max).unwrap_or(u32::MAX), spec.rows_min)?;
        let (rounds, leaves) = (spec.rounds_max as f64, spec.leaves_max as f64);
        let patience = spec.patience as f64;
        check_range(ID, "max_iterations", rounds, 1.0..=10_000.0, "1 to 10,000")?;
        check_range(ID, "max_leaf_nodes", leaves, 2.0..=4_096.0, "2 to 4,096")?;
        check_range(ID, "patience", patience, 1.0..=10_000.0, "1 to 10,000")?;
        let rate = spec.learning_rate;
        check_range(ID, "learning_rate", rate, f64::MIN_POSITIVE..=1.0, "above 0 to 1")?;
        check_range(ID, "l2", spec.l2, 0.0..=1e12, "0 to 1e12")?;
        check_range(ID, "validation", *validation, 0.0..=0.5, "0 to 0.5")?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Checked, FitError> {
        self.check_ref().copied()
    }
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Checked {
    type Object = State;

    fn fit(&self, training: &Training<'a>) -> Result<State, FitError> {
        let design = *training.records();
        let features = tree::features(ID, design)?;
        let found = features.len().saturating_mul(self.spec.leaves_max);
        if found > HISTOGRAMS_MAX {
            let what = "columns times leaves";
            return Err(FitError::TooLarge { kind: ID, what, found, max: HISTOGRAMS_MAX });
        }
        let (outputs, combine) = match *training.targets() {
            Target::Values(values) => (Outputs::Values(values), Combine::Sum),
            Target::Classes(ClassTarget { index, outputs: 1, .. }) => {
                (Outputs::Binary(index), Combine::Logistic)
            }
            Target::Classes(ClassTarget { index, count, .. }) => {
                (Outputs::Classes(index, count), Combine::Softmax)
            }
        };
        // Weights have a mean of 1 here; the penalty is one beside sums of weights as they were given.
        let l2 = self.spec.l2 * design.rows() as f64 / design.weight_total();
        let spec = BoostSpec { l2, ..self.spec };
        let binned = Binned::fit(&features, self.seed);
        let grow = |spec: &BoostSpec, parts: &Parts| {
            tree::boost(&binned, outputs, design.weights(), (spec, parts))
                .map_err(|_| FitError::TooManyNodes { kind: ID, max: NODES_MAX })
        };
        let all = Parts::of(design.rows(), None);
        let Boosted { trees, base, .. } = match design.parts() {
            None => grow(&spec, &all)?,
            // Rows that told when to stop are grown on as well: the newest are those nearest to what is scored.
            Some(parts) => {
                let found = grow(&spec, &Parts::of(design.rows(), Some(parts)))?;
                grow(&BoostSpec { rounds_max: found.rounds, ..spec }, &all)?
            }
        };
        Ok(State { cuts: binned.cuts, trees, base, combine })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: BoostSpec = BoostSpec {
        rounds_max: 10,
        learning_rate: 0.1,
        leaves_max: 31,
        depth_max: 64,
        rows_min: 20,
        l2: 0.0,
        patience: 10,
    };

    fn params(spec: BoostSpec, validation: f64) -> GradientBoostingParams {
        GradientBoostingParams(Checked { spec, validation, seed: 7 })
    }

    #[track_caller]
    fn check_refused(spec: BoostSpec, name: &str) {
        let told = params(spec, 0.1).check().unwrap_err().to_string();
        assert!(told.contains(&format!("`{name}`")), "{told}");
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        assert!(params(SPEC, 0.1).check().is_ok());
        check_refused(BoostSpec { rounds_max: 0, ..SPEC }, "max_iterations");
        check_refused(BoostSpec { learning_rate: 0.0, ..SPEC }, "learning_rate");
        check_refused(BoostSpec { learning_rate: f64::NAN, ..SPEC }, "learning_rate");
        check_refused(BoostSpec { leaves_max: 1, ..SPEC }, "max_leaf_nodes");
        check_refused(BoostSpec { depth_max: 65, ..SPEC }, "max_depth");
        check_refused(BoostSpec { rows_min: 0, ..SPEC }, "min_samples_leaf");
        check_refused(BoostSpec { l2: -1.0, ..SPEC }, "l2");
        let told = params(SPEC, 0.6).check().unwrap_err().to_string();
        assert!(told.contains("`validation`"), "{told}");
        check_refused(BoostSpec { patience: 0, ..SPEC }, "patience");
    }

    #[test]
    fn tables_that_are_too_wide_are_refused() {
        let design = Design::from_columns(&vec![vec![0.0, 1.0]; 100]);
        let training = Training::new(&design, Target::Values(&[0.0, 1.0]));
        let GradientBoostingParams(wide) = params(BoostSpec { leaves_max: 4_096, ..SPEC }, 0.1);
        let told = wide.fit(&training).unwrap_err();
        let wanted = "kind `gradient_boosting` would need 409600 columns times leaves";
        assert!(told.to_string().starts_with(wanted), "{told}");
    }
}
