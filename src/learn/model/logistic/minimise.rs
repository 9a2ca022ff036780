//! The minimum of the objective, or an error.
//!
//! argmin's L-BFGS proposes, we judge: whatever made it stop, the point counts only if the gradient is
//! within the tolerance there. The number of evaluations is limited as well as that of iterations,
//! because a line search has no limit of its own.

use std::cell::{Cell, RefCell};

use argmin::core::{ArgminError, CostFunction, Error, Executor, Gradient, State as _};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

use crate::learn::model::FitError;
use crate::learn::model::logistic::objective::{Objective, Value};
use crate::learn::model::logistic::whitening::Whitening;

/// Pairs of steps and gradients that L-BFGS remembers.
const MEMORY: usize = 10;
/// Evaluations of the objective for each iteration, on average, after which the fit fails.
const EVALUATIONS_PER_ITERATION: u64 = 20;
/// How often L-BFGS is started anew from the best point after a line search has failed.
const STARTS_MAX: usize = 4;

/// The parameters at which the gradient is at most `tolerance` long.
pub(super) fn minimise(
    objective: &Objective<'_>,
    iterations_max: u64,
    tolerance: f64,
) -> Result<Vec<f64>, FitError> {
    let whitening = Whitening::new(objective);
    let evaluations_max = iterations_max.saturating_mul(EVALUATIONS_PER_ITERATION);
    let problem = Problem {
        objective,
        whitening: &whitening,
        evaluations_left: Cell::new(evaluations_max),
        latest: RefCell::new(None),
    };
    let mut at = start(objective);
    let mut value = problem.evaluate(&at);
    let mut iterations = 0;
    for _ in 0..STARTS_MAX {
        if length(&value.gradient) <= tolerance || iterations >= iterations_max {
            break;
        }
        let (next, made) = run(&problem, &at, iterations_max - iterations, tolerance);
        iterations += made.max(1);
        let next_value = problem.evaluate(&next);
        // Written so that a loss that is NaN counts as no progress.
        let is_progress = next_value.loss <= value.loss;
        if !is_progress || next == at {
            break;
        }
        (at, value) = (next, next_value);
    }
    let found = length(&value.gradient);
    if found <= tolerance {
        return Ok(whitening.parameters(&at));
    }
    Err(FitError::NotConverged {
        kind: super::ID,
        iterations,
        measure: "the length of the gradient",
        found,
        wanted: tolerance,
        remedy: "raise `alpha` (classes that can be told apart without error have no best fit without a penalty), \
                 `tolerance` or `max_iterations`",
    })
}

/// All weights 0, and intercepts that give every row the class shares.
fn start(objective: &Objective<'_>) -> Vec<f64> {
    let width = objective.columns().len();
    let shares = objective.shares();
    let curvature = Whitening::curvature(&shares).sqrt();
    let mean_log = shares.iter().map(|share| share.ln()).sum::<f64>() / shares.len() as f64;
    let mut out = vec![0.0; objective.outputs() * (width + 1)];
    for (part, share) in out.chunks_mut(width + 1).zip(&shares) {
        let intercept = match shares.len() {
            1 => (share / (1.0 - share)).ln(),
            _ => share.ln() - mean_log,
        };
        part[width] = intercept * curvature;
    }
    out
}

/// Runs L-BFGS from `at`: where it stopped, and the iterations it made.
fn run(problem: &Problem<'_>, at: &[f64], iterations_max: u64, tolerance: f64) -> (Vec<f64>, u64) {
    // No progress in the loss is not a reason to stop: the gradient still tells more digits.
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
        .with_tolerance_grad(tolerance)
        .and_then(|solver| solver.with_tolerance_cost(0.0));
    let finished = solver.and_then(|solver| {
        let configured = Executor::new(problem, solver)
            .configure(|state| state.param(at.to_vec()).max_iters(iterations_max))
            .timer(false);
        configured.run()
    });
    match finished {
        Err(_) => (at.to_vec(), 0),
        Ok(result) => {
            let iterations = result.state.get_iter();
            // The latest point has the smallest loss; it is missing where a line search has failed.
            let state = &result.state;
            let latest = state.get_param().or_else(|| state.get_best_param());
            (latest.map_or_else(|| at.to_vec(), Clone::clone), iterations)
        }
    }
}

/// The objective in whitened coordinates, as argmin asks for it.
struct Problem<'a> {
    objective: &'a Objective<'a>,
    whitening: &'a Whitening,
    evaluations_left: Cell<u64>,
    /// The latest point and its value: argmin asks for loss and gradient one after the other.
    latest: RefCell<Option<(Vec<f64>, Value)>>,
}

impl Problem<'_> {
    fn evaluate(&self, point: &[f64]) -> Value {
        if let Some((known, value)) = &*self.latest.borrow()
            && known == point
        {
            return value.clone();
        }
        let mut value = self.objective.value(&self.whitening.parameters(point));
        value.gradient = self.whitening.gradient(&value.gradient);
        *self.latest.borrow_mut() = Some((point.to_vec(), value.clone()));
        value
    }

    fn limited(&self, point: &[f64]) -> Result<Value, Error> {
        let left = self.evaluations_left.get();
        if left == 0 {
            let text = "the limit of evaluations is reached".to_owned();
            return Err(ArgminError::ConditionViolated { text }.into());
        }
        self.evaluations_left.set(left - 1);
        let value = self.evaluate(point);
        if value.loss.is_finite() {
            return Ok(value);
        }
        let text = "the loss is not finite".to_owned();
        Err(ArgminError::ConditionViolated { text }.into())
    }
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, point: &Vec<f64>) -> Result<f64, Error> {
        self.limited(point).map(|value| value.loss)
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, point: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.limited(point).map(|value| value.gradient)
    }
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|part| part * part).sum::<f64>().sqrt()
}
