//! Probabilities brought to what comes true: one map for each output, monotone, fitted after the model.
//!
//! A model may rank well and still say 0.99 where 0.8 comes true. Platt's sigmoid has two numbers and needs few
//! rows; isotonic regression takes any monotone shape and needs about a thousand. With several classes each
//! is set against the rest, and a row is then divided by its sum, or shared out evenly where every map says 0,
//! as scikit-learn's `CalibratedClassifierCV` does. Which rows a map is fitted to is not decided here; it must
//! not be rows that the model was fitted on.

/// Monotone and piecewise linear, by pooling adjacent violators.
mod isotonic;
/// What scikit-learn says of the same predictions.
#[cfg(test)]
mod oracle;
/// A sigmoid of the log odds.
mod platt;

use serde::{Deserialize, Serialize};

use self::isotonic::Steps;
use self::platt::Sigmoid;
use crate::domain::job::Calibrate;

/// What `model.calibrate` may be, each explained in Markdown.
pub static CALIBRATIONS: &[(&str, &str)] = &[
    (
        "isotonic",
        "# isotonic\n\n\
         `model.calibrate = \"isotonic\"`: a map of the model's probabilities that never falls and may have any \
         shape, by pooling adjacent violators; between thresholds it is a straight line. It needs about a \
         thousand rows, and may make equal what the model told apart, which costs a little `roc_auc`.\n\n\
         It is fitted to training rows that models of five folds had not seen, weighed by `data.weight` alone: \
         forward in time where `train.split` is by time, else by a hash of the id. Training takes about six \
         times as long. With more than two classes each is set against the rest, then a row is divided by its \
         sum. Coefficients are those of the model before calibration.",
    ),
    (
        "platt",
        "# platt\n\n\
         `model.calibrate = \"platt\"`: a sigmoid of the model's log odds, two numbers by Newton's method with \
         Platt's smoothed targets. It keeps the order of rows, and needs few of them; it can only mend what is \
         too sure or too shy throughout.\n\n\
         It is fitted to training rows that models of five folds had not seen, weighed by `data.weight` alone: \
         forward in time where `train.split` is by time, else by a hash of the id. Training takes about six \
         times as long. With more than two classes each is set against the rest, then a row is divided by its \
         sum. Coefficients are those of the model before calibration.",
    ),
];

/// One map for each output of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration(Maps);

/// The maps, all of one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Maps {
    Platt(Vec<Sigmoid>),
    Isotonic(Vec<Steps>),
}

impl Calibration {
    /// Fits maps to what a model said of rows that it had not seen.
    ///
    /// `predictions` holds one column for each output, probabilities; `index` the class of each row, and a sole
    /// output is the probability of class 1. `weights` have a mean of 1; without any, every row counts once.
    pub fn fit(
        method: Calibrate,
        predictions: &[Vec<f64>],
        index: &[u32],
        weights: Option<&[f64]>,
    ) -> Self {
        let first = u32::from(predictions.len() == 1);
        let truth = |class: u32| index.iter().map(|own| *own == class).collect::<Vec<bool>>();
        let outputs = (first..).zip(predictions);
        Self(match method {
            Calibrate::Platt => {
                let fit =
                    |(class, found): (u32, &Vec<f64>)| Sigmoid::fit(found, &truth(class), weights);
                Maps::Platt(outputs.map(fit).collect())
            }
            Calibrate::Isotonic => {
                let fit =
                    |(class, found): (u32, &Vec<f64>)| Steps::fit(found, &truth(class), weights);
                Maps::Isotonic(outputs.map(fit).collect())
            }
        })
    }

    /// Which method it is of.
    pub fn method(&self) -> Calibrate {
        match self.0 {
            Maps::Platt(_) => Calibrate::Platt,
            Maps::Isotonic(_) => Calibrate::Isotonic,
        }
    }

    /// Whether a larger prediction can become a smaller probability: the model ranked unseen rows the wrong way.
    pub fn turns_around(&self) -> bool {
        matches!(&self.0, Maps::Platt(maps) if maps.iter().any(|map| map.slope <= 0.0))
    }

    /// Calibrates the predictions in `out`, one output after the other, each `rows` long.
    ///
    /// Row by row, so that neither blocks nor threads matter. What is finite becomes a probability; what is not
    /// stays so, and is told where scores are checked.
    pub fn apply(&self, out: &mut [f64], rows: usize) {
        let columns = out.chunks_mut(rows.max(1));
        let outputs = match &self.0 {
            Maps::Platt(maps) => {
                maps.iter().zip(columns).for_each(|(map, column)| map.apply(column));
                maps.len()
            }
            Maps::Isotonic(maps) => {
                maps.iter().zip(columns).for_each(|(map, column)| map.apply(column));
                maps.len()
            }
        };
        if outputs > 1 {
            normalise(out, rows, outputs);
        }
    }

    /// Whether it could have been fitted for a model of so many outputs: what is read from a file need not be.
    pub(in crate::learn) fn is_sound(&self, outputs: usize) -> bool {
        match &self.0 {
            Maps::Platt(maps) => maps.len() == outputs && maps.iter().all(Sigmoid::is_sound),
            Maps::Isotonic(maps) => maps.len() == outputs && maps.iter().all(Steps::is_sound),
        }
    }
}

/// Divides each row by its sum; a row of zeros becomes evenly shared.
fn normalise(out: &mut [f64], rows: usize, outputs: usize) {
    let mut totals = vec![0.0; rows];
    for column in out.chunks(rows.max(1)) {
        totals.iter_mut().zip(column).for_each(|(total, share)| *total += share);
    }
    let even = 1.0 / outputs as f64;
    for column in out.chunks_mut(rows.max(1)) {
        for (share, total) in column.iter_mut().zip(&totals) {
            // Not `> 0`: a row of NaN stays one.
            *share = if total.to_bits() == 0 { even } else { *share / total };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions() -> (Vec<Vec<f64>>, Vec<u32>) {
        let share = |row: u32, salt: u32| f64::from((row * 37 + salt) % 101) / 101.0 + 1e-3;
        let rows: Vec<[f64; 3]> =
            (0..600).map(|row| [share(row, 0), share(row, 31), share(row, 57)]).collect();
        let column = |place: usize| -> Vec<f64> {
            rows.iter().map(|row| row[place] / row.iter().sum::<f64>()).collect()
        };
        let index = rows.iter().zip(0u32..).map(|(row, n)| {
            let best = u32::from(row[0] <= row[1]);
            if n % 4 == 0 { n / 4 % 3 } else { best }
        });
        ((0..3).map(column).collect(), index.collect())
    }

    #[test]
    fn rows_of_several_classes_add_up_to_1() {
        let (predictions, index) = predictions();
        for method in [Calibrate::Platt, Calibrate::Isotonic] {
            let found = Calibration::fit(method, &predictions, &index, None);
            assert!(found.is_sound(3) && !found.is_sound(1), "{found:?}");
            assert_eq!(found.method(), method);
            let mut out = predictions.concat();
            found.apply(&mut out, 600);
            for row in 0..600 {
                let shares = [out[row], out[600 + row], out[1_200 + row]];
                assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            // One row at a time, and the bits are the same.
            let mut alone = [predictions[0][7], predictions[1][7], predictions[2][7]];
            found.apply(&mut alone, 1);
            let bits = |shares: [f64; 3]| shares.map(f64::to_bits);
            assert_eq!(bits(alone), bits([out[7], out[607], out[1_207]]));
        }
    }

    #[test]
    fn rows_that_no_class_claims_are_shared_out_and_nan_is_not_hidden() {
        let mut out = [0.0, 0.2, f64::NAN, 0.0, 0.6, 0.5];
        normalise(&mut out, 3, 2);
        assert_eq!(out[..2], [0.5, 0.2 / 0.8]);
        assert_eq!(out[3..5], [0.5, 0.6 / 0.8]);
        assert!(out[2].is_nan() && out[5].is_nan());
        let (predictions, index) = predictions();
        let two: Vec<u32> = index.iter().map(|class| (*class).min(1)).collect();
        for method in [Calibrate::Platt, Calibrate::Isotonic] {
            let found = Calibration::fit(method, &predictions[1..2], &two, None);
            let mut out = [0.0, f64::MIN_POSITIVE, 1.0, f64::NAN];
            found.apply(&mut out, 4);
            assert!(out[..3].iter().all(|share| (0.0..=1.0).contains(share)), "{out:?}");
            assert!(out[3].is_nan());
        }
    }

    #[test]
    fn forged_maps_are_not_sound() {
        let steps = |x: &[f64], y: &[f64]| {
            let bytes = postcard::to_stdvec(&(x, y)).unwrap();
            Calibration(Maps::Isotonic(vec![postcard::from_bytes(&bytes).unwrap()])).is_sound(1)
        };
        assert!(steps(&[0.1, 0.2], &[0.0, 1.0]) && steps(&[0.5], &[0.5]));
        assert!(!steps(&[], &[]) && !steps(&[0.1], &[0.0, 1.0]));
        assert!(!steps(&[0.2, 0.1], &[0.0, 1.0]) && !steps(&[0.1, 0.1], &[0.0, 1.0]));
        assert!(!steps(&[0.1, 0.2], &[0.5, 0.4]) && !steps(&[0.1, 0.2], &[0.5, 1.1]));
        assert!(!steps(&[0.1, f64::NAN], &[0.5, 0.6]) && !steps(&[0.1, 0.2], &[-0.1, f64::NAN]));
        let sigmoid = |slope, intercept| {
            Calibration(Maps::Platt(vec![Sigmoid { slope, intercept }])).is_sound(1)
        };
        assert!(sigmoid(1.0, -1.0) && !sigmoid(f64::NAN, 0.0) && !sigmoid(1.0, f64::INFINITY));
    }
}
