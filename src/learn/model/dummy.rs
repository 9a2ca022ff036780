//! The class shares, or the mean: what every other kind must beat.
//!
//! It looks at no feature, so whatever another kind does better is what it has learned. Ours, because
//! linfa has no such estimator.

use linfa::ParamGuard;
use linfa::traits::Fit;
use serde::{Deserialize, Serialize};

use crate::domain::job::{ModelParams, Task};
use crate::learn::features::{Block, Design, Scaling, Slot};
use crate::learn::model::{
    ClassTarget, FitError, FittedModel, Kind, Model, OutputTerms, Target, TermScale, Terms,
    Training,
};

const ID: &str = "dummy";

/// A constant prediction.
#[derive(Debug)]
pub(super) struct Dummy;

impl Kind for Dummy {
    fn id(&self) -> &'static str {
        ID
    }

    fn explain(&self) -> &'static str {
        "# dummy\n\n\
         Predicts the same for every row: the shares of the classes among the training rows, or the mean of \
         the label, each row counting by its `data.weight`. It has no parameters and looks at no feature. A model that does not beat it has learned \
         nothing."
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Binary, Task::Multiclass, Task::Regression]
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
        let ModelParams::Dummy = params else { return Err(FitError::Unfit { kind: ID }) };
        let model = Box::new(DummyParams.fit(training)?);
        Ok(FittedModel { model, warnings: Vec::new() })
    }

    fn decode(&self, bytes: &[u8], _slots: &[Slot], outputs: usize) -> Option<Box<dyn Model>> {
        let found: Constant = postcard::from_bytes(bytes).ok()?;
        let is_sound =
            found.outputs.len() == outputs && found.outputs.iter().all(|value| value.is_finite());
        is_sound.then(|| Box::new(found) as Box<dyn Model>)
    }
}

/// There is nothing to choose, so there is nothing to check.
#[derive(Debug, Clone, Copy)]
struct DummyParams;

/// See [`DummyParams`].
#[derive(Debug, Clone, Copy)]
struct Checked;

impl ParamGuard for DummyParams {
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
    type Object = Constant;

    fn fit(&self, training: &Training<'a>) -> Result<Constant, FitError> {
        let design = *training.records();
        let weights = design.weights();
        let outputs = match *training.targets() {
            Target::Values(values) => vec![design.mean(values)],
            Target::Classes(ClassTarget { index, count, outputs }) => {
                let mut counts = vec![0.0; count];
                for (row, class) in index.iter().enumerate() {
                    counts[*class as usize] += weights.map_or(1.0, |weights| weights[row]);
                }
                let mut shares: Vec<f64> =
                    counts.iter().map(|rows| rows / index.len() as f64).collect();
                shares.split_off(count - outputs.min(count))
            }
        };
        if outputs.iter().all(|output| output.is_finite()) {
            Ok(Constant { outputs })
        } else {
            Err(FitError::Unfit { kind: ID })
        }
    }
}

/// The same outputs for every row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Constant {
    outputs: Vec<f64>,
}

impl Model for Constant {
    fn predict(&self, block: &Block, out: &mut [f64]) {
        let sums = out.chunks_mut(block.rows.max(1));
        sums.zip(&self.outputs).for_each(|(out, output)| out.fill(*output));
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    fn weights(&self) -> Option<Vec<(f64, Vec<f64>)>> {
        None
    }

    fn terms(&self, block: &Block) -> Terms {
        let features = vec![0.0; block.columns.len()];
        let output = |base: &f64| OutputTerms { base: *base, features: features.clone() };
        let outputs = self.outputs.iter().map(output).collect();
        Terms { scale: TermScale::Prediction, outputs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: Target<'_>, outputs: &[f64]) {
        let design = Design::from_columns(&[vec![1.0, 2.0, 3.0, 4.0]]);
        let training = Training::new(&design, target);
        let model = Dummy.fit(&ModelParams::Dummy, &training, 7).unwrap().model;
        let slots = [Slot::Number { column: 0 }];
        let bytes = model.encode().unwrap();
        let back = Dummy.decode(&bytes, &slots, outputs.len()).unwrap();
        assert!(Dummy.decode(&bytes, &slots, outputs.len() + 1).is_none());
        let mut out = vec![0.0; 2 * outputs.len()];
        back.predict(&Block { rows: 2, columns: Vec::new() }, &mut out);
        let wanted: Vec<f64> = outputs.iter().flat_map(|output| [*output; 2]).collect();
        assert_eq!(out, wanted);
    }

    #[test]
    fn shares_and_means_are_predicted() {
        check(Target::Values(&[1.0, 2.0, 3.0, 6.0]), &[3.0]);
        check(Target::binary(&[0, 1, 1, 1]), &[0.75]);
        check(Target::multiclass(&[0, 1, 2, 2], 3), &[0.25, 0.25, 0.5]);
    }
}
