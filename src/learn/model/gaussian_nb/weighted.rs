//! Gaussian naive Bayes where rows have weights, which linfa-bayes does not know.
//!
//! Of each class the share, and of each column within it the mean and the variance, every row counting by its
//! weight: what linfa and scikit-learn compute of a table in which a row of weight 2 stands twice. Variances
//! are taken about the mean in a second pass, so that an offset costs no digits. The largest variance, of
//! which `var_smoothing` is a share, is weighted too; scikit-learn takes that one of the rows as they are.

use rayon::prelude::*;

use super::State;
use crate::learn::features::Design;
use crate::learn::model::FitError;
use crate::learn::model::coordinates::coordinates;

/// The state for rows of the classes `index`, each below `count`, with `weights` above 0 and of mean 1.
pub(super) fn fit(
    design: &Design,
    weights: &[f64],
    (index, count): (&[u32], usize),
    var_smoothing: f64,
) -> Result<State, FitError> {
    let mut class_weights = vec![0.0; count];
    for (class, weight) in index.iter().zip(weights) {
        class_weights[*class as usize] += weight;
    }
    if class_weights.contains(&0.0) {
        return Err(FitError::Unfit { kind: super::ID });
    }
    let largest = coordinates(design)?.iter().map(|at| at.spread.powi(2)).fold(0.0, f64::max);
    let by_column: Vec<(Vec<f64>, Vec<f64>)> = (0..design.width())
        .into_par_iter()
        .map(|column| moments(design.column(column), weights, index, &class_weights))
        .collect();
    let total: f64 = class_weights.iter().sum();
    let (mut means, mut variances) = (Vec::new(), Vec::new());
    for class in 0..count {
        means.extend(by_column.iter().map(|(means, _)| means[class]));
        let smoothed = |variances: &[f64]| variances[class] + var_smoothing * largest;
        variances.extend(by_column.iter().map(|(_, variances)| smoothed(variances)));
    }
    let log_priors = class_weights.iter().map(|weight| (weight / total).ln()).collect();
    Ok(State { log_priors, means, variances })
}

/// The mean and the population variance of one column in each class.
fn moments(
    values: &[f64],
    weights: &[f64],
    index: &[u32],
    class_weights: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let mean_of = |part: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; class_weights.len()];
        for ((value, weight), class) in values.iter().zip(weights).zip(index) {
            sums[*class as usize] += weight * part(*class as usize, *value);
        }
        let pairs = sums.iter().zip(class_weights);
        pairs.map(|(sum, weight)| sum / weight).collect::<Vec<f64>>()
    };
    let means = mean_of(&|_, value| value);
    let variances = mean_of(&|class, value| (value - means[class]).powi(2));
    (means, variances)
}
