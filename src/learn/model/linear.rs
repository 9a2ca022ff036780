//! Ordinary least squares.
//!
//! linfa-linear solves it, by a QR decomposition, on columns that vary and are not sums of others, with
//! mean 0 and standard deviation 1. It would take all columns, but returns arbitrary coefficients for
//! collinear ones and NaN for NaN, both as success; the tests here show it. It ignores the weights of a data
//! set: rows are therefore centred on weighted means and multiplied by the root of their weights.

use linfa::ParamGuard;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2, ShapeBuilder as _};

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Design, Scaling, Slot};
use crate::learn::model::coordinates::{Coordinate, coordinates, shift, varying};
use crate::learn::model::gram::{self, Alias};
use crate::learn::model::weighted_sum::{Link, WeightedSum};
use crate::learn::model::{FitError, FittedModel, Kind, Model, Target, Training, estimator_error};

const ID: &str = "linear";

/// Most matrix columns.
const COLUMNS_MAX: usize = 2_000;

/// Least squares with an intercept.
#[derive(Debug)]
pub(super) struct Linear;

impl Kind for Linear {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# linear\n\n\
         Ordinary least squares: the value is a weighted sum of the features, fitted to the smallest sum of \
         squared errors. For `regression` with many more rows than columns; `elastic_net` otherwise.\n\n\
         It has no parameters. A column that never varies or is a sum of others gets the coefficient 0 and a \
         warning. Of each categorical feature the most frequent category is the base that the coefficients \
         of the others are relative to."
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
        let ModelParams::Linear = params else { return Err(FitError::Unfit { kind: ID }) };
        let (model, warnings) = LinearParams.fit(training)?;
        Ok(FittedModel { model: Box::new(model), warnings })
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        WeightedSum::decode(bytes, Link::Identity, slots, outputs)
    }
}

/// There is nothing to choose, so there is nothing to check.
#[derive(Debug, Clone, Copy)]
struct LinearParams;

/// See [`LinearParams`].
#[derive(Debug, Clone, Copy)]
struct Checked;

impl ParamGuard for LinearParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        Ok(&Checked)
    }

    fn check(self) -> Result<Checked, FitError> {
        Ok(Checked)
    }
}

impl<'a> Fit<&'a Design, Target<'a>, FitError> for Checked {
    type Object = (WeightedSum, Vec<String>);

    fn fit(&self, training: &Training<'a>) -> Result<Self::Object, FitError> {
        let design = *training.records();
        let Target::Values(target) = *training.targets() else {
            return Err(FitError::Unfit { kind: ID });
        };
        let coordinates = coordinates(design)?;
        let candidates = candidates(design, &coordinates);
        if candidates.len() > COLUMNS_MAX {
            let (what, found, max) = ("matrix columns", candidates.len(), COLUMNS_MAX);
            return Err(FitError::TooLarge { kind: ID, what, found, max });
        }
        let (rows, columns) = (design.rows(), candidates.len());
        if target.len() != rows || rows <= columns {
            return Err(FitError::TooFewRows { kind: ID, rows, columns });
        }
        let aliases = gram::aliases(&gram::correlations(design, &coordinates, &candidates, 1));
        let is_kept = |place: &usize| aliases.iter().all(|alias| alias.place != *place);
        let kept: Vec<usize> =
            (0..columns).filter(is_kept).map(|place| candidates[place]).collect();
        let mean = design.mean(target);
        let found = solve(design, &coordinates, &kept, target, mean)?;
        let mut weights = vec![0.0; design.width()];
        for (column, weight) in kept.iter().zip(found) {
            weights[*column] = weight / coordinates[*column].spread;
        }
        let intercepts = vec![shift(mean, &weights, &coordinates)];
        let warnings = aliases.iter().map(|alias| warning(design, &candidates, alias)).collect();
        Ok((WeightedSum { link: Link::Identity, intercepts, weights }, warnings))
    }
}

/// The columns that vary, without the most frequent category of each feature: beside an intercept the
/// columns of a feature's categories are collinear, as they add up to 1.
fn candidates(design: &Design, coordinates: &[Coordinate]) -> Vec<usize> {
    let is_base =
        |column: &usize| design.groups().iter().any(|group| group.most_frequent == *column);
    varying(coordinates).into_iter().filter(|column| !is_base(column)).collect()
}

/// The weights of the columns at mean 0 and spread 1.
fn solve(
    design: &Design,
    coordinates: &[Coordinate],
    columns: &[usize],
    target: &[f64],
    mean: f64,
) -> Result<Vec<f64>, FitError> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = Vec::with_capacity(design.rows() * columns.len());
    let roots: Option<Vec<f64>> =
        design.weights().map(|weights| weights.iter().map(|weight| weight.sqrt()).collect());
    let weigh = |values: &mut [f64]| {
        let roots = roots.iter().flatten();
        values.iter_mut().zip(roots).for_each(|(value, root)| *value *= root);
    };
    for column in columns {
        let Coordinate { centre, spread } = coordinates[*column];
        let from = values.len();
        values.extend(design.column(*column).iter().map(|value| (value - centre) / spread));
        weigh(&mut values[from..]);
    }
    let records = Array2::from_shape_vec((design.rows(), columns.len()).f(), values)
        .map_err(estimator_error(ID))?;
    let mut centred: Vec<f64> = target.iter().map(|value| value - mean).collect();
    weigh(&mut centred);
    let fitted = LinearRegression::new()
        .with_intercept(false)
        .fit(&linfa::Dataset::new(records, Array1::from_vec(centred)))
        .map_err(estimator_error(ID))?;
    let found = fitted.params().to_vec();
    match found.iter().position(|weight| !weight.is_finite()) {
        Some(place) => Err(FitError::NotFinite { column: design.names()[columns[place]].clone() }),
        None => Ok(found),
    }
}

fn warning(design: &Design, candidates: &[usize], alias: &Alias) -> String {
    let name = |place: usize| format!("`{}`", design.names()[candidates[place]]);
    let column = name(alias.place);
    match alias.of.as_slice() {
        [] => format!("column {column} is collinear with other columns; its coefficient is 0"),
        [one] => format!("column {column} duplicates {}; its coefficient is 0", name(*one)),
        [first, .., last] if alias.of.len() > 3 => format!(
            "column {column} is a sum of {} columns from {} to {}; its coefficient is 0",
            alias.of.len(),
            name(*first),
            name(*last)
        ),
        several => {
            let names: Vec<String> = several.iter().map(|place| name(*place)).collect();
            format!("column {column} is a sum of {}; its coefficient is 0", names.join(" and "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> (Vec<f64>, Vec<f64>) {
        let wave = |step: f64| (0..60).map(|row| (f64::from(row) * step).sin()).collect();
        (wave(0.37), wave(1.7))
    }

    fn fit(columns: &[Vec<f64>], target: &[f64]) -> Result<(WeightedSum, Vec<String>), FitError> {
        let design = Design::from_columns(columns);
        LinearParams.fit(&Training::new(&design, Target::Values(target)))
    }

    #[test]
    fn an_exact_relation_is_found_at_any_scale() {
        let (a, b) = columns();
        for scale in [1e-8, 1.0, 1e8] {
            let scaled: Vec<f64> = b.iter().map(|value| 1e3 * scale + value * scale).collect();
            let target: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 2.0 - 3.0 * a + 0.5 * b).collect();
            let (found, warnings) = fit(&[a.clone(), scaled], &target).unwrap();
            assert!((found.weights[0] + 3.0).abs() < 1e-9);
            assert!((found.weights[1] * scale - 0.5).abs() < 1e-9);
            assert!((found.intercepts[0] - (2.0 - 500.0)).abs() < 1e-6);
            assert!(warnings.is_empty());
        }
    }

    #[test]
    fn collinear_columns_get_a_warning_where_linfa_is_silent() {
        let (a, b) = columns();
        let double: Vec<f64> = a.iter().map(|value| 2.0 * value + 1.0).collect();
        let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let all = [a.clone(), vec![4.0; 60], double, b, sum];
        let (found, warnings) = fit(&all, &a).unwrap();
        assert!((found.weights[0] - 1.0).abs() < 1e-9);
        assert!(found.weights[1..].iter().all(|weight| weight.abs() < 1e-9));
        assert_eq!(
            warnings,
            [
                "column `x2` duplicates `x0`; its coefficient is 0",
                "column `x4` is a sum of `x0` and `x3`; its coefficient is 0",
            ]
        );

        let design = Design::from_columns(&all);
        let records = design.view().unwrap().to_owned();
        let dataset = linfa::Dataset::new(records, Array1::from_vec(a));
        let linfas = LinearRegression::new().fit(&dataset);
        // Ok with whatever came out, or an error that names no column, as rounding will have it.
        if let Ok(linfas) = linfas {
            assert!(linfas.params().iter().any(|weight| weight.abs() > 1e-6));
        }
    }

    #[test]
    fn nan_never_becomes_a_coefficient_as_in_linfa() {
        let (mut a, b) = columns();
        a[7] = f64::NAN;
        assert!(matches!(fit(&[a.clone(), b.clone()], &b), Err(FitError::NotFinite { .. })));
        let records = Design::from_columns(&[a]).view().unwrap().to_owned();
        let linfas =
            LinearRegression::new().fit(&linfa::Dataset::new(records, Array1::from_vec(b)));
        assert!(linfas.unwrap().params()[0].is_nan());
    }

    #[test]
    fn fewer_rows_than_columns_are_refused() {
        let found = fit(&[vec![1.0, 2.0], vec![2.0, 1.0]], &[1.0, 2.0]);
        assert!(matches!(found, Err(FitError::TooFewRows { rows: 2, columns: 2, .. })));
    }
}
