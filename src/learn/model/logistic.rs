//! Binary and multinomial logistic regression.
//!
//! The objective and its conditioning are ours, the optimiser is argmin's L-BFGS. linfa-logistic is not
//! used: its positive class is the more frequent one, it sums losses over rows but compares the gradient
//! with an absolute tolerance, it reports reaching the iteration limit as success, and its multinomial
//! loss is wrong where logits differ by more than about 35, and it ignores weights. The tests here show
//! each of these.

/// The minimum of the objective, or an error.
mod minimise;
/// The penalised log loss and its gradient.
mod objective;
/// What linfa does instead.
#[cfg(test)]
mod traps;
/// Coordinates in which the objective is nearly round.
mod whitening;

use linfa::ParamGuard;
use linfa::traits::Fit;

use self::objective::Objective;
use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Scaling, Slot};
use crate::learn::model::coordinates::{Coordinate, coordinates, shift};
use crate::learn::model::weighted_sum::{Link, WeightedSum};
use crate::learn::model::{
    ABOVE_ZERO, ClassTarget, FROM_ZERO, FitError, FittedModel, Kind, Model, Target, Training,
    check_range,
};

const ID: &str = "logistic";

/// Most weights (columns times outputs).
const WEIGHTS_MAX: usize = 1_000_000;

/// Logistic regression.
#[derive(Debug)]
pub(super) struct Logistic;

impl Kind for Logistic {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# logistic\n\n\
         Logistic regression: the log odds of the positive class are a weighted sum of the features; for \
         more than two classes, the log probability of each class is, up to a constant (softmax). The first \
         choice for `binary` and `multiclass`: fast, well calibrated, its coefficients can be read.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `alpha` | weight of the L2 penalty ½·alpha·‖w‖² beside the *sum* of the log losses, \
         scikit-learn's `1 / C`; the intercept is not penalised | 1.0 |\n\
         | `class_weight` | `\"balanced\"`: a row counts `n / (classes · rows of its class)`, times its \
         `data.weight`. It moves probabilities away from the base rate; `model.calibrate` brings them back | \
         `\"none\"` |\n\
         | `max_iterations` | steps of L-BFGS after which the fit fails | 1000 |\n\
         | `tolerance` | the fit is done when the gradient of the mean loss is at most this long, in \
         coordinates where the loss is about equally curved in all directions | 1e-7 |\n\n\
         Numbers are scaled unless `features.scale` says otherwise; the penalty acts on the scaled weights. A \
         fit that does not converge is an error, never a model."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Binary, Task::Multiclass]
    }

    fn scaling(&self) -> Scaling {
        Scaling::Standard
    }

    fn fit(
        &self,
        params: &ModelParams,
        training: &Training<'_>,
        _seed: u64,
    ) -> Result<FittedModel, FitError> {
        let ModelParams::Logistic { alpha, iterations_max, tolerance } = *params else {
            return Err(FitError::Unfit { kind: ID });
        };
        let model = LogisticParams(Checked { alpha, iterations_max, tolerance }).fit(training)?;
        Ok(FittedModel { model: Box::new(model), warnings: Vec::new() })
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        WeightedSum::decode(bytes, link(outputs), slots, outputs)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct LogisticParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    alpha: f64,
    iterations_max: u64,
    tolerance: f64,
}

impl ParamGuard for LogisticParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let Checked { alpha, iterations_max, tolerance } = self.0;
        let iterations = iterations_max as f64;
        check_range(ID, "alpha", alpha, FROM_ZERO, "0 or more")?;
        check_range(ID, "max_iterations", iterations, 1.0..=f64::MAX, "1 or more")?;
        check_range(ID, "tolerance", tolerance, ABOVE_ZERO, "more than 0")?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Checked, FitError> {
        self.check_ref().copied()
    }
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Checked {
    type Object = WeightedSum;

    fn fit(&self, training: &Training<'a>) -> Result<WeightedSum, FitError> {
        let design = *training.records();
        let ClassTarget { index, outputs, .. } = match *training.targets() {
            Target::Classes(target) if target.index.len() == design.rows() => target,
            _ => return Err(FitError::Unfit { kind: ID }),
        };
        let weight_count = outputs.saturating_mul(design.width() + 1);
        if weight_count > WEIGHTS_MAX {
            let (what, found, max) = ("weights", weight_count, WEIGHTS_MAX);
            return Err(FitError::TooLarge { kind: ID, what, found, max });
        }
        let coordinates = coordinates(design)?;
        let objective = Objective::new(design, &coordinates, self.alpha, index, outputs);
        let found = minimise::minimise(&objective, self.iterations_max, self.tolerance)?;
        Ok(map_back(&objective, &found, &coordinates, link(outputs)))
    }
}

fn link(outputs: usize) -> Link {
    if outputs == 1 { Link::Logistic } else { Link::Softmax }
}

/// From the coordinates of the solver to those of the matrix; columns that never vary weigh nothing.
fn map_back(
    objective: &Objective<'_>,
    found: &[f64],
    coordinates: &[Coordinate],
    link: Link,
) -> WeightedSum {
    let columns = objective.columns();
    let (mut intercepts, mut weights) = (Vec::new(), Vec::new());
    for found in found.chunks(columns.len() + 1) {
        let mut mapped = vec![0.0; coordinates.len()];
        for (column, weight) in columns.iter().zip(found) {
            mapped[*column] = weight / coordinates[*column].spread;
        }
        intercepts.push(shift(found[columns.len()], &mapped, coordinates));
        weights.extend(mapped);
    }
    WeightedSum { link, intercepts, weights }
}
