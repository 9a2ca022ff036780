//! Gaussian naive Bayes.
//!
//! linfa-bayes fits it: a mean and a variance for each class and column. Its prediction is ours, because
//! linfa's adds up likelihoods without scaling them: a row far from all classes has the likelihood 0 in
//! each, and so "probabilities" that are infinite. The test here shows it. Nor does it know weights: a fit
//! with weights is ours as well.

/// The fit where rows have weights.
mod weighted;

use std::collections::BTreeMap;
use std::ops::Range;

use linfa::ParamGuard;
use linfa::traits::Fit;
use linfa_bayes::GaussianNbParams as LinfaParams;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Block, BlockColumn, Design, Scaling, Slot};
use crate::learn::model::{
    FROM_ZERO, FitError, FittedModel, Kind, Model, OutputTerms, Target, TermScale, Terms, Training,
    check_range, estimator_error, kernel,
};

const ID: &str = "gaussian_nb";

/// Most means (columns times classes).
const MEANS_MAX: usize = 1_000_000;

/// Gaussian naive Bayes.
#[derive(Debug)]
pub(super) struct GaussianNb;

impl Kind for GaussianNb {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# gaussian_nb\n\n\
         Gaussian naive Bayes: within each class every column is taken as normally distributed and \
         independent of the others. For `binary` and `multiclass`; fitted in one pass, a good second opinion. \
         Its probabilities tend to be too sure, as columns are rarely independent.\n\n\
         | parameter | meaning | default |\n|---|---|---|\n\
         | `var_smoothing` | this share of the largest variance of all columns is added to every variance | 1e-9 |\n\
         | `class_weight` | `\"balanced\"`: a row counts `n / (classes · rows of its class)`, times its \
         `data.weight`, so that every class has the same prior. It moves probabilities away from the base rate; \
         `model.calibrate` brings them back | `\"none\"` |\n\n\
         Numbers are not scaled unless `features.scale` says so: scaling changes what the smoothing adds. The \
         columns of a categorical feature count as numbers 0 and 1."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Binary, Task::Multiclass]
    }

    fn scaling(&self) -> Scaling {
        Scaling::None
    }

    fn fit(
        &self,
        params: &ModelParams,
        training: &Training<'_>,
        _seed: u64,
    ) -> Result<FittedModel, FitError> {
        let ModelParams::GaussianNb { var_smoothing } = *params else {
            return Err(FitError::Unfit { kind: ID });
        };
        let state = GaussianNbParams(Checked { var_smoothing }).fit(training)?;
        let outputs = training.targets().outputs();
        let model = Box::new(NaiveBayes::new(state, training.records().slots(), outputs));
        Ok(FittedModel { model, warnings: Vec::new() })
    }

    fn decode(&self, bytes: &[u8], slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        let state: State = postcard::from_bytes(bytes).ok()?;
        let classes = if outputs == 1 { 2 } else { outputs };
        let width: usize = slots.iter().map(|slot| slot.width()).sum();
        let cells = classes.checked_mul(width)?;
        let is_sound = state.log_priors.len() == classes
            && state.means.len() == cells
            && state.variances.len() == cells
            && state.log_priors.iter().chain(&state.means).all(|part| part.is_finite())
            && state.variances.iter().all(|variance| *variance > 0.0 && variance.is_finite());
        is_sound.then(|| Box::new(NaiveBayes::new(state, slots, outputs)) as Box<dyn Model>)
    }
}

/// Parameters as the job file has them.
#[derive(Debug, Clone, Copy)]
struct GaussianNbParams(Checked);

/// Parameters in their ranges.
#[derive(Debug, Clone, Copy)]
struct Checked {
    var_smoothing: f64,
}

impl ParamGuard for GaussianNbParams {
    type Checked = Checked;
    type Error = FitError;

    fn check_ref(&self) -> Result<&Checked, FitError> {
        let found = self.0.var_smoothing;
        check_range(ID, "var_smoothing", found, FROM_ZERO, "0 or more")?;
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
        let (index, count) = match *training.targets() {
            Target::Classes(target) if target.index.len() == design.rows() => {
                (target.index, target.count)
            }
            _ => return Err(FitError::Unfit { kind: ID }),
        };
        let found = design.width().saturating_mul(count);
        if found > MEANS_MAX {
            return Err(FitError::TooLarge { kind: ID, what: "means", found, max: MEANS_MAX });
        }
        if let Some(column) = design.first_not_finite() {
            return Err(FitError::NotFinite { column: column.to_owned() });
        }
        let state = match design.weights() {
            Some(weights) => weighted::fit(design, weights, (index, count), self.var_smoothing)?,
            None => self.plain(design, index, count)?,
        };
        let is_usable =
            |place: &usize| state.variances[*place] > 0.0 && state.variances[*place].is_finite();
        match (0..state.variances.len()).find(|place| !is_usable(place)) {
            None => Ok(state),
            Some(place) => {
                let column = design.names()[place % design.width()].clone();
                Err(if state.variances[place] > 0.0 {
                    FitError::NotFinite { column }
                } else {
                    FitError::NoVariance { column }
                })
            }
        }
    }
}

impl Checked {
    /// The fit where every row counts once, by linfa.
    fn plain(self, design: &Design, index: &[u32], count: usize) -> Result<State, FitError> {
        let records = design.view().ok_or(FitError::Unfit { kind: ID })?;
        let classes: Array1<usize> = index.iter().map(|class| *class as usize).collect();
        let fitted = LinfaParams::<f64, usize>::new()
            .var_smoothing(self.var_smoothing)
            .fit(&linfa::DatasetBase::new(records, classes))
            .map_err(estimator_error(ID))?;
        State::read(&fitted, count)
    }
}

/// What is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// One for each class.
    log_priors: Vec<f64>,
    /// One for each matrix column, one class after the other.
    means: Vec<f64>,
    /// Smoothed; in the order of `means`.
    variances: Vec<f64>,
}

/// linfa's fitted state, which it shows to serde only.
#[derive(Deserialize)]
struct LinfaState {
    class_info: BTreeMap<usize, LinfaClass>,
}

/// linfa's fitted state of one class.
#[derive(Deserialize)]
struct LinfaClass {
    prior: f64,
    theta: Array1<f64>,
    sigma: Array1<f64>,
}

impl State {
    fn read(fitted: &linfa_bayes::GaussianNb<f64, usize>, count: usize) -> Result<Self, FitError> {
        let text = serde_json::to_string(fitted).map_err(estimator_error(ID))?;
        let state: LinfaState = serde_json::from_str(&text).map_err(estimator_error(ID))?;
        if state.class_info.len() != count {
            return Err(FitError::Unfit { kind: ID });
        }
        let classes = state.class_info.values();
        Ok(Self {
            log_priors: classes.clone().map(|class| class.prior.ln()).collect(),
            means: classes.clone().flat_map(|class| class.theta.to_vec()).collect(),
            variances: classes.flat_map(|class| class.sigma.to_vec()).collect(),
        })
    }
}

/// The fitted state, and tables made from it for prediction.
#[derive(Debug)]
struct NaiveBayes {
    state: State,
    width: usize,
    /// Every class, or only the second of two.
    outputs: usize,
    /// For each class its log prior and the parts of the normal densities that no row changes.
    constants: Vec<f64>,
    /// For each class and matrix column: what a row with that category adds to the log likelihood.
    gains: Vec<f64>,
    /// For each class and matrix column: at the first column of a feature, what a row without a code adds.
    without_code: Vec<f64>,
}

impl NaiveBayes {
    fn new(state: State, slots: &[Slot], outputs: usize) -> Self {
        let width: usize = slots.iter().map(|slot| slot.width()).sum();
        let constant = |(class, prior): (usize, &f64)| {
            let columns = class * width..(class + 1) * width;
            prior + columns.map(|place| state.log_scale(place)).sum::<f64>()
        };
        let constants = state.log_priors.iter().enumerate().map(constant).collect();
        let mut out = Self {
            width,
            outputs,
            constants,
            gains: vec![0.0; state.means.len()],
            without_code: vec![0.0; state.means.len()],
            state,
        };
        for class in 0..out.state.log_priors.len() {
            for slot in slots {
                if let Slot::Levels { first, count } = *slot {
                    let at = class * width + first;
                    let sum = |own: Option<usize>| -> f64 {
                        let value = |place| if own == Some(place) { 1.0 } else { 0.0 };
                        (at..at + count).map(|place| out.state.exponent(place, value(place))).sum()
                    };
                    let without = sum(None);
                    let own: Vec<f64> = (at..at + count).map(|place| sum(Some(place))).collect();
                    out.without_code[at] = without;
                    out.gains[at..at + count].copy_from_slice(&own);
                }
            }
        }
        out
    }
}

impl State {
    /// The part of a log density that no value changes: `−log(2π · variance) / 2`.
    fn log_scale(&self, place: usize) -> f64 {
        -0.5 * (std::f64::consts::TAU * self.variances[place]).ln()
    }

    /// `−(value − mean)² / (2 · variance)`.
    fn exponent(&self, place: usize, value: f64) -> f64 {
        -0.5 * (value - self.means[place]).powi(2) / self.variances[place]
    }
}

impl Model for NaiveBayes {
    fn predict(&self, block: &Block, out: &mut [f64]) {
        let mut likelihoods = vec![0.0; self.constants.len() * block.rows];
        for (class, sums) in likelihoods.chunks_mut(block.rows.max(1)).enumerate() {
            sums.fill(self.constants[class]);
            let from = class * self.width;
            for column in &block.columns {
                match column {
                    BlockColumn::Number { column, values } => {
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += self.state.exponent(from + column, *value);
                        }
                    }
                    BlockColumn::Levels { first, codes } => {
                        let gains = &self.gains[from + first..];
                        let without = self.without_code[from + first];
                        for (sum, code) in sums.iter_mut().zip(codes) {
                            *sum += gains.get(*code as usize).copied().unwrap_or(without);
                        }
                    }
                }
            }
        }
        kernel::softmax_rows(&mut likelihoods, block.rows);
        // Of two classes the second is the one whose probability is asked for.
        let skipped = likelihoods.len() - out.len();
        out.copy_from_slice(&likelihoods[skipped..]);
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&self.state)
    }

    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>> {
        None
    }

    /// Of each class the log prior, and the log likelihood of each feature; of one output the differences.
    fn terms(&self, block: &Block) -> Terms {
        let first = |column: &BlockColumn| match column {
            BlockColumn::Number { column, .. } => *column,
            BlockColumn::Levels { first, .. } => *first,
        };
        let ends = block.columns.iter().skip(1).map(first).chain([self.width]);
        let columns: Vec<(&BlockColumn, Range<usize>)> = block
            .columns
            .iter()
            .zip(ends)
            .map(|(column, end)| (column, first(column)..end))
            .collect();
        let class = |class: usize| {
            let from = class * self.width;
            let term = |(column, range): &(&BlockColumn, Range<usize>)| {
                let scales = range.clone().map(|place| self.state.log_scale(from + place));
                let own = match column {
                    BlockColumn::Number { column, values } => {
                        self.state.exponent(from + column, values[0])
                    }
                    BlockColumn::Levels { first, codes } => {
                        let gains = &self.gains[from + first..from + range.end];
                        let without = self.without_code[from + first];
                        gains.get(codes[0] as usize).copied().unwrap_or(without)
                    }
                };
                scales.sum::<f64>() + own
            };
            let features = columns.iter().map(term).collect();
            OutputTerms { base: self.state.log_priors[class], features }
        };
        let mut outputs: Vec<OutputTerms> = (0..self.constants.len()).map(class).collect();
        if self.outputs == outputs.len() {
            return Terms { scale: TermScale::LogShares, outputs };
        }
        let positive = outputs.pop();
        let odds = outputs.pop().zip(positive).map(|(other, own)| OutputTerms {
            base: own.base - other.base,
            features: own
                .features
                .iter()
                .zip(other.features)
                .map(|(own, other)| own - other)
                .collect(),
        });
        Terms { scale: TermScale::LogOdds, outputs: odds.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use linfa_bayes::NaiveBayes as _;
    use ndarray::array;

    use super::*;

    fn columns() -> ([Vec<f64>; 2], Vec<u32>) {
        let index: Vec<u32> = (0..300).map(|row| row % 3).collect();
        let column = |step: f64| {
            let value = |(row, class): (usize, &u32)| (row as f64 * step).sin() + f64::from(*class);
            index.iter().enumerate().map(value).collect()
        };
        ([column(0.37), column(1.7)], index)
    }

    fn fit(
        columns: &[Vec<f64>],
        index: &[u32],
        var_smoothing: f64,
    ) -> Result<FittedModel, FitError> {
        let design = Design::from_columns(columns);
        let target = Target::multiclass(index, 3);
        let params = ModelParams::GaussianNb { var_smoothing };
        GaussianNb.fit(&params, &Training::new(&design, target), 7)
    }

    fn block(rows: &[[f64; 2]]) -> Block {
        let column = |column: usize| BlockColumn::Number {
            column,
            values: rows.iter().map(|row| row[column]).collect(),
        };
        Block { rows: rows.len(), columns: vec![column(0), column(1)] }
    }

    #[test]
    fn linfa_agrees_near_the_classes_and_is_infinite_far_from_them() {
        let (columns, index) = columns();
        let ours = fit(&columns, &index, 1e-9).unwrap().model;
        let records = Design::from_columns(&columns).view().unwrap().to_owned();
        let classes: Array1<usize> = index.iter().map(|class| *class as usize).collect();
        let theirs = LinfaParams::<f64, usize>::new()
            .fit(&linfa::DatasetBase::new(records, classes))
            .unwrap();
        let (theirs, _) =
            theirs.predict_proba(array![[0.5, 1.0], [2.0, 1.5], [90.0, -80.0]].view());
        let mut found = vec![0.0; 9];
        ours.predict(&block(&[[0.5, 1.0], [2.0, 1.5], [90.0, -80.0]]), &mut found);
        for row in 0..2 {
            for class in 0..3 {
                assert!((found[class * 3 + row] - theirs[[row, class]]).abs() < 1e-12);
            }
        }
        assert!(!theirs[[2, 0]].is_finite(), "linfa scales its likelihoods by now: use them again");
        let total = found[2] + found[5] + found[8];
        assert!((total - 1.0).abs() < 1e-12 && found[2] >= 0.0);
    }

    #[test]
    fn the_state_is_read_back_only_where_it_fits() {
        let (columns, index) = columns();
        let model = fit(&columns, &index, 1e-9).unwrap().model;
        let bytes = model.encode().unwrap();
        let slots = [Slot::Number { column: 0 }, Slot::Number { column: 1 }];
        let back = GaussianNb.decode(&bytes, &slots, 3).unwrap();
        assert_eq!(back.encode().unwrap(), bytes);
        assert!(GaussianNb.decode(&bytes, &slots[..1], 3).is_none());
        assert!(GaussianNb.decode(&bytes, &slots, 1).is_none());
        assert!(GaussianNb.decode(&bytes[1..], &slots, 3).is_none());
    }

    #[test]
    fn what_has_no_density_is_an_error_by_name() {
        let (mut columns, index) = columns();
        columns[1] = index.iter().map(|class| f64::from(*class)).collect();
        let told = fit(&columns, &index, 0.0).unwrap_err().to_string();
        assert_eq!(told, "column `x1` does not vary within a class; set `var_smoothing` above 0");
        columns[0][5] = f64::INFINITY;
        assert!(matches!(fit(&columns, &index, 1e-9), Err(FitError::NotFinite { .. })));
        assert!(matches!(fit(&columns, &index, -1.0), Err(FitError::Parameter { .. })));
    }
}
