//! Calibration of a fitted model on rows of its training set that were predicted without having been seen.
//!
//! Features and model are fitted anew without each fold and predict its rows; the maps are fitted to these
//! predictions together, and belong to the model of all rows (`ensemble=False` of scikit-learn's
//! `CalibratedClassifierCV`). Held-out test rows have no part in it. The weights are those of the rows alone,
//! without those of classes: the base rate that `class_weight` moved comes back. A fold that cannot be fitted,
//! such as one before the first row of a class, is left out and told; too few rows of a class are an error,
//! since a version that says other than it was asked to say must not be promoted in silence.

use super::{Examples, Fitted, TrainError, fit_once, positive_last};
use crate::domain::job::{Calibrate, Job};
use crate::learn::artifact::{outputs, predict};
use crate::learn::features::FeatureColumn;
use crate::learn::model::{Calibration, Labels};
use crate::learn::table::TrainingTable;
use crate::learn::weights::RowWeights;

/// How many folds there are.
pub(super) const FOLDS: usize = 5;
/// Fewest rows of each class that must have been predicted.
const CLASS_ROWS_MIN: usize = 10;
/// Fewest rows with which isotonic regression does not follow chance.
const ISOTONIC_ROWS_MIN: usize = 1_000;

/// Why a model could not be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// There are not enough rows to compare predictions with.
    #[error(
        "calibration needs at least {CLASS_ROWS_MIN} rows of each class that are predicted by models \
         which have not seen them, found {found} of class `{class}`{skipped}; train on more rows, or set \
         `model.calibrate` to \"none\""
    )]
    TooFewRows {
        /// The class.
        class: String,
        /// Its rows that were predicted.
        found: usize,
        /// Why folds are missing, if any are.
        skipped: String,
    },
    /// A model of a fold failed where that of all rows did not.
    #[error("failed to fit without fold {fold} of {FOLDS} for calibration")]
    Fold {
        /// The fold, from 1.
        fold: usize,
        /// What went wrong.
        #[source]
        source: Box<TrainError>,
    },
    /// A model of a fold predicted something that is not a number.
    #[error("the model without fold {fold} of {FOLDS} predicts NaN for some rows of it")]
    NotFinite {
        /// The fold, from 1.
        fold: usize,
    },
}

/// What models said of rows that they had not seen.
struct OutOfFold {
    /// One column for each output.
    predictions: Vec<Vec<f64>>,
    /// Places among the examples, in the order of the predictions.
    places: Vec<usize>,
    /// Why folds are missing.
    skipped: Vec<String>,
}

/// The maps for `fitted`, which is a model of all `examples`; the warnings are added to its own.
pub(super) fn calibrate(
    method: Calibrate,
    (job, columns): (&Job, &[FeatureColumn]),
    table: &TrainingTable,
    examples: &Examples,
    fitted: &mut Fitted,
) -> Result<(), TrainError> {
    let found = out_of_fold((job, columns), table, examples, fitted)?;
    let held_out = examples.gather(&found.places);
    let Labels::Classes { names, index } = &held_out.labels else { return Ok(()) };
    for (class, name) in (0u32..).zip(names) {
        let rows = index.iter().filter(|own| **own == class).count();
        if rows < CLASS_ROWS_MIN {
            let reason = found.skipped.first();
            let skipped = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            return Err(
                CalibrateError::TooFewRows { class: name.clone(), found: rows, skipped }.into()
            );
        }
    }
    fitted.warnings.extend(found.skipped);
    if method == Calibrate::Isotonic && index.len() < ISOTONIC_ROWS_MIN {
        fitted.warnings.push(format!(
            "isotonic calibration was fitted to {} rows, fewer than {ISOTONIC_ROWS_MIN}: it may follow \
             chance; `platt` needs fewer",
            index.len()
        ));
    }
    let index = positive_last(fitted.task, fitted.positive, index);
    let weights = held_out.weights.map_or(Ok(None), RowWeights::new)?;
    let weights = weights.as_ref().map(RowWeights::relative);
    let calibration = Calibration::fit(method, &found.predictions, &index, weights);
    if calibration.turns_around() {
        let warning = "on rows that it had not seen the model ranks no better than chance, and platt \
                       calibration turns its order around";
        fitted.warnings.push(warning.to_owned());
    }
    fitted.calibration = Some(calibration);
    Ok(())
}

fn out_of_fold(
    (job, columns): (&Job, &[FeatureColumn]),
    table: &TrainingTable,
    examples: &Examples,
    fitted: &Fitted,
) -> Result<OutOfFold, TrainError> {
    let outputs = outputs(fitted.task, fitted.classes.len());
    let mut out = OutOfFold {
        predictions: vec![Vec::new(); outputs],
        places: Vec::new(),
        skipped: Vec::new(),
    };
    let folds = examples.folds(&job.train.split, job.train.seed, FOLDS);
    for (fold, sides) in (1..).zip(folds) {
        let model = match fit_once(job, columns, table, &examples.gather(&sides.train)) {
            Ok(model) => model,
            // What the rows of the fold lack, all rows have: it was fitted to them.
            Err(error @ (TrainError::Label(_) | TrainError::Feature(_))) => {
                out.skipped
                    .push(format!("calibration goes without fold {fold} of {FOLDS}: {error}"));
                continue;
            }
            Err(error) => {
                return Err(CalibrateError::Fold { fold, source: Box::new(error) }.into());
            }
        };
        let rows: Vec<usize> = sides.test.iter().map(|place| examples.rows[*place]).collect();
        let frame = table.frame(&rows);
        let found = predict(&model.features, outputs, &frame, &|block, out| {
            model.model.predict(block, out);
        });
        let found = found.map_err(|_| CalibrateError::NotFinite { fold })?;
        if found.iter().flatten().any(|share| !share.is_finite()) {
            return Err(CalibrateError::NotFinite { fold }.into());
        }
        out.predictions.iter_mut().zip(found).for_each(|(out, found)| out.extend(found));
        out.places.extend(sides.test);
    }
    Ok(out)
}
