//! Least squares with L1 and L2 penalties.
//!
//! Coordinate descent on the products of columns (Friedman, Hastie and Tibshirani, "Regularization paths
//! for generalized linear models via coordinate descent", 2010, section 2.2), so that a sweep costs the
//! same for any number of rows. linfa-elasticnet is not used: it centres the target but not the columns,
//! it tells zero by an absolute 2e-16, its stopping rule never holds for `l1_ratio = 0`, and reaching the
//! limit of iterations looks like success. The tests here show it, and that both agree where it is right.

use linfa::ParamGuard;
use linfa::traits::Fit;
use ndarray::Array2;

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Scaling, Slot};
use crate::learn::model::coordinates::{coordinates, shift, varying};
use crate::learn::model::weighted_sum::{Link, WeightedSum};
use crate::learn::model::{
    ABOVE_ZERO, FROM_ZERO, FitError, FittedModel, Kind, Model, Target, Training, check_range, gram,
};

const ID: &str = "elastic_net";

/// Most matrix columns.
const COLUMNS_MAX: usize = 2_000;

/// Least squares with penalties.
#[derive(Debug)]
pub(super) struct ElasticNet;

impl Kind for ElasticNet {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# elastic_net\n\n\
         Least squares with an L1 and an L2 penalty on the weights: minimises \
         1/(2n)·‖y − Xw‖² + alpha·l1_ratio·‖w‖₁ + ½·alpha·(1 − l1_ratio)·‖w‖², the intercept is not \
         penalised. For `regression` with many or correlated columns; the L1 part sets weights to 0.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `alpha` | weight of the penalties | 1.0 |\n\
         | `l1_ratio` | share of the L1 penalty, 0 (ridge) to 1 (lasso) | 0.5 |\n\
         | `max_iterations` | sweeps over all columns after which the fit fails | 10000 |\n\
         | `tolerance` | the fit is done when no column violates the optimality conditions by more than this, \
         as a correlation with the residual | 1e-7 |\n\n\
         Numbers are scaled unless `features.scale` says otherwise; the penalties act on the scaled weights. \
         The tolerance is not scikit-learn's duality gap; at the default it is the stricter one. With \
         `data.weight` each squared error counts by its weight, scaled to a mean of 1 as in scikit-learn, so \
         that `alpha` means the same in any unit of the weights."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Regression]
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
        let ModelParams::ElasticNet { alpha, l1_ratio, iterations_max, tolerance } = *params else {
            return Err(FitError::Unfit { kind: ID });
        };
        let params = ElasticNetParams(Checked { alpha, l1_ratio, iterations_max, tolerance });
        Ok(FittedModel { model: Box::new(params.fit(training)?), warnings: Vec::new() })
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        WeightedSum::decode(bytes, Link::Identity, slots, outputs)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct ElasticNetParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    alpha: f64,
    l1_ratio: f64,
    iterations_max: u32,
    tolerance: f64,
}

impl ParamGuard for ElasticNetParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let Checked { alpha, l1_ratio, iterations_max, tolerance } = self.0;
        let iterations = f64::from(iterations_max);
        check_range(ID, "alpha", alpha, FROM_ZERO, "0 or more")?;
        check_range(ID, "l1_ratio", l1_ratio, 0.0..=1.0, "0 to 1")?;
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
        let target = match *training.targets() {
            Target::Values(target) if target.len() == design.rows() => target,
            _ => return Err(FitError::Unfit { kind: ID }),
        };
        let coordinates = coordinates(design)?;
        let columns = varying(&coordinates);
        if columns.len() > COLUMNS_MAX {
            let (what, found, max) = ("matrix columns", columns.len(), COLUMNS_MAX);
            return Err(FitError::TooLarge { kind: ID, what, found, max });
        }
        let mean = design.mean(target);
        let mut centred: Vec<f64> = target.iter().map(|value| value - mean).collect();
        let squares: Vec<f64> = centred.iter().map(|value| value * value).collect();
        let variance = design.mean(&squares);
        if let Some(weights) = design.weights() {
            centred.iter_mut().zip(weights).for_each(|(value, weight)| *value *= weight);
        }
        let spread = |column: &usize| coordinates[*column].spread;
        let l1 = self.alpha * self.l1_ratio;
        let l2 = self.alpha * (1.0 - self.l1_ratio);
        let problem = Quadratic {
            curvature: gram::correlations(design, &coordinates, &columns, 1),
            slope: gram::products(design, &coordinates, &columns, &centred),
            l1: columns.iter().map(|column| l1 / spread(column)).collect(),
            l2: columns.iter().map(|column| l2 / spread(column).powi(2)).collect(),
        };
        let found = problem.minimise(self.iterations_max, self.tolerance, variance.sqrt())?;
        let mut weights = vec![0.0; design.width()];
        for (column, weight) in columns.iter().zip(found) {
            weights[*column] = weight / spread(column);
        }
        let intercepts = vec![shift(mean, &weights, &coordinates)];
        Ok(WeightedSum { link: Link::Identity, intercepts, weights })
    }
}

/// `½·vᵀ·curvature·v − slope·v + Σ l1·|v| + ½·Σ l2·v²`.
struct Quadratic {
    curvature: Array2<f64>,
    slope: Vec<f64>,
    l1: Vec<f64>,
    l2: Vec<f64>,
}

impl Quadratic {
    /// The minimum, within `tolerance` of the optimality conditions in units of `unit`.
    fn minimise(&self, sweeps_max: u32, tolerance: f64, unit: f64) -> Result<Vec<f64>, FitError> {
        let mut weights = vec![0.0; self.slope.len()];
        let mut found = f64::INFINITY;
        let wanted = tolerance * unit;
        for sweep in 0..=sweeps_max {
            // Computed afresh for each sweep, so that rounding does not pile up.
            let mut residual = self.residual(&weights);
            found = self.violation(&weights, &residual);
            if found <= wanted {
                return Ok(weights);
            }
            if sweep < sweeps_max {
                self.sweep(&mut weights, &mut residual);
            }
        }
        Err(FitError::NotConverged {
            kind: ID,
            iterations: u64::from(sweeps_max),
            measure: "the largest violation of the optimality conditions",
            found: if unit > 0.0 { found / unit } else { found },
            wanted: tolerance,
            remedy: "raise `alpha`, `tolerance` or `max_iterations`",
        })
    }

    /// Brings one weight after the other to its minimum, given the others.
    fn sweep(&self, weights: &mut [f64], residual: &mut [f64]) {
        for place in 0..weights.len() {
            let before = weights[place];
            let own = self.curvature[[place, place]];
            let pull = residual[place] + own * before;
            let shrunk = (pull.abs() - self.l1[place]).max(0.0).copysign(pull);
            let after = shrunk / (own + self.l2[place]);
            let step = after - before;
            if step.abs() > 0.0 {
                weights[place] = after;
                let row = self.curvature.row(place);
                residual.iter_mut().zip(row).for_each(|(out, entry)| *out -= step * entry);
            }
        }
    }

    /// `slope − curvature · v`: the product of each column with what is not explained.
    fn residual(&self, weights: &[f64]) -> Vec<f64> {
        let explained = |row: ndarray::ArrayView1<'_, f64>| -> f64 {
            row.iter().zip(weights).map(|(entry, weight)| entry * weight).sum()
        };
        let rows = self.curvature.rows().into_iter();
        self.slope.iter().zip(rows).map(|(slope, row)| slope - explained(row)).collect()
    }

    /// The largest distance of zero from the subdifferential, over the weights.
    fn violation(&self, weights: &[f64], residual: &[f64]) -> f64 {
        let of = |place: usize| {
            let (weight, l1) = (weights[place], self.l1[place]);
            let pull = residual[place] - self.l2[place] * weight;
            if weight.abs() > 0.0 {
                (pull - l1.copysign(weight)).abs()
            } else {
                (pull.abs() - l1).max(0.0)
            }
        };
        (0..weights.len()).map(of).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;

    fn params(alpha: f64, l1_ratio: f64) -> ElasticNetParams {
        ElasticNetParams(Checked { alpha, l1_ratio, iterations_max: 10_000, tolerance: 1e-9 })
    }

    fn columns() -> [Vec<f64>; 3] {
        let wave = |step: f64, by: f64| {
            (0..400).map(|row| (f64::from(row) * step).sin() + by * f64::from(row % 5)).collect()
        };
        [wave(0.37, 0.1), wave(1.7, 0.5), wave(0.9, -0.2)]
    }

    fn target(columns: &[Vec<f64>; 3]) -> Vec<f64> {
        (0..400)
            .map(|row| 5.0 + columns[0][row] - 2.0 * columns[1][row] + (row % 7) as f64 * 0.1)
            .collect()
    }

    fn ours(columns: &[Vec<f64>], target: &[f64], params: ElasticNetParams) -> WeightedSum {
        let design = Design::from_columns(columns);
        params.fit(&Training::new(&design, Target::Values(target))).unwrap()
    }

    fn linfas(
        columns: &[Vec<f64>],
        target: &[f64],
        alpha: f64,
        l1_ratio: f64,
    ) -> linfa_elasticnet::ElasticNet<f64> {
        let records = Design::from_columns(columns).view().unwrap().to_owned();
        let dataset = linfa::Dataset::new(records, Array1::from_vec(target.to_vec()));
        let params = linfa_elasticnet::ElasticNet::params().penalty(alpha).l1_ratio(l1_ratio);
        params.tolerance(1e-12).max_iterations(5_000).fit(&dataset).unwrap()
    }

    fn centred(values: &[f64]) -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value - mean).collect()
    }

    #[test]
    fn linfa_agrees_on_centred_columns_and_only_there() {
        let columns = columns();
        let target = target(&columns);
        let found = ours(&columns, &target, params(0.1, 0.5));
        let centred_columns = columns.clone().map(|values| centred(&values));
        let theirs = linfas(&centred_columns, &target, 0.1, 0.5);
        for (ours, theirs) in found.weights.iter().zip(theirs.hyperplane()) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
        }
        let raw = linfas(&columns, &target, 0.1, 0.5);
        let gap = found.weights[1] - raw.hyperplane()[1];
        assert!(gap.abs() > 0.05, "linfa centres columns by now: use it again ({gap})");
    }

    #[test]
    fn ridge_converges_where_linfas_gap_never_closes() {
        let columns = columns().map(|values| centred(&values));
        let target = centred(&target(&columns));
        let found = ours(&columns, &target, params(0.3, 0.0));
        let theirs = linfas(&columns, &target, 0.3, 0.0);
        assert_eq!(theirs.n_steps(), 5_000, "linfa stops by its gap by now: use it again");
        for (ours, theirs) in found.weights.iter().zip(theirs.hyperplane()) {
            assert!((ours - theirs).abs() < 1e-8);
        }
    }

    #[test]
    fn unscaled_columns_are_fitted_to_the_same_value() {
        let columns = columns();
        let target = target(&columns);
        let tiny = columns.clone().map(|values| values.iter().map(|value| value * 1e-10).collect());
        let plain = ours(&columns, &target, params(0.0, 0.5));
        let scaled = ours(&tiny, &target, params(0.0, 0.5));
        for (plain, scaled) in plain.weights.iter().zip(&scaled.weights) {
            assert!((plain / (scaled * 1e-10) - 1.0).abs() < 1e-5);
        }
        assert!(
            linfas(&tiny, &target, 0.0, 0.5).hyperplane().iter().all(|weight| weight.abs() < 1e-9)
        );
    }

    #[test]
    fn reaching_the_limit_is_an_error() {
        let columns = columns();
        let design = Design::from_columns(&columns);
        let target = target(&columns);
        let training = Training::new(&design, Target::Values(&target));
        let checked = Checked { iterations_max: 1, ..params(1e-9, 0.5).0 };
        let told = ElasticNetParams(checked).fit(&training).unwrap_err().to_string();
        assert!(told.contains("did not converge in 1 iterations"), "{told}");
        let wrong = ElasticNetParams(Checked { l1_ratio: 1.5, ..checked });
        let told = wrong.fit(&training).unwrap_err().to_string();
        assert_eq!(told, "parameter `l1_ratio` of kind `elastic_net` is 1.5, wanted 0 to 1");
    }

    #[test]
    fn a_strong_penalty_leaves_the_mean() {
        let columns = columns();
        let target = target(&columns);
        let found = ours(&columns, &target, params(1e6, 1.0));
        assert!(found.weights.iter().all(|weight| weight.abs() < f64::MIN_POSITIVE));
        assert!((found.intercepts[0] - target.iter().sum::<f64>() / 400.0).abs() < 1e-12);
    }
}
