//! Why a row has its score: what each feature adds.
//!
//! The terms are those of the model (see [`crate::learn::model::Model::terms`]) and add up to what it says before
//! the link and the calibration; the score itself is made as it always is, by the same code.

use crate::domain::frame::{Cells, Frame};
use crate::domain::job::Task;
use crate::learn::artifact::{Artifact, ScoreError};
use crate::learn::features::BlockReader;
use crate::learn::model::{OutputTerms, TermScale};

/// The way from a row to its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What bases and contributions add up to.
    pub scale: TermScale,
    /// One, or one for each class in order.
    pub outputs: Vec<ExplainedOutput>,
    /// The features, that which adds most first.
    pub features: Vec<Contribution>,
}

/// One score of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedOutput {
    /// The class whose probability it is; `None` of a regression.
    pub class: Option<String>,
    /// What is there without any feature.
    pub base: f64,
    /// The base and all contributions.
    pub sum: f64,
    /// What the model makes of the sum.
    pub prediction: f64,
    /// The prediction, calibrated if the version is: the score.
    pub score: f64,
}

/// What a feature adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// The column of the table.
    pub feature: String,
    /// Its value in the row, as it was read; `None` for a null.
    pub value: Option<FeatureValue>,
    /// For each output what it adds.
    pub adds: Vec<f64>,
}

/// The value of a feature.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureValue {
    /// A number; dates are days since 1970-01-01, times of day and spans are seconds.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl Artifact {
    /// What the score of `row` of `frame` is the sum of.
    ///
    /// With several classes the log shares are those relative to the mean of all classes, since what is added to
    /// all of them changes nothing.
    pub fn explain(&self, frame: &Frame<'_>, row: usize) -> Result<Explanation, ScoreError> {
        let reader = BlockReader::new(&self.features, frame)?;
        let mut block = reader.block();
        reader.read(&(row..row + 1), &mut block);
        let mut terms = self.model.terms(&block);
        if terms.scale == TermScale::LogShares {
            centre(&mut terms.outputs);
        }
        let mut scores = vec![0.0; self.outputs()];
        self.model.predict(&block, &mut scores);
        let predictions = scores.clone();
        if let Some(calibration) = &self.calibration {
            calibration.apply(&mut scores, 1);
        }
        if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
            return Err(ScoreError::NotFinite { row, score: score.to_string() });
        }
        let output = |(place, own): (usize, &OutputTerms)| ExplainedOutput {
            class: match self.task {
                Task::Binary => self.positive_class().map(str::to_owned),
                Task::Multiclass => self.classes.get(place).cloned(),
                Task::Regression => None,
            },
            base: own.base,
            sum: own.sum(),
            prediction: predictions[place],
            score: scores[place],
        };
        let contribution = |(place, name): (usize, &str)| Contribution {
            feature: name.to_owned(),
            value: frame.column(name).and_then(|cells| value(cells, row)),
            adds: terms.outputs.iter().map(|output| output.features[place]).collect(),
        };
        let mut features: Vec<Contribution> =
            self.features.columns().enumerate().map(contribution).collect();
        features.sort_by(|one, other| other.largest().total_cmp(&one.largest()));
        let outputs = terms.outputs.iter().enumerate().map(output).collect();
        Ok(Explanation { scale: terms.scale, outputs, features })
    }
}

impl Contribution {
    /// The largest magnitude that it adds to any output.
    fn largest(&self) -> f64 {
        self.adds.iter().fold(0.0, |largest, adds| adds.abs().max(largest))
    }
}

/// Takes from each output the mean of all.
fn centre(outputs: &mut [OutputTerms]) {
    let count = outputs.len() as f64;
    let features = outputs.first().map_or(0, |output| output.features.len());
    let mean = outputs.iter().map(|output| output.base).sum::<f64>() / count;
    for output in outputs.iter_mut() {
        output.base -= mean;
    }
    for place in 0..features {
        let mean = outputs.iter().map(|output| output.features[place]).sum::<f64>() / count;
        for output in outputs.iter_mut() {
            output.features[place] -= mean;
        }
    }
}

fn value(cells: &Cells<'_>, row: usize) -> Option<FeatureValue> {
    match cells {
        Cells::Number(numbers) => numbers.value(row).map(FeatureValue::Number),
        Cells::Text(texts) => texts.value(row).map(|text| FeatureValue::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::fit::sample::{FITS, Sample};

    #[test]
    fn contributions_of_every_kind_add_up_to_the_score() {
        let sample = Sample::new(300);
        let frame = sample.frame();
        for (label, task, kind) in FITS {
            let artifact = sample.artifact(label, task, kind);
            let scores = artifact.score(&frame).unwrap();
            for row in (0..300).step_by(7) {
                let found = artifact.explain(&frame, row).unwrap();
                let own: Vec<f64> = scores.columns().iter().map(|column| column[row]).collect();
                let told: Vec<f64> = found.outputs.iter().map(|output| output.score).collect();
                assert_eq!(own, told, "{kind} {label}");
                // Of naive Bayes the terms can be thousands of times as large as their sum.
                let largest = found.features.iter().map(Contribution::largest).fold(1.0, f64::max);
                let is_near = |one: f64, other: f64| (one - other).abs() < 1e-12 * largest;
                for (place, output) in found.outputs.iter().enumerate() {
                    let added: f64 = found.features.iter().map(|feature| feature.adds[place]).sum();
                    assert!(is_near(output.base + added, output.sum), "{kind} {found:?}");
                }
                for (linked, output) in linked(&found).into_iter().zip(&found.outputs) {
                    assert!(is_near(linked, output.prediction), "{kind} {label}: {found:?}");
                }
                assert!(found.features.is_sorted_by(|one, other| one.largest() >= other.largest()));
            }
        }
    }

    /// What the sums of an explanation lead to.
    fn linked(explained: &Explanation) -> Vec<f64> {
        let sums: Vec<f64> = explained.outputs.iter().map(|output| output.sum).collect();
        match explained.scale {
            TermScale::Prediction => sums,
            TermScale::LogOdds => sums.iter().map(|sum| 1.0 / (1.0 + (-sum).exp())).collect(),
            TermScale::LogShares => {
                let largest = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = sums.iter().map(|sum| (sum - largest).exp()).sum();
                sums.iter().map(|sum| (sum - largest).exp() / total).collect()
            }
        }
    }

    #[test]
    fn what_a_column_does_not_do_it_does_not_add() {
        let sample = Sample::new(300);
        let dummy = sample.artifact("two", "binary", "dummy");
        let found = dummy.explain(&sample.frame(), 5).unwrap();
        assert!(found.features.iter().all(|feature| feature.adds == [0.0]), "{found:?}");
    }
}
